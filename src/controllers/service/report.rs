//! Fifth step: the status, and the events that the step from the last one gives.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::service_status::{EcsServiceStatus, ServiceState},
    controllers::{cluster::holder, context::Context, driver::Outcome, refusal::Refusal, service::name_of},
    decide::{
        conditions::{self, ACCEPTED, Finding, READY, RECONCILING, STALLED, is_true, reason},
        rollout_status::{self, RolloutStatus, Told},
        service_status::{self, ServiceFacts},
        task::count,
        task_events::{self, TaskChange, Traffic},
    },
    ecs::{
        field_outcomes::{self, ServiceCircumstances},
        subnet,
        task_definition_reference::TaskDefinitionReference,
    },
    kube_io::{error::Error, events::Severity, status, workload::Workload},
    translate::{labels, names},
};

use super::{
    apply::Progress,
    observe::Observed,
    plan::{Obstacle, Plan},
    validate::Accepted,
};

/// A service of which nothing is known that was accepted. What runs of it goes on and is counted.
pub(super) async fn refused(observed: &Observed, refusal: &Refusal, context: &Context) -> Result<Outcome, Error> {
    let findings = service_status::stalled(false, refusal.reason, &refusal.message);
    let new = with_counts(observed, &findings, context);
    tell(observed, new, (Told::default(), untold(observed, context)), context).await
}

/// A deleted service that still has tasks.
pub(super) async fn draining(observed: &Observed, failed: Option<&Error>, context: &Context) -> Result<Outcome, Error> {
    let counts = count(&observed.tasks);
    let cause = failed.map(|error| format!(" They are not stopped yet: {error}.")).unwrap_or_default();
    let message = format!("The service is being deleted: {} tasks are still there.{cause}", observed.tasks.len());
    let findings = [
        Finding::fails(READY, reason::DELETION_WAITS, message.clone()),
        Finding::holds(RECONCILING, reason::DELETION_WAITS, message.clone()),
        Finding::fails(STALLED, reason::DELETION_WAITS, message),
    ];
    let mut new = with_counts(observed, &findings, context);
    new.status = Some(ServiceState::Draining);
    new.desired_count = 0;
    for deployment in &mut new.deployments {
        (deployment.running_count, deployment.pending_count) = (counts.running, counts.pending);
    }
    tell(observed, new, (Told::default(), untold(observed, context)), context).await
}

/// What the status is made of, as long as the workload is not changed.
fn service_facts<'a>(
    observed: &'a Observed,
    accepted: &'a Accepted,
    plan: &'a Plan,
    now: &'a Time,
) -> ServiceFacts<'a> {
    ServiceFacts {
        name: &accepted.service.name,
        desired_count: i32::try_from(plan.desired_count).unwrap_or(i32::MAX),
        deployments: &plan.deployments,
        template: plan.decision.template,
        is_blocked: plan.decision.is_blocked,
        tasks: &observed.tasks,
        workload: observed.workload_state().progress(plan.decision.template),
        refused_pods: observed.own_workload().and_then(Workload::refused_pods),
        before: &observed.status.deployments,
        now,
    }
}

/// What came of a plan.
#[derive(Clone, Copy)]
pub(super) struct Results<'a> {
    pub(super) applied: &'a Result<Progress, Error>,
    /// Of the names under which tasks are found.
    pub(super) others: &'a Result<(), Error>,
}

impl Results<'_> {
    /// What went wrong, if anything.
    fn error(&self) -> Option<&Error> {
        self.applied.as_ref().err().or(self.others.as_ref().err())
    }
}

/// A service whose plan has been carried out, or not. One that is refused goes on as it was accepted last.
pub(super) async fn applied(
    observed: &Observed,
    accepted: &Accepted,
    plan: &Plan,
    (results, refusal): (Results<'_>, Option<&Refusal>),
    context: &Context,
) -> Result<Outcome, Error> {
    let now = context.now();
    let mut facts = service_facts(observed, accepted, plan, &now);
    // What was changed just now has not been seen by its controller.
    facts.workload.observed &= matches!(results.applied, Ok(Progress::Unchanged));
    let rollout = RolloutStatus {
        newest: plan.newest,
        rollout: &plan.decision.rollout,
        course: plan.decision.course,
        failures: &plan.decision.failures,
        ended: plan.decision.ended.as_ref(),
        delays: &plan.decision.delays,
        impairment: plan.decision.impairment,
    };
    let findings = match refusal {
        Some(refusal) => {
            let failed =
                results.error().map(|error| format!(" What was accepted last is not carried out either: {error}"));
            service_status::stalled(
                false,
                refusal.reason,
                &format!("{}{}", refusal.message, failed.unwrap_or_default()),
            )
        }
        None => findings(&facts, rollout, plan, results.error()),
    };
    let mut new = with_counts(observed, &findings, context);
    new.service_arn = Some(context.arns.service(&accepted.cluster_name, &accepted.service.name));
    new.cluster_arn = Some(context.arns.cluster(&accepted.cluster_name));
    let primary = plan.deployments.iter().find(|deployment| deployment.number == plan.decision.course.primary());
    if let Some(primary) = primary {
        new.task_definition = Some(primary.task_definition.clone());
        let revision = TaskDefinitionReference::parse(&primary.task_definition).ok();
        new.task_definition_revision = revision.map(|revision| revision.to_string());
    }
    // What is not known now was true when it was.
    if observed.is_at_rest() || plan.new_snapshot.is_some() {
        new.deployment_due.clone_from(&plan.due);
    }
    new.desired_count = facts.desired_count;
    new.security_groups = accepted.groups.names().to_vec();
    new.deployments = rollout_status::deployments(&facts, rollout);
    // One that is refused is not at rest, and comes to none by that.
    // What is told of its tasks after it has come to rest is followed by that once more: it waits for the last of it.
    let awaits_news = observed.awaits_records && rollout_status::is_at_rest(&facts, rollout);
    let changes = if awaits_news { Vec::new() } else { untold(observed, context) };
    let was_at_rest =
        awaits_news || refusal.is_some() || (rollout_status::was_at_rest(&observed.status) && changes.is_empty());
    let mut told = rollout_status::events(&facts, rollout, &new.deployments, was_at_rest);
    told.causes.splice(..0, plan.decision.messages.iter().cloned());
    tell(observed, new, (told, changes), context).await
}

/// What was done with its tasks and is not told yet.
fn untold(observed: &Observed, context: &Context) -> Vec<TaskChange> {
    context.task_changes.untold(&observed.namespace, &names::workload(&observed.name))
}

/// Writes a status with the events that there are to tell: why, what was done with its tasks, what came of it. Where nothing but
/// counts has changed it may have to be looked at again.
async fn tell(
    observed: &Observed,
    mut new: EcsServiceStatus,
    (Told { causes, outcomes }, changes): (Told, Vec<TaskChange>),
    context: &Context,
) -> Result<Outcome, Error> {
    let service = name_of(&observed.service);
    let traffic = |number| Traffic { drains: observed.drains(number), targets: observed.targets(number) };
    let of_tasks = task_events::messages(&service, &changes, traffic);
    let now = context.now();
    let (uid, told) = (&observed.owner.uid, &context.told_events);
    let is_news = |message: &&String| !told.contains(uid, message, &now);
    // Nobody says again what was decided in this look.
    let may_wait = !causes.iter().chain(&outcomes).any(|message| is_news(&message));
    let messages = told.news(uid, &[causes, of_tasks, outcomes].concat(), &now);
    let (events, fresh) = service_status::append_events(&observed.status.events, messages, &now);
    new.events = events;
    if !status::says_the_same(&observed.status, &new) {
        let left = context.time_for_status(&*observed.service, &observed.status, &new);
        if may_wait && !left.is_zero() {
            return Ok(Outcome::Wait(left));
        }
        write(observed, &new, &fresh, context).await?;
        told.note(uid, &fresh, &now);
    }
    context.task_changes.forget(&observed.namespace, &names::workload(&observed.name), &changes);
    Ok(Outcome::Done)
}

fn findings(facts: &ServiceFacts<'_>, rollout: RolloutStatus<'_>, plan: &Plan, error: Option<&Error>) -> Vec<Finding> {
    match (error, &plan.obstacle) {
        (Some(error @ (Error::Foreign { .. } | Error::Hidden { .. })), _) => {
            service_status::stalled(true, reason::FOREIGN_OBJECT, &error.to_string())
        }
        (Some(error @ Error::Remnant { .. }), _) => service_status::waiting(&error.to_string()),
        (Some(error), _) if error.refusal().is_some() => {
            service_status::stalled(true, reason::REFUSED_BY_API_SERVER, &error.to_string())
        }
        (Some(_), _) => {
            service_status::waiting("The API server did not take everything that was written; it is tried again.")
        }
        (None, Some(Obstacle::Unready(message))) => service_status::waiting(message),
        (None, Some(Obstacle::Denied(message))) => {
            service_status::stalled(true, reason::RESOURCE_INITIALIZATION_ERROR, message)
        }
        (None, None) => {
            let mut findings = rollout_status::findings(facts, rollout);
            // Whoever waits for the service wants to know what it waits for.
            if let Some(hindrance) = &plan.decision.hindrance {
                for finding in findings.iter_mut().filter(|finding| is_about_progress(finding)) {
                    finding.message = format!("{} {hindrance}", finding.message);
                }
            }
            findings
        }
    }
}

/// Whether it may say which task is the cause. What stalls a service is told as an Event when it changes, and stays the same.
fn is_about_progress(finding: &Finding) -> bool {
    let is_of_impairment = [reason::TASKS_FAIL_TO_START, reason::TASKS_END_QUICKLY].contains(&finding.reason);
    let is_under_way = [reason::DEPLOYMENT_IN_PROGRESS, reason::ROLLING_BACK].contains(&finding.reason);
    is_under_way || (is_of_impairment && finding.type_ != STALLED)
}

/// The last status with new counts and conditions.
fn with_counts(observed: &Observed, findings: &[Finding], context: &Context) -> EcsServiceStatus {
    let counts = count(&observed.tasks);
    let holder = holder(&observed.namespace, &observed.clusters, None);
    let has_subnets = holder.is_ok_and(|cluster| subnet::are_declared(&cluster.spec));
    let unasked = observed.unasked_target_groups();
    let circumstances = ServiceCircumstances { cluster_has_subnets: has_subnets, unasked_target_groups: &unasked };
    let outcomes = field_outcomes::of_service(&observed.service.spec, circumstances);
    let generation = observed.service.metadata.generation;
    EcsServiceStatus {
        status: Some(ServiceState::Active),
        running_count: counts.running,
        pending_count: counts.pending,
        field_outcomes: field_outcomes::differences(&outcomes),
        selector: Some(labels::query(&labels::service_selector(&observed.name))),
        observed_generation: generation,
        conditions: conditions::merge(&observed.status.conditions, findings, generation, &context.now()),
        ..observed.status.clone()
    }
}

async fn write(
    observed: &Observed,
    new: &EcsServiceStatus,
    messages: &[String],
    context: &Context,
) -> Result<(), Error> {
    let (service, old) = (&*observed.service, &observed.status);
    context.write_status(&context.api(&observed.namespace), service, new).await?;
    for message in messages {
        tracing::info!(service = %service.name_any(), %message, "service event");
        context.events.tell(service, Severity::Normal, "ServiceEvent", message).await;
    }
    context.tell_newly_ignored(service, &old.field_outcomes, &new.field_outcomes).await;
    let condition = |of: &EcsServiceStatus, type_: &str| {
        of.conditions
            .iter()
            .find(|condition| condition.type_ == type_)
            .map(|found| (found.status.clone(), found.message.clone()))
    };
    // What stalls a service is told once, when it begins or changes.
    for (type_, bad) in [(ACCEPTED, "False"), (STALLED, "True")] {
        let now = condition(new, type_);
        if let Some((status, message)) = now.clone().filter(|(status, _)| status == bad)
            && now != condition(old, type_)
            && (type_ == ACCEPTED || is_true(&new.conditions, ACCEPTED))
        {
            let reason = new.conditions.iter().find(|found| found.type_ == type_ && found.status == status);
            let reason = reason.map_or(reason::INVALID, |found| found.reason.as_str());
            let (uid, words) = (&observed.owner.uid, format!("{reason}: {message}"));
            if !context.told_events.contains(uid, &words, &context.now()) {
                context.events.tell(service, Severity::Warning, reason, &message).await;
                context.told_events.note(uid, &[words], &context.now());
            }
        }
    }
    Ok(())
}
