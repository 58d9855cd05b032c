//! What is known of one task at one moment, and how far it is by that, in the words of DescribeTasks. A report tells of a
//! container's present run and the one before: who keeps a task's earlier progress knows more than is told here.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::SignedDuration};

use crate::{
    api::task_status::{ContainerLastStatus, HealthStatus, LastStatus, TaskContainer},
    ecs::task_containers::{RunningContainer, TargetOf},
};

use super::{
    container_progress::{EndKind, ObservedContainer},
    pod_status::PodStatus,
};

/// What is known of one task at one moment.
#[derive(Clone, Copy, Debug)]
pub struct TaskFacts<'a> {
    /// Name of its Pod.
    pub pod_name: &'a str,
    /// Its containers, in the order of the definition.
    pub containers: &'a [RunningContainer],
    /// What the kubelet reports (the last report when the Pod is gone).
    pub status: &'a PodStatus,
    /// Whether a node was found for it.
    pub is_scheduled: bool,
    /// That the Pod is to go.
    pub deletion: Option<Deletion<'a>>,
    /// The Pod is no longer there.
    pub is_gone: bool,
    /// Whether the task runs by itself: the restart policy of its Pod is `Never`.
    pub runs_alone: bool,
    /// The moment.
    pub now: &'a Time,
}

/// That a Pod is to go. It was asked for `grace_seconds` before `timestamp`.
#[derive(Clone, Copy, Debug)]
pub struct Deletion<'a> {
    /// `metadata.deletionTimestamp`: when its containers are killed at the latest.
    pub timestamp: &'a Time,
    /// `metadata.deletionGracePeriodSeconds`.
    pub grace_seconds: i64,
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskProgress {
    /// `PROVISIONING` to `STOPPED`. `ACTIVATING` and `DEACTIVATING` are nothing that a Pod reports.
    pub last_status: LastStatus,
    /// `HEALTHY` or `UNHEALTHY` where an essential container has a health check, else `UNKNOWN`.
    pub health: HealthStatus,
    /// When all its containers had started, as far as the report still tells.
    pub started_at: Option<Time>,
    /// When its last container ended; absent when it did not, when none ran, and when nobody saw it.
    pub execution_stopped_at: Option<Time>,
    /// The containers, in the order of the definition.
    pub containers: Vec<TaskContainer>,
    /// `web=137,log=0`: only containers with an exit code; `None` when none has.
    pub exit_codes: Option<String>,
    /// How often containers were started again in their place, in sum.
    pub restarts: i32,
    /// After which time its health may have changed, or it has failed to start, although nobody tells.
    pub look_again_after: Option<Duration>,
}

impl Deletion<'_> {
    /// When it was asked for.
    #[must_use]
    pub fn asked_at(&self) -> Time {
        let grace = SignedDuration::from_secs(self.grace_seconds.max(0));
        Time(self.timestamp.0.checked_sub(grace).unwrap_or(self.timestamp.0))
    }
}

impl<'a> TaskFacts<'a> {
    /// How far the task is.
    #[must_use]
    pub fn progress(&self) -> TaskProgress {
        let observed: Vec<_> = self.observed().collect();
        let containers: Vec<_> = observed.iter().map(|container| container.describe(self.now)).collect();
        let last_status = self.last_status(&observed);
        let has_ended = last_status >= LastStatus::Deprovisioning;
        let is_asked = last_status < LastStatus::Deactivating;
        TaskProgress {
            last_status,
            health: health(self.containers, &containers),
            started_at: started_at(&observed),
            execution_stopped_at: has_ended.then(|| execution_stopped_at(&observed)).flatten(),
            exit_codes: exit_codes(&containers),
            restarts: containers.iter().filter_map(|container| container.restart_count).fold(0, i32::saturating_add),
            look_again_after: is_asked.then(|| self.time_until_it_may_change(&observed)).flatten(),
            containers,
        }
    }

    /// Its containers with what is reported of them.
    pub(super) fn observed(&self) -> impl Iterator<Item = ObservedContainer<'a>> + use<'a> {
        let status = self.status;
        let is_over = self.is_over();
        self.containers.iter().map(move |known| ObservedContainer {
            known,
            status: status.container(known.in_pod()),
            is_init: status.init_container_statuses.iter().any(|status| status.name == known.in_pod()),
            is_over,
        })
    }

    /// Whether nothing of it runs any more, nor will.
    pub(super) fn is_over(&self) -> bool {
        self.is_gone || self.status.has_ended()
    }

    /// The target group whose checks it fails, where no container fails its own.
    pub(super) fn unhealthy_in(&self, progress: &TaskProgress) -> Option<&'a TargetOf> {
        let containers = self.containers.iter().zip(&progress.containers);
        let mut unhealthy = containers.filter(|(_, container)| container.health_status == HealthStatus::Unhealthy);
        let is_own = |known: &RunningContainer| known.essential && known.target.is_none();
        let fails_own = unhealthy.clone().any(|(known, _)| is_own(known));
        unhealthy.find_map(|(known, _)| known.target.as_ref()).filter(|_| !fails_own)
    }

    fn last_status(&self, observed: &[ObservedContainer<'_>]) -> LastStatus {
        if self.is_gone || (self.runs_alone && self.status.has_ended()) {
            LastStatus::Stopped
        } else if self.status.has_ended() {
            LastStatus::Deprovisioning
        } else if self.deletion.is_some() {
            let runs = observed.iter().any(ObservedContainer::runs);
            if runs { LastStatus::Stopping } else { LastStatus::Deprovisioning }
        } else if !self.is_scheduled {
            LastStatus::Provisioning
        } else if all_have_started(observed) {
            // Also while one of them is down: unless the task is asked to stop it may be started again.
            LastStatus::Running
        } else {
            LastStatus::Pending
        }
    }

    fn time_until_it_may_change(&self, observed: &[ObservedContainer<'_>]) -> Option<Duration> {
        let health = observed.iter().filter_map(|container| container.health(self.now).unhealthy_after);
        health.chain(self.time_to_initialize(observed)).min()
    }
}

/// Whether each container has started at least once.
pub(super) fn all_have_started(observed: &[ObservedContainer<'_>]) -> bool {
    !observed.is_empty() && observed.iter().all(ObservedContainer::has_started)
}

fn started_at(observed: &[ObservedContainer<'_>]) -> Option<Time> {
    let starts = observed.iter().filter_map(ObservedContainer::first_start);
    all_have_started(observed).then(|| starts.max().cloned()).flatten()
}

/// An end that nobody saw may have been the last one.
fn execution_stopped_at(observed: &[ObservedContainer<'_>]) -> Option<Time> {
    let mut last = None;
    for container in observed {
        match container.end() {
            Some(end) if end.kind == EndKind::NeverRan => {}
            Some(end) => last = last.max(Some(end.terminated.finished_at.as_ref()?)),
            None if container.status.is_some_and(|status| status.state.running.is_some()) => return None,
            None => {}
        }
    }
    last.cloned()
}

/// `web=137,log=0`.
pub(super) fn exit_codes(containers: &[TaskContainer]) -> Option<String> {
    let code = |container: &TaskContainer| container.exit_code.map(|code| format!("{}={code}", container.name));
    let codes: Vec<_> = containers.iter().filter_map(code).collect();
    (!codes.is_empty()).then(|| codes.join(","))
}

/// The health of the containers that have a check and are essential, or are checked by a target group. One that has ended is not asked.
fn health(known: &[RunningContainer], containers: &[TaskContainer]) -> HealthStatus {
    let checked: Vec<_> = known
        .iter()
        .zip(containers)
        .filter(|(known, container)| {
            (known.essential || known.target.is_some())
                && known.health_check.is_some()
                && container.last_status != ContainerLastStatus::Stopped
        })
        .map(|(_, container)| container.health_status)
        .collect();
    if checked.contains(&HealthStatus::Unhealthy) {
        HealthStatus::Unhealthy
    } else if checked.is_empty() || checked.contains(&HealthStatus::Unknown) {
        HealthStatus::Unknown
    } else {
        HealthStatus::Healthy
    }
}

#[cfg(test)]
mod tests;
