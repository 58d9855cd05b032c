//! An EcsCluster of a test's own, for services and tasks that the operator runs on the real node.

use std::{
    io::Write as _,
    sync::{
        Mutex, PoisonError, RwLockReadGuard,
        atomic::{AtomicU32, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    OPERATOR,
    cluster::{get_in, kubectl},
    install_operator,
    task::script,
};

/// A test's own part of the cluster.
pub struct Scene {
    /// Name of the EcsCluster.
    pub cluster: String,
    pub namespace: String,
    _operator: Option<RwLockReadGuard<'static, ()>>,
}

impl Scene {
    /// The operator works as long as it is there.
    pub fn new() -> Self {
        static INSTALLING: Mutex<()> = Mutex::new(());
        let operator = OPERATOR.read().unwrap_or_else(PoisonError::into_inner);
        {
            let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
            let found = ["-n", "ecs-operator", "get", "deployment", "ecs-operator", "--ignore-not-found", "-o", "name"];
            if kubectl(&found).is_empty() {
                install_operator();
            }
        }
        Self::make(Some(operator))
    }

    /// For a test that holds the operator for itself.
    pub fn without_operator() -> Self {
        Self::make(None)
    }

    fn make(operator: Option<RwLockReadGuard<'static, ()>>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let cluster = format!("n-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let namespace = format!("ecs-{cluster}");
        let scene = Self { cluster, namespace, _operator: operator };
        apply(&json!({"apiVersion": API, "kind": "EcsCluster", "metadata": {"name": scene.cluster}, "spec": {}}));
        kubectl(&["wait", &format!("ecscluster/{}", scene.cluster), "--for=condition=Ready", "--timeout=90s"]);
        scene
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        kubectl(&[&["-n", &self.namespace], arguments].concat())
    }

    /// Applies an object of the operator's.
    pub fn apply(&self, kind: &str, name: &str, spec: &Value) {
        let metadata = json!({"name": name, "namespace": self.namespace});
        apply(&json!({"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}));
    }

    /// Applies a task definition with these containers.
    pub fn define(&self, family: &str, containers: &[Value]) {
        self.apply("TaskDefinition", family, &json!({"containerDefinitions": containers}));
    }

    /// The object, or null.
    pub fn get(&self, kind: &str, name: &str) -> Value {
        let output = self.kubectl(&["get", kind, name, "--ignore-not-found", "-o", "json"]);
        serde_json::from_str(&output).unwrap_or_default()
    }

    /// Waits until an object is as it should be, and returns it.
    pub fn until(&self, kind: &str, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let found = std::cell::RefCell::new(Value::Null);
        self.wait(&format!("{kind} {name} {what}"), || {
            let object = self.get(kind, name);
            let is_so = holds(&object);
            found.replace(object);
            is_so
        });
        found.into_inner()
    }

    /// Waits for something, and tells what is there when it does not come.
    pub fn wait(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            if Instant::now() >= deadline {
                let there = self.kubectl(&["get", "ecsservices,ecstasks,pods", "-o", "wide"]);
                let services = self.kubectl(&["get", "ecsservices", "-o", "yaml"]);
                let log = kubectl(&["-n", "ecs-operator", "logs", "deployment/ecs-operator", "--tail", "40"]);
                panic!("not within {PATIENCE:?}: {what}; what is there:\n{there}\n{services}\nthe operator:\n{log}");
            }
            sleep(Duration::from_millis(300));
        }
    }

    /// The records of a service's tasks that are in a state, the oldest first.
    pub fn records(&self, service: &str, last_status: &str) -> Vec<Value> {
        let selector = format!("ecs-operator.dev/service={service}");
        let list = get_in(&self.namespace, &["ecstasks", "-l", &selector, "--sort-by=.metadata.creationTimestamp"]);
        let mut records = list["items"].as_array().unwrap().clone();
        records.retain(|record| record["status"]["lastStatus"] == last_status);
        records
    }

    /// Waits until so many tasks are recorded as running, and no others live.
    pub fn running(&self, service: &str, count: usize) -> Vec<Value> {
        let found = std::cell::RefCell::new(Vec::new());
        self.wait(&format!("service {service} has {count} running tasks"), || {
            let records = self.records(service, "RUNNING");
            let is_so = records.len() == count;
            found.replace(records);
            is_so
        });
        found.into_inner()
    }

    /// Waits until the task has stopped, and returns its status.
    pub fn stopped(&self, task: &Value) -> Value {
        self.until_status(name(task), "STOPPED")["status"].clone()
    }

    /// Waits until a task is RUNNING or STOPPED, and returns it.
    pub fn until_status(&self, task: &str, last_status: &str) -> Value {
        self.until("ecstask", task, &format!("is {last_status}"), |task| task["status"]["lastStatus"] == last_status)
    }

    /// Waits until another task of the service runs in the place of one, and returns it.
    pub fn replaced(&self, service: &str, task: &Value) -> Value {
        let others = || {
            let mut records = self.records(service, "RUNNING");
            records.retain(|record| name(record) != name(task));
            records
        };
        self.wait(&format!("service {service} has a task in the place of {}", name(task)), || !others().is_empty());
        others().remove(0)
    }

    /// Makes a process that was started with [`OBEYS`] do something as its last deed.
    pub fn order(&self, task: &Value, container: &str, deed: &str) {
        let write = format!("echo '{deed}' > /tmp/order.new && mv /tmp/order.new /tmp/order");
        self.kubectl(&["exec", pod(task), "-c", container, "--", "sh", "-c", &write]);
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.kubectl(&["delete", "ecsservices,ecstasks", "--all", "--wait=false"]);
        kubectl(&["delete", "ecscluster", &self.cluster, "--wait=false"]);
    }
}

const PATIENCE: Duration = Duration::from_secs(120);
const API: &str = "ecs-operator.dev/v1alpha1";

/// Runs until it is told how to end, or that it should.
pub const OBEYS: &str = "trap 'exit 7' TERM; until test -e /tmp/order; do sleep 0.2; done; . /tmp/order";

fn apply(document: &Value) {
    kubectl(&["apply", "-f", file_of(document).path().to_str().unwrap()]);
}

/// A document in a file, for kubectl.
pub fn file_of(document: &Value) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    file.write_all(document.to_string().as_bytes()).unwrap();
    file
}

/// A container named `app` that obeys.
pub fn obedient() -> Value {
    script("app", OBEYS, &json!({}))
}

/// A service that loses no time.
pub fn service(task_definition: &str, desired_count: i32) -> Value {
    let kubernetes = json!({"preStopSeconds": 0, "minReadySeconds": 0});
    json!({"taskDefinition": task_definition, "desiredCount": desired_count, "kubernetes": kubernetes})
}

pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

/// Name of the Pod of a task.
pub fn pod(task: &Value) -> &str {
    task["status"]["podName"].as_str().unwrap()
}

/// A time of a status, in seconds.
pub fn second(time: &Value) -> i64 {
    text(time).parse::<Timestamp>().unwrap().as_second()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
