//! How long it takes from the moment at which a task that does not start is given up to the failed deployment in the status of
//! its service, with many services on virtual nodes whose circuit breaker trips at the first failure. `hack/bench breaker` runs it.

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
#[path = "../tests/api/scene.rs"]
mod scene;
mod virtual_nodes;

use ecs_operator::api::{service::EcsService, service_status::RolloutState, task::EcsTask, task_status::StopCode};
use kube::ResourceExt;
use serde_json::json;

use connection::{block_on, wait_until};
use operator::Operator;
use scene::{Scene, definition, service};
use virtual_nodes::{tell, watch};

/// Services, where `ECS_OPERATOR_BENCH_SERVICES` says nothing else.
const SERVICES: usize = 100;

fn main() {
    block_on(measure(virtual_nodes::services().unwrap_or(SERVICES)));
}

async fn measure(services: usize) {
    let scene = Scene::new().await;
    let operator = Operator::start().await;
    scene.make_cluster().await;
    // The nodes cannot pull it.
    scene.apply("TaskDefinition", "web", definition("broken", &[])).await;
    let stops = watch(&scene, |task: &EcsTask| {
        let status = task.status.as_ref()?;
        let service = task.spec.group.as_deref()?.strip_prefix("service:")?;
        (status.stop_code == Some(StopCode::TaskFailedToStart)).then(|| service.to_owned())
    });
    let failures = watch(&scene, |service: &EcsService| {
        let mut deployments = service.status.iter().flat_map(|status| &status.deployments);
        deployments.any(|it| it.rollout_state == RolloutState::Failed).then(|| service.name_any())
    });
    let mut breaks = service(1);
    let threshold = json!({"type": "COUNT", "value": 1});
    breaks["deploymentConfiguration"] =
        json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true, "thresholdConfiguration": threshold}});
    for number in 0..services {
        scene.apply("EcsService", &format!("web-{number}"), breaks.clone()).await;
    }
    wait_until("all deployments have failed", async || {
        let (stops, failures) = (stops.lock().unwrap(), failures.lock().unwrap());
        stops.len() == services && failures.len() == services
    })
    .await;
    let what = "from the record of a failed start to the failed deployment of its service, seen by watches";
    tell(what, &stops.lock().unwrap(), &failures.lock().unwrap());
    // The cluster is taken down as a whole.
    operator.stop().await;
}
