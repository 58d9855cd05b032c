//! Tasks that crash again and again, whatever else is the matter with their service. The nodes are virtual: the test has them crash.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    pods::{crashes, is_older_than, report},
    scene::{Scene, condition, definition, service, text},
    turns::together,
};

/// Lets each task of the service `web` crash soon after it has started, for 20 s: two are replaced at once, the third after 10 s.
async fn crashes_are_slowed(scene: &Scene) {
    let mut crashed = BTreeSet::new();
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        for pod in scene.list("Pod").await {
            let runs = &pod["status"]["containerStatuses"][0]["state"]["running"];
            // Less than a second would be one round.
            if is_older_than(&runs["startedAt"], 1) && crashed.insert(text(&pod["metadata"]["uid"])) {
                report(scene, &pod, crashes("web")).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!((3..=4).contains(&crashed.len()), "{} tasks in 20 s", crashed.len());
    let service = scene.get("EcsService", "web").await;
    let deployments = service["status"]["deployments"].as_array().unwrap();
    let quick_ends = deployments.iter().filter_map(|deployment| deployment["quickEnds"].as_i64()).max();
    assert!(quick_ends >= Some(2), "{service}");
}

#[test]
fn a_crash_loop_is_throttled_also_when_no_record_is_kept() {
    together(async |scene| {
        scene.apply("EcsCluster", &scene.cluster, json!({"kubernetes": {"stoppedTaskRetention": "0s"}})).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", service(1)).await;
        crashes_are_slowed(scene).await;
        assert!(scene.list("EcsTask").await.len() <= 2, "records are kept");
        let told = scene.events("web").await;
        assert!(told.iter().any(|event| event.contains("is unable to keep its tasks running")), "{told:?}");
    });
}

#[test]
fn a_crash_loop_is_throttled_also_when_the_service_is_not_accepted_any_more() {
    together(async |scene| {
        scene.run_web(1).await;
        let mut refused = service(5);
        refused["taskDefinition"] = json!("web:7");
        scene.apply("EcsService", "web", refused).await;
        scene.condition("EcsService", "web", "Accepted", "False", "TaskDefinitionNotFound").await;
        crashes_are_slowed(scene).await;
        scene.condition("EcsService", "web", "Accepted", "False", "TaskDefinitionNotFound").await;
        let deployment = scene.get("Deployment", "web").await;
        assert_eq!(deployment["spec"]["replicas"], 1, "nothing of the refused spec is carried out");
        scene.apply("EcsService", "web", service(2)).await;
        let goes_on = |web: &serde_json::Value| {
            web["status"]["desiredCount"] == 2 && condition(web, "Accepted")["status"] == "True"
        };
        scene.until("EcsService", "web", "goes on as it is written", goes_on).await;
    });
}

#[test]
fn a_crash_loop_is_throttled_also_while_the_next_revision_waits() {
    together(async |scene| {
        scene.run_web(1).await;
        scene.apply("EcsRole", "puller", json!({})).await;
        let mut waits = definition("nginx:2", &[80]);
        waits["executionRoleArn"] = json!("puller");
        waits["containerDefinitions"][0]["secrets"] = json!([{"name": "DB", "valueFrom": "db"}]);
        scene.apply("TaskDefinition", "web", waits).await;
        scene.condition("EcsService", "web", "Stalled", "True", "ResourceInitializationError").await;
        crashes_are_slowed(scene).await;
    });
}
