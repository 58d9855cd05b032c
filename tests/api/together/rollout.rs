//! Deployments that fail: counted, ended by the circuit breaker, rolled back. The nodes are virtual: what the kubelet would
//! report, the test does.

use serde_json::{Value, json};

use crate::{
    pods::{cannot_be_pulled, report, without_sandbox},
    scene::{Scene, condition, definition, messages, service, text},
    turns::together,
};

/// Reports that no task with an image can be pulled, as long as the other future runs.
async fn unable_to_pull<T>(scene: &Scene, image: &str, meanwhile: impl Future<Output = T>) -> T {
    unable_to_start(scene, image, || cannot_be_pulled("web"), meanwhile).await
}

/// Reports of each task with an image that it does not start, as long as the other future runs.
async fn unable_to_start<T>(
    scene: &Scene,
    image: &str,
    status: impl Fn() -> Value,
    meanwhile: impl Future<Output = T>,
) -> T {
    let failing = async {
        loop {
            for pod in scene.list("Pod").await {
                let container = &pod["spec"]["containers"][0];
                let state = &pod["status"]["containerStatuses"][0]["state"];
                if container["image"] == image && state["running"].is_object() {
                    report(scene, &pod, status()).await;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        result = meanwhile => result,
        () = failing => unreachable!(),
    }
}

fn with_breaker(tasks: i32, rollback: bool, value: i32) -> Value {
    let mut service = service(tasks);
    // A virtual node says that a task is ready before the test says that it is not.
    service["kubernetes"]["minReadySeconds"] = json!(3);
    let threshold = json!({"type": "COUNT", "value": value});
    service["deploymentConfiguration"] = json!({
        "deploymentCircuitBreaker": {"enable": true, "rollback": rollback, "thresholdConfiguration": threshold}
    });
    service
}

fn id(service: &Value, index: usize) -> String {
    text(&service["status"]["deployments"][index]["id"])
}

#[test]
fn the_circuit_breaker_rolls_back_to_what_ran_before() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", with_breaker(2, true, 2)).await;
        let first = scene.steady("web", "web:1", 2).await;
        let before = scene.names("Pod").await;
        scene.apply("TaskDefinition", "web", definition("broken", &[80])).await;
        let rolled_back = unable_to_pull(scene, "broken", async {
            scene.condition("EcsService", "web", "Stalled", "True", "RolledBack").await;
            scene.get("EcsService", "web").await
        })
        .await;
        let primary = &rolled_back["status"]["deployments"][0];
        assert_eq!((id(&rolled_back, 0), &primary["rolloutState"]), (id(&first, 0), &json!("COMPLETED")));
        let told = messages(&rolled_back);
        let failed = told.iter().position(|message| message.ends_with("deployment failed: tasks failed to start."));
        let back = format!("(service web) rolling back to deployment {}.", id(&first, 0));
        assert_eq!(told[failed.unwrap() - 1], back, "{told:#?}");
        // The tasks that ran have not noticed.
        assert!(before.iter().all(|pod| !pod.is_empty()));
        assert_eq!(scene.names("Pod").await, before);
        // A better revision is deployed.
        scene.apply("TaskDefinition", "web", definition("nginx:2", &[80])).await;
        scene.steady("web", "web:3", 2).await;
    });
}

#[test]
fn without_roll_back_a_failed_deployment_stays_as_it_is() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", with_breaker(1, false, 1)).await;
        scene.steady("web", "web:1", 1).await;
        scene.apply("TaskDefinition", "web", definition("broken", &[80])).await;
        unable_to_pull(scene, "broken", async {
            scene.condition("EcsService", "web", "Stalled", "True", "DeploymentFailed").await;
            let pods = scene.names("Pod").await;
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            assert_eq!(scene.names("Pod").await, pods, "tasks are replaced all the same");
        })
        .await;
        let failed = scene.get("EcsService", "web").await;
        assert_eq!(failed["status"]["deployments"][0]["rolloutState"], "FAILED");
        assert_eq!(
            failed["status"]["deployments"][0]["rolloutStateReason"],
            "ECS deployment circuit breaker: tasks failed to start."
        );
        assert_eq!(failed["status"]["runningCount"], 1);
    });
}

#[test]
fn a_deployment_that_is_stopped_by_hand_is_rolled_back() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", with_breaker(1, false, 100)).await;
        let first = scene.steady("web", "web:1", 1).await;
        scene.apply("TaskDefinition", "web", definition("broken", &[80])).await;
        unable_to_pull(scene, "broken", async {
            let second = scene
                .until("EcsService", "web", "has a second deployment", |service| {
                    service["status"]["deployments"].as_array().is_some_and(|deployments| deployments.len() == 2)
                })
                .await;
            let stop = json!({"metadata": {"annotations": {"ecs-operator.dev/stop-deployment": id(&second, 0)}}});
            scene.merge("EcsService", "web", stop).await;
            scene.condition("EcsService", "web", "Stalled", "True", "RolledBack").await;
        })
        .await;
        let back = scene.get("EcsService", "web").await;
        assert_eq!(id(&back, 0), id(&first, 0));
        assert!(text(&condition(&back, "Stalled")["message"]).contains("stopped by user"), "{back}");
    });
}

#[test]
fn a_task_that_cannot_start_is_replaced_after_a_while() {
    together(async |scene| {
        unable_to_pull(scene, "broken", is_replaced_and_counted(scene, "CannotPullContainerError")).await;
    });
}

#[test]
fn a_task_whose_volume_does_not_come_is_replaced_although_nobody_tells_of_it() {
    together(async |scene| {
        let stuck = || without_sandbox("web", 58, 56);
        unable_to_start(scene, "broken", stuck, is_replaced_and_counted(scene, "ResourceInitializationError")).await;
    });
}

/// Runs a service with an image.
async fn is_replaced_and_counted(scene: &Scene, words: &str) {
    scene.make_cluster().await;
    scene.apply("TaskDefinition", "web", definition("broken", &[80])).await;
    let mut slow = service(1);
    slow["kubernetes"]["minReadySeconds"] = json!(3);
    scene.apply("EcsService", "web", slow).await;
    let stopped =
        |records: &[Value]| records.iter().find(|record| record["status"]["lastStatus"] == "STOPPED").cloned();
    let mut found = None;
    crate::connection::wait_until("a task has failed to start", async || {
        found = stopped(&scene.list("EcsTask").await);
        found.is_some()
    })
    .await;
    let status = &found.unwrap()["status"];
    assert_eq!(status["stopCode"], "TaskFailedToStart");
    assert!(text(&status["stoppedReason"]).starts_with(words), "{status}");
    let failed = |service: &Value| service["status"]["deployments"][0]["failedTasks"] == 2;
    scene.until("EcsService", "web", "has counted the next one", failed).await;
}

#[test]
fn a_drain_may_move_as_many_tasks_as_the_minimum_lets_it() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let mut four = service(4);
        four["deploymentConfiguration"] = json!({"minimumHealthyPercent": 50});
        scene.apply("EcsService", "web", four).await;
        scene.steady("web", "web:1", 4).await;
        assert_eq!(scene.get("PodDisruptionBudget", "web").await["spec"]["maxUnavailable"], 2);
        scene.apply("EcsService", "web", service(0)).await;
        scene.until_gone("PodDisruptionBudget", "web").await;
    });
}
