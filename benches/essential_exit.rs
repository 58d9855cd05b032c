//! How long it takes from the Pod status that tells of an essential container's exit to the Pod's deletion, with many services
//! on virtual nodes. `hack/bench stops` runs it; the kubelet's own time comes on top.

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
#[path = "../tests/api/scene.rs"]
mod scene;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};

use connection::{block_on, wait_until};
use operator::Operator;
use pods::{ends, report};
use scene::{Scene, service};

/// Services, where `ECS_OPERATOR_BENCH_SERVICES` says nothing else.
const SERVICES: usize = 1000;

/// Requests that are under way at a time while the services are made.
const CONCURRENCY: usize = 16;

/// Between two exits: four in a second, with some thirty writes by all after each until a new task runs. What is measured is the
/// operator; faster than that two cores are busy with the rest of the cluster, and it waits for them.
const PACE: Duration = Duration::from_millis(250);

fn main() {
    let given = std::env::var("ECS_OPERATOR_BENCH_SERVICES").ok().and_then(|number| number.parse().ok());
    block_on(measure(given.unwrap_or(SERVICES)));
}

async fn measure(services: usize) {
    let scene = Scene::new().await;
    let operator = Operator::start().await;
    scene.make_cluster().await;
    scene.define("nginx:1").await;
    let started = Instant::now();
    let names = (0..services).map(|number| format!("web-{number}"));
    let (scene_ref, one) = (&scene, &service(1));
    stream::iter(names)
        .for_each_concurrent(CONCURRENCY, async |name| {
            scene_ref.apply("EcsService", &name, one.clone()).await;
        })
        .await;
    let is_recorded = async || {
        let records = scene.list("EcsTask").await;
        records.iter().filter(|record| record["status"]["lastStatus"] == "RUNNING").count() == services
    };
    while !is_recorded().await {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("{services} services with running tasks after {} s", started.elapsed().as_secs());
    let deletions = watch_deletions(&scene);
    let mut exits = HashMap::new();
    for pod in scene.list("Pod").await {
        report(&scene, &pod, ends("web", 1, "Error")).await;
        exits.insert(pod["metadata"]["name"].as_str().unwrap().to_owned(), Instant::now());
        tokio::time::sleep(PACE).await;
    }
    wait_until("all Pods are deleted", async || {
        let seen = deletions.lock().unwrap();
        exits.keys().all(|name| seen.contains_key(name))
    })
    .await;
    tell(&exits, &deletions.lock().unwrap());
    // The cluster is taken down as a whole.
    operator.stop().await;
}

/// When each Pod was seen to be deleted.
fn watch_deletions(scene: &Scene) -> Arc<Mutex<HashMap<String, Instant>>> {
    let seen = Arc::new(Mutex::new(HashMap::new()));
    let pods: Api<Pod> = Api::namespaced(scene.client.clone(), &scene.namespace);
    let changes = watcher(pods, watcher::Config::default()).default_backoff().touched_objects();
    let told = Arc::clone(&seen);
    tokio::spawn(changes.for_each(move |pod| {
        if let Some(pod) = pod.ok().filter(|pod| pod.metadata.deletion_timestamp.is_some()) {
            told.lock().unwrap().entry(pod.name_any()).or_insert_with(Instant::now);
        }
        std::future::ready(())
    }));
    seen
}

fn tell(exits: &HashMap<String, Instant>, deletions: &HashMap<String, Instant>) {
    let mut times: Vec<_> = exits.iter().map(|(name, exit)| deletions[name].saturating_duration_since(*exit)).collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("from the report of an exit to the deletion of the Pod, seen by a watch, over {} Pods:", times.len());
    for percent in [50, 90, 99, 100] {
        println!("  {percent:>3} %  {:>8.1} ms", at(percent).as_secs_f64() * 1000.0);
    }
}
