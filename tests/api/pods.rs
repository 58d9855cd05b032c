//! Reports of a kubelet, for Pods on virtual nodes.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::{connection, scene::Scene};

/// Writes into the status of a Pod.
pub async fn report(scene: &Scene, pod: &Value, status: Value) {
    assert!(report_if_there(scene, pod, status).await, "{} is gone", pod["metadata"]["name"]);
}

/// Writes into the status of a Pod, and says whether it is still there: the operator may have ended it meanwhile.
pub async fn report_if_there(scene: &Scene, pod: &Value, status: Value) -> bool {
    let path = format!("{}/status", scene.path("Pod", pod["metadata"]["name"].as_str().unwrap()));
    let answer = connection::merge(&scene.client, &path, &json!({"status": status})).await;
    assert!(answer.code < 300 || answer.code == 404, "{path}: {}", answer.message());
    answer.code != 404
}

/// A container that has ended.
pub fn ends(container: &str, exit_code: i32, reason: &str) -> Value {
    let ended = json!({
        "exitCode": exit_code, "reason": reason, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:05:00Z"
    });
    json!({"containerStatuses": [{
        "name": container, "image": "nginx:1", "imageID": "", "ready": false, "started": false, "restartCount": 0,
        "state": {"terminated": ended}
    }]})
}

/// Whether a time is more than so many whole seconds ago.
pub fn is_older_than(time: &Value, seconds: i64) -> bool {
    let time = time.as_str().and_then(|time| time.parse::<Timestamp>().ok());
    time.is_some_and(|time| Timestamp::now().as_second() - time.as_second() > seconds)
}

/// A container that has ended a second after its start.
pub fn crashes(container: &str) -> Value {
    let ago = |seconds: i64| Timestamp::from_second(Timestamp::now().as_second() - seconds).unwrap().to_string();
    let mut status = ends(container, 1, "Error");
    let ended = &mut status["containerStatuses"][0]["state"]["terminated"];
    (ended["startedAt"], ended["finishedAt"]) = (json!(ago(1)), json!(ago(0)));
    status
}

/// A container that has run for a minute, and fails its health checks.
pub fn not_ready(container: &str) -> Value {
    let started = Timestamp::from_second(Timestamp::now().as_second() - 60).unwrap().to_string();
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [{
        "name": container, "image": "nginx:1", "imageID": "", "ready": false, "started": true, "restartCount": 0,
        "state": {"running": {"startedAt": started}}
    }]})
}

/// A container whose image is not there.
pub fn cannot_be_pulled(container: &str) -> Value {
    let waiting = json!({"reason": "ErrImagePull", "message": "not found"});
    json!({"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [{
        "name": container, "image": "nginx:1", "imageID": "", "ready": false, "started": false, "restartCount": 0,
        "state": {"waiting": waiting}
    }]})
}

/// A container whose Pod has no sandbox for so many seconds, because a volume does not come; a node was found for it before.
pub fn without_sandbox(container: &str, placed: i64, waits: i64) -> Value {
    let ago = |seconds: i64| Timestamp::from_second(Timestamp::now().as_second() - seconds).unwrap().to_string();
    json!({
        "phase": "Pending",
        "conditions": [
            {"type": "Ready", "status": "False"},
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": ago(placed)},
            {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": ago(waits)},
        ],
        "containerStatuses": [{
            "name": container, "image": "nginx:1", "imageID": "", "ready": false, "started": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ContainerCreating"}}
        }]
    })
}
