//! EcsRole -> ServiceAccount. A role that is deleted stays, and its ServiceAccount with it, for as long as tasks or services use
//! it.

use std::sync::Arc;

use futures::{Future, future::Shared};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, ResourceExt, runtime::reflector::ObjectRef};

use crate::{
    api::{
        role::{EcsRole, EcsRoleStatus},
        service::EcsService,
    },
    decide::{
        conditions::{self, ACCEPTED, Finding, reason},
        name_claim::{self, NameClaim},
    },
    ecs::{
        role::{self, RolesOfTask},
        task_definition::TaskDefinition,
        task_definition_reference::TaskDefinitionReference,
        violation,
    },
    kube_io::{
        apply::{Force, apply},
        caches::Caches,
        error::Error,
        events::Severity,
        finalizer,
        pod::Pod,
        status,
    },
    translate::{names, owner::Owner, secret_needs::named_secrets, service_account},
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    findings::{applied, deletion_waits},
    refusal::Refusal,
    triggers::Triggers,
};

/// Reconciles roles until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = Arc::clone(&context.caches);
    let (triggers, receiver) = Triggers::of(&caches.roles);
    triggers.owner_of(&caches.service_accounts);
    // Whoever claims the same name: when one goes, another may take its place.
    let all = Arc::clone(&caches);
    triggers.from(&caches.roles, move |changed: &EcsRole| {
        let same = |role: &EcsRole| name_of(role) == name_of(changed) && role.name_any() != changed.name_any();
        references(&all, changed.metadata.namespace.as_deref(), same)
    });
    // Whoever a deleted role waits for.
    let is_deleted = |role: &EcsRole| role.metadata.deletion_timestamp.is_some();
    let all = Arc::clone(&caches);
    triggers.from(&caches.pods, move |pod: &Pod| references(&all, pod.metadata.namespace.as_deref(), is_deleted));
    let all = Arc::clone(&caches);
    triggers.from(&caches.services, move |service: &EcsService| {
        references(&all, service.metadata.namespace.as_deref(), is_deleted)
    });
    let driver = Driver { store: caches.roles.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

fn references(caches: &Caches, namespace: Option<&str>, which: impl Fn(&EcsRole) -> bool) -> Vec<ObjectRef<EcsRole>> {
    let roles = caches.roles.in_namespace(namespace.unwrap_or_default()).into_iter();
    roles.filter(|role| which(role)).map(|role| ObjectRef::from_obj(&*role)).collect()
}

fn name_of(role: &EcsRole) -> &str {
    let object = role.metadata.name.as_deref().unwrap_or_default();
    role::name(&role.spec, object)
}

/// The roles of a Namespace.
pub struct Roles(Vec<Arc<EcsRole>>);

impl Roles {
    /// What the operator has seen of them.
    #[must_use]
    pub fn of(namespace: &str, context: &Context) -> Self {
        Self(context.caches.roles.in_namespace(namespace))
    }

    /// The roles of a task: that of its containers has to be there, and where it names Secrets its execution role.
    ///
    /// # Errors
    /// When one is not.
    pub fn of_task(&self, definition: &TaskDefinition, namespace: &str) -> Result<RolesOfTask, Refusal> {
        if let Some(name) = definition.task_role.as_deref().filter(|name| self.named(name).is_none()) {
            return Err(not_found(name, namespace, "taskRoleArn"));
        }
        let execution = definition.execution_role.as_deref().and_then(|name| self.named(name));
        // One that has nothing to do may be missing.
        if let Some(name) = definition.execution_role.as_deref().filter(|_| execution.is_none())
            && named_secrets(definition).next().is_some()
        {
            return Err(not_found(name, namespace, "executionRoleArn"));
        }
        Ok(RolesOfTask::of(execution.map(|role| &role.spec)))
    }

    /// The role whose ServiceAccount this is, where it is not ready: no task that has it can start before.
    #[must_use]
    pub fn unready(&self, service_account: &str) -> Option<&EcsRole> {
        self.of_name(|name| names::service_account(name) == service_account).filter(|role| !is_ready(role))
    }

    fn named(&self, name: &str) -> Option<&EcsRole> {
        self.of_name(|other| other == name)
    }

    /// Of several of a name the one that is ready has it.
    fn of_name(&self, is_it: impl Fn(&str) -> bool) -> Option<&EcsRole> {
        self.0.iter().map(|role| &**role).filter(|role| is_it(name_of(role))).min_by_key(|role| !is_ready(role))
    }
}

fn not_found(name: &str, namespace: &str, member: &str) -> Refusal {
    let message = format!(
        "Role is not valid: '{name}' does not exist. Make an EcsRole of that name in Namespace {namespace}, or correct {member} of the task definition."
    );
    Refusal::new(reason::ROLE_NOT_FOUND, &message)
}

fn is_ready(role: &EcsRole) -> bool {
    let status = role.status.as_ref();
    status.is_some_and(|status| {
        conditions::is_ready(role.metadata.generation, status.observed_generation, &status.conditions)
    })
}

async fn reconcile(role: Arc<EcsRole>, context: Arc<Context>) -> Result<Outcome, Error> {
    let observed = observe(&role, &context);
    let roles: Api<EcsRole> = context.api(&observed.namespace);
    let is_terminating = context.is_terminating(&observed.namespace);
    // No task may have a role that could vanish.
    if !finalizer::hold(&roles, &*role, finalizer::ROLE, observed.used_by.is_some(), is_terminating).await? {
        return Ok(Outcome::Done);
    }
    let (findings, result) = if let Err(Refusal { reason, message }) = validate(&role, &observed) {
        (conditions::refused(reason, &message).to_vec(), Ok(()))
    } else {
        let result = apply_account(&role, &observed, &context).await;
        if let Err(Error::Stale { .. }) = result {
            return result.map(|()| Outcome::Done);
        }
        (applied("The role has its name.", "The ServiceAccount is as the role says.", &result), result)
    };
    let findings = match &observed.used_by {
        Some(user) => deletion_waits(
            findings,
            format!(
                "DeleteConflict: the role {} is in use. It stays until {user} is gone or has another role.",
                observed.role_name
            ),
        ),
        None => findings,
    };
    report(&role, &observed, &findings, &context).await?;
    result.map(|()| Outcome::Done)
}

struct Observed {
    namespace: String,
    role_name: String,
    owner: Owner,
    account: Option<Arc<ServiceAccount>>,
    /// Everyone who claims the name, this one included.
    claims: Vec<NameClaim>,
    /// A service or task that has it, when it is being deleted.
    used_by: Option<String>,
}

fn observe(role: &EcsRole, context: &Context) -> Observed {
    let namespace = role.namespace().unwrap_or_default();
    let role_name = name_of(role).to_owned();
    let caches = &context.caches;
    let roles = caches.roles.in_namespace(&namespace);
    let claims = roles.iter().filter(|other| name_of(other) == role_name).map(|other| claim(other, caches)).collect();
    let account = caches.service_accounts.get(&namespace, &names::service_account(&role_name));
    let is_deleted = role.metadata.deletion_timestamp.is_some();
    let used_by = is_deleted.then(|| user_of(&namespace, &role_name, caches)).flatten();
    Observed { namespace, role_name, owner: Owner::of(role), account, claims, used_by }
}

fn claim(role: &EcsRole, caches: &Caches) -> NameClaim {
    let namespace = role.namespace().unwrap_or_default();
    let account = caches.service_accounts.get(&namespace, &names::service_account(name_of(role)));
    NameClaim::of(role, !account.is_some_and(|account| Owner::of(role).controls(&*account)))
}

/// A Pod that has the role, or a service whose task definition names it.
fn user_of(namespace: &str, role_name: &str, caches: &Caches) -> Option<String> {
    let account = names::service_account(role_name);
    let has_it = |pod: &Arc<Pod>| pod.spec.service_account_name.as_deref() == Some(&account) && !pod.status.has_ended();
    let pod = caches.pods.in_namespace(namespace).into_iter().find(has_it);
    let names_it = |service: &Arc<EcsService>| {
        let runs = service.status.as_ref().and_then(|status| status.task_definition_revision.as_deref());
        let reference = runs.and_then(|runs| TaskDefinitionReference::parse(runs).ok());
        let revision =
            reference.and_then(|it| caches.revisions.get(namespace, &names::revision(&it.family, it.revision?)));
        revision.is_some_and(|revision| revision.roles.contains(role_name))
    };
    let service = caches.services.in_namespace(namespace).into_iter().find(names_it);
    let service = service.map(|service| format!("EcsService {}", service.name_any()));
    service.or_else(|| pod.map(|pod| format!("Pod {}", pod.name_any())))
}

fn validate(role: &EcsRole, observed: &Observed) -> Result<(), Refusal> {
    role::check(&role.spec, &role.name_any())
        .map_err(|violations| Refusal::new(reason::INVALID, &violation::summary(&violations)))?;
    let holder = name_claim::holder(observed.claims.iter().cloned());
    let Some(holder) = holder.filter(|holder| holder.uid != observed.owner.uid) else { return Ok(()) };
    let message = format!(
        "The role {} is EcsRole {}, which is older: choose another name in spec.roleName, or delete one of the two.",
        observed.role_name, holder.name
    );
    Err(Refusal::new(reason::ROLE_TAKEN, &message))
}

async fn apply_account(role: &EcsRole, observed: &Observed, context: &Context) -> Result<(), Error> {
    let account = service_account::of_role(&observed.namespace, &observed.role_name, &role.spec, &observed.owner);
    let wanted_by = format!("EcsRole {}", role.name_any());
    let ownership = |found: &ServiceAccount| observed.owner.ownership(found);
    let api = context.api(&observed.namespace);
    apply(&api, &account, observed.account.as_deref(), ownership, Force::Yes, &wanted_by).await.map(|_| ())
}

async fn report(role: &EcsRole, observed: &Observed, findings: &[Finding], context: &Context) -> Result<(), Error> {
    let old = role.status.clone().unwrap_or_default();
    let new = EcsRoleStatus {
        role_name: Some(observed.role_name.clone()),
        role_arn: Some(context.arns.role(&observed.role_name)),
        service_account: Some(names::service_account(&observed.role_name)),
        observed_generation: role.metadata.generation,
        conditions: conditions::merge(&old.conditions, findings, role.metadata.generation, &context.now()),
    };
    if status::says_the_same(&old, &new) {
        return Ok(());
    }
    status::write(&context.api(&observed.namespace), role, &new).await?;
    for finding in findings.iter().filter(|finding| finding.type_ == ACCEPTED && !finding.holds) {
        context.events.tell(role, Severity::Warning, finding.reason, &finding.message).await;
    }
    Ok(())
}
