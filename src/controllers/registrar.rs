//! Registers the content of a task definition: the numbers are read first, then the revisions, then the number is claimed,
//! then the revision is created. What the caches say is not enough here.

use std::{
    collections::HashSet,
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::{
    Resource,
    api::{ListParams, ObjectMeta},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;

use crate::{
    api::{
        register_task_definition::RegisterTaskDefinition, task_definition::TaskDefinition,
        task_definition_revision::TaskDefinitionRevision,
    },
    decide::registration::{self, NumberClaim, ObservedRevision, Registration},
    kube_io::{
        apply::{Force, apply},
        error::Error,
        revision::{NumberedRevision, Revision, RevisionNumber},
        revision_numbers::RevisionNumbers,
    },
    translate::{labels, names, owner::Ownership, revision},
};

use super::context::Context;

/// How often the numbers are written before it is an error that another operator was faster each time. Within this
/// process nobody else writes them.
const ATTEMPTS: u32 = 6;

/// The pause after the first attempt; after each it is longer by as much.
const PAUSE: Duration = Duration::from_millis(20);

/// Namespaces in which no claim is left whose revision exists. An earlier process may have ended between the two writes,
/// and such a claim would give its number again when the revision is deleted.
#[derive(Default)]
pub struct SettledNamespaces(Mutex<HashSet<String>>);

impl SettledNamespaces {
    pub(super) fn contains(&self, namespace: &str) -> bool {
        self.names().contains(namespace)
    }

    /// Another operator may have worked since.
    pub(super) fn forget_all(&self) {
        self.names().clear();
    }

    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A registration under way. Unless it ends well, a claim may be left.
struct UnderWay<'a> {
    settled: &'a SettledNamespaces,
    namespace: &'a str,
    has_ended_well: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.has_ended_well {
            self.settled.names().remove(self.namespace);
        }
    }
}

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
    settle_leftovers(&candidate.namespace, context).await?;
    let mut under_way = UnderWay { settled: &context.settled, namespace: &candidate.namespace, has_ended_well: false };
    let mut attempt = 1;
    let registered = loop {
        match try_to_register(candidate, context).await {
            Err(Error::Stale { .. }) if attempt < ATTEMPTS => tokio::time::sleep(PAUSE * attempt).await,
            result => break result?,
        }
        attempt += 1;
    };
    under_way.has_ended_well = true;
    Ok(registered)
}

/// Settles the claims of a Namespace whose revisions exist, if that is not known to have been done. Whoever calls has the
/// turn of the Namespace.
pub(super) async fn settle_leftovers(namespace: &str, context: &Context) -> Result<(), Error> {
    if context.settled.contains(namespace) {
        return Ok(());
    }
    let mut numbers = RevisionNumbers::read(&context.client, namespace).await?;
    for (entry, claim) in numbers.claims() {
        if exists(namespace, &entry, &claim, context).await? {
            settle(&mut numbers, namespace, &entry, &claim, context).await?;
        }
    }
    context.settled.names().insert(namespace.into());
    Ok(())
}

/// Whether the API server has the revision that a claim was made for.
async fn exists(namespace: &str, entry: &str, claim: &NumberClaim, context: &Context) -> Result<bool, Error> {
    let Some(pending) = &claim.pending else { return Ok(false) };
    let parameters =
        ListParams::default().labels(&format!("{}={}", labels::TASK_DEFINITION_UID, pending.task_definition_uid));
    // One that cannot be read must not hold up all of its Namespace.
    let listed: Vec<NumberedRevision> = list(namespace, &parameters, context).await?;
    let is_it =
        |spec: &RevisionNumber| spec.revision == claim.revision && names::revision_number_key(&spec.family) == entry;
    Ok(listed.iter().any(|revision| is_it(&revision.spec)))
}

async fn try_to_register(candidate: &Candidate, context: &Context) -> Result<Registered, Error> {
    let mut numbers = RevisionNumbers::read(&context.client, &candidate.namespace).await?;
    let mut last = numbers.last(&candidate.family)?;
    let mut revisions = list_revisions(candidate, context).await?;
    if let Registration::Current(number) = registration::registration(&candidate.content, &candidate.uid, &revisions) {
        return Ok(Registered { number, is_new: false });
    }
    refuse_if_gone(candidate, context).await?;
    loop {
        let claim =
            registration::claim(&candidate.content, &candidate.uid, last.as_ref(), &revisions).ok_or_else(|| {
                let entry = names::revision_number_key(&candidate.family);
                Error::NoNumberLeft { family: candidate.family.clone(), entry }
            })?;
        if last.as_ref() != Some(&claim) {
            numbers.record(&candidate.family, &claim).await?;
        }
        match create_revision(candidate, claim.revision, context).await {
            Ok(()) => {
                settle(&mut numbers, &candidate.namespace, &candidate.family, &claim, context).await?;
                return Ok(Registered { number: claim.revision, is_new: true });
            }
            // Somebody else made an object of this name: the number is passed over.
            Err(Error::Foreign { .. }) => revisions.push(ObservedRevision::of_somebody(claim.revision)),
            Err(error) => return Err(error),
        }
        last = Some(claim);
    }
}

/// A task definition that was deleted, together with its revisions, is still in a cache that is behind.
async fn refuse_if_gone(candidate: &Candidate, context: &Context) -> Result<(), Error> {
    let what = || format!("TaskDefinition {}", candidate.name);
    let api = context.api::<TaskDefinition>(&candidate.namespace);
    let parameters = ListParams::default().fields(&format!("metadata.name={}", candidate.name));
    let found =
        api.list_metadata(&parameters).await.map_err(|error| Error::request(format!("list {}", what()), error))?;
    let is_it =
        |metadata: &ObjectMeta| metadata.uid.as_ref() == Some(&candidate.uid) && metadata.deletion_timestamp.is_none();
    if found.iter().any(|found| is_it(&found.metadata)) { Ok(()) } else { Err(Error::Stale { what: what() }) }
}

async fn create_revision(candidate: &Candidate, number: i64, context: &Context) -> Result<(), Error> {
    let desired = revision::revision(&candidate.namespace, &candidate.uid, number, candidate.definition.clone());
    let ownership = |found: &TaskDefinitionRevision| {
        let is_the_same = Revision::try_from(found.clone()).is_ok_and(|found| {
            found.content == candidate.content && found.task_definition_uid() == Some(candidate.uid.as_str())
        });
        if is_the_same { Ownership::Ours } else { Ownership::Foreign }
    };
    let wanted_by = format!("TaskDefinition {}", candidate.name);
    apply(&context.api(&candidate.namespace), &desired, None, ownership, Force::Yes, &wanted_by).await?;
    Ok(())
}

/// Gives the number to nobody, now that its revision exists. Another operator may write the ConfigMap at the same time.
async fn settle(
    numbers: &mut RevisionNumbers,
    namespace: &str,
    family: &str,
    claim: &NumberClaim,
    context: &Context,
) -> Result<(), Error> {
    let mut attempt = 1;
    while numbers.last(family)?.as_ref() == Some(claim) {
        match numbers.record(family, &claim.settled()).await {
            Err(Error::Stale { .. }) if attempt < ATTEMPTS => tokio::time::sleep(PAUSE * attempt).await,
            result => return result,
        }
        attempt += 1;
        *numbers = RevisionNumbers::read(&context.client, namespace).await?;
    }
    Ok(())
}

/// All revisions of the family, whoever registered them, as the API server has them now.
async fn list_revisions(candidate: &Candidate, context: &Context) -> Result<Vec<ObservedRevision>, Error> {
    // By the field, not by the label: a revision that somebody made by hand lacks it.
    let parameters = ListParams::default().fields(&format!("spec.family={}", candidate.family));
    let listed: Vec<Revision> = list(&candidate.namespace, &parameters, context).await?;
    Ok(listed.iter().map(Revision::observed).collect())
}

async fn list<K>(namespace: &str, parameters: &ListParams, context: &Context) -> Result<Vec<K>, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    let listed = context.api::<K>(namespace).list(parameters).await;
    listed.map(|listed| listed.items).map_err(|error| Error::request("list TaskDefinitionRevisions", error))
}
