//! A task that somebody runs by itself: one Pod, which is made once and never again. Each step has a file of its own.

mod follow;
mod start;
mod validate;

use std::time::Duration;

use kube::{Api, ResourceExt};

use crate::{
    api::{
        task::EcsTask,
        task_status::{EcsTaskStatus, LastStatus},
    },
    controllers::{context::Context, driver::Outcome},
    kube_io::{error::Error, status},
};

pub(super) async fn reconcile(task: &EcsTask, context: &Context) -> Result<Outcome, Error> {
    let namespace = task.namespace().unwrap_or_default();
    // The Pod is the task's: the garbage collector stops it.
    if task.metadata.deletion_timestamp.is_some() || context.is_terminating(&namespace) {
        return Ok(Outcome::Done);
    }
    let before = task.status.clone().unwrap_or_default();
    if before.last_status == Some(LastStatus::Stopped) {
        return follow::retire(task, &before, context).await;
    }
    match follow::pod_of(task, &before, context) {
        follow::Found::Seen(seen) => follow::follow(task, &before, &seen, context).await,
        follow::Found::Awaited => Ok(Outcome::Wait(Duration::from_secs(1))),
        follow::Found::Lost => follow::lose(task, &before, context).await,
        follow::Found::NotMade => start::start(task, &before, context).await,
    }
}

/// Writes a status that says something new.
async fn write(task: &EcsTask, before: &EcsTaskStatus, after: &EcsTaskStatus, context: &Context) -> Result<(), Error> {
    if status::says_the_same(before, after) {
        return Ok(());
    }
    let tasks: Api<EcsTask> = context.api(&task.namespace().unwrap_or_default());
    status::write(&tasks, task, after).await
}
