//! A deployment from its start over its failure to its roll-back, in ECS's words.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::*;
use crate::decide::{
    deployment::Template,
    failure_count::{JudgedTask, Verdict},
    task::{ObservedTask, TaskState},
    workload::WorkloadProgress,
};

fn events(
    facts: &ServiceFacts<'_>,
    status: RolloutStatus<'_>,
    deployments: &[ServiceDeployment],
    was_at_rest: bool,
) -> Vec<String> {
    let told = super::events(facts, status, deployments, was_at_rest);
    [told.causes, told.outcomes].concat()
}

fn now() -> Time {
    Time(k8s_openapi::jiff::Timestamp::from_second(1_000_000).unwrap())
}

fn both() -> [DeploymentFacts; 2] {
    [1, 2].map(|number| DeploymentFacts {
        number,
        id: format!("ecs-svc/{number}"),
        task_definition: format!("web:{number}"),
        discovery_names: Vec::new(),
        created_at: now(),
    })
}

fn running(deployments: &[i64]) -> Vec<ObservedTask> {
    deployments.iter().map(|deployment| ObservedTask { deployment: *deployment, state: TaskState::Running }).collect()
}

fn failed(roll_back: Option<RollBackState>) -> Rollout {
    let roll_back = roll_back.map(|state| RollBack { to: 1, state });
    Rollout::Failed { failure: DeploymentFailure::TasksFailedToStart, cause: None, roll_back }
}

fn facts<'a>(
    deployments: &'a [DeploymentFacts],
    tasks: &'a [ObservedTask],
    now: &'a Time,
    primary: i64,
) -> ServiceFacts<'a> {
    ServiceFacts {
        name: "web",
        desired_count: 1,
        deployments,
        template: Template::Wanted(primary),
        is_blocked: false,
        tasks,
        workload: WorkloadProgress { observed: true, total: 1, updated: 1, available: 1, beyond: 0 },
        refused_pods: None,
        before: &[],
        now,
    }
}

fn status<'a>(rollout: &'a Rollout, failures: &'a FailureCount) -> RolloutStatus<'a> {
    let course = crate::decide::rollout::course(2, rollout, &[1, 2]);
    RolloutStatus { newest: 2, rollout, course, failures, ended: None, delays: &[], impairment: None }
}

fn summary(deployments: &[ServiceDeployment]) -> Vec<(&str, RolloutState, &str)> {
    deployments.iter().map(|each| (each.id.as_str(), each.rollout_state, each.rollout_state_reason.as_str())).collect()
}

fn holds(findings: &[Finding], type_: &str) -> (bool, &'static str) {
    let found = findings.iter().find(|finding| finding.type_ == type_).unwrap();
    (found.holds, found.reason)
}

#[test]
fn a_deployment_fails_and_an_earlier_one_takes_over_again() {
    let (now, deployments, tasks, none) = (now(), both(), running(&[1]), FailureCount::default());
    let (under_way, rolling, rolled) =
        (Rollout::default(), failed(Some(RollBackState::InProgress)), failed(Some(RollBackState::Successful)));
    let before = super::deployments(
        &ServiceFacts { workload: WorkloadProgress::default(), ..facts(&deployments, &tasks, &now, 2) },
        status(&under_way, &none),
    );
    assert_eq!(before[0].rollout_state, RolloutState::InProgress);

    let moving = WorkloadProgress { observed: false, ..WorkloadProgress::default() };
    let facts = ServiceFacts { before: &before, workload: moving, ..facts(&deployments, &tasks, &now, 1) };
    let shown = super::deployments(&facts, status(&rolling, &none));
    let failed_reason = "ECS deployment circuit breaker: tasks failed to start.";
    let rolling_reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.";
    assert_eq!(
        summary(&shown),
        [("ecs-svc/2", RolloutState::Failed, failed_reason), ("ecs-svc/1", RolloutState::InProgress, rolling_reason)]
    );
    assert_eq!(
        events(&facts, status(&rolling, &none), &shown, false),
        [
            "(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start.",
            "(service web) rolling back to deployment ecs-svc/1."
        ]
    );
    let told = findings(&facts, status(&rolling, &none));
    assert_eq!((holds(&told, RECONCILING), holds(&told, READY).0), ((true, reason::ROLLING_BACK), false));

    let steady = WorkloadProgress { observed: true, total: 1, updated: 1, available: 1, beyond: 0 };
    let facts = ServiceFacts { before: &shown, workload: steady, ..facts };
    assert_eq!(events(&facts, status(&rolling, &none), &shown, false), [""; 0], "told once");
    let shown = super::deployments(&facts, status(&rolled, &none));
    assert_eq!(summary(&shown), [("ecs-svc/1", RolloutState::Completed, "ECS deployment ecs-svc/1 completed.")]);
    assert_eq!(
        events(&facts, status(&rolled, &none), &shown, false),
        ["(service web) (deployment ecs-svc/1) deployment completed.", "(service web) has reached a steady state."]
    );
    let told = findings(&facts, status(&rolled, &none));
    assert_eq!((holds(&told, STALLED), holds(&told, READY).0), ((true, reason::ROLLED_BACK), false));
    let condition = Condition {
        type_: STALLED.into(),
        status: "True".into(),
        reason: reason::ROLLED_BACK.into(),
        message: String::new(),
        last_transition_time: now.clone(),
        observed_generation: None,
    };
    assert!(was_at_rest(&EcsServiceStatus { conditions: vec![condition], ..Default::default() }));
}

#[test]
fn a_deployment_that_nothing_replaces_is_stalled_and_never_at_rest() {
    let (now, deployments, tasks, none) = (now(), both(), running(&[2]), FailureCount::default());
    let rollout = failed(None);
    let facts = facts(&deployments, &tasks, &now, 2);
    let shown = super::deployments(&facts, status(&rollout, &none));
    assert_eq!(shown[0].rollout_state, RolloutState::Failed);
    assert!(!is_at_rest(&facts, status(&rollout, &none)));
    let told = findings(&facts, status(&rollout, &none));
    assert_eq!(holds(&told, STALLED), (true, reason::DEPLOYMENT_FAILED));
    assert_eq!(
        events(&facts, status(&rollout, &none), &shown, false),
        ["(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start."]
    );
}

#[test]
fn a_roll_back_that_fails_is_told_of_both() {
    let (now, deployments, tasks, none) = (now(), both(), running(&[1]), FailureCount::default());
    let (rolling, ended) = (failed(Some(RollBackState::InProgress)), failed(Some(RollBackState::Failed)));
    let before = super::deployments(&facts(&deployments, &tasks, &now, 1), status(&rolling, &none));
    let facts = ServiceFacts { before: &before, ..facts(&deployments, &tasks, &now, 1) };
    let shown = super::deployments(&facts, status(&ended, &none));
    let states: Vec<_> = shown.iter().map(|each| (each.id.as_str(), each.rollout_state)).collect();
    assert_eq!(states, [("ecs-svc/2", RolloutState::Failed), ("ecs-svc/1", RolloutState::Failed)]);
    assert_eq!(
        events(&facts, status(&ended, &none), &shown, false),
        ["(service web) (deployment ecs-svc/1) deployment failed: tasks failed to start."]
    );
}

#[test]
fn a_deployment_that_bakes_is_not_ready() {
    let (now, deployments, tasks, none) = (now(), both(), running(&[2]), FailureCount::default());
    let baking = Rollout::InProgress { baking_since: Some(now.clone()) };
    let facts = facts(&deployments, &tasks, &now, 2);
    let shown = super::deployments(&facts, status(&baking, &none));
    assert_eq!(summary(&shown), [("ecs-svc/2", RolloutState::InProgress, "ECS deployment ecs-svc/2 in progress.")]);
    assert!(holds(&findings(&facts, status(&baking, &none)), RECONCILING).0);
    assert_eq!(events(&facts, status(&baking, &none), &shown, false), [""; 0]);
    let shown = super::deployments(&facts, status(&Rollout::Completed, &none));
    assert_eq!(events(&facts, status(&Rollout::Completed, &none), &shown, false).len(), 2);
    assert!(holds(&findings(&facts, status(&Rollout::Completed, &none)), READY).0);
}

#[test]
fn a_deployment_that_has_ended_keeps_its_count() {
    let (now, deployments, tasks, none) = (now(), both(), running(&[1]), FailureCount::default());
    let rolling = failed(Some(RollBackState::InProgress));
    let two = ["a", "b"].map(|id| JudgedTask { id: id.into(), verdict: Verdict::FailedToStart });
    let ended = (2, none.count(&two, true));
    let facts = facts(&deployments, &tasks, &now, 1);
    let shown = super::deployments(&facts, RolloutStatus { ended: Some(&ended), ..status(&rolling, &none) });
    assert_eq!([&shown[0], &shown[1]].map(|each| (&*each.id, each.failed_tasks)), [("ecs-svc/2", 2), ("ecs-svc/1", 0)]);
    // Its end could not be kept on the snapshot, and the same tasks are looked at again.
    assert_eq!(FailureCount::of(&shown[0]).count(&two, true), ended.1);
    let later = ServiceFacts { before: &shown, ..facts };
    assert_eq!(super::deployments(&later, status(&rolling, &none))[0].failed_tasks, 2);
}

#[test]
fn a_service_whose_tasks_fail_to_start_again_and_again_is_stalled_until_all_have_come_up() {
    let (now, deployments, none) = (now(), both(), FailureCount::default());
    let rollout = Rollout::default();
    let (pending, up) = ([ObservedTask { deployment: 2, state: TaskState::Pending }], running(&[2]));
    let starting = WorkloadProgress { available: 0, ..facts(&deployments, &up, &now, 2).workload };
    let told = |tasks: &[ObservedTask], workload, impairment| {
        let facts = ServiceFacts { workload, ..facts(&deployments, tasks, &now, 2) };
        findings(&facts, RolloutStatus { impairment, ..status(&rollout, &none) })
    };
    for (impairment, reason) in
        [(Impairment::StartsFail, reason::TASKS_FAIL_TO_START), (Impairment::EndsQuickly, reason::TASKS_END_QUICKLY)]
    {
        let impaired = told(&pending, starting, Some(impairment));
        assert_eq!(holds(&impaired, STALLED), (true, reason));
        assert!(!holds(&impaired, RECONCILING).0 && !holds(&impaired, READY).0);
        let steady = WorkloadProgress { available: 1, ..starting };
        let stays = impairment == Impairment::EndsQuickly;
        assert_eq!(holds(&told(&up, steady, Some(impairment)), STALLED).0, stays, "it has come up");
    }
    assert_eq!(holds(&told(&pending, starting, None), STALLED), (false, reason::DEPLOYMENT_IN_PROGRESS));
}
