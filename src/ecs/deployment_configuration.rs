//! How the deployments of a service go, checked (SV14-SV16, SV19, SV20, SV48). What is not built is refused here.

use std::time::Duration;

use crate::api::{
    deployment_configuration::{DeploymentConfiguration, DeploymentStrategy},
    service::SchedulingStrategy,
};

use super::{
    circuit_breaker::{self, DeploymentCircuitBreaker},
    deployment_limits::DeploymentPercentages,
    early_success::{self, EarlySuccess},
    violation::Violation,
};

const PATH: &str = "spec.deploymentConfiguration";

/// How the deployments of a service go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeploymentRules {
    /// How far they may go above and below the desired count.
    pub percentages: DeploymentPercentages,
    /// What ends them when tasks fail; `None` when nothing does.
    pub circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// When they have taken over before all their tasks are healthy; `None` when they have not before.
    pub early_success: Option<EarlySuccess>,
    /// How long they have to be steady before they are completed.
    pub bake_time: Duration,
}

/// Checks `deploymentConfiguration`.
pub fn check(
    configuration: Option<&DeploymentConfiguration>,
    scheduling: SchedulingStrategy,
    violations: &mut Vec<Violation>,
) -> DeploymentRules {
    let absent = DeploymentConfiguration::default();
    let configuration = configuration.unwrap_or(&absent);
    refuse_what_is_not_built(configuration, violations);
    let percentages = percentages(configuration, scheduling, violations);
    DeploymentRules {
        percentages,
        early_success: early_success(configuration, percentages, violations),
        circuit_breaker: circuit_breaker(configuration, violations),
        bake_time: bake_time(configuration, violations),
    }
}

fn percentages(
    configuration: &DeploymentConfiguration,
    scheduling: SchedulingStrategy,
    violations: &mut Vec<Violation>,
) -> DeploymentPercentages {
    let default = DeploymentPercentages::of(scheduling);
    let value = |given: Option<i32>, default| given.map_or(Some(default), |given| u32::try_from(given).ok());
    let maximum = value(configuration.maximum_percent, default.maximum).filter(|percent| *percent >= 100);
    if maximum.is_none() {
        let message = "maximumPercent must be at least 100";
        violations.push(Violation::new("SV14", format!("{PATH}.maximumPercent"), message));
    }
    let minimum_healthy =
        value(configuration.minimum_healthy_percent, default.minimum_healthy).filter(|percent| *percent <= 100);
    if minimum_healthy.is_none() {
        let message = "minimumHealthyPercent must be at least 0 and at most 100";
        violations.push(Violation::new("SV15", format!("{PATH}.minimumHealthyPercent"), message));
    }
    if (maximum, minimum_healthy) == (Some(100), Some(100)) {
        let message = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments";
        violations.push(Violation::new("SV16", PATH, message));
    }
    DeploymentPercentages {
        maximum: maximum.unwrap_or(default.maximum),
        minimum_healthy: minimum_healthy.unwrap_or(default.minimum_healthy),
    }
}

fn circuit_breaker(
    configuration: &DeploymentConfiguration,
    violations: &mut Vec<Violation>,
) -> Option<DeploymentCircuitBreaker> {
    let path = format!("{PATH}.deploymentCircuitBreaker");
    let definition = configuration.deployment_circuit_breaker.as_ref()?;
    let breaker = circuit_breaker::check(definition, &path, violations);
    if breaker.is_some() && configuration.strategy.unwrap_or_default() != DeploymentStrategy::Rolling {
        let message = "A deployment circuit breaker works with the strategy ROLLING only: disable it, or set strategy to ROLLING.";
        violations.push(Violation::new("SV20", path, message));
    }
    breaker
}

fn early_success(
    configuration: &DeploymentConfiguration,
    percentages: DeploymentPercentages,
    violations: &mut Vec<Violation>,
) -> Option<EarlySuccess> {
    let path = format!("{PATH}.earlySuccessCriteria");
    let criteria = configuration.early_success_criteria.as_ref()?;
    let early = early_success::check(criteria, percentages.minimum_healthy, &path, violations);
    if early.is_some() && configuration.strategy.unwrap_or_default() != DeploymentStrategy::Rolling {
        let message =
            "earlySuccessCriteria go with the strategy ROLLING only: disable them, or set strategy to ROLLING.";
        violations.push(Violation::new("SV48", path, message));
    }
    early
}

fn bake_time(configuration: &DeploymentConfiguration, violations: &mut Vec<Violation>) -> Duration {
    let minutes = configuration.bake_time_in_minutes.unwrap_or(0);
    if !(0..=1440).contains(&minutes) {
        let message = "bakeTimeInMinutes must be at least 0 and at most 1440";
        violations.push(Violation::new("SV48", format!("{PATH}.bakeTimeInMinutes"), message));
    }
    Duration::from_secs(u64::try_from(minutes).unwrap_or(0) * 60)
}

/// Nothing that a user asked for is left out in silence.
fn refuse_what_is_not_built(configuration: &DeploymentConfiguration, violations: &mut Vec<Violation>) {
    let mut refuse = |rule, member: &str, message: &str| {
        violations.push(Violation::new(rule, format!("{PATH}.{member}"), message));
    };
    let strategy = configuration.strategy.unwrap_or_default();
    if strategy != DeploymentStrategy::Rolling {
        refuse("OP04", "strategy", STRATEGY);
    }
    if configuration.linear_configuration.is_some() && strategy != DeploymentStrategy::Linear {
        refuse("SV48", "linearConfiguration", "linearConfiguration goes with the strategy LINEAR only: remove it.");
    }
    if configuration.canary_configuration.is_some() && strategy != DeploymentStrategy::Canary {
        refuse("SV48", "canaryConfiguration", "canaryConfiguration goes with the strategy CANARY only: remove it.");
    }
    if configuration.alarms.as_ref().is_some_and(|alarms| alarms.enable) {
        refuse("OP04", "alarms", ALARMS);
    }
    if configuration.lifecycle_hooks.as_ref().is_some_and(|hooks| !hooks.is_empty()) {
        refuse("OP04", "lifecycleHooks", LIFECYCLE_HOOKS);
    }
}

/// What is said of the strategies that are not built.
pub const STRATEGY: &str = "Deployments are rolling: set strategy to ROLLING or remove it. To try a new revision beside the old one, run it in an EcsService of its own first.";
/// What is said of alarms that are enabled.
pub const ALARMS: &str = "No alarm is looked at during a deployment: set enable to false or remove alarms, and use deploymentCircuitBreaker and the health checks of the containers.";
/// What is said of hooks.
pub const LIFECYCLE_HOOKS: &str = "No hook is called during a deployment: remove lifecycleHooks, and run what has to come before it as an EcsTask or in the pipeline that applies the service.";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(document: &Value, scheduling: SchedulingStrategy) -> Result<DeploymentRules, Vec<&'static str>> {
        let mut violations = Vec::new();
        let configuration = serde_json::from_value(document.clone()).unwrap();
        let rules = check(Some(&configuration), scheduling, &mut violations);
        if violations.is_empty() { Ok(rules) } else { Err(violations.iter().map(|violation| violation.rule).collect()) }
    }

    #[test]
    fn what_ecs_prints_of_a_plain_service_is_accepted() {
        let printed = json!({"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 5,
            "alarms": {"alarmNames": [], "rollback": false, "enable": false}, "lifecycleHooks": [],
            "earlySuccessCriteria": {"enable": false},
            "deploymentCircuitBreaker": {"enable": false, "rollback": false, "resetOnHealthyTask": true,
                "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}}});
        let rules = checked(&printed, SchedulingStrategy::Replica).unwrap();
        assert_eq!(rules.percentages, DeploymentPercentages { maximum: 200, minimum_healthy: 100 });
        assert_eq!((rules.circuit_breaker, rules.bake_time), (None, Duration::from_secs(300)));
    }

    #[test]
    fn every_broken_rule_is_told() {
        let breaker = json!({"enable": true, "rollback": true});
        for (document, rules) in [
            (json!({"maximumPercent": 99}), vec!["SV14"]),
            (json!({"minimumHealthyPercent": 101}), vec!["SV15"]),
            (json!({"maximumPercent": 100}), vec!["SV16"]),
            (
                json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true, "thresholdConfiguration": {"type": "COUNT", "value": 0}}}),
                vec!["SV19"],
            ),
            (json!({"strategy": "BLUE_GREEN", "deploymentCircuitBreaker": breaker}), vec!["OP04", "SV20"]),
            (json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 10.0}}), vec!["OP04"]),
            (json!({"linearConfiguration": {}}), vec!["SV48"]),
            (json!({"canaryConfiguration": {"canaryPercent": 0.5}}), vec!["SV48"]),
            (json!({"bakeTimeInMinutes": 1441}), vec!["SV48"]),
            (json!({"bakeTimeInMinutes": -1}), vec!["SV48"]),
            (json!({"earlySuccessCriteria": {"enable": true, "healthyPercent": 50}}), vec!["SV48"]),
            (json!({"strategy": "CANARY", "earlySuccessCriteria": {"enable": true}}), vec!["OP04", "SV48"]),
            (json!({"alarms": {"alarmNames": ["a"], "rollback": true, "enable": true}}), vec!["OP04"]),
            (json!({"lifecycleHooks": [{"hookTargetArn": "a", "lifecycleStages": ["PRE_SCALE_UP"]}]}), vec!["OP04"]),
        ] {
            assert_eq!(checked(&document, SchedulingStrategy::Replica), Err(rules), "{document}");
        }
    }

    #[test]
    fn a_daemon_has_other_defaults() {
        let rules = checked(&json!({}), SchedulingStrategy::Daemon).unwrap();
        assert_eq!(rules.percentages, DeploymentPercentages { maximum: 100, minimum_healthy: 0 });
        assert_eq!(checked(&json!({"minimumHealthyPercent": 100}), SchedulingStrategy::Daemon), Err(vec!["SV16"]));
    }
}
