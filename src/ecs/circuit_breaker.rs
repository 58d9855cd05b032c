//! The deployment circuit breaker, checked: how many failed tasks end a deployment (SV19). Counting them is
//! `decide::failure_count`, what follows from it is `decide::rollout`.

use crate::api::deployment_configuration::{
    DeploymentCircuitBreaker as BreakerDefinition, ThresholdConfiguration, ThresholdType,
};

use super::violation::Violation;

/// A circuit breaker that is enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeploymentCircuitBreaker {
    /// Whether the last deployment that was completed runs again when it trips.
    pub rollback: bool,
    /// Whether failures are counted anew when a task becomes healthy.
    pub reset_on_healthy_task: bool,
    /// How many failures it takes.
    pub threshold: FailureThreshold,
}

/// How many failures make a circuit breaker trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureThreshold {
    /// A number, at least 1.
    Count(u32),
    /// Percent of the desired count, at least 3 tasks and at most 200.
    BoundedPercent(u32),
    /// Percent of the desired count.
    UnboundedPercent(u32),
}

impl Default for FailureThreshold {
    fn default() -> Self {
        Self::BoundedPercent(50)
    }
}

impl FailureThreshold {
    /// The number of failures with which it trips, at least 1.
    #[must_use]
    pub fn failures(self, desired: u32) -> u32 {
        let part = |percent: u32| {
            let part = (u64::from(desired) * u64::from(percent)).div_ceil(100);
            u32::try_from(part).unwrap_or(u32::MAX)
        };
        match self {
            Self::Count(count) => count.max(1),
            Self::BoundedPercent(percent) => part(percent).clamp(3, 200),
            Self::UnboundedPercent(percent) => part(percent).max(1),
        }
    }
}

/// Checks a circuit breaker; `None` where it is not enabled: `rollback` means nothing then.
pub fn check(
    definition: &BreakerDefinition,
    path: &str,
    violations: &mut Vec<Violation>,
) -> Option<DeploymentCircuitBreaker> {
    let threshold = definition
        .threshold_configuration
        .as_ref()
        .map_or_else(FailureThreshold::default, |given| threshold(given, path, violations));
    definition.enable.then_some(DeploymentCircuitBreaker {
        rollback: definition.rollback,
        reset_on_healthy_task: definition.reset_on_healthy_task.unwrap_or(true),
        threshold,
    })
}

fn threshold(given: &ThresholdConfiguration, path: &str, violations: &mut Vec<Violation>) -> FailureThreshold {
    let (least, most) = (1, if given.type_ == ThresholdType::Count { i32::MAX } else { 100 });
    if !(least..=most).contains(&given.value) {
        let message =
            "Invalid deployment circuit breaker threshold value. It is at least 1, and a percentage at most 100.";
        violations.push(Violation::new("SV19", format!("{path}.thresholdConfiguration.value"), message));
    }
    let value = u32::try_from(given.value).unwrap_or(1);
    match given.type_ {
        ThresholdType::Count => FailureThreshold::Count(value),
        ThresholdType::BoundedPercent => FailureThreshold::BoundedPercent(value),
        ThresholdType::UnboundedPercent => FailureThreshold::UnboundedPercent(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn checked(document: Value) -> Result<Option<DeploymentCircuitBreaker>, Vec<Violation>> {
        let mut violations = Vec::new();
        let breaker = check(&serde_json::from_value(document).unwrap(), "spec", &mut violations);
        if violations.is_empty() { Ok(breaker) } else { Err(violations) }
    }

    #[test]
    fn the_threshold_is_that_of_ecs() {
        let (bounded, unbounded) = (FailureThreshold::BoundedPercent(50), FailureThreshold::UnboundedPercent(50));
        for (desired, of_bounded, of_unbounded) in
            [(0, 3, 1), (1, 3, 1), (7, 4, 4), (25, 13, 13), (400, 200, 200), (800, 200, 400)]
        {
            let found = (bounded.failures(desired), unbounded.failures(desired));
            assert_eq!(found, (of_bounded, of_unbounded), "{desired}");
        }
        assert_eq!(FailureThreshold::Count(7).failures(1), 7);
    }

    #[test]
    fn one_that_is_not_enabled_is_none() {
        let default = DeploymentCircuitBreaker {
            rollback: true,
            reset_on_healthy_task: true,
            threshold: FailureThreshold::BoundedPercent(50),
        };
        assert_eq!(checked(json!({"enable": true, "rollback": true})), Ok(Some(default)));
        assert_eq!(checked(json!({"enable": false, "rollback": true})), Ok(None));
        let count = checked(json!({"enable": true, "rollback": false, "resetOnHealthyTask": false,
            "thresholdConfiguration": {"type": "COUNT", "value": 1000}}));
        let breaker = count.unwrap().unwrap();
        assert_eq!((breaker.rollback, breaker.reset_on_healthy_task), (false, false));
        assert_eq!(breaker.threshold, FailureThreshold::Count(1000));
    }

    #[test]
    fn a_threshold_has_bounds() {
        for (type_, value) in
            [("COUNT", 0), ("BOUNDED_PERCENT", 0), ("BOUNDED_PERCENT", 101), ("UNBOUNDED_PERCENT", 101)]
        {
            let refused = checked(json!({"enable": false, "rollback": false,
                "thresholdConfiguration": {"type": type_, "value": value}}));
            assert_eq!(refused.unwrap_err()[0].rule, "SV19", "{type_} {value}");
        }
    }

    proptest! {
        #[test]
        fn a_threshold_can_be_reached(desired in any::<u32>(), percent in 1_u32..=100) {
            for threshold in [FailureThreshold::BoundedPercent(percent), FailureThreshold::UnboundedPercent(percent)] {
                let failures = threshold.failures(desired);
                prop_assert!(failures >= 1);
                prop_assert!(failures <= desired.max(3));
            }
        }
    }
}
