//! Services with one task on each node. The nodes are virtual: what the kubelet would report, the test does.

use serde_json::{Value, json};

use crate::{
    connection::{self, client},
    pods::{ends, report},
    rollouts::{id, unable_to_pull, with_breaker},
    scene::{Scene, condition, definition, messages, text},
    turns::together,
};

async fn nodes() -> usize {
    connection::get(&client().await, "/api/v1/nodes").await.body["items"].as_array().unwrap().len()
}

fn tasks(count: usize) -> i64 {
    i64::try_from(count).unwrap()
}

fn daemon() -> Value {
    let kubernetes = json!({"preStopSeconds": 0, "minReadySeconds": 0});
    json!({"taskDefinition": "web", "schedulingStrategy": "DAEMON", "kubernetes": kubernetes})
}

async fn run_daemon(scene: &Scene) -> Value {
    scene.make_cluster().await;
    scene.define("nginx:1").await;
    scene.apply("EcsService", "web", daemon()).await;
    scene.steady("web", "web:1", tasks(nodes().await)).await
}

async fn nodes_of_pods(scene: &Scene) -> Vec<String> {
    let pods = scene.list("Pod").await;
    let live = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let mut nodes: Vec<_> = live.map(|pod| text(&pod["spec"]["nodeName"])).collect();
    nodes.sort();
    nodes
}

#[test]
fn a_daemon_has_one_task_on_each_node() {
    together(async |scene| {
        let service = run_daemon(scene).await;
        let count = nodes().await;
        let status = &service["status"];
        assert_eq!((&status["desiredCount"], &status["pendingCount"]), (&json!(count), &json!(0)));
        assert_eq!(service["spec"]["desiredCount"], Value::Null, "nothing is written into the spec");
        assert_eq!(status["deployments"][0]["rolloutState"], "COMPLETED");
        let mut of_pods = nodes_of_pods(scene).await;
        of_pods.dedup();
        assert_eq!(of_pods.len(), count);
        assert_eq!(scene.running_tasks(count).await.len(), count, "each has a record");
        assert_eq!(scene.get("Deployment", "web").await, Value::Null);
        assert_eq!(scene.get("PodDisruptionBudget", "web").await, Value::Null, "drains leave its tasks alone");
        let owner = &scene.get("DaemonSet", "web").await["metadata"]["ownerReferences"][0];
        assert_eq!(owner["uid"], service["metadata"]["uid"]);
        scene.define("nginx:2").await;
        scene.steady("web", "web:2", tasks(count)).await;
        scene.delete("EcsService", "web").await;
        scene.until_gone("EcsService", "web").await;
        assert!(nodes_of_pods(scene).await.is_empty());
    });
}

#[test]
fn a_task_of_a_daemon_that_ends_is_replaced_on_its_node() {
    together(async |scene| {
        run_daemon(scene).await;
        let count = nodes().await;
        let before = nodes_of_pods(scene).await;
        let record = scene.running_tasks(count).await.remove(0);
        let pod = scene.get("Pod", &text(&record["status"]["podName"])).await;
        report(scene, &pod, ends("web", 3, "Error")).await;
        let status = scene.stopped_record(&record).await;
        assert_eq!((&status["stopCode"], &status["exitCodes"]), (&json!("EssentialContainerExited"), &json!("web=3")));
        scene.running_tasks(count).await;
        assert_eq!(nodes_of_pods(scene).await, before);
    });
}

#[test]
fn the_circuit_breaker_rolls_a_daemon_back() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let count = nodes().await;
        let mut service = with_breaker(1, true, 1);
        service["schedulingStrategy"] = json!("DAEMON");
        service.as_object_mut().unwrap().remove("desiredCount");
        service["deploymentConfiguration"]["minimumHealthyPercent"] = json!(50);
        scene.apply("EcsService", "web", service).await;
        let first = scene.steady("web", "web:1", tasks(count)).await;
        scene.define("broken").await;
        let back = unable_to_pull(scene, "broken", async {
            scene.condition("EcsService", "web", "Stalled", "True", "RolledBack").await;
            scene.get("EcsService", "web").await
        })
        .await;
        assert_eq!(id(&back, 0), id(&first, 0));
        let told = messages(&back);
        assert!(told.iter().any(|message| message.ends_with("deployment failed: tasks failed to start.")), "{told:?}");
        scene.apply("TaskDefinition", "web", definition("nginx:2", &[80])).await;
        scene.steady("web", "web:3", tasks(count)).await;
    });
}

#[test]
fn what_a_daemon_may_not_have_is_refused_and_it_stays_one() {
    together(async |scene| {
        run_daemon(scene).await;
        let path = scene.path("EcsService", "web");
        for (spec, words) in [
            (json!({"desiredCount": 2}), "does not support a desired count"),
            (json!({"schedulingStrategy": "REPLICA"}), "spec.schedulingStrategy is immutable"),
            (json!({"schedulingStrategy": null}), "spec.schedulingStrategy is immutable"),
        ] {
            let answer = connection::merge(&scene.client, &path, &json!({"spec": spec})).await;
            assert!(answer.code == 422 && answer.message().contains(words), "{spec}: {}", answer.message());
        }
        let many = json!({"spec": {"deploymentConfiguration": {"maximumPercent": 200}}});
        scene.merge("EcsService", "web", many).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "Invalid").await;
        assert!(text(&refused["message"]).contains("does not support values above 100"), "{refused}");
        let service = scene.get("EcsService", "web").await;
        assert_eq!(service["status"]["runningCount"], json!(nodes().await), "what runs goes on");
        assert_eq!(condition(&service, "Stalled")["status"], "True");
    });
}
