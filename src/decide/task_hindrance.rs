//! What keeps a task from running, as its status tells while it has not stopped.

use std::time::Duration;

use super::{
    elapsed::left,
    task_news::USUAL,
    task_progress::{TaskFacts, TaskProgress},
};

impl TaskFacts<'_> {
    /// Why it does not start, or why it is down and left so for a while.
    #[must_use]
    pub fn hindrance(&self, progress: &TaskProgress) -> Option<String> {
        let unplaceable = || self.unplaceable().map(|cause| format!("No node takes the task: {cause}"));
        let failure = || self.start_failure().map(|stop| stop.reason);
        unplaceable().or_else(failure).or_else(|| {
            let exit = self.essential_exit()?;
            self.time_until_told(progress).is_zero().then_some(exit.reason)
        })
    }

    /// What is left of the time before an end is told by itself. Most tasks that end are stopped sooner, when they have started.
    fn time_until_told(&self, progress: &TaskProgress) -> Duration {
        let since_end = |started_at| left(self.last_run(started_at).1, USUAL, self.now);
        progress.started_at.as_ref().map_or(Duration::ZERO, since_end)
    }

    /// After which time there may be something else to say of it although nobody tells.
    #[must_use]
    pub fn look_again_after(&self, progress: &TaskProgress) -> Option<Duration> {
        let ends = self.essential_exit().map(|_| self.time_until_told(progress)).filter(|left| !left.is_zero());
        progress.look_again_after.into_iter().chain(ends).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::kubelet_reports::*;
    use serde_json::json;

    fn hindrance(scene: &Scene) -> Option<String> {
        scene.ask(|facts| facts.hindrance(&facts.progress()))
    }

    #[test]
    fn what_keeps_a_task_from_running_is_told() {
        let pulling = pod(&[waiting("web", "ImagePullBackOff", "no such image"), running("log", 12)]);
        assert!(hindrance(&Scene::of(pulling)).unwrap().starts_with("CannotPullContainerError"));
        assert_eq!(hindrance(&Scene::of(pod(&[running("web", 10), running("log", 12)]))), None);
        let mut unplaced = pod(&[]);
        unplaced["conditions"] =
            json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]);
        let unplaced = Scene { is_scheduled: false, ..Scene::of(unplaced) };
        assert_eq!(hindrance(&unplaced).as_deref(), Some("No node takes the task: 0/1 nodes"));
    }

    #[test]
    fn an_end_is_told_when_the_task_is_not_stopped_for_it_soon() {
        let ended = |now| Scene { now, ..Scene::of(pod(&[exited("web", 3, 10, 20), running("log", 12)])) };
        let after = |scene: &Scene| scene.ask(|facts| facts.look_again_after(&facts.progress()));
        assert_eq!((hindrance(&ended(21)), after(&ended(21))), (None, Some(Duration::from_secs(4))));
        assert!(hindrance(&ended(25)).unwrap().contains("exit code 3"));
        assert_eq!(after(&ended(25)), None);
    }
}
