//! How often tasks of a deployment have failed to start since one last did. Most are left to the kubelet for a while, and given up.
//! One that its node refuses ends at once, and Kubernetes makes another one at once: then no further one is made for a while.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::SignedDuration};

use crate::api::service_status::ServiceDeployment;

use super::{
    elapsed::left_until,
    rounds::Rounds,
    start_throttle::{replace_after, replace_refused_after},
};

/// From so many rounds on it is told that the service cannot start tasks.
const IMPAIRED: u32 = 3;

/// A task of the deployment, live or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// When it was made.
    pub created_at: Option<Time>,
    /// How it went.
    pub result: StartResult,
}

/// How the start of a task went.
#[derive(Clone, Debug, PartialEq)]
pub enum StartResult {
    /// It is on its way.
    UnderWay,
    /// It does not start, and the kubelet goes on trying.
    Failing,
    /// It was given up, or has ended without a start.
    Failed,
    /// Its node did not take it.
    Refused,
    /// It reached RUNNING.
    Started {
        /// When.
        at: Time,
    },
}

/// The failed starts of a deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailedStarts {
    rounds: Rounds,
    /// No further task is made before, because nodes have refused the last ones.
    next_at: Option<Time>,
}

impl FailedStarts {
    /// What the last status says of a deployment.
    #[must_use]
    pub fn of(shown: &ServiceDeployment) -> Self {
        Self {
            rounds: Rounds::of(shown.failed_starts, shown.failed_starts_up_to.as_ref()),
            next_at: shown.next_start_at.clone(),
        }
    }

    /// Puts it into the next status.
    pub fn show(&self, shown: &mut ServiceDeployment) {
        shown.failed_starts = self.rounds.shown_count();
        shown.failed_starts_up_to.clone_from(&self.rounds.up_to);
        shown.next_start_at.clone_from(&self.next_at);
    }

    /// How long a task that does not start is left to the kubelet.
    #[must_use]
    pub fn patience(&self, created_at: Option<&Time>) -> Duration {
        replace_after(self.rounds.with(created_at))
    }

    /// Time in which no further task is made; zero when one may be.
    #[must_use]
    pub fn pause(&self, now: &Time) -> Duration {
        self.next_at.as_ref().map_or(Duration::ZERO, |next| left_until(next, now))
    }

    /// After a look at all tasks of the deployment.
    #[must_use]
    pub fn next(&self, starts: &[Start], now: &Time) -> Self {
        let has_recovered = self.rounds.up_to.is_some()
            && starts.iter().any(|start| match &start.result {
                StartResult::Started { at } => self.rounds.is_before(at),
                _ => false,
            });
        let before = if has_recovered { self.rounds.ended() } else { self.rounds.clone() };
        let failed = |start: &&Start| matches!(start.result, StartResult::Failed | StartResult::Refused);
        let made = starts.iter().filter(failed).map(|start| start.created_at.as_ref());
        let made: Vec<_> = made.filter(|made| self.rounds.is_of_next(*made)).collect();
        let is_refused = starts
            .iter()
            .any(|start| start.result == StartResult::Refused && self.rounds.is_of_next(start.created_at.as_ref()));
        let rounds = if made.is_empty() { before } else { before.one_more(made, now) };
        let next_at = if is_refused {
            now.0.checked_add(SignedDuration::try_from(replace_refused_after(rounds.count)).unwrap_or_default()).ok()
        } else {
            self.next_at.as_ref().filter(|_| !has_recovered).map(|next| next.0)
        };
        Self { rounds, next_at: next_at.filter(|next| *next > now.0).map(Time) }
    }

    /// Whether it fails so often that it is told, with what fails now.
    #[must_use]
    pub fn is_impaired(&self, starts: &[Start]) -> bool {
        let fails =
            |start: &Start| start.result == StartResult::Failing && self.rounds.is_of_next(start.created_at.as_ref());
        self.rounds.count.saturating_add(u32::from(starts.iter().any(fails))) >= IMPAIRED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    fn start(created_at: i64, result: StartResult) -> Start {
        Start { created_at: Some(at(created_at)), result }
    }

    /// As they are when the last one was counted then.
    fn rounds(count: u32, counted: i64) -> FailedStarts {
        FailedStarts { rounds: Rounds { count, up_to: Some(at(counted - 2)) }, next_at: None }
    }

    fn seconds(starts: &FailedStarts, created_at: i64) -> u64 {
        starts.patience(Some(&at(created_at))).as_secs()
    }

    #[test]
    fn tasks_that_fail_together_fail_once_however_many_they_are() {
        let many: Vec<_> = (0..500).map(|_| start(0, StartResult::Failed)).collect();
        let once = FailedStarts::default().next(&many, &at(10));
        assert_eq!(once, rounds(1, 10));
        assert_eq!(once.next(&many, &at(60)), once, "those that are recorded later are of the same round");
        assert_eq!((seconds(&once, 0), seconds(&once, 11)), (10, 20));
        let twice = once.next(&[start(0, StartResult::Failed), start(11, StartResult::Failed)], &at(31));
        assert_eq!(twice, rounds(2, 31));
    }

    #[test]
    fn it_grows_to_a_quarter_of_an_hour_whatever_becomes_of_the_records() {
        let (mut starts, mut now, mut waits) = (FailedStarts::default(), 0, Vec::new());
        for _ in 0..10 {
            let wait = seconds(&starts, now + 1);
            waits.push(wait);
            now += 1 + i64::try_from(wait).unwrap();
            starts = starts.next(&[start(now - 1, StartResult::Failed)], &at(now));
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 900, 900, 900]);
    }

    #[test]
    fn a_task_that_starts_puts_it_to_zero_and_one_that_ran_before_does_not() {
        let twice = rounds(2, 100);
        let ran_before = start(0, StartResult::Started { at: at(50) });
        assert_eq!(twice.next(std::slice::from_ref(&ran_before), &at(120)), twice);
        let has_started =
            [ran_before, start(101, StartResult::Started { at: at(105) }), start(90, StartResult::Failed)];
        let recovered = twice.next(&has_started, &at(120));
        assert_eq!(recovered, rounds(0, 100));
        assert_eq!((seconds(&recovered, 90), seconds(&recovered, 110)), (10, 10));
        assert_eq!(recovered.next(&[start(110, StartResult::Failed)], &at(130)), rounds(1, 130));
    }

    #[test]
    fn it_is_told_when_the_third_round_fails() {
        let [failing, under_way] = [StartResult::Failing, StartResult::UnderWay].map(|result| [start(101, result)]);
        let after = |count| rounds(count, 100);
        assert!(!after(1).is_impaired(&failing) && after(2).is_impaired(&failing));
        assert!(!after(2).is_impaired(&under_way) && after(3).is_impaired(&under_way));
        assert!(!after(2).is_impaired(&[start(98, StartResult::Failing)]), "it is of the round before");
    }

    #[test]
    fn after_two_refusals_none_is_made_for_a_while_that_grows() {
        let (mut starts, mut now, mut pauses) = (FailedStarts::default(), 0, Vec::new());
        for _ in 0..11 {
            now += 1;
            starts = starts.next(&[start(now, StartResult::Refused)], &at(now));
            let pause = starts.pause(&at(now)).as_secs();
            pauses.push(pause);
            now += i64::try_from(pause).unwrap();
            assert_eq!(starts.pause(&at(now)), Duration::ZERO);
        }
        assert_eq!(pauses, [0, 0, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        let has_started = starts.next(&[start(now + 1, StartResult::Started { at: at(now + 5) })], &at(now + 5));
        assert_eq!((has_started.rounds.count, has_started.next_at), (0, None));
    }

    #[test]
    fn a_pause_lasts_although_nothing_new_is_seen() {
        let refused = |second| [start(second, StartResult::Refused)];
        let mut starts = FailedStarts::default();
        for second in 1..=3 {
            starts = starts.next(&refused(second), &at(second));
        }
        assert_eq!(starts.next(&refused(3), &at(8)).pause(&at(8)).as_secs(), 5);
        assert_eq!(starts.next(&[], &at(8)).pause(&at(8)).as_secs(), 5);
        assert_eq!(starts.next(&[], &at(13)).next_at, None);
    }
}
