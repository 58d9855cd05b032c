//! Follows the Pod of a task until it has stopped, and stops it when its time has come.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Pod as CorePod;
use kube::{Api, ResourceExt};

use crate::{
    api::{task::EcsTask, task_status::EcsTaskStatus},
    controllers::{
        context::Context,
        driver::Outcome,
        task::{Seen, identity},
    },
    decide::{
        conditions::{Finding, STALLED, reason},
        elapsed::left,
        task_alone::{self, Action},
        task_status::{self, Identity},
    },
    kube_io::{apply::delete_if_there, error::Error, pod::Pod, scheduling_gate},
    translate::{names, owner::Owner},
};

use super::{
    start::{accepted, not_stalled, with_findings},
    wish, write,
};

/// What is known of the Pod of a task.
pub(super) enum Found {
    /// It is there, or has just gone.
    Seen(Seen),
    /// It was there, and nobody saw it go.
    Lost,
    /// It was never made.
    NotMade,
}

pub(super) fn pod_of(task: &EcsTask, before: &EcsTaskStatus, context: &Context) -> Found {
    let (namespace, name) = (task.namespace().unwrap_or_default(), names::task_pod(&task.name_any()));
    let owner = Owner::of(task);
    // A Pod that was made after the recorded one is nothing of the task: nobody lets it run.
    let is_recorded = |pod: &Pod| before.pod_uid.is_none() || before.pod_uid == pod.metadata.uid;
    let is_it = |pod: &Arc<Pod>| owner.controls(&**pod) && is_recorded(pod);
    let there = context.caches.pods.get(&namespace, &name).filter(is_it).map(|pod| (pod, false));
    let found = there.or_else(|| context.departed_pods.get(&namespace, &name).filter(is_it).map(|pod| (pod, true)));
    match found {
        Some((pod, is_gone)) => Found::Seen(Seen::of(pod, is_gone, context)),
        None if before.pod_uid.is_some() => Found::Lost,
        None => Found::NotMade,
    }
}

pub(super) async fn follow(
    task: &EcsTask,
    before: &EcsTaskStatus,
    seen: &Seen,
    context: &Context,
) -> Result<Outcome, Error> {
    let now = context.now();
    let wish = wish(task);
    let action = task_alone::action(&seen.facts(&now), wish.clone(), seen.placed_at());
    let decided = match &action {
        Action::Stop(stop) => Some(stop.clone()),
        // Whoever deleted the Pod did what the user asks for.
        Action::Nothing | Action::Wait(_) => wish.filter(|_| seen.pod.is_deleted()),
    };
    if let Action::Stop(stop) = &action {
        seen.note_stop(stop, context);
    }
    let stop = seen.stop().cloned().or(decided);
    let identity = identity_before(task, before, context);
    let progress = seen.facts(&now).progress();
    let after = task_status::status(before, &identity, &seen.pod(&now, &progress, stop.as_ref()));
    let hindrance = seen.facts(&now).hindrance(&progress).filter(|_| stop.is_none() && after.reason.is_some());
    // `reason` has as much of it as fits into a row. What is behind that may change with each try of the kubelet, which is no news.
    let told = before.conditions.iter().find(|told| told.reason == reason::TASK_DOES_NOT_RUN);
    let told = told.filter(|_| before.reason == after.reason).map(|told| told.message.clone());
    let not_stalled = hindrance.map_or_else(not_stalled, |hindrance| {
        Finding::fails(STALLED, reason::TASK_DOES_NOT_RUN, told.unwrap_or_else(|| hindrance.text().to_owned()))
    });
    let after = with_findings(task, before, after, &[accepted(), not_stalled], context);
    // The reason is written down before the Pod is deleted for it: nothing else tells it.
    write(task, before, &after, context).await?;
    let pods: Api<CorePod> = context.api(&task.namespace().unwrap_or_default());
    let left = match action {
        Action::Stop(_) => {
            delete_if_there(&pods, &seen.pod.name_any(), seen.pod.uid()).await?;
            None
        }
        Action::Wait(left) => Some(left),
        Action::Nothing => {
            if may_run(before, seen) {
                scheduling_gate::lift(&pods, &seen.pod).await?;
            }
            None
        }
    };
    let next = progress.look_again_after.into_iter().chain(left).min();
    Ok(next.map_or(Outcome::Done, Outcome::Wait))
}

/// Whether a Pod waits only for its UID to be written down, and it is: from now on no other is made for the task.
fn may_run(before: &EcsTaskStatus, seen: &Seen) -> bool {
    let is_there = !seen.is_gone && !seen.pod.is_deleted();
    is_there && seen.pod.waits_to_be_recorded() && before.pod_uid == seen.pod.metadata.uid
}

/// The Pod is gone, and this process did not see it end.
pub(super) async fn lose(task: &EcsTask, before: &EcsTaskStatus, context: &Context) -> Result<Outcome, Error> {
    let lost = task_status::lost(before, None, &context.now());
    let after = task_status::identified(&lost, &identity_before(task, before, context));
    write(task, before, &after, context).await?;
    Ok(Outcome::Done)
}

/// What was resolved when the task was started.
fn identity_before(task: &EcsTask, before: &EcsTaskStatus, context: &Context) -> Identity {
    let (family, revision) = identity::revision_of(before.task_definition_revision.as_deref().unwrap_or_default());
    let cluster = before.cluster_arn.as_deref().map(crate::ecs::arn::last_segment).unwrap_or_default();
    identity::of_task(task, cluster, &family, revision, context)
}

/// The Pod of a stopped task goes after the cluster's time for that, the task itself after its own, if it has one.
pub(super) async fn retire(task: &EcsTask, before: &EcsTaskStatus, context: &Context) -> Result<Outcome, Error> {
    let namespace = task.namespace().unwrap_or_default();
    if let Found::Seen(seen) = pod_of(task, before, context)
        && seen.is_gone
    {
        context.forget(&seen.pod);
    }
    let Some(stopped_at) = &before.stopped_at else { return Ok(Outcome::Done) };
    let now = context.now();
    let kubernetes = task.spec.kubernetes.as_ref();
    let ttl = kubernetes.and_then(|kubernetes| kubernetes.ttl_seconds_after_stopped);
    let ttl = ttl.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    if ttl.is_some_and(|ttl| left(stopped_at, ttl, &now).is_zero()) {
        delete_if_there(&context.api::<EcsTask>(&namespace), &task.name_any(), task.uid()).await?;
        return Ok(Outcome::Done);
    }
    // One that was made when the task was just being stopped is not recorded, and never runs.
    let is_recorded = before.pod_uid.is_some();
    let kept = if is_recorded { context.stopped_task_retention(&namespace) } else { Duration::ZERO };
    let pod_left = left(stopped_at, kept, &now);
    let pod = context.caches.pods.get(&namespace, &names::task_pod(&task.name_any()));
    let pod = pod.filter(|pod| Owner::of(task).controls(&**pod));
    if let Some(pod) = pod.as_ref().filter(|_| pod_left.is_zero()) {
        delete_if_there(&context.api::<CorePod>(&namespace), &pod.name_any(), pod.uid()).await?;
    }
    let pod_left = pod.map(|_| pod_left).filter(|left| !left.is_zero());
    let next = ttl.map(|ttl| left(stopped_at, ttl, &now)).into_iter().chain(pod_left).min();
    Ok(next.map_or(Outcome::Done, Outcome::Wait))
}
