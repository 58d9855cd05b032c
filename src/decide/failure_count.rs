//! Counts the failed tasks of a deployment for its circuit breaker. The count and the ids of the counted tasks are kept in
//! status: however often the same tasks are looked at, each is counted once.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{api::service_status::ServiceDeployment, ecs::circuit_breaker::FailureThreshold};

/// Most tasks that are remembered, and so most that are counted while they are still there: status has to stay small.
/// Beyond it a failure is counted when one of these tasks is gone.
const MOST_REMEMBERED: usize = 1000;

/// A task of the deployment that is under way.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedTask {
    /// Its id.
    pub id: String,
    /// What it says of the deployment.
    pub verdict: Verdict,
}

/// What a task says of its deployment.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing: it is on its way, or it was stopped by its user, for a scale-in or with its node.
    None,
    /// It did not reach RUNNING, or does not get there.
    FailedToStart,
    /// It failed its health checks after it had reached RUNNING.
    FailedHealthChecks,
    /// It is healthy.
    Healthy {
        /// Since when.
        since: Time,
    },
}

/// The failed tasks of a deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailureCount {
    failed_tasks: u32,
    /// Those that have been counted and are still there.
    failing: BTreeSet<String>,
    /// When the newest healthy task had become so, as it was when the first failure was counted.
    last_healthy_at: Option<Time>,
}

impl FailureCount {
    /// None yet, of a deployment that runs again: the tasks that fail by now say nothing of that.
    #[must_use]
    pub fn anew(tasks: &[JudgedTask]) -> Self {
        let failing = tasks.iter().filter(|task| task.has_failed()).take(MOST_REMEMBERED);
        Self { failing: failing.map(|task| task.id.clone()).collect(), ..Self::default() }
    }

    /// What the last status says of a deployment.
    #[must_use]
    pub fn of(shown: &ServiceDeployment) -> Self {
        Self {
            failed_tasks: u32::try_from(shown.failed_tasks).unwrap_or(0),
            failing: shown.failing_tasks.iter().cloned().collect(),
            last_healthy_at: shown.last_healthy_at.clone(),
        }
    }

    /// Puts it into the next status.
    pub fn show(&self, shown: &mut ServiceDeployment) {
        shown.failed_tasks = self.shown_count();
        shown.failing_tasks = self.failing.iter().cloned().collect();
        shown.last_healthy_at.clone_from(&self.last_healthy_at);
    }

    /// How many, for a status.
    #[must_use]
    pub fn shown_count(&self) -> i32 {
        i32::try_from(self.failed_tasks).unwrap_or(i32::MAX)
    }

    /// How many.
    #[must_use]
    pub fn failed_tasks(&self) -> u32 {
        self.failed_tasks
    }

    /// Looks at all tasks of the deployment that are there, and counts those that have failed since the last look. With
    /// `reset_on_healthy_task` a task that became healthy since puts the count to zero first.
    #[must_use]
    pub fn count(&self, tasks: &[JudgedTask], reset_on_healthy_task: bool) -> Self {
        let newest_healthy = newest_healthy(tasks);
        let became_healthy = newest_healthy.map(|time| time.0) > self.last_healthy_at.as_ref().map(|time| time.0);
        let before = if reset_on_healthy_task && became_healthy { 0 } else { self.failed_tasks };
        let mut failing: BTreeSet<String> =
            tasks.iter().filter(|task| self.failing.contains(&task.id)).map(|task| task.id.clone()).collect();
        let remembered = failing.len();
        for task in tasks.iter().filter(|task| task.has_failed()) {
            if failing.len() < MOST_REMEMBERED {
                failing.insert(task.id.clone());
            }
        }
        let fresh = u32::try_from(failing.len() - remembered).unwrap_or(u32::MAX);
        let failed_tasks = before.saturating_add(fresh);
        let last_healthy_at = match (failed_tasks, before) {
            // With nothing counted there is nothing to put to zero.
            (0, _) => None,
            // The healthy tasks of this moment were there before the first failure.
            (_, 0) => newest_healthy.cloned(),
            _ => self.last_healthy_at.clone(),
        };
        Self { failed_tasks, failing, last_healthy_at }
    }

    /// Whether so many failures end a deployment with this many desired tasks.
    #[must_use]
    pub fn reaches(&self, threshold: FailureThreshold, desired: u32) -> bool {
        self.failed_tasks >= threshold.failures(desired)
    }
}

impl JudgedTask {
    fn has_failed(&self) -> bool {
        matches!(self.verdict, Verdict::FailedToStart | Verdict::FailedHealthChecks)
    }
}

fn newest_healthy(tasks: &[JudgedTask]) -> Option<&Time> {
    let since = tasks.iter().filter_map(|task| match &task.verdict {
        Verdict::Healthy { since } => Some(since),
        _ => None,
    });
    since.max_by_key(|since| since.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;

    fn task(id: &str, verdict: Verdict) -> JudgedTask {
        JudgedTask { id: id.into(), verdict }
    }

    fn failed(id: &str) -> JudgedTask {
        task(id, Verdict::FailedToStart)
    }

    fn healthy(id: &str, since: i64) -> JudgedTask {
        task(id, Verdict::Healthy { since: Time(Timestamp::from_second(since).unwrap()) })
    }

    #[test]
    fn a_task_is_counted_once() {
        let tasks = [failed("a"), task("b", Verdict::FailedHealthChecks), task("c", Verdict::None)];
        let once = FailureCount::default().count(&tasks, true);
        assert_eq!(once.failed_tasks(), 2);
        assert_eq!(once.count(&tasks, true), once);
        // Also when it comes up in between, or is stopped by its user.
        let stopped = once.count(&[task("a", Verdict::None), task("b", Verdict::FailedHealthChecks)], true);
        assert_eq!(stopped.count(&tasks, true), once);
    }

    #[test]
    fn a_task_that_is_gone_is_forgotten_and_stays_counted() {
        let one = FailureCount::default().count(&[failed("a")], true);
        let gone = one.count(&[failed("b")], true);
        assert_eq!(gone, FailureCount { failed_tasks: 2, failing: ["b".to_owned()].into(), last_healthy_at: None });
    }

    #[test]
    fn a_task_that_becomes_healthy_puts_the_count_to_zero_and_one_that_is_does_not() {
        let one = FailureCount::default().count(&[healthy("old", 10), failed("a")], true);
        assert_eq!(one.failed_tasks(), 1, "the healthy task was there before");
        let two = one.count(&[healthy("old", 10), failed("a"), failed("b")], true);
        assert_eq!(two.failed_tasks(), 2);
        let reset = two.count(&[healthy("old", 10), healthy("new", 20), failed("a"), failed("b")], true);
        assert_eq!(reset.failed_tasks(), 0);
        let again = reset.count(&[healthy("old", 10), healthy("new", 20), failed("a"), failed("c")], true);
        assert_eq!(again.failed_tasks(), 1, "a is still remembered, b is gone");
        let cumulative = two.count(&[healthy("new", 20), failed("a"), failed("b")], false);
        assert_eq!(cumulative.failed_tasks(), 2);
    }

    #[test]
    fn what_failed_before_a_roll_back_does_not_count() {
        let begun = FailureCount::anew(&[failed("a"), healthy("b", 10)]);
        assert_eq!(begun.failed_tasks(), 0);
        assert_eq!(begun.count(&[failed("a"), failed("b")], true).failed_tasks(), 1);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let many: Vec<_> = (0..1500).map(|id| failed(&id.to_string())).collect();
        let count = FailureCount::default().count(&many, true);
        assert_eq!((count.failed_tasks(), count.failing.len()), (1000, 1000));
        assert_eq!(count.count(&many, true), count);
        let left: Vec<_> = many.iter().filter(|task| !count.failing.contains(&task.id)).cloned().collect();
        assert_eq!(count.count(&left, true).failed_tasks(), 1500);
    }
}
