//! Tasks that take their time to stop: what their rows say meanwhile.

use serde_json::{Value, json};

use super::{
    scene::{Scene, name, second, service, text},
    task::script,
};

/// Runs on when it is told to end, for more than the 5 seconds after which that is told.
const STUBBORN: &str = "trap 'sleep 12; exit 9' TERM; while :; do sleep 0.2; done";

#[test]
fn a_task_that_takes_long_to_stop_says_why_meanwhile() {
    let scene = Scene::new();
    scene.define("app", &[script("app", STUBBORN, &json!({"stopTimeout": 30}))]);
    scene.apply("EcsService", "app", &service("app", 1));
    let task = scene.running("app", 1).remove(0);
    scene.kubectl(&["scale", "ecsservice", "app", "--replicas", "0"]);
    let stops = |task: &Value| task["status"]["lastStatus"] == "STOPPING";
    let meanwhile = scene.until("ecstask", name(&task), "is STOPPING", stops)["status"].clone();
    let scaling = "Scaling activity initiated by (deployment ecs-svc/";
    for told in ["stoppedReason", "reason"] {
        assert!(text(&meanwhile[told]).starts_with(scaling), "{meanwhile}");
    }
    assert_eq!(
        (&meanwhile["desiredStatus"], &meanwhile["stopCode"], &meanwhile["exitCodes"], &meanwhile["stoppedAt"]),
        (&json!("STOPPED"), &json!("ServiceSchedulerInitiated"), &Value::Null, &Value::Null)
    );
    let status = scene.stopped(&task);
    for kept in ["stoppingAt", "stoppedReason", "stopCode"] {
        assert_eq!(status[kept], meanwhile[kept], "{status}");
    }
    assert_eq!(status["exitCodes"], "app=9", "{status}");
    let took = second(&status["executionStoppedAt"]) - second(&status["stoppingAt"]);
    assert!((11..=30).contains(&took), "it took {took} s from the decision to the end: {status}");
}

#[test]
fn a_deleted_service_drains_as_long_as_its_tasks_take_to_stop() {
    let scene = Scene::new();
    scene.define("app", &[script("app", STUBBORN, &json!({"stopTimeout": 30}))]);
    scene.apply("EcsService", "app", &service("app", 1));
    let task = scene.running("app", 1).remove(0);
    scene.kubectl(&["delete", "ecsservice", "app", "--wait=false"]);
    scene.until("ecstask", name(&task), "is STOPPING", |task| task["status"]["lastStatus"] == "STOPPING");
    let draining = scene.get("ecsservice", "app");
    assert_eq!(draining["status"]["status"], "DRAINING", "{draining}");
    let status = scene.stopped(&task);
    assert_eq!((&status["exitCodes"], &status["stopCode"]), (&json!("app=9"), &json!("ServiceSchedulerInitiated")));
    scene.until("ecsservice", "app", "is gone", Value::is_null);
    let took = second(&status["executionStoppedAt"]) - second(&status["stoppingAt"]);
    assert!((11..=30).contains(&took), "it took {took} s from the decision to the end: {status}");
}
