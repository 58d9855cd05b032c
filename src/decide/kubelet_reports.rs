//! What kubelets report of Pods, as they write it: documents for the tests of what is decided by them.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use serde_json::{Value, json};

use crate::ecs::task_containers::{HealthBudget, RunningContainer};

use super::{
    pod_status::PodStatus,
    task_progress::{Deletion, TaskFacts},
};

/// Twelve o'clock, to which the reports below refer by their seconds.
pub fn at(second: i64) -> Time {
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    Time(Timestamp::from_second(noon.as_second() + second).unwrap())
}

/// The same, as it is written.
pub fn written(second: i64) -> String {
    at(second).0.to_string()
}

pub fn essential(name: &str) -> RunningContainer {
    RunningContainer {
        name: name.into(),
        kubernetes_name: None,
        essential: true,
        restarts_but_after: None,
        health_check: None,
        target: None,
    }
}

pub fn other(name: &str) -> RunningContainer {
    RunningContainer { essential: false, ..essential(name) }
}

/// Unhealthy when it is not healthy 30 seconds after its start.
pub fn checked(container: RunningContainer) -> RunningContainer {
    let budget = HealthBudget { interval: 5, timeout: 5, retries: 2, start_period: 10 };
    RunningContainer { health_check: Some(budget), ..container }
}

/// A task of a service that was placed, with a container `web` and a container `log`.
pub struct Scene {
    pub containers: Vec<RunningContainer>,
    pub status: PodStatus,
    pub is_scheduled: bool,
    /// When it was asked to go, with 30 seconds of grace.
    pub deleted_at: Option<i64>,
    pub is_gone: bool,
    pub runs_alone: bool,
    pub now: i64,
}

impl Scene {
    pub fn of(status: Value) -> Self {
        Self {
            containers: vec![essential("web"), other("log")],
            status: serde_json::from_value(status).unwrap(),
            is_scheduled: true,
            deleted_at: None,
            is_gone: false,
            runs_alone: false,
            now: 60,
        }
    }

    /// The task by itself.
    pub fn alone(status: Value) -> Self {
        Self { runs_alone: true, ..Self::of(status) }
    }

    /// Asks something of the task.
    pub fn ask<T>(&self, question: impl FnOnce(TaskFacts<'_>) -> T) -> T {
        let (timestamp, now) = (self.deleted_at.map(|second| at(second + 30)), at(self.now));
        question(TaskFacts {
            pod_name: "web-0",
            containers: &self.containers,
            status: &self.status,
            is_scheduled: self.is_scheduled,
            deletion: timestamp.as_ref().map(|timestamp| Deletion { timestamp, grace_seconds: 30 }),
            is_gone: self.is_gone,
            runs_alone: self.runs_alone,
            now: &now,
        })
    }
}

/// A Pod with regular containers, and the phase that goes with most of them.
pub fn pod(containers: &[Value]) -> Value {
    let is_pending = containers
        .iter()
        .any(|container| container["state"]["waiting"].is_object() && container["lastState"]["terminated"].is_null());
    json!({
        "phase": if is_pending { "Pending" } else { "Running" },
        "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": written(0)}],
        "containerStatuses": containers
    })
}

/// A Pod that has ended.
pub fn ended(phase: &str, containers: &[Value]) -> Value {
    let mut pod = pod(containers);
    pod["phase"] = json!(phase);
    pod
}

/// A Pod with containers that start before the others.
pub fn with_init(init: &[Value], containers: &[Value]) -> Value {
    let mut pod = pod(containers);
    pod["initContainerStatuses"] = json!(init);
    pod
}

/// A Pod for which the kubelet has no sandbox yet, or not any more.
pub fn without_sandbox(mut pod: Value, since: i64) -> Value {
    let condition =
        json!({"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": written(since)});
    pod["conditions"].as_array_mut().unwrap().push(condition);
    pod
}

fn container(name: &str, rest: Value) -> Value {
    let mut container = json!({
        "name": name,
        "image": "docker.io/library/nginx:1.27",
        "imageID": "",
        "ready": false,
        "started": false,
        "restartCount": 0,
        "state": {},
        "lastState": {}
    });
    let Value::Object(rest) = rest else { panic!("members") };
    container.as_object_mut().unwrap().extend(rest);
    container
}

fn ran(name: &str, rest: Value) -> Value {
    let mut container = container(name, rest);
    container["imageID"] = json!("docker.io/library/nginx@sha256:0a399eb1");
    container["containerID"] = json!("containerd://f00d");
    container
}

pub fn waiting(name: &str, reason: &str, message: &str) -> Value {
    let message = Some(message).filter(|message| !message.is_empty());
    container(name, json!({"state": {"waiting": {"reason": reason, "message": message}}}))
}

pub fn creating(name: &str) -> Value {
    waiting(name, "ContainerCreating", "")
}

pub fn running(name: &str, since: i64) -> Value {
    ran(name, json!({"ready": true, "started": true, "state": {"running": {"startedAt": written(since)}}}))
}

/// Its readiness probe does not succeed.
pub fn not_ready(name: &str, since: i64) -> Value {
    ran(name, json!({"started": true, "state": {"running": {"startedAt": written(since)}}}))
}

/// Its startup probe has not succeeded yet.
pub fn not_started(name: &str, since: i64) -> Value {
    ran(name, json!({"state": {"running": {"startedAt": written(since)}}}))
}

fn terminated(code: i32, from: i64, to: i64) -> Value {
    let reason = match code {
        0 => "Completed",
        137 => "OOMKilled",
        _ => "Error",
    };
    json!({"terminated": {
        "containerID": "containerd://f00d",
        "exitCode": code,
        "reason": reason,
        "message": "what the application wrote",
        "startedAt": written(from),
        "finishedAt": written(to)
    }})
}

/// 137 is the kill for its memory.
pub fn exited(name: &str, code: i32, from: i64, to: i64) -> Value {
    ran(name, json!({"state": terminated(code, from, to)}))
}

/// A job that is done: it counts as ready.
pub fn done(name: &str, from: i64, to: i64) -> Value {
    ran(name, json!({"ready": true, "state": terminated(0, from, to)}))
}

pub fn crash_loop(name: &str, code: i32, from: i64, to: i64) -> Value {
    let message = format!("back-off 10s restarting failed container={name} pod=web-0_ecs-default(1a2b)");
    let state = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
    ran(name, json!({"restartCount": 1, "state": state, "lastState": terminated(code, from, to)}))
}

pub fn restarted(name: &str, code: i32, from: i64, to: i64, again: i64) -> Value {
    let state = json!({"running": {"startedAt": written(again)}});
    let last = terminated(code, from, to);
    ran(name, json!({"ready": true, "started": true, "restartCount": 1, "state": state, "lastState": last}))
}

fn start_error() -> Value {
    json!({"terminated": {
        "containerID": "containerd://f00d",
        "exitCode": 128,
        "reason": "StartError",
        "message": "failed to create containerd task: exec: \"nope\": executable file not found in $PATH: unknown",
        "startedAt": "1970-01-01T00:00:00Z",
        "finishedAt": written(12)
    }})
}

pub fn failed_start(name: &str) -> Value {
    ran(name, json!({"state": start_error()}))
}

pub fn failed_start_again(name: &str) -> Value {
    let state =
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}});
    ran(name, json!({"restartCount": 1, "state": state, "lastState": start_error()}))
}

fn unknown_end(message: &str) -> Value {
    json!({"terminated": {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": message,
        "startedAt": null,
        "finishedAt": null
    }})
}

/// The kubelet found nothing of it when the Pod ended.
pub fn lost(name: &str) -> Value {
    container(name, json!({"state": unknown_end("The container could not be located when the pod was terminated")}))
}

/// The kubelet found nothing of it while the Pod goes on.
pub fn lost_before(name: &str) -> Value {
    let last =
        unknown_end("The container could not be located when the pod was deleted.  The container used to be Running");
    let state = json!({"waiting": {"reason": "ContainerCreating"}});
    container(name, json!({"restartCount": 1, "state": state, "lastState": last}))
}
