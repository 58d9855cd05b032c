//! The rollout step by step, and through random sequences of task events and operator looks.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{decide::failure_count::Verdict, ecs::circuit_breaker::FailureThreshold};

fn at(second: i64) -> Time {
    Time(Timestamp::from_second(second).unwrap())
}

fn breaker(rollback: bool, reset_on_healthy_task: bool, failures: u32) -> DeploymentCircuitBreaker {
    DeploymentCircuitBreaker { rollback, reset_on_healthy_task, threshold: FailureThreshold::Count(failures) }
}

fn facts<'a>(tasks: &'a [JudgedTask], now: &'a Time) -> RolloutFacts<'a> {
    RolloutFacts {
        tasks,
        desired: 2,
        has_taken_over: false,
        circuit_breaker: Some(breaker(true, true, 3)),
        bake_time: Duration::ZERO,
        is_to_stop: false,
        last_failure: None,
        roll_back_to: Some(1),
        now,
    }
}

fn failed(ids: &[&str]) -> Vec<JudgedTask> {
    ids.iter().map(|id| JudgedTask { id: (*id).into(), verdict: Verdict::FailedToStart }).collect()
}

fn rolled_back(state: RollBackState) -> Rollout {
    let roll_back = Some(RollBack { to: 1, state });
    Rollout::Failed { failure: DeploymentFailure::TasksFailedToStart, cause: None, roll_back }
}

#[test]
fn what_failed_last_is_kept_with_the_failure() {
    let (now, tasks) = (at(9), failed(&["a", "b", "c"]));
    let facts = RolloutFacts { last_failure: Some("CannotPullContainerError: none"), ..facts(&tasks, &now) };
    let step = advance(&Rollout::default(), &FailureCount::default(), &facts);
    let kept = Rollout::read(step.rollout.kept().as_deref(), None);
    let Rollout::Failed { cause, roll_back, .. } = &kept else { panic!("{kept:?}") };
    assert_eq!(cause.as_deref(), Some("CannotPullContainerError: none"));
    // It stays, however the roll-back goes on.
    assert!(roll_back.is_some());
    let facts = RolloutFacts { last_failure: None, has_taken_over: true, tasks: &[], ..facts };
    let Rollout::Failed { cause, .. } = advance(&kept, &step.failures, &facts).rollout else { panic!("it has failed") };
    assert!(cause.is_some());
    let before = r#"{"state":"FAILED","failure":"TASKS_FAILED_TO_START"}"#;
    assert!(matches!(Rollout::read(Some(before), None), Rollout::Failed { cause: None, .. }), "of an earlier version");
}

#[test]
fn it_trips_at_the_threshold_and_rolls_back_once() {
    let (now, none, two, three) = (at(0), FailureCount::default(), failed(&["a", "b"]), failed(&["b", "c"]));
    let step = advance(&Rollout::default(), &none, &facts(&two, &now));
    assert_eq!((step.rollout, step.failures.failed_tasks()), (Rollout::default(), 2));
    let step = advance(&Rollout::default(), &step.failures, &facts(&three, &now));
    assert_eq!(step.rollout, rolled_back(RollBackState::InProgress));
    assert_eq!(course(2, &step.rollout, &[1, 2]), Course::RolledBack { failed: 2, running: 1 });
    // The earlier deployment is counted by itself.
    let under_way = advance(&step.rollout, &none, &facts(&[], &now));
    assert_eq!(under_way.rollout, step.rollout);
    let steady = advance(&step.rollout, &none, &RolloutFacts { has_taken_over: true, ..facts(&[], &now) });
    assert_eq!(steady.rollout, rolled_back(RollBackState::Successful));
    assert_eq!(advance(&steady.rollout, &none, &facts(&failed(&["x", "y", "z"]), &now)).rollout, steady.rollout);
}

#[test]
fn a_roll_back_that_fails_is_not_rolled_back() {
    let (now, tasks) = (at(0), failed(&["a", "b", "c"]));
    let rolling = rolled_back(RollBackState::InProgress);
    let step = advance(&rolling, &FailureCount::default(), &facts(&tasks, &now));
    assert_eq!(step.rollout, rolled_back(RollBackState::Failed));
    assert_eq!(course(2, &step.rollout, &[1, 2]), Course::Stopped { failed: 1 });
    let history = [(1, Rollout::Completed), (2, step.rollout)];
    assert_eq!(roll_back_target(3, &history), None, "what could not be rolled back to is no way back");
}

#[test]
fn without_rollback_or_a_way_back_it_stops() {
    let (now, tasks, none) = (at(0), failed(&["a", "b", "c"]), FailureCount::default());
    let without = RolloutFacts { circuit_breaker: Some(breaker(false, true, 3)), ..facts(&tasks, &now) };
    let nowhere = RolloutFacts { roll_back_to: None, ..facts(&tasks, &now) };
    for facts in [without, nowhere] {
        let step = advance(&Rollout::default(), &none, &facts);
        let stopped = course(2, &step.rollout, &[1, 2]);
        assert_eq!(stopped, Course::Stopped { failed: 2 });
        assert!(stopped.is_stopped());
        assert_eq!((stopped.replicas(5, Some(2)), stopped.replicas(1, Some(2))), (2, 1));
        assert_eq!(stopped.replicas(5, None), 5, "somebody has deleted the workload");
    }
    let off = RolloutFacts { circuit_breaker: None, ..facts(&tasks, &now) };
    let step = advance(&Rollout::default(), &none, &off);
    assert_eq!((step.rollout, step.failures.failed_tasks()), (Rollout::default(), 3), "it counts all the same");
    assert_eq!(
        course(2, &rolled_back(RollBackState::InProgress), &[2]),
        Course::Stopped { failed: 2 },
        "snapshot gone"
    );
}

#[test]
fn a_user_stops_what_is_under_way_and_nothing_else() {
    let (now, none) = (at(0), FailureCount::default());
    let stopping = RolloutFacts { is_to_stop: true, circuit_breaker: None, ..facts(&[], &now) };
    let step = advance(&Rollout::default(), &none, &stopping);
    let roll_back = Some(RollBack { to: 1, state: RollBackState::InProgress });
    assert_eq!(step.rollout, Rollout::Failed { failure: DeploymentFailure::StoppedByUser, cause: None, roll_back });
    assert_eq!(advance(&step.rollout, &none, &stopping).rollout, step.rollout);
    assert_eq!(advance(&Rollout::Completed, &none, &stopping).rollout, Rollout::Completed);
}

#[test]
fn it_is_completed_when_it_has_been_steady_for_its_bake_time() {
    let (none, start) = (FailureCount::default(), at(1000));
    let steady = |now| RolloutFacts { has_taken_over: true, bake_time: Duration::from_secs(120), ..facts(&[], now) };
    let at_once = advance(&Rollout::default(), &none, &RolloutFacts { has_taken_over: true, ..facts(&[], &start) });
    assert_eq!(at_once.rollout, Rollout::Completed);
    let baking = advance(&Rollout::default(), &none, &steady(&start));
    assert_eq!(baking.rollout, Rollout::InProgress { baking_since: Some(start.clone()) });
    assert_eq!(baking.look_after, Some(Duration::from_secs(120)));
    let later = Time(start.0 + SignedDuration::from_secs(119));
    let step = advance(&baking.rollout, &none, &steady(&later));
    assert_eq!((step.rollout, step.look_after), (baking.rollout.clone(), Some(Duration::from_secs(1))));
    let end = Time(start.0 + SignedDuration::from_secs(120));
    let moving = RolloutFacts { has_taken_over: false, ..steady(&end) };
    assert_eq!(advance(&baking.rollout, &none, &moving).rollout, baking.rollout, "a task is being replaced");
    assert_eq!(advance(&baking.rollout, &none, &steady(&end)).rollout, Rollout::Completed);
}

#[test]
fn the_way_back_is_the_newest_completed_one() {
    let history = [(1, Rollout::Completed), (2, Rollout::Completed), (3, Rollout::default()), (4, Rollout::Completed)];
    assert_eq!(roll_back_target(4, &history), Some(2));
    assert_eq!(roll_back_target(1, &history), None);
}

#[test]
fn what_is_kept_on_a_snapshot_is_read_again() {
    let baking = Rollout::InProgress { baking_since: Some(at(5)) };
    for rollout in [Rollout::default(), baking, Rollout::Completed, rolled_back(RollBackState::Failed)] {
        assert_eq!(Rollout::read(rollout.kept().as_deref(), None), rollout);
    }
    assert_eq!(
        rolled_back(RollBackState::InProgress).kept().unwrap(),
        r#"{"state":"FAILED","failure":"TASKS_FAILED_TO_START","rollBack":{"to":1,"state":"IN_PROGRESS"}}"#
    );
    assert_eq!(Rollout::default().kept(), None);
    assert_eq!(Rollout::read(None, Some(RolloutState::Completed)), Rollout::Completed, "of an earlier operator");
    assert_eq!(Rollout::read(Some("?"), None), Rollout::default());
}

#[test]
fn the_percentages_bound_the_way_back_as_well() {
    let rolling = DeploymentLimits::Rolling { surge: 1, unavailable: 0 };
    let back = Course::RolledBack { failed: 2, running: 1 };
    assert_eq!(back.template(Some(2), rolling), Template::Wanted(1));
    assert_eq!(back.template(Some(2), DeploymentLimits::Blocked), Template::Held { running: 2, waiting: 1 });
    let stopped = Course::Stopped { failed: 2 };
    assert_eq!(stopped.template(Some(2), rolling), Template::Wanted(2));
    assert_eq!(stopped.template(Some(1), rolling), Template::Held { running: 1, waiting: 2 });
}

/// What happens to the tasks of a service.
#[derive(Clone, Debug)]
enum Event {
    Start,
    Fail(usize, bool),
    Heal(usize),
    /// Its user stops it, or a scale-in does.
    Stop(usize),
    Gone(usize),
    /// The operator looks; whether it writes the status, and whether it then starts anew.
    Look {
        writes_status: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let task = 0_usize..20;
    prop_oneof![
        4 => Just(Event::Start),
        3 => (task.clone(), any::<bool>()).prop_map(|(task, to_start)| Event::Fail(task, to_start)),
        1 => task.clone().prop_map(Event::Heal),
        1 => task.clone().prop_map(Event::Stop),
        2 => task.prop_map(Event::Gone),
        4 => prop::bool::weighted(0.9).prop_map(|writes_status| Event::Look { writes_status }),
    ]
}

/// A service whose newest deployment is 2 and that was once completed with 1; and what ECS would have counted.
struct World {
    tasks: Vec<JudgedTask>,
    next: usize,
    now: i64,
    rollout: Rollout,
    failures: FailureCount,
    /// Every task that was ever seen as failed, once.
    failed_ever: std::collections::BTreeSet<String>,
    transitions: Vec<Rollout>,
}

impl World {
    fn happens(&mut self, event: &Event, facts: &RolloutFacts<'_>) {
        self.now += 1;
        let count = self.tasks.len().max(1);
        let since = at(self.now);
        let mut judge = |index: &usize, verdict: Verdict| {
            self.tasks.get_mut(index % count).into_iter().for_each(|task| task.verdict = verdict.clone());
        };
        match event {
            Event::Start => {
                self.tasks.push(JudgedTask { id: self.next.to_string(), verdict: Verdict::None });
                self.next += 1;
            }
            Event::Fail(task, true) => judge(task, Verdict::FailedToStart),
            Event::Fail(task, false) => judge(task, Verdict::FailedHealthChecks),
            Event::Heal(task) => judge(task, Verdict::Healthy { since }),
            Event::Stop(task) => judge(task, Verdict::None),
            Event::Gone(task) => {
                if !self.tasks.is_empty() {
                    self.tasks.remove(task % count);
                }
            }
            Event::Look { writes_status } => self.look(*writes_status, facts),
        }
    }

    fn look(&mut self, writes_status: bool, facts: &RolloutFacts<'_>) {
        let now = at(self.now);
        let facts = RolloutFacts { tasks: &self.tasks, now: &now, ..*facts };
        let step = advance(&self.rollout, &self.failures, &facts);
        if step.rollout != self.rollout {
            self.transitions.push(step.rollout.clone());
            // Another deployment runs from now on, and its tasks are others.
            if matches!(step.rollout, Rollout::Failed { .. }) {
                self.tasks.clear();
                self.rollout = step.rollout;
                self.failures = FailureCount::default();
                return;
            }
        }
        // The snapshot is written first; the status may not come through.
        self.rollout = step.rollout;
        if writes_status {
            self.failures = step.failures;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_trips_exactly_at_its_threshold_and_acts_once(
        events in prop::collection::vec(event(), 1..2000),
        threshold in 1_u32..12, rollback in any::<bool>(), reset in any::<bool>(),
    ) {
        let start = at(0);
        let facts = RolloutFacts { circuit_breaker: Some(breaker(rollback, reset, threshold)), ..facts(&[], &start) };
        let mut world = World { tasks: Vec::new(), next: 0, now: 0, rollout: Rollout::default(), failures: FailureCount::default(), failed_ever: std::collections::BTreeSet::new(), transitions: Vec::new() };
        for event in &events {
            let (before, rollout_before) = (world.failures.clone(), world.rollout.clone());
            let seen: Vec<_> = world.tasks.iter().filter(|task| matches!(task.verdict, Verdict::FailedToStart | Verdict::FailedHealthChecks)).map(|task| task.id.clone()).collect();
            let now = at(world.now + 1);
            let looked = RolloutFacts { tasks: &world.tasks.clone(), now: &now, ..facts };
            world.happens(event, &facts);
            let Event::Look { writes_status } = event else { continue };
            // The same look again changes nothing.
            let once = advance(&rollout_before, &before, &looked);
            if once.rollout == rollout_before {
                let twice = advance(&once.rollout, &once.failures, &looked);
                prop_assert_eq!(&twice, &once);
            }
            let under_way = rollout_before == Rollout::default();
            if under_way {
                let tripped = world.rollout != rollout_before;
                prop_assert_eq!(tripped, once.failures.failed_tasks() >= threshold);
                if *writes_status {
                    world.failed_ever.extend(seen);
                    prop_assert!(once.failures.failed_tasks() as usize <= world.failed_ever.len(), "counted twice");
                    if !reset && !tripped {
                        prop_assert_eq!(once.failures.failed_tasks() as usize, world.failed_ever.len(), "none is left out");
                    }
                }
            }
        }
        // In progress, failed, and at most one end of the way back.
        prop_assert!(world.transitions.len() <= if rollback { 2 } else { 1 }, "{:?}", world.transitions);
        // Once the service is steady it comes to an end, and stays there.
        let steady = RolloutFacts { has_taken_over: true, ..facts };
        world.tasks.clear();
        world.look(true, &steady);
        world.look(true, &steady);
        let end = world.rollout.clone();
        let is_an_end = match &end {
            Rollout::InProgress { .. } => false,
            Rollout::Completed => true,
            Rollout::Failed { roll_back, .. } => roll_back.is_none_or(|back| back.state != RollBackState::InProgress),
        };
        prop_assert!(is_an_end, "{end:?}");
        for event in &events {
            world.happens(event, &facts);
        }
        prop_assert_eq!(&world.rollout, &end);
    }
}
