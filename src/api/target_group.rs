//! EcsTargetGroup: a target group and the load balancer in front of it, which become a Service of Kubernetes or an HTTPRoute.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field_report::FieldOutcome;

/// A target group in the shape of CreateTargetGroup, with the attributes of ModifyTargetGroupAttributes. Services name it in
/// `loadBalancers`.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsTargetGroup",
    plural = "ecstargetgroups",
    shortname = "ecstg",
    category = "ecs",
    namespaced,
    status = "EcsTargetGroupStatus",
    doc = "A target group and the load balancer in front of it: where the tasks of services are reached.",
    printcolumn(name = "Address", type_ = "string", json_path = ".status.address"),
    printcolumn(name = "Registered", type_ = "integer", json_path = ".status.registeredTargets"),
    printcolumn(name = "Healthy", type_ = "integer", json_path = ".status.healthyTargets"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = kube::core::Rule::new(
        "(has(self.spec.name) ? self.spec.name : self.metadata.name) == (has(oldSelf.spec.name) ? oldSelf.spec.name : oldSelf.metadata.name)"
    )
    .message("spec.name is immutable: make another EcsTargetGroup for another name"),
    validation = kube::core::Rule::new(
        "(has(self.spec.protocol) && self.spec.protocol in ['UDP', 'TCP_UDP'] ? self.spec.protocol : 'TCP') == (has(oldSelf.spec.protocol) && oldSelf.spec.protocol in ['UDP', 'TCP_UDP'] ? oldSelf.spec.protocol : 'TCP')"
    )
    .message("spec.protocol may not change between TCP and UDP: make another EcsTargetGroup for the other one")
)]
#[serde(rename_all = "camelCase")]
pub struct EcsTargetGroupSpec {
    /// Name of the target group: what `targetGroupArn` of a service names, by itself or in an ARN. Up to 32 letters, digits and
    /// hyphens. Default: the name of this object. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$"))]
    pub name: Option<String>,

    /// What the load balancer speaks. Default: `TCP` for a network load balancer, else `HTTP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<TargetGroupProtocol>,

    /// The port that clients connect to. Tasks are reached on the `containerPort` that their service names. Default: 80, with
    /// `HTTPS` and `TLS` 443.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,

    /// Which HTTP is spoken with the tasks. Default: `HTTP1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<ProtocolVersion>,

    /// Tasks have addresses of their own: `ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_type: Option<TargetType>,

    /// The VPC; ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub vpc_id: Option<String>,

    /// Health checks of tasks cannot be switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_enabled: Option<bool>,

    /// How tasks are checked. Default: `TCP` where `protocol` is TCP, TLS, UDP or `TCP_UDP`, else `HTTP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_protocol: Option<HealthCheckProtocol>,

    /// The port that is checked, or `traffic-port`, the default: the port of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 12))]
    pub health_check_port: Option<String>,

    /// The path that is asked for. Default: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub health_check_path: Option<String>,

    /// Seconds between two checks. Default: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 300))]
    pub health_check_interval_seconds: Option<i32>,

    /// Seconds after which a check has failed; fewer than the interval. Default: 5; where `protocol` is TCP, TLS, UDP or
    /// `TCP_UDP`: 6 for HTTP and 10 for other checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 120))]
    pub health_check_timeout_seconds: Option<i32>,

    /// Checks in a row after which a task that was unhealthy is healthy again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold_count: Option<i32>,

    /// Failed checks in a row after which a task is unhealthy. Default: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold_count: Option<i32>,

    /// The answers that count as healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matcher: Option<Matcher>,

    /// Attributes of the target group, such as `deregistration_delay.timeout_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["key".into()]))]
    #[schemars(length(max = 50))]
    pub attributes: Option<Vec<TargetGroupAttribute>>,

    /// What ECS does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<EcsTargetGroupKubernetes>,
}

/// What a load balancer speaks.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TargetGroupProtocol {
    Http,
    Https,
    Tcp,
    Tls,
    Udp,
    TcpUdp,
}

/// Which HTTP is spoken with targets.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProtocolVersion {
    #[default]
    Http1,
    Http2,
    Grpc,
}

/// What targets are registered by.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TargetType {
    Instance,
    Ip,
}

/// How targets are checked.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthCheckProtocol {
    Http,
    Https,
    Tcp,
}

/// The answers that count as healthy.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Matcher {
    /// Codes of HTTP: `200`, `200,202`, `200-399`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub http_code: Option<String>,

    /// Codes of gRPC: `0`, `0-99`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub grpc_code: Option<String>,
}

/// An attribute of a target group.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TargetGroupAttribute {
    /// Its name.
    #[schemars(length(min = 1, max = 256))]
    pub key: String,

    /// Its value, a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub value: Option<String>,
}

/// The Kubernetes side of a target group.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsTargetGroupKubernetes {
    /// What stands in front of the tasks. `internal`, the default: a Service of type ClusterIP. `network`: one of type
    /// LoadBalancer. `application`: an HTTPRoute on a Gateway, where the Gateway API is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerKind>,

    /// The Gateway of an application load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayReference>,

    /// Host names that an application load balancer answers for. Default: all of the Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Set)]
    #[schemars(length(max = 16))]
    pub hostnames: Option<Vec<String>>,

    /// Beginning of the paths that an application load balancer answers for. Default: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^/"))]
    pub path: Option<String>,

    /// Which controller provides a network load balancer. Default: that of the Kubernetes cluster. Kubernetes does not let it
    /// change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub load_balancer_class: Option<String>,

    /// Annotations of the Service, or of the HTTPRoute where there is one: most load balancers are configured by them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 50))]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// What stands in front of the tasks.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LoadBalancerKind {
    #[default]
    Internal,
    Network,
    Application,
}

/// A Gateway.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GatewayReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Its Namespace. Default: that of the target group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,

    /// One of its listeners. Default: all that take the route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
}

/// What the operator made of a target group.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsTargetGroupStatus {
    /// ARN of the target group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<String>,

    /// Where clients reach it: a host or an address, and the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,

    /// Name of its Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,

    /// Name of its HTTPRoute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<String>,

    /// Tasks that are registered: they have an address and are not being stopped.
    #[serde(default)]
    pub registered_targets: i32,

    /// Those of them that get traffic.
    #[serde(default)]
    pub healthy_targets: i32,

    /// What Kubernetes does not do as the fields say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field_outcomes: Vec<FieldOutcome>,

    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Accepted` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
