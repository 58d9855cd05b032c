//! What others do to the objects of a service, and what is deleted while it is used: rules hold, and nothing hangs.

use serde_json::{Value, json};

use crate::{
    connection,
    scene::{Scene, definition, service, text},
    turns::together,
};

#[test]
fn what_somebody_adds_to_a_selector_is_taken_off() {
    together(async |scene| {
        scene.run_web(1).await;
        let nobody = json!({"nobody": "has"});
        let policy = "ecs-security-group-web";
        scene.merge("NetworkPolicy", policy, json!({"spec": {"podSelector": {"matchLabels": nobody}}})).await;
        let selects_tasks = |policy: &Value| {
            policy["spec"]["podSelector"]["matchLabels"] == json!({"ecs-operator.dev/security-group.web": "true"})
        };
        scene.until("NetworkPolicy", policy, "selects the tasks again", selects_tasks).await;
        scene.merge("Service", "web", json!({"spec": {"selector": nobody}})).await;
        let leads_to_tasks =
            |address: &Value| address["spec"]["selector"] == json!({"ecs-operator.dev/service": "web"});
        scene.until("Service", "web", "leads to the tasks again", leads_to_tasks).await;
    });
}

fn with_group(group: &str) -> Value {
    let mut named = service(1);
    named["networkConfiguration"] = json!({"awsvpcConfiguration": {"securityGroups": [group]}});
    named
}

async fn define_awsvpc(scene: &Scene) {
    let mut awsvpc = definition("nginx:1", &[80]);
    awsvpc["networkMode"] = json!("awsvpc");
    scene.apply("TaskDefinition", "web", awsvpc).await;
}

#[test]
fn a_group_that_protects_tasks_stays_until_they_are_gone() {
    together(async |scene| {
        scene.make_cluster().await;
        define_awsvpc(scene).await;
        for name in ["lock", "other"] {
            scene.apply("EcsSecurityGroup", name, json!({"ingress": []})).await;
        }
        scene.apply("EcsService", "web", with_group("lock")).await;
        scene.steady("web", "web:1", 1).await;
        scene.delete("EcsSecurityGroup", "lock").await;
        let held = scene.condition("EcsSecurityGroup", "lock", "Ready", "False", "DeletionWaits").await;
        let told = text(&held["message"]);
        assert!(told.starts_with("DependencyViolation: resource lock has a dependent object."), "{told}");
        assert!(told.contains("EcsService web"), "{told}");
        assert!(!scene.get("NetworkPolicy", "ecs-security-group-lock").await.is_null());
        scene.apply("EcsService", "web", with_group("other")).await;
        scene.until_gone("EcsSecurityGroup", "lock").await;
        scene.until_gone("NetworkPolicy", "ecs-security-group-lock").await;
        scene.steady("web", "web:1", 1).await;
    });
}

#[test]
fn the_group_of_a_deleted_service_stays_while_another_uses_it() {
    together(async |scene| {
        scene.make_cluster().await;
        define_awsvpc(scene).await;
        scene.apply("EcsService", "bbb", service(1)).await;
        scene.steady("bbb", "web:1", 1).await;
        scene.apply("EcsService", "aaa", with_group("bbb")).await;
        scene.steady("aaa", "web:1", 1).await;
        scene.delete("EcsService", "bbb").await;
        scene.until_gone("EcsService", "bbb").await;
        scene.condition("EcsSecurityGroup", "bbb", "Ready", "False", "DeletionWaits").await;
        assert!(!scene.get("NetworkPolicy", "ecs-security-group-bbb").await.is_null());
        scene.delete("EcsService", "aaa").await;
        scene.until_gone("EcsService", "aaa").await;
        scene.until_gone("EcsSecurityGroup", "bbb").await;
    });
}

#[test]
fn a_service_that_is_deleted_without_its_tasks_goes_and_they_stay() {
    together(async |scene| {
        let mut shell = definition("nginx:1", &[80]);
        // What Go writes in another way than others would keep the snapshot from being orphaned.
        shell["containerDefinitions"][0]["command"] = json!(["sh", "-c", "a <b >c && wait & \u{2028}"]);
        scene.make_cluster().await;
        scene.apply("TaskDefinition", "web", shell).await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.steady("web", "web:1", 1).await;
        let pods = scene.names("Pod").await;
        let path = format!("{}?propagationPolicy=Orphan", scene.path("EcsService", "web"));
        let answer = connection::delete(&scene.client, &path).await;
        assert!(answer.code < 300, "{}", answer.message());
        scene.until_gone("EcsService", "web").await;
        for (kind, name) in [("Deployment", "web"), ("ControllerRevision", "web-1"), ("Service", "web")] {
            let orphan = scene.get(kind, name).await;
            assert!(!orphan.is_null() && orphan["metadata"]["ownerReferences"].is_null(), "{kind}");
        }
        assert_eq!(scene.names("Pod").await, pods);
        scene.delete("Deployment", "web").await;
    });
}

#[test]
fn a_deployment_that_is_taken_away_does_not_hold_its_service() {
    together(async |scene| {
        scene.run_web(1).await;
        scene.merge("Deployment", "web", json!({"metadata": {"ownerReferences": null}})).await;
        scene.condition("EcsService", "web", "Stalled", "True", "ForeignObject").await;
        scene.delete("EcsService", "web").await;
        scene.until_gone("EcsService", "web").await;
        assert!(!scene.get("Deployment", "web").await.is_null());
        scene.delete("Deployment", "web").await;
    });
}

#[test]
fn a_snapshot_without_its_label_is_seen_and_one_that_is_hidden_is_told() {
    together(async |scene| {
        scene.run_web(1).await;
        let unlabel = |label: &str| json!({"metadata": {"labels": {label: null}}});
        scene.merge("ControllerRevision", "web-1", unlabel("ecs-operator.dev/snapshot-of")).await;
        scene.apply("EcsService", "web", service(2)).await;
        scene.steady("web", "web:1", 2).await;
        assert_eq!(scene.names("ControllerRevision").await, ["web-1"]);
        // One of the next number that the operator does not see.
        let mut hidden = scene.get("ControllerRevision", "web-1").await;
        hidden["metadata"] = json!({"name": "web-2", "ownerReferences": hidden["metadata"]["ownerReferences"]});
        scene.create(&hidden).await;
        scene.define("nginx:2").await;
        let stalled = scene.condition("EcsService", "web", "Stalled", "True", "ForeignObject").await;
        let told = text(&stalled["message"]);
        assert!(told.starts_with("ControllerRevision web-2 has lost its label app.kubernetes.io/managed-by"), "{told}");
        scene.delete("ControllerRevision", "web-2").await;
        scene.steady("web", "web:2", 2).await;
        // A number that the Deployment has is not given again when all snapshots are deleted.
        for name in ["web-1", "web-2"] {
            scene.delete("ControllerRevision", name).await;
        }
        let third = |snapshots: Vec<String>| snapshots.contains(&"web-3".to_owned());
        connection::wait_until("a third deployment has begun", async || third(scene.names("ControllerRevision").await))
            .await;
        scene.steady("web", "web:2", 2).await;
    });
}

#[test]
fn a_name_that_moves_to_another_port_leaves_the_old_one_open_until_its_tasks_are_gone() {
    together(async |scene| {
        scene.make_cluster().await;
        let named = |port: i32| json!({"containerDefinitions": [{"name": "web", "image": "nginx:1", "memory": 64, "portMappings": [{"containerPort": port, "name": "http"}]}]});
        scene.apply("TaskDefinition", "web", named(8080)).await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.steady("web", "web:1", 1).await;
        // The old task does not go: somebody holds it.
        let old = scene.names("Pod").await[0].clone();
        scene.merge("Pod", &old, json!({"metadata": {"finalizers": ["example.com/hold"]}})).await;
        scene.apply("TaskDefinition", "web", named(9090)).await;
        let both = |address: &Value| {
            let ports = address["spec"]["ports"].as_array().into_iter().flatten();
            let ports: Vec<_> = ports.map(|port| (port["port"].as_i64().unwrap(), text(&port["name"]))).collect();
            ports == [(9090, "http".to_owned()), (8080, "tcp-8080".to_owned())]
        };
        scene.until("Service", "web", "has both ports", both).await;
        scene.merge("Pod", &old, json!({"metadata": {"finalizers": null}})).await;
        let one = |address: &Value| address["spec"]["ports"].as_array().is_some_and(|ports| ports.len() == 1);
        scene.until("Service", "web", "has the new port only", one).await;
    });
}

#[test]
fn a_task_may_need_long_to_count() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let mut patient = service(1);
        patient["kubernetes"]["minReadySeconds"] = json!(3600);
        scene.apply("EcsService", "web", patient).await;
        let deployment = scene.until("Deployment", "web", "is there", |deployment| !deployment.is_null()).await;
        assert_eq!(deployment["spec"]["minReadySeconds"], 3600);
        scene.condition("EcsService", "web", "Reconciling", "True", "DeploymentInProgress").await;
    });
}
