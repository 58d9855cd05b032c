//! Fifth step: the status, and the events that the step from the last one gives.

use k8s_openapi::api::apps::v1::DeploymentCondition;
use kube::ResourceExt;

use crate::{
    api::service_status::{EcsServiceStatus, ServiceState},
    controllers::context::Context,
    decide::{
        conditions::{self, ACCEPTED, Finding, READY, RECONCILING, STALLED, is_true, reason},
        deployment::Template,
        service_status::{self, DeploymentFacts, ServiceFacts, WorkloadProgress},
        task::count,
    },
    ecs::field_outcomes,
    kube_io::{error::Error, events::Severity, status},
    translate::labels,
};

use super::{
    apply::Workload,
    observe::Observed,
    plan::Plan,
    validate::{Accepted, Refusal},
};

/// A service that is not accepted. What runs of it goes on and is counted.
pub(super) async fn refused(observed: &Observed, refusal: &Refusal, context: &Context) -> Result<(), Error> {
    let findings = service_status::stalled(false, refusal.reason, &refusal.message);
    let new = with_counts(observed, &findings, context);
    write(observed, &new, &[], context).await
}

/// A deleted service that still has tasks.
pub(super) async fn draining(observed: &Observed, failed: Option<&Error>, context: &Context) -> Result<(), Error> {
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
    write(observed, &new, &[], context).await
}

/// A service whose plan has been carried out, or not.
pub(super) async fn applied(
    observed: &Observed,
    accepted: &Accepted,
    plan: &Plan,
    result: &Result<Workload, Error>,
    context: &Context,
) -> Result<(), Error> {
    let now = context.now();
    let deployments = deployment_facts(observed, plan, context);
    let facts = ServiceFacts {
        name: &accepted.service.name,
        desired_count: i32::try_from(plan.desired_count).unwrap_or(i32::MAX),
        deployments: &deployments,
        template: plan.template,
        tasks: &observed.tasks,
        workload: progress(observed, plan, result),
        refused_pods: refused_pods(observed),
        before: &observed.status.deployments,
        now: &now,
    };
    let findings = findings(&facts, plan, result);
    let mut new = with_counts(observed, &findings, context);
    new.service_arn = Some(context.arns.service(&accepted.cluster_name, &accepted.service.name));
    new.cluster_arn = Some(context.arns.cluster(&accepted.cluster_name));
    let (family, revision) = (&accepted.trigger.family, accepted.trigger.revision);
    new.task_definition = Some(context.arns.task_definition(family, revision));
    new.task_definition_revision = Some(format!("{family}:{revision}"));
    new.desired_count = facts.desired_count;
    new.security_groups = accepted.groups.names().to_vec();
    new.deployments = service_status::deployments(&facts);
    let was_steady = is_true(&observed.status.conditions, READY);
    let messages = service_status::events(&facts, &new.deployments, was_steady);
    let (events, fresh) = service_status::append_events(&observed.status.events, messages, &now);
    new.events = events;
    write(observed, &new, &fresh, context).await
}

fn findings(facts: &ServiceFacts<'_>, plan: &Plan, result: &Result<Workload, Error>) -> Vec<Finding> {
    match (result, &plan.waiting_for) {
        (Err(error @ (Error::Foreign { .. } | Error::Hidden { .. })), _) => {
            service_status::stalled(true, reason::FOREIGN_OBJECT, &error.to_string())
        }
        (Err(error @ Error::Remnant { .. }), _) => service_status::waiting(&error.to_string()),
        (Err(error), _) if error.refusal().is_some() => {
            service_status::stalled(true, reason::REFUSED_BY_API_SERVER, &error.to_string())
        }
        (Err(_), _) => {
            service_status::waiting("The API server did not take everything that was written; it is tried again.")
        }
        (Ok(_), Some(message)) => service_status::waiting(message),
        (Ok(_), None) => service_status::findings(facts),
    }
}

fn progress(observed: &Observed, plan: &Plan, result: &Result<Workload, Error>) -> WorkloadProgress {
    let Some(deployment) = &observed.deployment else { return WorkloadProgress::default() };
    let status = deployment.status.clone().unwrap_or_default();
    let speaks_of_newest = status.observed_generation >= deployment.metadata.generation;
    let template = match plan.template {
        Template::Wanted(number) => number,
        Template::Held { running, .. } => running,
    };
    WorkloadProgress {
        // What was changed just now has not been seen by its controller.
        observed: speaks_of_newest
            && matches!(result, Ok(Workload::Unchanged))
            && observed.applied_snapshot() == Some(template),
        total: status.replicas.unwrap_or(0),
        updated: status.updated_replicas.unwrap_or(0),
        available: status.available_replicas.unwrap_or(0),
    }
}

/// Why the Deployment cannot make Pods, as its `ReplicaSet` was told.
fn refused_pods(observed: &Observed) -> Option<&str> {
    let status = observed.deployment.as_ref()?.status.as_ref()?;
    let failure = |condition: &&DeploymentCondition| condition.type_ == "ReplicaFailure" && condition.status == "True";
    let message = status.conditions.iter().flatten().find(failure)?.message.as_deref()?;
    // What stands before is the name of the Pod, another one at each attempt.
    Some(message.split_once(" is forbidden: ").map_or(message, |(_, cause)| cause))
}

fn deployment_facts(observed: &Observed, plan: &Plan, context: &Context) -> Vec<DeploymentFacts> {
    let stored = observed.snapshots.iter().map(|stored| (&stored.snapshot, stored.created_at.clone()));
    stored
        .chain(plan.new_snapshot.iter().map(|snapshot| (snapshot, None)))
        .map(|(snapshot, created_at)| DeploymentFacts {
            number: snapshot.number,
            id: snapshot.deployment_id(&observed.owner.uid),
            task_definition: context
                .arns
                .task_definition(&snapshot.content.trigger.family, snapshot.content.trigger.revision),
            created_at: created_at.unwrap_or_else(|| context.now()),
        })
        .collect()
}

/// The last status with new counts and conditions.
fn with_counts(observed: &Observed, findings: &[Finding], context: &Context) -> EcsServiceStatus {
    let counts = count(&observed.tasks);
    let generation = observed.service.metadata.generation;
    EcsServiceStatus {
        status: Some(ServiceState::Active),
        running_count: counts.running,
        pending_count: counts.pending,
        field_outcomes: field_outcomes::differences(&field_outcomes::of_service(&observed.service.spec)),
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
    if status::says_the_same(old, new) {
        return Ok(());
    }
    status::write(&context.api(&observed.namespace), service, new).await?;
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
            context.events.tell(service, Severity::Warning, reason, &message).await;
        }
    }
    Ok(())
}
