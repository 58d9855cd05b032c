//! First step: what the operator has seen of a service and of all that matters to it. Reads caches only.

use std::sync::Arc;

use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Service, networking::v1::NetworkPolicy},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;

use crate::{
    api::{
        cluster::EcsCluster, security_group::EcsSecurityGroup, service::EcsService, service_status::EcsServiceStatus,
    },
    controllers::{cluster::namespace_of, context::Context},
    decide::task::ObservedTask,
    kube_io::revision::Revision,
    translate::{labels, names, owner::Owner, snapshot::Snapshot},
};

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
    pub(super) revisions: Vec<Arc<Revision>>,
    /// Where task definitions are looked for next, and those that are there.
    pub(super) shared: Option<(String, Vec<Arc<Revision>>)>,
    pub(super) security_groups: Vec<Arc<EcsSecurityGroup>>,
    pub(super) deployment: Option<Arc<Deployment>>,
    pub(super) kubernetes_service: Option<Arc<Service>>,
    pub(super) isolation: Option<Arc<NetworkPolicy>>,
    pub(super) snapshots: Vec<StoredSnapshot>,
    pub(super) tasks: Vec<ObservedTask>,
}

/// A snapshot, and when it was stored.
pub(super) struct StoredSnapshot {
    pub(super) snapshot: Snapshot,
    pub(super) object: String,
    pub(super) created_at: Option<Time>,
}

impl Observed {
    /// Number of the snapshot that the Deployment was last given.
    pub(super) fn applied_snapshot(&self) -> Option<i64> {
        let deployment = self.deployment.as_ref().filter(|deployment| self.owner.controls(&***deployment))?;
        deployment.labels().get(labels::DEPLOYMENT)?.parse().ok()
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
    Observed {
        status: service.status.clone().unwrap_or_default(),
        clusters: caches.clusters.store.state_filter(|cluster| namespace_of(cluster) == namespace),
        namespace_terminating: context.is_terminating(&namespace),
        revisions: caches.revisions.in_namespace(&namespace),
        shared: context
            .settings
            .shared_namespace
            .clone()
            .filter(|shared| *shared != namespace)
            .map(|shared| (shared.clone(), caches.revisions.in_namespace(&shared))),
        security_groups: caches.security_groups.in_namespace(&namespace),
        deployment: caches.deployments.get(&namespace, &workload),
        kubernetes_service: caches.kubernetes_services.get(&namespace, &workload),
        isolation: caches.network_policies.get(&namespace, &names::isolation_policy(&name)),
        snapshots: snapshots
            .iter()
            .filter(|stored| owner.controls(&***stored))
            .filter_map(|stored| {
                Some(StoredSnapshot {
                    snapshot: Snapshot::read(stored)?,
                    object: stored.name_any(),
                    created_at: stored.metadata.creation_timestamp.clone(),
                })
            })
            .collect(),
        tasks: pods.iter().filter_map(|pod| pod.observed_task()).collect(),
        service,
        namespace,
        name,
        owner,
    }
}
