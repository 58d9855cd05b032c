//! One container of a task: whether it runs, whether it ever did, how it ended, whether it is healthy, and all that in the
//! words of DescribeTasks.

use std::time::Duration;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};

use crate::{
    api::task_status::{ContainerLastStatus, HealthStatus, TaskContainer},
    ecs::task_containers::RunningContainer,
};

use super::{
    container_error::ContainerError,
    pod_status::{ContainerStatus, Terminated, Waiting},
};

/// ECS's text for a container that was killed because of its memory.
pub const OUT_OF_MEMORY: &str = "OutOfMemoryError: Container killed due to memory usage";

const UNKNOWN_END: &str = "How the container ended is unknown";

/// A container of a task, with what is reported of it.
#[derive(Clone, Copy, Debug)]
pub struct ObservedContainer<'a> {
    /// What is known of it beforehand.
    pub known: &'a RunningContainer,
    /// What the kubelet reports; nothing as long as it has not begun with the Pod.
    pub status: Option<&'a ContainerStatus>,
    /// Whether it starts before the others: a job or a sidecar.
    pub is_init: bool,
    /// The Pod has ended or is gone: nothing of it runs, whatever the last report says.
    pub is_over: bool,
}

/// How the last run of a container ended.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// What the kubelet reports.
    pub terminated: &'a Terminated,
    /// What that means.
    pub kind: EndKind,
}

/// What the end of a container means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndKind {
    /// It ran and ended.
    Exit,
    /// It ran and was killed because of its memory.
    OutOfMemory,
    /// It could not be started. The exit code is made up.
    NeverRan,
    /// Nobody saw it end. The exit code is made up.
    Unknown,
}

/// The health of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerHealth {
    /// What it is now.
    pub status: HealthStatus,
    /// After which time a container that is not healthy yet is unhealthy.
    pub unhealthy_after: Option<Duration>,
}

impl<'a> End<'a> {
    fn of(terminated: &'a Terminated) -> Self {
        let kind = match terminated.reason.as_deref() {
            Some("OOMKilled") => EndKind::OutOfMemory,
            Some("StartError" | "ContainerCannotRun") => EndKind::NeverRan,
            // The kubelet's word, and that of containerd after the node was started again.
            Some("ContainerStatusUnknown" | "Unknown") => EndKind::Unknown,
            _ if terminated.started_at.as_ref().is_some_and(is_unset) => EndKind::NeverRan,
            _ => EndKind::Exit,
        };
        Self { terminated, kind }
    }

    /// The exit code, where the container gave one.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        matches!(self.kind, EndKind::Exit | EndKind::OutOfMemory).then_some(self.terminated.exit_code)
    }

    /// What is to say of it beside the exit code.
    pub(super) fn reason(&self) -> Option<String> {
        match self.kind {
            EndKind::Exit => None,
            EndKind::OutOfMemory => Some(OUT_OF_MEMORY.into()),
            EndKind::NeverRan => Some(ContainerError::of_failed_start(self.terminated).text()),
            EndKind::Unknown => {
                let reason = self.terminated.reason.as_deref().unwrap_or("ContainerStatusUnknown");
                Some(format!("{UNKNOWN_END} ({reason})"))
            }
        }
    }

    /// Whether the container certainly ran.
    fn tells_of_a_run(&self) -> bool {
        match self.kind {
            EndKind::Exit | EndKind::OutOfMemory => true,
            EndKind::NeverRan => false,
            EndKind::Unknown => self.start().is_some(),
        }
    }

    fn start(&self) -> Option<&'a Time> {
        self.terminated.started_at.as_ref().filter(|time| !is_unset(time) && self.kind != EndKind::NeverRan)
    }
}

/// Runtimes report the start of what never started as the beginning of time.
fn is_unset(time: &Time) -> bool {
    time.0 <= Timestamp::UNIX_EPOCH
}

impl ContainerStatus {
    /// Whether it has started at least once, although it may be down now.
    #[must_use]
    pub fn has_started_once(&self) -> bool {
        (self.state.running.is_some() && self.has_started()) || self.has_run_before()
    }

    /// Whether a run of it has ended.
    fn has_run_before(&self) -> bool {
        let is_run = |terminated| End::of(terminated).tells_of_a_run();
        // That the end of an earlier run is unknown the kubelet says only of a container that it saw run.
        let is_earlier_run = |terminated| End::of(terminated).kind != EndKind::NeverRan;
        self.state.terminated.as_ref().is_some_and(is_run)
            || self.last_state.terminated.as_ref().is_some_and(is_earlier_run)
    }
}

impl<'a> ObservedContainer<'a> {
    /// Whether it runs now.
    #[must_use]
    pub fn runs(&self) -> bool {
        !self.is_over && self.status.is_some_and(|status| status.state.running.is_some())
    }

    /// How its last run ended; `None` while it runs, and when it never did.
    #[must_use]
    pub fn end(&self) -> Option<End<'a>> {
        let status = self.status.filter(|status| status.state.running.is_none())?;
        status.last_end().map(End::of)
    }

    /// How the run before the present one ended.
    #[must_use]
    pub fn earlier_end(&self) -> Option<End<'a>> {
        self.status.and_then(|status| status.last_state.terminated.as_ref()).map(End::of)
    }

    /// Whether it has started at least once.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.status.is_some_and(ContainerStatus::has_started_once)
    }

    /// The first start that the report still tells of.
    #[must_use]
    pub fn first_start(&self) -> Option<&'a Time> {
        let status = self.status?;
        let running = status.state.running.as_ref().and_then(|running| running.started_at.as_ref());
        let ends = [&status.last_state.terminated, &status.state.terminated].into_iter().flatten();
        ends.filter_map(|terminated| End::of(terminated).start()).chain(running).min()
    }

    /// What it waits for.
    #[must_use]
    pub fn waiting(&self) -> Option<&'a Waiting> {
        self.status.filter(|status| status.state.running.is_none())?.state.waiting.as_ref()
    }

    /// What keeps it from starting.
    #[must_use]
    pub fn error(&self) -> Option<ContainerError<'a>> {
        let failed_start = self.end().filter(|end| end.kind == EndKind::NeverRan);
        failed_start
            .map(|end| ContainerError::of_failed_start(end.terminated))
            .or_else(|| self.waiting().and_then(ContainerError::of_waiting))
    }

    /// How far it is.
    #[must_use]
    pub fn last_status(&self) -> ContainerLastStatus {
        let has_ended = self.status.is_some_and(|status| status.state.terminated.is_some() || status.has_run_before());
        if self.runs() {
            ContainerLastStatus::Running
        } else if self.is_over || has_ended {
            ContainerLastStatus::Stopped
        } else {
            ContainerLastStatus::Pending
        }
    }

    /// Why it ended or did not start, where that is not just its exit. What the container itself left as its last message is
    /// not told: it may hold anything.
    fn reason(&self) -> Option<String> {
        match self.end() {
            Some(end) if matches!(end.kind, EndKind::OutOfMemory | EndKind::Unknown) => end.reason(),
            None if self.is_over && self.status.is_some_and(|status| status.state.running.is_some()) => {
                Some(UNKNOWN_END.into())
            }
            _ => self.error().map(|error| error.text()),
        }
    }

    /// Whether it is healthy. Who has no check, or does not run, is not asked.
    #[must_use]
    pub fn health(&self, now: &Time) -> ContainerHealth {
        let unknown = ContainerHealth { status: HealthStatus::Unknown, unhealthy_after: None };
        let (Some(budget), Some(status)) = (self.known.health_check, self.status.filter(|_| self.runs())) else {
            return unknown;
        };
        if status.ready {
            return ContainerHealth { status: HealthStatus::Healthy, ..unknown };
        }
        let Some(started_at) = status.state.running.as_ref().and_then(|running| running.started_at.as_ref()) else {
            return unknown;
        };
        let budget = SignedDuration::from_secs(i64::from(budget.until_unhealthy()));
        let left = budget.saturating_sub(now.0.duration_since(started_at.0));
        match Duration::try_from(left) {
            Ok(left) if !left.is_zero() => ContainerHealth { unhealthy_after: Some(left), ..unknown },
            _ => ContainerHealth { status: HealthStatus::Unhealthy, ..unknown },
        }
    }

    /// The container in the words of DescribeTasks.
    #[must_use]
    pub fn describe(&self, now: &Time) -> TaskContainer {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let status = self.status;
        let digest = status.and_then(|status| status.image_id.split_once('@')).and_then(|(_, digest)| text(digest));
        let runtime_id = status.and_then(|status| status.container_id.as_deref());
        let without_scheme = |id: &str| text(id.split_once("://").map_or(id, |(_, id)| id));
        TaskContainer {
            name: self.known.name.clone(),
            kubernetes_name: self.known.kubernetes_name.clone(),
            last_status: self.last_status(),
            exit_code: self.end().and_then(|end| end.exit_code()),
            reason: self.reason(),
            image: status.and_then(|status| text(&status.image)),
            image_digest: digest,
            runtime_id: runtime_id.and_then(without_scheme),
            health_status: self.health(now).status,
            restart_count: status.map(|status| status.restart_count).filter(|restarts| *restarts > 0),
        }
    }
}

#[cfg(test)]
mod tests;
