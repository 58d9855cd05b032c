//! The growing history of a Pod that does well: its containers start one after the other, those that are not essential may end,
//! and at last it is asked to go.

use ecs_operator::{
    api::task_status::LastStatus,
    decide::{
        pod_status::{ContainerStatus, PodStatus, Running, Terminated, Waiting},
        task_progress::TaskProgress,
    },
    ecs::task_containers::RunningContainer,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::tasks::{Known, at, containers};

/// What a container goes through, with the seconds of its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Unreported,
    Waiting,
    Starting(i64),
    Runs(i64),
    Ended(i64, i64),
}

impl Step {
    fn next(self, now: i64) -> Self {
        match self {
            Self::Unreported => Self::Waiting,
            Self::Waiting => Self::Starting(now),
            Self::Starting(start) => Self::Runs(start),
            Self::Runs(start) => Self::Ended(start, now),
            ended @ Self::Ended(..) => ended,
        }
    }

    /// What becomes of it when it has to go.
    fn stopped(self, now: i64) -> Self {
        match self {
            Self::Starting(start) | Self::Runs(start) => Self::Ended(start, now),
            other => other,
        }
    }

    fn reported(self, name: &str) -> ContainerStatus {
        let has_started = matches!(self, Self::Runs(_));
        let mut status = ContainerStatus { name: name.into(), started: Some(has_started), ..Default::default() };
        match self {
            Self::Unreported | Self::Waiting => {
                status.state.waiting = Some(Waiting { reason: Some("ContainerCreating".into()), message: None });
            }
            Self::Starting(start) | Self::Runs(start) => {
                status.state.running = Some(Running { started_at: Some(at(start)) });
            }
            Self::Ended(start, end) => {
                let (started_at, finished_at) = (Some(at(start)), Some(at(end)));
                let reason = Some("Completed".into());
                status.state.terminated = Some(Terminated { reason, started_at, finished_at, ..Default::default() });
            }
        }
        status
    }
}

const CREATED_AT: i64 = 1_000;

/// The Pod as it is now.
struct Pod<'a> {
    containers: &'a [RunningContainer],
    steps: Vec<Step>,
    now: i64,
    asked_at: Option<i64>,
}

impl Pod<'_> {
    fn moment(&self) -> Known {
        let steps = self.containers.iter().zip(&self.steps).filter(|(_, step)| **step != Step::Unreported);
        let container_statuses = steps.map(|(container, step)| step.reported(container.in_pod())).collect();
        Known {
            containers: self.containers.to_vec(),
            status: PodStatus { phase: Some("Running".into()), container_statuses, ..Default::default() },
            is_scheduled: self.now > CREATED_AT,
            deletion: self.asked_at.map(|asked| (at(asked + 30), 30)),
            is_gone: false,
            runs_alone: false,
            now: at(self.now),
        }
    }

    /// A container takes its next step, unless that ended the task.
    fn advance(&mut self, index: usize) {
        self.now += 1;
        if !(self.containers[index].essential && matches!(self.steps[index], Step::Runs(_))) {
            self.steps[index] = self.steps[index].next(self.now);
        }
    }

    fn stop(&mut self, index: usize) {
        self.now += 1;
        self.steps[index] = self.steps[index].stopped(self.now);
    }
}

/// One moment after the other. A turn says whose it is.
fn history(containers: &[RunningContainer], turns: &[Index]) -> Vec<Known> {
    let steps = vec![Step::Unreported; containers.len()];
    let mut pod = Pod { containers, steps, now: CREATED_AT, asked_at: None };
    let mut moments = vec![pod.moment()];
    for turn in turns {
        pod.advance(turn.index(containers.len()));
        moments.push(pod.moment());
    }
    pod.asked_at = Some(pod.now);
    for index in 0..containers.len() {
        pod.stop(index);
        moments.push(pod.moment());
    }
    moments.push(Known { is_gone: true, ..pod.moment() });
    moments
}

fn check(moments: &[Known]) -> Result<(), TestCaseError> {
    let mut last: Option<TaskProgress> = None;
    for known in moments {
        let progress = known.facts().progress();
        prop_assert!(known.facts().essential_exit().is_none(), "it ended because it was asked to");
        prop_assert!(known.facts().start_failure().is_none(), "it does well");
        if let Some(last) = last {
            prop_assert!(progress.last_status >= last.last_status, "{:?} after {:?}", progress, last);
            prop_assert!(last.started_at.is_none() || progress.started_at == last.started_at, "started twice");
            prop_assert!(last.exit_codes.is_none() || progress.exit_codes.is_some(), "an exit code is lost");
        }
        last = Some(progress);
    }
    prop_assert_eq!(last.map(|last| last.last_status), Some(LastStatus::Stopped));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_healthy_pod_only_goes_forward(
        containers in containers().prop_filter("no container", |containers| !containers.is_empty()),
        turns in vec(any::<Index>(), 0..30),
    ) {
        check(&history(&containers, &turns))?;
    }
}

/// Of histories in which nothing happens nothing would be learned.
#[test]
fn a_pod_whose_containers_all_had_their_turns_ran() {
    use LastStatus::{Pending, Running};

    let web = RunningContainer {
        name: "web".into(),
        kubernetes_name: None,
        essential: true,
        restarts_but_after: None,
        target: None,
        health_check: None,
    };
    let log = RunningContainer { name: "log".into(), essential: false, ..web.clone() };
    let containers = [web, log];
    let mut pod = Pod { containers: &containers, steps: vec![Step::Unreported; 2], now: CREATED_AT, asked_at: None };
    let mut seen = Vec::new();
    for turn in [0, 0, 0, 1, 1, 1, 1] {
        pod.advance(turn);
        seen.push(pod.moment().facts().progress().last_status);
    }
    assert_eq!(seen, [Pending, Pending, Pending, Pending, Pending, Running, Running]);
}
