//! `earlySuccessCriteria`, checked (SV48): a deployment that has taken over before all its tasks are healthy.

use crate::api::deployment_configuration::{DeploymentEarlySuccessCriteria, SourceServiceRevisionCleanup};

use super::violation::Violation;

/// When a deployment has taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlySuccess {
    /// Healthy tasks that it takes, in percent of the desired count; at most 100.
    pub healthy_percent: u32,
    /// Whether the old tasks have to be gone (`BLOCKING`).
    pub waits_for_old_tasks: bool,
}

impl EarlySuccess {
    /// Healthy tasks that it takes of a desired count, rounded up. Nothing succeeds by none of its tasks.
    #[must_use]
    pub fn fewest_healthy(self, desired: u32) -> u32 {
        let healthy = (u64::from(desired) * u64::from(self.healthy_percent)).div_ceil(100);
        u32::try_from(healthy).unwrap_or(u32::MAX).max(desired.min(1))
    }
}

/// Checks criteria; `None` where they are not enabled. `minimum_healthy` is the least that `healthyPercent` may be, and what
/// it is when it is absent.
pub fn check(
    criteria: &DeploymentEarlySuccessCriteria,
    minimum_healthy: u32,
    path: &str,
    violations: &mut Vec<Violation>,
) -> Option<EarlySuccess> {
    let given = criteria.healthy_percent.map(u32::try_from);
    let healthy_percent = given.unwrap_or(Ok(minimum_healthy)).unwrap_or(u32::MAX);
    if !criteria.enable {
        return None;
    }
    if healthy_percent > 100 || healthy_percent < minimum_healthy {
        let message = "healthyPercent must be at least minimumHealthyPercent and at most 100";
        violations.push(Violation::new("SV48", format!("{path}.healthyPercent"), message));
    }
    let waits_for_old_tasks = criteria.source_service_revision_cleanup != Some(SourceServiceRevisionCleanup::Deferred);
    Some(EarlySuccess { healthy_percent, waits_for_old_tasks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(document: Value, minimum_healthy: u32) -> Result<Option<EarlySuccess>, &'static str> {
        let (criteria, mut violations) = (serde_json::from_value(document).unwrap(), Vec::new());
        let early = check(&criteria, minimum_healthy, "criteria", &mut violations);
        violations.first().map_or(Ok(early), |violation| Err(violation.rule))
    }

    #[test]
    fn it_takes_no_fewer_healthy_tasks_than_the_minimum() {
        let early =
            |healthy_percent, waits_for_old_tasks| Ok(Some(EarlySuccess { healthy_percent, waits_for_old_tasks }));
        assert_eq!(checked(json!({"enable": true}), 50), early(50, true));
        let deferred = json!({"enable": true, "healthyPercent": 75, "sourceServiceRevisionCleanup": "DEFERRED"});
        assert_eq!(checked(deferred.clone(), 50), early(75, false));
        assert_eq!(checked(deferred, 76), Err("SV48"));
        assert_eq!(checked(json!({"enable": true, "healthyPercent": 101}), 0), Err("SV48"));
        assert_eq!(checked(json!({"enable": true, "healthyPercent": -1}), 0), Err("SV48"));
        assert_eq!(checked(json!({"enable": false, "healthyPercent": 10}), 50), Ok(None));
    }

    #[test]
    fn the_number_is_rounded_up() {
        let early = EarlySuccess { healthy_percent: 50, waits_for_old_tasks: true };
        assert_eq!([0, 1, 3, 4].map(|desired| early.fewest_healthy(desired)), [0, 1, 2, 2]);
        let of_any = EarlySuccess { healthy_percent: 0, ..early };
        assert_eq!([0, 1, 4].map(|desired| of_any.fewest_healthy(desired)), [0, 1, 1]);
    }
}
