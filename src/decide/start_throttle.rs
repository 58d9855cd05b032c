//! How long a task that does not come up waits to be replaced: it grows with each failure in a row, so that no service
//! starts Pods in a hot loop. A new deployment begins anew, because it is given none of the ends before it.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// How a task ended that is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// It never reached RUNNING.
    NeverRan,
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
    /// When.
    pub stopped_at: Time,
}

/// A task that ran for less than this ended quickly.
const QUICK: Duration = Duration::from_secs(60);

const FIRST_DELAY: Duration = Duration::from_secs(10);
/// ECS's longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);
/// Of tasks that reach RUNNING; ECS does not delay them at all.
const LONGEST_DELAY_AFTER_QUICK_ENDS: Duration = Duration::from_secs(5 * 60);
/// So many quick ends in a row are replaced at once, as a crash now and then has to be.
const QUICK_ENDS_AT_ONCE: u32 = 2;

/// How long a task of a deployment that does not reach RUNNING stays before it is replaced. The kubelet goes on trying
/// to start it meanwhile. `rounds` of failed starts count this one.
#[must_use]
pub fn replace_after(rounds: u32) -> Duration {
    delay(rounds, LONGEST_DELAY)
}

/// How long after its end a task is replaced that had reached RUNNING and ended quickly. `quick_ends_in_a_row` counts
/// this one.
#[must_use]
pub fn replace_ended_after(quick_ends_in_a_row: u32) -> Duration {
    delay(quick_ends_in_a_row.saturating_sub(QUICK_ENDS_AT_ONCE), LONGEST_DELAY_AFTER_QUICK_ENDS)
}

/// 10 s for the first, and twice as long for each further one.
fn delay(in_a_row: u32, longest: Duration) -> Duration {
    match in_a_row.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_DELAY.saturating_mul(2_u32.saturating_pow(doublings)).min(longest),
    }
}

/// Tasks that ended quickly since one last did not. `ends` are those of the deployment, the newest first.
#[must_use]
pub fn quick_ends_in_a_row(ends: impl IntoIterator<Item = TaskEnd>) -> u32 {
    let is_quick = |end: &TaskEnd| matches!(end, TaskEnd::Ran(time) if *time < QUICK);
    u32::try_from(ends.into_iter().take_while(is_quick).count()).unwrap_or(u32::MAX)
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

    #[test]
    fn only_what_is_in_a_row_counts() {
        let (failed, quick, slow) = (TaskEnd::NeverRan, TaskEnd::Ran(QUICK / 2), TaskEnd::Ran(QUICK));
        let count = |ends: &[TaskEnd]| quick_ends_in_a_row(ends.iter().copied());
        assert_eq!(count(&[failed, quick, quick]), 0);
        assert_eq!(count(&[quick, quick, slow, quick]), 2);
        assert_eq!(count(&[slow, quick]), 0);
    }

    proptest! {
        /// Whatever the tasks of one place in the service do, it starts few of them.
        #[test]
        fn there_is_no_hot_loop(ends in prop::collection::vec(prop_oneof![Just(TaskEnd::NeverRan), (0_u64..60).prop_map(|seconds| TaskEnd::Ran(Duration::from_secs(seconds)))], 1..1000)) {
            let (mut now, mut newest_first, mut starts) = (Duration::ZERO, std::collections::VecDeque::new(), Vec::new());
            for end in ends {
                starts.push(now);
                newest_first.push_front(end);
                now += match end {
                    // The first delay is the shortest.
                    TaskEnd::NeverRan => replace_after(1),
                    TaskEnd::Ran(time) => time + replace_ended_after(quick_ends_in_a_row(newest_first.iter().copied())),
                };
            }
            // Two starts in a row at once, then a delay of 10 s or more: at most three in any 10 s.
            for window in starts.windows(4) {
                prop_assert!(window[3] >= window[0] + FIRST_DELAY, "{window:?}");
            }
        }

        #[test]
        fn a_delay_never_shrinks_and_has_a_bound(in_a_row in any::<u32>()) {
            prop_assert!(replace_after(in_a_row) <= replace_after(in_a_row.saturating_add(1)));
            prop_assert!(replace_ended_after(in_a_row) <= replace_ended_after(in_a_row.saturating_add(1)));
            prop_assert!(replace_after(in_a_row) <= LONGEST_DELAY);
            prop_assert!(replace_ended_after(in_a_row) <= LONGEST_DELAY_AFTER_QUICK_ENDS);
        }
    }
}
