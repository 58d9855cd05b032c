//! `loadBalancers` of a service: the target groups that its tasks are registered with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A target group, and the port of a container that it sends traffic to.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    /// An EcsTargetGroup of this Namespace, by the name of the target group or by its ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 400))]
    pub target_group_arn: Option<String>,

    /// The container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub container_name: Option<String>,

    /// The port: one of the container's `portMappings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub container_port: Option<i32>,
}
