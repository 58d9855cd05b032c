//! First step: what the operator has seen of a service and of all that matters to it. Reads caches only.

use std::sync::Arc;

use k8s_openapi::{
    api::{
        apps::v1::{ControllerRevision, Deployment, DeploymentCondition},
        core::v1::Service,
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;

use crate::{
    api::{
        cluster::EcsCluster, security_group::EcsSecurityGroup, service::EcsService, service_status::EcsServiceStatus,
    },
    controllers::{context::Context, earlier_ends::earlier_ends, revision_lookup::Places},
    decide::{rollout::Rollout, start_throttle::TaskEnd, task::ObservedTask},
    translate::{
        labels, names,
        owner::Owner,
        snapshot::{Snapshot, deployment_id},
    },
};

use super::tasks::{self, Task};

/// What the operator has seen.
pub(super) struct Observed {
    pub(super) service: Arc<EcsService>,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) owner: Owner,
    pub(super) status: EcsServiceStatus,
    /// Clusters that claim the Namespace.
    pub(super) clusters: Vec<Arc<EcsCluster>>,
    pub(super) namespace_terminating: bool,
    pub(super) places: Places,
    pub(super) security_groups: Vec<Arc<EcsSecurityGroup>>,
    pub(super) deployment: Option<Arc<Deployment>>,
    pub(super) kubernetes_service: Option<Arc<Service>>,
    pub(super) isolation: Option<Arc<NetworkPolicy>>,
    pub(super) snapshots: Vec<StoredSnapshot>,
    /// All tasks, those that are being stopped as well.
    pub(super) tasks: Vec<ObservedTask>,
    /// Those that nobody stops.
    pub(super) live_tasks: Vec<Task>,
    /// How tasks ended that have stopped by themselves, with their deployments, the newest first.
    pub(super) earlier_ends: Vec<(i64, TaskEnd)>,
    pub(super) budget: Option<Arc<PodDisruptionBudget>>,
}

/// A snapshot, and when it was stored.
pub(super) struct StoredSnapshot {
    pub(super) snapshot: Snapshot,
    pub(super) object: String,
    pub(super) created_at: Option<Time>,
    /// How far the deployment is.
    pub(super) rollout: Rollout,
    /// What its annotation says of that.
    pub(super) kept: Option<String>,
}

impl Observed {
    /// Number of the snapshot that the Deployment was last given.
    pub(super) fn applied_snapshot(&self) -> Option<i64> {
        let deployment = self.deployment.as_ref().filter(|deployment| self.owner.controls(&***deployment))?;
        deployment.labels().get(labels::DEPLOYMENT)?.parse().ok()
    }

    /// How many tasks the Deployment was last told to have.
    pub(super) fn replicas(&self) -> u32 {
        let spec = self.deployment.as_ref().and_then(|deployment| deployment.spec.as_ref());
        spec.and_then(|spec| spec.replicas).and_then(|replicas| u32::try_from(replicas).ok()).unwrap_or(0)
    }

    /// Why the Deployment cannot make Pods, as its `ReplicaSet` was told.
    pub(super) fn refused_pods(&self) -> Option<&str> {
        let status = self.deployment.as_ref()?.status.as_ref()?;
        let failure =
            |condition: &&DeploymentCondition| condition.type_ == "ReplicaFailure" && condition.status == "True";
        let message = status.conditions.iter().flatten().find(failure)?.message.as_deref()?;
        // What stands before is the name of the Pod, another one at each attempt.
        Some(message.split_once(" is forbidden: ").map_or(message, |(_, cause)| cause))
    }

    /// The id of a deployment.
    pub(super) fn deployment_id(&self, number: i64) -> String {
        deployment_id(&self.owner.uid, number)
    }

    /// All snapshots by their numbers, with how far their deployments are.
    pub(super) fn history(&self) -> Vec<(i64, Rollout)> {
        self.snapshots.iter().map(|stored| (stored.snapshot.number, stored.rollout.clone())).collect()
    }

    /// What the last deployment was started with.
    pub(super) fn newest_snapshot(&self) -> Option<&Snapshot> {
        self.snapshots.iter().map(|stored| &stored.snapshot).max_by_key(|snapshot| snapshot.number)
    }

    /// The security group that is named after the service, whoever made it.
    pub(super) fn own_group(&self) -> Option<&Arc<EcsSecurityGroup>> {
        let name = names::workload(&self.name);
        self.security_groups.iter().find(|group| group.name_any() == name)
    }
}

pub(super) fn observe(service: Arc<EcsService>, context: &Context) -> Observed {
    let caches = &context.caches;
    let (namespace, name) = (service.namespace().unwrap_or_default(), service.name_any());
    let workload = names::workload(&name);
    let owner = Owner::of(&*service);
    // By their owner, not by a label, which somebody may have taken off.
    let snapshots = caches.snapshots.in_namespace(&namespace);
    let pods = caches.pods.labelled(&namespace, labels::SERVICE, &workload);
    let records = caches.tasks.labelled(&namespace, labels::SERVICE, &workload);
    let status = service.status.clone().unwrap_or_default();
    Observed {
        clusters: context.clusters_of(&namespace),
        namespace_terminating: context.is_terminating(&namespace),
        places: Places::of(&namespace, context),
        security_groups: caches.security_groups.in_namespace(&namespace),
        deployment: caches.deployments.get(&namespace, &workload),
        kubernetes_service: caches.kubernetes_services.get(&namespace, &workload),
        isolation: caches.network_policies.get(&namespace, &names::isolation_policy(&name)),
        snapshots: snapshots
            .iter()
            .filter(|stored| owner.controls(&***stored))
            .filter_map(|stored| StoredSnapshot::read(stored, &owner, &status))
            .collect(),
        tasks: pods.iter().filter_map(|pod| pod.observed_task()).collect(),
        live_tasks: tasks::of_pods(&pods, context),
        earlier_ends: earlier_ends(&records),
        budget: caches.budgets.get(&namespace, &workload),
        status,
        service,
        namespace,
        name,
        owner,
    }
}

impl StoredSnapshot {
    /// Reads a ControllerRevision of a service; `None` when it is none of ours.
    fn read(stored: &ControllerRevision, owner: &Owner, status: &EcsServiceStatus) -> Option<Self> {
        let snapshot = Snapshot::read(stored)?;
        let id = snapshot.deployment_id(&owner.uid);
        let shown = status.deployments.iter().find(|deployment| deployment.id == id);
        let kept = stored.annotations().get(labels::ROLLOUT).map(String::as_str);
        Some(Self {
            kept: kept.map(str::to_owned),
            rollout: Rollout::read(kept, shown.map(|deployment| deployment.rollout_state)),
            snapshot,
            object: stored.name_any(),
            created_at: stored.metadata.creation_timestamp.clone(),
        })
    }
}
