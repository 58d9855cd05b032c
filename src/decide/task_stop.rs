//! Why a task stops, or will not start, by what Kubernetes reports of its Pod: in ECS's words, with the cause behind them.
//! Who stopped a task on purpose knows why, and asks nothing here.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::task_status::StopCode;

use super::{
    container_error::{ContainerError, reason},
    container_progress::{End, EndKind, OUT_OF_MEMORY, ObservedContainer},
    elapsed::since,
    pod_status::{PodStatus, Terminated},
    task_progress::{Deletion, TaskFacts, all_have_started},
};

/// Why a task stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Which kind of cause.
    pub code: StopCode,
    /// ECS's words, then the Kubernetes cause. At most 1024 characters.
    pub reason: String,
}

const ESSENTIAL_EXIT: &str = "Essential container in task exited";
const FAILED_TO_START: &str = "Task failed to start";
const DRAINED: &str = "Container instance deregistration forced by user";
const HOST_LOST: &str = "Host EC2 instance stopped / terminated";
// ECS has no words for these: it neither preempts tasks nor tells what is wrong with a host.
const PREEMPTED: &str = "Task stopped to make room for another one";
const HOST_IMPAIRED: &str = "Task stopped because its host is impaired";

/// What ends Pods from outside: the reason of a Pod that has failed, or of its condition `DisruptionTarget`.
const DISRUPTIONS: [(&str, StopCode, &str); 12] = [
    ("EvictionByEvictionAPI", StopCode::TerminationNotice, DRAINED),
    ("DeletionByTaintManager", StopCode::TerminationNotice, HOST_LOST),
    ("DeletionByPodGC", StopCode::TerminationNotice, HOST_LOST),
    ("NodeLost", StopCode::TerminationNotice, HOST_LOST),
    // Of kubelets that shut their node down.
    ("Terminated", StopCode::TerminationNotice, HOST_LOST),
    ("NodeShutdown", StopCode::TerminationNotice, HOST_LOST),
    ("Shutdown", StopCode::TerminationNotice, HOST_LOST),
    ("PreemptionByScheduler", StopCode::TerminationNotice, PREEMPTED),
    ("PreemptionByKubeScheduler", StopCode::TerminationNotice, PREEMPTED),
    ("Preempting", StopCode::TerminationNotice, PREEMPTED),
    ("Evicted", StopCode::InfrastructureHealth, HOST_IMPAIRED),
    ("TerminationByKubelet", StopCode::InfrastructureHealth, HOST_IMPAIRED),
];

impl<'a> TaskFacts<'a> {
    /// An essential container has ended and does not run now: the task ends. Of several it is the one that ended first.
    ///
    /// What ends because the Pod was to go, or was disrupted, is a consequence and no cause. Times have whole seconds: an end
    /// in the second of the deletion counts as its consequence, so whoever deletes the Pod for an exit notes that before.
    #[must_use]
    pub fn essential_exit(&self) -> Option<Stop> {
        if self.status.has_ended() && self.disruption().is_some() {
            return None;
        }
        self.observed()
            .filter(|container| container.known.essential && !self.is_started_again(container))
            .filter_map(|container| container.end().map(|end| (container, end)))
            .filter(|(_, end)| end.kind != EndKind::NeverRan && self.ended_by_itself(*end))
            .min_by_key(|(_, end)| (end.terminated.finished_at.is_none(), end.terminated.finished_at.as_ref()))
            .map(|(container, end)| Stop {
                code: StopCode::EssentialContainerExited,
                reason: reason(ESSENTIAL_EXIT, &exit(&container, end)),
            })
    }

    /// How an essential container ended that runs again: the kubelet has started it in its place.
    #[must_use]
    pub fn essential_restart(&self) -> Option<Stop> {
        let essential = self.observed().filter(|container| container.known.essential);
        let restarted = essential
            .filter_map(|container| container.earlier_end().map(|end| (container, end)))
            .filter(|(_, end)| end.kind != EndKind::NeverRan);
        restarted.max_by_key(|(_, end)| end.terminated.finished_at.as_ref()).map(|(container, end)| Stop {
            code: StopCode::EssentialContainerExited,
            reason: reason(ESSENTIAL_EXIT, &exit(&container, end)),
        })
    }

    /// A container of a service's task that is not essential has ended and does not run now: which one, and how. In a task by
    /// itself that is nothing to speak of.
    #[must_use]
    pub fn other_exit(&self) -> Option<(&'a Terminated, String)> {
        let is_one = |container: &ObservedContainer<'_>| !container.known.essential && !container.is_init;
        let may_come_back = !self.runs_alone && !self.is_over() && self.deletion.is_none();
        let ended =
            |container: ObservedContainer<'a>| container.end().map(|end| (end.terminated, exit(&container, end)));
        self.observed().filter(is_one).find_map(ended).filter(|_| may_come_back)
    }

    /// When an essential container ended last.
    #[must_use]
    pub fn last_essential_end(&self) -> Option<&'a Time> {
        self.last_essential_run()?.finished_at.as_ref()
    }

    /// The run of an essential container that ended last.
    fn last_essential_run(&self) -> Option<&'a Terminated> {
        let essential = self.observed().filter(|container| container.known.essential);
        let runs = essential.filter_map(|container| Some(container.end().or(container.earlier_end())?.terminated));
        runs.filter(|run| run.finished_at.is_some()).max_by_key(|run| run.finished_at.as_ref())
    }

    /// How long the essential container had run that ended last, and when it ended. One that was started again in its place has
    /// run since then only.
    #[must_use]
    pub fn last_run(&self, started_at: &Time) -> (Duration, &'a Time) {
        let run = self.last_essential_run();
        let ended_at = run.and_then(|run| run.finished_at.as_ref()).unwrap_or(self.now);
        let began_at =
            run.and_then(|run| run.started_at.as_ref()).map_or(started_at.0, |began| began.0.max(started_at.0));
        (since(&Time(began_at), ended_at), ended_at)
    }

    /// Since when all its essential containers run; `None` while one of them does not.
    #[must_use]
    pub fn runs_since(&self) -> Option<&'a Time> {
        since_when_all_run(self.observed().filter(|container| container.known.essential))
    }

    /// Since when all containers run that are to run for as long as the task does; `None` while one of them does not.
    #[must_use]
    pub fn is_whole_since(&self) -> Option<&'a Time> {
        since_when_all_run(self.observed().filter(|container| container.known.essential || !container.is_init))
    }

    /// The task will not reach RUNNING without help: not all its containers ever started, and one of them cannot, or one that
    /// others wait for fails, or what they need is not there. It is what holds now; the kubelet goes on trying, so whoever asks decides how long to wait.
    #[must_use]
    pub fn start_failure(&self) -> Option<Stop> {
        let observed: Vec<_> = self.observed().collect();
        if all_have_started(&observed) {
            return None;
        }
        let reason = observed
            .iter()
            .find_map(|container| container.error().map(|error| cannot_start(container, error)))
            .or_else(|| observed.iter().find_map(|container| self.failed_dependency(container)))
            .or_else(|| self.initialization_failure(&observed))
            .or_else(|| self.refusal(&observed))?;
        Some(Stop { code: StopCode::TaskFailedToStart, reason })
    }

    /// Why somebody else is ending it: a drain, an eviction, a preemption, the loss of its node.
    #[must_use]
    pub fn disruption(&self) -> Option<Stop> {
        let status = self.status;
        let is_lost = status.reason.as_deref() == Some("NodeLost");
        let pod = (is_lost || status.phase.as_deref() == Some("Failed"))
            .then(|| status.reason.as_deref().and_then(disruption))
            .flatten()
            .map(|(code, words)| Stop { code, reason: reason(words, &pod_cause(status)) });
        pod.or_else(|| {
            let condition = status.holds("DisruptionTarget")?;
            let name = condition.reason.as_deref().unwrap_or("DisruptionTarget");
            let (code, words) = disruption(name).unwrap_or((StopCode::TerminationNotice, HOST_LOST));
            Some(Stop { code, reason: reason(words, &cause(name, condition.message.as_deref())) })
        })
    }

    /// The scheduler cannot place it: what it says.
    #[must_use]
    pub fn unplaceable(&self) -> Option<&'a str> {
        let unplaced = self.status.lacks("PodScheduled")?;
        let unplaced = Some(unplaced).filter(|condition| condition.reason.as_deref() == Some("Unschedulable"))?;
        (!self.is_scheduled).then(|| unplaced.message.as_deref().unwrap_or("Unschedulable"))
    }

    /// In a task by itself only a restart policy lets a regular container wait for another run, or have one after its end.
    fn is_started_again(&self, container: &ObservedContainer<'_>) -> bool {
        let has_another = || {
            let code = container.end().and_then(|end| end.exit_code());
            container
                .known
                .restarts_but_after
                .as_ref()
                .is_some_and(|ignored| !code.is_some_and(|it| ignored.contains(&it)))
        };
        self.runs_alone && !self.is_over() && !container.is_init && (container.waiting().is_some() || has_another())
    }

    fn ended_by_itself(&self, end: End<'_>) -> bool {
        self.deletion.is_none_or(|deletion| is_before(end, deletion))
    }

    /// Jobs and sidecars that fail keep the others from starting. A job that is tried again may succeed in the end, so that
    /// it has failed once says nothing yet. An essential one ends the task in any case.
    fn failed_dependency(&self, container: &ObservedContainer<'_>) -> Option<String> {
        let end = container.end().filter(|end| end.exit_code() != Some(0))?;
        let is_delayed =
            container.waiting().is_some_and(|waiting| waiting.reason.as_deref() == Some("CrashLoopBackOff"));
        let has_failed = container.is_init && !container.known.essential && (is_delayed || self.has_failed());
        has_failed.then(|| reason(FAILED_TO_START, &exit(container, end)))
    }

    /// Whether its node did not take it: none of its containers ever began.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.has_failed() && self.status.container_statuses.is_empty() && self.status.init_container_statuses.is_empty()
    }

    /// The kubelet did not take the Pod: none of its containers ever began.
    fn refusal(&self, observed: &[ObservedContainer<'_>]) -> Option<String> {
        let is_refused = self.has_failed() && observed.iter().all(|container| container.end().is_none());
        (is_refused && self.disruption().is_none()).then(|| reason(FAILED_TO_START, &pod_cause(self.status)))
    }

    fn has_failed(&self) -> bool {
        self.status.phase.as_deref() == Some("Failed")
    }
}

fn since_when_all_run<'a>(containers: impl Iterator<Item = ObservedContainer<'a>>) -> Option<&'a Time> {
    let starts: Option<Vec<_>> =
        containers.map(|container| container.status?.state.running.as_ref()?.started_at.as_ref()).collect();
    starts?.into_iter().max()
}

/// Whether a record tells of a task that its node did not take.
#[must_use]
pub fn tells_of_refusal(reason: &str, exit_codes: Option<&str>) -> bool {
    reason.starts_with(FAILED_TO_START) && exit_codes.is_none()
}

fn is_before(end: End<'_>, deletion: Deletion<'_>) -> bool {
    end.terminated.finished_at.as_ref().is_some_and(|finished| finished.0 < deletion.asked_at().0)
}

fn disruption(name: &str) -> Option<(StopCode, &'static str)> {
    DISRUPTIONS.iter().find(|(reason, ..)| *reason == name).map(|(_, code, words)| (*code, *words))
}

fn cannot_start(container: &ObservedContainer<'_>, error: ContainerError<'_>) -> String {
    reason(&error.text(), &format!("container {}: {}", container.known.name, error.cause))
}

/// How a container ended: `container web: exit code 1, Error`.
fn exit(container: &ObservedContainer<'_>, end: End<'_>) -> String {
    let code = end.exit_code().map_or_else(|| "unknown".into(), |code| code.to_string());
    let reason = match end.kind {
        EndKind::OutOfMemory => Some(OUT_OF_MEMORY),
        _ => end.terminated.reason.as_deref(),
    };
    let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
    format!("container {}: exit code {code}{reason}", container.known.name)
}

fn pod_cause(status: &PodStatus) -> String {
    cause(status.reason.as_deref().unwrap_or("Failed"), status.message.as_deref())
}

fn cause(reason: &str, message: Option<&str>) -> String {
    message.map_or_else(|| reason.into(), |message| format!("{reason}: {message}"))
}

#[cfg(test)]
mod tests;
