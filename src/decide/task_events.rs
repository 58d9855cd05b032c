//! The service events that tell of tasks that were started or stopped, in ECS's words.

use crate::ecs::target::Target;

/// A task that was started, is or was a target, or that the service scheduler stops.
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
    /// It has reached RUNNING, and is a target of its target groups from then on.
    Registered,
    /// It stops, for whatever reason, and has been a target before.
    Deregistered,
    /// It is stopped.
    RunningStopped,
}

/// Ids in one event: an Event of Kubernetes has room for 1024 bytes.
const MOST_IDS: usize = 20;

/// What is known of the tasks of a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic<'a> {
    /// Whether they leave their endpoints before they stop.
    pub drains: bool,
    /// The target groups that they are registered with.
    pub targets: &'a [Target],
}

/// The events, the oldest first. `traffic` tells of the tasks of a deployment.
#[must_use]
pub fn messages<'a>(service: &str, changes: &[TaskChange], traffic: impl Fn(i64) -> Traffic<'a>) -> Vec<String> {
    let of = |kind: ChangeKind| changes.iter().filter(move |change| change.kind == kind);
    let mut messages = Vec::new();
    let pending = of(ChangeKind::PendingStopped).count();
    if pending > 0 {
        messages.push(format!("(service {service}) stopped {pending} pending tasks."));
    }
    messages.extend(of_targets(service, "deregistered", of(ChangeKind::Deregistered), &traffic));
    let draining = of(ChangeKind::RunningStopped).filter(|change| traffic(change.deployment).drains).count();
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
    messages.extend(of_targets(service, "registered", of(ChangeKind::Registered), &traffic));
    messages
}

/// An event for each target group that tasks were registered with, or are no more.
fn of_targets<'a, 'c>(
    service: &str,
    verb: &str,
    changes: impl Iterator<Item = &'c TaskChange>,
    traffic: impl Fn(i64) -> Traffic<'a>,
) -> Vec<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for target in changes.flat_map(|change| traffic(change.deployment).targets) {
        match counts.iter_mut().find(|(arn, _)| *arn == target.arn) {
            Some((_, count)) => *count += 1,
            None => counts.push((&target.arn, 1)),
        }
    }
    let told = |(arn, count)| format!("(service {service}) {verb} {count} targets in (target-group {arn})");
    counts.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: &str, deployment: i64, kind: ChangeKind) -> TaskChange {
        TaskChange { id: id.into(), deployment, kind }
    }

    #[test]
    fn each_kind_is_told_in_one_event() {
        use ChangeKind::{Deregistered, PendingStopped, Registered, RunningStopped, Started};
        let changes = [
            change("c", 2, Started),
            change("a", 1, Deregistered),
            change("a", 1, RunningStopped),
            change("d", 2, Started),
            change("f", 1, Registered),
            change("g", 1, Registered),
            change("h", 2, Registered),
            change("b", 1, PendingStopped),
            change("e", 2, RunningStopped),
        ];
        let target = Target {
            target_group: "web".into(),
            arn: "arn:web".into(),
            container_port: 80,
            port_name: "http".into(),
            is_asked: true,
        };
        let targets = [target];
        let traffic = |deployment| match deployment {
            1 => Traffic { drains: true, targets: &targets },
            _ => Traffic::default(),
        };
        let told = messages("web", &changes, traffic);
        assert_eq!(
            told,
            [
                "(service web) stopped 1 pending tasks.",
                "(service web) deregistered 1 targets in (target-group arn:web)",
                "(service web) has begun draining connections on 1 tasks.",
                "(service web) has stopped 2 running tasks: (task a) (task e).",
                "(service web) has started 2 tasks: (task c) (task d).",
                "(service web) registered 2 targets in (target-group arn:web)",
            ]
        );
        assert!(messages("web", &[], traffic).is_empty());
    }

    #[test]
    fn many_tasks_are_told_in_events_that_are_taken() {
        let changes: Vec<_> = (0..45).map(|id| change(&format!("{id:032}"), 1, ChangeKind::Started)).collect();
        let told = messages(&"s".repeat(100), &changes, |_| Traffic::default());
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|message| message.len() <= 1024));
        assert!(told[2].contains("has started 5 tasks: (task"));
    }
}
