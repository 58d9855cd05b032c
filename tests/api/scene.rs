//! What a test works with: an EcsCluster with a Namespace of its own, and short ways to write and read objects in it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kube::Client;
use serde_json::{Value, json};

use crate::connection::{self, Answer, client, wait_until};

/// A test's own part of the cluster.
pub struct Scene {
    pub client: Client,
    /// Name of the EcsCluster; those of further ones begin with it.
    pub cluster: String,
    pub namespace: String,
}

/// Where a kind is, and whether it is in a Namespace.
fn location(kind: &str) -> (&'static str, &'static str, bool) {
    let ours = "/apis/ecs-operator.dev/v1alpha1";
    match kind {
        "EcsCluster" => (ours, "ecsclusters", false),
        "TaskDefinition" => (ours, "taskdefinitions", true),
        "TaskDefinitionRevision" => (ours, "taskdefinitionrevisions", true),
        "EcsService" => (ours, "ecsservices", true),
        "EcsTask" => (ours, "ecstasks", true),
        "EcsRole" => (ours, "ecsroles", true),
        "EcsSecurityGroup" => (ours, "ecssecuritygroups", true),
        "EcsTargetGroup" => (ours, "ecstargetgroups", true),
        "Gateway" => ("/apis/gateway.networking.k8s.io/v1", "gateways", true),
        "HTTPRoute" => ("/apis/gateway.networking.k8s.io/v1", "httproutes", true),
        "Deployment" => ("/apis/apps/v1", "deployments", true),
        "DaemonSet" => ("/apis/apps/v1", "daemonsets", true),
        "ReplicaSet" => ("/apis/apps/v1", "replicasets", true),
        "ControllerRevision" => ("/apis/apps/v1", "controllerrevisions", true),
        "NetworkPolicy" => ("/apis/networking.k8s.io/v1", "networkpolicies", true),
        "PodDisruptionBudget" => ("/apis/policy/v1", "poddisruptionbudgets", true),
        "Event" => ("/apis/events.k8s.io/v1", "events", true),
        "Service" => ("/api/v1", "services", true),
        "Pod" => ("/api/v1", "pods", true),
        "Role" => ("/apis/rbac.authorization.k8s.io/v1", "roles", true),
        "RoleBinding" => ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", true),
        "RuntimeClass" => ("/apis/node.k8s.io/v1", "runtimeclasses", false),
        "ServiceAccount" => ("/api/v1", "serviceaccounts", true),
        "ResourceQuota" => ("/api/v1", "resourcequotas", true),
        "ConfigMap" => ("/api/v1", "configmaps", true),
        "Namespace" => ("/api/v1", "namespaces", false),
        "CustomResourceDefinition" => ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", false),
        other => panic!("where is {other}?"),
    }
}

impl Scene {
    pub async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let cluster = format!("t-{now:x}-{}z", COUNT.fetch_add(1, Ordering::Relaxed));
        Self { client: client().await, namespace: format!("ecs-{cluster}"), cluster }
    }

    fn collection(&self, kind: &str) -> String {
        let (api, plural, namespaced) = location(kind);
        if namespaced { format!("{api}/namespaces/{}/{plural}", self.namespace) } else { format!("{api}/{plural}") }
    }

    pub fn path(&self, kind: &str, name: &str) -> String {
        format!("{}/{name}", self.collection(kind))
    }

    /// Applies an object, and takes it for granted that it is accepted.
    pub async fn apply(&self, kind: &str, name: &str, spec: Value) -> Value {
        self.apply_document(&document(kind, name, &json!({"spec": spec}))).await
    }

    pub async fn apply_document(&self, document: &Value) -> Value {
        let (kind, name) = (document["kind"].as_str().unwrap(), document["metadata"]["name"].as_str().unwrap());
        let answer = connection::apply(&self.client, &self.path(kind, name), document).await;
        assert!(answer.code < 300, "{kind} {name}: {}", answer.message());
        answer.body
    }

    pub async fn create(&self, document: &Value) -> Value {
        let kind = document["kind"].as_str().unwrap();
        let answer = connection::post(&self.client, &self.collection(kind), document).await;
        assert_eq!(answer.code, 201, "{kind}: {}", answer.message());
        answer.body
    }

    /// The object, or null.
    pub async fn get(&self, kind: &str, name: &str) -> Value {
        let answer = connection::get(&self.client, &self.path(kind, name)).await;
        if answer.code == 200 { answer.body } else { Value::Null }
    }

    pub async fn list(&self, kind: &str) -> Vec<Value> {
        let answer = connection::get(&self.client, &self.collection(kind)).await;
        answer.body["items"].as_array().cloned().unwrap_or_default()
    }

    /// The names of a kind's objects, sorted.
    pub async fn names(&self, kind: &str) -> Vec<String> {
        let mut names: Vec<_> = self.list(kind).await.iter().map(|object| text(&object["metadata"]["name"])).collect();
        names.sort();
        names
    }

    pub async fn merge(&self, kind: &str, name: &str, body: Value) -> Answer {
        let answer = connection::merge(&self.client, &self.path(kind, name), &body).await;
        assert!(answer.code < 300, "{kind} {name}: {}", answer.message());
        answer
    }

    pub async fn delete(&self, kind: &str, name: &str) {
        let answer = connection::delete(&self.client, &self.path(kind, name)).await;
        assert!(answer.code < 300, "{kind} {name}: {}", answer.message());
    }

    /// Waits until an object is as it should be, and returns it.
    pub async fn until(&self, kind: &str, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let given_up = tokio::time::Instant::now() + Duration::from_secs(45);
        while tokio::time::Instant::now() < given_up {
            last = self.get(kind, name).await;
            if holds(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        last["metadata"]["managedFields"].take();
        panic!("waited in vain until {kind} {name} {what}: {}", serde_json::to_string_pretty(&last).unwrap());
    }

    pub async fn until_gone(&self, kind: &str, name: &str) {
        self.until(kind, name, "is gone", Value::is_null).await;
    }

    /// Waits until a condition has a status and a reason.
    pub async fn condition(&self, kind: &str, name: &str, type_: &str, status: &str, reason: &str) -> Value {
        let what = format!("has {type_}={status} because of {reason}");
        let found = self
            .until(kind, name, &what, |object| {
                let condition = condition(object, type_);
                condition["status"] == status && condition["reason"] == reason
            })
            .await;
        condition(&found, type_)
    }

    /// The EcsCluster, ready.
    pub async fn make_cluster(&self) {
        self.apply("EcsCluster", &self.cluster, json!({})).await;
        self.condition("EcsCluster", &self.cluster, "Ready", "True", "Available").await;
    }

    /// A TaskDefinition `web` with one container.
    pub async fn define(&self, image: &str) {
        self.apply("TaskDefinition", "web", definition(image, &[80])).await;
    }

    /// A cluster with the task definition `web` and a service of it that has come to rest.
    pub async fn run_web(&self, tasks: i32) -> Value {
        self.make_cluster().await;
        self.define("nginx:1").await;
        self.apply("EcsService", "web", service(tasks)).await;
        self.steady("web", "web:1", tasks.into()).await
    }

    /// An EcsService that has come to rest with a deployment of a revision.
    pub async fn steady(&self, name: &str, revision: &str, tasks: i64) -> Value {
        let what = format!("is steady with {tasks} tasks of {revision}");
        self.until("EcsService", name, &what, |service| is_steady(service, revision, tasks)).await
    }

    /// An EcsTask that has stopped.
    pub async fn stopped_task(&self, name: &str) -> Value {
        self.until("EcsTask", name, "is STOPPED", |task| task["status"]["lastStatus"] == "STOPPED").await
    }

    /// The status of the record of a task that has stopped.
    pub async fn stopped_record(&self, record: &Value) -> Value {
        self.stopped_task(&text(&record["metadata"]["name"])).await["status"].clone()
    }

    /// The Pod of a task, or null.
    pub async fn pod_of(&self, task: &Value) -> Value {
        self.get("Pod", &text(&task["status"]["podName"])).await
    }

    /// The EcsTasks that run, once there are so many.
    pub async fn running_tasks(&self, count: usize) -> Vec<Value> {
        let mut running = Vec::new();
        wait_until(&format!("{count} tasks are recorded as running"), async || {
            running = self.list("EcsTask").await;
            running.retain(|task| task["status"]["lastStatus"] == "RUNNING");
            running.len() == count
        })
        .await;
        running
    }

    /// Messages of the Events about an object, the oldest first.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let mut events = self.list("Event").await;
        events.sort_by_key(|event| text(&event["eventTime"]));
        events.iter().filter(|event| event["regarding"]["name"] == name).map(|event| text(&event["note"])).collect()
    }

    /// Removes everything, also without an operator. Returns when nothing of it concerns an operator any more.
    pub async fn leave(&self) {
        let mine =
            |names: Vec<String>| names.into_iter().filter(|name| name.contains(&self.cluster)).collect::<Vec<_>>();
        let (clusters, namespaces) = (mine(self.names("EcsCluster").await), mine(self.names("Namespace").await));
        let clusters_first = clusters.iter().map(|name| ("EcsCluster", name));
        for (kind, name) in clusters_first.chain(namespaces.iter().map(|name| ("Namespace", name))) {
            connection::delete(&self.client, &self.path(kind, name)).await;
        }
        let unhold = json!({"metadata": {"finalizers": null}});
        wait_until("the test's objects are gone", async || {
            let services = self.names("EcsService").await;
            let left =
                self.names("EcsCluster").await.into_iter().filter(|name| clusters.contains(name)).collect::<Vec<_>>();
            for service in &services {
                connection::delete(&self.client, &self.path("EcsService", service)).await;
                connection::merge(&self.client, &self.path("EcsService", service), &unhold).await;
            }
            for task in self.names("EcsTask").await {
                connection::delete(&self.client, &self.path("EcsTask", &task)).await;
                connection::merge(&self.client, &self.path("EcsTask", &task), &unhold).await;
            }
            for kind in ["EcsRole", "EcsSecurityGroup", "EcsTargetGroup"] {
                for name in self.names(kind).await {
                    connection::merge(&self.client, &self.path(kind, &name), &unhold).await;
                }
            }
            for cluster in &left {
                connection::merge(&self.client, &self.path("EcsCluster", cluster), &unhold).await;
            }
            services.is_empty() && left.is_empty()
        })
        .await;
    }

    pub async fn is_gone(&self) {
        wait_until("the test's Namespaces are gone", async || {
            !self.names("Namespace").await.iter().any(|name| name.contains(&self.cluster))
        })
        .await;
    }
}

/// A task definition with one container named web.
pub fn definition(image: &str, ports: &[u16]) -> Value {
    let ports: Vec<_> = ports.iter().map(|port| json!({"containerPort": port})).collect();
    json!({"containerDefinitions": [{"name": "web", "image": image, "memory": 64, "portMappings": ports}]})
}

/// A service of the task definition web. Nothing checks the health of its tasks, and ECS would let them run for 40 seconds.
pub fn service(desired_count: i32) -> Value {
    let kubernetes = json!({"preStopSeconds": 0, "minReadySeconds": 0});
    json!({"taskDefinition": "web", "desiredCount": desired_count, "kubernetes": kubernetes})
}

/// An object as a user would write it: the members of `body` beside its name.
pub fn document(kind: &str, name: &str, body: &Value) -> Value {
    let (api, _, _) = location(kind);
    let version = api.trim_start_matches("/apis/").trim_start_matches("/api/");
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    object.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    object
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn condition(object: &Value, type_: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|condition| condition["type"] == type_).cloned().unwrap_or_default()
}

pub fn is_steady(service: &Value, revision: &str, tasks: i64) -> bool {
    let status = &service["status"];
    condition(service, "Ready")["status"] == "True"
        && status["observedGeneration"] == service["metadata"]["generation"]
        && status["taskDefinitionRevision"] == revision
        && status["runningCount"] == tasks
}

/// Messages of the events in a service's status, the newest first.
pub fn messages(service: &Value) -> Vec<String> {
    service["status"]["events"].as_array().into_iter().flatten().map(|event| text(&event["message"])).collect()
}
