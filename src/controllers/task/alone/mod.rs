//! A task that somebody runs by itself: one Pod, which runs once and never again. Each step has a file of its own.

mod follow;
mod start;
mod validate;

use kube::{Api, ResourceExt};

use crate::{
    api::{
        task::{DesiredStatus, EcsTask},
        task_status::EcsTaskStatus,
    },
    controllers::{context::Context, driver::Outcome},
    decide::{service_task::user_stop, task_stop::Stop},
    kube_io::{error::Error, status},
};

pub(super) async fn reconcile(task: &EcsTask, context: &Context) -> Result<Outcome, Error> {
    let namespace = task.namespace().unwrap_or_default();
    // The Pod is the task's: the garbage collector stops it.
    if task.metadata.deletion_timestamp.is_some() || context.is_terminating(&namespace) {
        return Ok(Outcome::Done);
    }
    let before = task.status.clone().unwrap_or_default();
    if before.has_stopped() {
        return follow::retire(task, &before, context).await;
    }
    match follow::pod_of(task, &before, context) {
        follow::Found::Seen(seen) => follow::follow(task, &before, &seen, context).await,
        follow::Found::Lost => follow::lose(task, &before, context).await,
        follow::Found::NotMade => start::start(task, &before, context).await,
    }
}

/// The stop that the task's user asks for.
fn wish(task: &EcsTask) -> Option<Stop> {
    (task.spec.desired_status == Some(DesiredStatus::Stopped)).then(|| user_stop(task.spec.reason.as_deref()))
}

/// Writes a status that says something new.
async fn write(task: &EcsTask, before: &EcsTaskStatus, after: &EcsTaskStatus, context: &Context) -> Result<(), Error> {
    if status::says_the_same(before, after) {
        return Ok(());
    }
    let tasks: Api<EcsTask> = context.api(&task.namespace().unwrap_or_default());
    status::write(&tasks, task, after).await
}
