//! The status of a service: its deployments, conditions and events, out of what was observed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::service_status::{
    DeploymentStatus, RolloutState, ServiceConnectServiceResource, ServiceDeployment, ServiceEvent,
};

use super::{
    conditions::{ACCEPTED, Finding, READY, RECONCILING, STALLED, reason},
    deployment::Template,
    task::{ObservedTask, count},
    told_messages::counts_tasks,
    workload::{self, WorkloadProgress},
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
    /// The names under which its tasks are reached in Service Connect.
    pub discovery_names: Vec<String>,
    /// When it was created.
    pub created_at: Time,
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
    /// Whether the percentages keep a deployment from going on.
    pub is_blocked: bool,
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
    workload::is_steady(facts.desired_count, facts.template, facts.tasks, facts.workload)
}

/// Whether a deployment is PRIMARY, runs in its place or has tasks.
pub(super) fn is_listed(facts: &ServiceFacts<'_>, deployment: &DeploymentFacts) -> bool {
    let has_tasks = || facts.tasks.iter().any(|task| task.deployment == deployment.number && task.counts());
    [facts.template.newest(), facts.template.running()].contains(&deployment.number) || has_tasks()
}

/// One deployment. It is completed once the service is steady with it, and stays so, also while the service is scaled.
pub(super) fn service_deployment(facts: &ServiceFacts<'_>, deployment: &DeploymentFacts) -> ServiceDeployment {
    let primary = deployment.number == facts.template.newest();
    let counts = count(facts.tasks.iter().filter(|task| task.deployment == deployment.number));
    let before = facts.before.iter().find(|before| before.id == deployment.id);
    let state_before = before.map(|before| before.rollout_state);
    let rollout_state = match state_before {
        Some(ended @ (RolloutState::Completed | RolloutState::Failed)) => ended,
        _ if primary && is_steady(facts) => RolloutState::Completed,
        _ => RolloutState::InProgress,
    };
    let same = before.filter(|before| before.rollout_state == rollout_state);
    ServiceDeployment {
        id: deployment.id.clone(),
        status: if primary { DeploymentStatus::Primary } else { DeploymentStatus::Active },
        task_definition: deployment.task_definition.clone(),
        desired_count: if primary { facts.desired_count } else { 0 },
        running_count: counts.running,
        pending_count: counts.pending,
        failed_tasks: before.map_or(0, |before| before.failed_tasks),
        failing_tasks: Vec::new(),
        last_healthy_at: None,
        failed_starts: before.map_or(0, |before| before.failed_starts),
        failed_starts_up_to: before.and_then(|before| before.failed_starts_up_to.clone()),
        next_start_at: before.and_then(|before| before.next_start_at.clone()),
        quick_ends: before.map_or(0, |before| before.quick_ends),
        quick_ends_up_to: before.and_then(|before| before.quick_ends_up_to.clone()),
        service_connect_resources: deployment.discovery_names.iter().cloned().map(resource).collect(),
        rollout_state,
        rollout_state_reason: match (same, rollout_state) {
            (Some(same), _) => same.rollout_state_reason.clone(),
            (None, RolloutState::Completed) => completed_reason(&deployment.id),
            (None, _) => in_progress_reason(&deployment.id),
        },
        created_at: deployment.created_at.clone(),
        updated_at: same.map_or_else(|| facts.now.clone(), |same| same.updated_at.clone()),
    }
}

fn resource(discovery_name: String) -> ServiceConnectServiceResource {
    ServiceConnectServiceResource { discovery_name }
}

pub(super) fn in_progress_reason(deployment: &str) -> String {
    format!("ECS deployment {deployment} in progress.")
}

pub(super) fn completed_reason(deployment: &str) -> String {
    format!("ECS deployment {deployment} completed.")
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
    if facts.is_blocked {
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
    let newest = facts.tasks.iter().filter(|task| task.counts() && task.deployment == facts.template.newest()).count();
    let message = format!(
        "{} of {} tasks are running, {} pending; {newest} of them belong to the newest deployment.",
        counts.running, facts.desired_count, counts.pending
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

/// Ids of the deployments that have reached a state since the last status.
pub(super) fn just_reached<'a>(
    facts: &'a ServiceFacts<'_>,
    deployments: &'a [ServiceDeployment],
    state: RolloutState,
) -> impl Iterator<Item = &'a str> {
    let was_there = move |deployment: &ServiceDeployment| {
        facts.before.iter().any(|before| before.id == deployment.id && before.rollout_state == state)
    };
    let reached =
        deployments.iter().filter(move |deployment| deployment.rollout_state == state && !was_there(deployment));
    reached.map(|deployment| deployment.id.as_str())
}

/// What keeps a service from starting or stopping tasks.
pub(super) fn hindrances(facts: &ServiceFacts<'_>) -> Vec<String> {
    let mut events = Vec::new();
    if facts.is_blocked {
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
/// when the service has been at rest since, or where it counts tasks. Returns the events and those that are new.
#[must_use]
pub fn append_events(before: &[ServiceEvent], messages: Vec<String>, now: &Time) -> (Vec<ServiceEvent>, Vec<String>) {
    let mut all = before.to_vec();
    let mut fresh = Vec::new();
    for message in messages {
        let repeated =
            since_last_rest(&all).any(|told| told.message == message && !is_repeatable(&told.created_at, now));
        if !repeated || counts_tasks(&message) {
            all.insert(0, ServiceEvent { created_at: now.clone(), message: message.clone() });
            fresh.push(message);
        }
    }
    all.truncate(MOST_EVENTS);
    (all, fresh)
}

/// Whether what was told then may be told again.
pub(super) fn is_repeatable(told: &Time, now: &Time) -> bool {
    now.0.as_second() - told.0.as_second() >= REPEAT_SECONDS
}

/// Whether a message tells that the service has come to rest.
pub(super) fn says_at_rest(message: &str) -> bool {
    message.ends_with(AT_REST)
}

/// The events since the service was at rest; when nothing was told since, that it is.
fn since_last_rest(events: &[ServiceEvent]) -> impl Iterator<Item = &ServiceEvent> {
    let rest = events.iter().position(|event| says_at_rest(&event.message));
    events.iter().take(rest.map_or(events.len(), |rest| rest.max(1)))
}

const AT_REST: &str = " has reached a steady state.";

pub(super) fn steady_message(service: &str) -> String {
    format!("(service {service}){AT_REST}")
}

fn unable_to_place_message(service: &str, cause: &str) -> String {
    format!("(service {service}) was unable to place a task. Reason: {cause}")
}

/// What ECS says of a task that lacks something before it starts.
#[must_use]
pub fn unable_to_start_message(service: &str, cause: &str) -> String {
    format!("(service {service}) was unable to start a task. Reason: {cause}")
}

/// What ECS says of a task that no node is found for.
#[must_use]
pub fn unplaceable_message(service: &str, cause: &str) -> String {
    format!(
        "(service {service}) was unable to place a task because no container instance met all of its requirements. Reason: {cause}"
    )
}

/// That a task is not ready because of a container that it could do without on ECS, which has no words for it.
#[must_use]
pub fn incomplete_message(service: &str, exit: &str) -> String {
    format!(
        "(service {service}) has a task that is not ready until Kubernetes has started a non-essential container again. Reason: {exit}"
    )
}

fn blocked_message(service: &str) -> String {
    format!(
        "(service {service}) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
    )
}

#[cfg(test)]
mod tests;
