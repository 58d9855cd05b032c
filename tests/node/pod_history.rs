//! What becomes of a service's Pods, change by change, in the order in which the API server has it. Times in Pods have whole
//! seconds, which do not tell what came first.

use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
};

use serde_json::{Deserializer, Value};
use tempfile::NamedTempFile;

use super::{
    cluster::cluster,
    scene::{Scene, name},
};

/// Watches as long as it is there.
pub struct PodHistory {
    kubectl: Child,
    changes: NamedTempFile,
}

/// The Pods at one moment, by their names.
pub type Moment = BTreeMap<String, PodState>;

/// What matters of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodState {
    /// Its checks do not succeed, or not yet.
    NotReady,
    Ready,
    /// It is being deleted.
    Stopping,
}

impl PodHistory {
    /// Returns when it has seen the Pods that are there.
    pub fn start(scene: &Scene, service: &str, pods: usize) -> Self {
        let changes = NamedTempFile::new().unwrap();
        let selector = format!("ecs-operator.dev/service={service}");
        let kubectl = Command::new("hack/cluster/kubectl")
            .args(["--name", &cluster(), "-n", &scene.namespace, "get", "pods", "-l", &selector])
            .args(["--watch", "--output-watch-events", "-o", "json"])
            .stdin(Stdio::null())
            .stdout(changes.reopen().unwrap())
            .spawn()
            .unwrap();
        let history = Self { kubectl, changes };
        scene.wait("the Pods are watched", || history.moments().last().is_some_and(|moment| moment.len() == pods));
        history
    }

    /// The Pods after each change so far; at first they come in one by one.
    pub fn moments(&self) -> Vec<Moment> {
        let text = std::fs::read_to_string(self.changes.path()).unwrap();
        // The last one may be half written.
        let changes = Deserializer::from_str(&text).into_iter::<Value>().map_while(Result::ok);
        let after = |moment: &mut Moment, change: Value| {
            let pod = &change["object"];
            match change["type"].as_str() {
                Some("DELETED") => moment.remove(name(pod)),
                _ => moment.insert(name(pod).into(), state(pod)),
            };
            Some(moment.clone())
        };
        changes.scan(Moment::new(), after).collect()
    }
}

impl Drop for PodHistory {
    fn drop(&mut self) {
        let _ = self.kubectl.kill();
        let _ = self.kubectl.wait();
    }
}

fn state(pod: &Value) -> PodState {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        PodState::Stopping
    } else if conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True") {
        PodState::Ready
    } else {
        PodState::NotReady
    }
}
