//! How far a rolling deployment may go above and below the desired count. ECS rounds the maximum down and the minimum
//! up; Kubernetes rounds percentages the other way, so only absolute numbers may reach it.

use crate::api::service::SchedulingStrategy;

/// The percentages of `deploymentConfiguration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeploymentPercentages {
    /// 100 or more.
    pub maximum: u32,
    /// 0 to 100.
    pub minimum_healthy: u32,
}

/// What the percentages come to for a desired count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentLimits {
    /// So many tasks may be added, and so many may be missing.
    Rolling {
        /// Tasks above the desired count.
        surge: u32,
        /// Tasks below it.
        unavailable: u32,
    },
    /// Neither starting nor stopping a task is allowed: a deployment cannot move.
    Blocked,
}

impl DeploymentPercentages {
    /// ECS's defaults.
    #[must_use]
    pub fn of(scheduling: SchedulingStrategy) -> Self {
        match scheduling {
            SchedulingStrategy::Replica => Self { maximum: 200, minimum_healthy: 100 },
            SchedulingStrategy::Daemon => Self { maximum: 100, minimum_healthy: 0 },
        }
    }

    /// Tasks that must be healthy of a desired count.
    #[must_use]
    pub fn fewest_healthy(self, desired: u32) -> u32 {
        number((u64::from(desired) * u64::from(self.minimum_healthy)).div_ceil(100))
    }

    /// Tasks that may live of a desired count; at least as many as that.
    #[must_use]
    pub fn most(self, desired: u32) -> u32 {
        number(u64::from(desired) * u64::from(self.maximum) / 100).max(desired)
    }

    /// The limits for a desired count.
    #[must_use]
    pub fn limits(self, desired: u32) -> DeploymentLimits {
        if desired == 0 {
            // Nothing is running that could be in the way; Kubernetes wants one of the two above zero.
            return DeploymentLimits::Rolling { surge: 1, unavailable: 0 };
        }
        match (self.most(desired) - desired, desired.saturating_sub(self.fewest_healthy(desired))) {
            (0, 0) => DeploymentLimits::Blocked,
            (surge, unavailable) => DeploymentLimits::Rolling { surge, unavailable },
        }
    }
}

fn number(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits(desired: u32, maximum: u32, minimum_healthy: u32) -> DeploymentLimits {
        DeploymentPercentages { maximum, minimum_healthy }.limits(desired)
    }

    #[test]
    fn ecs_rounds_the_maximum_down_and_the_minimum_up() {
        let rolling = |surge, unavailable| DeploymentLimits::Rolling { surge, unavailable };
        for (desired, maximum, minimum, expected) in [
            (2, 200, 100, rolling(2, 0)),
            (1, 200, 100, rolling(1, 0)),
            (4, 125, 75, rolling(1, 1)),
            (3, 150, 50, rolling(1, 1)),
            (5, 110, 90, DeploymentLimits::Blocked),
            (1, 150, 100, DeploymentLimits::Blocked),
            (10, 100, 95, DeploymentLimits::Blocked),
            (10, 100, 50, rolling(0, 5)),
            (0, 100, 100, rolling(1, 0)),
        ] {
            assert_eq!(limits(desired, maximum, minimum), expected, "{desired} {maximum} {minimum}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_maximum_or_fewer_than_the_minimum(desired in 1_u32..100_000, maximum in 100_u32..10_000, minimum in 0_u32..=100) {
            if let DeploymentLimits::Rolling { surge, unavailable } = limits(desired, maximum, minimum) {
                let (desired, surge, unavailable) = (u64::from(desired), u64::from(surge), u64::from(unavailable));
                prop_assert!((desired + surge) * 100 <= desired * u64::from(maximum));
                prop_assert!((desired + surge + 1) * 100 > desired * u64::from(maximum), "one more would be allowed");
                prop_assert!((desired - unavailable) * 100 >= desired * u64::from(minimum));
                prop_assert!(surge + unavailable > 0);
            }
        }
    }
}
