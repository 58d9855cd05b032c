//! What delays the tasks of a deployment: failed starts, nodes that refuse them, quick ends.

use std::collections::BTreeSet;

use crate::decide::{
    deployment::Template,
    failed_starts::{FailedStarts, Start, StartResult},
    quick_ends::{QuickEnds, Run},
    rollout::Course,
    scheduled_task::ScheduledTask,
    start_throttle::{EndedTask, TaskEnd},
    unhealthy::Health,
};

use super::{Decision, SchedulerFacts, TaskStop};

/// What delays the tasks of a deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delays {
    /// Its number.
    pub deployment: i64,
    /// Its failed starts.
    pub failed_starts: FailedStarts,
    /// Its quick ends.
    pub quick_ends: QuickEnds,
}

impl<'a> SchedulerFacts<'a> {
    /// What delays the tasks of the deployments that run, or have tasks still: one of those that ends is replaced as well.
    pub(super) fn delays(&self, course: Course, template: Template) -> Vec<Delays> {
        let with_tasks = self.all_tasks.iter().map(|task| task.deployment);
        let deployments: BTreeSet<_> = with_tasks.chain([course.primary(), template.running()]).collect();
        deployments.into_iter().map(|deployment| self.delays_of(deployment)).collect()
    }

    /// What delays the tasks of a deployment from now on.
    pub(super) fn delays_of(&self, deployment: i64) -> Delays {
        let shown = self.shown_delays(deployment);
        Delays {
            failed_starts: shown.failed_starts.next(&self.starts(deployment), self.now),
            quick_ends: shown.quick_ends.next(&self.runs(deployment), self.now),
            ..shown
        }
    }

    /// What delayed the tasks of a deployment up to the last look.
    pub(super) fn shown_delays(&self, deployment: i64) -> Delays {
        let shown = self.deployment(deployment).and_then(|deployment| deployment.shown);
        let of =
            |shown| Delays { deployment, failed_starts: FailedStarts::of(shown), quick_ends: QuickEnds::of(shown) };
        shown.map_or(Delays { deployment, ..Delays::default() }, of)
    }

    pub(super) fn ended_of(&self, deployment: i64) -> impl Iterator<Item = &'a EndedTask> {
        self.ended.iter().filter(move |task| task.deployment == deployment)
    }

    /// How the starts of a deployment's tasks went, those of ended ones as well.
    pub(super) fn starts(&self, deployment: i64) -> Vec<Start> {
        let given_up = self.given_up(deployment);
        let is_given_up = |task: &ScheduledTask| given_up.iter().any(|stop| stop.id == task.id);
        let live = self.tasks_of(deployment).map(|task| task.start(is_given_up(task)));
        let failed = |task: &EndedTask| {
            let result = match task.end {
                TaskEnd::Refused | TaskEnd::TurnedAway if !self.is_daemon => StartResult::Refused,
                TaskEnd::NeverRan | TaskEnd::Refused | TaskEnd::TurnedAway => StartResult::Failed,
                TaskEnd::Ran(_) => return None,
            };
            Some(Start { created_at: task.created_at.clone(), result })
        };
        live.chain(self.ended_of(deployment).filter_map(failed)).collect()
    }

    /// How long the tasks of a deployment have run that have reached RUNNING, ended ones as well.
    pub(super) fn runs(&self, deployment: i64) -> Vec<Run> {
        let live = self.tasks_of(deployment).filter_map(|task| task.run(self.now));
        let ended = |task: &EndedTask| match task.end {
            TaskEnd::Ran(time) => Some(Run { created_at: task.created_at.clone(), time, has_ended: true }),
            TaskEnd::NeverRan | TaskEnd::Refused | TaskEnd::TurnedAway => None,
        };
        live.chain(self.ended_of(deployment).filter_map(ended)).collect()
    }

    /// The tasks of a deployment that do not start, when their time for that is over.
    pub(super) fn given_up(&self, deployment: i64) -> Vec<TaskStop> {
        let failed_starts = self.shown_delays(deployment).failed_starts;
        let patience = |task: &ScheduledTask| failed_starts.patience(task.created_at.as_ref());
        let in_vain = self.tasks_of(deployment).filter(|task| task.time_to_start(patience(task), self.now).is_zero());
        let stop = |task: &ScheduledTask| {
            task.failure.clone().map(|stop| TaskStop { id: task.id.clone(), stop, deletes: true })
        };
        in_vain.filter_map(stop).collect()
    }

    /// Whether no task of a deployment may be made, because nodes refuse them.
    pub(super) fn is_refused(&self, deployment: i64) -> bool {
        !self.delays_of(deployment).failed_starts.pause(self.now).is_zero()
    }

    /// Lets no further task be made while nodes refuse those of the deployment that is to run, or of the one that runs meanwhile.
    pub(super) fn wait_for_nodes(&self, decision: &mut Decision) {
        let delays = [decision.course.primary(), decision.template.running()].map(|number| self.delays_of(number));
        let longest = delays.into_iter().max_by_key(|delays| delays.failed_starts.pause(self.now));
        // Nobody waits for a task.
        let Some(delays) = longest.filter(|_| self.desired > 0) else { return };
        let left = delays.failed_starts.pause(self.now);
        if left.is_zero() {
            return;
        }
        decision.look_in(left);
        self.make_no_refused(decision);
        if let Some((task, reason)) = self.last_failed_start(delays.deployment) {
            decision.hindrance = Some(format!("Task {task} does not start: {reason}"));
        }
        self.tell_impaired(&delays, decision);
    }

    /// Lets the workload have no more tasks than nodes have taken, while they refuse those that it runs.
    pub(super) fn make_no_refused(&self, decision: &mut Decision) {
        if self.may_make_fewer(decision.template.running()) {
            let taken = self.tasks_of(decision.template.running()).filter(|task| task.is_taken).count();
            decision.replicas = decision.replicas.min(u32::try_from(taken).unwrap_or(u32::MAX));
        }
    }

    /// Whether what runs is refused as well as what is to run, and can be told to have no more tasks than it has: others that the
    /// minimum needs would go with that.
    pub(super) fn may_make_fewer(&self, running: i64) -> bool {
        let healthy = u32::try_from(self.healthy_of(running)).unwrap_or(u32::MAX);
        let suffices = healthy >= self.rules.percentages.fewest_healthy(self.desired);
        self.is_refused(running) && (suffices || !self.has_others(running))
    }

    /// Why the last task of a deployment failed that did so.
    pub(super) fn last_failure(&self, deployment: i64) -> Option<String> {
        let given_up = self.given_up(deployment).pop().map(|given_up| given_up.stop.reason);
        let mut live = self.tasks_of(deployment);
        let unhealthy = live.find(|task| task.health(self.judge()) == Health::Unhealthy);
        let gone = || self.last_failed_start(deployment).map(|(_, reason)| reason.to_owned());
        given_up.or_else(|| unhealthy.map(|task| task.unhealthy_stop().reason)).or_else(gone)
    }

    /// The newest task of a deployment that did not start and is gone, and why.
    fn last_failed_start(&self, deployment: i64) -> Option<(&'a str, &'a str)> {
        let failed = |task: &&EndedTask| !matches!(task.end, TaskEnd::Ran(_));
        let task = self.ended_of(deployment).find(failed)?;
        Some((&task.id, task.reason.as_deref()?))
    }
}
