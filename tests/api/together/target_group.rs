//! Target groups: what stands in front of tasks, and which tasks are their targets.

use serde_json::{Value, json};

use crate::{
    connection::{self, wait_until},
    pods::{is_older_than, not_ready, report},
    scene::{Scene, condition, definition, messages, service, text},
    turns::together,
};

use super::service::try_golden_objects;

fn to(target_group: &str, port: u16) -> Value {
    json!([{"targetGroupArn": target_group, "containerName": "web", "containerPort": port}])
}

/// A service of the task definition web, registered with target groups.
fn registered(desired_count: i32, load_balancers: Value) -> Value {
    let mut web = service(desired_count);
    web["loadBalancers"] = load_balancers;
    web
}

/// A service of the task definition web that has come to rest behind the target group front.
async fn run_behind(scene: &Scene, group: Value, tasks: i32) -> Value {
    scene.make_cluster().await;
    scene.define("nginx:1").await;
    scene.apply("EcsTargetGroup", "front", group).await;
    scene.apply("EcsService", "web", registered(tasks, to("front", 80))).await;
    scene.steady("web", "web:1", tasks.into()).await
}

async fn targets(scene: &Scene, group: &str, registered: i64, healthy: i64) -> Value {
    let what = format!("has {registered} targets, {healthy} of them healthy");
    let holds = |group: &Value| {
        group["status"]["registeredTargets"] == registered && group["status"]["healthyTargets"] == healthy
    };
    scene.until("EcsTargetGroup", group, &what, holds).await
}

#[test]
fn the_tasks_of_a_service_are_registered_with_its_target_groups() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let delay = json!([{"key": "deregistration_delay.timeout_seconds", "value": "7"}]);
        let group =
            json!({"port": 8080, "healthCheckPath": "/up", "healthCheckIntervalSeconds": 10, "attributes": delay});
        scene.apply("EcsTargetGroup", "front", group).await;
        scene.condition("EcsTargetGroup", "front", "Ready", "True", "Available").await;
        scene.apply("EcsService", "web", registered(2, to("front", 80))).await;
        scene.steady("web", "web:1", 2).await;
        let group = targets(scene, "front", 2, 2).await;
        let arn = text(&group["status"]["targetGroupArn"]);
        assert!(arn.starts_with("arn:aws:elasticloadbalancing:") && arn.contains(":targetgroup/front/"), "{arn}");
        assert_eq!(group["status"]["address"], format!("tg-front.{}.svc:8080", scene.namespace));
        let address = &scene.get("Service", "tg-front").await["spec"];
        assert_eq!((&address["type"], &address["ports"][0]["targetPort"]), (&json!("ClusterIP"), &json!(80)));
        assert_eq!(address["selector"], json!({"ecs-operator.dev/target-group.front": "true"}));
        let pod = &scene.list("Pod").await[0]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["readinessProbe"]["httpGet"], json!({"path": "/up", "port": 80, "scheme": "HTTP"}));
        assert_eq!(container["lifecycle"]["preStop"]["sleep"]["seconds"], 7);
        assert_eq!(pod["terminationGracePeriodSeconds"], 37, "the stop timeout comes after the delay");
        let told = format!("(service web) registered 1 targets in (target-group {arn})");
        let of_two = told.replace("1 targets", "2 targets");
        let tells = |service: &Value| messages(service).iter().any(|message| *message == told || *message == of_two);
        scene.until("EcsService", "web", "tells of its targets", tells).await;
        // One that is deleted in the second in which another one was made may have been replaced by that.
        wait_until("the tasks are a second old", async || {
            scene.list("Pod").await.iter().all(|pod| is_older_than(&pod["metadata"]["creationTimestamp"], 1))
        })
        .await;
        scene.merge("EcsService", "web", json!({"spec": {"desiredCount": 1}})).await;
        targets(scene, "front", 1, 1).await;
        let gone = format!("(service web) deregistered 1 targets in (target-group {arn})");
        let tells = |service: &Value| messages(service).contains(&gone);
        scene.until("EcsService", "web", "tells of its last target", tells).await;
    });
}

#[test]
fn a_task_that_fails_the_checks_of_its_target_group_is_replaced() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let group = json!({"healthCheckIntervalSeconds": 5, "healthCheckTimeoutSeconds": 2});
        let group = scene.apply("EcsTargetGroup", "front", group).await;
        scene.apply("EcsService", "web", registered(1, to("front", 80))).await;
        scene.steady("web", "web:1", 1).await;
        let record = scene.running_tasks(1).await.remove(0);
        assert_eq!(record["status"]["healthStatus"], "HEALTHY");
        report(scene, &scene.pod_of(&record).await, not_ready("web")).await;
        let status = scene.stopped_record(&record).await;
        let arn = text(&scene.get("EcsTargetGroup", "front").await["status"]["targetGroupArn"]);
        assert_eq!(status["stoppedReason"], format!("Task failed ELB health checks in (target-group {arn})"));
        assert_eq!(
            (&status["stopCode"], &status["healthStatus"]),
            (&json!("ServiceSchedulerInitiated"), &json!("UNHEALTHY"))
        );
        let web = scene.steady("web", "web:1", 1).await;
        let id = text(&record["metadata"]["name"]);
        let told = format!(
            "(service web) (task {id}) (port 80) is unhealthy in (target-group {arn}) due to (reason Health checks failed)."
        );
        assert!(messages(&web).contains(&told), "{:?}", messages(&web));
        assert_eq!(group["kind"], "EcsTargetGroup");
    });
}

#[test]
fn a_target_group_that_is_not_there_is_waited_for_and_one_that_is_used_stays() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", registered(1, to("front", 80))).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "TargetGroupNotFound").await;
        assert!(text(&refused["message"]).contains("spec.loadBalancers[0].targetGroupArn"), "{refused}");
        scene.apply("EcsTargetGroup", "front", json!({"healthCheckPort": "x"})).await;
        let refused = scene.condition("EcsTargetGroup", "front", "Accepted", "False", "Invalid").await;
        assert!(text(&refused["message"]).contains("spec.healthCheckPort"), "{refused}");
        scene.apply("EcsTargetGroup", "front", json!({"port": 80})).await;
        scene.steady("web", "web:1", 1).await;
        // A mistake in a target group changes nothing, and what was accepted goes on.
        scene.apply("EcsTargetGroup", "front", json!({"healthCheckPort": "x", "port": 81})).await;
        scene.condition("EcsTargetGroup", "front", "Accepted", "False", "Invalid").await;
        scene.delete("Pod", &text(&scene.list("Pod").await[0]["metadata"]["name"])).await;
        scene.merge("Service", "tg-front", json!({"spec": {"selector": {"a": "b"}}})).await;
        let is_healed = |service: &Value| service["spec"]["selector"].as_object().is_some_and(|it| it.len() == 1);
        let healed = scene.until("Service", "tg-front", "has its own selector", is_healed).await;
        assert_eq!(healed["spec"]["ports"][0]["port"], 80);
        scene.apply("EcsTargetGroup", "front", json!({"port": 80})).await;
        scene.condition("EcsTargetGroup", "front", "Ready", "True", "Available").await;
        scene.steady("web", "web:1", 1).await;
        // What does not go together is refused, and what runs goes on.
        scene.apply("EcsService", "web", registered(1, to("front", 81))).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "Invalid").await;
        assert!(text(&refused["message"]).contains("did not have a container port 81 defined."), "{refused}");
        targets(scene, "front", 1, 1).await;
        scene.delete("EcsTargetGroup", "front").await;
        let waits = scene.condition("EcsTargetGroup", "front", "Ready", "False", "DeletionWaits").await;
        assert!(text(&waits["message"]).contains("is currently in use. It stays until EcsService web"), "{waits}");
        scene.apply("EcsService", "web", registered(1, json!([]))).await;
        scene.until_gone("EcsTargetGroup", "front").await;
        scene.steady("web", "web:1", 1).await;
        assert!(scene.get("Service", "web").await.is_object());
    });
}

#[test]
fn a_changed_check_takes_effect_with_the_next_deployment_and_the_status_says_that_one_is_due() {
    together(async |scene| {
        let before = run_behind(scene, json!({"healthCheckPath": "/old"}), 1).await;
        let mut web = registered(1, to("front", 80));
        assert!(before["status"]["deploymentDue"].is_null(), "{before}");
        scene.apply("EcsTargetGroup", "front", json!({"healthCheckPath": "/new"})).await;
        let is_due = |service: &Value| service["status"]["deploymentDue"].is_string();
        let due = scene.until("EcsService", "web", "has a deployment due", is_due).await;
        let told = "A deployment that is started now differs in spec.containers[0].readinessProbe.httpGet.path: a new value of spec.forceNewDeployment starts one.";
        assert_eq!(due["status"]["deploymentDue"], told);
        let id = |service: &Value| text(&service["status"]["deployments"][0]["id"]);
        assert_eq!(id(&due), id(&before), "nothing was started");
        web["forceNewDeployment"] = json!("check");
        scene.apply("EcsService", "web", web).await;
        let is_over = |service: &Value| service["status"]["deploymentDue"].is_null();
        let after = scene.until("EcsService", "web", "has no deployment due", is_over).await;
        assert_ne!(id(&after), id(&before));
        let after = scene.steady("web", "web:1", 1).await;
        assert!(is_over(&after), "{after}");
    });
}

#[test]
fn one_of_two_target_groups_of_a_name_is_refused() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("EcsTargetGroup", "one", json!({"name": "front"})).await;
        scene.condition("EcsTargetGroup", "one", "Ready", "True", "Available").await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", registered(1, to("front", 80))).await;
        scene.steady("web", "web:1", 1).await;
        scene.apply("EcsTargetGroup", "two", json!({"name": "front"})).await;
        let refused = scene.condition("EcsTargetGroup", "two", "Accepted", "False", "TargetGroupTaken").await;
        assert!(text(&refused["message"]).contains("it is EcsTargetGroup one"), "{refused}");
        // The service means the other one.
        scene.delete("EcsTargetGroup", "two").await;
        scene.until_gone("EcsTargetGroup", "two").await;
        scene.apply("EcsTargetGroup", "two", json!({"name": "front"})).await;
        scene.condition("EcsTargetGroup", "two", "Accepted", "False", "TargetGroupTaken").await;
        scene.delete("EcsService", "web").await;
        scene.delete("EcsTargetGroup", "one").await;
        scene.condition("EcsTargetGroup", "two", "Ready", "True", "Available").await;
    });
}

#[test]
fn a_service_whose_target_group_is_taken_away_says_so_and_goes_on() {
    together(async |scene| {
        run_behind(scene, json!({}), 1).await;
        let tasks = scene.running_tasks(1).await;
        scene.delete("EcsTargetGroup", "front").await;
        scene.condition("EcsTargetGroup", "front", "Ready", "False", "DeletionWaits").await;
        scene.merge("EcsTargetGroup", "front", json!({"metadata": {"finalizers": null}})).await;
        scene.until_gone("EcsTargetGroup", "front").await;
        scene.condition("EcsService", "web", "Accepted", "False", "TargetGroupNotFound").await;
        scene.merge("EcsService", "web", json!({"spec": {"desiredCount": 2}})).await;
        scene.apply("EcsTargetGroup", "front", json!({})).await;
        scene.steady("web", "web:1", 2).await;
        let still = scene.running_tasks(2).await;
        assert!(still.iter().any(|task| task["metadata"]["name"] == tasks[0]["metadata"]["name"]), "{still:?}");
        targets(scene, "front", 2, 2).await;
        // Under another name it is another target group, which tasks have to be registered with.
        scene.delete("EcsTargetGroup", "front").await;
        scene.merge("EcsTargetGroup", "front", json!({"metadata": {"finalizers": null}})).await;
        scene.apply("EcsTargetGroup", "again", json!({"name": "front"})).await;
        targets(scene, "again", 2, 2).await;
    });
}

#[test]
fn a_pod_that_says_it_is_a_target_moves_no_port() {
    together(async |scene| {
        run_behind(scene, json!({}), 1).await;
        targets(scene, "front", 1, 1).await;
        let real = scene.list("Pod").await.remove(0);
        let mut labels = real["metadata"]["labels"].clone();
        // Its workload would take it for its own.
        labels
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !["ecs-operator.dev/service", "pod-template-hash"].contains(&name.as_str()));
        let says = r#"[{"targetGroup":"front","arn":"x","containerPort":9,"portName":"x","isAsked":true}]"#;
        let forged = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "forged", "labels": labels, "annotations": {"ecs-operator.dev/targets": says}},
            "spec": {"containers": [{"name": "web", "image": "nginx:1"}], "nodeName": real["spec"]["nodeName"]},
        });
        scene.create(&forged).await;
        let runs = |pod: &Value| pod["status"]["phase"] == "Running";
        scene.until("Pod", "forged", "runs", runs).await;
        scene.merge("EcsService", "web", json!({"spec": {"desiredCount": 2}})).await;
        targets(scene, "front", 2, 2).await;
        assert_eq!(scene.get("Service", "tg-front").await["spec"]["ports"][0]["targetPort"], 80);
    });
}

/// Moves the port of a service from 80 to 81, and waits until its target group has followed.
async fn move_port(scene: &Scene, mapping: impl Fn(u16) -> Value) -> Value {
    scene.make_cluster().await;
    let on = |port: u16| {
        let mut definition = definition("nginx:1", &[port]);
        definition["containerDefinitions"][0]["portMappings"][0] = mapping(port);
        definition
    };
    scene.apply("TaskDefinition", "web", on(80)).await;
    scene.apply("EcsTargetGroup", "front", json!({})).await;
    scene.apply("EcsService", "web", registered(2, to("front", 80))).await;
    scene.steady("web", "web:1", 2).await;
    scene.apply("TaskDefinition", "web", on(81)).await;
    let mut moved = registered(2, to("front", 81));
    // Both deployments have tasks for a while.
    moved["kubernetes"]["minReadySeconds"] = json!(3);
    scene.apply("EcsService", "web", moved).await;
    let port = |service: &Value| service["spec"]["ports"][0]["targetPort"].clone();
    let has_left = |service: &Value| port(service) != 80;
    let between = scene.until("Service", "tg-front", "is reached otherwise", has_left).await;
    scene.until("Service", "tg-front", "is reached on the new port", |service| port(service) == 81).await;
    scene.steady("web", "web:2", 2).await;
    port(&between)
}

#[test]
fn a_port_that_moves_is_reached_by_its_name() {
    together(async |scene| {
        let between = move_port(scene, |port| json!({"containerPort": port, "name": "http"})).await;
        assert_eq!(between, "http");
    });
}

#[test]
fn a_port_without_a_name_that_moves_is_reached_by_the_one_that_the_operator_gives_it() {
    together(async |scene| {
        let between = move_port(scene, |port| json!({"containerPort": port})).await;
        assert!(text(&between).starts_with("tg-"), "{between}");
    });
}

#[test]
fn a_network_load_balancer_is_ready_when_somebody_has_given_it_an_address() {
    together(async |scene| {
        scene.make_cluster().await;
        let preserve = json!([{"key": "preserve_client_ip.enabled", "value": "true"}]);
        let network =
            json!({"loadBalancer": "network", "loadBalancerClass": "example.com/none", "annotations": {"a": "b"}});
        scene.apply("EcsTargetGroup", "front", json!({"attributes": preserve, "kubernetes": network})).await;
        let waits = scene.condition("EcsTargetGroup", "front", "Ready", "False", "Waiting").await;
        assert!(text(&waits["message"]).contains("has no address yet"), "{waits}");
        let service = scene.get("Service", "tg-front").await;
        let spec = &service["spec"];
        assert_eq!((&spec["type"], &spec["externalTrafficPolicy"]), (&json!("LoadBalancer"), &json!("Local")));
        assert_eq!(spec["loadBalancerClass"], "example.com/none");
        assert_eq!(service["metadata"]["annotations"]["a"], "b");
        let path = format!("{}/status", scene.path("Service", "tg-front"));
        let address = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}});
        assert!(connection::merge(&scene.client, &path, &address).await.code < 300);
        scene.condition("EcsTargetGroup", "front", "Ready", "True", "Available").await;
        assert_eq!(scene.get("EcsTargetGroup", "front").await["status"]["address"], "192.0.2.7:80");
        // It may become an internal one.
        scene.apply("EcsTargetGroup", "front", json!({"port": 80})).await;
        let is_internal = |service: &Value| service["spec"]["type"] == "ClusterIP";
        scene.until("Service", "tg-front", "is internal", is_internal).await;
        scene.condition("EcsTargetGroup", "front", "Ready", "True", "Available").await;
    });
}

/// The definitions of the Gateway API's kinds, as its project releases them.
fn gateway_api() -> Vec<Value> {
    let folder = std::env::var("ECS_OPERATOR_TEST_GATEWAY_API")
        .expect("ECS_OPERATOR_TEST_GATEWAY_API: set it to what hack/cluster/gateway-api prints");
    let read = |kind: &str| {
        let text = std::fs::read_to_string(format!("{folder}/gateway.networking.k8s.io_{kind}.yaml")).unwrap();
        serde_saphyr::from_str(&text).unwrap()
    };
    vec![read("gateways"), read("httproutes")]
}

#[test]
fn an_application_load_balancer_is_a_route_where_there_is_a_gateway_api() {
    together(async |scene| {
        scene.make_cluster().await;
        let application = json!({
            "loadBalancer": "application", "gateway": {"name": "edge"}, "hostnames": ["shop.example"], "path": "/shop"
        });
        scene.apply("EcsTargetGroup", "front", json!({"kubernetes": application})).await;
        let missing = scene.condition("EcsTargetGroup", "front", "Ready", "False", "GatewayApiMissing").await;
        assert!(text(&missing["message"]).contains("kubernetes.loadBalancer to network or internal"), "{missing}");
        for definition in gateway_api() {
            scene.apply_document(&definition).await;
        }
        let listener = json!({"name": "http", "port": 80, "protocol": "HTTP"});
        let edge = json!({"gatewayClassName": "none", "listeners": [listener]});
        wait_until("Gateways can be made", async || {
            let path = scene.path("Gateway", "edge");
            let gateway = crate::scene::document("Gateway", "edge", &json!({"spec": edge}));
            connection::apply(&scene.client, &path, &gateway).await.code < 300
        })
        .await;
        // The kind is asked for again after a while, or when the group changes.
        scene.merge("EcsTargetGroup", "front", json!({"spec": {"port": 8080}})).await;
        scene.condition("EcsTargetGroup", "front", "Ready", "False", "Waiting").await;
        let route = scene.get("HTTPRoute", "tg-front").await;
        assert_eq!(route["spec"]["hostnames"], json!(["shop.example"]));
        assert_eq!(route["spec"]["parentRefs"][0]["name"], "edge");
        let rule = &route["spec"]["rules"][0];
        assert_eq!(rule["matches"][0]["path"], json!({"type": "PathPrefix", "value": "/shop"}));
        assert_eq!(
            (&rule["backendRefs"][0]["name"], &rule["backendRefs"][0]["port"]),
            (&json!("tg-front"), &json!(8080))
        );
        assert!(try_golden_objects(scene, |kind| kind == "HTTPRoute").await > 0, "the goldens have routes");
        // As the controller of a Gateway would say it.
        let accepted = json!({"type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let parent =
            json!({"parentRef": {"name": "edge"}, "controllerName": "example.com/none", "conditions": [accepted]});
        let path = format!("{}/status", scene.path("HTTPRoute", "tg-front"));
        let answer = connection::merge(&scene.client, &path, &json!({"status": {"parents": [parent]}})).await;
        assert!(answer.code < 300, "{}", answer.message());
        scene.merge("EcsTargetGroup", "front", json!({"spec": {"port": 8081}})).await;
        scene.condition("EcsTargetGroup", "front", "Ready", "True", "Available").await;
        assert_eq!(scene.get("EcsTargetGroup", "front").await["status"]["address"], "shop.example:80");
        scene.apply("EcsTargetGroup", "front", json!({"port": 80})).await;
        scene.until_gone("HTTPRoute", "tg-front").await;
        for definition in gateway_api() {
            scene.delete("CustomResourceDefinition", &text(&definition["metadata"]["name"])).await;
        }
        let front = scene.get("EcsTargetGroup", "front").await;
        assert_ne!(condition(&front, "Accepted")["status"], "False");
    });
}
