//! What the benchmarks on virtual nodes share: how many services there are, when something was seen, and what is told of it.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::StreamExt;
use kube::{
    Api, Resource,
    core::NamespaceResourceScope,
    runtime::{WatchStreamExt, watcher},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{pods::report, scene::Scene};

/// How many services `ECS_OPERATOR_BENCH_SERVICES` asks for.
pub fn services() -> Option<usize> {
    std::env::var("ECS_OPERATOR_BENCH_SERVICES").ok().and_then(|number| number.parse().ok())
}

/// When something was seen for the first time, by names.
pub type Seen = Arc<Mutex<HashMap<String, Instant>>>;

/// Watches the objects of a kind in a scene for what `name` makes a name of.
pub fn watch<K>(scene: &Scene, name: impl Fn(&K) -> Option<String> + Send + 'static) -> Seen
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug + Send + 'static,
{
    let seen = Seen::default();
    let objects: Api<K> = Api::namespaced(scene.client.clone(), &scene.namespace);
    let changes = watcher(objects, watcher::Config::default()).default_backoff().touched_objects();
    let told = Arc::clone(&seen);
    tokio::spawn(changes.for_each(move |object| {
        if let Some(name) = object.ok().and_then(|object| name(&object)) {
            told.lock().unwrap().entry(name).or_insert_with(Instant::now);
        }
        std::future::ready(())
    }));
    seen
}

/// Between two reports: four in a second, with some thirty writes by all after each until a new task runs. What is measured is the
/// operator; faster than that two cores are busy with the rest of the cluster, and it waits for them.
const PACE: Duration = Duration::from_millis(250);

/// Reports one status of each Pod after the other. When each report began, by what `name` makes of its Pod.
pub async fn report_each(
    scene: &Scene,
    pods: &[Value],
    status: &Value,
    name: impl Fn(&Value) -> String,
) -> HashMap<String, Instant> {
    let mut began = HashMap::new();
    for pod in pods {
        began.insert(name(pod), Instant::now());
        report(scene, pod, status.clone()).await;
        tokio::time::sleep(PACE).await;
    }
    began
}

/// Prints how long it took from the one to the other, by percentiles.
pub fn tell(what: &str, from: &HashMap<String, Instant>, to: &HashMap<String, Instant>) {
    let mut times: Vec<_> = from.iter().map(|(name, from)| to[name].saturating_duration_since(*from)).collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("{what}, over {}:", times.len());
    for percent in [50, 90, 99, 100] {
        println!("  {percent:>3} %  {:>8.1} ms", at(percent).as_secs_f64() * 1000.0);
    }
}
