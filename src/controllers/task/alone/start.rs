//! Starts a task: what it needs first, then its Pod, once.

use std::time::Duration;

use k8s_openapi::api::{core::v1::Pod as CorePod, networking::v1::NetworkPolicy};
use kube::{Api, ResourceExt, api::PostParams};

use crate::{
    api::{
        register_task_definition::NetworkMode,
        security_group::EcsSecurityGroup,
        task::{DesiredStatus, EcsTask},
        task_status::{EcsTaskStatus, HealthStatus, LastStatus},
    },
    controllers::{
        context::Context,
        driver::Outcome,
        refusal::Refusal,
        revision_lookup::{Places, waits_for_registration},
        role::Roles,
        secret_access::{self, ASK_AGAIN},
        security_group::first_unready,
        task::identity,
    },
    decide::{
        conditions::{self, ACCEPTED, Finding, STALLED, is_true, reason},
        container_error::in_row,
        elapsed::left,
        task_news::USUAL,
        task_status::{self, Identity},
    },
    ecs::{field_outcomes, network_configuration::Groups, subnet},
    kube_io::{
        apply::{Force, apply, create_if_absent},
        error::{Error, api_status},
        events::Severity,
    },
    translate::{
        names::service_account,
        network_policy,
        owner::{Owner, Ownership},
        secret_needs::SecretNeeds,
        security_group,
        task_pod::{TaskPod, owned_task_pod},
    },
};

use super::{
    validate::{self, Accepted, Around},
    wish, write,
};

pub(super) async fn start(task: &EcsTask, before: &EcsTaskStatus, context: &Context) -> Result<Outcome, Error> {
    let namespace = task.namespace().unwrap_or_default();
    let created_at = task.metadata.creation_timestamp.as_ref();
    if before.task_definition_revision.is_none()
        && let Some(left) = waits_for_registration(&task.spec.task_definition, &namespace, created_at, context)
    {
        return Ok(Outcome::Wait(left));
    }
    let around = Around {
        clusters: context.clusters_of(&namespace),
        places: Places::of(&namespace, context),
        security_groups: context.caches.security_groups.in_namespace(&namespace),
        roles: Roles::of(&namespace, context),
        namespace,
    };
    let accepted = match validate::validate(task, before, &around) {
        Ok(accepted) => accepted,
        Err(refusal) => return refuse(task, before, &refusal, context).await,
    };
    let identity = identity_of(task, &accepted, context);
    let wish = wish(task);
    let wishes_to_stop = wish.is_some();
    let after = match wish {
        Some(stop) => task_status::identified(&task_status::lost(before, Some(stop), &context.now()), &identity),
        None => provisioning(before, &identity),
    };
    // What a family means now is written down before the Pod is made: it stays, whatever is registered later.
    let is_new = before.task_definition_revision != after.task_definition_revision;
    if is_new || wishes_to_stop || !is_true(&before.conditions, ACCEPTED) {
        let outcomes =
            field_outcomes::of_task(&task.spec, &around.namespace, subnet::are_declared(&accepted.cluster.spec));
        let after = EcsTaskStatus { field_outcomes: field_outcomes::differences(&outcomes), ..after };
        let after = with_findings(task, before, after, &[self::accepted(), not_stalled()], context);
        write(task, before, &after, context).await?;
        context.tell_newly_ignored(task, &before.field_outcomes, &after.field_outcomes).await;
        return Ok(Outcome::Done);
    }
    prepare(task, &accepted, &around, context).await?;
    if let Some(lack) = lack(&accepted, &around) {
        return wait_for(task, before, &lack, context).await;
    }
    let needs = SecretNeeds::of(&accepted.task_definition, &accepted.roles);
    if let Some(denied) = secret_access::refusal(&needs, &around.namespace, context).await {
        let reason = reason::RESOURCE_INITIALIZATION_ERROR;
        let stalled = Finding::holds(STALLED, reason, denied.clone());
        warn(task, before, &[self::accepted(), stalled], reason, &denied, context).await?;
        return Ok(Outcome::Wait(ASK_AGAIN));
    }
    let made = make_pod(task, &accepted, &around.namespace, context).await;
    if let Err(error) = &made {
        tell_refusal(task, before, error, context).await?;
    }
    made.map(|()| Outcome::Done)
}

/// What a task waits for is told when it takes longer than usual.
async fn wait_for(task: &EcsTask, before: &EcsTaskStatus, lack: &str, context: &Context) -> Result<Outcome, Error> {
    let made_at = task.metadata.creation_timestamp.as_ref();
    let left = made_at.map_or(Duration::ZERO, |made_at| left(made_at, USUAL, &context.now()));
    if !left.is_zero() {
        return Ok(Outcome::Wait(left));
    }
    write(task, before, &EcsTaskStatus { reason: Some(in_row(lack)), ..before.clone() }, context).await?;
    Ok(Outcome::Done)
}

fn identity_of(task: &EcsTask, accepted: &Accepted, context: &Context) -> Identity {
    identity::of_task(task, &accepted.cluster.name, &accepted.task_definition.family, accepted.revision, context)
}

fn provisioning(before: &EcsTaskStatus, identity: &Identity) -> EcsTaskStatus {
    EcsTaskStatus {
        last_status: Some(LastStatus::Provisioning),
        desired_status: Some(DesiredStatus::Running),
        health_status: Some(HealthStatus::Unknown),
        reason: None,
        ..task_status::identified(before, identity)
    }
}

/// Kubernetes does not take the Pod: its user has to do something about it.
async fn tell_refusal(task: &EcsTask, before: &EcsTaskStatus, error: &Error, context: &Context) -> Result<(), Error> {
    let reason = match error {
        Error::Foreign { .. } => reason::FOREIGN_OBJECT,
        error if error.refusal().is_some() => reason::UNABLE_TO_PLACE_TASK,
        _ => return Ok(()),
    };
    let message = error.to_string();
    let stalled = Finding::holds(STALLED, reason, message.clone());
    warn(task, before, &[accepted(), stalled], reason, &message, context).await
}

/// Writes down what was found of a task that does not start, and tells of it when that is new.
async fn warn(
    task: &EcsTask,
    before: &EcsTaskStatus,
    findings: &[Finding],
    reason: &str,
    message: &str,
    context: &Context,
) -> Result<(), Error> {
    let told = EcsTaskStatus { reason: Some(in_row(message)), ..before.clone() };
    let after = with_findings(task, before, told, findings, context);
    let is_news = before.conditions != after.conditions;
    write(task, before, &after, context).await?;
    if is_news {
        context.events.tell(task, Severity::Warning, reason, message).await;
    }
    Ok(())
}

pub(super) fn accepted() -> Finding {
    Finding::holds(ACCEPTED, reason::ACCEPTED, "The task keeps the rules and what it names exists.")
}

pub(super) fn not_stalled() -> Finding {
    Finding::fails(STALLED, reason::ACCEPTED, "")
}

pub(super) fn with_findings(
    task: &EcsTask,
    before: &EcsTaskStatus,
    after: EcsTaskStatus,
    findings: &[Finding],
    context: &Context,
) -> EcsTaskStatus {
    let generation = task.metadata.generation;
    let conditions = conditions::merge(&before.conditions, findings, generation, &context.now());
    EcsTaskStatus { observed_generation: generation, conditions, ..after }
}

/// A task that may not run has no id, and only says why. It starts when what it lacks is there, unless its user stops it before.
async fn refuse(
    task: &EcsTask,
    before: &EcsTaskStatus,
    refusal: &Refusal,
    context: &Context,
) -> Result<Outcome, Error> {
    if let Some(left) = refusal.may_pass_in(task.metadata.creation_timestamp.as_ref(), &context.now()) {
        return Ok(Outcome::Wait(left));
    }
    let not_accepted = Finding::fails(ACCEPTED, refusal.reason, refusal.message.clone());
    if let Some(stop) = wish(task) {
        let stopped = task_status::lost(before, Some(stop), &context.now());
        let after = with_findings(task, before, stopped, &[not_accepted, not_stalled()], context);
        write(task, before, &after, context).await?;
        return Ok(Outcome::Done);
    }
    let findings = [not_accepted, Finding::holds(STALLED, refusal.reason, refusal.message.clone())];
    warn(task, before, &findings, refusal.reason, &refusal.message, context).await?;
    Ok(Outcome::Done)
}

/// Makes what has to be there before the first process runs: the policies of its groups.
async fn prepare(task: &EcsTask, accepted: &Accepted, around: &Around, context: &Context) -> Result<(), Error> {
    let namespace = &around.namespace;
    let is_there = |name: &String| around.security_groups.iter().any(|group| group.name_any() == *name);
    if let Groups::Unnamed(name) = &accepted.groups
        && !is_there(name)
        && let Some(cluster) = context.cluster_of(namespace)
    {
        let group = security_group::default_group(namespace, &accepted.cluster.object, &Owner::of(&*cluster));
        // As its users have it, if they were faster.
        create_if_absent(&context.api::<EcsSecurityGroup>(namespace), &group).await?;
    }
    if accepted.task_definition.network_mode == Some(NetworkMode::None) {
        isolate(task, namespace, context).await?;
    }
    Ok(())
}

/// What has to be there before the first process runs, and is not ready yet.
fn lack(accepted: &Accepted, around: &Around) -> Option<String> {
    let role =
        accepted.task_definition.task_role.as_deref().and_then(|role| around.roles.unready(&service_account(role)));
    let of_role = role.map(|role| {
        let name = role.name_any();
        format!("Waits for EcsRole {name}: its ServiceAccount is not there yet. See the conditions of EcsRole {name}")
    });
    let group = first_unready(&accepted.groups, &around.security_groups);
    let of_group = group.map(|group| {
        format!(
            "Waits for security group {group}: it is not enforced yet. See the conditions of EcsSecurityGroup {group}"
        )
    });
    of_role.or(of_group)
}

async fn isolate(task: &EcsTask, namespace: &str, context: &Context) -> Result<(), Error> {
    let (name, owner) = (task.name_any(), Owner::of(task));
    let policy = network_policy::isolation_of_task(namespace, &name, &owner);
    let observed = context.caches.network_policies.get(namespace, &policy.name_any());
    let ownership = |found: &NetworkPolicy| owner.ownership(found);
    let api = context.api(namespace);
    apply(&api, &policy, observed.as_deref(), ownership, Force::Yes, &format!("EcsTask {name}")).await.map(|_| ())
}

async fn make_pod(task: &EcsTask, accepted: &Accepted, namespace: &str, context: &Context) -> Result<(), Error> {
    let owner = Owner::of(task);
    let pod = TaskPod {
        name: &task.name_any(),
        namespace,
        arns: &context.arns,
        cluster_object: &accepted.cluster.object,
        task_definition: &accepted.task_definition,
        roles: &accepted.roles,
        revision: accepted.revision,
        group: &accepted.task.group(&accepted.task_definition.family),
        security_groups: accepted.groups.names(),
        location: &accepted.location,
        version: context.kubernetes_version(),
    };
    let pod = owned_task_pod(pod, &owner);
    let name = pod.name_any();
    let pods: Api<CorePod> = context.api(namespace);
    match pods.create(&PostParams::default(), &pod).await {
        Ok(_) => Ok(()),
        // The cache is behind, or the name is somebody else's.
        Err(error) if api_status(&error).is_some_and(|status| status.code == 409) => {
            let found = pods.get_opt(&name).await.map_err(|error| Error::request(format!("read Pod {name}"), error))?;
            match found.map(|found| owner.ownership(&found)) {
                Some(Ownership::Foreign) => {
                    Err(Error::Foreign { kind: "Pod".into(), name, wanted_by: format!("EcsTask {}", task.name_any()) })
                }
                _ => Err(Error::Stale { what: format!("Pod {name}") }),
            }
        }
        Err(error) => Err(Error::request(format!("make Pod {name}"), error)),
    }
}
