//! A task of a service that nobody stops, as the service scheduler judges it. What becomes of the task is decided in
//! `service_scheduler`.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{api::task_status::HealthStatus, ecs::task_containers::TargetOf};

use super::{
    elapsed::{left, since},
    failed_starts::{Start, StartResult},
    failure_count::{JudgedTask, Verdict},
    quick_ends::Run,
    task_hindrance::Hindrance,
    task_progress::TaskFacts,
    task_stop::Stop,
    unhealthy::{Health, LiveTask, unhealthy_stop},
};

/// Time in which a node may be found for a task before it is told that none is.
const PLACEMENT_TIME: Duration = Duration::from_secs(10);

/// A task that nobody stops.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledTask {
    /// Its id.
    pub id: String,
    /// Number of its deployment.
    pub deployment: i64,
    /// When it was made.
    pub created_at: Option<Time>,
    /// Why it does not reach RUNNING, where it does not.
    pub failure: Option<Stop>,
    /// Why it is down or in part down, when it has reached RUNNING and is left so for a while.
    pub hindrance: Option<Hindrance>,
    /// How a container of it ended that is not essential and does not run now, while the others do.
    pub other_exit: Option<String>,
    /// When a node was found for it; before that, when it was made.
    placed_at: Option<Time>,
    started_at: Option<Time>,
    /// Since when all its essential containers run, where they do.
    runs_since: Option<Time>,
    health: HealthStatus,
    /// The target group whose checks it fails, where it fails those.
    pub unhealthy_in: Option<TargetOf>,
    /// Since when Kubernetes takes it for ready.
    ready_since: Option<Time>,
    /// Why no node is found for it.
    unplaceable: Option<String>,
    /// Its node has taken it.
    pub is_taken: bool,
    /// Its node does not answer.
    is_lost: bool,
    look_again_after: Option<Duration>,
}

/// What tasks are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// Time after the start in which failed health checks do not count.
    pub grace_period: Duration,
    /// Time for which a task must be ready before it counts.
    pub min_ready: Duration,
    /// Now.
    pub now: &'a Time,
}

impl ScheduledTask {
    /// A task by what is known of it, and when it reached RUNNING as far as that is recorded.
    #[must_use]
    pub fn of(
        id: String,
        deployment: i64,
        facts: &TaskFacts<'_>,
        created_at: Option<&Time>,
        recorded_start: Option<&Time>,
    ) -> Self {
        let progress = facts.progress();
        // A report tells only of the last two runs of a container.
        let started_at = recorded_start.or(progress.started_at.as_ref()).cloned();
        let never_ran = started_at.is_none();
        Self {
            id,
            deployment,
            created_at: created_at.cloned(),
            failure: facts.start_failure().or_else(|| facts.essential_exit().filter(|_| never_ran)),
            hindrance: facts.hindrance(&progress).filter(|_| !never_ran),
            other_exit: facts.runs_since().and_then(|_| facts.other_exit()).map(|(_, exit)| exit),
            placed_at: facts.status.placed_at().or(created_at).cloned(),
            started_at,
            runs_since: facts.runs_since().cloned(),
            health: progress.health,
            unhealthy_in: facts.unhealthy_in(&progress).cloned(),
            ready_since: facts.status.holds("Ready").and_then(|ready| ready.last_transition_time.clone()),
            unplaceable: facts.unplaceable().map(str::to_owned),
            is_taken: !facts.status.container_statuses.is_empty(),
            is_lost: facts.status.has_lost_its_node(),
            look_again_after: facts.look_again_after(&progress),
        }
    }

    /// How its start went. One that does not start has failed when it is given up.
    #[must_use]
    pub fn start(&self, is_given_up: bool) -> Start {
        let result = match (&self.failure, &self.started_at) {
            (Some(_), _) if is_given_up => StartResult::Failed,
            (Some(_), _) => StartResult::Failing,
            (None, Some(at)) => StartResult::Started { at: at.clone() },
            (None, None) => StartResult::UnderWay,
        };
        Start { created_at: self.created_at.clone(), result }
    }

    /// How long it has run without an end, when it has reached RUNNING and does run.
    #[must_use]
    pub fn run(&self, now: &Time) -> Option<Run> {
        let since_when = self.started_at.as_ref()?.0.max(self.runs_since.as_ref()?.0);
        let time = since(&Time(since_when), now);
        Some(Run { created_at: self.created_at.clone(), time, has_ended: false })
    }

    /// What is left of the time in which the kubelet may bring it up.
    #[must_use]
    pub fn time_to_start(&self, time: Duration, now: &Time) -> Duration {
        left(self.placed_at.as_ref().unwrap_or(now), time, now)
    }

    /// Why no node is found for it, once the scheduler of Kubernetes has had some time.
    #[must_use]
    pub fn unplaceable(&self, now: &Time) -> Option<&str> {
        let created_at = self.created_at.as_ref()?;
        self.unplaceable.as_deref().filter(|_| left(created_at, PLACEMENT_TIME, now).is_zero())
    }

    /// Why it is stopped when it fails its health checks.
    #[must_use]
    pub fn unhealthy_stop(&self) -> Stop {
        unhealthy_stop(self.unhealthy_in.as_ref())
    }

    /// What it says of its deployment. One that does not start has failed when it is given up.
    #[must_use]
    pub fn judged(&self, judge: Judge<'_>, is_given_up: bool) -> JudgedTask {
        let verdict = match (&self.failure, self.health(judge)) {
            (Some(_), _) if is_given_up => Verdict::FailedToStart,
            (None, Health::Unhealthy) => Verdict::FailedHealthChecks,
            (None, Health::Healthy) => {
                self.ready_since.as_ref().map_or(Verdict::None, |since| Verdict::Healthy { since: since.clone() })
            }
            (Some(_), _) | (None, Health::Starting | Health::Hindered) => Verdict::None,
        };
        JudgedTask { id: self.id.clone(), verdict }
    }

    /// The task as one that may be replaced for its health.
    #[must_use]
    pub fn live(&self, judge: Judge<'_>) -> LiveTask {
        LiveTask { id: self.id.clone(), health: self.health(judge) }
    }

    /// What is known of its health.
    #[must_use]
    pub fn health(&self, judge: Judge<'_>) -> Health {
        let is_for = |since: &Time, time: Duration| left(since, time, judge.now).is_zero();
        let is_out_of_grace = || self.started_at.as_ref().is_some_and(|started| is_for(started, judge.grace_period));
        if self.ready_since.as_ref().is_some_and(|since| is_for(since, judge.min_ready)) {
            Health::Healthy
        } else if self.health == HealthStatus::Unhealthy && is_out_of_grace() {
            Health::Unhealthy
        } else if self.failure.is_some()
            || self.hindrance.is_some()
            || self.is_lost
            || self.unplaceable(judge.now).is_some()
        {
            Health::Hindered
        } else {
            Health::Starting
        }
    }

    /// What a task waits for that runs and does not count as healthy yet, where nothing is wrong with it.
    #[must_use]
    pub fn awaited(&self, judge: Judge<'_>) -> Option<String> {
        if self.runs_since.is_none() || self.health(judge) != Health::Starting {
            return None;
        }
        Some(match (self.health, &self.ready_since) {
            (HealthStatus::Unhealthy, _) => {
                format!("Task {} fails its health checks, and is left its grace period.", self.id)
            }
            (_, Some(_)) => {
                format!("Tasks count as healthy when they have been ready for {} s.", judge.min_ready.as_secs())
            }
            (_, None) => format!("Task {} is not ready yet.", self.id),
        })
    }

    /// When what is known of it may have changed although nobody tells.
    #[must_use]
    pub fn look_after(&self, judge: Judge<'_>) -> Option<Duration> {
        let is_unhealthy = self.health == HealthStatus::Unhealthy;
        let started = self.started_at.as_ref().filter(|_| is_unhealthy);
        let grace = started.map(|started| left(started, judge.grace_period, judge.now));
        let created = self.created_at.as_ref().filter(|_| self.unplaceable.is_some());
        let placement = created.map(|created| left(created, PLACEMENT_TIME, judge.now));
        let ready = self.ready_since.as_ref().map(|since| left(since, judge.min_ready, judge.now));
        let next = self.look_again_after.into_iter().chain(grace).chain(placement).chain(ready);
        next.filter(|left| !left.is_zero()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::kubelet_reports::{
        Scene, at, checked, creating, essential, exited, not_ready, pod, running, waiting,
    };
    use serde_json::{Value, json};

    fn health(report: Value, condition: Value, now: i64) -> Health {
        let mut pod = pod(&[report]);
        let is_scheduled = condition["type"] != "PodScheduled";
        let conditions = pod["conditions"].as_array_mut().unwrap();
        conditions.retain(|_| is_scheduled);
        conditions.push(condition);
        let scene = Scene { now, is_scheduled, containers: vec![checked(essential("web"))], ..Scene::of(pod) };
        let now = at(now);
        let judge = Judge { grace_period: Duration::ZERO, min_ready: Duration::ZERO, now: &now };
        scene.ask(|facts| ScheduledTask::of("a".into(), 1, &facts, Some(&at(0)), None)).health(judge)
    }

    #[test]
    fn a_task_that_does_not_come_up_is_told_from_one_that_is_on_its_way() {
        let ready =
            |status: &str| json!({"type": "Ready", "status": status, "lastTransitionTime": "2026-03-01T12:00:05Z"});
        let none = || json!({"type": "Initialized", "status": "True"});
        assert_eq!(health(creating("web"), ready("False"), 10), Health::Starting);
        assert_eq!(health(running("web", 1), ready("True"), 10), Health::Healthy);
        assert_eq!(health(running("web", 1), ready("False"), 10), Health::Hindered, "its node does not answer");
        assert_eq!(health(not_ready("web", 1), ready("False"), 10), Health::Starting);
        assert_eq!(health(not_ready("web", 1), ready("False"), 100), Health::Unhealthy);
        assert_eq!(health(waiting("web", "ImagePullBackOff", ""), none(), 10), Health::Hindered);
        let unplaceable =
            || json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"});
        assert_eq!(health(creating("web"), unplaceable(), 5), Health::Starting);
        assert_eq!(health(creating("web"), unplaceable(), 20), Health::Hindered);
    }

    #[test]
    fn who_waits_for_a_task_to_be_ready_for_long_enough_looks_again_then() {
        let mut pod = pod(&[running("web", 1)]);
        let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-03-01T12:00:05Z"});
        pod["conditions"].as_array_mut().unwrap().push(ready);
        let scene = Scene { now: 10, containers: vec![essential("web")], ..Scene::of(pod) };
        let now = at(10);
        let judge = Judge { grace_period: Duration::ZERO, min_ready: Duration::from_secs(40), now: &now };
        let task = scene.ask(|facts| ScheduledTask::of("a".into(), 1, &facts, Some(&at(0)), None));
        assert_eq!((task.health(judge), task.look_after(judge)), (Health::Starting, Some(Duration::from_secs(35))));
    }

    #[test]
    fn a_task_that_runs_says_what_it_waits_for() {
        let awaited = |report: Value, ready: &str, now: i64| {
            let mut pod = pod(&[report]);
            let condition = json!({"type": "Ready", "status": ready, "lastTransitionTime": "2026-03-01T12:00:05Z"});
            pod["conditions"].as_array_mut().unwrap().push(condition);
            let scene =
                Scene { now, is_scheduled: true, containers: vec![checked(essential("web"))], ..Scene::of(pod) };
            let now = at(now);
            let judge = Judge { grace_period: Duration::from_secs(60), min_ready: Duration::from_secs(40), now: &now };
            scene.ask(|facts| ScheduledTask::of("a".into(), 1, &facts, Some(&at(0)), None)).awaited(judge)
        };
        assert_eq!(awaited(creating("web"), "False", 10), None);
        let ready = awaited(running("web", 1), "True", 10).unwrap();
        assert_eq!(ready, "Tasks count as healthy when they have been ready for 40 s.");
        assert_eq!(awaited(running("web", 1), "True", 50), None, "it is healthy");
        assert_eq!(awaited(not_ready("web", 1), "False", 6).unwrap(), "Task a is not ready yet.");
        let failing = awaited(not_ready("web", 1), "False", 50).unwrap();
        assert!(failing.starts_with("Task a fails its health checks"), "{failing}");
    }

    #[test]
    fn a_task_in_part_down_is_told_at_once_and_waited_for_no_longer_than_a_while() {
        let ended = |now| Scene { now, ..Scene::of(pod(&[running("web", 10), exited("log", 0, 12, 20)])) };
        let task =
            |scene: &Scene| scene.ask(|facts| ScheduledTask::of("a".into(), 1, &facts, Some(&at(0)), Some(&at(12))));
        let judged = |second| {
            let now = at(second);
            let judge = Judge { grace_period: Duration::ZERO, min_ready: Duration::ZERO, now: &now };
            let task = task(&ended(second));
            (task.health(judge), task.other_exit)
        };
        let exit = || Some("container log: exit code 0, Completed".to_owned());
        assert_eq!(judged(21), (Health::Starting, exit()));
        assert_eq!(judged(25), (Health::Hindered, exit()));
        let both = Scene::of(pod(&[exited("web", 1, 10, 20), exited("log", 0, 12, 20)]));
        assert_eq!(task(&both).other_exit, None, "it is replaced");
    }
}
