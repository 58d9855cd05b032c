//! The object that runs the tasks of a service, whichever of the two kinds it is.

use std::sync::Arc;

use k8s_openapi::{
    api::apps::v1::{DaemonSet, Deployment, DeploymentCondition},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::api::ObjectMeta;

use crate::{api::service::SchedulingStrategy, decide::workload::WorkloadState, translate::labels};

use super::caches::Caches;

/// A workload.
#[derive(Clone, Debug)]
pub enum Workload {
    /// So many tasks.
    Deployment(Arc<Deployment>),
    /// One task on each node.
    DaemonSet(Arc<DaemonSet>),
}

impl Workload {
    /// The workload of a name. A service has only one, and cannot change its kind; one of the other kind is left of an earlier
    /// service.
    #[must_use]
    pub fn find(caches: &Caches, namespace: &str, name: &str, scheduling: SchedulingStrategy) -> Option<Self> {
        let daemon_set = || caches.daemon_sets.get(namespace, name).map(Self::DaemonSet);
        let deployment = || caches.deployments.get(namespace, name).map(Self::Deployment);
        match scheduling {
            SchedulingStrategy::Replica => deployment().or_else(daemon_set),
            SchedulingStrategy::Daemon => daemon_set().or_else(deployment),
        }
    }

    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Deployment(deployment) => &deployment.metadata,
            Self::DaemonSet(daemon_set) => &daemon_set.metadata,
        }
    }

    /// Number of the snapshot that it was last given.
    #[must_use]
    pub fn snapshot(&self) -> Option<i64> {
        self.metadata().labels.as_ref()?.get(labels::DEPLOYMENT)?.parse().ok()
    }

    /// What it says of its tasks.
    #[must_use]
    pub fn state(&self) -> WorkloadState {
        let (generation, template) = (self.metadata().generation, self.snapshot());
        match self {
            Self::Deployment(deployment) => {
                let status = deployment.status.clone().unwrap_or_default();
                WorkloadState {
                    is_observed: status.observed_generation >= generation,
                    is_paused: deployment.spec.as_ref().and_then(|spec| spec.paused).unwrap_or(false),
                    template,
                    most: self.desired_count().saturating_add(max_surge(deployment)),
                    total: status.replicas.unwrap_or(0),
                    updated: status.updated_replicas.unwrap_or(0),
                    available: status.available_replicas.unwrap_or(0),
                    beyond: 0,
                }
            }
            Self::DaemonSet(daemon_set) => {
                let status = daemon_set.status.clone().unwrap_or_default();
                WorkloadState {
                    is_observed: status.observed_generation >= generation,
                    // It is never scaled.
                    is_paused: false,
                    template,
                    most: self.desired_count(),
                    total: status.current_number_scheduled,
                    updated: status.updated_number_scheduled.unwrap_or(0),
                    available: status.number_available.unwrap_or(0),
                    beyond: status.number_misscheduled,
                }
            }
        }
    }

    /// How many tasks it is to have: as it was last told, or as many as there are nodes for them.
    #[must_use]
    pub fn desired_count(&self) -> u32 {
        let count = match self {
            Self::Deployment(deployment) => deployment.spec.as_ref().and_then(|spec| spec.replicas),
            Self::DaemonSet(daemon_set) => daemon_set.status.as_ref().map(|status| status.desired_number_scheduled),
        };
        count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
    }

    /// Seconds for which a task must be ready before it counts.
    #[must_use]
    pub fn min_ready_seconds(&self) -> u64 {
        let seconds = match self {
            Self::Deployment(deployment) => deployment.spec.as_ref().and_then(|spec| spec.min_ready_seconds),
            Self::DaemonSet(daemon_set) => daemon_set.spec.as_ref().and_then(|spec| spec.min_ready_seconds),
        };
        seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0)
    }

    /// Why Kubernetes refuses to make its Pods. A DaemonSet does not say.
    #[must_use]
    pub fn refused_pods(&self) -> Option<&str> {
        let Self::Deployment(deployment) = self else { return None };
        let failure =
            |condition: &&DeploymentCondition| condition.type_ == "ReplicaFailure" && condition.status == "True";
        let conditions = deployment.status.as_ref()?.conditions.iter().flatten();
        let message = conditions.into_iter().find(failure)?.message.as_deref()?;
        // What stands before is the name of the Pod, another one at each attempt.
        Some(message.split_once(" is forbidden: ").map_or(message, |(_, cause)| cause))
    }
}

/// Tasks that a Deployment may have beyond its `replicas`. The operator writes numbers only.
fn max_surge(deployment: &Deployment) -> u32 {
    let strategy = deployment.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    match rolling.and_then(|rolling| rolling.max_surge.as_ref()) {
        Some(IntOrString::Int(surge)) => u32::try_from(*surge).unwrap_or(0),
        Some(IntOrString::String(_)) | None => 0,
    }
}
