//! What has to be known of a running task's containers when its definition may be gone: which are essential, and how long a
//! health check may fail. It travels with the Pod.

use serde::{Deserialize, Serialize};

use super::task_definition::{TaskDefinition, health_check::HealthCheck};

/// A container of a running task.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RunningContainer {
    /// Its name in ECS.
    pub name: String,
    /// Its name in the Pod, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_name: Option<String>,
    /// Whether the task ends with it.
    pub essential: bool,
    /// Where Kubernetes starts it again when it ends, in a task by itself: the exit codes after which it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts_but_after: Option<Vec<i32>>,
    /// Its health check, or that of a target group, where the Pod's readiness follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthBudget>,
    /// The target group whose check that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetOf>,
}

/// The port of a container that a target group checks.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TargetOf {
    /// ARN of the target group.
    pub arn: String,
    /// The port that gets the traffic.
    pub port: u16,
}

/// How long a health check may fail before the container is unhealthy. Seconds.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct HealthBudget {
    /// Between two checks.
    pub interval: u32,
    /// After which a check has failed.
    pub timeout: u32,
    /// Failures in a row that make it unhealthy.
    pub retries: u32,
    /// In which failures do not count.
    pub start_period: u32,
}

impl HealthBudget {
    /// Seconds after its start in which a container that was never healthy is not unhealthy yet. ECS checks first when an
    /// interval is over; the kubelet, whose clock ticks since before the start, up to one interval later. On a Pod the numbers
    /// may have been changed to anything.
    #[must_use]
    pub fn until_unhealthy(self) -> u32 {
        let attempt = self.interval.saturating_add(self.timeout);
        let attempts = self.retries.saturating_mul(attempt);
        self.start_period.saturating_add(self.interval).saturating_add(attempts)
    }
}

impl From<&HealthCheck> for HealthBudget {
    fn from(check: &HealthCheck) -> Self {
        Self {
            interval: check.interval,
            timeout: check.timeout,
            retries: check.retries,
            start_period: check.start_period,
        }
    }
}

impl RunningContainer {
    /// Its name in the Pod.
    #[must_use]
    pub fn in_pod(&self) -> &str {
        self.kubernetes_name.as_deref().unwrap_or(&self.name)
    }
}

/// The containers of a task, in the order of its definition. `in_pod` gives a container's name in the Pod; `restarts` says
/// whether restart policies hold.
#[must_use]
pub fn of(definition: &TaskDefinition, restarts: bool, in_pod: impl Fn(&str) -> String) -> Vec<RunningContainer> {
    let containers = definition.containers.iter();
    containers
        .map(|container| {
            let kubernetes_name = Some(in_pod(&container.name)).filter(|name| *name != container.name);
            // Where readiness has a probe of its own it says nothing of the health check.
            let check = container.health_check.as_ref().filter(|_| container.kubernetes.readiness_probe.is_none());
            let target = container.target.as_ref();
            let policy = container.restart_policy.as_ref().filter(|_| restarts);
            RunningContainer {
                name: container.name.clone(),
                kubernetes_name,
                essential: container.essential,
                restarts_but_after: policy.map(|policy| policy.ignored_exit_codes.clone()),
                health_check: check.map(HealthBudget::from).or(target.map(|target| target.check.budget())),
                target: target.map(|target| TargetOf { arn: target.arn.clone(), port: target.container_port }),
            }
        })
        .collect()
}
