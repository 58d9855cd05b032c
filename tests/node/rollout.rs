//! Services on the real node whose revision changes, or whose tasks or revisions turn bad: what their clients notice.

use std::{thread::sleep, time::Duration};

use serde_json::{Value, json};

use super::{
    asking::Asking,
    clients::Clients,
    cluster::kubectl,
    my_operator,
    pod_history::{Moment, PodHistory, PodState},
    scene::{Scene, name, obedient, pod, service, text},
    task::{IMAGE, script},
};

#[test]
fn a_task_that_turns_unhealthy_is_replaced_by_one_that_is_healthy_first() {
    let scene = Scene::new();
    let mut app = obedient();
    let check = ["CMD-SHELL", "test ! -e /tmp/sick"];
    app["healthCheck"] = json!({"command": check, "interval": 5, "timeout": 5, "retries": 2});
    scene.define("app", &[app]);
    scene.apply("EcsService", "app", &service("app", 2));
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let tasks = scene.running("app", 2);
    let has_health = |health: &'static str| move |task: &Value| task["status"]["healthStatus"] == health;
    for task in &tasks {
        scene.until("ecstask", name(task), "is HEALTHY", has_health("HEALTHY"));
    }
    let (sick, well) = (&tasks[0], &tasks[1]);
    let history = PodHistory::start(&scene, "app", 2);
    let before = history.moments().len();
    scene.kubectl(&["exec", pod(sick), "--", "touch", "/tmp/sick"]);
    scene.until("ecstask", name(sick), "is UNHEALTHY", has_health("UNHEALTHY"));
    let told = format!("Task {} fails its health checks.", name(sick));
    scene.until("ecsservice", "app", "is not ready for it", |service| {
        let conditions = service["status"]["conditions"].as_array().unwrap();
        conditions
            .iter()
            .any(|it| it["type"] == "Ready" && it["status"] == "False" && text(&it["message"]).contains(&told))
    });
    let status = scene.stopped(sick);
    let expected = (&json!("ServiceSchedulerInitiated"), &json!("Task failed container health checks"));
    assert_eq!((&status["stopCode"], &status["stoppedReason"]), expected);
    assert_eq!(status["healthStatus"], "UNHEALTHY", "{status}");
    assert_eq!(status["exitCodes"], "app=7", "{status}");
    let running = scene.running("app", 2);
    let next: Vec<_> = running.iter().filter(|task| name(task) != name(well)).collect();
    assert_eq!(next.len(), 1, "the other task has not noticed: {running:?}");
    scene.until("ecstask", name(next[0]), "is HEALTHY", has_health("HEALTHY"));
    let moments = &history.moments()[before - 1..];
    let count = |moment: &Moment, state| moment.values().filter(|found| **found == state).count();
    for moment in moments {
        let (ready, not_ready) = (count(moment, PodState::Ready), count(moment, PodState::NotReady));
        assert!(ready >= 1 && ready + not_ready >= 2, "less than before: {moments:?}");
    }
    let stops = moments.iter().find(|moment| moment[pod(sick)] == PodState::Stopping).unwrap();
    let expected = [(pod(well), PodState::Ready), (pod(next[0]), PodState::Ready), (pod(sick), PodState::Stopping)];
    let expected: Moment = expected.into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
    assert_eq!(*stops, expected, "when it is stopped the new one is healthy: {moments:?}");
    let events = scene.get("ecsservice", "app")["status"]["events"].to_string();
    assert!(events.contains(&format!("(task {}) failed container health checks", name(sick))), "{events}");
}

/// Whether a revision of the service has taken over.
pub fn has_completed(revision: &str) -> impl Fn(&Value) -> bool {
    move |service| {
        let primary = &service["status"]["deployments"][0];
        text(&primary["taskDefinition"]).ends_with(&format!("/{revision}")) && primary["rolloutState"] == "COMPLETED"
    }
}

/// The image of the quickstart, which `hack/demo` brings along: busybox starts a process for each connection.
pub const NGINX: &str = "public.ecr.aws/docker/library/nginx:1.28";
const ANSWER: &str = r#"echo "server { listen 8080; access_log off; return 200 $ANSWER; }" > /etc/nginx/conf.d/default.conf
exec nginx -g 'daemon off;'"#;

#[test]
fn no_request_of_a_thousand_a_second_fails_while_a_new_revision_takes_over() {
    // Nothing else is to use the machine, as far as the tests go.
    let _operator = my_operator();
    let scene = Scene::without_operator();
    let define = |answer: &str| {
        let check = ["CMD-SHELL", "curl -fs http://127.0.0.1:8080/ >/dev/null || exit 1"];
        let members = json!({
            "image": NGINX,
            "cpu": 128,
            "memory": 64,
            "portMappings": [{"containerPort": 8080}],
            "healthCheck": {"command": check, "interval": 5},
            "environment": [{"name": "ANSWER", "value": answer}],
        });
        scene.define("app", &[script("app", ANSWER, &members)]);
    };
    define("first");
    // One by one, and with the time that a stopping task has by itself to go from the endpoints.
    let one_by_one = json!({"minimumHealthyPercent": 100, "maximumPercent": 150});
    let spec = json!({"taskDefinition": "app", "desiredCount": 2, "deploymentConfiguration": one_by_one});
    scene.apply("EcsService", "app", &spec);
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let address = scene.kubectl(&["get", "service", "app", "-o", "jsonpath={.spec.clusterIP}"]);
    let clients = Clients::start(&format!("{address}:8080"));
    define("second");
    scene.until("ecsservice", "app", "has the new revision", has_completed("app:2"));
    // Until then they finish what they have.
    let first = "ecs-operator.dev/service=app,ecs-operator.dev/revision=1";
    scene.wait("the tasks of the first revision are gone", || {
        scene.kubectl(&["get", "pods", "-l", first, "-o", "name"]).is_empty()
    });
    let answers = clients.stop();
    println!("{:.0} requests a second were answered: {answers:?}", answers.rate());
    assert_eq!(answers.failed, 0, "{answers:?}");
    assert_eq!(answers.by_body.keys().collect::<Vec<_>>(), ["first", "second"], "{answers:?}");
    assert!(answers.rate() >= 1000.0, "{:.0} requests a second: too few to tell anything: {answers:?}", answers.rate());
}

pub const SERVE: &str =
    "mkdir /tmp/www; echo good > /tmp/www/index.html; trap exit TERM; httpd -f -p 8080 -h /tmp/www & wait";

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
    let before = scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
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
    let asking = Asking::start("default", &client, &format!("{address}:8080"));
    app["image"] = json!("127.0.0.1:1/none:1");
    scene.define("app", &[app]);
    let has_rolled_back = |service: &Value| {
        let conditions = service["status"]["conditions"].as_array().into_iter().flatten();
        conditions.into_iter().any(|condition| condition["reason"] == "RolledBack" && condition["status"] == "True")
    };
    let after = scene.until("ecsservice", "app", "is rolled back", has_rolled_back);
    sleep(Duration::from_secs(2));
    asking.assert_always_answered();
    in_default(&["delete", "pod", &client, "--wait=false"]);
    let id = |service: &Value| service["status"]["deployments"][0]["id"].clone();
    assert_eq!(id(&after), id(&before), "what ran before is PRIMARY again");
    assert_eq!(after["status"]["taskDefinitionRevision"], "app:1");
    assert!(after["status"]["conditions"].to_string().contains("The last one: CannotPullContainerError"), "{after}");
    let names = |tasks: &[Value]| tasks.iter().map(|task| name(task).to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&scene.running("app", 2)), names(&tasks), "the tasks have not noticed");
    scene.wait("the tasks of the bad revision have stopped", || scene.records("app", "PENDING").is_empty());
    let revision = |record: &Value| record["status"]["taskDefinitionRevision"] == "app:2";
    assert!(scene.records("app", "STOPPED").iter().any(revision), "they have records");
}

#[test]
fn a_service_that_is_scaled_in_beside_a_bad_revision_keeps_its_healthy_tasks() {
    let scene = Scene::new();
    let mut app = obedient();
    scene.define("app", &[app.clone()]);
    let mut halves = service("app", 4);
    halves["deploymentConfiguration"] = json!({"minimumHealthyPercent": 50, "maximumPercent": 100});
    scene.apply("EcsService", "app", &halves);
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    app["image"] = json!("127.0.0.1:1/none:1");
    scene.define("app", &[app]);
    let revision = |record: &&Value| record["status"]["taskDefinitionRevision"] == "app:1";
    let good = |status: &str| scene.records("app", status).iter().filter(revision).count();
    let bad = "ecs-operator.dev/service=app,ecs-operator.dev/revision=2";
    let bad = || scene.kubectl(&["get", "pods", "-l", bad, "-o", "name"]).lines().count();
    scene.wait("two have made room for the bad revision", || good("RUNNING") == 2 && bad() == 2);
    let history = PodHistory::start(&scene, "app", 4);
    let before = history.moments().len();
    // Of one task none may be missing and none be too many: the deployment cannot go on.
    scene.kubectl(&["scale", "ecsservice/app", "--replicas", "1"]);
    scene.wait("one task is left", || good("RUNNING") == 1 && bad() == 0);
    for moment in &history.moments()[before - 1..] {
        let ready = moment.values().filter(|state| **state == PodState::Ready).count();
        assert!(ready >= 1, "a healthy task stays: {:?}", history.moments());
    }
}

#[test]
fn a_daemon_has_one_task_on_the_node_and_another_when_that_ends() {
    let scene = Scene::new();
    scene.define("app", &[obedient()]);
    let mut daemon = service("app", 1);
    daemon.as_object_mut().unwrap().remove("desiredCount");
    daemon["schedulingStrategy"] = json!("DAEMON");
    scene.apply("EcsService", "app", &daemon);
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    assert_eq!(scene.get("ecsservice", "app")["status"]["desiredCount"], 1);
    let task = scene.running("app", 1).remove(0);
    scene.order(&task, "app", "exit 5");
    let status = scene.stopped(&task);
    assert_eq!((&status["stopCode"], &status["exitCodes"]), (&json!("EssentialContainerExited"), &json!("app=5")));
    scene.replaced("app", &task);
    let mut app = obedient();
    app["environment"] = json!([{"name": "CONTENT", "value": "second"}]);
    scene.define("app", &[app]);
    scene.until("ecsservice", "app", "has the new revision", has_completed("app:2"));
    scene.kubectl(&["delete", "ecsservice", "app", "--timeout=90s"]);
    assert_eq!(scene.kubectl(&["get", "pods,daemonsets", "-o", "name"]), "");
}
