//! What a supervisor does next, by what has happened so far. The rules are those of ECS's agent: `dependsOn` with its conditions,
//! `startTimeout`, `restartPolicy`, the essential rule, `stopTimeout` and the reverse order of stops.

use std::{collections::BTreeMap, time::Duration};

use super::{
    member::{Condition, Dependency, Member, RestartPolicy},
    state::State,
};

/// What a supervisor sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Its container.
    pub me: &'a Member,
    /// What it has told of it.
    pub told: &'a State,
    /// Its process.
    pub process: Process,
    /// What the other supervisors tell; one that has told nothing is not there.
    pub others: &'a BTreeMap<String, State>,
    /// Whether the node has told it to stop.
    pub is_told_to_stop: bool,
    /// Time since the boot of the node.
    pub now: Duration,
}

/// The process of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// It was not started, or its end has been told.
    None,
    /// It runs.
    Running {
        /// When it was started last.
        since: Duration,
    },
    /// It was sent SIGTERM.
    Stopping {
        /// When.
        since: Duration,
    },
    /// It has ended, which has not been told yet.
    Ended {
        /// With what.
        exit_code: i32,
        /// When it was started last.
        since: Duration,
        /// Whether it was sent SIGTERM before.
        was_stopped: bool,
    },
}

/// What a supervisor does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Starts the process.
    Start,
    /// Sends SIGTERM to it.
    Terminate,
    /// Sends SIGKILL to it, and to what it has left.
    Kill,
    /// Tells something to the others.
    Tell(State),
    /// Ends itself with an exit code.
    Leave(i32),
    /// Waits until something happens, or for some time.
    Wait(Option<Duration>),
}

/// What a supervisor ends with whose process never ran: the task was told to stop, or failed, before.
const NEVER_RAN: i32 = 0;

/// What a supervisor ends with that could not start its process.
const FAILED: i32 = 1;

/// What to do next.
#[must_use]
pub fn next(view: View<'_>) -> Next {
    match view.process {
        Process::None if view.told.is_over() => rest(view),
        Process::None => wait_for_others(view),
        Process::Running { .. } if !is_to_stop(view) => Next::Wait(None),
        Process::Running { .. } if view.me.dependents.iter().all(|name| is_over(view, name)) => Next::Terminate,
        Process::Running { .. } => Next::Wait(None),
        Process::Stopping { since } => {
            left(since, view.me.stop_timeout, view.now).map_or(Next::Kill, |left| Next::Wait(Some(left)))
        }
        Process::Ended { exit_code, since, was_stopped } => {
            let policy = view.me.restart_policy.as_ref().filter(|_| !was_stopped && !is_to_stop(view));
            if policy.is_some_and(|policy| starts_again(policy, exit_code, view.now.saturating_sub(since))) {
                return Next::Start;
            }
            Next::Tell(State { exit_code: Some(exit_code), ends_task: view.me.essential, ..view.told.clone() })
        }
    }
}

/// One whose process has ended: an essential one ends with it, another one stays so that its Pod stays ready.
fn rest(view: View<'_>) -> Next {
    let exit_code = view.told.exit_code.unwrap_or(if view.told.failure.is_some() { FAILED } else { NEVER_RAN });
    if view.told.ends_task || is_to_stop(view) { Next::Leave(exit_code) } else { Next::Wait(None) }
}

/// Whether everything of the task is to stop.
fn is_to_stop(view: View<'_>) -> bool {
    view.is_told_to_stop || view.others.values().any(|other| other.ends_task)
}

/// Whether nothing of another one runs. One that has told nothing has no process; it starts none while the task stops.
fn is_over(view: View<'_>, name: &str) -> bool {
    view.others.get(name).is_none_or(|other| other.is_over() || other.started_at.is_none())
}

fn wait_for_others(view: View<'_>) -> Next {
    if is_to_stop(view) {
        return Next::Leave(NEVER_RAN);
    }
    let nothing = State::default();
    let (mut waits, mut soonest) = (false, None);
    for dependency in &view.me.depends_on {
        let other = view.others.get(&dependency.container).unwrap_or(&nothing);
        match progress(dependency, other, view.now) {
            Progress::Reached => {}
            Progress::Never(failure) => {
                return Next::Tell(State { failure: Some(failure), ends_task: true, ..view.told.clone() });
            }
            Progress::Waits(left) => {
                waits = true;
                soonest = [soonest, left].into_iter().flatten().min();
            }
        }
    }
    if waits { Next::Wait(soonest) } else { Next::Start }
}

enum Progress {
    Reached,
    /// It may reach it, for some time at most.
    Waits(Option<Duration>),
    Never(String),
}

fn progress(dependency: &Dependency, other: &State, now: Duration) -> Progress {
    let has_reached = match dependency.condition {
        Condition::Start => other.started_at.is_some(),
        Condition::Complete => other.exit_code.is_some(),
        Condition::Success => other.exit_code == Some(0),
        Condition::Healthy => other.has_been_healthy,
    };
    let name = &dependency.container;
    if has_reached {
        return Progress::Reached;
    }
    if let Some(exit_code) = other.exit_code {
        return Progress::Never(format!(
            "dependency {name} ended with exit code {exit_code} before it was {}",
            match dependency.condition {
                Condition::Healthy => "healthy",
                Condition::Start | Condition::Complete | Condition::Success => "successful",
            }
        ));
    }
    let timeout = dependency.timeout.filter(|_| dependency.condition != Condition::Start);
    let Some((timeout, started_at)) = timeout.zip(other.started_at) else { return Progress::Waits(None) };
    match left(started_at, timeout, now) {
        Some(left) => Progress::Waits(Some(left)),
        None => Progress::Never(format!("dependency {name} timed out: it did not get so far in {timeout} s")),
    }
}

fn starts_again(policy: &RestartPolicy, exit_code: i32, ran: Duration) -> bool {
    !policy.ignored_exit_codes.contains(&exit_code) && ran >= seconds(policy.attempt_period)
}

/// What is left of some seconds, if anything is.
fn left(since: Duration, time: u32, now: Duration) -> Option<Duration> {
    (since + seconds(time)).checked_sub(now).filter(|left| !left.is_zero())
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
