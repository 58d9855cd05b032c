//! The template that the workload gets, and the tasks that it leaves when it is scaled in meanwhile: a Deployment whose tasks have
//! two templates takes its share of both, healthy ones as well.

use std::collections::BTreeSet;

use crate::{
    decide::{deployment::Template, rollout::Course, unhealthy::Health, workload::WorkloadState},
    ecs::deployment_limits::DeploymentLimits,
};

use super::{ScheduledTask, SchedulerFacts};

/// How the workload goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// It replaces tasks as far as the percentages allow.
    Rolling,
    /// It replaces tasks, whatever keeps it from that otherwise.
    Moving,
    /// It replaces none.
    Paused,
    /// It replaces none from now on. Its `ReplicaSets` were told of different limits in the course of replacing, and by them a paused
    /// workload moves tasks from one to another. So as many as there are are told first, which makes the limits the same.
    Pausing,
}

impl SchedulerFacts<'_> {
    /// The template that the workload gets. While no task of the deployment that is to run may be made, because nodes refuse them
    /// or something that they need is not there, or while tasks of it that do not come up keep the service from being scaled in, it is that of another one.
    pub(super) fn template(&self, course: Course) -> Template {
        let (template, primary) = (course.template(self.workload.template, self.limits()), course.primary());
        let is_refused = template == Template::Wanted(primary) && !course.is_stopped() && self.is_refused(primary);
        let has_none = is_refused && self.healthy_of(primary) == 0;
        let instead = self.moves_to(course).or_else(|| self.spares(course));
        let instead = instead.or_else(|| self.runs_instead_of(course).filter(|_| has_none));
        let running = instead.unwrap_or(template.running());
        // What runs already goes on while another one waits.
        match self.workload.template.filter(|_| self.unready.contains(&running)).unwrap_or(running) {
            running if running == primary => Template::Wanted(primary),
            running => Template::Held { running, waiting: primary },
        }
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

    /// The deployment whose tasks the minimum needs, when one has failed whose tasks nodes refuse: Kubernetes would go on making those.
    fn spares(&self, course: Course) -> Option<i64> {
        let primary = course.primary();
        let goes_on = course.is_stopped() && self.is_refused(primary) && !self.may_make_fewer(primary);
        // It is scaled before, and gets no fewer than are needed.
        let healthy = u32::try_from(self.healthy().count()).unwrap_or(u32::MAX);
        let needed = self.rules.percentages.fewest_healthy(self.desired).min(healthy);
        let is_scaled = |replicas: u32| replicas <= self.desired.min(self.all_there()) && replicas >= needed;
        let may_move = goes_on && self.replicas.is_some_and(is_scaled) && !self.is_daemon;
        self.only_healthy(course).filter(|to| may_move && self.may_move_to(*to))
    }

    /// The other deployment that all healthy tasks are of.
    fn only_healthy(&self, course: Course) -> Option<i64> {
        let healthy = self.healthy_deployments();
        self.others_than(course).find(|other| healthy.iter().eq([other]))
    }

    /// The deployments that have healthy tasks.
    fn healthy_deployments(&self) -> BTreeSet<i64> {
        self.healthy().map(|task| task.deployment).collect()
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

    /// How many tasks there are or are to be: some may be missing, not made yet or refused.
    fn all_there(&self) -> u32 {
        self.live().max(self.shares.iter().map(|share| share.replicas).sum())
    }

    fn live(&self) -> u32 {
        u32::try_from(self.tasks.len()).unwrap_or(u32::MAX)
    }

    /// How many tasks have to live for now although fewer are desired. Of the tasks of several deployments any may go, but so many
    /// healthy ones are needed.
    fn may_live(&self) -> u32 {
        let fewest = self.rules.percentages.fewest_healthy(self.desired);
        let to_be = self.shares.iter().map(|share| share.deployment);
        let deployments: BTreeSet<_> = self.tasks.iter().map(|task| task.deployment).chain(to_be).collect();
        if deployments.len() < 2 || fewest == 0 || self.is_daemon {
            return 0;
        }
        let healthy = u32::try_from(self.healthy().count()).unwrap_or(u32::MAX);
        self.all_there() - healthy.saturating_sub(fewest)
    }

    /// Whether more tasks have to live than may be started, or the workload is scaled before anything else.
    pub(super) fn is_held_up(&self, course: Course) -> bool {
        self.has_too_many() || self.is_scaled_first(course)
    }

    /// Whether more tasks have to live than may be started.
    fn has_too_many(&self) -> bool {
        self.may_live() > self.rules.percentages.most(self.desired)
    }

    /// Whether the workload is to be scaled, and that was not carried out yet. By what its `ReplicaSets` were told before, tasks of
    /// several deployments get their shares then also where more may live than do: what one loses another one gets. So as many as
    /// there are are told first.
    fn is_scaled_first(&self, course: Course) -> bool {
        let Some(replicas) = self.replicas.filter(|_| !course.is_stopped() && self.may_live() > 0) else {
            return false;
        };
        let WorkloadState { is_paused, most, .. } = self.workload;
        let is_told = is_paused && replicas == self.desired.min(self.all_there()) && most <= self.all_there();
        // One that has fewer because nodes refuse its tasks is not scaled.
        if is_told {
            !self.is_carried_out(replicas)
        } else {
            replicas != self.desired && !self.may_make_fewer(course.primary())
        }
    }

    /// Whether all `ReplicaSets` were told by what the paused workload is to have.
    fn is_carried_out(&self, replicas: u32) -> bool {
        self.workload.is_observed && self.shares.iter().all(|share| share.of == Some((replicas, self.workload.most)))
    }

    /// How many tasks the workload is to have. Being paused, scaled or stopped, it gets no more than there are.
    pub(super) fn replicas_of(&self, course: Course, pace: Pace) -> u32 {
        let replicas = course.replicas(self.desired, self.replicas);
        let is_filled_up = pace != Pace::Pausing && !course.is_stopped() && !self.is_scaled_first(course);
        if is_filled_up || self.is_daemon { replicas } else { replicas.min(self.all_there()) }
    }

    /// The deployment whose template the workload gets unpaused although the percentages allow no step, or more tasks live than may be
    /// started: no healthy task that is needed is lost with it.
    fn moves_to(&self, course: Course) -> Option<i64> {
        let (is_blocked, is_held_up) = (self.limits() == DeploymentLimits::Blocked, self.is_held_up(course));
        if self.replicas != Some(self.desired) || self.is_daemon || !(is_blocked || is_held_up) {
            return None;
        }
        let primary = course.primary();
        let to = match self.only_healthy(course) {
            Some(other) if is_held_up && self.is_in_the_way(course) => Some(other),
            _ if course.is_stopped() || self.is_refused(primary) => None,
            // Of healthy tasks of several Kubernetes might take one too many.
            _ if is_blocked => {
                Some(primary).filter(|_| self.healthy_deployments().iter().all(|number| *number == primary))
            }
            _ => Some(primary),
        };
        let has_surplus = |to: &i64| self.all_tasks.iter().any(|task| task.deployment != *to);
        to.filter(|to| has_surplus(to) && self.may_move_to(*to))
    }

    /// As far as it may be the workload is scaled in before: paused, it loses tasks of any deployment.
    fn may_move_to(&self, to: i64) -> bool {
        let is_moving = !self.workload.is_paused && self.workload.template == Some(to);
        self.workload.is_observed || is_moving
    }

    /// Whether no task of the deployment that is to run is on its way to being healthy. Where the percentages allow no step, and it
    /// has none, those of others are in the way.
    fn is_in_the_way(&self, course: Course) -> bool {
        let primary = course.primary();
        // In the place of one that is given up another one may start.
        let has_begun = self.workload.template.is_some_and(|applied| applied != primary);
        let is_on_its_way = |task: &ScheduledTask| task.health(self.judge()) == Health::Starting;
        let has_tasks = self.tasks_of(primary).next().is_some() || self.limits() == DeploymentLimits::Blocked;
        has_tasks && (has_begun || !self.tasks_of(primary).any(is_on_its_way))
    }

    /// How the workload goes on with a template. `is_shared` is whether it has tasks of others.
    pub(super) fn pace(&self, course: Course, template: Template, is_shared: bool) -> Pace {
        let is_blocked = self.limits() == DeploymentLimits::Blocked;
        if [self.moves_to(course), self.spares(course)].contains(&Some(template.running())) {
            Pace::Moving
        } else if !((is_blocked && is_shared) || self.is_held_up(course) || course.is_stopped()) {
            Pace::Rolling
        } else if self.workload.is_paused || course.is_stopped() || self.may_live() == 0 {
            Pace::Paused
        } else {
            Pace::Pausing
        }
    }

    /// How far the workload may go above and below its `replicas`. While it is paused Kubernetes fills up what may live, of whatever
    /// deployment; so no more may then than have to, or are there.
    pub(super) fn limits_of(&self, course: Course, replicas: u32, pace: Pace) -> DeploymentLimits {
        let allowed = match self.limits() {
            DeploymentLimits::Blocked if pace == Pace::Moving => DeploymentLimits::Rolling { surge: 0, unavailable: 1 },
            limits => limits,
        };
        let count = match pace {
            Pace::Pausing => self.all_there(),
            Pace::Paused if self.is_scaled_first(course) => self.count_while_scaled(),
            Pace::Paused if self.has_too_many() => self.may_live(),
            Pace::Paused if course.is_stopped() => self.all_there().min(self.rules.percentages.most(self.desired)),
            Pace::Moving | Pace::Rolling | Pace::Paused => return allowed,
        };
        let beyond = count.saturating_sub(replicas);
        DeploymentLimits::Rolling { surge: beyond, unavailable: u32::from(beyond == 0) }
    }

    /// How many tasks may live while the workload is scaled: as many as there are, and what was told for it stays until it is carried
    /// out. With less at once, the shares by what `ReplicaSets` were told before would move tasks from one to another.
    fn count_while_scaled(&self) -> u32 {
        if self.replicas != Some(self.desired) {
            return self.all_there();
        }
        // Healthy ones may have gone since.
        self.workload.most.max(self.may_live())
    }
}
