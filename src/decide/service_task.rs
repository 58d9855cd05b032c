//! What to do with the task of a service: when its Pod is deleted, and why, where somebody else deletes it.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::task_status::StopCode;

use super::{container_error::reason, quick_ends::QuickEnds, task_progress::TaskFacts, task_stop::Stop};

/// What StopTask says when its caller gives no reason.
const STOPPED_BY_USER: &str = "Task stopped by user";

/// The stop that a user asks for. A reason that says nothing is none.
#[must_use]
pub fn user_stop(reason: Option<&str>) -> Stop {
    user(reason.filter(|reason| !reason.trim().is_empty()).unwrap_or(STOPPED_BY_USER))
}

/// What is said of a record or a Pod that somebody deletes.
const DELETED: &str = "Deleted through the Kubernetes API";

/// What matters of the record of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// Nobody wants it to stop.
    Run,
    /// The record is being deleted.
    Delete,
    /// It is to stop, with the reason that was given.
    Stop(Option<&'a str>),
}

/// What matters of a service's task that runs.
#[derive(Clone, Copy, Debug)]
pub struct ServiceTask<'a> {
    /// The task itself.
    pub task: TaskFacts<'a>,
    /// What its users want.
    pub wish: Wish<'a>,
    /// How the last run of an essential container ended that was started again while this process watched.
    pub restarted: Option<&'a Stop>,
    /// When it was made.
    pub created_at: Option<&'a Time>,
    /// How the tasks of its deployment before it ended.
    pub quick_ends: &'a QuickEnds,
    /// Whether Kubernetes itself delays the replacement of a task that its node refuses, as for those of a DaemonSet.
    pub is_delayed_by_kubernetes: bool,
}

/// What to do with the Pod of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes on.
    Nothing,
    /// It has ended, but is left to the kubelet's back-off until this time is over.
    Wait(Duration),
    /// It is deleted.
    Stop(Stop),
    /// It has ended, and runs again since, while others that ended quickly were replaced: it is left alone.
    LeaveRestarted,
}

/// Decides what to do with the Pod of a task that nobody deletes yet. A task that never reached RUNNING is the rollout's.
#[must_use]
pub fn action(task: &ServiceTask<'_>) -> Action {
    match task.wish {
        Wish::Delete => return Action::Stop(user(DELETED)),
        Wish::Stop(reason) => return Action::Stop(user_stop(reason)),
        Wish::Run => {}
    }
    // Its Pod has failed as a whole: another one is there already, or comes when this one goes.
    if task.task.status.has_ended() {
        let stop = end(&task.task).filter(|_| !task.is_delayed_by_kubernetes);
        return stop.map_or(Action::Nothing, Action::Stop);
    }
    let progress = task.task.progress();
    let Some(started_at) = &progress.started_at else { return Action::Nothing };
    let exit = task.task.essential_exit();
    let runs_again = exit.is_none();
    let Some(stop) = exit.or_else(|| task.restarted.cloned()) else { return Action::Nothing };
    let (ran, ended_at) = task.task.last_run(started_at);
    match task.quick_ends.patience(task.created_at, ran, ended_at, task.task.now) {
        Duration::ZERO => Action::Stop(stop),
        _ if runs_again => Action::LeaveRestarted,
        left => Action::Wait(left),
    }
}

/// Why a task ends, as far as its Pod tells.
#[must_use]
pub fn end(task: &TaskFacts<'_>) -> Option<Stop> {
    task.disruption().or_else(|| task.essential_exit()).or_else(|| task.start_failure())
}

/// What is said of a task whose Pod somebody has deleted.
#[must_use]
pub fn deleted_stop() -> Stop {
    user(DELETED)
}

fn user(reason: &str) -> Stop {
    Stop { code: StopCode::UserInitiated, reason: reason.into() }
}

/// What is around a Pod that somebody else deletes.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Id of the deployment that the task belongs to.
    pub deployment_id: &'a str,
    /// Whether the service is there, is not being deleted, and runs that deployment.
    pub is_current: bool,
    /// How many tasks of the deployment nobody deletes.
    pub live: usize,
    /// How many it is to have.
    pub desired: usize,
    /// Whether one of those was made after the deletion was asked for: it takes the place of the deleted one.
    pub is_replaced: bool,
}

/// Why a Pod is deleted by somebody else: the node goes, the service needs it no more, or a user did it. Kubernetes does not
/// say who deleted an object, so the last two are told apart by whether another Pod takes its place.
#[must_use]
pub fn deleted_by_others(task: &TaskFacts<'_>, around: Surroundings<'_>) -> Stop {
    // One that does not start may be stopped for something else: that it did not is told beside it.
    let cause = if task.status.has_ended() { end(task) } else { task.disruption().or_else(|| task.essential_exit()) };
    cause.unwrap_or_else(|| {
        let surplus = around.live >= around.desired && !around.is_replaced;
        let stop = if around.is_current && !surplus { user(DELETED) } else { scaling(around.deployment_id) };
        match task.start_failure() {
            Some(failure) => Stop { reason: reason(&stop.reason, &failure.reason), ..stop },
            None => stop,
        }
    })
}

/// What ECS says of a task that the scheduler stops, in a deployment or when the service is scaled in.
fn scaling(deployment_id: &str) -> Stop {
    Stop {
        code: StopCode::ServiceSchedulerInitiated,
        reason: format!("Scaling activity initiated by (deployment {deployment_id})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_without_a_reason_has_that_of_ecs() {
        for (given, told) in [
            (None, STOPPED_BY_USER),
            (Some(""), STOPPED_BY_USER),
            (Some(" \n"), STOPPED_BY_USER),
            (Some(" enough "), " enough "),
        ] {
            assert_eq!(user_stop(given), Stop { code: StopCode::UserInitiated, reason: told.into() });
        }
    }
}
