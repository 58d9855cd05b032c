//! `serviceConnectConfiguration` of a service, and the namespace that a cluster gives to services that name none.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unread::Unread;

/// What services of a cluster have unless they say otherwise.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ClusterServiceConnectDefaults {
    /// The namespace of services that name none; an empty one is none. Those that have one already keep it.
    #[schemars(length(max = 1024))]
    pub namespace: String,
}

/// Whether tasks reach others by the names of a namespace, and under which they are reached there.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConnectConfiguration {
    /// Whether they are.
    pub enabled: bool,

    /// The namespace, by its name or ARN. It exists by being named, for the clusters of one VPC together. Absent or empty: the
    /// one of the cluster (`serviceConnectDefaults.namespace`) when the service first took part, which it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub namespace: Option<String>,

    /// The ports under which the tasks are reached; none for a service that only reaches others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 100))]
    pub services: Option<Vec<ServiceConnectService>>,

    /// Logs of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<Unread>,

    /// Access logs of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log_configuration: Option<Unread>,

    /// Settings of the proxy's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 10))]
    pub container_configurations: Option<Vec<Unread>>,
}

/// A port under which tasks are reached.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConnectService {
    /// The name of a port mapping of the task definition.
    #[schemars(length(max = 64))]
    pub port_name: String,

    /// Its name in the namespace. Default: `portName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub discovery_name: Option<String>,

    /// The name and the port that clients use, at most 1. Default: the port of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 1))]
    pub client_aliases: Option<Vec<ServiceConnectClientAlias>>,

    /// The port of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub ingress_port_override: Option<i32>,

    /// Time limits of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Unread>,

    /// Encryption between proxies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Unread>,
}

/// The name and the port that clients use.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConnectClientAlias {
    /// The port.
    #[schemars(range(min = 0, max = 65535))]
    pub port: i32,

    /// The name, up to 127 characters. Default: `discoveryName.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 127))]
    pub dns_name: Option<String>,

    /// Requests that a test deployment gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_traffic_rules: Option<Unread>,
}
