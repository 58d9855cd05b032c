//! The Pods of services -> the records of their tasks, and the end of the Pod when the task has ended. What a record says of
//! its task is `task`'s; when a task that cannot start or is not healthy is replaced, is the service's.

mod observe;

use std::sync::Arc;

use futures::{Future, channel::mpsc::unbounded, future::Shared};
use k8s_openapi::api::core::v1::Pod as CorePod;
use kube::{Api, ResourceExt, api::PostParams, runtime::reflector::ObjectRef};

use crate::{
    api::{task::EcsTask, task_status::EcsTaskStatus},
    decide::{
        service_task::{Action, action, deleted_by_others},
        task_events::ChangeKind,
    },
    kube_io::{
        apply::delete_if_there,
        error::{Error, api_status},
        finalizer,
        pod::Pod,
    },
    translate::{labels, task_record},
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    triggers::Triggers,
};
use observe::Observed;

/// Looks after the tasks of services until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = &context.caches;
    let (triggers, receiver) = Triggers::of(&caches.pods);
    // A record that somebody deletes, or wants to stop.
    triggers.from(&caches.tasks, |record: &EcsTask| {
        let pod = record.annotations().get(labels::POD).filter(|_| is_record(record));
        let namespace = record.namespace().unwrap_or_default();
        pod.map(|pod| ObjectRef::new(pod).within(&namespace)).into_iter().collect()
    });
    let all = Arc::clone(context);
    let (departures, departed) = unbounded();
    caches.pods.feed_departures(departures, move |pod: &Pod| {
        all.departed_pods.keep(pod);
        ObjectRef::from_obj(pod)
    });
    let there = Driver { store: caches.pods.store.clone(), triggers: receiver };
    let gone = Driver { store: context.departed_pods.store.clone(), triggers: departed };
    futures::join!(there.run(context, stop.clone(), reconcile), gone.run(context, stop, reconcile_departed));
}

/// Whether an EcsTask is the operator's record of a service's task.
#[must_use]
pub fn is_record(task: &EcsTask) -> bool {
    let labels = task.labels();
    labels.get(labels::MANAGED_BY).is_some_and(|by| by == labels::OPERATOR) && labels.contains_key(labels::SERVICE)
}

async fn reconcile(pod: Arc<Pod>, context: Arc<Context>) -> Result<Outcome, Error> {
    let Some(observed) = observe::observe(pod, false, &context) else { return Ok(Outcome::Done) };
    let outcome = end(&observed, &context).await?;
    record(&observed, &context).await?;
    Ok(outcome)
}

/// A Pod that is gone still needs its record. When that has all, `task` forgets the Pod.
async fn reconcile_departed(pod: Arc<Pod>, context: Arc<Context>) -> Result<Outcome, Error> {
    match observe::observe(Arc::clone(&pod), true, &context) {
        Some(observed) if !observed.is_namespace_terminating => {
            // What was known of a task whose record has stopped is forgotten already.
            if !observed.record.as_ref().is_some_and(|record| has_stopped(record)) {
                note_deletion(&observed, &context);
            }
            record(&observed, &context).await?;
        }
        // Of a task by itself as well, while that has not stopped.
        None if context.awaits_end(&pod) => {}
        _ => context.forget(&pod),
    }
    Ok(Outcome::Done)
}

fn has_stopped(record: &EcsTask) -> bool {
    record.status.as_ref().is_some_and(EcsTaskStatus::has_stopped)
}

/// Deletes the Pod of a task that ends. This comes first: a new task starts only then.
async fn end(observed: &Observed, context: &Context) -> Result<Outcome, Error> {
    let (seen, now) = (&observed.seen, context.now());
    if seen.pod.is_deleted() {
        note_deletion(observed, context);
        return Ok(Outcome::Done);
    }
    match action(&observed.task(&observed.quick_ends(), &now)) {
        Action::Nothing => Ok(Outcome::Done),
        Action::Wait(left) => Ok(Outcome::Wait(left)),
        Action::LeaveRestarted => {
            context.stops.accept_restarts(seen.uid(), seen.essential_restarts());
            Ok(Outcome::Done)
        }
        Action::Stop(stop) => {
            seen.note_stop(&stop, context);
            let pods: Api<CorePod> = context.api(&observed.namespace);
            delete_if_there(&pods, &seen.pod.name_any(), seen.pod.uid()).await?;
            Ok(Outcome::Done)
        }
    }
}

/// Notes why a Pod was deleted, when that is not the operator's doing.
fn note_deletion(observed: &Observed, context: &Context) {
    let (seen, now) = (&observed.seen, context.now());
    if seen.pod.is_deleted() && seen.stop().is_none() {
        let stop = deleted_by_others(&seen.facts(&now), observed.surroundings(context, &now));
        seen.note_stop(&stop, context);
    }
}

/// Makes the record of a task that has none.
async fn record(observed: &Observed, context: &Context) -> Result<(), Error> {
    if observed.record.is_some() || observed.is_namespace_terminating {
        return Ok(());
    }
    let record = task_record::record(observed.recorded(), finalizer::TASK);
    let records: Api<EcsTask> = context.api(&observed.namespace);
    // Before the write, which brings the service to tell of it.
    let is_news = observed.seen.note_change(ChangeKind::Started, context);
    let created = records.create(&PostParams::default(), &record).await;
    // What was noted before may be of a record that the cache does not have yet.
    if created.is_err() && is_news {
        observed.seen.withdraw_change(ChangeKind::Started, context);
    }
    match created {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(|status| status.code == 409) => Ok(()),
        // The Namespace has gone, and whoever would read it.
        Err(error) if api_status(&error).is_some_and(|status| status.code == 404) => {
            context.forget(&observed.seen.pod);
            Ok(())
        }
        Err(error) => Err(Error::request(format!("record task {}", observed.task_id), error)),
    }
}
