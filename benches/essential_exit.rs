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
mod virtual_nodes;

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use connection::{block_on, wait_until};
use operator::Operator;
use pods::ends;
use scene::{Scene, service, text};
use virtual_nodes::{report_each, tell, watch};

/// Services, where `ECS_OPERATOR_BENCH_SERVICES` says nothing else.
const SERVICES: usize = 1000;

/// Requests that are under way at a time while the services are made.
const CONCURRENCY: usize = 16;

fn main() {
    block_on(measure(virtual_nodes::services().unwrap_or(SERVICES)));
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
    let deletions = watch(&scene, |pod: &Pod| pod.metadata.deletion_timestamp.is_some().then(|| pod.name_any()));
    let pods = scene.list("Pod").await;
    let exits = report_each(&scene, &pods, &ends("web", 1, "Error"), |pod| text(&pod["metadata"]["name"])).await;
    wait_until("all Pods are deleted", async || {
        let seen = deletions.lock().unwrap();
        exits.keys().all(|name| seen.contains_key(name))
    })
    .await;
    tell("from the report of an exit to the deletion of the Pod, seen by a watch", &exits, &deletions.lock().unwrap());
    // The cluster is taken down as a whole.
    operator.stop().await;
}
