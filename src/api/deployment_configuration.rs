//! How a new deployment of a service replaces the old one: `deploymentConfiguration` of CreateService. Data only. What is
//! not built is here as well, so that a pasted document gets an answer that says what to do.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unread::Unread;

/// How many tasks may run, and must, while a deployment replaces them, and when it has failed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = kube::core::Rule::new(
        "!(has(self.maximumPercent) && self.maximumPercent == 100 && has(self.minimumHealthyPercent) && self.minimumHealthyPercent == 100)"
    ).message("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments")
)]
pub struct DeploymentConfiguration {
    /// Most tasks during a deployment, in percent of `desiredCount`, rounded down; at least 100. Default: 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 10000))]
    pub maximum_percent: Option<i32>,

    /// Fewest healthy tasks during a deployment, in percent of `desiredCount`, rounded up; 0 to 100. Default: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub minimum_healthy_percent: Option<i32>,

    /// Ends a deployment whose tasks fail one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,

    /// `ROLLING`. The others are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<DeploymentStrategy>,

    /// Minutes for which a deployment has to be steady before it is completed, 0 to 1440. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1440))]
    pub bake_time_in_minutes: Option<i32>,

    /// When a deployment is complete before all its tasks are healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_success_criteria: Option<DeploymentEarlySuccessCriteria>,

    /// Alarms that end a deployment. Refused when they are enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<DeploymentAlarms>,

    /// Hooks that a deployment waits for. Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 20))]
    pub lifecycle_hooks: Option<Vec<Unread>>,

    /// Steps of the strategy LINEAR. Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear_configuration: Option<LinearConfiguration>,

    /// Steps of the strategy CANARY. Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_configuration: Option<CanaryConfiguration>,
}

/// Ends a deployment whose tasks fail one after another.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentCircuitBreaker {
    /// Whether it does.
    pub enable: bool,

    /// Whether the last deployment that was completed runs again then. Without `enable` it means nothing.
    pub rollback: bool,

    /// Whether failures are counted anew when a task becomes healthy. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_on_healthy_task: Option<bool>,

    /// How many failures it takes. Default: half of `desiredCount`, at least 3 and at most 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_configuration: Option<ThresholdConfiguration>,
}

/// How many failures end a deployment.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = kube::core::Rule::new("self.type == 'COUNT' || self.value <= 100")
        .message("Invalid deployment circuit breaker threshold value. A percentage is at most 100.")
)]
pub struct ThresholdConfiguration {
    /// `COUNT`: a number; `BOUNDED_PERCENT`: percent of `desiredCount`, at least 3 tasks and at most 200;
    /// `UNBOUNDED_PERCENT`: percent of `desiredCount`.
    #[serde(rename = "type")]
    pub type_: ThresholdType,

    /// The number or the percentage, at least 1.
    #[schemars(range(min = 1, max = 100_000))]
    pub value: i32,
}

/// What a threshold is measured in.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ThresholdType {
    Count,
    BoundedPercent,
    UnboundedPercent,
}

/// How a new deployment takes over.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentStrategy {
    #[default]
    Rolling,
    BlueGreen,
    Linear,
    Canary,
}

/// When a deployment is complete before all its tasks are healthy.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentEarlySuccessCriteria {
    /// Whether it can be.
    pub enable: bool,

    /// Healthy tasks that it takes, in percent of `desiredCount`, rounded up; at least `minimumHealthyPercent`, which is also
    /// the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub healthy_percent: Option<i32>,

    /// Whether the old tasks have to be gone before it is complete (`BLOCKING`), or go after that (`DEFERRED`). Default:
    /// `BLOCKING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_service_revision_cleanup: Option<SourceServiceRevisionCleanup>,
}

/// When the old tasks go.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourceServiceRevisionCleanup {
    Blocking,
    Deferred,
}

/// Alarms that end a deployment.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentAlarms {
    /// Their names.
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub alarm_names: Vec<String>,

    /// Whether the last deployment that was completed runs again then.
    pub rollback: bool,

    /// Whether they are looked at.
    pub enable: bool,
}

/// Steps of the strategy LINEAR.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LinearConfiguration {
    /// Percent of the traffic that each step moves, 3 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3, max = 100))]
    pub step_percent: Option<f64>,

    /// Minutes between two steps, 0 to 1440.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1440))]
    pub step_bake_time_in_minutes: Option<i32>,
}

/// Steps of the strategy CANARY.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CanaryConfiguration {
    /// Percent of the traffic that the first step moves, 0.1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 100.0))]
    pub canary_percent: Option<f64>,

    /// Minutes between the two steps, 0 to 1440.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1440))]
    pub canary_bake_time_in_minutes: Option<i32>,
}
