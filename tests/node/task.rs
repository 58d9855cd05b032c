//! Task definitions on the real node, each in a Namespace of its own: rendered as the operator renders them, and applied.

use std::{
    io::Write as _,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use super::cluster::{eventually, get_in, kubectl};

/// The image of the local cluster.
pub const IMAGE: &str = "docker.io/library/busybox:1.37";

/// A Namespace that goes with the test.
pub struct Tasks {
    pub namespace: String,
}

impl Tasks {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let namespace = format!("tasks-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        kubectl(&["create", "namespace", &namespace]);
        // Pods are refused before it is there.
        eventually("the Namespace has its ServiceAccount", || {
            !kubectl(&["-n", &namespace, "get", "serviceaccount", "default", "--ignore-not-found", "-o", "name"])
                .is_empty()
        });
        // What every cluster has for tasks without a role.
        kubectl(&["-n", &namespace, "create", "serviceaccount", "ecs-no-role"]);
        Self { namespace }
    }

    /// Renders a task definition named `app` and applies what comes out.
    pub fn apply(&self, kind: &str, definition: &Value) {
        let file = self.file(definition);
        let output = Command::new(env!("CARGO_BIN_EXE_ecs-operator"))
            .args(["render", "-o", "json", "--as", kind, "-n", &self.namespace, "--kubernetes-version", "1.37"])
            .arg(file.path())
            .output()
            .unwrap();
        let rendered: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.success(), "{}", rendered["report"]);
        let list = json!({"apiVersion": "v1", "kind": "List", "items": rendered["objects"]});
        kubectl(&["apply", "-f", self.file(&list).path().to_str().unwrap()]);
    }

    fn file(&self, content: &Value) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().prefix(&self.namespace).suffix(".json").tempfile().unwrap();
        file.write_all(content.to_string().as_bytes()).unwrap();
        file
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        kubectl(&[&["-n", &self.namespace], arguments].concat())
    }

    /// The task that runs by itself.
    pub fn pod(&self) -> Value {
        get_in(&self.namespace, &["pod", "app"])
    }

    /// The tasks of the service.
    pub fn pods(&self) -> Vec<Value> {
        let pods = get_in(
            &self.namespace,
            &["pods", "-l", "ecs-operator.dev/service=app", "--sort-by=.metadata.creationTimestamp"],
        );
        pods["items"].as_array().unwrap().clone()
    }

    /// Waits until the task has come to a phase, and returns it.
    pub fn until_phase(&self, phase: &str) -> Value {
        eventually(&format!("the task of {} is {phase}", self.namespace), || self.pod()["status"]["phase"] == phase);
        self.pod()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        kubectl(&["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}

/// A task definition named `app`.
pub fn definition(containers: &[Value]) -> Value {
    json!({"family": "app", "containerDefinitions": containers})
}

/// A container that runs a script, with further members.
pub fn script(name: &str, script: &str, members: &Value) -> Value {
    let mut container = json!({"name": name, "image": IMAGE, "memory": 32, "entryPoint": ["sh", "-c", script]});
    container.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    container
}

/// Runs until it is told to end.
pub const FOREVER: &str = "trap exit TERM; while :; do sleep 0.2; done";

/// What the kubelet says of a container, init containers and sidecars included.
pub fn container(pod: &Value, name: &str) -> Value {
    let lists = [&pod["status"]["initContainerStatuses"], &pod["status"]["containerStatuses"]];
    let statuses = lists.into_iter().filter_map(Value::as_array).flatten();
    statuses.into_iter().find(|status| status["name"] == name).cloned().unwrap_or_default()
}
