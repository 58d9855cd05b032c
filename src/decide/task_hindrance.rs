//! What keeps a task from running, as its status tells while it has not stopped.

use std::time::Duration;

use super::{
    elapsed::left,
    task_news::USUAL,
    task_progress::{TaskFacts, TaskProgress},
};

/// What keeps a task from running, or from running whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// It does not start, or is down and left so for a while: why.
    Down(String),
    /// It runs, but for a container that is not essential: which one, and how it ended.
    Incomplete(String),
}

impl Hindrance {
    /// What there is to say of it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Down(text) | Self::Incomplete(text) => text,
        }
    }
}

impl TaskFacts<'_> {
    /// Why it does not start, or why it is down or in part down, and left so for a while.
    #[must_use]
    pub fn hindrance(&self, progress: &TaskProgress) -> Option<Hindrance> {
        let unplaceable = || self.unplaceable().map(|cause| format!("No node takes the task: {cause}"));
        let failure = || self.start_failure().map(|stop| stop.reason);
        let exit = || {
            let exit = self.essential_exit()?;
            self.time_until_told(progress).is_zero().then_some(exit.reason)
        };
        let incomplete = || self.incomplete().filter(|(_, left)| left.is_zero());
        let down = unplaceable().or_else(failure).or_else(exit).map(Hindrance::Down);
        down.or_else(|| incomplete().map(|(exit, _)| Hindrance::Incomplete(exit)))
    }

    /// What is left of the time before an end is told by itself. Most tasks that end are stopped sooner, when they have started.
    fn time_until_told(&self, progress: &TaskProgress) -> Duration {
        let since_end = |started_at| left(self.last_run(started_at).1, USUAL, self.now);
        progress.started_at.as_ref().map_or(Duration::ZERO, since_end)
    }

    /// How a container ended that is not essential, and what is left of the time before that is told by itself: the kubelet starts it
    /// again at once the first time.
    fn incomplete(&self) -> Option<(String, Duration)> {
        let (end, exit) = self.other_exit()?;
        let until_told = end.finished_at.as_ref().map_or(Duration::ZERO, |ended_at| left(ended_at, USUAL, self.now));
        Some((exit, until_told))
    }

    /// After which time there may be something else to say of it although nobody tells.
    #[must_use]
    pub fn look_again_after(&self, progress: &TaskProgress) -> Option<Duration> {
        let exit = self.essential_exit().map(|_| self.time_until_told(progress));
        let other_exit = self.incomplete().map(|(_, left)| left);
        let ends = exit.into_iter().chain(other_exit).filter(|left| !left.is_zero());
        progress.look_again_after.into_iter().chain(ends).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::kubelet_reports::*;
    use serde_json::json;

    fn hindrance(scene: &Scene) -> Option<String> {
        scene.ask(|facts| facts.hindrance(&facts.progress())).map(|hindrance| hindrance.text().to_owned())
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

    #[test]
    fn a_container_that_is_not_essential_is_told_when_it_is_down_for_a_while() {
        let ended = |now| Scene { now, ..Scene::of(pod(&[running("web", 10), exited("log", 0, 12, 20)])) };
        let after = |scene: &Scene| scene.ask(|facts| facts.look_again_after(&facts.progress()));
        assert_eq!((hindrance(&ended(21)), after(&ended(21))), (None, Some(Duration::from_secs(4))));
        let told = |scene: Scene| scene.ask(|facts| facts.hindrance(&facts.progress()));
        let incomplete = |text: &str| Some(Hindrance::Incomplete(text.into()));
        assert_eq!(told(ended(25)), incomplete("container log: exit code 0, Completed"));
        assert_eq!(after(&ended(25)), None);
        let waits = Scene::of(pod(&[running("web", 10), crash_loop("log", 3, 12, 20)]));
        assert_eq!(told(waits), incomplete("container log: exit code 3, Error"));
        assert_eq!(told(Scene::of(pod(&[running("web", 10), restarted("log", 3, 12, 20, 21)]))), None);
        let both = Scene::of(pod(&[exited("web", 1, 10, 20), exited("log", 0, 12, 20)]));
        assert!(matches!(told(both), Some(Hindrance::Down(_))), "the task is about to be replaced");
        assert_eq!(told(Scene::alone(pod(&[running("web", 10), exited("log", 0, 12, 20)]))), None);
        let job = Scene {
            containers: vec![essential("web"), other("migrate")],
            ..Scene::of(with_init(&[done("migrate", 5, 8)], &[running("web", 10)]))
        };
        assert_eq!(told(job), None, "a job is to end");
    }
}
