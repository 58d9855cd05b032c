//! All caches of the operator, and what each watches.

use futures::{FutureExt, future::BoxFuture};
use k8s_openapi::api::{
    apps::v1::{ControllerRevision, DaemonSet, Deployment},
    core::v1::{Namespace, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::{Api, Client, runtime::watcher};

use crate::{
    api::{
        cluster::EcsCluster, role::EcsRole, security_group::EcsSecurityGroup, service::EcsService,
        target_group::EcsTargetGroup, task::EcsTask, task_definition::TaskDefinition,
    },
    translate::labels,
};

use super::{
    cache::{Cache, Cached},
    node::Node,
    pod::Pod,
    replica_set::ReplicaSet,
    revision::Revision,
};

/// Every cache. Of Kubernetes' own kinds only objects that the operator made are held.
#[derive(Default)]
pub struct Caches {
    /// Clusters.
    pub clusters: Cache<EcsCluster>,
    /// Task definitions.
    pub task_definitions: Cache<TaskDefinition>,
    /// Their revisions.
    pub revisions: Cache<Revision>,
    /// Services.
    pub services: Cache<EcsService>,
    /// Tasks that run by themselves, and records of those of services.
    pub tasks: Cache<EcsTask>,
    /// Roles.
    pub roles: Cache<EcsRole>,
    /// Security groups.
    pub security_groups: Cache<EcsSecurityGroup>,
    /// Target groups.
    pub target_groups: Cache<EcsTargetGroup>,
    /// Namespaces of clusters.
    pub namespaces: Cache<Namespace>,
    /// Workloads of services.
    pub deployments: Cache<Deployment>,
    /// What Kubernetes makes of them: one for each deployment of a service.
    pub replica_sets: Cache<ReplicaSet>,
    /// Workloads of services with one task on each node.
    pub daemon_sets: Cache<DaemonSet>,
    /// Deployments of services, as they were rendered.
    pub snapshots: Cache<ControllerRevision>,
    /// Addresses of services.
    pub kubernetes_services: Cache<Service>,
    /// Budgets of services.
    pub budgets: Cache<PodDisruptionBudget>,
    /// What roles are to the API server.
    pub service_accounts: Cache<ServiceAccount>,
    /// Policies of security groups.
    pub network_policies: Cache<NetworkPolicy>,
    /// The Pods of tasks.
    pub pods: Cache<Pod>,
    /// What tasks run on.
    pub nodes: Cache<Node>,
}

impl Caches {
    /// Names of the caches, as `follow` reports them.
    pub const NAMES: [&'static str; 19] = [
        "ecsclusters",
        "taskdefinitions",
        "taskdefinitionrevisions",
        "ecsservices",
        "ecstasks",
        "ecsroles",
        "ecssecuritygroups",
        "ecstargetgroups",
        "namespaces",
        "deployments",
        "replicasets",
        "daemonsets",
        "controllerrevisions",
        "services",
        "serviceaccounts",
        "networkpolicies",
        "poddisruptionbudgets",
        "pods",
        "nodes",
    ];

    /// Follows every kind until the future is dropped. `filled` is called with the name of each cache that is filled.
    pub async fn follow(&self, client: &Client, filled: &(impl Fn(&'static str) + Sync)) {
        let [
            clusters,
            task_definitions,
            revisions,
            services,
            tasks,
            roles,
            security_groups,
            target_groups,
            namespaces,
            deployments,
            replica_sets,
            daemon_sets,
            snapshots,
            addresses,
            accounts,
            policies,
            budgets,
            pods,
            nodes,
        ] = Self::NAMES;
        let everything = watcher::Config::default;
        // A page is held whole while it is read, and a revision can be large.
        let in_small_pages = || watcher::Config::default().page_size(50);
        let made = || watcher::Config::default().labels(&labels::query(&labels::managed()));
        // An adopted Namespace keeps the label that says who manages it.
        let of_clusters = || watcher::Config::default().labels(labels::CLUSTER);
        futures::future::join_all([
            follow(&self.clusters, client, everything(), clusters, filled),
            follow(&self.task_definitions, client, everything(), task_definitions, filled),
            follow(&self.revisions, client, in_small_pages(), revisions, filled),
            follow(&self.services, client, everything(), services, filled),
            follow(&self.tasks, client, everything(), tasks, filled),
            follow(&self.roles, client, everything(), roles, filled),
            follow(&self.security_groups, client, everything(), security_groups, filled),
            follow(&self.target_groups, client, everything(), target_groups, filled),
            follow(&self.namespaces, client, of_clusters(), namespaces, filled),
            follow(&self.deployments, client, made(), deployments, filled),
            follow(&self.replica_sets, client, made(), replica_sets, filled),
            follow(&self.daemon_sets, client, made(), daemon_sets, filled),
            follow(&self.snapshots, client, made(), snapshots, filled),
            follow(&self.kubernetes_services, client, made(), addresses, filled),
            follow(&self.service_accounts, client, made(), accounts, filled),
            follow(&self.network_policies, client, made(), policies, filled),
            follow(&self.budgets, client, made(), budgets, filled),
            follow(&self.pods, client, made(), pods, filled),
            follow(&self.nodes, client, everything(), nodes, filled),
        ])
        .await;
    }
}

fn follow<'a, K: Cached>(
    cache: &'a Cache<K>,
    client: &Client,
    config: watcher::Config,
    name: &'static str,
    filled: &'a (impl Fn(&'static str) + Sync),
) -> BoxFuture<'a, ()> {
    cache.follow(Api::all(client.clone()), config, move || filled(name)).boxed()
}
