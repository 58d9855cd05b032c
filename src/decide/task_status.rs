//! The status of a task, out of what was seen of its Pod. What of it is news is in `task_news`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{
    task::DesiredStatus,
    task_status::{ContainerLastStatus, EcsTaskStatus, HealthStatus, LastStatus, TaskContainer},
};

use super::{
    container_error::in_row,
    service_task::deleted_stop,
    task_hindrance::Hindrance,
    task_progress::{TaskFacts, TaskProgress, exit_codes},
    task_stop::Stop,
    unhealthy::is_unhealthy_stop,
};

/// What never changes of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The id.
    pub task_id: String,
    /// Its ARN.
    pub task_arn: String,
    /// ARN of its cluster.
    pub cluster_arn: String,
    /// ARN of what it runs.
    pub task_definition_arn: String,
    /// The same as `family:revision`.
    pub task_definition_revision: String,
    /// Its group.
    pub group: String,
    /// When it was created.
    pub created_at: Option<Time>,
}

/// What was seen of the Pod of a task.
#[derive(Clone, Copy, Debug)]
pub struct SeenPod<'a> {
    /// The task itself.
    pub task: TaskFacts<'a>,
    /// How far it is.
    pub progress: &'a TaskProgress,
    /// UID of the Pod.
    pub uid: &'a str,
    /// The node that it runs on.
    pub node: Option<&'a str>,
    /// Why it is being ended, where that was decided or seen.
    pub stop: Option<&'a Stop>,
    /// Since when, as far as that was noted.
    pub stopping_at: Option<&'a Time>,
    /// Its containers when that was decided.
    pub at_stop: &'a [TaskContainer],
}

/// The status of a task that has a Pod, or had one a moment ago.
#[must_use]
pub fn status(before: &EcsTaskStatus, identity: &Identity, pod: &SeenPod<'_>) -> EcsTaskStatus {
    let (task, progress) = (&pod.task, pod.progress);
    let stop = pod.stop.cloned().or_else(|| ending(task));
    let stops = stop.is_some() || progress.last_status > LastStatus::Running;
    let containers = task.since_stop(pod.at_stop);
    let is_stopped = progress.last_status == LastStatus::Stopped;
    let stop_code = before.stop_code.or(stop.as_ref().map(|stop| stop.code));
    let health_status = health(before, progress, stop.as_ref());
    let told = before.stopped_reason.clone().or(stop.map(|stop| stop.reason));
    let stopped_reason = told.or_else(|| is_stopped.then(|| UNSEEN.into()));
    let hindrance = task.hindrance(progress).filter(|_| !stops);
    let now = || task.now.clone();
    let decided_at = || pod.stopping_at.cloned().or_else(|| asked_at(task)).unwrap_or_else(now);
    // A report tells only of the last two runs of a container.
    let least = if before.started_at.is_some() { LastStatus::Running } else { LastStatus::Provisioning };
    EcsTaskStatus {
        last_status: Some(progress.last_status.max(least)),
        desired_status: Some(if stops { DesiredStatus::Stopped } else { DesiredStatus::Running }),
        health_status: Some(health_status),
        started_at: before.started_at.clone().or_else(|| progress.started_at.clone()),
        stopping_at: stops.then(|| before.stopping_at.clone().unwrap_or_else(decided_at)),
        execution_stopped_at: progress.execution_stopped_at.clone(),
        stopped_at: is_stopped.then(|| before.stopped_at.clone().unwrap_or_else(now)),
        stop_code,
        reason: stopped_reason.as_deref().or(hindrance.as_ref().map(Hindrance::text)).map(in_row),
        stopped_reason,
        exit_codes: exit_codes(&containers),
        containers,
        pod_name: Some(task.pod_name.into()),
        pod_uid: Some(pod.uid.into()),
        node_name: pod.node.map(str::to_owned),
        addresses: addresses(before, task),
        ..identified(before, identity)
    }
}

/// The health of a task is what it was when it was to stop: unhealthy, where that is why.
fn health(before: &EcsTaskStatus, progress: &TaskProgress, stop: Option<&Stop>) -> HealthStatus {
    if stop.is_some_and(is_unhealthy_stop) {
        HealthStatus::Unhealthy
    } else if stop.is_some() || progress.last_status > LastStatus::Running {
        before.health_status.unwrap_or(progress.health)
    } else {
        progress.health
    }
}

/// The status of a task whose Pod is gone and whose end nobody saw, or that never had one.
#[must_use]
pub fn lost(before: &EcsTaskStatus, stop: Option<Stop>, now: &Time) -> EcsTaskStatus {
    let (code, reason) = stop.map_or((None, UNSEEN.to_owned()), |stop| (Some(stop.code), stop.reason));
    let stopped_reason = before.stopped_reason.clone().or(Some(reason));
    EcsTaskStatus {
        last_status: Some(LastStatus::Stopped),
        desired_status: Some(DesiredStatus::Stopped),
        health_status: before.health_status.or(Some(HealthStatus::Unknown)),
        stopped_at: Some(now.clone()),
        stop_code: before.stop_code.or(code),
        reason: stopped_reason.as_deref().map(in_row),
        stopped_reason,
        containers: before.containers.iter().cloned().map(over).collect(),
        ..before.clone()
    }
}

/// A container of a task that is over.
fn over(container: TaskContainer) -> TaskContainer {
    TaskContainer { last_status: ContainerLastStatus::Stopped, ..container }
}

/// What is said of an end that nobody saw. It is not made up.
const UNSEEN: &str = "Unknown: the Pod was gone before the operator saw how it ended";

/// What never changes, beside the rest of a status.
#[must_use]
pub fn identified(before: &EcsTaskStatus, identity: &Identity) -> EcsTaskStatus {
    EcsTaskStatus {
        task_id: Some(identity.task_id.clone()),
        task_arn: Some(identity.task_arn.clone()),
        cluster_arn: Some(identity.cluster_arn.clone()),
        task_definition_arn: Some(identity.task_definition_arn.clone()),
        task_definition_revision: Some(identity.task_definition_revision.clone()),
        group: Some(identity.group.clone()),
        created_at: identity.created_at.clone(),
        ..before.clone()
    }
}

/// Why a task has ended or will, as far as its Pod tells.
fn ending(task: &TaskFacts<'_>) -> Option<Stop> {
    let has_ended = task.is_gone || task.deletion.is_some() || (task.runs_alone && task.status.has_ended());
    if !has_ended {
        return None;
    }
    let cause = task.disruption().or_else(|| task.essential_exit()).or_else(|| task.start_failure());
    // Whom a service's task was deleted by is found out where it is seen.
    cause.or_else(|| (task.runs_alone && task.deletion.is_some()).then(deleted_stop))
}

fn asked_at(task: &TaskFacts<'_>) -> Option<Time> {
    task.deletion.map(|deletion| deletion.asked_at())
}

/// A Pod that has ended has no addresses any more, but its task had them.
fn addresses(before: &EcsTaskStatus, task: &TaskFacts<'_>) -> Vec<String> {
    let seen: Vec<_> = task.status.pod_ips.iter().map(|address| address.ip.clone()).collect();
    if seen.is_empty() { before.addresses.clone() } else { seen }
}
