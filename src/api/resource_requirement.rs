//! Accelerators that a container needs: data only.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An accelerator that a container needs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("!(has(self.value) && has(self.sharingStrategy))").message("value and sharingStrategy exclude each other: remove one of them"))]
pub struct ResourceRequirement {
    /// What kind of accelerator. `InferenceAccelerator` is retired and refused.
    #[serde(rename = "type")]
    pub type_: ResourceType,

    /// How many. `ALL` is refused: Kubernetes counts accelerators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,

    /// How a GPU is shared with other containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_strategy: Option<SharingStrategy>,
}

/// A kind of accelerator.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    #[serde(rename = "GPU")]
    Gpu,
    InferenceAccelerator,
    NeuronDevice,
}

/// How a GPU is shared.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SharingStrategy {
    /// By NVIDIA's Multi-Process Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nvidia_mps: Option<NvidiaMpsAllocation>,
}

/// A part of a GPU.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NvidiaMpsAllocation {
    /// MiB of its memory.
    #[schemars(range(min = 1))]
    pub memory: i32,

    /// Most percent of its computing power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub max_compute_percent: Option<i32>,
}
