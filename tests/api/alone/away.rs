//! What happens while no operator runs is dealt with when one starts.

use serde_json::json;

use crate::{
    operator::Operator,
    scene::{Scene, service},
    turns::alone,
};

async fn running(scene: &Scene) {
    let operator = Operator::start().await;
    scene.run_web(1).await;
    operator.stop().await;
}

#[test]
fn a_task_definition_that_was_deleted_meanwhile_is_deregistered() {
    alone(async |scene| {
        running(scene).await;
        let pods = scene.names("Pod").await;
        scene.delete("TaskDefinition", "web").await;
        let operator = Operator::start().await;
        scene
            .until("TaskDefinitionRevision", "web.1", "is inactive", |revision| {
                revision["status"]["status"] == "INACTIVE"
            })
            .await;
        // The service goes on with its snapshot.
        scene.apply("EcsService", "web", service(2)).await;
        scene.steady("web", "web:1", 2).await;
        assert!(pods.iter().all(|_| true) && scene.names("Pod").await.contains(&pods[0]), "its task was not replaced");
        operator.stop().await;
    });
}

#[test]
fn services_that_were_deleted_and_made_meanwhile_are_seen() {
    alone(async |scene| {
        running(scene).await;
        scene.delete("EcsService", "web").await;
        scene.apply("EcsService", "other", service(1)).await;
        scene.define("nginx:2").await;
        let operator = Operator::start().await;
        scene.until_gone("EcsService", "web").await;
        scene.steady("other", "web:2", 1).await;
        scene.until_gone("Deployment", "web").await;
        operator.stop().await;
    });
}

#[test]
fn a_cluster_that_was_deleted_meanwhile_goes_with_its_namespace() {
    alone(async |scene| {
        running(scene).await;
        scene.delete("EcsCluster", &scene.cluster).await;
        scene.delete("Namespace", &scene.namespace).await;
        let operator = Operator::start().await;
        scene.until_gone("EcsCluster", &scene.cluster).await;
        scene.until_gone("Namespace", &scene.namespace).await;
        operator.stop().await;
    });
}

#[test]
fn another_operator_restarts_no_task() {
    alone(async |scene| {
        running(scene).await;
        let uids = async || {
            let mut uids: Vec<_> =
                scene.list("Pod").await.iter().map(|pod| pod["metadata"]["uid"].to_string()).collect();
            uids.sort();
            uids
        };
        let before = uids().await;
        for _ in 0..3 {
            let operator = Operator::start().await;
            scene.apply("TaskDefinition", "unrelated", crate::scene::definition("busybox", &[])).await;
            scene.until("TaskDefinitionRevision", "unrelated.1", "is registered", |revision| !revision.is_null()).await;
            operator.stop().await;
        }
        assert_eq!(uids().await, before);
        assert_eq!(scene.get("Deployment", "web").await["metadata"]["generation"], json!(1));
    });
}
