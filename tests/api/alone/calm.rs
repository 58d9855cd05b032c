//! A steady system costs no writes.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    front::Call,
    operator::Operator,
    scene::{Scene, definition, messages, service, text},
    turns::alone,
};

const KINDS: [&str; 13] = [
    "TaskDefinition",
    "TaskDefinitionRevision",
    "EcsService",
    "EcsTask",
    "EcsSecurityGroup",
    "EcsTargetGroup",
    "Deployment",
    "ControllerRevision",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
    "Pod",
    "ConfigMap",
];

/// The version of everything in the Namespace.
async fn versions(scene: &Scene) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for kind in KINDS {
        for object in scene.list(kind).await {
            let key = format!("{kind} {}", text(&object["metadata"]["name"]));
            versions.insert(key, text(&object["metadata"]["resourceVersion"]));
        }
    }
    let cluster = scene.get("EcsCluster", &scene.cluster).await;
    versions.insert("EcsCluster".into(), text(&cluster["metadata"]["resourceVersion"]));
    versions
}

/// The operator's writes but for those in what other tests are still cleaning up.
fn writes_of(scene: &Scene, operator: &Operator) -> Vec<Call> {
    let is_of_a_test = |call: &Call| call.path.contains("/t-") || call.path.contains("/ecs-t-");
    let mut writes = operator.front.writes();
    writes.retain(|call| call.path.contains(&scene.cluster) || !is_of_a_test(call));
    writes
}

/// Everything that a user of the scene has written.
async fn apply_documents(scene: &Scene) {
    scene.apply("EcsCluster", &scene.cluster, json!({})).await;
    let mut sized = definition("nginx:1", &[80, 443]);
    sized["cpu"] = json!("1 vCPU");
    sized["memory"] = json!("2 GB");
    scene.apply("TaskDefinition", "web", sized).await;
    scene
        .apply(
            "EcsSecurityGroup",
            "clients",
            json!({"ingress": [{"ipProtocol": "tcp", "fromPort": 80, "cidrIp": "10.0.0.0/8"}], "egress": []}),
        )
        .await;
    scene
        .apply(
            "EcsTargetGroup",
            "front",
            json!({"kubernetes": {"loadBalancer": "network", "loadBalancerClass": "a/b"}}),
        )
        .await;
    let edge = json!({"loadBalancer": "application", "gateway": {"name": "edge"}});
    scene.apply("EcsTargetGroup", "edge", json!({"healthCheckPath": "/up", "kubernetes": edge})).await;
    let mut web = service(2);
    web["loadBalancers"] = json!([
        {"targetGroupArn": "edge", "containerName": "web", "containerPort": 80},
        {"targetGroupArn": "front", "containerName": "web", "containerPort": 443},
    ]);
    web["serviceRegistries"] = json!([{"registryArn": "found"}]);
    scene.apply("EcsService", "web", web).await;
    scene.apply("EcsService", "idle", service(0)).await;
    scene.apply("EcsTask", "job", json!({"taskDefinition": "web"})).await;
    scene.apply("EcsService", "lost", json!({"taskDefinition": "nowhere", "desiredCount": 1})).await;
}

#[test]
fn a_steady_system_and_documents_that_are_applied_again_cost_no_writes() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.make_cluster().await;
        apply_documents(scene).await;
        scene.steady("web", "web:1", 2).await;
        scene.steady("idle", "web:1", 0).await;
        scene.condition("EcsService", "lost", "Accepted", "False", "TaskDefinitionNotFound").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (before, writes) = (versions(scene).await, writes_of(scene, &operator).len());
        tokio::time::sleep(Duration::from_secs(4)).await;
        apply_documents(scene).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(writes_of(scene, &operator)[writes..], []);
        assert_eq!(versions(scene).await, before);

        // Whoever starts next finds nothing to do.
        operator.stop().await;
        let next = Operator::start().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(writes_of(scene, &next), []);
        assert_eq!(versions(scene).await, before);
        let secrets: Vec<_> = next.front.calls().into_iter().filter(|call| call.path.contains("secrets")).collect();
        assert_eq!(secrets, []);
        assert_eq!(next.front.forbidden(), Vec::<String>::new());
    });
}

#[test]
fn a_refined_group_stays_so_when_the_operator_starts_again() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        operator.stop().await;
        scene.merge("EcsSecurityGroup", "web", json!({"spec": {"ingress": []}})).await;
        let next = Operator::start().await;
        let closed = |policy: &Value| policy["spec"]["ingress"].as_array().is_none_or(Vec::is_empty);
        scene.until("NetworkPolicy", "ecs-security-group-web", "lets nothing in", closed).await;
        scene.apply("EcsService", "web", service(2)).await;
        scene.steady("web", "web:1", 2).await;
        assert_eq!(scene.get("EcsSecurityGroup", "web").await["spec"]["ingress"], json!([]));
        drop(next);
    });
}

#[test]
fn a_cache_that_runs_behind_tells_nothing_twice() {
    alone(async |scene| {
        let operator = Operator::start().await;
        operator.front.let_lag("/ecsservices", Duration::from_millis(700));
        operator.front.cut_watches();
        tokio::time::sleep(Duration::from_secs(2)).await;
        scene.run_web(3).await;
        // What changes often: each Pod gives several events, and the service is looked at after each.
        for pod in scene.names("Pod").await {
            scene.merge("Pod", &pod, json!({"metadata": {"annotations": {"touched": "1"}}})).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(4)).await;
        let steady = scene.steady("web", "web:1", 3).await;
        let told: Vec<_> = scene.events("web").await.into_iter().filter(|note| note.starts_with("(service")).collect();
        let mut kept = messages(&steady);
        kept.reverse();
        assert_eq!(told, kept, "what was told is what is kept");
        let (started, others): (Vec<_>, Vec<_>) = kept.iter().partition(|message| message.contains(" has started "));
        assert_eq!(others.len(), 2, "{kept:?}");
        let started = started.iter().map(|message| message.matches("(task ").count()).sum::<usize>();
        assert_eq!(started, 3, "each task once: {kept:?}");
    });
}

#[test]
fn a_deployment_that_the_cache_does_not_know_yet_is_not_started_twice() {
    alone(async |scene| {
        let operator = Operator::start().await;
        operator.front.let_lag("/controllerrevisions", Duration::from_millis(700));
        operator.front.cut_watches();
        tokio::time::sleep(Duration::from_secs(2)).await;
        scene.run_web(1).await;
        for number in 2..=4 {
            scene.define(&format!("nginx:{number}")).await;
            scene.steady("web", &format!("web:{number}"), 1).await;
        }
        assert_eq!(scene.names("ControllerRevision").await, ["web-1", "web-2", "web-3", "web-4"]);
        operator.stop().await;
    });
}
