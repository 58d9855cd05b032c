//! TaskDefinition -> revisions. Each change of its content registers the next one.

use std::sync::Arc;

use futures::{Future, future::Shared};
use kube::{ResourceExt, api::ListParams, runtime::reflector::ObjectRef};

use crate::{
    api::{
        task_definition::{TaskDefinition, TaskDefinitionStatus},
        task_definition_revision::TaskDefinitionRevision,
    },
    decide::{
        conditions::{self, ACCEPTED, Finding, READY, reason},
        family::{self, FamilyClaim},
        registration::{self, NumberClaim, ObservedRevision, Registration},
    },
    ecs::{
        compatibilities::compatibilities,
        content_hash::content_hash,
        field_outcomes,
        normalise::normalise,
        task_definition,
        violation::{self, Violation},
    },
    kube_io::{
        apply::{Force, apply},
        error::Error,
        events::Severity,
        revision_numbers::RevisionNumbers,
        status,
    },
    translate::{labels, names, owner::Ownership, revision},
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    triggers::Triggers,
};

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
    // A revision that somebody has deleted is missing at once, not at the next start.
    let all = Arc::clone(&caches);
    triggers.from(&caches.revisions, move |revision: &TaskDefinitionRevision| {
        let uid = revision.labels().get(labels::TASK_DEFINITION_UID);
        let same_namespace = all.task_definitions.in_namespace(&revision.namespace().unwrap_or_default()).into_iter();
        same_namespace.filter(|each| each.uid().as_ref() == uid).map(|each| ObjectRef::from_obj(&*each)).collect()
    });
    let driver = Driver { store: caches.task_definitions.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

async fn reconcile(task_definition: Arc<TaskDefinition>, context: Arc<Context>) -> Result<Outcome, Error> {
    let observed = observe(&task_definition, &context);
    if task_definition.metadata.deletion_timestamp.is_some() || context.is_terminating(&observed.namespace) {
        return Ok(Outcome::Done);
    }
    match validate(&task_definition, &observed) {
        Err(refusal) => report(&task_definition, &observed, Err(refusal), &context).await?,
        Ok(candidate) => {
            let registered = match decide(&candidate, &observed) {
                Registration::Current(number) => Ok(number),
                Registration::Due => register(&task_definition, &observed, &candidate, &context).await,
            };
            match registered {
                Ok(number) => report(&task_definition, &observed, Ok(number), &context).await?,
                // The next look is near, and may find that all is well.
                Err(error @ Error::Stale { .. }) => return Err(error),
                Err(error) => {
                    let refusal = Refusal::new(reason::NOT_REGISTERED, error.to_string());
                    report(&task_definition, &observed, Err(refusal), &context).await?;
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
    claims: Vec<FamilyClaim>,
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
    let revisions = revisions.iter().map(|revision| observed_revision(revision)).collect();
    Observed { namespace, uid, family, claims, revisions }
}

/// Content that may be registered.
struct Candidate {
    definition: crate::api::register_task_definition::RegisterTaskDefinition,
    content: String,
}

/// Why nothing is registered.
struct Refusal {
    reason: &'static str,
    message: String,
    /// The rules that the content breaks.
    violations: Vec<Violation>,
}

impl Refusal {
    fn new(reason: &'static str, message: String) -> Self {
        Self { reason, message, violations: Vec::new() }
    }
}

fn validate(task_definition: &TaskDefinition, observed: &Observed) -> Result<Candidate, Refusal> {
    let definition = &task_definition.spec.definition;
    let checked = task_definition::check(definition, &observed.family).map_err(|violations| Refusal {
        reason: reason::INVALID,
        message: violation::summary(&violations),
        violations,
    })?;
    if let Some(holder) = family::holder(observed.claims.iter().cloned()).filter(|holder| holder.uid != observed.uid) {
        let message = format!(
            "Family {} belongs to TaskDefinition {}, which is older: choose another in spec.family, or delete one of the two.",
            observed.family, holder.name
        );
        return Err(Refusal::new(reason::FAMILY_TAKEN, message));
    }
    let content = content_hash(definition, &observed.family);
    Ok(Candidate { definition: normalise(definition, &checked), content })
}

fn decide(candidate: &Candidate, observed: &Observed) -> Registration {
    registration::registration(&candidate.content, &observed.uid, &observed.revisions)
}

/// Registers the content under the next number, and returns the number. What the cache says is not enough here: the
/// numbers are read first, then the revisions, then the number is claimed, then the revision is created.
async fn register(
    task_definition: &TaskDefinition,
    observed: &Observed,
    candidate: &Candidate,
    context: &Context,
) -> Result<i64, Error> {
    let mut numbers = RevisionNumbers::read(&context.client, &observed.namespace).await?;
    let before = numbers.last(&observed.family)?;
    let mut revisions = list_revisions(observed, context).await?;
    if let Registration::Current(number) = registration::registration(&candidate.content, &observed.uid, &revisions) {
        return Ok(number);
    }
    let mut last = before;
    loop {
        let claim = registration::claim(&candidate.content, &observed.uid, last.as_ref(), &revisions);
        if last.as_ref() != Some(&claim) {
            numbers.record(&observed.family, &claim).await?;
        }
        match create_revision(task_definition, observed, candidate, claim.revision, context).await {
            Ok(()) => {
                settle(&mut numbers, observed, &claim, context).await?;
                return Ok(claim.revision);
            }
            // Somebody else made an object of this name: the number is passed over.
            Err(Error::Foreign { .. }) => revisions.push(ObservedRevision::of_somebody(claim.revision)),
            Err(error) => return Err(error),
        }
        last = Some(claim);
    }
}

async fn create_revision(
    task_definition: &TaskDefinition,
    observed: &Observed,
    candidate: &Candidate,
    number: i64,
    context: &Context,
) -> Result<(), Error> {
    let desired = revision::revision(&observed.namespace, &observed.uid, number, candidate.definition.clone());
    let ownership = |found: &TaskDefinitionRevision| {
        let found = observed_revision(found);
        let same = found.content == candidate.content && found.task_definition_uid == observed.uid;
        if same { Ownership::Ours } else { Ownership::Foreign }
    };
    let wanted_by = format!("TaskDefinition {}", task_definition.name_any());
    apply(&context.api(&observed.namespace), &desired, None, ownership, Force::Yes, &wanted_by).await?;
    let note = format!("Registered task definition {}:{number}.", observed.family);
    context.events.tell(task_definition, Severity::Normal, "Registered", &note).await;
    Ok(())
}

/// Gives the number to nobody, now that its revision exists. All families of a Namespace share the ConfigMap, so
/// somebody else may write it at the same time.
async fn settle(
    numbers: &mut RevisionNumbers,
    observed: &Observed,
    claim: &NumberClaim,
    context: &Context,
) -> Result<(), Error> {
    loop {
        match numbers.record(&observed.family, &claim.settled()).await {
            Err(Error::Stale { .. }) => *numbers = RevisionNumbers::read(&context.client, &observed.namespace).await?,
            result => return result,
        }
        if numbers.last(&observed.family)?.as_ref() != Some(claim) {
            return Ok(());
        }
    }
}

/// All revisions of the family, whoever registered them, as the API server has them now.
async fn list_revisions(observed: &Observed, context: &Context) -> Result<Vec<ObservedRevision>, Error> {
    // By the field, not by the label: a revision that somebody made by hand lacks it.
    let family = format!("spec.family={}", observed.family);
    let listed = context
        .api::<TaskDefinitionRevision>(&observed.namespace)
        .list(&ListParams::default().fields(&family))
        .await
        .map_err(|error| Error::request("list TaskDefinitionRevisions", error))?;
    Ok(listed.items.iter().map(observed_revision).collect())
}

async fn report(
    task_definition: &TaskDefinition,
    observed: &Observed,
    result: Result<i64, Refusal>,
    context: &Context,
) -> Result<(), Error> {
    let old = task_definition.status.clone().unwrap_or_default();
    let generation = task_definition.metadata.generation;
    let violations = result.as_ref().err().map(|refusal| refusal.violations.clone()).unwrap_or_default();
    let (findings, number) = match result {
        Ok(number) => {
            let message = format!("The content is registered as {}:{number}.", observed.family);
            let accepted = Finding::holds(ACCEPTED, reason::ACCEPTED, message.clone());
            (vec![accepted, Finding::holds(READY, reason::AVAILABLE, message)], Some(number))
        }
        // The last good revision stays, and services go on with it.
        Err(Refusal { reason, message, .. }) => (
            vec![
                Finding::fails(ACCEPTED, reason, message.clone()),
                Finding::fails(READY, reason::NOT_ACCEPTED, message),
            ],
            old.revision,
        ),
    };
    let newest = number.and_then(|number| {
        context.caches.revisions.get(&observed.namespace, &names::revision(&observed.family, number))
    });
    let new = TaskDefinitionStatus {
        family: Some(observed.family.clone()),
        revision: number,
        task_definition_arn: number.map(|number| context.arns.task_definition(&observed.family, number)),
        registered_at: newest.as_ref().and_then(|revision| revision.metadata.creation_timestamp.clone()),
        compatibilities: newest.map(|revision| compatibilities(&revision.spec.definition)).unwrap_or_default(),
        field_outcomes: field_outcomes::differences(&field_outcomes::of_task_definition(
            &task_definition.spec.definition,
            &violations,
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
    for note in field_outcomes::newly_ignored(&old.field_outcomes, &new.field_outcomes) {
        context.events.tell(task_definition, Severity::Warning, "FieldIgnored", &note).await;
    }
    Ok(())
}

fn family_of(task_definition: &TaskDefinition) -> String {
    task_definition.spec.definition.family.clone().unwrap_or_else(|| task_definition.name_any())
}

/// The revisions that were registered from it.
fn revisions_of(task_definition: &TaskDefinition, context: &Context) -> Vec<Arc<TaskDefinitionRevision>> {
    let (namespace, uid) = (task_definition.namespace().unwrap_or_default(), task_definition.uid().unwrap_or_default());
    context.caches.revisions.labelled(&namespace, labels::TASK_DEFINITION_UID, &uid)
}

fn family_claim(task_definition: &TaskDefinition, context: &Context) -> FamilyClaim {
    FamilyClaim {
        created: task_definition.metadata.creation_timestamp.as_ref().map_or(0, |created| created.0.as_second()),
        newcomer: revisions_of(task_definition, context).is_empty(),
        uid: task_definition.uid().unwrap_or_default(),
        name: task_definition.name_any(),
    }
}

fn observed_revision(revision: &TaskDefinitionRevision) -> ObservedRevision {
    ObservedRevision {
        number: revision.spec.revision,
        content: content_hash(&revision.spec.definition, &revision.spec.family),
        task_definition_uid: revision.labels().get(labels::TASK_DEFINITION_UID).cloned().unwrap_or_default(),
    }
}
