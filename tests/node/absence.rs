//! What is made of that which happened on the real node while the operator was away.

use std::{thread::sleep, time::Duration};

use serde_json::{Value, json};

use super::{
    cluster::{eventually, get_in, kubectl},
    my_operator,
    rollout::has_completed,
    scene::{Scene, name, obedient, pod, service, text},
    wait_for_operator,
};

fn take_the_operator_away() {
    scale_the_operator("0");
    eventually("the operator is gone", || {
        kubectl(&["-n", "ecs-operator", "get", "pods", "-l", "app.kubernetes.io/name=ecs-operator", "-o", "name"])
            .is_empty()
    });
}

fn bring_the_operator_back() {
    scale_the_operator("1");
    wait_for_operator();
}

fn scale_the_operator(replicas: &str) {
    kubectl(&["-n", "ecs-operator", "scale", "deployment", "ecs-operator", "--replicas", replicas]);
}

#[test]
fn what_happened_while_the_operator_was_away_is_told_as_far_as_it_is_known() {
    let _operator = my_operator();
    let scene = Scene::without_operator();
    scene.define("app", &[obedient()]);
    scene.apply("EcsService", "app", &service("app", 3));
    let tasks = scene.running("app", 3);
    take_the_operator_away();
    scene.order(&tasks[0], "app", "exit 5");
    scene.kubectl(&["delete", "pod", pod(&tasks[1])]);
    scene.kubectl(&["scale", "ecsservice", "app", "--replicas", "4"]);
    scene.wait("the kubelet has started the container again", || {
        let path =
            "jsonpath={.status.containerStatuses[0].restartCount} {.status.phase} {.status.containerStatuses[0].ready}";
        scene.kubectl(&["get", "pod", pod(&tasks[0]), "-o", path]) == "1 Running true"
    });
    bring_the_operator_back();
    let running = scene.running("app", 4);
    let same = |task: &Value| running.iter().find(|found| name(found) == name(task));
    assert!(same(&tasks[0]).is_some(), "a container that runs again is not replaced");
    assert!(same(&tasks[2]).is_some());
    let lost = scene.stopped(&tasks[1]);
    assert_eq!((&lost["stopCode"], &lost["exitCodes"]), (&Value::Null, &Value::Null), "{lost}");
    assert!(text(&lost["stoppedReason"]).starts_with("Unknown"), "{lost}");
    let is_as_desired =
        |service: &Value| service["status"]["runningCount"] == 4 && service["status"]["desiredCount"] == 4;
    scene.until("ecsservice", "app", "has four tasks", is_as_desired);
    sleep(Duration::from_secs(3));
    assert_eq!(scene.records("app", "STOPPED").len(), 1);
    let restarts =
        scene.kubectl(&["get", "pod", pod(&tasks[0]), "-o", "jsonpath={.status.containerStatuses[0].restartCount}"]);
    assert_eq!(restarts, "1");
    // Of a crash that it sees it makes an end again.
    scene.order(&tasks[0], "app", "exit 6");
    let status = scene.stopped(&tasks[0]);
    assert_eq!(
        (&status["stopCode"], &status["exitCodes"]),
        (&json!("EssentialContainerExited"), &json!("app=6")),
        "{status}"
    );
    scene.running("app", 4);
}

#[test]
fn what_was_changed_while_the_operator_was_away_is_done_once_when_it_is_back() {
    let _operator = my_operator();
    let scene = Scene::without_operator();
    scene.define("app", &[obedient()]);
    scene.apply("EcsService", "app", &service("app", 2));
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let tasks = scene.running("app", 2);
    let before = pods(&scene, 1);
    take_the_operator_away();
    // Only the last of the contents is there to be seen when it comes back.
    for value in ["second", "third"] {
        let mut app = obedient();
        app["environment"] = json!([{"name": "CONTENT", "value": value}]);
        scene.define("app", &[app]);
    }
    scene.apply("EcsService", "app", &service("app", 3));
    sleep(Duration::from_secs(3));
    assert_eq!(names(&pods(&scene, 1)), names(&before), "nothing happens without it");
    bring_the_operator_back();
    let after = assert_has_taken_over_once(&scene, 3);
    let content = scene.kubectl(&["exec", pod(&after[0]), "--", "sh", "-c", "echo $CONTENT"]);
    assert_eq!(content.trim(), "third");
    for task in &tasks {
        let status = scene.stopped(task);
        let scaling = text(&status["stoppedReason"]).starts_with("Scaling activity initiated by (deployment ecs-svc/");
        assert!(scaling && status["stopCode"] == "ServiceSchedulerInitiated", "{status}");
        assert_eq!(status["exitCodes"], "app=7", "{status}");
    }
}

#[test]
fn an_update_that_kubernetes_ended_while_the_operator_was_away_is_completed_once() {
    let _operator = my_operator();
    let scene = Scene::without_operator();
    let define = |content: &str| {
        let mut app = obedient();
        // It takes over when the test lets it.
        let check = ["CMD-SHELL", "test $CONTENT = first -o -e /tmp/healthy"];
        app["healthCheck"] = json!({"command": check, "interval": 5, "timeout": 2, "retries": 10, "startPeriod": 120});
        app["environment"] = json!([{"name": "CONTENT", "value": content}]);
        scene.define("app", &[app]);
    };
    define("first");
    let mut one_by_one = service("app", 2);
    one_by_one["deploymentConfiguration"] = json!({"minimumHealthyPercent": 100, "maximumPercent": 150});
    scene.apply("EcsService", "app", &one_by_one);
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let tasks = scene.running("app", 2);
    define("second");
    scene.wait("the first task of the new revision is recorded as running", || {
        scene.records("app", "RUNNING").len() == 3
    });
    take_the_operator_away();
    assert_eq!((pods(&scene, 1).len(), pods(&scene, 2).len()), (2, 1), "it is in the middle of the update");
    for count in 1..=2 {
        scene.wait("a task of the new revision runs", || {
            let pods = pods(&scene, 2);
            pods.len() == count && pods[count - 1]["status"]["phase"] == "Running"
        });
        scene.kubectl(&["exec", name(&pods(&scene, 2)[count - 1]), "--", "touch", "/tmp/healthy"]);
    }
    scene.kubectl(&["rollout", "status", "deployment/app", "--timeout=90s"]);
    scene.wait("the tasks of the first revision are gone", || {
        tasks.iter().all(|task| scene.get("pod", pod(task)).is_null())
    });
    let kept = pods(&scene, 2);
    bring_the_operator_back();
    let after = assert_has_taken_over_once(&scene, 2);
    assert_eq!(names(&pods(&scene, 2)), names(&kept), "the tasks do not notice that it is back");
    for task in &after {
        assert_eq!(task["status"]["healthStatus"], "HEALTHY", "{task}");
    }
    // Nobody has seen them end.
    for task in &tasks {
        let status = scene.stopped(task);
        assert!(text(&status["stoppedReason"]).starts_with("Unknown"), "{status}");
        assert_eq!((&status["stopCode"], &status["exitCodes"]), (&Value::Null, &Value::Null), "{status}");
    }
    assert_eq!(scene.records("app", "STOPPED").len(), 2, "each task has one record");
}

/// The service's Pods of a revision that nobody deletes, the oldest first.
fn pods(scene: &Scene, revision: u32) -> Vec<Value> {
    let selector = format!("ecs-operator.dev/service=app,ecs-operator.dev/revision={revision}");
    let list = get_in(&scene.namespace, &["pods", "-l", &selector, "--sort-by=.metadata.creationTimestamp"]);
    let pods = list["items"].as_array().unwrap().iter();
    pods.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).cloned().collect()
}

fn names(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(name).collect()
}

/// Asserts that revision 2 takes over from revision 1, and that nothing of it happens or is told twice. Returns its tasks.
fn assert_has_taken_over_once(scene: &Scene, desired: usize) -> Vec<Value> {
    let completed = scene.until("ecsservice", "app", "has the new revision", has_completed("app:2"));
    let tasks = scene.running("app", desired);
    for task in &tasks {
        assert_eq!(task["status"]["taskDefinitionRevision"], "app:2", "{task}");
        assert_ne!(task["status"]["startedAt"], Value::Null, "{task}");
    }
    let deployment = &completed["status"]["deployments"][0];
    // What it does or tells twice it does by then.
    sleep(Duration::from_secs(3));
    let revisions = scene.kubectl(&["get", "taskdefinitionrevisions", "-o", "jsonpath={.items[*].metadata.name}"]);
    assert_eq!(revisions, "app.1 app.2");
    assert_eq!(names(&scene.running("app", desired)), names(&tasks));
    let status = &scene.get("ecsservice", "app")["status"];
    let expected = (&json!(desired), &json!(desired), &json!(0));
    assert_eq!((&status["desiredCount"], &status["runningCount"], &status["pendingCount"]), expected, "{status}");
    assert_eq!(status["deployments"].as_array().unwrap().len(), 1, "{status}");
    let now = &status["deployments"][0];
    assert_eq!((&now["id"], &now["updatedAt"]), (&deployment["id"], &deployment["updatedAt"]), "{status}");
    assert_eq!(now["failedTasks"], 0, "{status}");
    let told = [
        // Of the first revision and of the second.
        ("(service app) has reached a steady state.".to_owned(), 2),
        (format!("(service app) (deployment {}) deployment completed.", text(&deployment["id"])), 1),
    ];
    let events = get_in(&scene.namespace, &["events", "--field-selector", "involvedObject.kind=EcsService"]);
    for (message, count) in told {
        let messages =
            |list: &Value| list.as_array().unwrap().iter().filter(|event| event["message"] == message).count();
        assert_eq!(messages(&status["events"]), count, "{message}: {status}");
        assert_eq!(messages(&events["items"]), count, "{message}: {events}");
    }
    tasks
}
