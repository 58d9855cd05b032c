//! The service scheduler: which deployment of a service runs, with how many tasks, and which tasks are stopped. One look at
//! what was observed gives one decision; what has to be remembered between two looks is part of what is observed.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::service_status::{RolloutState, ServiceDeployment},
    ecs::{
        circuit_breaker::DeploymentCircuitBreaker,
        deployment_limits::{DeploymentLimits, DeploymentPercentages},
        early_success::EarlySuccess,
    },
};

use super::{
    deployment::Template,
    failure_count::{FailureCount, JudgedTask, Verdict},
    rollout::{Course, Rollout, RolloutFacts, Step, advance, course, roll_back_target},
    scheduled_task::{Judge, ScheduledTask},
    start_throttle::{EndedTask, Impairment, TaskEnd},
    task::ObservedTask,
    task_stop::Stop,
    unhealthy::{self, Bounds, Health, failed_health_checks_message},
    workload::{Share, WorkloadState, is_steady},
};

mod delays;
mod telling;
mod template;

use template::Pace;

pub use delays::Delays;

/// A deployment that there is a snapshot of, or will be.
#[derive(Clone, Copy, Debug)]
pub struct KnownDeployment<'a> {
    /// Its number.
    pub number: i64,
    /// How far it is.
    pub rollout: &'a Rollout,
    /// What the last status says of it.
    pub shown: Option<&'a ServiceDeployment>,
}

/// How the service wants its deployments to go.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How far they may go above and below the desired count.
    pub percentages: DeploymentPercentages,
    /// What ends them when tasks fail; `None` when nothing does.
    pub circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// When they have taken over before all their tasks are healthy.
    pub early_success: Option<EarlySuccess>,
    /// How long they have to be steady before they are completed.
    pub bake_time: Duration,
    /// Time after the start of a task in which failed health checks do not count.
    pub health_check_grace_period: Duration,
    /// Time for which a task must be ready before it counts.
    pub min_ready: Duration,
}

/// What was observed of a service.
#[derive(Clone, Copy, Debug)]
pub struct SchedulerFacts<'a> {
    /// Its name in ECS.
    pub service: &'a str,
    /// How many tasks it is to have.
    pub desired: u32,
    /// How its deployments go.
    pub rules: Rules,
    /// Number of its newest deployment, which is among `deployments`.
    pub newest: i64,
    /// Its deployments, in any order.
    pub deployments: &'a [KnownDeployment<'a>],
    /// What the workload says.
    pub workload: WorkloadState,
    /// How many tasks the workload was last told to have, where there is one.
    pub replicas: Option<u32>,
    /// What it has told to have tasks, by deployments.
    pub shares: &'a [Share],
    /// All tasks, those that are being stopped as well.
    pub all_tasks: &'a [ObservedTask],
    /// Those that nobody stops, the oldest first.
    pub tasks: &'a [ScheduledTask],
    /// Those that are being stopped: their deployments, and what is left of their time for it.
    pub stopping: &'a [(i64, Duration)],
    /// Tasks that have stopped by themselves and are still recorded, the newest end first.
    pub ended: &'a [EndedTask],
    /// Ids of tasks that are being stopped, until their end is recorded.
    pub departing: &'a [String],
    /// Whether its user wants the newest deployment stopped.
    pub is_to_stop: bool,
    /// Numbers of deployments whose tasks may not start yet: something that they need is not there.
    pub unready: &'a [i64],
    /// Whether Kubernetes itself delays tasks that their nodes refuse, as those of a DaemonSet.
    pub is_daemon: bool,
    /// Now.
    pub now: &'a Time,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// How far the newest deployment is from now on. It is kept before anything else is done.
    pub rollout: Rollout,
    /// Which deployment is to run.
    pub course: Course,
    /// The template that the workload gets.
    pub template: Template,
    /// How many tasks the workload is to have.
    pub replicas: u32,
    /// How far it may go above and below that.
    pub limits: DeploymentLimits,
    /// Whether the percentages keep the deployment from going on.
    pub is_blocked: bool,
    /// Whether the workload is paused: it replaces no task by one of another template.
    pub is_paused: bool,
    /// The failures of the deployment that is to run.
    pub failures: FailureCount,
    /// The deployment that has ended in this look, with its failures.
    pub ended: Option<(i64, FailureCount)>,
    /// What delays the tasks of the deployment that is to run, of the one that runs meanwhile, and of those that have tasks still.
    pub delays: Vec<Delays>,
    /// What is wrong with it when its tasks fail again and again.
    pub impairment: Option<Impairment>,
    /// Tasks that have failed or are stopped.
    pub stops: Vec<TaskStop>,
    /// What is told of it.
    pub messages: Vec<String>,
    /// What keeps a task from running, where something does.
    pub hindrance: Option<String>,
    /// When to look again although nothing may have happened.
    pub look_after: Option<Duration>,
}

/// The end of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskStop {
    /// Its id.
    pub id: String,
    /// Why.
    pub stop: Stop,
    /// Whether it is to be deleted now. A task of a deployment that is on its way out is deleted by Kubernetes.
    pub deletes: bool,
}

/// Decides.
#[must_use]
pub fn decide(facts: &SchedulerFacts<'_>) -> Decision {
    let before = facts.deployment(facts.newest).map(|deployment| deployment.rollout.clone()).unwrap_or_default();
    let so_far = facts.course(&before);
    let judged = facts.judge_deployment(so_far.primary());
    let step = facts.advance(&before, so_far, &judged);
    let course = facts.course(&step.rollout);
    let template = facts.template(course);
    // A service may be scaled so in the middle of a deployment.
    let is_blocked = facts.limits() == DeploymentLimits::Blocked;
    let is_stuck = is_blocked && facts.has_others(template.running());
    // In the place of one that is being stopped another one may start.
    let is_shared = facts.all_tasks.iter().any(|task| task.deployment != template.running());
    let pace = facts.pace(course, template, is_shared);
    let (failures, ended) = if course.primary() == so_far.primary() {
        (step.failures, None)
    } else {
        let failed_before: Vec<_> = facts.judge_tasks(course.primary(), |_| true).collect();
        let anew = FailureCount::anew(&failed_before);
        (anew, Some((so_far.primary(), step.failures)))
    };
    let mut decision = Decision {
        failures,
        ended,
        delays: facts.delays(course, template),
        impairment: None,
        rollout: step.rollout,
        course,
        template,
        replicas: facts.replicas_of(course, pace),
        limits: DeploymentLimits::Blocked,
        is_blocked: (is_stuck && pace != Pace::Moving) || (is_blocked && matches!(template, Template::Held { .. })),
        is_paused: matches!(pace, Pace::Paused | Pace::Pausing),
        stops: Vec::new(),
        messages: Vec::new(),
        hindrance: None,
        look_after: step.look_after,
    };
    if course.is_stopped() {
        facts.make_no_refused(&mut decision);
    } else {
        facts.replace_failed(so_far.primary(), &mut decision);
        facts.tell_unplaceable(template.running(), &mut decision);
        facts.tell_incomplete(&mut decision);
        facts.replace_unhealthy(&mut decision);
        facts.wait_for_nodes(&mut decision);
    }
    if course != so_far && (course.is_stopped() || template.running() != so_far.primary()) {
        facts.tell_unhealthy(so_far.primary(), &mut decision);
    }
    decision.limits = facts.limits_of(course, decision.replicas, pace);
    decision
}

impl<'a> SchedulerFacts<'a> {
    fn deployment(&self, number: i64) -> Option<&KnownDeployment<'a>> {
        self.deployments.iter().find(|deployment| deployment.number == number)
    }

    fn course(&self, rollout: &Rollout) -> Course {
        let stored: Vec<_> = self.deployments.iter().map(|deployment| deployment.number).collect();
        course(self.newest, rollout, &stored)
    }

    fn healthy(&self) -> impl Iterator<Item = &'a ScheduledTask> {
        self.tasks.iter().filter(|task| task.health(self.judge()) == Health::Healthy)
    }

    fn healthy_of(&self, deployment: i64) -> usize {
        self.healthy().filter(|task| task.deployment == deployment).count()
    }

    fn limits(&self) -> DeploymentLimits {
        self.rules.percentages.limits(self.desired)
    }

    fn judge(&self) -> Judge<'a> {
        let Rules { health_check_grace_period: grace_period, min_ready, .. } = self.rules;
        Judge { grace_period, min_ready, now: self.now }
    }

    fn tasks_of(&self, deployment: i64) -> impl Iterator<Item = &'a ScheduledTask> {
        self.tasks.iter().filter(move |task| task.deployment == deployment)
    }

    /// What the tasks of a deployment say of it.
    fn judge_deployment(&self, deployment: i64) -> Vec<JudgedTask> {
        // What failed before a deployment was rolled back to says nothing of the roll-back.
        let shown = self.deployment(deployment).and_then(|deployment| deployment.shown);
        let since =
            shown.filter(|shown| shown.rollout_state == RolloutState::InProgress).map(|shown| shown.updated_at.0);
        let is_of_rollout = |task: &EndedTask| since.is_some_and(|since| task.stopped_at.0 >= since);
        // What has been counted of them stays counted until they are among those that have ended.
        let departing = self.departing.iter().map(|id| JudgedTask { id: id.clone(), verdict: Verdict::None });
        self.judge_tasks(deployment, is_of_rollout).chain(departing).collect()
    }

    /// What the live tasks of a deployment say of it, and ended ones that failed to start: whoever stopped them, they count.
    fn judge_tasks(&self, deployment: i64, includes: impl Fn(&EndedTask) -> bool) -> impl Iterator<Item = JudgedTask> {
        let given_up = self.given_up(deployment);
        let is_given_up = move |task: &ScheduledTask| given_up.iter().any(|stop| stop.id == task.id);
        let live = self.tasks_of(deployment).map(move |task| task.judged(self.judge(), is_given_up(task)));
        let is_live = |id: &str| self.tasks.iter().any(|task| task.id == id);
        let has_failed = |task: &EndedTask| matches!(task.end, TaskEnd::NeverRan | TaskEnd::Refused);
        let failed =
            self.ended_of(deployment).filter(move |task| has_failed(task) && includes(task) && !is_live(&task.id));
        live.chain(failed.map(|task| JudgedTask { id: task.id.clone(), verdict: Verdict::FailedToStart }))
    }

    fn advance(&self, before: &Rollout, so_far: Course, judged: &[JudgedTask]) -> Step {
        let history: Vec<_> =
            self.deployments.iter().map(|deployment| (deployment.number, deployment.rollout.clone())).collect();
        let last_failure = self.last_failure(so_far.primary());
        let facts = RolloutFacts {
            tasks: judged,
            last_failure: last_failure.as_deref(),
            desired: self.desired,
            has_taken_over: self.has_taken_over(so_far),
            circuit_breaker: self.rules.circuit_breaker,
            bake_time: self.rules.bake_time,
            is_to_stop: self.is_to_stop,
            roll_back_to: roll_back_target(self.newest, &history),
            now: self.now,
        };
        advance(before, &self.failures_of(so_far.primary()), &facts)
    }

    /// Whether the deployment that is to run has replaced the others as far as it has to.
    fn has_taken_over(&self, so_far: Course) -> bool {
        let template = self.template(so_far);
        let progress = self.workload.progress(template);
        let desired = i32::try_from(self.desired).unwrap_or(i32::MAX);
        let Some(early) = self.rules.early_success else {
            return is_steady(desired, template, self.all_tasks, progress);
        };
        let healthy = self.healthy_of(so_far.primary());
        progress.observed
            && matches!(template, Template::Wanted(_))
            && u32::try_from(healthy).is_ok_and(|healthy| healthy >= early.fewest_healthy(self.desired))
            && !(early.waits_for_old_tasks && self.has_others(so_far.primary()))
    }

    /// Whether tasks of other deployments than this one live.
    fn has_others(&self, deployment: i64) -> bool {
        self.all_tasks.iter().any(|task| task.deployment != deployment && task.counts())
    }

    fn failures_of(&self, number: i64) -> FailureCount {
        let shown = self.deployment(number).and_then(|deployment| deployment.shown);
        shown.map(FailureCount::of).unwrap_or_default()
    }

    /// Tasks that cannot start are left to the kubelet for a while, longer with each failure, and then replaced.
    fn replace_failed(&self, counted: i64, decision: &mut Decision) {
        let running = decision.template.running();
        let before = self.shown_delays(running).failed_starts;
        decision.stops.extend(self.given_up(running));
        // Those that have just made their deployment fail.
        if counted != running {
            let failed = self.given_up(counted).into_iter();
            decision.stops.extend(failed.map(|stop| TaskStop { deletes: false, ..stop }));
        }
        for task in self.tasks_of(running) {
            decision.hindrance = decision.hindrance.take().or_else(|| task.told_hindrance());
            if task.failure.is_some() {
                decision.look_in(task.time_to_start(before.patience(task.created_at.as_ref()), self.now));
            }
        }
        let after = self.delays_of(running);
        if let Some(left) = after.quick_ends.look_after(&self.runs(running)) {
            decision.look_in(left);
        }
        self.tell_impaired(&after, decision);
    }

    /// Replaces tasks that fail their health checks: those of the deployment that runs, also while the next one is held.
    fn replace_unhealthy(&self, decision: &mut Decision) {
        let running = decision.template.running();
        let lives: Vec<_> = self.tasks_of(running).map(|task| task.live(self.judge())).collect();
        // In its bake time a deployment has all its tasks, and leaves the room to others.
        let is_moving = decision.rollout == Rollout::default() && matches!(decision.template, Template::Wanted(_));
        // One whose time is over has lost its node, or hangs.
        let in_time = |(number, left): &&(i64, Duration)| *number == running && !left.is_zero();
        let stopping: Vec<_> = self.stopping.iter().filter(in_time).map(|(_, left)| *left).collect();
        let bounds = Bounds {
            desired: self.desired,
            most: self.rules.percentages.most(self.desired),
            is_stopping: !stopping.is_empty(),
            deployment_in_progress: self.has_others(running) || is_moving,
        };
        let replacement = unhealthy::replace(&lives, bounds);
        if lives.iter().any(|task| task.health == Health::Unhealthy) {
            for left in &stopping {
                decision.look_in(*left);
            }
        }
        let sick = self.tasks_of(running).find(|task| task.health(self.judge()) == Health::Unhealthy);
        decision.hindrance = decision.hindrance.take().or_else(|| sick.map(ScheduledTask::told_checks));
        decision.replicas += replacement.extra;
        for task in self.tasks_of(running).filter(|task| replacement.stop.contains(&task.id)) {
            decision.messages.push(failed_health_checks_message(self.service, task));
            decision.stops.push(TaskStop { id: task.id.clone(), stop: task.unhealthy_stop(), deletes: true });
        }
        let awaited = || self.tasks_of(running).find_map(|task| task.awaited(self.judge()));
        decision.hindrance = decision.hindrance.take().or_else(awaited);
        for task in self.tasks_of(running) {
            decision.look_in(task.look_after(self.judge()).unwrap_or_default());
        }
    }
}

impl Decision {
    /// Looks again after a time, unless it is over.
    pub fn look_in(&mut self, time: Duration) {
        let next = self.look_after.into_iter().chain((!time.is_zero()).then_some(time));
        self.look_after = next.min();
    }
}
