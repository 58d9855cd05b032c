//! Replaces tasks that fail their health checks: a new task first where the maximum leaves room, else the unhealthy one
//! first, one at a time. The workload is told to have more tasks for a while; Kubernetes starts them.

use crate::{api::task_status::StopCode, ecs::task_containers::TargetOf};

use super::{scheduled_task::ScheduledTask, task_stop::Stop};

/// A task of the deployment that runs. One that is being stopped is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTask {
    /// Its id.
    pub id: String,
    /// What is known of its health.
    pub health: Health,
}

/// What is known of a task's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is on its way, or fails its health checks in its grace period.
    Starting,
    /// It does not come up, or its node does not answer: whoever waits for it may wait for ever.
    Hindered,
    /// Kubernetes counts it as available.
    Healthy,
    /// It fails its health checks, and its grace period is over. They are its readiness probes, so Kubernetes does not take
    /// it for ready either.
    Unhealthy,
}

/// What bounds a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many tasks are desired.
    pub desired: u32,
    /// How many may live.
    pub most: u32,
    /// Whether a deployment is under way: it uses what room there is.
    pub deployment_in_progress: bool,
    /// Whether a task is being stopped: the one in its place may not be there yet.
    pub is_stopping: bool,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacement {
    /// How many tasks the workload is to have beyond the desired count.
    pub extra: u32,
    /// Ids of the tasks to stop now, in the order in which they were given.
    pub stop: Vec<String>,
}

/// Decides what to do with unhealthy tasks. `tasks` are those that live, in an order that stays: the oldest first.
///
/// Only unhealthy tasks are named. The workload is told to have fewer tasks only when as many are not ready, which is what
/// Kubernetes takes first, or when more are healthy than desired.
#[must_use]
pub fn replace(tasks: &[LiveTask], bounds: Bounds) -> Replacement {
    let count = |health| tasks.iter().filter(|task| task.health == health).count();
    let (healthy, unhealthy) = (count(Health::Healthy), count(Health::Unhealthy));
    let room = if bounds.deployment_in_progress { 0 } else { size(bounds.most.saturating_sub(bounds.desired)) };
    // As many unhealthy tasks as there are healthy ones in their place, or as nobody desires any more. The youngest of them, as one
    // of them may be there only in the place of an older one, which waits for a healthy one.
    let replaced = (healthy + unhealthy).saturating_sub(size(bounds.desired)).min(unhealthy);
    // The oldest, so that each gets its turn.
    let goes_first = room == 0 && count(Health::Starting) == 0 && !bounds.is_stopping;
    let all = || tasks.iter().filter(|task| task.health == Health::Unhealthy).map(|task| task.id.clone());
    let stop: Vec<_> = match replaced {
        0 => all().take(usize::from(goes_first)).collect(),
        _ => all().skip(unhealthy - replaced).collect(),
    };
    Replacement { extra: u32::try_from((unhealthy - stop.len()).min(room)).unwrap_or(0), stop }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

const FAILED_OWN_CHECKS: &str = "Task failed container health checks";
const FAILED_TARGET_CHECKS: &str = "Task failed ELB health checks";

/// Why a task is stopped that fails its health checks: those of a container, or of a target group.
#[must_use]
pub fn unhealthy_stop(target: Option<&TargetOf>) -> Stop {
    let reason = match target {
        Some(target) => format!("{FAILED_TARGET_CHECKS} in (target-group {})", target.arn),
        None => FAILED_OWN_CHECKS.into(),
    };
    Stop { code: StopCode::ServiceSchedulerInitiated, reason }
}

/// Whether that is why a task is stopped.
#[must_use]
pub fn is_unhealthy_stop(stop: &Stop) -> bool {
    let is_said = [FAILED_OWN_CHECKS, FAILED_TARGET_CHECKS].iter().any(|reason| stop.reason.starts_with(reason));
    stop.code == StopCode::ServiceSchedulerInitiated && is_said
}

/// The service event that tells why a task is stopped.
#[must_use]
pub fn failed_health_checks_message(service: &str, task: &ScheduledTask) -> String {
    let id = &task.id;
    match &task.unhealthy_in {
        Some(TargetOf { arn, port }) => format!(
            "(service {service}) (task {id}) (port {port}) is unhealthy in (target-group {arn}) due to (reason Health checks failed)."
        ),
        None => format!("(service {service}) (task {id}) failed container health checks."),
    }
}

#[cfg(test)]
mod tests;
