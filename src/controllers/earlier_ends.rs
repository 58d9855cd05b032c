//! How the tasks of a service ended by themselves: what is replaced at once and what later depends on it. Their records tell, and
//! their Pods before the records do.

use std::{collections::HashSet, sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::{
        task::EcsTask,
        task_status::{EcsTaskStatus, StopCode},
    },
    decide::{
        elapsed::since,
        service_task::end,
        start_throttle::{EndedTask, TaskEnd},
        task_stop::tells_of_refusal,
    },
    kube_io::pod::Pod,
    translate::labels,
};

use super::{context::Context, service_task::is_record, task::Seen};

/// The tasks that have stopped by themselves, the newest end first. `pods` are those of the service, also those that are gone
/// and not recorded yet.
#[must_use]
pub fn earlier_ends(records: &[Arc<EcsTask>], pods: &[Arc<Pod>], context: &Context) -> Vec<EndedTask> {
    let records = records.iter().filter(|task| is_record(task));
    let mut ended: Vec<_> = records.filter_map(|record| by_record(record)).collect();
    let recorded: HashSet<_> = ended.iter().map(|task| task.id.clone()).collect();
    let now = context.now();
    let pods = pods.iter().filter(|pod| pod.is_deleted() || pod.status.has_ended());
    let of_pods = pods.filter_map(|pod| by_pod(&Seen::of(Arc::clone(pod), false, context), &now));
    ended.extend(of_pods.filter(|task| !recorded.contains(&task.id)));
    ended.sort_by_key(|task| std::cmp::Reverse(task.stopped_at.0));
    ended
}

fn by_record(record: &EcsTask) -> Option<EndedTask> {
    let deployment = record.labels().get(labels::DEPLOYMENT)?.parse().ok()?;
    let status = record.status.as_ref()?;
    let stopped_at = status.stopped_at.clone()?;
    let created_at = status.created_at.clone().or_else(|| record.metadata.creation_timestamp.clone());
    let (end, reason) = (recorded_end(status)?, status.stopped_reason.clone());
    Some(EndedTask { id: record.name_any(), deployment, created_at, end, reason, stopped_at })
}

fn recorded_end(status: &EcsTaskStatus) -> Option<TaskEnd> {
    let code = status.stop_code?;
    let started_at = status.started_at.as_ref();
    let reason = status.stopped_reason.as_deref().unwrap_or_default();
    if code == StopCode::TaskFailedToStart && tells_of_refusal(reason, status.exit_codes.as_deref()) {
        return Some(TaskEnd::Refused);
    }
    let ended_at = status.execution_stopped_at.as_ref().or(status.stopped_at.as_ref());
    end_of(code, started_at.zip(ended_at).map(|(started, ended)| since(started, ended)))
}

/// The end of a task whose Pod has ended, or is deleted for a reason that this process knows.
fn by_pod(seen: &Seen, now: &Time) -> Option<EndedTask> {
    let (facts, pod) = (seen.facts(now), &seen.pod);
    let by_itself = || end(&facts).filter(|_| pod.status.has_ended());
    let stop = seen.stop().cloned().or_else(by_itself)?;
    let ran = facts.progress().started_at.map(|started_at| facts.last_run(&started_at).0);
    let end = match stop.code {
        // It was asked to stop before it failed.
        StopCode::UserInitiated | StopCode::ServiceSchedulerInitiated => return None,
        StopCode::TaskFailedToStart if facts.is_refused() => TaskEnd::Refused,
        _ if facts.is_refused() => TaskEnd::TurnedAway,
        code => end_of(code, ran)?,
    };
    Some(EndedTask {
        id: pod.service_task_id()?,
        deployment: pod.deployment()?,
        created_at: pod.metadata.creation_timestamp.clone(),
        end,
        reason: Some(stop.reason),
        stopped_at: now.clone(),
    })
}

/// `ran` is how long, for a task that has reached RUNNING.
fn end_of(code: StopCode, ran: Option<Duration>) -> Option<TaskEnd> {
    match (code, ran) {
        (StopCode::EssentialContainerExited, Some(ran)) => Some(TaskEnd::Ran(ran)),
        // What it needed has ended before all of it had started.
        (StopCode::TaskFailedToStart, _) | (StopCode::EssentialContainerExited, None) => Some(TaskEnd::NeverRan),
        // Whoever stopped the others, they did not fail.
        _ => None,
    }
}
