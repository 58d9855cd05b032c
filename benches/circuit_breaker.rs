//! How long it takes from the report that a node refuses a task, a failure that counts at once, to the failed deployment in the status
//! of its service, with many services on virtual nodes whose circuit breaker trips at the first failure. `hack/bench breaker` runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    dead_code,
    reason = "a benchmark ends when something is not as it should be, and shares files with tests that use more of them"
)]

#[path = "../tests/api/connection.rs"]
mod connection;
#[path = "../tests/api/front.rs"]
mod front;
#[path = "../tests/api/operator.rs"]
mod operator;
#[path = "../tests/api/pods.rs"]
mod pods;
#[path = "../tests/api/rollouts.rs"]
mod rollouts;
#[path = "../tests/api/scene.rs"]
mod scene;
mod virtual_nodes;

use ecs_operator::api::{service::EcsService, service_status::RolloutState};
use kube::ResourceExt;
use serde_json::{Value, json};

use connection::{block_on, wait_until};
use operator::Operator;
use rollouts::with_breaker;
use scene::{Scene, text};
use virtual_nodes::{report_each, tell, watch};

/// Services, where `ECS_OPERATOR_BENCH_SERVICES` says nothing else.
const SERVICES: usize = 100;

fn main() {
    block_on(measure(virtual_nodes::services().unwrap_or(SERVICES)));
}

/// A service whose only deployment is not completed for long, and fails with the first task.
fn breaks() -> Value {
    let mut service = with_breaker(1, true, 1);
    service["kubernetes"]["minReadySeconds"] = json!(3600);
    service
}

/// What a kubelet says of a Pod that does not fit its node.
fn refused() -> Value {
    json!({"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough resource: cpu", "containerStatuses": null})
}

async fn measure(services: usize) {
    let scene = Scene::new().await;
    let operator = Operator::start().await;
    scene.make_cluster().await;
    scene.define("nginx:1").await;
    for number in 0..services {
        scene.apply("EcsService", &format!("web-{number}"), breaks()).await;
    }
    let mut pods = Vec::new();
    wait_until("each service has a task that runs", async || {
        pods = scene.list("Pod").await;
        pods.retain(|pod| pod["status"]["phase"] == "Running");
        pods.len() == services
    })
    .await;
    let failures = watch(&scene, |service: &EcsService| {
        let mut deployments = service.status.iter().flat_map(|status| &status.deployments);
        deployments.any(|it| it.rollout_state == RolloutState::Failed).then(|| service.name_any())
    });
    let service_of = |pod: &Value| text(&pod["metadata"]["labels"]["ecs-operator.dev/service"]);
    let refusals = report_each(&scene, &pods, &refused(), service_of).await;
    wait_until("all deployments have failed", async || failures.lock().unwrap().len() == services).await;
    let what =
        "from the report of a task that its node refuses to the failed deployment of its service, seen by a watch";
    tell(what, &refusals, &failures.lock().unwrap());
    // The cluster is taken down as a whole.
    operator.stop().await;
}
