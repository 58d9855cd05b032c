//! What becomes of each field of a cluster. A member of `CreateCluster` that EcsCluster does not have yet is Refused: whoever
//! builds it changes its row.

use crate::ecs::{object_names, service_connect};

use super::{
    field::Field,
    row::{Row, approximated, mapped, refused},
};

const PROVIDERS: &str = "There are no capacity providers yet: take it out. Tasks run on any node that kubernetes.nodeSelector of their task definition allows.";

const VPC: &str = "It only says which clusters are of one network: rules of security groups may name groups of those, and they have their namespaces of Service Connect together.";
const SUBNETS: &str = "A subnet is a choice of nodes: the addresses of tasks are those of the pod network.";

pub(super) const ROWS: &[Row] = &[
    approximated("clusterName", "It is the name in ARNs; kubernetes.namespace names the Namespace.")
        .when("beside kubernetes.namespace", names_its_namespace),
    approximated("clusterName", "The Namespace is called {namespace of the cluster}; ARNs have this name.")
        .when("ecs- and the name are no DNS label", |field| {
            object_names::namespace(field.text()) != format!("ecs-{}", field.text())
        }),
    mapped("clusterName"),
    approximated(
        "region",
        "It chooses nodes. ARNs and the variable AWS_REGION have the region of the operator (--region).",
    ),
    approximated("vpc", VPC),
    approximated("vpc.id", VPC),
    approximated("subnets", SUBNETS),
    approximated("subnets[].id", SUBNETS),
    approximated("subnets[].availabilityZone", SUBNETS),
    approximated("subnets[].nodeSelector", SUBNETS),
    refused("tags", "A cluster has no tags yet: take them out, and label the EcsCluster in its metadata."),
    refused("settings", "A cluster has no settings yet: take them out. Metrics are those of the Kubernetes cluster."),
    refused(
        "configuration",
        "There is nothing to configure: take it out. kubectl exec needs no switch, and volumes are encrypted by their StorageClass.",
    ),
    refused("capacityProviders", PROVIDERS),
    refused("defaultCapacityProviderStrategy", PROVIDERS),
    approximated("serviceConnectDefaults", service_connect::NAMESPACE),
    approximated("serviceConnectDefaults.namespace", service_connect::NAMESPACE),
    mapped("kubernetes"),
    mapped("kubernetes.namespace"),
    mapped("kubernetes.podSecurity"),
    approximated(
        "kubernetes.stoppedTaskRetention",
        "ECS shows stopped tasks for about an hour; here it is as long as this says.",
    ),
];

fn names_its_namespace(field: &Field<'_>) -> bool {
    field.document()["kubernetes"]["namespace"].is_string()
}
