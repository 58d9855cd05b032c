//! What of the status of a service's task is written into its record, and when. What lies between is seen on the Pod, and would
//! be some ten writes for each task.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::task_status::{EcsTaskStatus, LastStatus, StopCode};

use super::elapsed::left;

/// Time in which a task comes up before there is anything to tell of it.
pub const USUAL: Duration = Duration::from_secs(5);

/// Time in which a task is gone when it has ended or is stopped: it leaves its endpoints for 5 s by default. A user who stops one
/// is told at once.
const USUAL_STOP: Duration = Duration::from_secs(10);

/// Time for which a task must have run before it is told no more why it was down: one that ends again and again does not cost
/// two writes each time.
const RECOVERY: Duration = Duration::from_secs(60);

/// After which time the record has to be written: zero is at once; `None`: not before something changes. `is_whole_since` is since
/// when all its containers run.
#[must_use]
pub fn news(
    before: &EcsTaskStatus,
    after: &EcsTaskStatus,
    is_whole_since: Option<&Time>,
    now: &Time,
) -> Option<Duration> {
    if has_got_further(before, after) || has_changed_its_health(before, after) {
        return Some(Duration::ZERO);
    }
    let is_first = before.task_id.is_none();
    let late_start = after.created_at.as_ref().filter(|_| is_first).map(|created_at| left(created_at, USUAL, now));
    let stops = after.last_status >= Some(LastStatus::Stopping) && before.last_status < Some(LastStatus::Stopping);
    let is_asked_for = after.stop_code == Some(StopCode::UserInitiated);
    let usual = if is_asked_for { Duration::ZERO } else { USUAL_STOP };
    let late_stop = after.stopping_at.as_ref().filter(|_| stops).map(|asked_at| left(asked_at, usual, now));
    let has_another_reason = !is_first && after.stopped_reason.is_none() && kind(before) != kind(after);
    let other_reason = has_another_reason.then(|| until_other_reason(after, is_whole_since, now)).flatten();
    [late_start, late_stop, other_reason].into_iter().flatten().min()
}

/// One that has just ended again has no new reason yet, and has not recovered from the old one either.
fn until_other_reason(after: &EcsTaskStatus, is_whole_since: Option<&Time>, now: &Time) -> Option<Duration> {
    let was_down = after.reason.is_none() && after.started_at.is_some();
    if was_down { is_whole_since.map(|since| left(since, RECOVERY, now)) } else { Some(Duration::ZERO) }
}

/// It has reached RUNNING, or has stopped.
fn has_got_further(before: &EcsTaskStatus, after: &EcsTaskStatus) -> bool {
    let is_reached = |status: LastStatus| before.last_status < Some(status) && after.last_status >= Some(status);
    is_reached(LastStatus::Running) || is_reached(LastStatus::Stopped)
}

fn has_changed_its_health(before: &EcsTaskStatus, after: &EcsTaskStatus) -> bool {
    after.last_status == Some(LastStatus::Running) && before.health_status != after.health_status
}

/// Of what kind the reason is: what stands behind that may change at each attempt.
fn kind(status: &EcsTaskStatus) -> Option<&str> {
    status.reason.as_deref().and_then(|reason| reason.split(':').next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::kubelet_reports::at;

    fn status(last_status: LastStatus, reason: Option<&str>) -> EcsTaskStatus {
        EcsTaskStatus {
            task_id: Some("a".into()),
            last_status: Some(last_status),
            reason: reason.map(str::to_owned),
            created_at: Some(at(0)),
            started_at: (last_status >= LastStatus::Running).then(|| at(1)),
            ..EcsTaskStatus::default()
        }
    }

    #[test]
    fn a_record_is_written_when_there_is_something_to_tell() {
        let (none, pending) = (EcsTaskStatus::default(), status(LastStatus::Pending, None));
        let hindered = status(LastStatus::Pending, Some("CannotPull: no such image"));
        let (running, down) = (status(LastStatus::Running, None), status(LastStatus::Running, Some("it has ended")));
        let stopping = |last_status| EcsTaskStatus {
            stopping_at: Some(at(6)),
            stopped_reason: Some("enough".into()),
            ..status(last_status, Some("enough"))
        };
        let (stops, stopped) = (stopping(LastStatus::Stopping), stopping(LastStatus::Stopped));
        let by_user = EcsTaskStatus { stop_code: Some(StopCode::UserInitiated), ..stops.clone() };
        let seconds = Duration::from_secs;
        for (before, after, now, expected) in [
            (&none, &pending, 1, Some(seconds(4))),
            (&none, &pending, 5, Some(seconds(0))),
            (&none, &hindered, 1, Some(seconds(4))),
            (&none, &hindered, 5, Some(seconds(0))),
            (&pending, &pending, 9, None),
            (&pending, &hindered, 9, Some(seconds(0))),
            (&hindered, &pending, 9, Some(seconds(0))),
            (&hindered, &status(LastStatus::Pending, Some("CannotPull: back-off")), 9, None),
            (&hindered, &status(LastStatus::Pending, Some("CannotStart: no such command")), 9, Some(seconds(0))),
            (&none, &running, 1, Some(seconds(0))),
            (&running, &down, 9, Some(seconds(0))),
            (&running, &stops, 9, Some(seconds(7))),
            (&running, &stops, 16, Some(seconds(0))),
            (&running, &by_user, 6, Some(seconds(0))),
            (&stops, &stops, 12, None),
            (&running, &stopped, 7, Some(seconds(0))),
            (&stops, &stopped, 12, Some(seconds(0))),
        ] {
            assert_eq!(news(before, after, None, &at(now)), expected, "{before:?} {after:?} at {now}");
        }
    }

    #[test]
    fn why_a_task_was_down_is_told_until_it_has_run_for_a_minute() {
        let (running, down) = (status(LastStatus::Running, None), status(LastStatus::Running, Some("it has ended")));
        let since = at(20);
        assert_eq!(news(&down, &running, Some(&since), &at(30)), Some(Duration::from_secs(50)));
        assert_eq!(news(&down, &running, None, &at(40)), None, "it has just ended again");
        assert_eq!(news(&down, &down, None, &at(50)), None);
        assert_eq!(news(&down, &running, Some(&since), &at(80)), Some(Duration::ZERO));
    }
}
