//! Tasks that run by themselves on the real node.

use std::{thread::sleep, time::Duration};

use serde_json::json;

use super::{
    scene::{OBEYS, Scene, name, obedient, pod, text},
    task::script,
};

#[test]
fn a_process_runs_once_with_what_its_task_overrides() {
    let scene = Scene::new();
    let environment = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
    scene.define("app", &[script("app", "echo \"$A $B $C $1\"; exit $CODE", &json!({"environment": environment}))]);
    let task = |code: &str| {
        let environment =
            [("B", "3"), ("C", "$(A)"), ("CODE", code)].map(|(name, value)| json!({"name": name, "value": value}));
        let overrides =
            json!({"containerOverrides": [{"name": "app", "command": ["sh", "$(B) $B"], "environment": environment}]});
        json!({"taskDefinition": "app", "startedBy": "a test", "overrides": overrides})
    };
    for (name, code) in [("good", "0"), ("bad", "3")] {
        scene.apply("EcsTask", name, &task(code));
    }
    for (name, code) in [("good", 0), ("bad", 3)] {
        let ended = scene.until_status(name, "STOPPED");
        let status = &ended["status"];
        assert_eq!(
            (&status["stopCode"], &status["exitCodes"]),
            (&json!("EssentialContainerExited"), &json!(format!("app={code}")))
        );
        let reason = format!("Essential container in task exited (container app: exit code {code}");
        assert!(text(&status["stoppedReason"]).starts_with(&reason), "{status}");
        assert!(status["startedAt"].is_string() && status["executionStoppedAt"].is_string(), "{status}");
        assert_eq!(scene.kubectl(&["logs", pod(&ended)]), "1 3 $(A) $(B) $B\n");
    }
    // Git applies it again and again, and somebody cleans up.
    let before = scene.get("ecstask", "bad");
    scene.kubectl(&["delete", "pod", pod(&before)]);
    scene.apply("EcsTask", "bad", &task("3"));
    scene.kubectl(&["label", "ecstask", "bad", "looked=at"]);
    sleep(Duration::from_secs(5));
    assert_eq!(
        scene.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"]),
        pod(&scene.get("ecstask", "good"))
    );
    assert_eq!(scene.get("ecstask", "bad")["status"], before["status"]);
}

#[test]
fn a_task_is_stopped_with_the_reason_that_is_given() {
    let scene = Scene::new();
    scene.define("app", &[obedient()]);
    scene.apply("EcsTask", "job", &json!({"taskDefinition": "app"}));
    let task = scene.until_status("job", "RUNNING");
    scene.kubectl(&[
        "patch",
        "ecstask",
        name(&task),
        "--type=merge",
        "-p",
        r#"{"spec":{"desiredStatus":"STOPPED","reason":"enough"}}"#,
    ]);
    let status = scene.stopped(&task);
    assert_eq!((&status["stopCode"], &status["stoppedReason"]), (&json!("UserInitiated"), &json!("enough")));
    assert_eq!(status["exitCodes"], "app=7", "its process had its time to end: {status}");
    assert!(text(&status["stoppingAt"]) <= text(&status["executionStoppedAt"]), "{status}");
}

#[test]
fn an_essential_container_that_ends_stops_the_others_of_its_task() {
    let scene = Scene::new();
    let side = script("side", OBEYS, &json!({"essential": false}));
    scene.define("app", &[script("app", "sleep 2; exit 5", &json!({})), side]);
    scene.apply("EcsTask", "job", &json!({"taskDefinition": "app"}));
    let ended = scene.until_status("job", "STOPPED");
    let status = &ended["status"];
    assert_eq!(status["stopCode"], "EssentialContainerExited", "{status}");
    assert_eq!(status["exitCodes"], "app=5,side=7", "the other one had its time to end: {status}");
    let reason = "Essential container in task exited (container app: exit code 5";
    assert!(text(&status["stoppedReason"]).starts_with(reason), "{status}");
}

#[test]
fn a_task_by_itself_is_not_stopped_for_its_health() {
    let scene = Scene::new();
    let mut app = obedient();
    app["healthCheck"] = json!({"command": ["CMD-SHELL", "false"], "interval": 5, "timeout": 2, "retries": 1});
    scene.define("app", &[app]);
    scene.apply("EcsTask", "job", &json!({"taskDefinition": "app"}));
    let sick = scene.until("ecstask", "job", "is UNHEALTHY", |task| task["status"]["healthStatus"] == "UNHEALTHY");
    // A service would have replaced it by now.
    sleep(Duration::from_secs(15));
    let later = scene.get("ecstask", "job");
    assert_eq!(later["status"]["lastStatus"], "RUNNING", "{later}");
    assert_eq!(pod(&later), pod(&sick));
}
