//! What a service tells of tasks that are not what they should be: in its events, and to whoever waits for it to be ready.

use crate::{
    decide::{
        scheduled_task::ScheduledTask,
        service_status::{incomplete_message, unplaceable_message},
        start_throttle::{Impairment, impaired_message},
        task_hindrance::Hindrance,
        unhealthy::{Health, failed_health_checks_message},
    },
    ecs::{target_group::named_by, task_containers::TargetOf},
};

use super::{Decision, Delays, SchedulerFacts, TaskStop};

impl ScheduledTask {
    /// Which checks it fails. The kubelet alone knows how, and tells it in events of the Pod.
    pub(super) fn told_checks(&self) -> String {
        let id = &self.id;
        match &self.unhealthy_in {
            Some(TargetOf { arn, port }) => format!(
                "Task {id} fails the health checks of target group {} for its port {port}: the events of its Pod tell how.",
                named_by(arn)
            ),
            None => format!("Task {id} fails its health checks."),
        }
    }

    /// What keeps it from running, for whoever waits for its service.
    pub(super) fn told_hindrance(&self) -> Option<String> {
        let id = &self.id;
        let fails = self.failure.as_ref().map(|stop| format!("Task {id} does not start: {}", stop.reason));
        fails.or_else(|| {
            Some(match self.hindrance.as_ref()? {
                Hindrance::Down(cause) => format!("Task {id} is down, and replaced after a while: {cause}"),
                Hindrance::Incomplete(exit) => format!("Task {id} is not ready until all its containers run: {exit}"),
            })
        })
    }
}

impl SchedulerFacts<'_> {
    pub(super) fn tell_unplaceable(&self, running: i64, decision: &mut Decision) {
        if let Some(cause) = self.tasks_of(running).find_map(|task| task.unplaceable(self.now)) {
            let message = unplaceable_message(self.service, cause);
            decision.hindrance.get_or_insert_with(|| message.clone());
            decision.messages.push(message);
        }
    }

    /// The unhealthy tasks of a deployment that has just ended: nobody replaces them, so nothing else would tell. Where an earlier
    /// deployment takes over, Kubernetes stops them.
    pub(super) fn tell_unhealthy(&self, ended: i64, decision: &mut Decision) {
        let unhealthy = self.tasks_of(ended).filter(|task| task.health(self.judge()) == Health::Unhealthy);
        for task in unhealthy {
            decision.messages.push(failed_health_checks_message(self.service, task));
            if !decision.course.is_stopped() {
                decision.stops.push(TaskStop { id: task.id.clone(), stop: task.unhealthy_stop(), deletes: false });
            }
        }
    }

    /// On ECS such a task would go on serving: that it does not is told at once, and once for all tasks.
    pub(super) fn tell_incomplete(&self, decision: &mut Decision) {
        let exit = self.tasks.iter().find_map(|task| task.other_exit.as_deref());
        decision.messages.extend(exit.map(|exit| incomplete_message(self.service, exit)));
    }

    pub(super) fn tell_impaired(&self, delays: &Delays, decision: &mut Decision) {
        if delays.failed_starts.is_impaired(&self.starts(delays.deployment)) {
            decision.impairment = Some(Impairment::StartsFail);
            decision.messages.extend(decision.hindrance.is_some().then(|| impaired_message(self.service)));
        } else if delays.quick_ends.is_impaired(&self.runs(delays.deployment), self.desired) {
            decision.impairment = Some(Impairment::EndsQuickly);
        }
    }
}
