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
        task_definition_revision::{RevisionState, TaskDefinitionRevision, TaskDefinitionRevisionStatus},
    },
    decide::revision_retention::{self, RetainedRevision},
    ecs::{compatibilities::compatibilities, task_definition_reference::TaskDefinitionReference},
    kube_io::{
        apply::delete_if_there,
        caches::Caches,
        error::{Error, api_status},
        status,
    },
    translate::labels,
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
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
        let inactive = all.revisions.store.state_filter(|revision| revision.spec.state == RevisionState::Inactive);
        inactive.iter().map(|revision| ObjectRef::from_obj(&**revision)).collect()
    });
    let driver = Driver { store: caches.revisions.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

fn registered_from(caches: &Caches, task_definition: &TaskDefinition) -> Vec<Arc<TaskDefinitionRevision>> {
    let namespace = task_definition.namespace().unwrap_or_default();
    let uid = task_definition.uid().unwrap_or_default();
    caches.revisions.labelled(&namespace, labels::TASK_DEFINITION_UID, &uid)
}

async fn reconcile(revision: Arc<TaskDefinitionRevision>, context: Arc<Context>) -> Result<Outcome, Error> {
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
    if revision.spec.state == RevisionState::Inactive {
        delete_obsolete(&revision.spec.family, &context, &namespace).await?;
    }
    Ok(Outcome::Done)
}

/// Deletes the old revisions of a family. Another one may have become old with this one.
async fn delete_obsolete(family: &str, context: &Context, namespace: &str) -> Result<(), Error> {
    let revisions = of_family(&context.caches, namespace, family);
    let task_definition = claimant(&context.caches, namespace, family);
    let newest = task_definition.as_ref().and_then(|task_definition| {
        let uid = task_definition.uid();
        let own =
            revisions.iter().filter(|revision| revision.labels().get(labels::TASK_DEFINITION_UID) == uid.as_ref());
        own.map(|revision| revision.spec.revision).max()
    });
    let used = used_by_services(context, namespace, family);
    let retained: Vec<_> = revisions
        .iter()
        .map(|revision| RetainedRevision {
            number: revision.spec.revision,
            inactive: revision.spec.state == RevisionState::Inactive,
            in_use: newest == Some(revision.spec.revision) || used.contains(&revision.spec.revision),
        })
        .collect();
    let api = context.api::<TaskDefinitionRevision>(namespace);
    for number in revision_retention::obsolete(&retained, limit(task_definition.as_deref(), &revisions)) {
        for revision in revisions.iter().filter(|revision| revision.spec.revision == number) {
            delete_if_there(&api, &revision.name_any(), revision.uid()).await?;
        }
    }
    Ok(())
}

fn of_family(caches: &Caches, namespace: &str, family: &str) -> Vec<Arc<TaskDefinitionRevision>> {
    caches.revisions.store.state_filter(|revision| {
        revision.metadata.namespace.as_deref() == Some(namespace) && revision.spec.family == family
    })
}

fn claimant(caches: &Caches, namespace: &str, family: &str) -> Option<Arc<TaskDefinition>> {
    let claims = |each: &TaskDefinition| {
        each.spec.definition.family.as_deref().map_or(each.name_any() == family, |given| given == family)
    };
    caches.task_definitions.in_namespace(namespace).into_iter().find(|each| claims(each))
}

/// How many are kept: what the TaskDefinition says, or the newest revision of one that is gone.
fn limit(task_definition: Option<&TaskDefinition>, revisions: &[Arc<TaskDefinitionRevision>]) -> usize {
    let newest = revisions.iter().max_by_key(|revision| revision.spec.revision);
    let definition = task_definition
        .map(|task_definition| &task_definition.spec.definition)
        .or_else(|| newest.map(|revision| &revision.spec.definition));
    let given = definition.and_then(|definition| definition.kubernetes.as_ref()?.revision_history_limit);
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
async fn observe_orphaned(
    revision: &TaskDefinitionRevision,
    context: &Context,
    namespace: &str,
) -> Result<bool, Error> {
    let Some(uid) = revision.labels().get(labels::TASK_DEFINITION_UID) else { return Ok(false) };
    let is_it = |task_definition: &TaskDefinition| task_definition.uid().as_ref() == Some(uid);
    let cached = || context.caches.task_definitions.in_namespace(namespace).iter().any(|each| is_it(each));
    if revision.spec.state == RevisionState::Inactive || cached() {
        return Ok(false);
    }
    let listed = context
        .api::<TaskDefinition>(namespace)
        .list_metadata(&ListParams::default())
        .await
        .map_err(|error| Error::request("list TaskDefinitions", error))?;
    Ok(!listed.items.iter().any(|each| each.metadata.uid.as_ref() == Some(uid)))
}

async fn deregister(revision: &TaskDefinitionRevision, context: &Context, namespace: &str) -> Result<(), Error> {
    let patch = json!({
        "metadata": { "resourceVersion": revision.resource_version() },
        "spec": { "state": RevisionState::Inactive },
    });
    let api = context.api::<TaskDefinitionRevision>(namespace);
    match api.patch(&revision.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(|status| matches!(status.code, 404 | 409)) => {
            Err(Error::Stale { what: format!("TaskDefinitionRevision {}", revision.name_any()) })
        }
        Err(error) => Err(Error::request(format!("deregister {}", revision.name_any()), error)),
    }
}

async fn report(revision: &TaskDefinitionRevision, context: &Context, namespace: &str) -> Result<(), Error> {
    let word = match revision.spec.state {
        RevisionState::Active => "ACTIVE",
        RevisionState::Inactive => "INACTIVE",
    };
    let before = revision.status.as_ref().and_then(|status| status.deregistered_at.clone());
    let is_inactive = revision.spec.state == RevisionState::Inactive;
    let new = TaskDefinitionRevisionStatus {
        task_definition_arn: Some(context.arns.task_definition(&revision.spec.family, revision.spec.revision)),
        status: Some(word.into()),
        registered_at: revision.metadata.creation_timestamp.clone(),
        deregistered_at: is_inactive.then(|| before.unwrap_or_else(|| context.now())),
        compatibilities: compatibilities(&revision.spec.definition),
    };
    if revision.status.as_ref().is_some_and(|old| status::says_the_same(old, &new)) {
        return Ok(());
    }
    status::write(&context.api(namespace), revision, &new).await
}
