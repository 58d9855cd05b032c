//! How the tasks of a service ended, from their records: what is replaced at once and what later depends on it.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::service_task::is_record;

use crate::{
    api::{
        task::EcsTask,
        task_status::{EcsTaskStatus, StopCode},
    },
    decide::{elapsed::since, start_throttle::TaskEnd},
    translate::labels,
};

/// How tasks ended that have stopped by themselves, each with the number of its deployment, the newest first.
#[must_use]
pub fn earlier_ends(records: &[Arc<EcsTask>]) -> Vec<(i64, TaskEnd)> {
    let records = records.iter().filter(|task| is_record(task));
    let mut ended: Vec<_> = records.filter_map(|record| ended(record)).collect();
    ended.sort_by_key(|(stopped_at, _)| std::cmp::Reverse(*stopped_at));
    ended.into_iter().map(|(_, end)| end).collect()
}

fn ended(record: &EcsTask) -> Option<(Timestamp, (i64, TaskEnd))> {
    let deployment = record.labels().get(labels::DEPLOYMENT)?.parse().ok()?;
    let status = record.status.as_ref()?;
    Some((status.stopped_at.as_ref()?.0, (deployment, end(status)?)))
}

fn end(status: &EcsTaskStatus) -> Option<TaskEnd> {
    match (status.stop_code?, &status.started_at) {
        (StopCode::EssentialContainerExited, Some(started)) => {
            let ended_at = status.execution_stopped_at.as_ref().or(status.stopped_at.as_ref())?;
            Some(TaskEnd::Ran(since(started, ended_at)))
        }
        (StopCode::TaskFailedToStart, _) => Some(TaskEnd::NeverRan),
        // Whoever stopped the others, they did not fail.
        _ => None,
    }
}
