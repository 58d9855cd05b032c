//! How often tasks of a deployment have ended soon after they reached RUNNING since one last did not. A crash now and then is
//! replaced at once, a crash loop is not.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::service_status::ServiceDeployment;

use super::{
    elapsed::left,
    rounds::Rounds,
    start_throttle::{QUICK, replace_ended_after},
};

/// A task of the deployment that has reached RUNNING, live or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// When the task was made.
    pub created_at: Option<Time>,
    /// How long it has run.
    pub time: Duration,
    /// Whether it has ended by itself.
    pub has_ended: bool,
}

/// The quick ends of a deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuickEnds {
    rounds: Rounds,
}

impl QuickEnds {
    /// What the last status says of a deployment.
    #[must_use]
    pub fn of(shown: &ServiceDeployment) -> Self {
        Self { rounds: Rounds::of(shown.quick_ends, shown.quick_ends_up_to.as_ref()) }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.rounds.shown_count() == 0
    }

    /// Whether tasks are not replaced at once any more, and fewer than desired stand: they were not among those that ended, or have run
    /// for long enough.
    #[must_use]
    pub fn is_impaired(&self, runs: &[Run], desired: u32) -> bool {
        let stands =
            |run: &&Run| !run.has_ended && (run.time >= QUICK || !self.rounds.is_of_next(run.created_at.as_ref()));
        let standing = u32::try_from(runs.iter().filter(stands).count()).unwrap_or(u32::MAX);
        !replace_ended_after(self.rounds.count).is_zero() && standing < desired
    }

    /// Puts it into the next status.
    pub fn show(&self, shown: &mut ServiceDeployment) {
        shown.quick_ends = self.rounds.shown_count();
        shown.quick_ends_up_to.clone_from(&self.rounds.up_to);
    }

    /// What is left of the time for which a task that has ended is left to the kubelet's back-off.
    #[must_use]
    pub fn patience(&self, created_at: Option<&Time>, ran: Duration, ended_at: &Time, now: &Time) -> Duration {
        let in_a_row = if ran < QUICK { self.rounds.with(created_at) } else { 0 };
        left(ended_at, replace_ended_after(in_a_row), now)
    }

    /// After a look at all tasks of the deployment.
    #[must_use]
    pub fn next(&self, runs: &[Run], now: &Time) -> Self {
        let later = |run: &&Run| self.rounds.is_of_next(run.created_at.as_ref());
        let has_recovered = self.rounds.count > 0 && runs.iter().filter(later).any(|run| run.time >= QUICK);
        let before = if has_recovered { self.rounds.ended() } else { self.rounds.clone() };
        let quick = runs.iter().filter(later).filter(|run| run.has_ended && run.time < QUICK);
        let made: Vec<_> = quick.map(|run| run.created_at.as_ref()).collect();
        Self { rounds: if made.is_empty() { before } else { before.one_more(made, now) } }
    }

    /// When the count may go back to zero although nothing happens.
    #[must_use]
    pub fn look_after(&self, runs: &[Run]) -> Option<Duration> {
        let going_on = runs.iter().filter(|run| !run.has_ended && self.rounds.is_of_next(run.created_at.as_ref()));
        going_on.map(|run| QUICK.saturating_sub(run.time)).filter(|left| self.rounds.count > 0 && !left.is_zero()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;
    use proptest::prelude::*;

    fn at(second: u64) -> Time {
        Time(Timestamp::from_second(i64::try_from(second).unwrap()).unwrap())
    }

    fn run(created_at: u64, seconds: u64, has_ended: bool) -> Run {
        Run { created_at: Some(at(created_at)), time: Duration::from_secs(seconds), has_ended }
    }

    fn patience(ends: &QuickEnds, created_at: u64, ran: u64) -> u64 {
        ends.patience(Some(&at(created_at)), Duration::from_secs(ran), &at(created_at), &at(created_at)).as_secs()
    }

    #[test]
    fn two_quick_ends_in_a_row_are_replaced_at_once() {
        let (mut ends, mut now, mut waits) = (QuickEnds::default(), 0, Vec::new());
        for _ in 0..9 {
            now += 1;
            let wait = patience(&ends, now, 5);
            waits.push(wait);
            let created = now;
            now += 5 + wait;
            ends = ends.next(&[run(created, 5, true)], &at(now));
        }
        assert_eq!(waits, [0, 0, 10, 20, 40, 80, 160, 300, 300]);
        let after = |count| QuickEnds { rounds: Rounds { count, up_to: None } };
        assert!(!after(2).is_impaired(&[], 1) && after(3).is_impaired(&[], 1) && !after(3).is_impaired(&[], 0));
        let thrice = QuickEnds { rounds: Rounds { count: 3, up_to: Some(at(100)) } };
        assert!(thrice.is_impaired(&[run(101, 59, false)], 1) && !thrice.is_impaired(&[run(101, 60, false)], 1));
        assert!(!thrice.is_impaired(&[run(10, 95, false)], 1), "it was there before");
        assert_eq!(patience(&ends, now + 1, 60), 0, "it ran for a minute");
    }

    #[test]
    fn a_hundred_tasks_that_crash_together_crash_once() {
        let crashed: Vec<_> = (0..100).map(|_| run(0, 5, true)).collect();
        let once = QuickEnds::default().next(&crashed, &at(10));
        assert_eq!(once.rounds.count, 1);
        assert_eq!(once.next(&crashed, &at(20)), once);
        assert_eq!((patience(&once, 9, 5), patience(&once, 11, 5)), (0, 0));
    }

    #[test]
    fn a_task_that_was_made_since_and_runs_for_a_minute_puts_it_to_zero() {
        let thrice = QuickEnds { rounds: Rounds { count: 3, up_to: Some(at(100)) } };
        assert_eq!(thrice.next(&[run(10, 500, false)], &at(200)), thrice, "it was there before");
        let young = [run(101, 30, false)];
        assert_eq!(thrice.next(&young, &at(131)), thrice);
        assert_eq!(thrice.look_after(&young), Some(Duration::from_secs(30)));
        let recovered = thrice.next(&[run(101, 60, false)], &at(161));
        assert_eq!(recovered.rounds.count, 0);
        assert_eq!(recovered.next(&[run(170, 5, true)], &at(176)).rounds.count, 1);
        assert_eq!(recovered.look_after(&young), None);
    }

    proptest! {
        /// Whatever the tasks of one place in the service do, it starts few of them.
        #[test]
        fn there_is_no_hot_loop(runs in prop::collection::vec(0_u64..70, 1..1000)) {
            let (mut now, mut ends, mut starts) = (0, QuickEnds::default(), Vec::new());
            for seconds in runs {
                starts.push(now);
                let created = now;
                now += seconds + patience(&ends, created, seconds);
                ends = ends.next(&[run(created, seconds, true)], &at(now));
                // A clock of whole seconds.
                now += 1;
            }
            // Two starts in a row at once, then a delay of 10 s or more: at most three in any 10 s.
            for window in starts.windows(4) {
                prop_assert!(window[3] >= window[0] + 10, "{window:?}");
            }
        }
    }
}
