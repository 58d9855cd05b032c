//! TaskDefinitionRevision: deregistered when its TaskDefinition is gone, also when that happened while the operator was away.

use std::sync::Arc;

use futures::{Future, future::Shared};
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams},
    runtime::reflector::ObjectRef,
};
use serde_json::json;

use crate::{
    api::{
        task_definition::TaskDefinition,
        task_definition_revision::{RevisionState, TaskDefinitionRevision, TaskDefinitionRevisionStatus},
    },
    kube_io::{
        error::{Error, api_status},
        status,
    },
    translate::labels,
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    triggers::Triggers,
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
    let driver = Driver { store: caches.revisions.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

fn registered_from(
    caches: &crate::kube_io::caches::Caches,
    task_definition: &TaskDefinition,
) -> Vec<Arc<TaskDefinitionRevision>> {
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
    } else {
        report(&revision, &context, &namespace).await?;
    }
    Ok(Outcome::Done)
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
    let new = TaskDefinitionRevisionStatus {
        task_definition_arn: Some(context.arns.task_definition(&revision.spec.family, revision.spec.revision)),
        status: Some(word.into()),
    };
    if revision.status.as_ref().is_some_and(|old| status::says_the_same(old, &new)) {
        return Ok(());
    }
    status::write(&context.api(namespace), revision, &new).await
}
