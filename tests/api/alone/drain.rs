//! Nodes that are drained: no other test has tasks on them meanwhile.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    connection,
    operator::Operator,
    scene::{Scene, condition, service, text},
    turns::alone,
};

/// Drains a node of a scene's tasks as `kubectl drain` does: it asks again for those that must not go yet. Returns the fewest
/// tasks that were ready meanwhile.
async fn drain(scene: &Scene, node: &str) -> usize {
    cordon(scene, node, true).await;
    let (mut fewest, end) = (usize::MAX, Instant::now() + Duration::from_secs(60));
    loop {
        let pods = scene.list("Pod").await;
        fewest =
            fewest.min(pods.iter().filter(|pod| is_live(pod) && condition(pod, "Ready")["status"] == "True").count());
        let there: Vec<_> = pods.iter().filter(|pod| pod["spec"]["nodeName"] == node).collect();
        if there.is_empty() {
            return fewest;
        }
        assert!(Instant::now() < end, "the drain does not come to an end");
        for pod in there.into_iter().filter(|pod| is_live(pod)) {
            evict(scene, &text(&pod["metadata"]["name"])).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn is_live(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null()
}

async fn evict(scene: &Scene, pod: &str) {
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod, "namespace": scene.namespace}});
    let answer = connection::post(&scene.client, &format!("{}/eviction", scene.path("Pod", pod)), &eviction).await;
    assert!(matches!(answer.code, 200 | 201 | 404 | 429), "{pod}: {} {}", answer.code, answer.message());
}

async fn cordon(scene: &Scene, node: &str, is_cordoned: bool) {
    let body = json!({"spec": {"unschedulable": is_cordoned}});
    let answer = connection::merge(&scene.client, &format!("/api/v1/nodes/{node}"), &body).await;
    assert!(answer.code < 300, "{node}: {}", answer.message());
}

#[test]
fn a_drain_goes_through_and_leaves_the_minimum() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let mut four = service(4);
        four["deploymentConfiguration"] = json!({"minimumHealthyPercent": 75});
        scene.apply("EcsService", "web", four).await;
        scene.steady("web", "web:1", 4).await;
        let tasks = scene.running_tasks(4).await;
        let node = text(&tasks[0]["status"]["nodeName"]);
        let moved: Vec<_> = tasks.iter().filter(|task| task["status"]["nodeName"] == *node).collect();
        let fewest = drain(scene, &node).await;
        cordon(scene, &node, false).await;
        assert!(fewest >= 3, "{fewest} tasks were ready");
        for task in moved {
            let status = scene.stopped_record(task).await;
            let reason = "Container instance deregistration forced by user (EvictionByEvictionAPI";
            assert!(text(&status["stoppedReason"]).starts_with(reason), "{status}");
            assert_eq!(status["stopCode"], "TerminationNotice");
        }
        scene.steady("web", "web:1", 4).await;
        operator.stop().await;
    });
}
