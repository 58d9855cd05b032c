//! The operator in this process, with exactly the rights that its table names.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use ecs_operator::{
    controllers::{Controllers, Settings},
    kube_io::permissions::{PERMISSIONS, Scope},
};
use futures::channel::oneshot;
use kube::Client;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::{sync::OnceCell, task::JoinHandle};

use crate::{
    connection::{apply, client, config, wait_until},
    front::Front,
};

/// The user that the operator is, so that a right which the table lacks is missing in the tests as well.
const USER: &str = "ecs-operator-under-test";

/// Where task definitions are looked for that are not in a service's own Namespace.
pub const SHARED_NAMESPACE: &str = "shared-task-definitions";

/// A running operator. It ends at once when it is dropped.
pub struct Operator {
    pub front: Arc<Front>,
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
    registry: Registry,
}

impl Operator {
    pub async fn start() -> Self {
        Self::start_behind(Front::open()).await
    }

    /// Starts it and waits until its caches are filled, unless it dies before.
    pub async fn start_behind(front: Arc<Front>) -> Self {
        let mut registry = Registry::default();
        let controllers =
            Controllers::new(front.client(limited_client().await), settings(), "under-test".into(), &mut registry);
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, filled) = oneshot::channel::<()>();
        let task = tokio::spawn(run(controllers, stopped, ready));
        tokio::select! {
            ready = filled => ready.expect("the operator ends before its caches are filled"),
            () = front.dies() => {}
        }
        Self { front, task, stop: Some(stop), registry }
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        wait_until("the operator has ended", async || self.task.is_finished()).await;
    }

    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    /// A metric as it is scraped.
    pub fn metric(&self, line_start: &str) -> Option<String> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text.lines().find_map(|line| line.strip_prefix(line_start).map(|value| value.trim().to_owned()))
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(controllers: Controllers, stopped: oneshot::Receiver<()>, ready: oneshot::Sender<()>) {
    let missing = Mutex::new(controllers.cache_names().iter().copied().collect::<BTreeSet<_>>());
    let all_filled = tokio::sync::Notify::new();
    let filled = |name: &'static str| {
        let mut missing = missing.lock().unwrap();
        missing.remove(name);
        if missing.is_empty() {
            all_filled.notify_one();
        }
    };
    let reconcile = async {
        all_filled.notified().await;
        let _ = ready.send(());
        controllers
            .reconcile(async {
                let _ = stopped.await;
            })
            .await;
    };
    tokio::select! {
        () = controllers.watch(filled) => {}
        () = reconcile => {}
    }
}

fn settings() -> Settings {
    Settings {
        region: "us-east-1".into(),
        account_id: "123456789012".into(),
        default_cluster: true,
        shared_namespace: Some(SHARED_NAMESPACE.into()),
        concurrency: 8,
    }
}

/// A connection with the rights of the table. Made anew for each operator, as a new process would.
async fn limited_client() -> Client {
    static GRANTED: OnceCell<()> = OnceCell::const_new();
    GRANTED.get_or_init(grant).await;
    let mut config = config().await;
    config.auth_info.impersonate = Some(USER.into());
    Client::try_from(config).unwrap()
}

async fn grant() {
    let client = client().await;
    let rules: Vec<_> = PERMISSIONS
        .iter()
        .filter(|permission| permission.scope == Scope::Cluster)
        .map(|permission| {
            let mut rule =
                json!({"apiGroups": [permission.group], "resources": [permission.resource], "verbs": permission.verbs});
            if !permission.names.is_empty() {
                rule["resourceNames"] = json!(permission.names);
            }
            rule
        })
        .collect();
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let object = |kind: &str, rest: Value| {
        let mut object =
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": USER}});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    let role = object("ClusterRole", json!({"rules": rules}));
    let binding = object(
        "ClusterRoleBinding",
        json!({
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
        }),
    );
    for (plural, object) in [("clusterroles", role), ("clusterrolebindings", binding)] {
        let answer = apply(&client, &format!("{rbac}/{plural}/{USER}"), &object).await;
        assert!(answer.code < 300, "{}", answer.message());
    }
}
