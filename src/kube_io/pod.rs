//! A Pod with only the fields that are used: some thousands of them are held in memory.

use kube::{Resource, ResourceExt, api::ObjectMeta};
use serde::Deserialize;

use crate::{
    decide::{
        pod_status::{ContainerStatus, PodStatus},
        task::{ObservedTask, TaskState},
    },
    ecs::{target::Target, task_containers::RunningContainer},
    translate::{
        labels, names,
        pod::{running_containers, targets},
        task_pod::RECORDED_GATE,
    },
};

/// A Pod.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "k8s_openapi::api::core::v1::Pod")]
#[serde(from = "Received")]
pub struct Pod {
    /// Metadata without managed fields.
    pub metadata: ObjectMeta,
    /// What it is to be.
    pub spec: PodSpec,
    /// What the kubelet reports.
    pub status: PodStatus,
    /// What it is to target groups.
    pub targets: Vec<Target>,
    /// The containers of its task. They are read when it is received: they are asked for at each look.
    pub containers: Vec<RunningContainer>,
}

/// A Pod as the API server sends it.
#[derive(Deserialize)]
struct Received {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

impl From<Received> for Pod {
    fn from(Received { metadata, spec, status }: Received) -> Self {
        let annotations = metadata.annotations.as_ref();
        let containers = annotations.map(running_containers).unwrap_or_default();
        let targets = annotations.map(targets).unwrap_or_default();
        Self { metadata, spec, status, targets, containers }
    }
}

/// What a Pod is to be.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// The node that was found for it.
    pub node_name: Option<String>,
    /// The ServiceAccount that it runs as.
    pub service_account_name: Option<String>,
    /// What keeps it from being scheduled.
    pub scheduling_gates: Vec<SchedulingGate>,
}

/// What keeps a Pod from being scheduled.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct SchedulingGate {
    /// Its name.
    pub name: String,
}

impl Pod {
    /// The id of its task, where it is the task of a service.
    #[must_use]
    pub fn service_task_id(&self) -> Option<String> {
        self.deployment()?;
        Some(names::task_id(self.metadata.uid.as_deref()?))
    }

    /// Number of the deployment of a service that it belongs to.
    #[must_use]
    pub fn deployment(&self) -> Option<i64> {
        self.labels().get(labels::DEPLOYMENT)?.parse().ok()
    }

    /// Whether it may not run before its UID stands in the status of its task.
    #[must_use]
    pub fn waits_to_be_recorded(&self) -> bool {
        self.spec.scheduling_gates.iter().any(|gate| gate.name == RECORDED_GATE)
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// The Pod as a task that is counted; `None` when it belongs to no deployment of a service.
    #[must_use]
    pub fn observed_task(&self) -> Option<ObservedTask> {
        Some(ObservedTask { deployment: self.deployment()?, state: self.task_state() })
    }

    /// The same of any task, also of one that runs by itself, as long as it has not ended.
    #[must_use]
    pub fn running_task(&self) -> Option<ObservedTask> {
        let is_task = self.labels().contains_key(labels::DEPLOYMENT) || self.labels().contains_key(labels::TASK);
        let deployment = self.deployment().unwrap_or_default();
        (is_task && !self.status.has_ended()).then(|| ObservedTask { deployment, state: self.task_state() })
    }

    /// How far it is, as tasks are counted.
    #[must_use]
    pub fn task_state(&self) -> TaskState {
        let containers = &self.status.container_statuses;
        if self.is_deleted() || self.status.has_ended() {
            TaskState::Stopping
        } else if self.status.phase.as_deref() == Some("Running")
            && containers.iter().all(ContainerStatus::has_started_once)
        {
            TaskState::Running
        } else {
            TaskState::Pending
        }
    }
}
