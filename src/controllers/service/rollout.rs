//! How far the newest deployment of a service is, what runs, and which of its tasks are replaced. Pure.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    decide::{
        failure_count::FailureCount,
        rollout::{Course, Rollout, RolloutFacts, Step, advance, course, roll_back_target},
        service_status,
        start_throttle::{self, TaskEnd, impaired_message, replace_after},
        task_stop::Stop,
        unhealthy::{self, Bounds, failed_health_checks_message},
    },
    translate::labels,
};

use super::{
    observe::Observed,
    tasks::{Judge, Task, unhealthy_stop},
    validate::Accepted,
};

/// How the newest deployment goes.
pub(super) struct RolloutPlan {
    /// Its number.
    pub(super) newest: i64,
    /// Its state as it is to be kept.
    pub(super) rollout: Rollout,
    /// Whether that is news.
    pub(super) is_news: bool,
    pub(super) course: Course,
    pub(super) failures: FailureCount,
    pub(super) look_after: Option<Duration>,
}

/// What is around the newest deployment.
pub(super) struct Around<'a> {
    pub(super) newest: i64,
    pub(super) desired: u32,
    pub(super) is_steady: &'a dyn Fn(Course) -> bool,
    pub(super) now: &'a Time,
}

/// Takes the newest deployment one step further.
pub(super) fn plan(observed: &Observed, accepted: &Accepted, around: &Around<'_>) -> RolloutPlan {
    let history = observed.history();
    let written = observed.snapshots.iter().find(|stored| stored.snapshot.number == around.newest);
    let before = written.map(|stored| stored.rollout.clone()).unwrap_or_default();
    let stored: Vec<_> = history.iter().map(|(number, _)| *number).chain([around.newest]).collect();
    let so_far = course(around.newest, &before, &stored);
    let judge = judge(observed, accepted, around.now);
    let of_primary = observed.live_tasks.iter().filter(|task| task.deployment == so_far.primary());
    let time = replace_after(failures_in_a_row(observed, so_far.primary(), around.desired));
    let judged: Vec<_> =
        of_primary.map(|task| task.judged(judge, task.time_to_start(time, around.now).is_zero())).collect();
    let newest_id = observed.deployment_id(around.newest);
    let stop = observed.service.metadata.annotations.as_ref().and_then(|all| all.get(labels::STOP_DEPLOYMENT));
    let facts = RolloutFacts {
        tasks: &judged,
        desired: around.desired,
        is_steady: (around.is_steady)(so_far),
        circuit_breaker: accepted.service.circuit_breaker,
        bake_time: accepted.service.bake_time,
        is_to_stop: stop.is_some_and(|id| *id == newest_id),
        roll_back_to: roll_back_target(around.newest, &history),
        now: around.now,
    };
    let counted = failures_of(observed, so_far.primary());
    let Step { rollout, failures, look_after } = advance(&before, &counted, &facts);
    let course = course(around.newest, &rollout, &stored);
    // Another deployment than the one that was counted runs from now on.
    let failures =
        if course.primary() == so_far.primary() { failures } else { failures_of(observed, course.primary()) };
    let is_news = written.is_some_and(|stored| stored.kept != rollout.kept());
    RolloutPlan { newest: around.newest, is_news, rollout, course, failures, look_after }
}

fn failures_of(observed: &Observed, number: i64) -> FailureCount {
    let id = observed.deployment_id(number);
    let shown = observed.status.deployments.iter().find(|deployment| deployment.id == id);
    shown.map(FailureCount::of).unwrap_or_default()
}

pub(super) fn judge<'a>(observed: &Observed, accepted: &Accepted, now: &'a Time) -> Judge<'a> {
    let spec = observed.deployment.as_ref().and_then(|deployment| deployment.spec.as_ref());
    let min_ready = spec.and_then(|spec| spec.min_ready_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    Judge {
        grace_period: accepted.service.health_check_grace_period,
        min_ready: Duration::from_secs(min_ready.unwrap_or(0)),
        now,
    }
}

/// Which tasks are replaced.
#[derive(Default)]
pub(super) struct Replacements {
    /// How many tasks the workload is to have beyond the desired count.
    pub(super) extra: u32,
    /// Places of the tasks that are stopped now, and why.
    pub(super) stops: Vec<(usize, Stop)>,
    /// What is told of it.
    pub(super) messages: Vec<String>,
    /// What keeps a task from running, where something does.
    pub(super) hindrance: Option<String>,
    pub(super) look_after: Option<Duration>,
}

/// Replaces tasks that cannot start, after a growing delay, and those that fail their health checks.
pub(super) fn replacements(
    observed: &Observed,
    accepted: &Accepted,
    rollout: &RolloutPlan,
    desired: u32,
    now: &Time,
) -> Replacements {
    let mut replacements = Replacements::default();
    if rollout.course.is_stopped() {
        return replacements;
    }
    let primary = rollout.course.primary();
    let mine = observed.live_tasks.iter().enumerate().filter(|(_, task)| task.deployment == primary);
    let mine: Vec<_> = mine.collect();
    let in_a_row = failures_in_a_row(observed, primary, desired);
    let looks = unable_to_start(&accepted.service.name, in_a_row, &mine, now, &mut replacements);
    if let Some(cause) = mine.iter().find_map(|(_, task)| task.unplaceable(now)) {
        let message = service_status::unplaceable_message(&accepted.service.name, &cause);
        replacements.hindrance.get_or_insert_with(|| message.clone());
        replacements.messages.push(message);
    }
    let judge = judge(observed, accepted, now);
    let lives: Vec<_> = mine.iter().map(|(_, task)| task.live(judge)).collect();
    let has_others = observed.tasks.iter().any(|task| task.deployment != primary && task.counts());
    let bounds = Bounds {
        desired,
        most: accepted.service.percentages.most(desired),
        deployment_in_progress: has_others || matches!(rollout.rollout, Rollout::InProgress { .. }),
    };
    let replacement = unhealthy::replace(&lives, bounds);
    replacements.extra = replacement.extra;
    for (index, task) in mine.iter().filter(|(_, task)| replacement.stop.contains(&task.id)) {
        replacements.stops.push((*index, unhealthy_stop()));
        replacements.messages.push(failed_health_checks_message(&accepted.service.name, &task.id));
    }
    let looks = looks.into_iter().chain(mine.iter().filter_map(|(_, task)| task.look_after(judge)));
    replacements.look_after = looks.min();
    replacements
}

/// How often tasks of a deployment failed to start one after the other, with one that fails now. Those of one round fail
/// together.
fn failures_in_a_row(observed: &Observed, deployment: i64, desired: u32) -> u32 {
    let earlier = observed.earlier_ends.iter().filter(|(of, _)| *of == deployment);
    let ends = std::iter::once(TaskEnd::NeverRan).chain(earlier.map(|(_, end)| *end));
    start_throttle::failures_in_a_row(ends).div_ceil(desired.max(1))
}

/// Tasks that cannot start are left to the kubelet for a while, longer with each failure.
fn unable_to_start(
    service: &str,
    in_a_row: u32,
    mine: &[(usize, &Task)],
    now: &Time,
    replacements: &mut Replacements,
) -> Option<Duration> {
    let mut next = None;
    for (index, task) in mine {
        let Some(stop) = &task.failure else { continue };
        replacements.messages.extend(impaired_message(service, in_a_row));
        replacements.hindrance.get_or_insert_with(|| format!("Task {} does not start: {}", task.id, stop.reason));
        match task.time_to_start(replace_after(in_a_row), now) {
            Duration::ZERO => replacements.stops.push((*index, stop.clone())),
            left => next = Some(next.map_or(left, |next: Duration| next.min(left))),
        }
    }
    replacements.messages.dedup();
    next
}
