//! The service events that tell of tasks that were started or stopped, in ECS's words.

/// A task that was started or that the service scheduler stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskChange {
    /// Its id.
    pub id: String,
    /// Number of its deployment.
    pub deployment: i64,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was started.
    Started,
    /// It is stopped before it has reached RUNNING.
    PendingStopped,
    /// It is stopped.
    RunningStopped,
}

/// Ids in one event: an Event of Kubernetes has room for 1024 bytes.
const MOST_IDS: usize = 20;

/// The events, the oldest first. `drains` says whether the tasks of a deployment leave their endpoints before they stop.
#[must_use]
pub fn messages(service: &str, changes: &[TaskChange], drains: impl Fn(i64) -> bool) -> Vec<String> {
    let of = |kind: ChangeKind| changes.iter().filter(move |change| change.kind == kind);
    let mut messages = Vec::new();
    let pending = of(ChangeKind::PendingStopped).count();
    if pending > 0 {
        messages.push(format!("(service {service}) stopped {pending} pending tasks."));
    }
    let draining = of(ChangeKind::RunningStopped).filter(|change| drains(change.deployment)).count();
    if draining > 0 {
        messages.push(format!("(service {service}) has begun draining connections on {draining} tasks."));
    }
    for (kind, verb, tasks) in
        [(ChangeKind::RunningStopped, "stopped", "running tasks"), (ChangeKind::Started, "started", "tasks")]
    {
        let ids: Vec<_> = of(kind).map(|change| format!("(task {})", change.id)).collect();
        let told = |ids: &[String]| format!("(service {service}) has {verb} {} {tasks}: {}.", ids.len(), ids.join(" "));
        messages.extend(ids.chunks(MOST_IDS).map(told));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: &str, deployment: i64, kind: ChangeKind) -> TaskChange {
        TaskChange { id: id.into(), deployment, kind }
    }

    #[test]
    fn each_kind_is_told_in_one_event() {
        use ChangeKind::{PendingStopped, RunningStopped, Started};
        let changes = [
            change("c", 2, Started),
            change("a", 1, RunningStopped),
            change("d", 2, Started),
            change("b", 1, PendingStopped),
            change("e", 2, RunningStopped),
        ];
        let told = messages("web", &changes, |deployment| deployment == 1);
        assert_eq!(
            told,
            [
                "(service web) stopped 1 pending tasks.",
                "(service web) has begun draining connections on 1 tasks.",
                "(service web) has stopped 2 running tasks: (task a) (task e).",
                "(service web) has started 2 tasks: (task c) (task d).",
            ]
        );
        assert!(messages("web", &[], |_| true).is_empty());
    }

    #[test]
    fn many_tasks_are_told_in_events_that_are_taken() {
        let changes: Vec<_> = (0..45).map(|id| change(&format!("{id:032}"), 1, ChangeKind::Started)).collect();
        let told = messages(&"s".repeat(100), &changes, |_| true);
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|message| message.len() <= 1024));
        assert!(told[2].contains("has started 5 tasks: (task"));
    }
}
