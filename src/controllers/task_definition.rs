//! TaskDefinition -> revisions. Each change of its content registers the next one.

use std::{sync::Arc, time::Duration};

use futures::{Future, future::Shared};
use kube::{ResourceExt, runtime::reflector::ObjectRef};

use crate::{
    api::{
        task_definition::{TaskDefinition, TaskDefinitionStatus},
        task_definition_revision::RevisionState,
    },
    decide::{
        conditions::{self, ACCEPTED, Finding, READY, reason},
        name_claim::{self, NameClaim},
        registration::{self, ObservedRevision, Registration},
    },
    ecs::{
        content_hash::content_hash,
        field_outcomes::{self, Circumstances},
        normalise::normalise,
        task_definition,
        violation::{self, Violation},
    },
    kube_io::{error::Error, events::Severity, revision::Revision, status},
    translate::{labels, names},
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    registrar::{self, Candidate},
    triggers::{LastSeen, Triggers},
    turns::Turn,
};

/// When to look again if nobody calls: the call may have been for an object that is gone.
const LONGEST_WAIT_FOR_A_TURN: Duration = Duration::from_secs(10);

/// Reconciles task definitions until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = Arc::clone(&context.caches);
    let (triggers, receiver) = Triggers::of(&caches.task_definitions);
    // Whoever claims the same family: when one goes, another may take its place.
    let others = Arc::clone(&caches);
    triggers.from(&caches.task_definitions, move |changed: &TaskDefinition| {
        let namespace = changed.namespace().unwrap_or_default();
        let same_family = others.task_definitions.in_namespace(&namespace).into_iter();
        same_family
            .filter(|other| family_of(other) == family_of(changed) && other.name_any() != changed.name_any())
            .map(|other| ObjectRef::from_obj(&*other))
            .collect()
    });
    // A revision that is there or deregistered now is reported; one that somebody has deleted is missing at once, not at the
    // next start.
    let (all, last_seen) = (Arc::clone(&caches), LastSeen::new());
    triggers.from(&caches.revisions, move |revision: &Revision| {
        let uid = revision.task_definition_uid();
        let has_changed = last_seen.has_changed(&revision.uid().unwrap_or_default(), revision.state);
        let is_gone = all.revisions.store.get(&ObjectRef::from_obj(revision)).is_none();
        if !has_changed && !is_gone {
            return Vec::new();
        }
        let same_namespace = all.task_definitions.in_namespace(&revision.namespace().unwrap_or_default()).into_iter();
        same_namespace
            .filter(|each| each.metadata.uid.as_deref() == uid)
            .map(|each| ObjectRef::from_obj(&*each))
            .collect()
    });
    context.turns.call_through(triggers.queue());
    context.settled.forget_all();
    let driver = Driver { store: caches.task_definitions.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

async fn reconcile(task_definition: Arc<TaskDefinition>, context: Arc<Context>) -> Result<Outcome, Error> {
    let outcome = look(&task_definition, &context).await;
    context.turns.call_next(&task_definition.namespace().unwrap_or_default());
    outcome
}

async fn look(task_definition: &TaskDefinition, context: &Context) -> Result<Outcome, Error> {
    let observed = observe(task_definition, context);
    if task_definition.metadata.deletion_timestamp.is_some() || context.is_terminating(&observed.namespace) {
        return Ok(Outcome::Done);
    }
    // Before anything is reported, so that nobody deletes a revision whose number is not settled.
    if !context.settled.contains(&observed.namespace) {
        let Some(_turn) = context.turns.take_or_wait(&observed.namespace, ObjectRef::from_obj(task_definition)) else {
            return Ok(Outcome::Wait(LONGEST_WAIT_FOR_A_TURN));
        };
        registrar::settle_leftovers(&observed.namespace, context).await?;
    }
    let checked = task_definition::check(&task_definition.spec.definition, &observed.family);
    match validate(task_definition, &observed, &checked) {
        Err(refusal) => report(task_definition, &observed, &checked, Err(refusal), context).await?,
        Ok(candidate) => {
            let registered = match decide(&candidate, &observed) {
                Registration::Current(number) => Ok(number),
                Registration::Due => {
                    let who = ObjectRef::from_obj(task_definition);
                    let Some(turn) = context.turns.take_or_wait(&observed.namespace, who) else {
                        return Ok(Outcome::Wait(LONGEST_WAIT_FOR_A_TURN));
                    };
                    match register(task_definition, &candidate, turn, context).await {
                        // Reported when the revision is seen, which tells more of it than its number.
                        Ok(()) => return Ok(Outcome::Done),
                        Err(error) => Err(error),
                    }
                }
            };
            match registered {
                Ok(number) => report(task_definition, &observed, &checked, Ok(number), context).await?,
                // The next look is near, and may find that all is well.
                Err(error @ Error::Stale { .. }) => return Err(error),
                Err(error) => {
                    let refusal = Refusal { reason: reason::NOT_REGISTERED, message: error.to_string() };
                    report(task_definition, &observed, &checked, Err(refusal), context).await?;
                    return Err(error);
                }
            }
        }
    }
    Ok(Outcome::Done)
}

struct Observed {
    namespace: String,
    uid: String,
    family: String,
    /// Everyone who claims the family, this one included.
    claims: Vec<NameClaim>,
    revisions: Vec<ObservedRevision>,
}

fn observe(task_definition: &TaskDefinition, context: &Context) -> Observed {
    let namespace = task_definition.namespace().unwrap_or_default();
    let uid = task_definition.uid().unwrap_or_default();
    let family = family_of(task_definition);
    let claims = context
        .caches
        .task_definitions
        .in_namespace(&namespace)
        .iter()
        .filter(|other| family_of(other) == family)
        .map(|other| family_claim(other, context))
        .chain([family_claim(task_definition, context)])
        .collect();
    let revisions = revisions_of(task_definition, context);
    let revisions = revisions.iter().map(|revision| revision.observed()).collect();
    Observed { namespace, uid, family, claims, revisions }
}

/// Why nothing is registered.
struct Refusal {
    reason: &'static str,
    message: String,
}

/// What a task definition is, or the rules that it breaks.
type Checked = Result<task_definition::TaskDefinition, Vec<Violation>>;

fn validate(task_definition: &TaskDefinition, observed: &Observed, checked: &Checked) -> Result<Candidate, Refusal> {
    let definition = &task_definition.spec.definition;
    let checked = checked
        .as_ref()
        .map_err(|violations| Refusal { reason: reason::INVALID, message: violation::summary(violations) })?;
    if let Some(holder) =
        name_claim::holder(observed.claims.iter().cloned()).filter(|holder| holder.uid != observed.uid)
    {
        let message = format!(
            "Family {} belongs to TaskDefinition {}, which is older: choose another in spec.family, or delete one of the two.",
            observed.family, holder.name
        );
        return Err(Refusal { reason: reason::FAMILY_TAKEN, message });
    }
    Ok(Candidate {
        namespace: observed.namespace.clone(),
        uid: observed.uid.clone(),
        name: task_definition.name_any(),
        family: observed.family.clone(),
        definition: normalise(definition, checked),
        content: content_hash(definition, &observed.family),
    })
}

fn decide(candidate: &Candidate, observed: &Observed) -> Registration {
    registration::registration(&candidate.content, &observed.uid, &observed.revisions)
}

/// Registers the content, and tells of it when the turn is over.
async fn register(
    task_definition: &TaskDefinition,
    candidate: &Candidate,
    turn: Turn<ObjectRef<TaskDefinition>>,
    context: &Context,
) -> Result<(), Error> {
    let registered = registrar::register(candidate, context).await;
    drop(turn);
    let registered = registered?;
    if registered.is_new {
        let note = format!("Registered task definition {}:{}.", candidate.family, registered.number);
        context.events.tell(task_definition, Severity::Normal, "Registered", &note).await;
    }
    Ok(())
}

async fn report(
    task_definition: &TaskDefinition,
    observed: &Observed,
    checked: &Checked,
    result: Result<i64, Refusal>,
    context: &Context,
) -> Result<(), Error> {
    let old = task_definition.status.clone().unwrap_or_default();
    let generation = task_definition.metadata.generation;
    let revision_of =
        |number: i64| context.caches.revisions.get(&observed.namespace, &names::revision(&observed.family, number));
    let (findings, number) = match result {
        Ok(number) => {
            let is_active = revision_of(number).is_none_or(|revision| revision.state == RevisionState::Active);
            (registered(&format!("{}:{number}", observed.family), is_active).to_vec(), Some(number))
        }
        // The last good revision stays, and services go on with it.
        Err(Refusal { reason, message }) => (conditions::refused(reason, &message).to_vec(), old.revision),
    };
    let newest = number.and_then(revision_of);
    // Whoever runs it is not known here: services and tasks may.
    let circumstances =
        Circumstances { workload: None, version: context.kubernetes_version(), namespace: &observed.namespace };
    let new = TaskDefinitionStatus {
        family: Some(observed.family.clone()),
        revision: number,
        task_definition_arn: number.map(|number| context.arns.task_definition(&observed.family, number)),
        registered_at: newest.as_ref().and_then(|revision| revision.metadata.creation_timestamp.clone()),
        compatibilities: newest.map(|revision| revision.compatibilities.clone()).unwrap_or_default(),
        field_outcomes: field_outcomes::differences(&field_outcomes::of_task_definition(
            &task_definition.spec.definition,
            checked.as_ref().map_err(Vec::as_slice),
            circumstances,
        )),
        observed_generation: generation,
        conditions: conditions::merge(&old.conditions, &findings, generation, &context.now()),
    };
    if status::says_the_same(&old, &new) {
        return Ok(());
    }
    status::write(&context.api(&observed.namespace), task_definition, &new).await?;
    for finding in findings.iter().filter(|finding| finding.type_ == ACCEPTED && !finding.holds) {
        context.events.tell(task_definition, Severity::Warning, finding.reason, &finding.message).await;
    }
    context.tell_newly_ignored(task_definition, &old.field_outcomes, &new.field_outcomes).await;
    Ok(())
}

/// The conditions of a task definition whose content is registered.
fn registered(revision: &str, is_active: bool) -> [Finding; 2] {
    let message = format!("The content is registered as {revision}.");
    let ready = if is_active {
        Finding::holds(READY, reason::AVAILABLE, message.clone())
    } else {
        let inactive = format!(
            "{revision} has been deregistered: no new service or task can name it. Change the content, which registers the next revision."
        );
        Finding::fails(READY, reason::TASK_DEFINITION_INACTIVE, inactive)
    };
    [Finding::holds(ACCEPTED, reason::ACCEPTED, message), ready]
}

pub(super) fn family_of(task_definition: &TaskDefinition) -> String {
    task_definition.spec.definition.family.clone().unwrap_or_else(|| task_definition.name_any())
}

/// The revisions that were registered from it.
fn revisions_of(task_definition: &TaskDefinition, context: &Context) -> Vec<Arc<Revision>> {
    let (namespace, uid) = (task_definition.namespace().unwrap_or_default(), task_definition.uid().unwrap_or_default());
    context.caches.revisions.labelled(&namespace, labels::TASK_DEFINITION_UID, &uid)
}

pub(super) fn family_claim(task_definition: &TaskDefinition, context: &Context) -> NameClaim {
    NameClaim::of(task_definition, revisions_of(task_definition, context).is_empty())
}
