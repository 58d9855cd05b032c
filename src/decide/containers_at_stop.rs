//! How the containers of a task ended that is stopped. The kubelet starts a container again before the Pod is deleted for its
//! end, and says of what never ran that its end is unknown: what counts is how things stood when the stop was decided.

use k8s_openapi::jiff::SignedDuration;

use crate::api::task_status::{ContainerLastStatus, StopCode, TaskContainer};

use super::{
    container_progress::{End, ObservedContainer},
    task_progress::TaskFacts,
    task_stop::Stop,
};

/// Ends that are no further apart belong together.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(2);

impl TaskFacts<'_> {
    /// The containers at the moment at which the stop is decided.
    #[must_use]
    pub fn at_stop(&self, stop: &Stop) -> Vec<TaskContainer> {
        // The kubelet may have been faster than the decision: one that has ended may run again.
        let is_exit = stop.code == StopCode::EssentialContainerExited;
        let last_end = self.last_essential_end().filter(|_| is_exit);
        // Others may have ended at the same moment, of which Kubernetes tells whole seconds.
        let has_caused_it = |end: &End<'_>| {
            let finished = end.terminated.finished_at.as_ref();
            last_end.zip(finished).is_some_and(|(last, end)| last.0.duration_since(end.0).abs() <= SAME_MOMENT)
        };
        let containers = self.observed().map(|container| {
            let now = container.describe(self.now);
            match container.earlier_end().filter(|_| container.known.essential).filter(has_caused_it) {
                Some(end) => TaskContainer { last_status: ContainerLastStatus::Stopped, ..ended(now, end) },
                None => now,
            }
        });
        containers.collect()
    }

    /// The containers as they are now, after the stop. What had ended then, or could not start, has not run since.
    #[must_use]
    pub fn since_stop(&self, at_stop: &[TaskContainer]) -> Vec<TaskContainer> {
        let since = |container: ObservedContainer<'_>| {
            let now = container.describe(self.now);
            match at_stop.iter().find(|then| then.name == now.name) {
                Some(then) => since(&container, then, now),
                None => now,
            }
        };
        self.observed().map(since).collect()
    }
}

fn since(container: &ObservedContainer<'_>, then: &TaskContainer, now: TaskContainer) -> TaskContainer {
    let was_over = then.last_status == ContainerLastStatus::Stopped || then.reason.is_some();
    let has_run = then.last_status == ContainerLastStatus::Running || now.exit_code.is_some();
    if was_over || !has_run {
        let (exit_code, reason, restart_count) = (then.exit_code, then.reason.clone(), then.restart_count);
        return TaskContainer { exit_code, reason, restart_count, ..now };
    }
    // The run of then ended, and another one began.
    match container.earlier_end().filter(|_| now.restart_count > then.restart_count) {
        Some(end) => TaskContainer { restart_count: then.restart_count, ..ended(now, end) },
        None => now,
    }
}

fn ended(container: TaskContainer, end: End<'_>) -> TaskContainer {
    TaskContainer { exit_code: end.exit_code(), reason: end.reason(), ..container }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::decide::kubelet_reports::{
        Scene, crash_loop, creating, essential, exited, lost, pod, restarted, running, waiting,
    };

    fn two(web: Value, log: Value) -> Scene {
        let mut scene = Scene::of(pod(&[web, log]));
        scene.containers = vec![essential("web"), essential("log")];
        scene
    }

    fn stop(code: StopCode) -> Stop {
        Stop { code, reason: "it is so".into() }
    }

    /// Exit codes, reasons and restarts of `web` and `log` when the task is gone.
    fn told(code: StopCode, then: &Scene, now: &Scene) -> Vec<(Option<i32>, Option<String>, Option<i32>)> {
        let at_stop = then.ask(|task| task.at_stop(&stop(code)));
        let since = now.ask(|task| task.since_stop(&at_stop));
        since.into_iter().map(|it| (it.exit_code, it.reason, it.restart_count)).collect()
    }

    #[test]
    fn a_run_that_began_after_the_end_does_not_count() {
        let then = two(exited("web", 5, 1, 20), running("log", 1));
        let mut again = restarted("web", 5, 1, 20, 21);
        again["state"] = exited("web", 0, 21, 22)["state"].clone();
        for web in [again, crash_loop("web", 0, 21, 22)] {
            // The other container ended a moment later and was started again as well.
            let now = two(web, restarted("log", 6, 1, 21, 22));
            assert_eq!(
                told(StopCode::EssentialContainerExited, &then, &now),
                [(Some(5), None, None), (Some(6), None, None)]
            );
        }
    }

    #[test]
    fn the_end_that_was_seen_too_late_counts_all_the_same() {
        let then = two(restarted("web", 137, 1, 20, 21), restarted("log", 9, 1, 3, 4));
        let now = two(exited("web", 0, 21, 22), exited("log", 1, 4, 22));
        let oom = Some(crate::decide::container_progress::OUT_OF_MEMORY.to_owned());
        let [web, log] = told(StopCode::EssentialContainerExited, &then, &now).try_into().unwrap();
        assert_eq!((web.0, web.1), (Some(137), oom));
        assert_eq!(log.0, Some(1), "an end long before is another matter");
        let [web, _] = told(StopCode::UserInitiated, &then, &now).try_into().unwrap();
        assert_eq!(web.0, Some(0));
    }

    #[test]
    fn what_never_ran_did_not_end_in_an_unknown_way() {
        let then = two(waiting("web", "ErrImagePull", "no such image"), creating("log"));
        let now = two(lost("web"), lost("log"));
        let pull = Some("CannotPullContainerError: no such image".to_owned());
        assert_eq!(told(StopCode::TaskFailedToStart, &then, &now), [(None, pull, None), (None, None, None)]);
    }

    #[test]
    fn what_ran_until_the_stop_ends_as_it_does() {
        let then = two(running("web", 1), running("log", 1));
        let mut now = two(exited("web", 143, 1, 30), exited("log", 0, 1, 31));
        now.is_gone = true;
        assert_eq!(told(StopCode::UserInitiated, &then, &now), [(Some(143), None, None), (Some(0), None, None)]);
    }
}
