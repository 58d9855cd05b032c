//! How long the records of stopped tasks are kept.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::elapsed::left;

/// How long, where the cluster says nothing else. ECS shows stopped tasks for at least an hour.
pub const DEFAULT_RETENTION: Duration = Duration::from_secs(3600);

/// Most stopped tasks of a service that are kept.
const MOST_STOPPED: usize = 100;

/// A task that has stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct StoppedTask {
    /// Its id.
    pub id: String,
    /// When it stopped.
    pub stopped_at: Time,
}

/// What to do with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its time is over, or there are too many newer ones.
    Delete,
    /// It stays for this long.
    Keep(Duration),
}

/// Decides about the records of one service's stopped tasks.
#[must_use]
pub fn verdicts(stopped: &[StoppedTask], retention: Duration, now: &Time) -> Vec<(String, Verdict)> {
    let mut newest_first: Vec<_> = stopped.iter().collect();
    newest_first.sort_by(|a, b| (b.stopped_at.0, &b.id).cmp(&(a.stopped_at.0, &a.id)));
    let verdict = |(rank, task): (usize, &StoppedTask)| {
        let left = left(&task.stopped_at, retention, now);
        let verdict = if rank >= MOST_STOPPED || left.is_zero() { Verdict::Delete } else { Verdict::Keep(left) };
        (task.id.clone(), verdict)
    };
    newest_first.into_iter().enumerate().map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time(k8s_openapi::jiff::Timestamp::from_second(second).unwrap())
    }

    fn stopped(id: usize, second: i64) -> StoppedTask {
        StoppedTask { id: format!("{id:03}"), stopped_at: at(second) }
    }

    #[test]
    fn a_record_stays_for_its_time() {
        let tasks = [stopped(1, 100), stopped(2, 200)];
        let verdicts = verdicts(&tasks, Duration::from_secs(60), &at(200));
        let kept = Verdict::Keep(Duration::from_secs(60));
        assert_eq!(verdicts, [("002".into(), kept), ("001".into(), Verdict::Delete)]);
    }

    #[test]
    fn the_oldest_of_too_many_go() {
        let tasks: Vec<_> = (0..102).map(|id| stopped(id, 100)).collect();
        let verdicts = verdicts(&tasks, DEFAULT_RETENTION, &at(100));
        let deleted: Vec<_> = verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Delete).collect();
        assert_eq!(deleted.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["001", "000"]);
    }
}
