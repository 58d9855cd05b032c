//! Service Connect on the real node: a name that clients use leads to the tasks that have it, whatever their port is.

use serde_json::{Value, json};

use super::{
    asking::Asking,
    rollout::has_completed,
    scene::{Scene, obedient, pod, service},
    task::script,
};

/// Answers on a port.
fn server(port: u16) -> Value {
    let serve = format!(
        "mkdir /tmp/www; echo good > /tmp/www/index.html; trap exit TERM; httpd -f -p {port} -h /tmp/www & wait"
    );
    let health = json!({"command": ["CMD-SHELL", format!("wget -q -O - http://127.0.0.1:{port}/")], "interval": 5, "retries": 2});
    let ports = json!([{"containerPort": port, "name": "http"}]);
    script("app", &serve, &json!({"portMappings": ports, "healthCheck": health}))
}

fn connected(task_definition: &str, tasks: i32, services: &Value) -> Value {
    let mut service = service(task_definition, tasks);
    service["serviceConnectConfiguration"] = json!({"enabled": true, "namespace": "shop", "services": services});
    service
}

#[test]
fn clients_reach_a_service_by_its_name_while_its_port_changes() {
    let scene = Scene::new();
    scene.define("app", &[server(8080)]);
    let alias = json!([{"port": 80, "dnsName": "app.internal"}]);
    // What leaves its endpoints is asked for a while yet.
    let mut app = connected("app", 2, &json!([{"portName": "http", "clientAliases": alias}]));
    app["kubernetes"]["preStopSeconds"] = json!(5);
    scene.apply("EcsService", "app", &app);
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    scene.define("client", &[obedient()]);
    scene.apply("EcsService", "client", &connected("client", 1, &json!([])));
    scene.until("ecsservice", "client", "is steady", has_completed("client:1"));
    let client = scene.running("client", 1);
    let asking = Asking::start(&scene.namespace, pod(&client[0]), "app.internal");
    scene.define("app", &[server(8081)]);
    let after = scene.until("ecsservice", "app", "has another port", has_completed("app:2"));
    asking.assert_always_answered();
    let resources = json!([{"discoveryName": "http"}]);
    assert_eq!(after["status"]["deployments"][0]["serviceConnectResources"], resources, "{after}");
    let outcomes = after["status"]["fieldOutcomes"].to_string();
    assert!(outcomes.contains("There is no proxy"), "{outcomes}");
    // A task that takes no part does not know the name.
    scene.apply("EcsService", "stranger", &service("client", 1));
    scene.until("ecsservice", "stranger", "is steady", has_completed("client:1"));
    let stranger = scene.running("stranger", 1);
    let look = "getent hosts app.internal || cat /etc/hosts";
    let hosts = scene.kubectl(&["exec", pod(&stranger[0]), "--", "sh", "-c", look]);
    assert!(!hosts.contains("app.internal"), "{hosts}");
    let hosts = scene.kubectl(&["exec", pod(&client[0]), "--", "cat", "/etc/hosts"]);
    let address = scene.kubectl(&["get", "services", "-l", "ecs-operator.dev/service=app", "-o", ADDRESSES]);
    let known = address.split_whitespace().any(|address| hosts.contains(&format!("{address}\tapp.internal")));
    assert!(known, "{address}: {hosts}");
}

const ADDRESSES: &str = "jsonpath={.items[*].spec.clusterIP}";
