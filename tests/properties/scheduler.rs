//! What holds for the service scheduler, whatever happens to a service: it never lets more tasks live than the maximum, takes
//! away no healthy task that the minimum needs, acts once on each failure, and comes to rest when the tasks do well.

use std::{collections::BTreeSet, time::Duration};

use ecs_operator::{
    decide::{
        rollout::{DeploymentFailure, Rollout},
        service_scheduler::{Decision, Rules},
        start_throttle::TaskEnd,
    },
    ecs::{
        circuit_breaker::{DeploymentCircuitBreaker, FailureThreshold},
        deployment_limits::{DeploymentLimits, DeploymentPercentages},
        early_success::EarlySuccess,
    },
};
use proptest::{collection::vec, option, prelude::*};

use super::service_world::{Quality, State, Workload, World};

#[derive(Clone, Debug)]
enum Event {
    Time(i64),
    Progress(usize),
    TurnsSick(usize),
    Crashes(usize),
    DeletedByHand(usize),
    DeletedAreGone,
    EndsAreRecorded,
    Desired(u32),
    Deploy(Quality),
    StopDeployment,
    IsUnready(usize),
    AllAreReady,
    Operator,
    Kubernetes,
}

fn events(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Event>> {
    let quality = || prop_oneof![3 => Just(Quality::Good), 1 => Just(Quality::CannotStart), 1 => Just(Quality::NeverHealthy), 1 => Just(Quality::Refused), 1 => Just(Quality::SomeRefused)];
    vec(
        prop_oneof![
            4 => (1_i64..20).prop_map(Event::Time),
            8 => any::<usize>().prop_map(Event::Progress),
            1 => any::<usize>().prop_map(Event::TurnsSick),
            1 => any::<usize>().prop_map(Event::Crashes),
            1 => any::<usize>().prop_map(Event::DeletedByHand),
            3 => Just(Event::DeletedAreGone),
            3 => Just(Event::EndsAreRecorded),
            1 => (0_u32..9).prop_map(Event::Desired),
            1 => quality().prop_map(Event::Deploy),
            1 => Just(Event::StopDeployment),
            1 => any::<usize>().prop_map(Event::IsUnready),
            1 => Just(Event::AllAreReady),
            8 => Just(Event::Operator),
            8 => Just(Event::Kubernetes),
        ],
        count,
    )
}

fn breakers() -> impl Strategy<Value = Option<DeploymentCircuitBreaker>> {
    let threshold = prop_oneof![
        (1_u32..5).prop_map(FailureThreshold::Count),
        (1_u32..=100).prop_map(FailureThreshold::BoundedPercent),
        (1_u32..=100).prop_map(FailureThreshold::UnboundedPercent),
    ];
    option::of((any::<bool>(), any::<bool>(), threshold).prop_map(|(rollback, reset_on_healthy_task, threshold)| {
        DeploymentCircuitBreaker { rollback, reset_on_healthy_task, threshold }
    }))
}

fn rules() -> impl Strategy<Value = Rules> {
    let seconds = |most| (0_u64..most).prop_map(Duration::from_secs);
    let early = option::of((0_u32..=100, any::<bool>()));
    (100_u32..250, 0_u32..=100, breakers(), early, seconds(40), seconds(30), seconds(20)).prop_map(
        |(maximum, minimum_healthy, circuit_breaker, early, bake_time, health_check_grace_period, min_ready)| Rules {
            percentages: DeploymentPercentages { maximum, minimum_healthy },
            circuit_breaker,
            early_success: early.map(|(percent, waits_for_old_tasks)| EarlySuccess {
                healthy_percent: percent.max(minimum_healthy),
                waits_for_old_tasks,
            }),
            bake_time,
            health_check_grace_period,
            min_ready,
        },
    )
}

/// What has to be remembered to know that the rules are kept.
#[derive(Default)]
struct Watch {
    /// Tasks of each deployment that could not start or were not healthy at some time.
    failing: BTreeSet<(i64, String)>,
}

impl Watch {
    fn see(&mut self, world: &World) {
        let failing = world.pods.iter().filter(|pod| match pod.state {
            State::CannotStart => !pod.is_deleted,
            State::Runs { ready_since, .. } => !pod.is_deleted && ready_since.is_none(),
            State::Creating => pod.end == Some(TaskEnd::Refused),
        });
        self.failing.extend(failing.map(|pod| (pod.deployment, pod.id.clone())));
    }
}

fn apply(event: &Event, world: &mut World, watch: &mut Watch) {
    match event {
        Event::Time(seconds) => world.now += seconds,
        Event::Progress(index) => world.progress(*index),
        Event::TurnsSick(index) => world.turn_sick(*index),
        Event::Crashes(index) => {
            world.crash(*index);
            world.replica_set_controller();
        }
        Event::DeletedByHand(index) => {
            let pods: Vec<_> = world.live().map(|pod| pod.id.clone()).collect();
            if let Some(id) = pods.get(index % pods.len().max(1)) {
                world.delete(id, None);
                world.replica_set_controller();
            }
        }
        Event::DeletedAreGone => world.remove_deleted(),
        Event::EndsAreRecorded => world.record_ends(),
        Event::Desired(desired) => world.desired = *desired,
        Event::Deploy(quality) => world.deploy(*quality),
        Event::StopDeployment => world.is_to_stop = true,
        Event::IsUnready(index) => {
            let index = index % world.stored.len();
            world.stored.values_mut().nth(index).unwrap().is_unready = true;
        }
        Event::AllAreReady => world.stored.values_mut().for_each(|stored| stored.is_unready = false),
        Event::Operator => operator_looks(world, watch),
        Event::Kubernetes => kubernetes(world),
    }
    watch.see(world);
}

fn operator_looks(world: &mut World, watch: &Watch) {
    let before = world.stored[&world.newest()].rollout.clone();
    let shown: Vec<_> = world.shown.iter().map(|shown| (shown.id.clone(), shown.failed_tasks)).collect();
    let (newest, available, unready) = (world.newest(), world.available(), world.unready());
    let (has_workload, desired_then) = (world.workload.is_some(), world.told_desired);
    let healthy: BTreeSet<_> = world.live().filter(|pod| world.is_available(pod)).map(|pod| pod.id.clone()).collect();
    let decision = world.operator_looks();
    assert!(decision.stops.iter().all(|stop| !healthy.contains(&stop.id)), "a healthy task is stopped: {decision:?}");
    assert_eq!(world.available(), available, "the operator stops no task that serves");
    assert!(!has_workload || !unready.contains(&decision.template.running()), "{decision:?} with {unready:?} unready");
    let most = world.rules.percentages.most(world.desired);
    assert!(decision.replicas <= most.max(world.desired), "{} of at most {most}", decision.replicas);
    breaker_is_exact(world, (newest, desired_then), &before, &shown, &decision);
    let primary = decision.course.primary();
    let failing = watch.failing.iter().filter(|(deployment, _)| *deployment == primary).count();
    let counted = usize::try_from(decision.failures.failed_tasks()).unwrap();
    assert!(counted <= failing, "{counted} failures of {failing} tasks that failed at some time");
    // Looking again at what has been done gives nothing new to do.
    let again = world.decided();
    // What was stopped now is not there any more when it looks again.
    if decision.stops.iter().all(|stop| !stop.deletes) {
        let told = World::told(&again);
        assert_eq!(told, world.workload.unwrap_or(told), "{decision:?} then {again:?}");
    }
    assert!(again.stops.iter().all(|stop| !stop.deletes), "{again:?}");
}

/// A deployment under way has fewer failures than its threshold; when it reaches that it fails in the same look.
fn breaker_is_exact(
    world: &World,
    (newest, desired_then): (i64, u32),
    before: &Rollout,
    shown: &[(String, i32)],
    decision: &Decision,
) {
    let Some(breaker) = world.rules.circuit_breaker else {
        let failed_now = matches!(before, Rollout::InProgress { .. })
            && matches!(decision.rollout, Rollout::Failed { failure: DeploymentFailure::TasksFailedToStart, .. });
        assert!(!failed_now, "there is no circuit breaker: {decision:?}");
        return;
    };
    let threshold = breaker.threshold.failures(world.desired);
    if let (Rollout::InProgress { .. }, Rollout::InProgress { .. }) = (before, &decision.rollout) {
        assert!(decision.failures.failed_tasks() < threshold, "{decision:?}");
    }
    let was = shown.iter().find(|(id, _)| *id == format!("ecs-svc/{newest}")).map_or(0, |(_, failed)| *failed);
    let trips = matches!(&decision.rollout, Rollout::Failed { failure: DeploymentFailure::TasksFailedToStart, .. })
        && matches!(before, Rollout::InProgress { .. });
    if trips {
        let threshold = breaker.threshold.failures(desired_then);
        assert!(u32::try_from(was).unwrap() < threshold, "it should have tripped before");
    }
}

/// The Deployment controller decides, and the one of `ReplicaSets` follows at once; what they were told keeps to the limits.
fn kubernetes(world: &mut World) {
    // In the place of Pods that were deleted others are made, in any case.
    let live = world.live().count() + usize::try_from(world.unmade()).unwrap();
    let available = world.available_then();
    world.deployment_controller();
    world.replica_set_controller();
    let percentages = world.rules.percentages;
    // A paused deployment that was stopped when fewer were desired gets no more of them.
    let stopped_with = world.workload.filter(|workload| workload.is_paused).map(|workload| workload.replicas);
    // While it is paused because healthy tasks are needed in the middle of being scaled in, tasks that end are replaced.
    let kept = world.workload.filter(|workload| workload.is_paused).map(Workload::most);
    let (least, most) = (
        percentages.fewest_healthy(world.seen_desired).min(stopped_with.unwrap_or(u32::MAX)),
        usize::try_from(percentages.most(world.seen_desired).max(kept.unwrap_or(0))).unwrap(),
    );
    let (left, now) = (world.available(), world.live().count());
    // Of what has happened since the operator looked it knows nothing.
    let is_as_told = world.is_scaled_in && available.saturating_sub(left) <= world.may_go;
    assert!(
        is_as_told || left >= available.min(least),
        "{left} of {available} healthy tasks are left, {least} have to be"
    );
    assert!(now <= most.max(live), "{now} tasks live, {most} may");
}

/// The tasks do well from now on, and everybody does its work.
fn heals(world: &mut World, watch: &mut Watch) {
    for stored in world.stored.values_mut() {
        (stored.quality, stored.is_unready) = (Quality::Good, false);
    }
    comes_to_rest(world, watch);
}

/// Everybody does its work.
fn comes_to_rest(world: &mut World, watch: &mut Watch) {
    for _ in 0..400 {
        for event in [Event::Operator, Event::Kubernetes, Event::DeletedAreGone, Event::EndsAreRecorded, Event::Time(5)]
        {
            apply(&event, world, watch);
        }
        for index in 0..world.pods.len() {
            apply(&Event::Progress(index), world, watch);
        }
    }
    let decision = world.decided();
    if decision.course.is_stopped() {
        return;
    }
    let desired = usize::try_from(world.desired).unwrap();
    let healthy: Vec<_> = world.live().filter(|pod| world.is_available(pod)).map(|pod| pod.deployment).collect();
    assert_eq!((healthy.len(), world.live().count()), (desired, desired), "{decision:?} {:?}", world.workload);
    if decision.is_blocked {
        assert_eq!(world.rules.percentages.limits(world.desired), DeploymentLimits::Blocked);
        return;
    }
    assert!(healthy.iter().all(|deployment| *deployment == decision.template.running()), "{healthy:?} {decision:?}");
    assert!(!matches!(decision.rollout, Rollout::InProgress { .. }), "{decision:?}");
    assert_eq!((decision.stops.len(), decision.messages.len()), (0, 0), "{decision:?}");
}

fn goes_on(desired: u32, rules: Rules, events: &[Event]) {
    let (mut world, mut watch) = (World::new(desired, rules), Watch::default());
    for event in events {
        apply(event, &mut world, &mut watch);
    }
    heals(&mut world, &mut watch);
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_service_keeps_its_limits_and_comes_to_rest(desired in 0_u32..9, rules in rules(), events in events(1..400)) {
        goes_on(desired, rules, &events);
    }

    /// What is wrong with earlier revisions stays so; in the look in which it learns of the right one it may be scaled as well.
    #[test]
    fn a_corrected_revision_takes_over(
        desired in 0_u32..9, rules in rules(), events in events(1..200), at_last in 0_u32..9,
    ) {
        let (mut world, mut watch) = (World::new(desired, rules), Watch::default());
        for event in &events {
            apply(event, &mut world, &mut watch);
        }
        prop_assume!(rules.percentages.limits(at_last) != DeploymentLimits::Blocked);
        world.desired = at_last;
        world.deploy(Quality::Good);
        comes_to_rest(&mut world, &mut watch);
    }

    /// Nodes that refuse the tasks of a deployment for ten minutes are asked few times, and what ran before goes on.
    #[test]
    fn nodes_that_refuse_tasks_are_left_alone(
        desired in 1_u32..9, before in any::<bool>(), waits in any::<bool>(), rules in rules(),
    ) {
        // What ran before would be what is rolled back to.
        let stays = |breaker| DeploymentCircuitBreaker { rollback: false, ..breaker };
        let rules = Rules { circuit_breaker: rules.circuit_breaker.map(stays), ..rules };
        let (mut world, mut watch) = (World::new(desired, rules), Watch::default());
        if before {
            heals(&mut world, &mut watch);
            world.deploy(Quality::Refused);
        } else {
            world.stored.values_mut().for_each(|stored| stored.quality = Quality::Refused);
        }
        prop_assume!(rules.percentages.limits(desired) != DeploymentLimits::Blocked);
        let made = world.next;
        for second in 0..600 {
            if waits && second == 40 {
                // It is corrected, and what the correction needs is not there.
                world.deploy(Quality::Good);
                world.stored.values_mut().next_back().unwrap().is_unready = true;
            }
            for event in [Event::Operator, Event::Kubernetes, Event::DeletedAreGone, Event::EndsAreRecorded, Event::Time(1)] {
                apply(&event, &mut world, &mut watch);
            }
            for index in 0..world.pods.len() {
                apply(&Event::Progress(index), &mut world, &mut watch);
            }
        }
        // Two rounds at once, then after 10 s, 20 s, 40 s and so on; in each the old tasks that made room come back.
        let most = world.rules.percentages.most(desired);
        let (made, bound) = (world.next - made, 30 * most);
        prop_assert!(made <= bound, "{made} tasks were made, {bound} may");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn a_service_with_a_long_history_does_so_as_well(desired in 0_u32..9, rules in rules(), events in events(3000..5000)) {
        goes_on(desired, rules, &events);
    }

    #[test]
    fn a_large_service_does_so_as_well(desired in 20_u32..60, rules in rules(), events in events(200..800)) {
        goes_on(desired, rules, &events);
    }
}

fn plain_rules() -> Rules {
    Rules {
        percentages: DeploymentPercentages { maximum: 200, minimum_healthy: 100 },
        circuit_breaker: None,
        early_success: None,
        bake_time: Duration::ZERO,
        health_check_grace_period: Duration::ZERO,
        min_ready: Duration::ZERO,
    }
}

/// A revision that another one is to replace, and cannot, goes on: it is throttled as well, also while its only task is replaced.
#[test]
fn quick_ends_of_an_older_revision_are_counted() {
    let (mut world, mut watch) = (World::new(1, plain_rules()), Watch::default());
    heals(&mut world, &mut watch);
    world.deploy(Quality::CannotStart);
    for _ in 0..6 {
        for event in [Event::Operator, Event::Kubernetes, Event::DeletedAreGone, Event::EndsAreRecorded, Event::Time(2)]
        {
            apply(&event, &mut world, &mut watch);
        }
        for index in 0..world.pods.len() {
            apply(&Event::Progress(index), &mut world, &mut watch);
        }
        apply(&Event::Time(2), &mut world, &mut watch);
        apply(&Event::Operator, &mut world, &mut watch);
        let old = world.pods.iter().position(|pod| pod.deployment == 1 && matches!(pod.state, State::Runs { .. }));
        if let Some(old) = old {
            apply(&Event::Crashes(old), &mut world, &mut watch);
            apply(&Event::Operator, &mut world, &mut watch);
        }
    }
    let quick_ends = world.shown.iter().find(|shown| shown.id == "ecs-svc/1").map(|shown| shown.quick_ends);
    // Those that are made in the second of an end are of its round.
    assert!(quick_ends >= Some(2), "{quick_ends:?}");
}

/// What runs is looked after while the next deployment waits for something that it needs.
#[test]
fn an_unhealthy_task_is_replaced_while_the_next_deployment_waits() {
    let (mut world, mut watch) = (World::new(1, plain_rules()), Watch::default());
    heals(&mut world, &mut watch);
    world.deploy(Quality::Good);
    world.stored.get_mut(&2).unwrap().is_unready = true;
    apply(&Event::Operator, &mut world, &mut watch);
    let sick = world.pods[0].id.clone();
    world.turn_sick(0);
    for _ in 0..20 {
        for event in [Event::Operator, Event::Kubernetes, Event::DeletedAreGone, Event::Time(2)] {
            apply(&event, &mut world, &mut watch);
        }
        let young = world.pods.iter().position(|pod| pod.id != sick);
        if let Some(young) = young {
            world.progress(young);
        }
    }
    let left: Vec<_> = world.live().map(|pod| (pod.id != sick, pod.deployment, world.is_available(pod))).collect();
    assert_eq!(left, [(true, 1, true)]);
}
