//! What is missing, foreign or refused: it is told, nothing else is harmed, and it heals by itself.

use serde_json::{Value, json};

use crate::{
    scene::{document, service, text},
    turns::together,
};

#[test]
fn an_unknown_and_an_inactive_task_definition_are_told_and_heal() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("EcsService", "web", service(1)).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "TaskDefinitionNotFound").await;
        assert!(text(&refused["message"]).starts_with("TaskDefinition not found."), "{refused}");
        scene.define("nginx:1").await;
        scene.steady("web", "web:1", 1).await;
        scene.delete("TaskDefinition", "web").await;
        scene
            .until("TaskDefinitionRevision", "web.1", "is inactive", |revision| revision["spec"]["state"] == "Inactive")
            .await;
        // What runs goes on, and can be scaled; what is new is refused.
        scene.apply("EcsService", "late", service(1)).await;
        let refused = scene.condition("EcsService", "late", "Accepted", "False", "TaskDefinitionInactive").await;
        assert!(text(&refused["message"]).starts_with("TaskDefinition is inactive."), "{refused}");
        scene.apply("EcsService", "web", service(2)).await;
        scene.steady("web", "web:1", 2).await;
        scene.define("nginx:1").await;
        scene.steady("late", "web:2", 1).await;
        scene.steady("web", "web:2", 2).await;
        let warnings: Vec<_> =
            scene.events("late").await.into_iter().filter(|note| note.starts_with("TaskDefinition is")).collect();
        assert_eq!(warnings.len(), 1, "it is told once: {warnings:?}");
    });
}

#[test]
fn what_is_applied_together_may_come_in_any_order() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web"})).await;
        scene.define("nginx:1").await;
        scene.steady("web", "web:1", 1).await;
        scene.until("EcsTask", "job", "is RUNNING", |task| task["status"]["lastStatus"] == "RUNNING").await;
        for name in ["web", "job"] {
            let told: Vec<_> = scene.events(name).await.into_iter().filter(|note| note.contains("not found")).collect();
            assert_eq!(told, [""; 0], "{name} lacks nothing");
        }
    });
}

#[test]
fn a_service_without_a_cluster_heals_when_one_appears() {
    together(async |scene| {
        let adopt = json!({"ecs-operator.dev/adopt": scene.cluster});
        scene.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": scene.namespace, "labels": adopt}})).await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", service(1)).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "ClusterNotFound").await;
        assert!(text(&refused["message"]).starts_with("Cluster not found."), "{refused}");
        assert_eq!(scene.get("EcsService", "web").await["metadata"]["finalizers"], Value::Null);
        scene.make_cluster().await;
        scene.steady("web", "web:1", 1).await;
    });
}

#[test]
fn a_foreign_deployment_and_a_foreign_service_are_never_touched() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let labels = json!({"app": "other"});
        let template =
            json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "other", "image": "other"}]}});
        let spec = json!({"replicas": 0, "selector": {"matchLabels": labels}, "template": template});
        let deployment = scene.create(&document("Deployment", "web", &json!({"spec": spec}))).await;
        let address = scene
            .create(&document("Service", "api", &json!({"spec": {"selector": labels, "ports": [{"port": 1}]}})))
            .await;
        for name in ["web", "api"] {
            scene.apply("EcsService", name, service(1)).await;
        }
        for (name, kind) in [("web", "Deployment"), ("api", "Service")] {
            let stalled = scene.condition("EcsService", name, "Stalled", "True", "ForeignObject").await;
            assert!(
                text(&stalled["message"]).starts_with(&format!("{kind} {name} exists and belongs to somebody else")),
                "{stalled}"
            );
        }
        for (kind, before) in [("Deployment", &deployment), ("Service", &address)] {
            let after = scene.get(kind, &text(&before["metadata"]["name"])).await;
            assert_eq!(
                (&after["spec"], &after["metadata"]["labels"]),
                (&before["spec"], &before["metadata"]["labels"])
            );
            assert_eq!(after["metadata"]["ownerReferences"], Value::Null);
        }
        // A deleted service does not take foreign objects along.
        scene.delete("EcsService", "api").await;
        scene.until_gone("EcsService", "api").await;
        assert_eq!(scene.get("Service", "api").await["metadata"]["uid"], address["metadata"]["uid"]);
        scene.delete("Deployment", "web").await;
        scene.steady("web", "web:1", 1).await;
    });
}

#[test]
fn what_the_api_server_refuses_is_told_in_its_words() {
    together(async |scene| {
        scene.apply("EcsCluster", &scene.cluster, json!({"kubernetes": {"podSecurity": "baseline"}})).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        let mut invalid = crate::scene::definition("nginx:1", &[80]);
        invalid["containerDefinitions"][0]["image"] = json!(" nginx");
        scene.apply("TaskDefinition", "web", invalid).await;
        let refused = scene.condition("TaskDefinition", "web", "Accepted", "False", "Invalid").await;
        assert!(text(&refused["message"]).contains("image"), "{refused}");
        scene.apply("EcsService", "web", service(1)).await;
        scene.condition("EcsService", "web", "Accepted", "False", "TaskDefinitionNotFound").await;
        scene.define("nginx:1").await;
        scene.steady("web", "web:1", 1).await;
    });
}

#[test]
fn a_revision_that_somebody_made_by_hand_is_passed_over() {
    together(async |scene| {
        scene.make_cluster().await;
        let by_hand = |family: &str, number: i64| {
            let definition = crate::scene::definition("by-hand", &[]);
            json!({"spec": {"family": family, "revision": number, "state": "Inactive", "definition": definition}})
        };
        // Without the operator's labels, and one whose name and family disagree.
        scene.create(&document("TaskDefinitionRevision", "web.1", &by_hand("web", 1))).await;
        scene.create(&document("TaskDefinitionRevision", "web.2", &by_hand("api", 2))).await;
        scene.create(&document("TaskDefinitionRevision", "other", &by_hand("web", 4))).await;
        scene.define("nginx:1").await;
        let registered = scene.condition("TaskDefinition", "web", "Accepted", "True", "Accepted").await;
        assert_eq!(registered["message"], "The content is registered as web:5.");
        scene.delete("TaskDefinitionRevision", "other").await;
        scene.create(&document("TaskDefinitionRevision", "web.6", &by_hand("api", 6))).await;
        scene.define("nginx:2").await;
        scene
            .until("TaskDefinition", "web", "is registered as web:7", |object| object["status"]["revision"] == 7)
            .await;
        let names = scene.names("TaskDefinitionRevision").await;
        assert_eq!(names, ["web.1", "web.2", "web.5", "web.6", "web.7"]);
        for name in ["web.1", "web.2", "web.6"] {
            let revision = scene.get("TaskDefinitionRevision", name).await;
            let image = &revision["spec"]["definition"]["containerDefinitions"][0]["image"];
            assert_eq!(image, "by-hand", "{name} was touched");
        }
    });
}

#[test]
fn characters_that_yaml_does_not_take_reach_the_process() {
    together(async |scene| {
        scene.make_cluster().await;
        let odd = "a\u{7f}b\u{80}c\u{85}d\u{9f}e\u{2028}f\u{feff}g\u{fffe}h\u{ffff}i\tj\nk";
        let mut definition = crate::scene::definition("nginx:1", &[80]);
        definition["containerDefinitions"][0]["environment"] = json!([{"name": "ODD", "value": odd}]);
        definition["containerDefinitions"][0]["command"] = json!([odd]);
        scene.create(&document("TaskDefinition", "web", &json!({"spec": definition}))).await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.steady("web", "web:1", 1).await;
        let deployment = scene.get("Deployment", "web").await;
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["args"][0], odd);
        let variables = container["env"].as_array().unwrap();
        assert!(variables.contains(&json!({"name": "ODD", "value": odd})), "{variables:?}");
    });
}

#[test]
fn ports_with_a_name_that_another_could_have_are_told_apart() {
    together(async |scene| {
        scene.make_cluster().await;
        let mut definition = crate::scene::definition("nginx:1", &[81, 82]);
        definition["containerDefinitions"][0]["portMappings"][1]["name"] = json!("tcp-81");
        scene.apply("TaskDefinition", "web", definition).await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.steady("web", "web:1", 1).await;
        let ports = scene.get("Service", "web").await["spec"]["ports"].clone();
        assert_eq!((&ports[0]["port"], &ports[0]["name"]), (&json!(81), &json!("tcp-81")));
        assert_eq!(ports[1]["port"], 82);
    });
}

#[test]
fn a_foreign_object_in_the_place_of_a_deployments_snapshot_is_told() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.create(&document("ControllerRevision", "web-1", &json!({"revision": 1, "data": {}}))).await;
        scene.apply("EcsService", "web", service(1)).await;
        let stalled = scene.condition("EcsService", "web", "Stalled", "True", "ForeignObject").await;
        let told = text(&stalled["message"]);
        assert!(told.starts_with("ControllerRevision web-1 exists and belongs to somebody else"), "{told}");
        scene.delete("ControllerRevision", "web-1").await;
        scene.steady("web", "web:1", 1).await;
    });
}
