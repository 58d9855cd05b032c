//! A node with only the fields that are used.

use kube::{Resource, api::ObjectMeta};
use serde::Deserialize;

use crate::ecs::kubernetes_version::KubernetesVersion;

/// A node.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "k8s_openapi::api::core::v1::Node")]
pub struct Node {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What the kubelet reports.
    #[serde(default)]
    pub status: NodeStatus,
}

/// What the kubelet reports of its node.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStatus {
    /// What the node is made of.
    pub node_info: NodeInfo,
}

/// What a node is made of.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInfo {
    /// Such as `v1.37.1`.
    pub kubelet_version: String,
}

impl Node {
    /// The version of its kubelet; `None` where no kubelet is (a virtual node).
    #[must_use]
    pub fn kubelet_version(&self) -> Option<KubernetesVersion> {
        KubernetesVersion::parse(&self.status.node_info.kubelet_version)
    }
}
