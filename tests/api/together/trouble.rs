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
