//! Services whose tasks or revisions turn bad on the real node, and what is made of it when the operator was away.

use std::{
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    cluster::{cluster, kubectl},
    my_operator,
    scene::{Scene, name, obedient, pod, service, text},
    task::{IMAGE, script},
    wait_for_operator,
};

#[test]
fn a_task_that_turns_unhealthy_is_replaced_by_one_that_is_healthy_first() {
    let scene = Scene::new();
    let mut app = obedient();
    let check = ["CMD-SHELL", "test ! -e /tmp/sick"];
    app["healthCheck"] = json!({"command": check, "interval": 5, "timeout": 2, "retries": 1});
    scene.define("app", &[app]);
    scene.apply("EcsService", "app", &service("app", 1));
    let is_steady = |service: &Value| service["status"]["deployments"][0]["rolloutState"] == "COMPLETED";
    scene.until("ecsservice", "app", "is steady", is_steady);
    let task = scene.running("app", 1).remove(0);
    scene.until("ecstask", name(&task), "is HEALTHY", |task| task["status"]["healthStatus"] == "HEALTHY");
    scene.kubectl(&["exec", pod(&task), "--", "touch", "/tmp/sick"]);
    let is_unhealthy = |task: &Value| task["status"]["healthStatus"] == "UNHEALTHY";
    let seen = scene.until("ecstask", name(&task), "is UNHEALTHY", is_unhealthy);
    let status = scene.stopped(&task);
    let expected = (&json!("ServiceSchedulerInitiated"), &json!("Task failed container health checks"));
    assert_eq!((&status["stopCode"], &status["stoppedReason"]), expected);
    assert_eq!(status["healthStatus"], "UNHEALTHY", "{status}");
    assert_eq!(status["exitCodes"], "app=7", "{status}");
    let next = scene.replaced("app", &task);
    let (started, stopping) = (text(&next["status"]["startedAt"]), text(&status["stoppingAt"]));
    assert!(!started.is_empty() && started < stopping, "the new one first: {seen} {next} {status}");
    let events = scene.get("ecsservice", "app")["status"]["events"].to_string();
    assert!(events.contains(&format!("(task {}) failed container health checks", name(&task))), "{events}");
}

const SERVE: &str =
    "mkdir /tmp/www; echo good > /tmp/www/index.html; trap exit TERM; httpd -f -p 8080 -h /tmp/www & wait";
const COUNT: &str = "touch /tmp/asking; ok=0; failed=0; while test -e /tmp/asking; do \
    if test \"$(timeout 2 wget -q -O - http://$0:8080/)\" = good; then ok=$((ok + 1)); else failed=$((failed + 1)); fi; sleep 0.05; \
    done; echo $ok $failed";

#[test]
fn clients_do_not_notice_a_bad_revision_that_is_rolled_back() {
    let scene = Scene::new();
    let health = json!({"command": ["CMD-SHELL", "wget -q -O - http://127.0.0.1:8080/"], "interval": 5, "retries": 1});
    let members = json!({"portMappings": [{"containerPort": 8080}], "healthCheck": health});
    let mut app = script("app", SERVE, &members);
    scene.define("app", &[app.clone()]);
    let mut with_breaker = service("app", 2);
    let threshold = json!({"type": "COUNT", "value": 2});
    let breaker = json!({"enable": true, "rollback": true, "thresholdConfiguration": threshold});
    with_breaker["deploymentConfiguration"] = json!({"deploymentCircuitBreaker": breaker});
    scene.apply("EcsService", "app", &with_breaker);
    let is_steady = |service: &Value| service["status"]["deployments"][0]["rolloutState"] == "COMPLETED";
    let before = scene.until("ecsservice", "app", "is steady", is_steady);
    let tasks = scene.running("app", 2);
    let client = format!("client-{}", scene.cluster);
    let in_default = |arguments: &[&str]| kubectl(&[&["-n", "default"], arguments].concat());
    in_default(&[
        "run",
        &client,
        "--image",
        IMAGE,
        "--restart",
        "Never",
        "--command",
        "--",
        "sh",
        "-c",
        "trap exit TERM; while :; do sleep 0.2; done",
    ]);
    in_default(&["wait", "pod", &client, "--for=condition=Ready", "--timeout=90s"]);
    let address = scene.kubectl(&["get", "service", "app", "-o", "jsonpath={.spec.clusterIP}"]);
    let asking = Command::new("hack/cluster/kubectl")
        .args(["--name", &cluster(), "-n", "default", "exec", &client, "--", "sh", "-c", COUNT, &address])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    app["image"] = json!("127.0.0.1:1/none:1");
    scene.define("app", &[app]);
    let has_rolled_back = |service: &Value| {
        let conditions = service["status"]["conditions"].as_array().into_iter().flatten();
        conditions.into_iter().any(|condition| condition["reason"] == "RolledBack" && condition["status"] == "True")
    };
    let after = scene.until("ecsservice", "app", "is rolled back", has_rolled_back);
    sleep(Duration::from_secs(2));
    in_default(&["exec", &client, "--", "rm", "/tmp/asking"]);
    let counts = String::from_utf8(asking.wait_with_output().unwrap().stdout).unwrap();
    in_default(&["delete", "pod", &client, "--wait=false"]);
    let counts: Vec<u32> = counts.split_whitespace().map(|count| count.parse().unwrap()).collect();
    assert!(counts[0] > 20 && counts[1] == 0, "{counts:?} requests answered and failed");
    let id = |service: &Value| service["status"]["deployments"][0]["id"].clone();
    assert_eq!(id(&after), id(&before), "what ran before is PRIMARY again");
    let names = |tasks: &[Value]| tasks.iter().map(|task| name(task).to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&scene.running("app", 2)), names(&tasks), "the tasks have not noticed");
    scene.wait("the tasks of the bad revision have stopped", || scene.records("app", "PENDING").is_empty());
    let revision = |record: &Value| record["status"]["taskDefinitionRevision"] == "app:2";
    assert!(scene.records("app", "STOPPED").iter().any(revision), "they have records");
}

#[test]
fn what_happened_while_the_operator_was_away_is_told_as_far_as_it_is_known() {
    let _operator = my_operator();
    let scene = Scene::without_operator();
    scene.define("app", &[obedient()]);
    scene.apply("EcsService", "app", &service("app", 3));
    let tasks = scene.running("app", 3);
    let operator = |replicas: &str| {
        kubectl(&["-n", "ecs-operator", "scale", "deployment", "ecs-operator", "--replicas", replicas]);
    };
    operator("0");
    scene.wait("the operator is gone", || {
        kubectl(&["-n", "ecs-operator", "get", "pods", "-l", "app.kubernetes.io/name=ecs-operator", "-o", "name"])
            .is_empty()
    });
    scene.order(&tasks[0], "app", "exit 5");
    scene.kubectl(&["delete", "pod", pod(&tasks[1])]);
    scene.kubectl(&["scale", "ecsservice", "app", "--replicas", "4"]);
    scene.wait("the kubelet has started the container again", || {
        let path =
            "jsonpath={.status.containerStatuses[0].restartCount} {.status.phase} {.status.containerStatuses[0].ready}";
        scene.kubectl(&["get", "pod", pod(&tasks[0]), "-o", path]) == "1 Running true"
    });
    operator("1");
    wait_for_operator();
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
