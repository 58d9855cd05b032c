//! Target groups on the real node: what their checks and their delay do to tasks, and to requests.

use std::{
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    clients::Clients,
    cluster::cluster,
    my_operator,
    rollout::{NGINX, SERVE, has_completed},
    scene::{Scene, name, pod, service, text},
    task::script,
};

/// Answers at once, but for one path: 100 bytes of that a second. Told to end, nginx drops what it has.
const QUICK_AND_SLOW: &str = r"slow=$(printf '%400s' | tr ' ' s)
cat > /etc/nginx/conf.d/default.conf <<END
server { listen 8080; access_log off; location / { return 200 good; } location /slow { limit_rate 100; return 200 $slow; } }
END
exec nginx -g 'daemon off;'";

/// A request for the slow path of one task, made in another one.
fn slow_request(scene: &Scene, from: &str, address: &str) -> Child {
    let url = format!("http://{address}:8080/slow");
    Command::new("hack/cluster/kubectl")
        .args(["--name", &cluster(), "-n", &scene.namespace, "exec", from, "--", "curl", "-s", &url])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn registered(desired_count: i32) -> Value {
    let mut app = service("app", desired_count);
    app["loadBalancers"] = json!([{"targetGroupArn": "front", "containerName": "app", "containerPort": 8080}]);
    app
}

fn has_healthy(count: i64) -> impl Fn(&Value) -> bool {
    move |group| group["status"]["healthyTargets"] == count
}

#[test]
fn a_task_that_fails_the_check_of_its_target_group_gets_no_traffic_and_is_replaced() {
    let scene = Scene::new();
    let check = json!({
        "port": 80, "healthCheckPath": "/index.html", "healthCheckIntervalSeconds": 5, "healthCheckTimeoutSeconds": 2
    });
    scene.apply("EcsTargetGroup", "front", &check);
    let members = json!({"portMappings": [{"containerPort": 8080}]});
    scene.define("app", &[script("app", SERVE, &members)]);
    scene.apply("EcsService", "app", &registered(2));
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let front = scene.until("ecstargetgroup", "front", "has two healthy targets", has_healthy(2));
    let arn = text(&front["status"]["targetGroupArn"]).to_owned();
    let tasks = scene.running("app", 2);
    scene.kubectl(&["exec", pod(&tasks[0]), "--", "rm", "/tmp/www/index.html"]);
    scene.until("ecstargetgroup", "front", "has one healthy target", has_healthy(1));
    let addresses = ["get", "endpointslices", "-l", "kubernetes.io/service-name=tg-front", "-o", "json"];
    let slices: Value = serde_json::from_str(&scene.kubectl(&addresses)).unwrap();
    let endpoints = slices["items"].as_array().unwrap().iter().flat_map(|slice| slice["endpoints"].as_array().unwrap());
    let ready: Vec<_> = endpoints.filter(|it| it["conditions"]["ready"] == true).collect();
    assert!(ready.iter().all(|it| it["targetRef"]["name"] != *pod(&tasks[0])), "{ready:?}");
    let status = scene.stopped(&tasks[0]);
    assert_eq!(status["stoppedReason"], format!("Task failed ELB health checks in (target-group {arn})"), "{status}");
    assert_eq!(status["healthStatus"], "UNHEALTHY", "{status}");
    scene.replaced("app", &tasks[0]);
    scene.until("ecstargetgroup", "front", "has two healthy targets again", has_healthy(2));
    let events = scene.get("ecsservice", "app")["status"]["events"].to_string();
    let told = format!("(task {}) (port 8080) is unhealthy in (target-group {arn})", name(&tasks[0]));
    assert!(events.contains(&told), "{events}");
}

#[test]
fn a_task_that_is_stopped_loses_no_request_that_comes_through_its_target_group() {
    // Nothing else is to use the machine, as far as the tests go.
    let _operator = my_operator();
    let scene = Scene::without_operator();
    let delay = json!([{"key": "deregistration_delay.timeout_seconds", "value": "8"}]);
    let check =
        json!({"port": 80, "healthCheckIntervalSeconds": 5, "healthCheckTimeoutSeconds": 2, "attributes": delay});
    scene.apply("EcsTargetGroup", "front", &check);
    let members = json!({"image": NGINX, "cpu": 128, "portMappings": [{"containerPort": 8080}]});
    scene.define("app", &[script("app", QUICK_AND_SLOW, &members)]);
    scene.apply("EcsService", "app", &registered(2));
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let tasks = scene.running("app", 2);
    scene.until("ecstargetgroup", "front", "has two healthy targets", has_healthy(2));
    let address = scene.kubectl(&["get", "service", "tg-front", "-o", "jsonpath={.spec.clusterIP}"]);
    let clients = Clients::start(&format!("{address}:80"));
    let slow = slow_request(&scene, pod(&tasks[1]), text(&tasks[0]["status"]["addresses"][0]));
    sleep(Duration::from_secs(1));
    let stop = json!({"spec": {"desiredStatus": "STOPPED"}}).to_string();
    scene.kubectl(&["patch", "ecstask", name(&tasks[0]), "--type", "merge", "-p", &stop]);
    let status = scene.stopped(&tasks[0]);
    scene.replaced("app", &tasks[0]);
    scene.until("ecstargetgroup", "front", "has two healthy targets again", has_healthy(2));
    let answers = clients.stop();
    println!("{:.0} requests a second were answered: {answers:?}", answers.rate());
    assert_eq!(answers.failed, 0, "{answers:?}");
    assert_eq!(answers.by_body.keys().collect::<Vec<_>>(), ["good"], "{answers:?}");
    assert_eq!(status["stopCode"], "UserInitiated", "{status}");
    let slow = String::from_utf8(slow.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(slow, "s".repeat(400), "a request that was under way is answered to its end");
}
