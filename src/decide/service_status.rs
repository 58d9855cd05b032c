//! The status of a service: its deployments, conditions and events, out of what was observed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::service_status::{DeploymentStatus, RolloutState, ServiceDeployment, ServiceEvent};

use super::{
    conditions::{ACCEPTED, Finding, READY, RECONCILING, STALLED, reason},
    deployment::Template,
    task::{ObservedTask, TaskCounts, count},
};

/// One deployment as far as its status needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentFacts {
    /// Its number.
    pub number: i64,
    /// Its id, `ecs-svc/N`.
    pub id: String,
    /// ARN of the revision.
    pub task_definition: String,
    /// When it was created.
    pub created_at: Time,
}

/// What the workload says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkloadProgress {
    /// Its status speaks of its newest spec.
    pub observed: bool,
    /// Tasks, old ones included.
    pub total: i32,
    /// Tasks of the newest template.
    pub updated: i32,
    /// Tasks that count as healthy.
    pub available: i32,
}

/// Everything that the status of an accepted service is made of.
#[derive(Clone, Copy, Debug)]
pub struct ServiceFacts<'a> {
    /// Its name in ECS.
    pub name: &'a str,
    /// How many tasks it is to have.
    pub desired_count: i32,
    /// Its deployments, in any order.
    pub deployments: &'a [DeploymentFacts],
    /// Which of them runs.
    pub template: Template,
    /// Its tasks.
    pub tasks: &'a [ObservedTask],
    /// What the workload says.
    pub workload: WorkloadProgress,
    /// Why Kubernetes refuses to make Pods, when it does.
    pub refused_pods: Option<&'a str>,
    /// The deployments of the last status.
    pub before: &'a [ServiceDeployment],
    /// Now.
    pub now: &'a Time,
}

/// Whether a service has come to rest: as many healthy tasks as desired, all of the newest deployment.
#[must_use]
pub fn is_steady(facts: &ServiceFacts<'_>) -> bool {
    let counts = count(facts.tasks);
    let desired = facts.desired_count;
    matches!(facts.template, Template::Wanted(_))
        && facts.workload == WorkloadProgress { observed: true, total: desired, updated: desired, available: desired }
        && counts == TaskCounts { running: desired, pending: 0 }
        && facts.tasks.iter().all(|task| task.deployment == newest(facts.template) || !task.counts())
}

/// The deployments: the newest is PRIMARY; older ones are listed while they have tasks.
#[must_use]
pub fn deployments(facts: &ServiceFacts<'_>) -> Vec<ServiceDeployment> {
    let mut facts_by_number: Vec<_> = facts.deployments.iter().collect();
    facts_by_number.sort_by_key(|deployment| std::cmp::Reverse(deployment.number));
    facts_by_number.into_iter().filter_map(|deployment| service_deployment(facts, deployment)).collect()
}

fn service_deployment(facts: &ServiceFacts<'_>, deployment: &DeploymentFacts) -> Option<ServiceDeployment> {
    let primary = deployment.number == newest(facts.template);
    let counts = count(facts.tasks.iter().filter(|task| task.deployment == deployment.number));
    if !primary && counts == TaskCounts::default() {
        return None;
    }
    let before = facts.before.iter().find(|before| before.id == deployment.id);
    // A deployment that is completed stays so, also while the service is scaled.
    let completed =
        before.is_some_and(|before| before.rollout_state == RolloutState::Completed) || (primary && is_steady(facts));
    let (rollout_state, verb) =
        if completed { (RolloutState::Completed, "completed") } else { (RolloutState::InProgress, "in progress") };
    let updated_at = before
        .filter(|before| before.rollout_state == rollout_state)
        .map_or_else(|| facts.now.clone(), |before| before.updated_at.clone());
    Some(ServiceDeployment {
        id: deployment.id.clone(),
        status: if primary { DeploymentStatus::Primary } else { DeploymentStatus::Active },
        task_definition: deployment.task_definition.clone(),
        desired_count: if primary { facts.desired_count } else { 0 },
        running_count: counts.running,
        pending_count: counts.pending,
        rollout_state,
        rollout_state_reason: format!("ECS deployment {} {verb}.", deployment.id),
        created_at: deployment.created_at.clone(),
        updated_at,
    })
}

/// The conditions of an accepted service.
#[must_use]
pub fn findings(facts: &ServiceFacts<'_>) -> Vec<Finding> {
    let counts = count(facts.tasks);
    let accepted = Finding::holds(ACCEPTED, reason::ACCEPTED, "The service keeps the rules and what it names exists.");
    if is_steady(facts) {
        let message = steady_message(facts.name);
        return vec![
            accepted,
            Finding::holds(READY, reason::STEADY_STATE, message.clone()),
            Finding::fails(RECONCILING, reason::STEADY_STATE, message.clone()),
            Finding::fails(STALLED, reason::STEADY_STATE, message),
        ];
    }
    if let Template::Held { .. } = facts.template {
        return vec![
            accepted,
            Finding::fails(READY, reason::DEPLOYMENT_BLOCKED, blocked_message(facts.name)),
            Finding::fails(RECONCILING, reason::DEPLOYMENT_BLOCKED, blocked_message(facts.name)),
            Finding::holds(STALLED, reason::DEPLOYMENT_BLOCKED, blocked_message(facts.name)),
        ];
    }
    if let Some(cause) = facts.refused_pods {
        let message = unable_to_place_message(facts.name, cause);
        return vec![
            accepted,
            Finding::fails(READY, reason::UNABLE_TO_PLACE_TASK, message.clone()),
            Finding::fails(RECONCILING, reason::UNABLE_TO_PLACE_TASK, message.clone()),
            Finding::holds(STALLED, reason::UNABLE_TO_PLACE_TASK, message),
        ];
    }
    let message = format!(
        "{} of {} tasks are running, {} pending; {} of them belong to the newest deployment.",
        counts.running, facts.desired_count, counts.pending, facts.workload.updated
    );
    vec![
        accepted,
        Finding::fails(READY, reason::DEPLOYMENT_IN_PROGRESS, message.clone()),
        Finding::holds(RECONCILING, reason::DEPLOYMENT_IN_PROGRESS, message.clone()),
        Finding::fails(STALLED, reason::DEPLOYMENT_IN_PROGRESS, message),
    ]
}

/// The conditions of a service that is not accepted, or cannot go on.
#[must_use]
pub fn stalled(accepted: bool, reason: &'static str, message: &str) -> Vec<Finding> {
    let mut findings = vec![
        Finding::fails(READY, reason, message),
        Finding::fails(RECONCILING, reason, message),
        Finding::holds(STALLED, reason, message),
    ];
    findings.push(if accepted {
        Finding::holds(ACCEPTED, self::reason::ACCEPTED, "The service keeps the rules and what it names exists.")
    } else {
        Finding::fails(ACCEPTED, reason, message)
    });
    findings
}

/// The conditions of an accepted service that waits for something.
#[must_use]
pub fn waiting(message: &str) -> Vec<Finding> {
    vec![
        Finding::holds(ACCEPTED, reason::ACCEPTED, "The service keeps the rules and what it names exists."),
        Finding::fails(READY, reason::WAITING, message),
        Finding::holds(RECONCILING, reason::WAITING, message),
        Finding::fails(STALLED, reason::WAITING, message),
    ]
}

/// The service events that the step from the last status to this one gives, the oldest first.
#[must_use]
pub fn events(facts: &ServiceFacts<'_>, deployments: &[ServiceDeployment], was_steady: bool) -> Vec<String> {
    let mut events = Vec::new();
    for deployment in deployments {
        let before = facts.before.iter().find(|before| before.id == deployment.id);
        let just_completed = deployment.rollout_state == RolloutState::Completed
            && before.is_none_or(|before| before.rollout_state != RolloutState::Completed);
        if just_completed {
            events.push(format!("(service {}) (deployment {}) deployment completed.", facts.name, deployment.id));
        }
    }
    if is_steady(facts) && !was_steady {
        events.push(steady_message(facts.name));
    }
    if let Template::Held { .. } = facts.template {
        events.push(blocked_message(facts.name));
    }
    events.extend(facts.refused_pods.map(|cause| unable_to_place_message(facts.name, cause)));
    events
}

/// Most events that a status keeps; ECS keeps 100, which would make each status write some 20 KB.
const MOST_EVENTS: usize = 20;

/// Seconds for which the same event is not repeated.
const REPEAT_SECONDS: i64 = 6 * 3600;

/// Adds events to those of the last status, the newest first. One that was told in the last six hours is told again only
/// when the service has been at rest since. Returns the events and those that are new.
#[must_use]
pub fn append_events(before: &[ServiceEvent], messages: Vec<String>, now: &Time) -> (Vec<ServiceEvent>, Vec<String>) {
    let mut all = before.to_vec();
    let mut fresh = Vec::new();
    for message in messages {
        let repeated = since_last_rest(&all)
            .any(|told| told.message == message && now.0.as_second() - told.created_at.0.as_second() < REPEAT_SECONDS);
        if !repeated {
            all.insert(0, ServiceEvent { created_at: now.clone(), message: message.clone() });
            fresh.push(message);
        }
    }
    all.truncate(MOST_EVENTS);
    (all, fresh)
}

/// The events since the service was at rest; when nothing was told since, that it is.
fn since_last_rest(events: &[ServiceEvent]) -> impl Iterator<Item = &ServiceEvent> {
    let rest = events.iter().position(|event| event.message.ends_with(AT_REST));
    events.iter().take(rest.map_or(events.len(), |rest| rest.max(1)))
}

fn newest(template: Template) -> i64 {
    match template {
        Template::Wanted(number) | Template::Held { waiting: number, .. } => number,
    }
}

const AT_REST: &str = " has reached a steady state.";

fn steady_message(service: &str) -> String {
    format!("(service {service}){AT_REST}")
}

fn unable_to_place_message(service: &str, cause: &str) -> String {
    format!("(service {service}) was unable to place a task. Reason: {cause}")
}

fn blocked_message(service: &str) -> String {
    format!(
        "(service {service}) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::task::TaskState;

    fn now() -> Time {
        Time(k8s_openapi::jiff::Timestamp::from_second(1_000_000).unwrap())
    }

    fn deployment(number: i64) -> DeploymentFacts {
        DeploymentFacts {
            number,
            id: format!("ecs-svc/{number}"),
            task_definition: format!("web:{number}"),
            created_at: now(),
        }
    }

    fn tasks(running: &[i64], pending: &[i64]) -> Vec<ObservedTask> {
        let task = |state| move |deployment: &i64| ObservedTask { deployment: *deployment, state };
        running.iter().map(task(TaskState::Running)).chain(pending.iter().map(task(TaskState::Pending))).collect()
    }

    fn progress(total: i32, updated: i32, available: i32) -> WorkloadProgress {
        WorkloadProgress { observed: true, total, updated, available }
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
            tasks: &under_way,
            workload: progress(4, 2, 3),
            refused_pods: None,
            before: &[],
            now: &now,
        };
        let shown = deployments(&facts);
        let summary: Vec<_> =
            shown.iter().map(|d| (d.status, d.running_count, d.pending_count, d.rollout_state)).collect();
        assert_eq!(
            summary,
            [
                (DeploymentStatus::Primary, 1, 1, RolloutState::InProgress),
                (DeploymentStatus::Active, 2, 0, RolloutState::InProgress)
            ]
        );
        assert_eq!(events(&facts, &shown, false), Vec::<String>::new());

        let rest = tasks(&[2, 2], &[]);
        let facts = ServiceFacts { tasks: &rest, workload: progress(2, 2, 2), before: &shown, ..facts };
        let shown = deployments(&facts);
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].rollout_state_reason, "ECS deployment ecs-svc/2 completed.");
        assert_eq!(
            events(&facts, &shown, false),
            ["(service web) (deployment ecs-svc/2) deployment completed.", "(service web) has reached a steady state."]
        );
        assert_eq!(events(&ServiceFacts { before: &shown, ..facts }, &shown, true), Vec::<String>::new());
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
            tasks: &two,
            workload: progress(2, 2, 2),
            refused_pods: None,
            before: &[],
            now: &now,
        };
        let before = deployments(&steady);
        let scaled = ServiceFacts { desired_count: 3, before: &before, ..steady };
        assert_eq!(deployments(&scaled)[0].rollout_state, RolloutState::Completed);
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
            tasks: &none,
            workload: progress(0, 0, 0),
            refused_pods: Some("violates PodSecurity"),
            before: &[],
            now: &now,
        };
        let told = "(service web) was unable to place a task. Reason: violates PodSecurity";
        assert_eq!(events(&facts, &deployments(&facts), false), [told]);
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
}
