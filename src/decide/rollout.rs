//! How a deployment of a service goes: in progress, completed, or failed and rolled back. The state is kept on the newest
//! snapshot and changes there alone; what follows from it is decided anew at each look, so that nothing is done twice.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use crate::{
    api::service_status::RolloutState,
    ecs::{circuit_breaker::DeploymentCircuitBreaker, deployment_limits::DeploymentLimits},
};

use super::{
    deployment::{self, Template},
    elapsed::left,
    failure_count::{FailureCount, JudgedTask},
};

/// How far a deployment is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Rollout {
    /// It is under way.
    InProgress {
        /// Since when it has been steady, where it has to be so for a while.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        baking_since: Option<Time>,
    },
    /// It has taken over.
    Completed,
    /// It has not, and will not.
    Failed {
        /// Why.
        failure: DeploymentFailure,
        /// Why the last of its tasks failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        /// What runs instead; `None` where nothing does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        roll_back: Option<RollBack>,
    },
}

/// Why a deployment failed.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentFailure {
    /// The circuit breaker has tripped.
    TasksFailedToStart,
    /// Its user has stopped it.
    StoppedByUser,
}

/// The way back to an earlier deployment.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RollBack {
    /// Its number.
    pub to: i64,
    /// How far it is.
    pub state: RollBackState,
}

/// How far a roll-back is.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RollBackState {
    /// It is under way.
    InProgress,
    /// The earlier deployment has taken over.
    Successful,
    /// It has failed as well, and there is no further way back.
    Failed,
}

impl Default for Rollout {
    fn default() -> Self {
        Self::InProgress { baking_since: None }
    }
}

impl Rollout {
    /// Reads what is kept on a snapshot. One that nothing is kept on is as the last status shows it.
    #[must_use]
    pub fn read(kept: Option<&str>, shown: Option<RolloutState>) -> Self {
        let of_status = || if shown == Some(RolloutState::Completed) { Self::Completed } else { Self::default() };
        kept.and_then(|kept| serde_json::from_str(kept).ok()).unwrap_or_else(of_status)
    }

    /// What is to be kept on the snapshot; `None` for nothing.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        (*self != Self::default()).then(|| serde_json::to_string(self).ok()).flatten()
    }
}

/// The deployment that is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// The newest.
    Newest(i64),
    /// The newest has failed, and an earlier one runs again.
    RolledBack {
        /// The newest.
        failed: i64,
        /// The earlier one.
        running: i64,
    },
    /// It has failed and stays as it is: it replaces no more tasks. One that ends is replaced by Kubernetes.
    Stopped {
        /// The one that has failed: the newest, or the one that was to run again.
        failed: i64,
    },
}

/// Which deployment is to run. `stored` are the numbers of the snapshots that are there.
#[must_use]
pub fn course(newest: i64, rollout: &Rollout, stored: &[i64]) -> Course {
    match rollout {
        Rollout::InProgress { .. } | Rollout::Completed => Course::Newest(newest),
        Rollout::Failed { roll_back: Some(RollBack { to, state }), .. } if stored.contains(to) => match state {
            RollBackState::Failed => Course::Stopped { failed: *to },
            RollBackState::InProgress | RollBackState::Successful => {
                Course::RolledBack { failed: newest, running: *to }
            }
        },
        Rollout::Failed { .. } => Course::Stopped { failed: newest },
    }
}

impl Course {
    /// Number of the deployment that is PRIMARY: its tasks are counted.
    #[must_use]
    pub fn primary(self) -> i64 {
        match self {
            Self::Newest(number) | Self::RolledBack { running: number, .. } | Self::Stopped { failed: number } => {
                number
            }
        }
    }

    /// Whether the workload is paused, and its failing tasks are not replaced.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        matches!(self, Self::Stopped { .. })
    }

    /// The template that the workload gets: that of the deployment that is to run, as far as the percentages let it.
    #[must_use]
    pub fn template(self, applied: Option<i64>, limits: DeploymentLimits) -> Template {
        match self {
            Self::Newest(number) | Self::RolledBack { running: number, .. } => {
                deployment::template(number, applied, limits)
            }
            Self::Stopped { failed } => match applied {
                Some(running) if running != failed => Template::Held { running, waiting: failed },
                _ => Template::Wanted(failed),
            },
        }
    }

    /// How many tasks the workload is to have. `current` is how many it was last told to have, where there is one: one that is
    /// stopped gets no more.
    #[must_use]
    pub fn replicas(self, desired: u32, current: Option<u32>) -> u32 {
        current.filter(|_| self.is_stopped()).map_or(desired, |current| desired.min(current))
    }
}

/// The deployment that runs again when one fails: the newest that was completed before it, and that no roll-back to has
/// failed since. `history` are the snapshots that are there.
#[must_use]
pub fn roll_back_target(failed: i64, history: &[(i64, Rollout)]) -> Option<i64> {
    let has_failed_again = |number: i64| {
        history.iter().any(|(_, rollout)| match rollout {
            Rollout::Failed { roll_back: Some(RollBack { to, state: RollBackState::Failed }), .. } => *to == number,
            _ => false,
        })
    };
    let earlier = history.iter().filter(|(number, rollout)| *number < failed && *rollout == Rollout::Completed);
    earlier.map(|(number, _)| *number).filter(|number| !has_failed_again(*number)).max()
}

/// What was seen of the deployment that is to run.
#[derive(Clone, Copy, Debug)]
pub struct RolloutFacts<'a> {
    /// Its tasks that are there.
    pub tasks: &'a [JudgedTask],
    /// How many tasks are desired.
    pub desired: u32,
    /// Whether it has replaced the others.
    pub has_taken_over: bool,
    /// The circuit breaker of the service, if it has one.
    pub circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// How long it has to stay so.
    pub bake_time: Duration,
    /// Whether its user wants it stopped.
    pub is_to_stop: bool,
    /// Why the last of its tasks failed.
    pub last_failure: Option<&'a str>,
    /// What would run instead, from [`roll_back_target`].
    pub roll_back_to: Option<i64>,
    /// Now.
    pub now: &'a Time,
}

/// The next state of the newest deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// It goes onto the newest snapshot, before the workload is changed and the status is written.
    pub rollout: Rollout,
    /// It goes into the status of the deployment that was to run.
    pub failures: FailureCount,
    /// When to look again although nothing may have happened.
    pub look_after: Option<Duration>,
}

/// Takes the newest deployment one step further. `failures` are those of the deployment that is to run.
#[must_use]
pub fn advance(rollout: &Rollout, failures: &FailureCount, facts: &RolloutFacts<'_>) -> Step {
    match rollout {
        Rollout::InProgress { baking_since } => in_progress(baking_since.as_ref(), failures, facts),
        Rollout::Failed { failure, cause, roll_back: Some(RollBack { to, state: RollBackState::InProgress }) } => {
            let failures = count(failures, facts);
            let state = if trips(&failures, facts) {
                RollBackState::Failed
            } else if facts.has_taken_over {
                RollBackState::Successful
            } else {
                RollBackState::InProgress
            };
            let failures = if state == RollBackState::Successful { FailureCount::default() } else { failures };
            let (cause, roll_back) = (cause.clone(), Some(RollBack { to: *to, state }));
            let rollout = Rollout::Failed { failure: *failure, cause, roll_back };
            Step { rollout, failures, look_after: None }
        }
        // Nothing is counted any more.
        Rollout::Completed | Rollout::Failed { .. } => {
            Step { rollout: rollout.clone(), failures: failures.clone(), look_after: None }
        }
    }
}

fn in_progress(baking_since: Option<&Time>, failures: &FailureCount, facts: &RolloutFacts<'_>) -> Step {
    let failures = count(failures, facts);
    let failed = |failure, rolls_back: bool| {
        let to = facts.roll_back_to.filter(|_| rolls_back);
        let roll_back = to.map(|to| RollBack { to, state: RollBackState::InProgress });
        let cause = facts.last_failure.map(str::to_owned);
        Step { rollout: Rollout::Failed { failure, cause, roll_back }, failures: failures.clone(), look_after: None }
    };
    if facts.is_to_stop {
        return failed(DeploymentFailure::StoppedByUser, true);
    }
    if trips(&failures, facts) {
        let rolls_back = facts.circuit_breaker.is_some_and(|breaker| breaker.rollback);
        return failed(DeploymentFailure::TasksFailedToStart, rolls_back);
    }
    // A task that is replaced while it bakes does not start the time anew, but has to be back at its end.
    let baking_since = baking_since.or(facts.has_taken_over.then_some(facts.now));
    let left = baking_since.map(|since| left(since, facts.bake_time, facts.now));
    match left {
        Some(Duration::ZERO) if facts.has_taken_over => {
            Step { rollout: Rollout::Completed, failures: FailureCount::default(), look_after: None }
        }
        Some(left) => Step {
            rollout: Rollout::InProgress { baking_since: baking_since.cloned() },
            failures,
            look_after: Some(left).filter(|left| !left.is_zero()),
        },
        None => Step { rollout: Rollout::default(), failures, look_after: None },
    }
}

fn count(failures: &FailureCount, facts: &RolloutFacts<'_>) -> FailureCount {
    failures.count(facts.tasks, facts.circuit_breaker.is_none_or(|breaker| breaker.reset_on_healthy_task))
}

fn trips(failures: &FailureCount, facts: &RolloutFacts<'_>) -> bool {
    facts.circuit_breaker.is_some_and(|breaker| failures.reaches(breaker.threshold, facts.desired))
}

#[cfg(test)]
mod tests;
