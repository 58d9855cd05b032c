//! The tasks of a service, as decisions about its deployments need them.

use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::task_status::{HealthStatus, StopCode},
    controllers::{context::Context, task::Seen},
    decide::{
        elapsed::left,
        failure_count::{JudgedTask, Verdict},
        task_progress::TaskProgress,
        task_stop::Stop,
        unhealthy::{Health, LiveTask},
    },
    kube_io::pod::Pod,
};

/// Time in which a node may be found for a task before it is told that none is.
const PLACEMENT_TIME: Duration = Duration::from_secs(10);

/// A task that nobody stops.
pub(super) struct Task {
    pub(super) id: String,
    pub(super) deployment: i64,
    pub(super) seen: Seen,
    progress: TaskProgress,
    /// Why it does not reach RUNNING, where it does not.
    pub(super) failure: Option<Stop>,
}

/// What tasks are judged by.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    /// Time after the start in which failed health checks do not count.
    pub(super) grace_period: Duration,
    /// Time for which a task must be ready before it counts.
    pub(super) min_ready: Duration,
    pub(super) now: &'a Time,
}

/// The tasks among a service's Pods, the oldest first.
pub(super) fn of_pods(pods: &[Arc<Pod>], context: &Context) -> Vec<Task> {
    let mut tasks: Vec<_> = pods.iter().filter_map(|pod| Task::of(pod, context)).collect();
    tasks.sort_by(|a, b| (a.created_at(), &a.id).cmp(&(b.created_at(), &b.id)));
    tasks
}

impl Task {
    fn of(pod: &Arc<Pod>, context: &Context) -> Option<Self> {
        let (id, deployment) = (pod.service_task_id()?, pod.deployment()?);
        if pod.is_deleted() || pod.status.has_ended() {
            return None;
        }
        let seen = Seen::of(Arc::clone(pod), false, context);
        let now = context.now();
        let facts = seen.facts(&now);
        let progress = facts.progress();
        let never_ran = progress.started_at.is_none();
        let failure = facts.start_failure().or_else(|| facts.essential_exit().filter(|_| never_ran));
        Some(Self { id, deployment, seen, progress, failure })
    }

    /// What is left of the time in which the kubelet may bring it up.
    pub(super) fn time_to_start(&self, time: Duration, now: &Time) -> Duration {
        left(self.seen.placed_at().unwrap_or(now), time, now)
    }

    /// Why no node is found for it, once the scheduler has had some time.
    pub(super) fn unplaceable(&self, now: &Time) -> Option<String> {
        let since = self.seen.pod.metadata.creation_timestamp.as_ref()?;
        let cause = self.seen.facts(now).unplaceable().map(str::to_owned)?;
        left(since, PLACEMENT_TIME, now).is_zero().then_some(cause)
    }

    pub(super) fn created_at(&self) -> Option<i64> {
        self.seen.pod.metadata.creation_timestamp.as_ref().map(|created| created.0.as_second())
    }

    /// What it says of its deployment. One that does not start has failed when its time for that is over.
    pub(super) fn judged(&self, judge: Judge<'_>, is_given_up: bool) -> JudgedTask {
        let verdict = match (&self.failure, self.health(judge)) {
            (Some(_), _) if is_given_up => Verdict::FailedToStart,
            (None, Health::Unhealthy) => Verdict::FailedHealthChecks,
            (None, Health::Healthy) => {
                self.ready_since().map_or(Verdict::None, |since| Verdict::Healthy { since: since.clone() })
            }
            (Some(_), _) | (None, Health::Starting) => Verdict::None,
        };
        JudgedTask { id: self.id.clone(), verdict }
    }

    pub(super) fn live(&self, judge: Judge<'_>) -> LiveTask {
        LiveTask { id: self.id.clone(), health: self.health(judge) }
    }

    fn health(&self, judge: Judge<'_>) -> Health {
        let is_for = |since: &Time, time: Duration| left(since, time, judge.now).is_zero();
        let is_out_of_grace =
            || self.progress.started_at.as_ref().is_some_and(|started| is_for(started, judge.grace_period));
        if self.ready_since().is_some_and(|since| is_for(since, judge.min_ready)) {
            Health::Healthy
        } else if self.progress.health == HealthStatus::Unhealthy && is_out_of_grace() {
            Health::Unhealthy
        } else {
            Health::Starting
        }
    }

    fn ready_since(&self) -> Option<&Time> {
        self.seen.pod.status.holds("Ready").and_then(|ready| ready.last_transition_time.as_ref())
    }

    /// When its health may have changed although nobody tells.
    pub(super) fn look_after(&self, judge: Judge<'_>) -> Option<Duration> {
        let grace = (self.progress.health == HealthStatus::Unhealthy)
            .then(|| self.progress.started_at.as_ref().map(|started| left(started, judge.grace_period, judge.now)))
            .flatten();
        let created = self.seen.pod.metadata.creation_timestamp.as_ref();
        let placement = created
            .filter(|_| self.seen.facts(judge.now).unplaceable().is_some())
            .map(|created| left(created, PLACEMENT_TIME, judge.now));
        let next = self.progress.look_again_after.into_iter().chain(grace).chain(placement);
        next.filter(|left| !left.is_zero()).min()
    }
}

/// Why a task is stopped that fails its health checks.
pub(super) fn unhealthy_stop() -> Stop {
    Stop { code: StopCode::ServiceSchedulerInitiated, reason: "Task failed container health checks".into() }
}
