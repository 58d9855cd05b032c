//! A Pod with only the fields that are used: some thousands of them are held in memory.

use kube::{Resource, api::ObjectMeta};
use serde::Deserialize;

use crate::{
    decide::task::{ObservedTask, TaskState},
    translate::labels,
};

/// A Pod.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "k8s_openapi::api::core::v1::Pod")]
pub struct Pod {
    /// Metadata without managed fields.
    pub metadata: ObjectMeta,
    /// What the kubelet reports.
    #[serde(default)]
    pub status: PodStatus,
}

/// What the kubelet reports of a Pod.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Option<String>,
    /// One entry a container.
    pub container_statuses: Vec<ContainerStatus>,
}

/// What the kubelet reports of a container.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Whether it has started and, where there is one, its startup probe has succeeded.
    pub started: Option<bool>,
    /// Whether its readiness probe succeeds.
    pub ready: bool,
}

impl ContainerStatus {
    /// Nodes that are no kubelets (virtual ones) say only whether it is ready.
    fn has_started(&self) -> bool {
        self.started.unwrap_or(self.ready)
    }
}

impl Pod {
    /// The Pod as a task; `None` when it belongs to no deployment of a service.
    #[must_use]
    pub fn observed_task(&self) -> Option<ObservedTask> {
        let deployment = self.metadata.labels.as_ref()?.get(labels::DEPLOYMENT)?.parse().ok()?;
        Some(ObservedTask { deployment, state: self.task_state() })
    }

    fn task_state(&self) -> TaskState {
        let ended = matches!(self.status.phase.as_deref(), Some("Succeeded" | "Failed"));
        let containers = &self.status.container_statuses;
        if self.metadata.deletion_timestamp.is_some() || ended {
            TaskState::Stopping
        } else if self.status.phase.as_deref() == Some("Running") && containers.iter().all(ContainerStatus::has_started)
        {
            TaskState::Running
        } else {
            TaskState::Pending
        }
    }
}
