//! Every right that the operator has, and why. A test proves that the chart grants exactly these, so a right that
//! is missing here is missing in the cluster, and one that is not needed any more cannot stay behind.

/// One right: verbs on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Plural name, with the subresource behind a slash.
    pub resource: &'static str,
    /// Verbs of the Kubernetes API.
    pub verbs: &'static [&'static str],
    /// The only objects it is good for; empty means any. A right to create cannot be limited so.
    pub names: &'static [&'static str],
    /// Where it holds.
    pub scope: Scope,
    /// What the operator does with it.
    pub why: &'static str,
}

/// Where a right holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every Namespace: a ClusterRole.
    Cluster,
    /// In the operator's own Namespace only: a Role.
    OwnNamespace,
}

/// The ConfigMap, one in a Namespace, that keeps the highest revision number of each family.
pub const REVISION_NUMBERS: &str = "ecs-operator-revision-numbers";

/// The default name of the Lease for leader election.
pub const LEASE: &str = "ecs-operator";

const WATCH: &[&str] = &["list", "watch"];

/// The table.
pub const PERMISSIONS: &[Permission] = &[
    // The operator's own kinds.
    cluster(
        "ecs-operator.dev",
        "ecsclusters",
        &["create", "list", "patch", "watch"],
        "read clusters, make the cluster named default, hold a cluster that still has services",
    ),
    cluster("ecs-operator.dev", "ecsclusters/status", &["patch"], "report"),
    cluster("ecs-operator.dev", "taskdefinitions", WATCH, "read task definitions"),
    cluster("ecs-operator.dev", "taskdefinitions/status", &["patch"], "report"),
    cluster(
        "ecs-operator.dev",
        "taskdefinitionrevisions",
        &["create", "delete", "get", "list", "patch", "watch"],
        "register revisions, deregister those of a deleted task definition, delete old ones that nothing uses",
    ),
    cluster("ecs-operator.dev", "taskdefinitionrevisions/status", &["patch"], "report"),
    cluster(
        "ecs-operator.dev",
        "ecsservices",
        &["list", "patch", "watch"],
        "read services, hold a deleted one until its tasks are gone",
    ),
    cluster("ecs-operator.dev", "ecsservices/scale", &["patch"], "write a desiredCount that is absent"),
    cluster("ecs-operator.dev", "ecsservices/status", &["patch"], "report"),
    cluster(
        "ecs-operator.dev",
        "ecstasks",
        &["create", "delete", "list", "patch", "watch"],
        "read tasks, record those of services, delete old records",
    ),
    cluster("ecs-operator.dev", "ecstasks/status", &["patch"], "report"),
    cluster("ecs-operator.dev", "ecsroles", &["list", "patch", "watch"], "read roles, hold one that tasks have"),
    cluster("ecs-operator.dev", "ecsroles/status", &["patch"], "report"),
    cluster(
        "ecs-operator.dev",
        "ecssecuritygroups",
        &["create", "get", "list", "patch", "watch"],
        "read security groups, make a service's own",
    ),
    cluster("ecs-operator.dev", "ecssecuritygroups/status", &["patch"], "report"),
    cluster(
        "ecs-operator.dev",
        "ecstargetgroups",
        &["list", "patch", "watch"],
        "read target groups, hold one that tasks are registered with",
    ),
    cluster("ecs-operator.dev", "ecstargetgroups/status", &["patch"], "report"),
    // What is made of them.
    cluster(
        "",
        "namespaces",
        &["create", "get", "list", "patch", "watch"],
        "make a cluster's Namespace, or label the one it adopts",
    ),
    cluster(
        "",
        "services",
        &["create", "delete", "get", "list", "patch", "watch"],
        "give a service's tasks and target groups stable addresses",
    ),
    cluster(
        "",
        "serviceaccounts",
        &["create", "get", "list", "patch", "watch"],
        "make what a role is to the API server, and one that may do nothing",
    ),
    cluster(
        "",
        "pods",
        &["create", "delete", "get", "list", "patch", "watch"],
        "run tasks, let one by itself be scheduled once it is recorded, stop those whose essential container has ended, and tell why a task stopped",
    ),
    cluster("", "nodes", WATCH, "use what the oldest kubelet can do"),
    cluster(
        "apps",
        "deployments",
        &["create", "delete", "get", "list", "patch", "watch"],
        "run the tasks of a service",
    ),
    cluster(
        "apps",
        "replicasets",
        &["list", "patch", "watch"],
        "know what a Deployment has made of what it was told, and let one go on that takes itself for one that is being scaled",
    ),
    cluster(
        "apps",
        "daemonsets",
        &["create", "delete", "get", "list", "patch", "watch"],
        "run one task of a service on each node",
    ),
    cluster(
        "apps",
        "controllerrevisions",
        &["create", "delete", "get", "list", "patch", "watch"],
        "keep the Pod template that each deployment of a service was started with, and how far it is",
    ),
    cluster(
        "networking.k8s.io",
        "networkpolicies",
        &["create", "get", "list", "patch", "watch"],
        "enforce security groups",
    ),
    cluster(
        "gateway.networking.k8s.io",
        "httproutes",
        &["create", "delete", "get", "patch"],
        "route what a Gateway takes to the tasks of an application load balancer",
    ),
    cluster("gateway.networking.k8s.io", "gateways", &["get"], "tell where an application load balancer is reached"),
    cluster(
        "policy",
        "poddisruptionbudgets",
        &["create", "delete", "get", "list", "patch", "watch"],
        "let a drain of a node move tasks as far as the minimum healthy percent lets it",
    ),
    // Revision numbers outlive the objects that they were given to.
    cluster("", "configmaps", &["create"], "keep the highest revision number of each family"),
    Permission {
        names: &[REVISION_NUMBERS],
        ..cluster("", "configmaps", &["get", "update"], "raise the highest revision number of a family")
    },
    cluster("events.k8s.io", "events", &["create"], "tell what happened"),
    cluster(
        "authorization.k8s.io",
        "subjectaccessreviews",
        &["create"],
        "ask whether an execution role may get the Secrets that its task names",
    ),
    // Leader election.
    own_namespace("coordination.k8s.io", "leases", &["create"], &[], "take the lease for the first time"),
    own_namespace("coordination.k8s.io", "leases", &["get", "update"], &[LEASE], "take, renew and release the lease"),
];

const fn cluster(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    why: &'static str,
) -> Permission {
    Permission { group, resource, verbs, names: &[], scope: Scope::Cluster, why }
}

const fn own_namespace(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    names: &'static [&'static str],
    why: &'static str,
) -> Permission {
    Permission { group, resource, verbs, names, scope: Scope::OwnNamespace, why }
}
