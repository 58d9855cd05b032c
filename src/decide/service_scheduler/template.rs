//! The template that the workload gets, and the tasks that it leaves when it is scaled in meanwhile: a Deployment whose tasks have
//! two templates takes its share of both, healthy ones as well.

use std::collections::BTreeSet;

use crate::{
    decide::{deployment::Template, rollout::Course, unhealthy::Health},
    ecs::deployment_limits::DeploymentLimits,
};

use super::SchedulerFacts;

impl SchedulerFacts<'_> {
    /// The template that the workload gets. While no task of the deployment that is to run may be made, because nodes refuse them,
    /// or while tasks of it that do not come up keep the service from being scaled in, it is that of another one.
    pub(super) fn template(&self, course: Course) -> Template {
        let (template, primary) = (course.template(self.workload.template, self.limits()), course.primary());
        let is_refused = template == Template::Wanted(primary) && !course.is_stopped() && self.is_refused(primary);
        let instead = if is_refused && self.healthy_of(primary) == 0 {
            self.runs_instead_of(course)
        } else {
            self.clears_for(course)
        };
        instead.map_or(template, |running| Template::Held { running, waiting: primary })
    }

    /// What runs instead of a deployment that nodes refuse: what the workload has by now, else the newest deployment that has tasks,
    /// healthy ones if any does.
    fn runs_instead_of(&self, course: Course) -> Option<i64> {
        let others: Vec<_> = self.others_than(course).collect();
        let applied = self.workload.template.filter(|applied| others.contains(applied));
        let has_tasks = |number: &i64| self.all_tasks.iter().any(|task| task.deployment == *number && task.counts());
        let with_tasks = others.into_iter().filter(has_tasks);
        applied.or_else(|| with_tasks.max_by_key(|number| (self.healthy_of(*number) > 0, *number)))
    }

    /// The other deployments than the one that is to run, without the one that has failed.
    fn others_than(&self, course: Course) -> impl Iterator<Item = i64> {
        let failed = match course {
            Course::RolledBack { failed, .. } => Some(failed),
            Course::Newest(_) | Course::Stopped { .. } => None,
        };
        let others = self.deployments.iter().map(|stored| stored.number);
        others.filter(move |number| *number != course.primary() && Some(*number) != failed)
    }

    /// How many tasks have to live for now although fewer are desired. Of the tasks of several deployments any may go, but so many
    /// healthy ones are needed.
    fn may_live(&self) -> u32 {
        let deployments: BTreeSet<_> = self.tasks.iter().map(|task| task.deployment).collect();
        let fewest = self.rules.percentages.fewest_healthy(self.desired);
        if deployments.len() < 2 || fewest == 0 || self.is_daemon {
            return 0;
        }
        let healthy = self.tasks.iter().filter(|task| task.health(self.judge()) == Health::Healthy).count();
        let may_go = healthy.saturating_sub(usize::try_from(fewest).unwrap_or(usize::MAX));
        u32::try_from(self.tasks.len() - may_go).unwrap_or(u32::MAX)
    }

    /// Whether more tasks have to live than may be started.
    pub(super) fn is_held_up(&self) -> bool {
        self.may_live() > self.rules.percentages.most(self.desired)
    }

    /// The deployment with healthy tasks whose template rids the service of those that are in the way of being scaled in: tasks of the
    /// deployment that is to run of which none is healthy, or on its way to it.
    fn clears_for(&self, course: Course) -> Option<i64> {
        let (primary, applied) = (course.primary(), self.workload.template);
        let has = |state| self.tasks_of(primary).any(|task| task.health(self.judge()) == state);
        // In the place of one that is given up another one may start.
        let has_begun = applied.is_some_and(|applied| applied != primary);
        let is_in_the_way = has(Health::Hindered) || has(Health::Unhealthy) || (has_begun && has(Health::Starting));
        let is_hopeful = has(Health::Healthy) || (!has_begun && has(Health::Starting));
        if !self.is_held_up() || !is_in_the_way || is_hopeful {
            return None;
        }
        // Of several Kubernetes might take healthy ones.
        let healthy = self.tasks.iter().filter(|task| task.health(self.judge()) == Health::Healthy);
        let healthy: BTreeSet<_> = healthy.map(|task| task.deployment).collect();
        let running = self.others_than(course).find(|number| healthy.iter().eq([number]))?;
        // As far as it may be it is scaled in before.
        let is_cleared = applied == Some(running) && !self.workload.is_paused;
        let is_scaled = self.replicas == Some(self.desired) && (is_cleared || self.workload.is_observed);
        is_scaled.then_some(running)
    }

    /// Whether a template is applied in order to get rid of tasks that do not come up: it moves, whatever else keeps it from that.
    pub(super) fn is_cleared(&self, course: Course, template: Template) -> bool {
        matches!(template, Template::Held { running, .. } if self.clears_for(course) == Some(running))
    }

    /// How far the workload may go above and below its `replicas`.
    pub(super) fn limits_of(&self, replicas: u32, is_cleared: bool) -> DeploymentLimits {
        let beyond = self.may_live().saturating_sub(replicas);
        match self.limits() {
            DeploymentLimits::Blocked if is_cleared => DeploymentLimits::Rolling { surge: 0, unavailable: 1 },
            limits if is_cleared || beyond == 0 => limits,
            DeploymentLimits::Blocked => DeploymentLimits::Rolling { surge: beyond, unavailable: 0 },
            DeploymentLimits::Rolling { surge, unavailable } => {
                DeploymentLimits::Rolling { surge: surge.max(beyond), unavailable }
            }
        }
    }
}
