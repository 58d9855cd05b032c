//! How the tasks of a service ended, from their records: what is replaced at once and what later depends on it.

use std::sync::Arc;

use kube::ResourceExt;

use super::service_task::is_record;

use crate::{
    api::{
        task::EcsTask,
        task_status::{EcsTaskStatus, StopCode},
    },
    decide::{
        elapsed::since,
        start_throttle::{EndedTask, TaskEnd},
    },
    translate::labels,
};

/// The tasks that have stopped by themselves, the newest end first.
#[must_use]
pub fn earlier_ends(records: &[Arc<EcsTask>]) -> Vec<EndedTask> {
    let records = records.iter().filter(|task| is_record(task));
    let mut ended: Vec<_> = records.filter_map(|record| ended(record)).collect();
    ended.sort_by_key(|task| std::cmp::Reverse(task.stopped_at.0));
    ended
}

fn ended(record: &EcsTask) -> Option<EndedTask> {
    let deployment = record.labels().get(labels::DEPLOYMENT)?.parse().ok()?;
    let status = record.status.as_ref()?;
    let stopped_at = status.stopped_at.clone()?;
    let created_at = status.created_at.clone().or_else(|| record.metadata.creation_timestamp.clone());
    Some(EndedTask { id: record.name_any(), deployment, created_at, end: end(status)?, stopped_at })
}

fn end(status: &EcsTaskStatus) -> Option<TaskEnd> {
    match (status.stop_code?, &status.started_at) {
        (StopCode::EssentialContainerExited, Some(started)) => {
            let ended_at = status.execution_stopped_at.as_ref().or(status.stopped_at.as_ref())?;
            Some(TaskEnd::Ran(since(started, ended_at)))
        }
        // What it needed has ended before all of it had started.
        (StopCode::TaskFailedToStart, _) | (StopCode::EssentialContainerExited, None) => Some(TaskEnd::NeverRan),
        // Whoever stopped the others, they did not fail.
        _ => None,
    }
}
