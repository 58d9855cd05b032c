//! EcsTask -> Pod, where somebody runs a task by itself; and what the records of services' tasks say. Making those records
//! is `service_task`'s.

mod alone;
mod identity;
mod record;
mod seen;

use std::sync::Arc;

use futures::{Future, future::Shared};
use kube::{ResourceExt, runtime::reflector::ObjectRef};

use crate::{
    api::{cluster::EcsCluster, role::EcsRole, security_group::EcsSecurityGroup, task::EcsTask},
    kube_io::{caches::Caches, error::Error, pod::Pod, revision::Revision},
};

use super::{
    cluster::namespace_of,
    context::Context,
    driver::{Driver, Outcome},
    service_task::is_record,
    triggers::{LastSeen, Triggers},
};

pub use seen::Seen;

/// Looks after EcsTasks until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = &context.caches;
    let (triggers, receiver) = Triggers::of(&caches.tasks);
    triggers.owner_of(&caches.pods);
    triggers.from(&caches.pods, |pod: &Pod| {
        let namespace = pod.namespace().unwrap_or_default();
        pod.service_task_id().map(|id| ObjectRef::new(&id).within(&namespace)).into_iter().collect()
    });
    // What a task that has not started waits for.
    let all = Arc::clone(caches);
    triggers.from(&caches.security_groups, move |group: &EcsSecurityGroup| waiting_in(&all, group));
    let all = Arc::clone(caches);
    triggers.from(&caches.roles, move |role: &EcsRole| waiting_in(&all, role));
    let all = Arc::clone(caches);
    let shared = context.settings.shared_namespace.clone();
    triggers.from(&caches.revisions, move |revision: &Revision| {
        let namespace = revision.namespace().unwrap_or_default();
        waiting(&all, (shared.as_ref() != Some(&namespace)).then_some(namespace.as_str()))
    });
    let (all, retentions) = (Arc::clone(caches), LastSeen::new());
    triggers.from(&caches.clusters, move |cluster: &EcsCluster| {
        let namespace = namespace_of(cluster);
        let retention = cluster.spec.kubernetes.as_ref().and_then(|members| members.stopped_task_retention.clone());
        let is_new = retentions.has_changed(&cluster.uid().unwrap_or_default(), retention);
        let stopped = if is_new { stopped_in(&all, &namespace) } else { Vec::new() };
        [waiting(&all, Some(&namespace)), stopped].concat()
    });
    let driver = Driver { store: caches.tasks.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

/// The tasks of an object's Namespace that have not started.
fn waiting_in<K: ResourceExt>(caches: &Caches, object: &K) -> Vec<ObjectRef<EcsTask>> {
    waiting(caches, Some(&object.namespace().unwrap_or_default()))
}

/// The same of a Namespace, or of all.
fn waiting(caches: &Caches, namespace: Option<&str>) -> Vec<ObjectRef<EcsTask>> {
    let is_waiting = |task: &EcsTask| {
        let status = task.status.as_ref();
        let has_begun = status.is_some_and(|status| status.pod_uid.is_some() || status.stopped_at.is_some());
        let is_near = namespace.is_none_or(|namespace| task.metadata.namespace.as_deref() == Some(namespace));
        is_near && !has_begun && !is_record(task)
    };
    caches.tasks.store.state_filter(is_waiting).iter().map(|task| ObjectRef::from_obj(&**task)).collect()
}

/// The tasks of a Namespace that have stopped and are kept for a while, also when their service is gone.
fn stopped_in(caches: &Caches, namespace: &str) -> Vec<ObjectRef<EcsTask>> {
    let has_stopped = |task: &EcsTask| {
        task.metadata.namespace.as_deref() == Some(namespace)
            && task.status.as_ref().is_some_and(|status| status.stopped_at.is_some())
    };
    caches.tasks.store.state_filter(has_stopped).iter().map(|task| ObjectRef::from_obj(&**task)).collect()
}

async fn reconcile(task: Arc<EcsTask>, context: Arc<Context>) -> Result<Outcome, Error> {
    if is_record(&task) { record::reconcile(&task, &context).await } else { alone::reconcile(&task, &context).await }
}
