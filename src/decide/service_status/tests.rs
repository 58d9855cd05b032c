//! The status of a service from its start to its steady state.

use super::*;
use crate::decide::{
    failure_count::FailureCount,
    rollout::{Rollout, course},
    rollout_status::{self, RolloutStatus},
    task::TaskState,
};

fn status<'a>(facts: &ServiceFacts<'_>, rollout: &'a Rollout, failures: &'a FailureCount) -> RolloutStatus<'a> {
    let newest = facts.template.newest();
    let course = course(newest, rollout, &[newest]);
    RolloutStatus { newest, rollout, course, failures, ended: None, delays: &[], impairment: None }
}

fn deployments(facts: &ServiceFacts<'_>, rollout: &Rollout) -> Vec<ServiceDeployment> {
    rollout_status::deployments(facts, status(facts, rollout, &FailureCount::default()))
}

fn events(facts: &ServiceFacts<'_>, rollout: &Rollout, shown: &[ServiceDeployment], was_at_rest: bool) -> Vec<String> {
    let told = rollout_status::events(facts, status(facts, rollout, &FailureCount::default()), shown, was_at_rest);
    [told.causes, told.outcomes].concat()
}

fn now() -> Time {
    Time(k8s_openapi::jiff::Timestamp::from_second(1_000_000).unwrap())
}

fn deployment(number: i64) -> DeploymentFacts {
    DeploymentFacts {
        number,
        id: format!("ecs-svc/{number}"),
        task_definition: format!("web:{number}"),
        discovery_names: Vec::new(),
        created_at: now(),
    }
}

fn tasks(running: &[i64], pending: &[i64]) -> Vec<ObservedTask> {
    let task = |state| move |deployment: &i64| ObservedTask { deployment: *deployment, state };
    running.iter().map(task(TaskState::Running)).chain(pending.iter().map(task(TaskState::Pending))).collect()
}

fn progress(total: i32, updated: i32, available: i32) -> WorkloadProgress {
    WorkloadProgress { observed: true, total, updated, available, beyond: 0 }
}

#[test]
fn a_rolling_update_from_start_to_steady_state() {
    let (now, both) = (now(), [deployment(1), deployment(2)]);
    let under_way = tasks(&[1, 1, 2], &[2]);
    let facts = ServiceFacts {
        name: "web",
        desired_count: 2,
        deployments: &both,
        template: Template::Wanted(2),
        is_blocked: false,
        tasks: &under_way,
        workload: progress(4, 2, 3),
        refused_pods: None,
        before: &[],
        now: &now,
    };
    let (under_way, completed) = (Rollout::default(), Rollout::Completed);
    let shown = deployments(&facts, &under_way);
    let summary: Vec<_> = shown.iter().map(|d| (d.status, d.running_count, d.pending_count, d.rollout_state)).collect();
    assert_eq!(
        summary,
        [
            (DeploymentStatus::Primary, 1, 1, RolloutState::InProgress),
            (DeploymentStatus::Active, 2, 0, RolloutState::InProgress)
        ]
    );
    assert_eq!(events(&facts, &under_way, &shown, false), Vec::<String>::new());

    let rest = tasks(&[2, 2], &[]);
    let facts = ServiceFacts { tasks: &rest, workload: progress(2, 2, 2), before: &shown, ..facts };
    let shown = deployments(&facts, &completed);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].rollout_state_reason, "ECS deployment ecs-svc/2 completed.");
    assert_eq!(
        events(&facts, &completed, &shown, false),
        ["(service web) (deployment ecs-svc/2) deployment completed.", "(service web) has reached a steady state."]
    );
    assert_eq!(events(&ServiceFacts { before: &shown, ..facts }, &completed, &shown, true), Vec::<String>::new());
}

#[test]
fn scaling_does_not_reopen_a_deployment() {
    let (now, one) = (now(), [deployment(1)]);
    let two = tasks(&[1, 1], &[]);
    let steady = ServiceFacts {
        name: "web",
        desired_count: 2,
        deployments: &one,
        template: Template::Wanted(1),
        is_blocked: false,
        tasks: &two,
        workload: progress(2, 2, 2),
        refused_pods: None,
        before: &[],
        now: &now,
    };
    let before = deployments(&steady, &Rollout::Completed);
    let scaled = ServiceFacts { desired_count: 3, before: &before, ..steady };
    assert_eq!(deployments(&scaled, &Rollout::Completed)[0].rollout_state, RolloutState::Completed);
    assert!(!is_steady(&scaled));
}

#[test]
fn an_old_status_of_the_workload_is_no_steady_state() {
    let (now, one, none) = (now(), [deployment(1)], tasks(&[], &[]));
    let facts = ServiceFacts {
        name: "web",
        desired_count: 0,
        deployments: &one,
        template: Template::Wanted(1),
        is_blocked: false,
        tasks: &none,
        workload: WorkloadProgress { observed: false, ..Default::default() },
        refused_pods: None,
        before: &[],
        now: &now,
    };
    assert!(!is_steady(&facts));
    assert!(is_steady(&ServiceFacts { workload: progress(0, 0, 0), ..facts }));
}

#[test]
fn a_refusal_of_kubernetes_is_told_with_its_cause() {
    let (now, one, none) = (now(), [deployment(1)], tasks(&[], &[]));
    let facts = ServiceFacts {
        name: "web",
        desired_count: 1,
        deployments: &one,
        template: Template::Wanted(1),
        is_blocked: false,
        tasks: &none,
        workload: progress(0, 0, 0),
        refused_pods: Some("violates PodSecurity"),
        before: &[],
        now: &now,
    };
    let told = "(service web) was unable to place a task. Reason: violates PodSecurity";
    assert_eq!(events(&facts, &Rollout::default(), &deployments(&facts, &Rollout::default()), false), [told]);
    let stalled = findings(&facts).into_iter().find(|finding| finding.type_ == STALLED).unwrap();
    assert_eq!((stalled.holds, stalled.message.as_str()), (true, told));
}

#[test]
fn an_event_is_not_repeated() {
    let (first, fresh) = append_events(&[], vec!["a".into()], &now());
    assert_eq!(fresh, ["a"]);
    let (second, fresh) = append_events(&first, vec!["a".into()], &now());
    assert_eq!((second.len(), fresh.len()), (1, 0));
    let (third, _) = append_events(&second, vec!["b".into(), "a".into()], &now());
    let rest = steady_message("web");
    let (fourth, _) = append_events(&third, vec![rest.clone(), rest.clone(), "a".into()], &now());
    assert_eq!(fourth.iter().map(|event| event.message.as_str()).collect::<Vec<_>>(), ["a", &rest, "b", "a"]);
}

#[test]
fn what_counts_tasks_is_told_each_time() {
    for told in [
        "(service web) registered 1 targets in (target-group arn)",
        "(service web) deregistered 1 targets in (target-group arn)",
        "(service web) has begun draining connections on 1 tasks.",
        "(service web) stopped 1 pending tasks.",
    ] {
        let (first, _) = append_events(&[], vec![told.into()], &now());
        let (second, fresh) = append_events(&first, vec![told.into()], &now());
        assert_eq!((second.len(), fresh.len()), (2, 1), "{told}");
    }
}
