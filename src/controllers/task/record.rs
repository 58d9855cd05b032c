//! The record of a service's task: what it was and how it ended. It is kept for a while after the end, also when its service
//! is gone.

use std::{sync::Arc, time::Duration};

use kube::{Api, ResourceExt};

use crate::{
    api::{task::EcsTask, task_status::LastStatus},
    controllers::{context::Context, driver::Outcome, service_task::is_record},
    decide::{
        task_events::ChangeKind,
        task_news::news,
        task_retention::{self, StoppedTask},
        task_status,
    },
    kube_io::{apply::delete_if_there, error::Error, finalizer, pod::Pod, status},
    translate::labels,
};

use super::{identity, seen::Seen};

pub(super) async fn reconcile(record: &EcsTask, context: &Context) -> Result<Outcome, Error> {
    let namespace = record.namespace().unwrap_or_default();
    let records: Api<EcsTask> = context.api(&namespace);
    if context.is_terminating(&namespace) {
        release(record, &records).await?;
        return Ok(Outcome::Done);
    }
    let before = record.status.clone().unwrap_or_default();
    if before.has_stopped() {
        return retire(record, &records, context).await;
    }
    let seen = pod_of(record, &namespace, context).map(|(pod, is_gone)| Seen::of(pod, is_gone, context));
    let now = context.now();
    let seen = seen.as_ref().map(|seen| (seen, seen.facts(&now).progress()));
    let mut identity = identity::of_record(record, context);
    // The record may be younger than its task.
    let made_at = seen.as_ref().and_then(|(seen, _)| seen.pod.metadata.creation_timestamp.clone());
    identity.created_at = made_at.or_else(|| before.created_at.clone()).or(identity.created_at);
    let after = match &seen {
        Some((seen, progress)) => task_status::status(&before, &identity, &seen.pod(&now, progress, seen.stop())),
        None => task_status::identified(&task_status::lost(&before, None, &now), &identity),
    };
    let is_whole_since = seen.as_ref().and_then(|(seen, _)| seen.facts(&now).is_whole_since());
    let news = news(&before, &after, is_whole_since, &now);
    if news == Some(Duration::ZERO) {
        // Before the write, which brings the service to tell of it.
        let has_started = before.started_at.is_none() && after.last_status == Some(LastStatus::Running);
        if let Some((seen, _)) = seen.as_ref().filter(|(seen, _)| has_started && !seen.pod.targets.is_empty()) {
            seen.note_change(ChangeKind::Registered, context);
        }
        status::write(&records, record, &after).await?;
        // The change brings the record back here.
        return Ok(Outcome::Done);
    }
    let look_again = seen.as_ref().and_then(|(seen, progress)| seen.facts(&now).look_again_after(progress));
    Ok(news.into_iter().chain(look_again).min().map_or(Outcome::Done, Outcome::Wait))
}

/// The Pod of a record, and whether it is gone. A record is named after the UID of its Pod.
fn pod_of(record: &EcsTask, namespace: &str, context: &Context) -> Option<(Arc<Pod>, bool)> {
    let name = record.annotations().get(labels::POD)?;
    let is_it = |pod: &Arc<Pod>| pod.service_task_id().as_deref() == Some(&*record.name_any());
    let there = context.caches.pods.get(namespace, name).filter(is_it).map(|pod| (pod, false));
    there.or_else(|| context.departed_pods.get(namespace, name).filter(is_it).map(|pod| (pod, true)))
}

/// Deletes the records that are kept no longer: this one, or older ones of the same service of which there are too many now.
async fn retire(record: &EcsTask, records: &Api<EcsTask>, context: &Context) -> Result<Outcome, Error> {
    forget(record, context);
    if record.metadata.deletion_timestamp.is_some() {
        release(record, records).await?;
        return Ok(Outcome::Done);
    }
    let namespace = record.namespace().unwrap_or_default();
    let of_service = match record.labels().get(labels::SERVICE) {
        Some(service) => context.caches.tasks.of_service(&namespace, service),
        None => Vec::new(),
    };
    // A user's own task may carry the label as well.
    let of_service: Vec<_> = of_service.into_iter().filter(|task| is_record(task)).collect();
    let stopped: Vec<_> = of_service.iter().filter_map(|record| stopped(record)).collect();
    let retention = context.stopped_task_retention(&namespace);
    let mut outcome = Outcome::Done;
    for (id, verdict) in task_retention::verdicts(&stopped, retention, &context.now()) {
        let is_this = id == record.name_any();
        match verdict {
            task_retention::Verdict::Delete => {
                let Some(old) = of_service.iter().find(|record| record.name_any() == id) else { continue };
                release(old, records).await?;
                delete_if_there(records, &id, old.uid()).await?;
            }
            task_retention::Verdict::Keep(left) if is_this => outcome = Outcome::Wait(left.max(Duration::from_secs(1))),
            task_retention::Verdict::Keep(_) => {}
        }
    }
    Ok(outcome)
}

/// The record has all: its Pod is not needed any more.
fn forget(record: &EcsTask, context: &Context) {
    let namespace = record.namespace().unwrap_or_default();
    let pod = pod_of(record, &namespace, context).filter(|(_, is_gone)| *is_gone);
    if let Some((pod, _)) = pod {
        context.forget(&pod);
    }
}

fn stopped(record: &EcsTask) -> Option<StoppedTask> {
    let status = record.status.as_ref().filter(|status| status.has_stopped())?;
    Some(StoppedTask { id: record.name_any(), stopped_at: status.stopped_at.clone()? })
}

async fn release(record: &EcsTask, records: &Api<EcsTask>) -> Result<(), Error> {
    if finalizer::is_set(record, finalizer::TASK) {
        finalizer::remove(records, record, finalizer::TASK).await?;
    }
    Ok(())
}
