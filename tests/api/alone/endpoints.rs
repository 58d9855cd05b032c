//! Endpoints of Service Connect that the API server does not take.

use serde_json::{Value, json};

use crate::{
    operator::Operator,
    scene::{document, service, text},
    together::service_connect::{endpoint, listening, reached_as},
    turns::alone,
};

#[test]
fn an_endpoint_that_is_refused_keeps_only_its_own_deployment_back() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.make_cluster().await;
        scene.apply("TaskDefinition", "web", listening(8080)).await;
        scene.apply("EcsService", "web", service(1)).await;
        let before = scene.steady("web", "web:1", 1).await;
        let quota = json!({"spec": {"hard": {"services": "1"}}});
        scene.create(&document("ResourceQuota", "few", &quota)).await;
        let counts = |quota: &Value| quota["status"]["used"]["services"] == "1";
        scene.until("ResourceQuota", "few", "counts the Service that there is", counts).await;
        scene.apply("EcsService", "web", reached_as("web.internal")).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "RefusedByApiServer").await;
        assert!(text(&refused["message"]).contains("exceeded quota"), "{refused}");
        let id = |service: &Value| text(&service["status"]["deployments"][0]["id"]);
        assert_eq!(id(&scene.get("EcsService", "web").await), id(&before));
        // What was accepted last is looked after.
        let task = scene.running_tasks(1).await.remove(0);
        scene.delete("EcsTask", &text(&task["metadata"]["name"])).await;
        let has_another =
            |service: &Value| service["status"]["events"].to_string().matches("has started 1 tasks").count() == 2;
        scene.until("EcsService", "web", "has another task", has_another).await;
        scene.delete("ResourceQuota", "few").await;
        // What is refused is tried ever more rarely, and at once when somebody changes something.
        scene.merge("EcsService", "web", json!({"metadata": {"annotations": {"changed": "yes"}}})).await;
        scene.until("EcsService", "web", "has another deployment", |service| id(service) != id(&before)).await;
        scene.steady("web", "web:1", 1).await;
        assert!(endpoint(scene, "web").await.is_object());
        operator.stop().await;
    });
}
