//! The status of a service whose deployment may fail: `service_status`, and beside it what the rollout says.

use crate::{
    api::service_status::{EcsServiceStatus, RolloutState, ServiceDeployment},
    decide::{
        conditions::{ACCEPTED, Finding, READY, RECONCILING, STALLED, is_true, reason},
        failure_count::FailureCount,
        rollout::{Course, DeploymentFailure, RollBack, RollBackState, Rollout},
        service_scheduler::Delays,
        service_status::{self, DeploymentFacts, ServiceFacts},
        start_throttle::Impairment,
    },
};

/// The rollout of a service. `ServiceFacts::template` is that of its course.
#[derive(Clone, Copy, Debug)]
pub struct RolloutStatus<'a> {
    /// Number of the newest deployment.
    pub newest: i64,
    /// Its state.
    pub rollout: &'a Rollout,
    /// Which deployment is to run.
    pub course: Course,
    /// The failures of that one.
    pub failures: &'a FailureCount,
    /// The deployment that has just ended, with its failures.
    pub ended: Option<&'a (i64, FailureCount)>,
    /// What its tasks and those of the deployment that runs are delayed by.
    pub delays: &'a [Delays],
    /// What is wrong with it when its tasks fail again and again.
    pub impairment: Option<Impairment>,
}

/// Whether the service has come to rest: steady with a deployment that has taken over.
#[must_use]
pub fn is_at_rest(facts: &ServiceFacts<'_>, status: RolloutStatus<'_>) -> bool {
    let has_taken_over = match status.rollout {
        Rollout::Completed => true,
        Rollout::InProgress { .. } => false,
        Rollout::Failed { roll_back, .. } => roll_back.is_some_and(|back| back.state == RollBackState::Successful),
    };
    let is_impaired = status.impairment == Some(Impairment::EndsQuickly);
    has_taken_over && !is_impaired && !status.course.is_stopped() && service_status::is_steady(facts)
}

/// Whether the last status is that of a service at rest, for [`events`].
#[must_use]
pub fn was_at_rest(before: &EcsServiceStatus) -> bool {
    let rolled_back = |condition: &&k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        condition.type_ == STALLED && condition.status == "True" && condition.reason == reason::ROLLED_BACK
    };
    is_true(&before.conditions, READY) || before.conditions.iter().any(|condition| rolled_back(&condition))
}

/// The deployments: PRIMARY is the one that is to run; older ones are listed while they have tasks, and one that failed
/// until an earlier one has taken over again.
#[must_use]
pub fn deployments(facts: &ServiceFacts<'_>, status: RolloutStatus<'_>) -> Vec<ServiceDeployment> {
    let mut newest_first: Vec<_> = facts.deployments.iter().collect();
    newest_first.sort_by_key(|deployment| std::cmp::Reverse(deployment.number));
    let stays = |deployment: &DeploymentFacts| deployment.number == status.newest && is_unresolved(status.rollout);
    // Between the end of its only task and the next one the delays are not forgotten.
    let is_delayed = |deployment: &DeploymentFacts| {
        let mut delays = status.delays.iter().filter(|delays| delays.deployment == deployment.number);
        delays.any(|delays| !delays.quick_ends.is_none())
    };
    newest_first
        .into_iter()
        .filter(|deployment| {
            service_status::is_listed(facts, deployment) || stays(deployment) || is_delayed(deployment)
        })
        .map(|deployment| with_rollout(facts, status, deployment))
        .collect()
}

/// Whether a deployment has failed and no earlier one has taken over.
fn is_unresolved(rollout: &Rollout) -> bool {
    let back = |state| matches!(rollout, Rollout::Failed { roll_back: Some(back), .. } if back.state == state);
    matches!(rollout, Rollout::Failed { .. }) && !back(RollBackState::Successful)
}

fn with_rollout(
    facts: &ServiceFacts<'_>,
    status: RolloutStatus<'_>,
    deployment: &DeploymentFacts,
) -> ServiceDeployment {
    let mut shown = service_status::service_deployment(facts, deployment);
    if let Some((state, reason)) = state_of(status, deployment) {
        let before = facts.before.iter().find(|before| before.id == deployment.id);
        let since = before.filter(|before| before.rollout_state == state).map(|before| &before.updated_at);
        shown.updated_at = since.unwrap_or(facts.now).clone();
        (shown.rollout_state, shown.rollout_state_reason) = (state, reason);
    }
    for delays in status.delays.iter().filter(|delays| delays.deployment == deployment.number) {
        delays.failed_starts.show(&mut shown);
        delays.quick_ends.show(&mut shown);
    }
    if deployment.number == status.course.primary() {
        status.failures.show(&mut shown);
    } else if let Some((_, failures)) = status.ended.filter(|(number, _)| *number == deployment.number) {
        // With the tasks: when its end cannot be kept on the snapshot, the next look counts none of them again.
        failures.show(&mut shown);
    }
    shown
}

/// What the rollout says of a deployment; `None` for those that it does not speak of.
fn state_of(status: RolloutStatus<'_>, deployment: &DeploymentFacts) -> Option<(RolloutState, String)> {
    let id = &deployment.id;
    let completed = || (RolloutState::Completed, service_status::completed_reason(id));
    match status.rollout {
        Rollout::InProgress { .. } if deployment.number == status.newest => {
            Some((RolloutState::InProgress, service_status::in_progress_reason(id)))
        }
        Rollout::Completed if deployment.number == status.newest => Some(completed()),
        Rollout::Failed { failure, .. } if deployment.number == status.newest => {
            Some((RolloutState::Failed, failed_reason(*failure)))
        }
        Rollout::Failed { failure, roll_back: Some(RollBack { to, state }), .. } if deployment.number == *to => {
            Some(match state {
                RollBackState::InProgress => (RolloutState::InProgress, rolling_back_reason(*failure, id)),
                RollBackState::Successful => completed(),
                RollBackState::Failed => (RolloutState::Failed, failed_reason(DeploymentFailure::TasksFailedToStart)),
            })
        }
        _ => None,
    }
}

/// What a service tells, each the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What comes before the events of its tasks: why they are started and stopped.
    pub causes: Vec<String>,
    /// What comes after them: what was reached with them.
    pub outcomes: Vec<String>,
}

/// The service events that the step from the last status to this one gives. `was_at_rest` is that of the
/// last status.
#[must_use]
pub fn events(
    facts: &ServiceFacts<'_>,
    status: RolloutStatus<'_>,
    deployments: &[ServiceDeployment],
    was_at_rest: bool,
) -> Told {
    let service = facts.name;
    let (mut causes, mut outcomes) = (Vec::new(), Vec::new());
    for id in service_status::just_reached(facts, deployments, RolloutState::Failed) {
        let is_newest = id_of(facts, status.newest) == Some(id);
        // One whose roll-back is over was told, and is listed again only because a task of it is not gone.
        if is_newest && matches!(status.rollout, Rollout::Failed { .. }) && !is_unresolved(status.rollout) {
            continue;
        }
        causes.push(failed_message(service, id, if is_newest { failure(status) } else { TASKS_FAILED }));
        let back = is_newest.then(|| roll_back_id(facts, status)).flatten();
        causes.extend(back.map(|back| format!("(service {service}) rolling back to deployment {back}.")));
    }
    for id in service_status::just_reached(facts, deployments, RolloutState::Completed) {
        outcomes.push(format!("(service {service}) (deployment {id}) deployment completed."));
    }
    if is_at_rest(facts, status) && !was_at_rest {
        outcomes.push(service_status::steady_message(service));
    }
    if !status.course.is_stopped() {
        causes.extend(service_status::hindrances(facts));
    }
    Told { causes, outcomes }
}

/// The conditions of an accepted service.
#[must_use]
pub fn findings(facts: &ServiceFacts<'_>, status: RolloutStatus<'_>) -> Vec<Finding> {
    let failed = id_of(facts, status.course.primary()).unwrap_or_default();
    let newest = id_of(facts, status.newest).unwrap_or_default();
    let back = roll_back_id(facts, status).unwrap_or_default();
    match (status.rollout, status.course) {
        (_, Course::Stopped { .. }) => {
            let is_newest = status.course.primary() == status.newest;
            let cause = if is_newest { failure(status) } else { TASKS_FAILED };
            let message = format!(
                "{}{} No further task of it is started, also when the service is scaled out. Kubernetes replaces one that ends.",
                failed_message(facts.name, failed, cause),
                if is_newest { last_failure(status) } else { String::new() }
            );
            service_status::stalled(true, reason::DEPLOYMENT_FAILED, &message)
        }
        (Rollout::Failed { roll_back: Some(RollBack { state: RollBackState::Successful, .. }), .. }, _) => {
            let failed = failed_message(facts.name, newest, failure(status));
            let message = format!("{failed}{} Deployment {back} runs again.", last_failure(status));
            service_status::stalled(true, reason::ROLLED_BACK, &message)
        }
        _ => going_on(facts, status),
    }
}

/// The conditions of a service whose deployment goes on, or has taken over.
fn going_on(facts: &ServiceFacts<'_>, status: RolloutStatus<'_>) -> Vec<Finding> {
    if let Some(impairment) = impairment(facts, status) {
        let (reason, message) = impairment.told(facts.name);
        return service_status::stalled(true, reason, &message);
    }
    match status.rollout {
        Rollout::Failed { failure, .. } if !facts.is_blocked => {
            let back = roll_back_id(facts, status).unwrap_or_default();
            under_way(reason::ROLLING_BACK, &rolling_back_reason(*failure, back))
        }
        Rollout::InProgress { .. } if service_status::is_steady(facts) => {
            let newest = id_of(facts, status.newest).unwrap_or_default();
            let message = format!("Deployment {newest} is steady, and completed when its bake time has passed.");
            with_failures(under_way(reason::DEPLOYMENT_IN_PROGRESS, &message), status.failures.failed_tasks())
        }
        _ => with_failures(service_status::findings(facts), status.failures.failed_tasks()),
    }
}

/// Whoever waits for a deployment wants to know that tasks of it have failed: they are replaced, and gone.
fn with_failures(mut findings: Vec<Finding>, failed: u32) -> Vec<Finding> {
    if failed == 0 {
        return findings;
    }
    for finding in findings.iter_mut().filter(|finding| finding.reason == reason::DEPLOYMENT_IN_PROGRESS) {
        finding.message = format!("{} Tasks of it that have failed: {failed}.", finding.message);
    }
    findings
}

/// What is wrong with its tasks, when they fail again and again and nothing else keeps it from starting or stopping them. Tasks that are
/// steady have started; whether they stay shows later.
fn impairment(facts: &ServiceFacts<'_>, status: RolloutStatus<'_>) -> Option<Impairment> {
    let holds = |impairment: &Impairment| match impairment {
        Impairment::StartsFail => !service_status::is_steady(facts),
        Impairment::EndsQuickly => true,
    };
    status.impairment.filter(holds).filter(|_| service_status::hindrances(facts).is_empty())
}

fn under_way(reason: &'static str, message: &str) -> Vec<Finding> {
    vec![
        Finding::holds(ACCEPTED, self::reason::ACCEPTED, "The service keeps the rules and what it names exists."),
        Finding::fails(READY, reason, message),
        Finding::holds(RECONCILING, reason, message),
        Finding::fails(STALLED, reason, message),
    ]
}

fn id_of<'a>(facts: &'a ServiceFacts<'_>, number: i64) -> Option<&'a str> {
    facts.deployments.iter().find(|deployment| deployment.number == number).map(|deployment| deployment.id.as_str())
}

fn roll_back_id<'a>(facts: &'a ServiceFacts<'_>, status: RolloutStatus<'_>) -> Option<&'a str> {
    match status.rollout {
        Rollout::Failed { roll_back: Some(back), .. } => id_of(facts, back.to),
        _ => None,
    }
}

const TASKS_FAILED: DeploymentFailure = DeploymentFailure::TasksFailedToStart;

fn failure(status: RolloutStatus<'_>) -> DeploymentFailure {
    match status.rollout {
        Rollout::Failed { failure, .. } => *failure,
        _ => TASKS_FAILED,
    }
}

/// Why the last task failed of the deployment that has failed: its tasks may be gone when somebody asks.
fn last_failure(status: RolloutStatus<'_>) -> String {
    match status.rollout {
        Rollout::Failed { cause: Some(cause), .. } => format!(" The last one: {}.", cause.trim_end_matches('.')),
        _ => String::new(),
    }
}

fn failed_message(service: &str, deployment: &str, failure: DeploymentFailure) -> String {
    let cause = match failure {
        DeploymentFailure::TasksFailedToStart => "tasks failed to start",
        DeploymentFailure::StoppedByUser => "stopped by user",
    };
    format!("(service {service}) (deployment {deployment}) deployment failed: {cause}.")
}

fn failed_reason(failure: DeploymentFailure) -> String {
    match failure {
        DeploymentFailure::TasksFailedToStart => "ECS deployment circuit breaker: tasks failed to start.".into(),
        DeploymentFailure::StoppedByUser => "ECS deployment stopped by user.".into(),
    }
}

fn rolling_back_reason(failure: DeploymentFailure, to: &str) -> String {
    let by = match failure {
        DeploymentFailure::TasksFailedToStart => "circuit breaker",
        DeploymentFailure::StoppedByUser => "stopped by user",
    };
    format!("ECS deployment {by}: rolling back to deploymentId {to}.")
}

#[cfg(test)]
mod tests;
