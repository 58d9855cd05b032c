//! How long a task that does not come up waits to be replaced: it grows with each failure in a row, so that no service
//! starts Pods in a hot loop. A new deployment begins anew, because it is given none of the ends before it.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::reason;

/// How a task ended that is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// It never reached RUNNING.
    NeverRan,
    /// Its node did not take it.
    Refused,
    /// Its node did not take it, for what no deployment is to blame for: it is short of memory, or shuts down.
    TurnedAway,
    /// It ran for so long.
    Ran(Duration),
}

/// A task that has stopped by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedTask {
    /// Its id.
    pub id: String,
    /// Number of its deployment.
    pub deployment: i64,
    /// When it was made.
    pub created_at: Option<Time>,
    /// How it ended.
    pub end: TaskEnd,
    /// Why, in ECS's words.
    pub reason: Option<String>,
    /// When.
    pub stopped_at: Time,
}

/// A task that ran for less than this ended quickly.
pub const QUICK: Duration = Duration::from_secs(60);

const FIRST_DELAY: Duration = Duration::from_secs(10);
/// ECS's longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);
/// Of tasks that reach RUNNING; ECS does not delay them at all.
const LONGEST_DELAY_AFTER_QUICK_ENDS: Duration = Duration::from_secs(5 * 60);
/// So many in a row are replaced at once, as a crash now and then has to be.
const AT_ONCE: u32 = 2;

/// How long a task of a deployment that does not reach RUNNING stays before it is replaced. The kubelet goes on trying
/// to start it meanwhile. `rounds` of failed starts count this one.
#[must_use]
pub fn replace_after(rounds: u32) -> Duration {
    delay(rounds, LONGEST_DELAY)
}

/// How long no task of a deployment is made after its node has refused one. `rounds` count this one.
#[must_use]
pub fn replace_refused_after(rounds: u32) -> Duration {
    delay(rounds.saturating_sub(AT_ONCE), LONGEST_DELAY)
}

/// How long after its end a task is replaced that had reached RUNNING and ended quickly. `quick_ends_in_a_row` counts
/// this one.
#[must_use]
pub fn replace_ended_after(quick_ends_in_a_row: u32) -> Duration {
    delay(quick_ends_in_a_row.saturating_sub(AT_ONCE), LONGEST_DELAY_AFTER_QUICK_ENDS)
}

/// 10 s for the first, and twice as long for each further one.
fn delay(in_a_row: u32, longest: Duration) -> Duration {
    match in_a_row.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_DELAY.saturating_mul(2_u32.saturating_pow(doublings)).min(longest),
    }
}

/// What is wrong with a service whose tasks fail again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impairment {
    /// They do not start.
    StartsFail,
    /// They run, and end soon after.
    EndsQuickly,
}

impl Impairment {
    /// What a condition says of it: for machines, and for people.
    #[must_use]
    pub fn told(self, service: &str) -> (&'static str, String) {
        match self {
            Self::StartsFail => (reason::TASKS_FAIL_TO_START, impaired_message(service)),
            // ECS has no words for it: it starts them again and again.
            Self::EndsQuickly => {
                let message = format!(
                    "(service {service}) is unable to keep its tasks running: they end soon after their start."
                );
                (reason::TASKS_END_QUICKLY, message)
            }
        }
    }
}

/// What is told of a service whose tasks do not start.
#[must_use]
pub fn impaired_message(service: &str) -> String {
    format!("(service {service}) is unable to consistently start tasks successfully.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_task_that_cannot_start_waits_longer_each_time() {
        let seconds: Vec<_> = (0..10).map(|failures| replace_after(failures).as_secs()).collect();
        assert_eq!(seconds, [0, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        assert_eq!(replace_after(u32::MAX).as_secs(), 900);
    }

    #[test]
    fn a_task_that_ends_quickly_is_replaced_at_once_twice() {
        let seconds: Vec<_> = (0..10).map(|ends| replace_ended_after(ends).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 10, 20, 40, 80, 160, 300, 300]);
    }

    proptest! {
        #[test]
        fn a_delay_never_shrinks_and_has_a_bound(in_a_row in any::<u32>()) {
            prop_assert!(replace_after(in_a_row) <= replace_after(in_a_row.saturating_add(1)));
            prop_assert!(replace_ended_after(in_a_row) <= replace_ended_after(in_a_row.saturating_add(1)));
            prop_assert!(replace_after(in_a_row) <= LONGEST_DELAY);
            prop_assert!(replace_ended_after(in_a_row) <= LONGEST_DELAY_AFTER_QUICK_ENDS);
            prop_assert!(replace_refused_after(in_a_row) <= replace_after(in_a_row));
        }
    }
}
