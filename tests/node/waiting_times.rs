//! Times for which the service scheduler waits on purpose: that a task runs for a while before it counts, and that its health
//! checks may fail for a while.

use serde_json::json;

use super::{
    rollout::has_completed,
    scene::{Scene, obedient, second, service, text},
};

#[test]
fn a_task_that_nothing_checks_counts_when_it_has_run_for_40_seconds() {
    let scene = Scene::new();
    scene.define("app", &[obedient()]);
    scene.apply("EcsService", "app", &json!({"taskDefinition": "app", "desiredCount": 1}));
    let service = scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let events = service["status"]["events"].as_array().unwrap();
    let completed = events.iter().find(|event| text(&event["message"]).ends_with("deployment completed.")).unwrap();
    let task = scene.running("app", 1).remove(0);
    let ran = second(&completed["createdAt"]) - second(&task["status"]["startedAt"]);
    assert!(ran >= 40, "the deployment was completed after {ran} s: {service}");
}

#[test]
fn a_task_may_fail_its_health_checks_in_its_grace_period() {
    const GRACE_PERIOD: i64 = 30;
    let scene = Scene::new();
    let mut app = obedient();
    app["healthCheck"] = json!({"command": ["CMD-SHELL", "false"], "interval": 5, "timeout": 2, "retries": 1});
    scene.define("app", &[app]);
    let mut patient = service("app", 1);
    patient["healthCheckGracePeriodSeconds"] = json!(GRACE_PERIOD);
    scene.apply("EcsService", "app", &patient);
    let task = scene.running("app", 1).remove(0);
    scene.wait("its record says that it is unhealthy", || {
        scene.records("app", "RUNNING").iter().any(|record| record["status"]["healthStatus"] == "UNHEALTHY")
    });
    let status = scene.stopped(&task);
    assert_eq!(status["stopCode"], "ServiceSchedulerInitiated", "{status}");
    assert!(text(&status["stoppedReason"]).contains("failed container health checks"), "{status}");
    let ran = second(&status["stoppingAt"]) - second(&status["startedAt"]);
    assert!(ran >= GRACE_PERIOD, "it was stopped after {ran} s: {status}");
}
