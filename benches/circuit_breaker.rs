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

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use ecs_operator::api::{service::EcsService, service_status::RolloutState, task::EcsTask, task_status::StopCode};
use futures::StreamExt;
use kube::{
    Api, Resource, ResourceExt,
    core::NamespaceResourceScope,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;

use connection::{block_on, wait_until};
use operator::Operator;
use scene::{Scene, definition, service};

/// Services, where `ECS_OPERATOR_BENCH_SERVICES` says nothing else.
const SERVICES: usize = 100;

fn main() {
    let given = std::env::var("ECS_OPERATOR_BENCH_SERVICES").ok().and_then(|number| number.parse().ok());
    block_on(measure(given.unwrap_or(SERVICES)));
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
    tell(&stops.lock().unwrap(), &failures.lock().unwrap());
    // The cluster is taken down as a whole.
    operator.stop().await;
}

type Seen = Arc<Mutex<HashMap<String, Instant>>>;

/// When something was seen for the first time of each service, by its name.
fn watch<K>(scene: &Scene, service: impl Fn(&K) -> Option<String> + Send + 'static) -> Seen
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + serde::de::DeserializeOwned
        + Clone
        + std::fmt::Debug
        + Send
        + 'static,
{
    let seen = Seen::default();
    let objects: Api<K> = Api::namespaced(scene.client.clone(), &scene.namespace);
    let changes = watcher(objects, watcher::Config::default()).default_backoff().touched_objects();
    let told = Arc::clone(&seen);
    tokio::spawn(changes.for_each(move |object| {
        if let Some(name) = object.ok().and_then(|object| service(&object)) {
            told.lock().unwrap().entry(name).or_insert_with(Instant::now);
        }
        std::future::ready(())
    }));
    seen
}

fn tell(stops: &HashMap<String, Instant>, failures: &HashMap<String, Instant>) {
    let times = stops.iter().map(|(name, stop)| failures[name].saturating_duration_since(*stop));
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!(
        "from the record of a failed start to the failed deployment, seen by watches, over {} services:",
        times.len()
    );
    for percent in [50, 90, 99, 100] {
        println!("  {percent:>3} %  {:>8.1} ms", at(percent).as_secs_f64() * 1000.0);
    }
}
