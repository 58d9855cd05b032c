//! What becomes of each field of a service.

use super::row::{Row, ignored, mapped};

pub(super) const ROWS: &[Row] = &[
    mapped("cluster"),
    mapped("serviceName"),
    mapped("taskDefinition"),
    mapped("desiredCount"),
    mapped("schedulingStrategy"),
    mapped("networkConfiguration"),
    mapped("networkConfiguration.awsvpcConfiguration"),
    ignored(
        "networkConfiguration.awsvpcConfiguration.subnets",
        "The pod network has no subnets: the tasks run on any node.",
    ),
    mapped("networkConfiguration.awsvpcConfiguration.securityGroups"),
    ignored(
        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        "Pods have no public addresses: put a Service of type LoadBalancer or a Gateway in front of the service.",
    ),
    mapped("deploymentConfiguration"),
    mapped("deploymentConfiguration.maximumPercent"),
    mapped("deploymentConfiguration.minimumHealthyPercent"),
    mapped("forceNewDeployment"),
    mapped("kubernetes"),
    mapped("kubernetes.minReadySeconds"),
    mapped("kubernetes.preStopSeconds"),
];
