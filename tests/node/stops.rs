//! Why tasks of services stop, each for real: what their records say, and that another task takes their place.

use std::{
    collections::BTreeSet,
    io::Write as _,
    thread::sleep,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{
    cluster::kubectl,
    rollout::has_completed,
    scene::{OBEYS, Scene, name, obedient, pod, service, text},
    task::script,
};

/// A scene with services of the task definition `app`, and one running task of each.
fn run(scene: &Scene, services: &[&str]) -> Vec<Value> {
    for name in services {
        scene.apply("EcsService", name, &service("app", 1));
    }
    services.iter().map(|name| scene.running(name, 1).remove(0)).collect()
}

#[track_caller]
fn assert_stop(status: &Value, code: &str, reason: &str) {
    let is_so = status["stopCode"] == code && text(&status["stoppedReason"]).starts_with(reason);
    assert!(is_so, "{code} {reason}: {status}");
}

#[test]
fn an_essential_container_that_ends_ends_its_task_with_its_exit_code() {
    let scene = Scene::new();
    // Where the containers share their processes the process is not the first, which no signal of its own ends.
    scene.apply("TaskDefinition", "app", &json!({"pidMode": "task", "containerDefinitions": [obedient()]}));
    let deeds = [
        ("zero", "exit 0", 0),
        ("one", "exit 1", 1),
        ("kill", "kill -9 $$", 137),
        ("term", "trap - TERM; kill -TERM $$", 143),
    ];
    let tasks = run(&scene, &deeds.map(|(service, ..)| service));
    for (task, (_, deed, _)) in tasks.iter().zip(deeds) {
        scene.order(task, "app", deed);
    }
    for (task, (service, _, code)) in tasks.iter().zip(deeds) {
        let status = scene.stopped(task);
        let cause = format!("Essential container in task exited (container app: exit code {code}");
        assert_stop(&status, "EssentialContainerExited", &cause);
        assert_eq!(
            (&status["exitCodes"], &status["containers"][0]["exitCode"]),
            (&json!(format!("app={code}")), &json!(code))
        );
        assert_eq!(status["containers"][0]["reason"], Value::Null, "{status}");
        let next = scene.replaced(service, task);
        assert_ne!(next["status"]["podUid"], task["status"]["podUid"]);
        assert_eq!(next["status"]["containers"][0]["restartCount"], Value::Null, "{next}");
        assert_eq!(scene.records(service, "STOPPED").len(), 1, "one task has ended");
    }
    tells_the_story(&scene, &tasks[2], &scene.records("kill", "RUNNING")[0]);
}

/// `kubectl get ecstasks` has it all in its columns.
fn tells_the_story(scene: &Scene, stopped: &Value, running: &Value) {
    let table = scene.kubectl(&["get", "ecstasks"]);
    let mut lines = table.lines();
    let heads: Vec<_> = lines.next().unwrap().split("  ").map(str::trim).filter(|head| !head.is_empty()).collect();
    let expected = [
        "NAME",
        "GROUP",
        "TASK DEFINITION",
        "LAST STATUS",
        "HEALTH",
        "STARTED",
        "STOPPED",
        "EXIT",
        "STOP CODE",
        "REASON",
        "AGE",
    ];
    assert_eq!(heads, expected, "{table}");
    let row = |task: &Value| {
        table.lines().find(|line| line.starts_with(name(task))).unwrap().split_whitespace().collect::<Vec<_>>()
    };
    let words = row(stopped);
    assert_eq!(words[1..5], ["service:kill", "app:1", "STOPPED", "UNKNOWN"], "{table}");
    assert_eq!(words[7..9], ["app=137", "EssentialContainerExited"], "{table}");
    assert!(table.contains("Essential container in task exited (container app: exit code 137, Error)"), "{table}");
    assert_eq!(row(running)[1..5], ["service:kill", "app:1", "RUNNING", "UNKNOWN"], "{table}");
    assert!(!table.contains("<invalid>") && !table.contains("<none>"), "times are in the past: {table}");
}

#[test]
fn a_container_above_its_memory_ends_its_task_as_out_of_memory() {
    let scene = Scene::new();
    scene.define("app", &[obedient()]);
    let task = run(&scene, &["app"]).remove(0);
    scene.order(&task, "app", "exec tail /dev/zero");
    let status = scene.stopped(&task);
    assert_stop(
        &status,
        "EssentialContainerExited",
        "Essential container in task exited (container app: exit code 137, OutOfMemoryError",
    );
    assert_eq!(status["exitCodes"], "app=137");
    assert_eq!(status["containers"][0]["reason"], "OutOfMemoryError: Container killed due to memory usage");
    scene.replaced("app", &task);
}

/// Waits until a task has stopped, and another is there in its place.
fn failed_to_start(scene: &Scene, service: &str) -> Value {
    let stopped = || scene.records(service, "STOPPED");
    scene.wait(&format!("a task of {service} has stopped"), || !stopped().is_empty());
    let failed = stopped().remove(0);
    let selector = format!("ecs-operator.dev/service={service}");
    scene.wait(&format!("service {service} tries another task"), || {
        let pods = scene.kubectl(&["get", "pods", "-l", &selector, "-o", "jsonpath={.items[*].metadata.uid}"]);
        !pods.is_empty() && !pods.contains(text(&failed["status"]["podUid"]))
    });
    failed["status"].clone()
}

#[test]
fn a_task_that_cannot_start_says_why_and_is_replaced() {
    let scene = Scene::new();
    let mut image = obedient();
    // Nobody listens there.
    image["image"] = json!("127.0.0.1:1/none:1");
    let mut command = obedient();
    command["entryPoint"] = json!(["/no/such/command"]);
    let mut secret = obedient();
    secret["secrets"] = json!([{"name": "PASSWORD", "valueFrom": "no-such-secret"}]);
    let expected = [
        ("image", image, "CannotPullContainerError: ", "container app: "),
        ("command", command, "CannotStartContainerError: ", "container app: "),
        ("secret", secret, "ResourceInitializationError: ", "container app: CreateContainerConfigError"),
    ];
    // The role may get the Secret, which is not there.
    scene.apply("EcsRole", "puller", &json!({"roleName": "ecsTaskExecutionRole"}));
    let role =
        scene.until("ecsrole", "puller", "has a ServiceAccount", |role| role["status"]["serviceAccount"].is_string());
    let account = format!("{}:{}", scene.namespace, text(&role["status"]["serviceAccount"]));
    scene.kubectl(&["create", "role", "reads", "--verb=get", "--resource=secrets", "--resource-name=no-such-secret"]);
    scene.kubectl(&["create", "rolebinding", "reads", "--role=reads", "--serviceaccount", &account]);
    for (family, container, ..) in &expected {
        let spec = json!({"executionRoleArn": "ecsTaskExecutionRole", "containerDefinitions": [container]});
        scene.apply("TaskDefinition", family, &spec);
        scene.apply("EcsService", family, &service(family, 1));
    }
    for (family, _, words, _) in &expected {
        let says_why = |record: &Value| text(&record["status"]["reason"]).starts_with(words);
        scene.wait(&format!("the record of {family} says why"), || {
            scene.records(family, "PENDING").iter().any(says_why)
        });
    }
    for (family, _, words, cause) in &expected {
        let status = failed_to_start(&scene, family);
        assert_stop(&status, "TaskFailedToStart", words);
        assert!(text(&status["stoppedReason"]).contains(cause), "{status}");
        assert!(text(&status["containers"][0]["reason"]).starts_with(words), "{status}");
        assert_eq!(
            (&status["startedAt"], &status["exitCodes"]),
            (&Value::Null, &Value::Null),
            "it never ran: {status}"
        );
    }
}

#[test]
fn a_task_that_ends_again_and_again_is_said_to_be_down() {
    let scene = Scene::new();
    scene.define("app", &[script("app", "exit 3", &json!({}))]);
    scene.apply("EcsService", "app", &service("app", 1));
    let is_down = |record: &Value| text(&record["status"]["reason"]).contains("container app: exit code 3");
    scene.wait("the record says so", || scene.records("app", "RUNNING").iter().any(is_down));
    scene.until("ecsservice", "app", "says so", |service| {
        let conditions = service["status"]["conditions"].to_string();
        conditions.contains("is down, and replaced after a while: Essential container in task exited")
    });
}

#[test]
fn a_container_that_is_not_essential_and_ends_is_named_and_its_task_goes_on() {
    let scene = Scene::new();
    let log = script("log", "sleep 2; exit 3", &json!({"essential": false}));
    scene.define("app", &[obedient(), log]);
    scene.apply("EcsService", "app", &service("app", 1));
    let exit = "container log: exit code 3, Error";
    scene.until("ecsservice", "app", "tells it", |service| {
        let events = service["status"]["events"].to_string();
        events.contains(&format!("has started a non-essential container again. Reason: {exit}"))
    });
    let is_named = |record: &Value| text(&record["status"]["reason"]) == exit;
    scene.wait("the record says so", || scene.records("app", "RUNNING").iter().any(is_named));
    scene.until("ecsservice", "app", "is not ready for it", |service| {
        service["status"]["conditions"].to_string().contains(&format!("until all its containers run: {exit}"))
    });
    let [record] = &scene.records("app", "RUNNING")[..] else { panic!("the task goes on, and no other is started") };
    scene.until("ecstask", name(record), "has its essential container still", |task| {
        let containers = task["status"]["containers"].as_array().unwrap().clone();
        containers.iter().any(|it| it["name"] == "app" && it["lastStatus"] == "RUNNING")
            && containers.iter().any(|it| it["name"] == "log" && it["exitCode"] == 3)
    });
    assert!(scene.records("app", "STOPPED").is_empty());
}

#[test]
fn a_task_whose_volume_cannot_be_mounted_says_so_and_is_replaced() {
    let scene = Scene::new();
    let mut container = obedient();
    container["mountPoints"] = json!([{"sourceVolume": "data", "containerPath": "/data"}]);
    // Nobody serves it.
    let volume = json!({"name": "data", "nfs": {"server": "127.0.0.1", "path": "/none"}});
    let spec = json!({
        "containerDefinitions": [container], "volumes": [{"name": "data"}], "kubernetes": {"volumes": [volume]}
    });
    scene.apply("TaskDefinition", "app", &spec);
    scene.apply("EcsService", "app", &service("app", 1));
    let status = failed_to_start(&scene, "app");
    assert_stop(&status, "TaskFailedToStart", "ResourceInitializationError: a volume, ");
    let reason = text(&status["stoppedReason"]);
    assert!(reason.contains("(PodReadyToStartContainers is False since "), "{reason}");
    // What it says to do works also now that the Pod is gone.
    let pod = text(&status["podName"]);
    assert!(reason.contains(&format!("kubectl events --for pod/{pod} shows")), "{reason}");
    scene.until("pod", pod, "is gone", Value::is_null);
    let events = scene.kubectl(&["events", "--for", &format!("pod/{pod}")]);
    assert!(events.contains("FailedMount"), "{events}");
    let has_counted = |service: &Value| service["status"]["deployments"][0]["failedTasks"] == 1;
    scene.until("ecsservice", "app", "has counted it", has_counted);
}

#[test]
fn a_service_whose_tasks_never_start_is_stalled_until_they_do() {
    let scene = Scene::new();
    let mut missing = obedient();
    missing["image"] = json!("127.0.0.1:1/none:1");
    scene.define("missing", &[missing]);
    // It ends before the one that waits for it begins, so the task never runs.
    let health = json!({"healthCheck": {"command": ["CMD-SHELL", "false"], "interval": 5}});
    let mut waits = obedient();
    waits["dependsOn"] = json!([{"containerName": "database", "condition": "HEALTHY"}]);
    scene.define("ends", &[script("database", "exit 1", &health), waits]);
    let condition = |service: &Value, type_: &str| {
        let conditions = service["status"]["conditions"].as_array().into_iter().flatten();
        let found = conditions.into_iter().find(|condition| condition["type"] == type_);
        found.map(|found| (text(&found["status"]).to_owned(), text(&found["reason"]).to_owned()))
    };
    let stalled = |status: &str, reason: &str| Some((status.to_owned(), reason.to_owned()));
    for name in ["missing", "ends"] {
        scene.apply("EcsService", name, &service(name, 1));
    }
    for name in ["missing", "ends"] {
        let found = scene.until("ecsservice", name, "is stalled", |service| {
            condition(service, "Stalled") == stalled("True", "TasksFailToStart")
        });
        let told = format!("(service {name}) is unable to consistently start tasks successfully.");
        assert!(found["status"]["events"].to_string().contains(&told), "{found}");
        assert_eq!(condition(&found, "Reconciling"), stalled("False", "TasksFailToStart"));
        let ready = found["status"]["conditions"].to_string();
        assert!(ready.contains("does not start: "), "the cause is told: {ready}");
    }
    scene.define("missing", &[obedient()]);
    let found = scene.until("ecsservice", "missing", "is steady", has_completed("missing:2"));
    assert_eq!(condition(&found, "Stalled"), stalled("False", "SteadyState"));
}

#[test]
fn a_record_tells_an_eviction_from_a_deletion_by_hand() {
    let scene = Scene::new();
    scene.define("app", &[obedient()]);
    let tasks = run(&scene, &["evicted", "record", "pod"]);
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod(&tasks[0]), "namespace": scene.namespace}});
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(eviction.to_string().as_bytes()).unwrap();
    let path = format!("/api/v1/namespaces/{}/pods/{}/eviction", scene.namespace, pod(&tasks[0]));
    kubectl(&["create", "--raw", &path, "-f", file.path().to_str().unwrap()]);
    // The record is kept until it has all, so that it can be read here.
    scene.kubectl(&["patch", "ecstask", name(&tasks[1]), "--type=json", "-p", ADD_FINALIZER]);
    scene.kubectl(&["delete", "ecstask", name(&tasks[1]), "--wait=false"]);
    scene.kubectl(&["delete", "pod", pod(&tasks[2]), "--wait=false"]);
    let expected = [
        ("evicted", "TerminationNotice", "Container instance deregistration forced by user (EvictionByEvictionAPI"),
        ("record", "UserInitiated", "Deleted through the Kubernetes API"),
        ("pod", "UserInitiated", "Deleted through the Kubernetes API"),
    ];
    for (task, (service, code, reason)) in tasks.iter().zip(expected) {
        let status = scene.stopped(task);
        assert_stop(&status, code, reason);
        // What its process answered to SIGTERM.
        assert_eq!(status["exitCodes"], "app=7", "{service}: {status}");
        scene.replaced(service, task);
        assert_eq!(scene.get("pod", pod(task)), Value::Null);
    }
    scene.kubectl(&["patch", "ecstask", name(&tasks[1]), "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]);
    scene.until("ecstask", name(&tasks[1]), "is gone", Value::is_null);
}

const ADD_FINALIZER: &str = r#"[{"op": "add", "path": "/metadata/finalizers/-", "value": "test.example/wait"}]"#;

#[test]
fn two_essential_containers_that_end_at_once_end_one_task() {
    let scene = Scene::new();
    let second = script("second", OBEYS, &json!({}));
    scene.define("app", &[obedient(), second]);
    scene.apply("EcsService", "app", &service("app", 2));
    let tasks = scene.running("app", 2);
    // Both have the order by then.
    let end = SystemTime::now() + Duration::from_secs(6);
    let end = end.duration_since(UNIX_EPOCH).unwrap().as_secs();
    for container in ["app", "second"] {
        scene.order(&tasks[0], container, &format!("until test $(date +%s) -ge {end}; do sleep 0.05; done; exit 5"));
    }
    let status = scene.stopped(&tasks[0]);
    assert_stop(&status, "EssentialContainerExited", "Essential container in task exited (container ");
    assert_eq!(status["exitCodes"], "app=5,second=5");
    let running = scene.running("app", 2);
    assert!(running.iter().any(|task| name(task) == name(&tasks[1])), "the other task has not noticed");
    assert_eq!(scene.records("app", "STOPPED").len(), 1, "one task has ended");
    let failed = scene.get("ecsservice", "app")["status"]["deployments"][0]["failedTasks"].as_i64().unwrap_or(0);
    assert!(failed <= 1, "{failed} failed tasks");
}

#[test]
fn a_node_that_refuses_tasks_is_not_asked_in_a_hot_loop() {
    let scene = Scene::new();
    scene.apply("EcsCluster", &scene.cluster, &json!({"kubernetes": {"podSecurity": "privileged"}}));
    scene.define("app", &[obedient()]);
    scene.apply("EcsService", "app", &service("app", 2));
    let before = scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let running = scene.running("app", 2);
    let mut unsafe_app = obedient();
    unsafe_app["systemControls"] = json!([{"namespace": "net.core.somaxconn", "value": "100"}]);
    scene.define("app", &[unsafe_app]);
    let primary = |service: &Value| service["status"]["deployments"][0].clone();
    let paused = |rounds: i64| {
        scene.until("ecsservice", "app", "waits for the node", |service| {
            primary(service)["failedStarts"].as_i64() >= Some(rounds) && primary(service)["nextStartAt"].is_string()
        })
    };
    let found = paused(3);
    assert_ne!(primary(&found)["id"], primary(&before)["id"]);
    scene.until("ecsservice", "app", "says why", |service| {
        let conditions = service["status"]["conditions"].to_string();
        conditions.contains("TasksFailToStart") && conditions.contains("SysctlForbidden")
    });
    // Two rounds later the pause is one of 40 s.
    paused(5);
    let refused = || scene.records("app", "STOPPED").len();
    let first = &primary(&before)["id"];
    scene.wait("the first deployment runs alone", || {
        let pods = scene.kubectl(&["get", "pods", "-l", "ecs-operator.dev/service=app", "-o", "json"]);
        let pods: Value = serde_json::from_str(&pods).unwrap();
        let pods: Vec<_> = pods["items"].as_array().unwrap().iter().collect();
        let replica_sets = scene.kubectl(&[
            "get",
            "rs",
            "-l",
            "ecs-operator.dev/service=app",
            "-o",
            "jsonpath={.items[*].spec.replicas}",
        ]);
        let is_first = |pod: &&Value| pod["metadata"]["annotations"]["ecs-operator.dev/deployment-id"] == *first;
        pods.len() == 2 && pods.iter().all(is_first) && matches!(&*replica_sets, "0 2" | "2 0")
    });
    let in_pause = refused();
    sleep(Duration::from_secs(15));
    assert_eq!(refused(), in_pause, "more tasks were made");
    let names = |tasks: &[Value]| tasks.iter().map(|task| name(task).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names(&scene.running("app", 2)), names(&running), "what ran before goes on");
    scene.define("app", &[obedient()]);
    scene.until("ecsservice", "app", "is steady", has_completed("app:3"));
}
