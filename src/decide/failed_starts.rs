//! How often tasks of a deployment have failed to start since one last did, in rounds: tasks that fail together fail once. It is
//! kept in the status, so that neither the number of tasks nor the end of their records changes it.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::service_status::ServiceDeployment;

use super::start_throttle::replace_after;

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
    /// It reached RUNNING.
    Started {
        /// When.
        at: Time,
    },
}

/// The failed starts of a deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailedStarts {
    rounds: u32,
    /// When the last round was given up. Tasks that were made before belong to it or to an earlier one.
    last: Option<Time>,
}

impl FailedStarts {
    /// None yet.
    pub const NONE: Self = Self { rounds: 0, last: None };

    /// What the last status says of a deployment.
    #[must_use]
    pub fn of(shown: &ServiceDeployment) -> Self {
        Self { rounds: u32::try_from(shown.failed_starts).unwrap_or(0), last: shown.last_failed_start_at.clone() }
    }

    /// Puts it into the next status.
    pub fn show(&self, shown: &mut ServiceDeployment) {
        shown.failed_starts = i32::try_from(self.rounds).unwrap_or(i32::MAX);
        shown.last_failed_start_at.clone_from(&self.last);
    }

    /// How long a task that does not start is left to the kubelet.
    #[must_use]
    pub fn patience(&self, created_at: Option<&Time>) -> Duration {
        let this = u32::from(self.is_of_next_round(created_at));
        replace_after(self.rounds.saturating_add(this).max(1))
    }

    /// After a look at all tasks of the deployment.
    #[must_use]
    pub fn next(&self, starts: &[Start], now: &Time) -> Self {
        let has_recovered = self.last.as_ref().is_some_and(|last| {
            starts.iter().any(|start| matches!(&start.result, StartResult::Started { at } if at.0 > last.0))
        });
        let rounds = if has_recovered { 0 } else { self.rounds };
        if starts
            .iter()
            .any(|start| start.result == StartResult::Failed && self.is_of_next_round(start.created_at.as_ref()))
        {
            Self { rounds: rounds.saturating_add(1), last: Some(now.clone()) }
        } else {
            Self { rounds, last: self.last.clone() }
        }
    }

    /// Whether it fails so often that it is told, with what fails now.
    #[must_use]
    pub fn is_impaired(&self, starts: &[Start]) -> bool {
        let fails =
            |start: &Start| start.result == StartResult::Failing && self.is_of_next_round(start.created_at.as_ref());
        self.rounds.saturating_add(u32::from(starts.iter().any(fails))) >= IMPAIRED
    }

    fn is_of_next_round(&self, created_at: Option<&Time>) -> bool {
        match (created_at, &self.last) {
            (Some(created_at), Some(last)) => created_at.0 > last.0,
            _ => true,
        }
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

    fn seconds(starts: &FailedStarts, created_at: i64) -> u64 {
        starts.patience(Some(&at(created_at))).as_secs()
    }

    #[test]
    fn tasks_that_fail_together_fail_once_however_many_they_are() {
        let many: Vec<_> = (0..500).map(|_| start(0, StartResult::Failed)).collect();
        let once = FailedStarts::default().next(&many, &at(10));
        assert_eq!(once, FailedStarts { rounds: 1, last: Some(at(10)) });
        assert_eq!(once.next(&many, &at(60)), once, "those that are recorded later are of the same round");
        assert_eq!((seconds(&once, 0), seconds(&once, 11)), (10, 20));
        let twice = once.next(&[start(0, StartResult::Failed), start(11, StartResult::Failed)], &at(31));
        assert_eq!(twice, FailedStarts { rounds: 2, last: Some(at(31)) });
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
        let twice = FailedStarts { rounds: 2, last: Some(at(100)) };
        let ran_before = start(0, StartResult::Started { at: at(50) });
        assert_eq!(twice.next(std::slice::from_ref(&ran_before), &at(120)), twice);
        let has_started =
            [ran_before, start(101, StartResult::Started { at: at(105) }), start(90, StartResult::Failed)];
        let recovered = twice.next(&has_started, &at(120));
        assert_eq!(recovered, FailedStarts { rounds: 0, last: Some(at(100)) });
        assert_eq!((seconds(&recovered, 90), seconds(&recovered, 110)), (10, 10));
        assert_eq!(recovered.next(&[start(110, StartResult::Failed)], &at(130)).rounds, 1);
    }

    #[test]
    fn it_is_told_when_the_third_round_fails() {
        let [failing, under_way] = [StartResult::Failing, StartResult::UnderWay].map(|result| [start(101, result)]);
        let rounds = |rounds| FailedStarts { rounds, last: Some(at(100)) };
        assert!(!rounds(1).is_impaired(&failing) && rounds(2).is_impaired(&failing));
        assert!(!rounds(2).is_impaired(&under_way) && rounds(3).is_impaired(&under_way));
        assert!(!rounds(2).is_impaired(&[start(99, StartResult::Failing)]), "it is of the round before");
    }
}
