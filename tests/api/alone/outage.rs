//! Processes of the cluster stop answering, or end and come back.

use std::{process::Command, time::Duration};

use serde_json::json;

use crate::{
    connection::{VARIABLE, kubeconfig, wait_until},
    operator::Operator,
    scene::{document, service},
    turns::alone,
};

/// Does something to a process of the cluster.
fn process(action: &str, part: &str) {
    let path = kubeconfig();
    let cluster = path.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
    let command = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/cluster/process");
    let output = Command::new(command).arg("--name").arg(cluster).args([action, part]).output();
    let output = output.unwrap_or_else(|error| panic!("{command}: {error}"));
    assert!(
        output.status.success(),
        "this test stops {part}, which needs {VARIABLE} to be of a cluster made by hack/cluster/up: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Whatever a test does, the process runs afterwards.
struct Back(&'static str);

impl Drop for Back {
    fn drop(&mut self) {
        process("continue", self.0);
        process("start", self.0);
    }
}

#[test]
fn an_api_server_that_does_not_answer_for_a_while_is_waited_for() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        let back = Back("apiserver");
        scene.define("nginx:2").await;
        process("pause", "apiserver");
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
        scene.run_web(1).await;
        let back = Back("apiserver");
        scene.define("nginx:2").await;
        process("kill", "apiserver");
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

#[test]
fn a_service_waits_until_the_group_of_an_earlier_one_of_its_name_is_gone() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.until("TaskDefinitionRevision", "web.1", "is registered", |revision| !revision.is_null()).await;
        // The garbage collector does not get round to it.
        let back = Back("controller-manager");
        process("pause", "controller-manager");
        let owner = json!([{"apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsService", "name": "web", "uid": "of-an-earlier-one", "controller": true}]);
        let mut group = document("EcsSecurityGroup", "web", &json!({"spec": {}}));
        group["metadata"]["ownerReferences"] = owner;
        scene.create(&group).await;
        scene.condition("EcsSecurityGroup", "web", "Ready", "True", "Available").await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.condition("EcsService", "web", "Ready", "False", "Waiting").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(scene.get("Deployment", "web").await.is_null());
        drop(back);
        let service = scene.steady("web", "web:1", 1).await;
        let group = scene.get("EcsSecurityGroup", "web").await;
        assert_eq!(group["metadata"]["ownerReferences"][0]["uid"], service["metadata"]["uid"]);
        let writes = operator.front.writes();
        let last_policy =
            writes.iter().rposition(|call| call.path.ends_with("/networkpolicies/ecs-security-group-web"));
        let first_task = writes.iter().position(|call| call.path.ends_with("/deployments/web"));
        assert!(last_policy < first_task, "the rules come before the first task: {writes:?}");
    });
}
