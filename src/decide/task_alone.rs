//! What to do with a task that somebody runs by itself. It is never started again.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::task_status::ContainerLastStatus;

use super::{elapsed::left, task_progress::TaskFacts, task_stop::Stop};

/// How long a task may be unable to start: the kubelet tries again in the meantime, as the agent of ECS does.
const START_DEADLINE: Duration = Duration::from_secs(180);

/// What to do with the Pod of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes on, or has ended by itself.
    Nothing,
    /// It cannot start, and has this long to do so all the same.
    Wait(Duration),
    /// It is deleted, and what still runs of it is stopped.
    Stop(Stop),
}

/// Decides. `wish` is the stop that its user asks for, `placed_at` when a node was found for it. A task whose containers have all ended needs no stop: its Pod stays for
/// its logs. An unhealthy one goes on: only services replace tasks.
#[must_use]
pub fn action(task: &TaskFacts<'_>, wish: Option<Stop>, placed_at: Option<&Time>) -> Action {
    if task.is_gone || task.deletion.is_some() || task.status.has_ended() {
        return Action::Nothing;
    }
    // What is left of it when an essential container has ended is stopped. Where nothing is left the Pod ends by itself.
    let is_left = || task.progress().containers.iter().any(|it| it.last_status != ContainerLastStatus::Stopped);
    match (wish, task.essential_exit()) {
        (Some(stop), _) => return Action::Stop(stop),
        (None, Some(stop)) if is_left() => return Action::Stop(stop),
        (None, Some(_)) => return Action::Nothing,
        (None, None) => {}
    }
    let Some(stop) = task.start_failure() else { return Action::Nothing };
    match left(placed_at.unwrap_or(task.now), START_DEADLINE, task.now) {
        Duration::ZERO => Action::Stop(stop),
        left => Action::Wait(left),
    }
}
