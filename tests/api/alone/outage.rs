//! The API server itself stops answering, or ends and comes back.

use std::{process::Command, time::Duration};

use serde_json::json;

use crate::{
    connection::{VARIABLE, kubeconfig, wait_until},
    operator::Operator,
    scene::{Scene, service},
    turns::alone,
};

/// Does something to the API server's process.
fn api_server(action: &str) {
    let path = kubeconfig();
    let cluster = path.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
    let process = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/cluster/process");
    let output = Command::new(process).arg("--name").arg(cluster).args([action, "apiserver"]).output();
    let output = output.unwrap_or_else(|error| panic!("{process}: {error}"));
    assert!(
        output.status.success(),
        "this test stops the API server, which needs {VARIABLE} to be of a cluster made by hack/cluster/up: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Whatever a test does, the API server runs afterwards.
struct Back;

impl Drop for Back {
    fn drop(&mut self) {
        api_server("continue");
        api_server("start");
    }
}

async fn running(scene: &Scene) {
    scene.make_cluster().await;
    scene.define("nginx:1").await;
    scene.apply("EcsService", "web", service(1)).await;
    scene.steady("web", "web:1", 1).await;
}

#[test]
fn an_api_server_that_does_not_answer_for_a_while_is_waited_for() {
    alone(async |scene| {
        let operator = Operator::start().await;
        running(scene).await;
        let back = Back;
        scene.define("nginx:2").await;
        api_server("pause");
        tokio::time::sleep(Duration::from_secs(6)).await;
        drop(back);
        scene.steady("web", "web:2", 1).await;
        assert!(operator.is_running());
        assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.1", "web.2"]);
    });
}

#[test]
fn an_api_server_that_ends_and_comes_back_is_found_again() {
    alone(async |scene| {
        let operator = Operator::start().await;
        running(scene).await;
        let back = Back;
        scene.define("nginx:2").await;
        api_server("kill");
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(back);
        wait_until("the API server answers", async || !scene.get("EcsCluster", &scene.cluster).await.is_null()).await;
        scene.steady("web", "web:2", 1).await;
        scene.apply("EcsService", "web", service(2)).await;
        scene.steady("web", "web:2", 2).await;
        assert!(operator.is_running());
        assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.1", "web.2"]);
        assert_eq!(scene.get("EcsService", "web").await["status"]["desiredCount"], json!(2));
    });
}
