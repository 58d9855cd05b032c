//! Deployments that fail, for tests of what is made of them.

use serde_json::{Value, json};

use crate::{
    pods::{cannot_be_pulled, not_ready, report_if_there},
    scene::{Scene, service, text},
};

/// Reports that no task with an image can be pulled, as long as the other future runs.
pub async fn unable_to_pull<T>(scene: &Scene, image: &str, meanwhile: impl Future<Output = T>) -> T {
    unable_to_start(scene, image, || cannot_be_pulled("web"), meanwhile).await
}

/// Reports that tasks with an image fail their health checks, as long as the other future runs.
pub async fn unable_to_get_healthy<T>(scene: &Scene, image: &str, meanwhile: impl Future<Output = T>) -> T {
    unable_to_start(scene, image, || not_ready("web"), meanwhile).await
}

/// Reports of each task with an image that it does not start, as long as the other future runs.
pub async fn unable_to_start<T>(
    scene: &Scene,
    image: &str,
    status: impl Fn() -> Value,
    meanwhile: impl Future<Output = T>,
) -> T {
    let failing = async {
        loop {
            for pod in scene.list("Pod").await {
                let container = &pod["spec"]["containers"][0];
                if container["image"] == image && pod["status"]["containerStatuses"][0]["ready"] == true {
                    report_if_there(scene, &pod, status()).await;
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

pub fn with_breaker(tasks: i32, rollback: bool, value: i32) -> Value {
    let mut service = service(tasks);
    // A virtual node says that a task is ready before the test says that it is not.
    service["kubernetes"]["minReadySeconds"] = json!(3);
    let threshold = json!({"type": "COUNT", "value": value});
    service["deploymentConfiguration"] = json!({
        "deploymentCircuitBreaker": {"enable": true, "rollback": rollback, "thresholdConfiguration": threshold}
    });
    service
}

pub fn id(service: &Value, index: usize) -> String {
    text(&service["status"]["deployments"][index]["id"])
}
