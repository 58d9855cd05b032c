//! Registers the content of a task definition: the numbers are read first, then the revisions, then the number is claimed,
//! then the revision is created. What the caches say is not enough here.

use std::time::Duration;

use kube::{ResourceExt, api::ListParams};

use crate::{
    api::{register_task_definition::RegisterTaskDefinition, task_definition_revision::TaskDefinitionRevision},
    decide::registration::{self, NumberClaim, ObservedRevision, Registration},
    ecs::content_hash::content_hash,
    kube_io::{
        apply::{Force, apply},
        error::Error,
        revision_numbers::RevisionNumbers,
    },
    translate::{labels, owner::Ownership, revision},
};

use super::context::Context;

/// How often the numbers are written before it is an error that another operator was faster each time. Within this
/// process nobody else writes them.
const ATTEMPTS: u32 = 6;

/// The pause after the first attempt; after each it is longer by as much.
const PAUSE: Duration = Duration::from_millis(20);

/// Content that may be registered.
pub(super) struct Candidate {
    pub(super) namespace: String,
    /// UID and name of its TaskDefinition.
    pub(super) uid: String,
    pub(super) name: String,
    pub(super) family: String,
    pub(super) definition: RegisterTaskDefinition,
    /// Hash of the content.
    pub(super) content: String,
}

/// What came of it.
pub(super) struct Registered {
    pub(super) number: i64,
    /// Whether the number was given just now.
    pub(super) is_new: bool,
}

/// Registers content under the next number. Whoever calls has the turn of the Namespace.
pub(super) async fn register(candidate: &Candidate, context: &Context) -> Result<Registered, Error> {
    for attempt in 1..ATTEMPTS {
        match try_to_register(candidate, context).await {
            Err(Error::Stale { .. }) => tokio::time::sleep(PAUSE * attempt).await,
            result => return result,
        }
    }
    try_to_register(candidate, context).await
}

async fn try_to_register(candidate: &Candidate, context: &Context) -> Result<Registered, Error> {
    let mut numbers = RevisionNumbers::read(&context.client, &candidate.namespace).await?;
    let mut last = numbers.last(&candidate.family)?;
    let mut revisions = list_revisions(candidate, context).await?;
    if let Registration::Current(number) = registration::registration(&candidate.content, &candidate.uid, &revisions) {
        return Ok(Registered { number, is_new: false });
    }
    loop {
        let claim = registration::claim(&candidate.content, &candidate.uid, last.as_ref(), &revisions);
        if last.as_ref() != Some(&claim) {
            numbers.record(&candidate.family, &claim).await?;
        }
        match create_revision(candidate, claim.revision, context).await {
            Ok(()) => {
                settle(&mut numbers, candidate, &claim, context).await?;
                return Ok(Registered { number: claim.revision, is_new: true });
            }
            // Somebody else made an object of this name: the number is passed over.
            Err(Error::Foreign { .. }) => revisions.push(ObservedRevision::of_somebody(claim.revision)),
            Err(error) => return Err(error),
        }
        last = Some(claim);
    }
}

async fn create_revision(candidate: &Candidate, number: i64, context: &Context) -> Result<(), Error> {
    let desired = revision::revision(&candidate.namespace, &candidate.uid, number, candidate.definition.clone());
    let ownership = |found: &TaskDefinitionRevision| {
        let found = observed_revision(found);
        let same = found.content == candidate.content && found.task_definition_uid == candidate.uid;
        if same { Ownership::Ours } else { Ownership::Foreign }
    };
    let wanted_by = format!("TaskDefinition {}", candidate.name);
    apply(&context.api(&candidate.namespace), &desired, None, ownership, Force::Yes, &wanted_by).await?;
    Ok(())
}

/// Gives the number to nobody, now that its revision exists. Another operator may write the ConfigMap at the same time.
async fn settle(
    numbers: &mut RevisionNumbers,
    candidate: &Candidate,
    claim: &NumberClaim,
    context: &Context,
) -> Result<(), Error> {
    for attempt in 1..=ATTEMPTS {
        match numbers.record(&candidate.family, &claim.settled()).await {
            Err(Error::Stale { .. }) if attempt < ATTEMPTS => tokio::time::sleep(PAUSE * attempt).await,
            result => return result,
        }
        *numbers = RevisionNumbers::read(&context.client, &candidate.namespace).await?;
        if numbers.last(&candidate.family)?.as_ref() != Some(claim) {
            break;
        }
    }
    Ok(())
}

/// All revisions of the family, whoever registered them, as the API server has them now.
async fn list_revisions(candidate: &Candidate, context: &Context) -> Result<Vec<ObservedRevision>, Error> {
    // By the field, not by the label: a revision that somebody made by hand lacks it.
    let family = format!("spec.family={}", candidate.family);
    let listed = context
        .api::<TaskDefinitionRevision>(&candidate.namespace)
        .list(&ListParams::default().fields(&family))
        .await
        .map_err(|error| Error::request("list TaskDefinitionRevisions", error))?;
    Ok(listed.items.iter().map(observed_revision).collect())
}

/// What matters of a revision here.
pub(super) fn observed_revision(revision: &TaskDefinitionRevision) -> ObservedRevision {
    ObservedRevision {
        number: revision.spec.revision,
        content: content_hash(&revision.spec.definition, &revision.spec.family),
        task_definition_uid: revision.labels().get(labels::TASK_DEFINITION_UID).cloned().unwrap_or_default(),
    }
}
