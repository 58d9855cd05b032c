//! TaskDefinitionRevision: deregistered when its TaskDefinition is gone, also when that happened while the operator was away;
//! deleted when it is inactive, unused and old.

use std::{collections::BTreeSet, sync::Arc};

use futures::{Future, future::Shared};
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams},
    runtime::reflector::ObjectRef,
};
use serde_json::json;

use crate::{
    api::{
        service::EcsService,
        task_definition::TaskDefinition,
        task_definition_revision::{RevisionState, TaskDefinitionRevisionStatus},
    },
    decide::{
        name_claim,
        revision_retention::{self, RetainedRevision},
    },
    ecs::task_definition_reference::TaskDefinitionReference,
    kube_io::{
        apply::delete_if_there,
        caches::Caches,
        error::{Error, api_status},
        revision::Revision,
        status,
    },
    translate::labels,
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    task_definition::{family_claim, family_of},
    triggers::{LastSeen, Triggers},
};

/// Reconciles revisions until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = Arc::clone(&context.caches);
    let (triggers, receiver) = Triggers::of(&caches.revisions);
    let revisions = Arc::clone(&caches);
    triggers.from(&caches.task_definitions, move |task_definition: &TaskDefinition| {
        registered_from(&revisions, task_definition).iter().map(|revision| ObjectRef::from_obj(&**revision)).collect()
    });
    // A service that lets go of a revision may have been the last one to use it.
    let (all, last_seen) = (Arc::clone(&caches), LastSeen::new());
    triggers.from(&caches.services, move |service: &EcsService| {
        let used = service
            .status
            .as_ref()
            .map(|status| status.deployments.iter().map(|each| each.task_definition.clone()).collect::<Vec<_>>());
        let digest = (service.spec.task_definition.clone(), used);
        if !last_seen.has_changed(&service.uid().unwrap_or_default(), digest) {
            return Vec::new();
        }
        let inactive = all.revisions.store.state_filter(|revision| revision.state == RevisionState::Inactive);
        inactive.iter().map(|revision| ObjectRef::from_obj(&**revision)).collect()
    });
    let driver = Driver { store: caches.revisions.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

fn registered_from(caches: &Caches, task_definition: &TaskDefinition) -> Vec<Arc<Revision>> {
    let namespace = task_definition.namespace().unwrap_or_default();
    let uid = task_definition.uid().unwrap_or_default();
    caches.revisions.labelled(&namespace, labels::TASK_DEFINITION_UID, &uid)
}

async fn reconcile(revision: Arc<Revision>, context: Arc<Context>) -> Result<Outcome, Error> {
    let namespace = revision.namespace().unwrap_or_default();
    if context.is_terminating(&namespace) {
        return Ok(Outcome::Done);
    }
    let orphaned = observe_orphaned(&revision, &context, &namespace).await?;
    if orphaned {
        // The change brings it back here, to be reported.
        deregister(&revision, &context, &namespace).await?;
        return Ok(Outcome::Done);
    }
    report(&revision, &context, &namespace).await?;
    if revision.state == RevisionState::Inactive {
        delete_obsolete(&revision.family, &context, &namespace).await?;
    }
    Ok(Outcome::Done)
}

/// Deletes the old revisions of a family. Another one may have become old with this one.
async fn delete_obsolete(family: &str, context: &Context, namespace: &str) -> Result<(), Error> {
    let revisions = of_family(&context.caches, namespace, family);
    let task_definition = holder(context, namespace, family);
    let newest = task_definition.as_ref().and_then(|task_definition| {
        let uid = task_definition.uid();
        let own = revisions.iter().filter(|revision| revision.task_definition_uid() == uid.as_deref());
        own.map(|revision| revision.number).max()
    });
    let used = used_by_services(context, namespace, family);
    let retained: Vec<_> = revisions
        .iter()
        .map(|revision| RetainedRevision {
            number: revision.number,
            inactive: revision.state == RevisionState::Inactive,
            in_use: newest == Some(revision.number) || used.contains(&revision.number),
        })
        .collect();
    let api = context.api::<Revision>(namespace);
    for number in revision_retention::obsolete(&retained, limit(task_definition.as_deref(), &revisions)) {
        for revision in revisions.iter().filter(|revision| revision.number == number) {
            delete_if_there(&api, &revision.name_any(), revision.uid()).await?;
        }
    }
    Ok(())
}

fn of_family(caches: &Caches, namespace: &str, family: &str) -> Vec<Arc<Revision>> {
    caches
        .revisions
        .store
        .state_filter(|revision| revision.metadata.namespace.as_deref() == Some(namespace) && revision.family == family)
}

/// The TaskDefinition that has the family.
fn holder(context: &Context, namespace: &str, family: &str) -> Option<Arc<TaskDefinition>> {
    let claimants = context.caches.task_definitions.in_namespace(namespace).into_iter();
    let claimants: Vec<_> = claimants.filter(|each| family_of(each) == family).collect();
    let holder = name_claim::holder(claimants.iter().map(|claimant| family_claim(claimant, context)))?;
    claimants.into_iter().find(|claimant| claimant.metadata.uid.as_ref() == Some(&holder.uid))
}

/// How many are kept: what the TaskDefinition says, or the newest revision of one that is gone.
fn limit(task_definition: Option<&TaskDefinition>, revisions: &[Arc<Revision>]) -> usize {
    let newest = revisions.iter().max_by_key(|revision| revision.number);
    let given = match task_definition {
        Some(task_definition) => {
            let kubernetes = task_definition.spec.definition.kubernetes.as_ref();
            kubernetes.and_then(|members| members.revision_history_limit)
        }
        None => newest.and_then(|revision| revision.history_limit),
    };
    given.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(revision_retention::DEFAULT_LIMIT)
}

/// Numbers of a family's revisions that services name or run.
fn used_by_services(context: &Context, namespace: &str, family: &str) -> BTreeSet<i64> {
    let is_shared = context.settings.shared_namespace.as_deref() == Some(namespace);
    let is_near = |service: &EcsService| is_shared || service.metadata.namespace.as_deref() == Some(namespace);
    let services = context.caches.services.store.state_filter(is_near);
    let references = services.iter().flat_map(|service| {
        let status = service.status.clone().unwrap_or_default();
        let running = status.deployments.into_iter().map(|deployment| deployment.task_definition);
        running.chain(status.task_definition).chain([service.spec.task_definition.clone()]).collect::<Vec<_>>()
    });
    references
        .filter_map(|reference| TaskDefinitionReference::parse(&reference).ok())
        .filter(|reference| reference.family == family)
        .filter_map(|reference| reference.revision)
        .collect()
}

/// Whether an active revision's TaskDefinition is gone. There is no way back from Inactive, so the cache, which may be
/// behind, is not believed alone.
async fn observe_orphaned(revision: &Revision, context: &Context, namespace: &str) -> Result<bool, Error> {
    let Some(uid) = revision.task_definition_uid() else { return Ok(false) };
    let is_it = |task_definition: &TaskDefinition| task_definition.metadata.uid.as_deref() == Some(uid);
    let cached = || context.caches.task_definitions.in_namespace(namespace).iter().any(|each| is_it(each));
    if revision.state == RevisionState::Inactive || cached() {
        return Ok(false);
    }
    let listed = context
        .api::<TaskDefinition>(namespace)
        .list_metadata(&ListParams::default())
        .await
        .map_err(|error| Error::request("list TaskDefinitions", error))?;
    Ok(!listed.items.iter().any(|each| each.metadata.uid.as_deref() == Some(uid)))
}

async fn deregister(revision: &Revision, context: &Context, namespace: &str) -> Result<(), Error> {
    let patch = json!({
        "metadata": { "resourceVersion": revision.resource_version() },
        "spec": { "state": RevisionState::Inactive },
    });
    let api = context.api::<Revision>(namespace);
    match api.patch(&revision.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(|status| matches!(status.code, 404 | 409)) => {
            Err(Error::Stale { what: format!("TaskDefinitionRevision {}", revision.name_any()) })
        }
        Err(error) => Err(Error::request(format!("deregister {}", revision.name_any()), error)),
    }
}

async fn report(revision: &Revision, context: &Context, namespace: &str) -> Result<(), Error> {
    let word = match revision.state {
        RevisionState::Active => "ACTIVE",
        RevisionState::Inactive => "INACTIVE",
    };
    let before = revision.status.as_ref().and_then(|status| status.deregistered_at.clone());
    let is_inactive = revision.state == RevisionState::Inactive;
    let new = TaskDefinitionRevisionStatus {
        task_definition_arn: Some(context.arns.task_definition(&revision.family, revision.number)),
        status: Some(word.into()),
        registered_at: revision.metadata.creation_timestamp.clone(),
        deregistered_at: is_inactive.then(|| before.unwrap_or_else(|| context.now())),
        compatibilities: revision.compatibilities.clone(),
    };
    if revision.status.as_ref().is_some_and(|old| status::says_the_same(old, &new)) {
        return Ok(());
    }
    status::write(&context.api(namespace), revision, &new).await
}
