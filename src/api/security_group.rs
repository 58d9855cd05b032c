//! EcsSecurityGroup: rules in the shape of EC2's, which become one NetworkPolicy.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A security group. Groups of one task add up, and replies to what is let through always pass.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsSecurityGroup",
    plural = "ecssecuritygroups",
    shortname = "ecssg",
    category = "ecs",
    namespaced,
    status = "EcsSecurityGroupStatus",
    doc = "A security group: what may reach the tasks that name it, and what they may reach.",
    printcolumn(name = "NetworkPolicy", type_ = "string", json_path = ".status.networkPolicy"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct EcsSecurityGroupSpec {
    /// What the group is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub description: Option<String>,

    /// What may come in. Absent or empty: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 200))]
    pub ingress: Option<Vec<SecurityGroupRule>>,

    /// What may go out. Absent: everything. An empty list: nothing but DNS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 200))]
    pub egress: Option<Vec<SecurityGroupRule>>,

    /// What EC2 does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<EcsSecurityGroupKubernetes>,
}

impl EcsSecurityGroupSpec {
    /// The Pods that belong to the group without being tasks.
    #[must_use]
    pub fn members(&self) -> &[SecurityGroupMember] {
        let members = self.kubernetes.as_ref().and_then(|kubernetes| kubernetes.members.as_deref());
        members.unwrap_or_default()
    }
}

/// The Kubernetes side of a security group.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsSecurityGroupKubernetes {
    /// Pods that are no tasks and belong to the group all the same, where another rule names it: those of a gateway, for example.
    /// Its own rules do not hold for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 20))]
    pub members: Option<Vec<SecurityGroupMember>>,
}

/// Pods that belong to a security group.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroupMember {
    /// Their Namespaces. Absent: that of the group. An empty selector: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,

    /// Their labels. Absent or empty: all Pods of those Namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
}

/// One rule. It names at most one of `cidrIp`, `cidrIpv6` and `sourceSecurityGroup`; a rule that names none means anyone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroupRule {
    /// `tcp`, `udp`, or `-1` for every protocol and port. `icmp` and `icmpv6` are refused.
    pub ip_protocol: IpProtocol,

    /// First port of the range. Absent with `-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 65535))]
    pub from_port: Option<i32>,

    /// Last port of the range. Default: `fromPort`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 65535))]
    pub to_port: Option<i32>,

    /// An IPv4 range. `0.0.0.0/0` means anyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ip: Option<String>,

    /// An IPv6 range. `::/0` means anyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ipv6: Option<String>,

    /// The other side is a task with this security group, of the same Namespace unless `kubernetes.cluster` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_security_group: Option<String>,

    /// Refused, as the other members that name a prefix list or the id of a group are. Without them a rule would mean anyone, so they
    /// are not just left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_list_id: Option<String>,

    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_prefix_list_id: Option<String>,

    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_prefix_list_id: Option<String>,

    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_security_group_id: Option<String>,

    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_security_group_id: Option<String>,

    /// What the rule is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub description: Option<String>,

    /// What EC2 does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<SecurityGroupRuleKubernetes>,
}

/// The Kubernetes side of a rule.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroupRuleKubernetes {
    /// Name of the cluster, as ECS shows it, whose security group `sourceSecurityGroup` is; both clusters have the same `spec.vpc.id`.
    /// Default: the own one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub cluster: Option<String>,
}

/// The protocol of a rule, as EC2 writes it.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpProtocol {
    #[default]
    #[serde(rename = "tcp")]
    Tcp,
    #[serde(rename = "udp")]
    Udp,
    #[serde(rename = "icmp")]
    Icmp,
    #[serde(rename = "icmpv6")]
    Icmpv6,
    #[serde(rename = "-1")]
    All,
}

/// What the operator made of a security group.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsSecurityGroupStatus {
    /// Name of the NetworkPolicy that enforces the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_policy: Option<String>,

    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Accepted` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
