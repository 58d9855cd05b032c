//! What users see on a real node, with the operator installed by Helm from its image. `hack/demo` makes the cluster and
//! the quickstart; here is what must hold after it. Traffic and the rolling update are the demo's own checks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

mod absence;
mod alone;
mod asking;
mod clients;
mod cluster;
mod containers;
mod dependencies;
mod drain;
mod network;
mod pod_history;
mod registry;
mod rights;
mod role;
mod rollout;
mod scene;
mod service_connect;
mod slow_stops;
mod stops;
mod target_group;
mod task;
mod waiting_times;

use std::{
    process::Command,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
    thread::sleep,
    time::{Duration, Instant},
};

use cluster::{cluster, eventually, get_in, kubectl, run};
use serde_json::Value;

const NAMESPACE: &str = "ecs-default";
const QUICKSTART: &str = "examples/quickstart/";

/// One operator serves the whole cluster, so the tests that stop it, or have the quickstart, take turns. The others share it.
static OPERATOR: RwLock<()> = RwLock::new(());

fn my_operator() -> RwLockWriteGuard<'static, ()> {
    let turn = OPERATOR.write().unwrap_or_else(PoisonError::into_inner);
    install_operator();
    turn
}

fn my_turn() -> RwLockWriteGuard<'static, ()> {
    let turn = my_operator();
    kubectl(&["wait", "ecscluster/default", "--for=condition=Ready", "--timeout=60s"]);
    kubectl(&["apply", "-f", QUICKSTART]);
    kubectl(&["-n", NAMESPACE, "scale", "ecsservice", "web", "--replicas", "2"]);
    wait_for_steady_state();
    // The Deployment's own status still counts the tasks that are stopping.
    eventually("the tasks of earlier revisions are gone, and the Deployment knows it", || {
        let terminating = &get(&["deployment", "web"])["status"]["terminatingReplicas"];
        let pods = get(&["pods"]);
        pods["items"].as_array().is_some_and(|pods| pods.len() == 2) && (terminating.is_null() || *terminating == 0)
    });
    turn
}

fn get(arguments: &[&str]) -> Value {
    get_in(NAMESPACE, arguments)
}

/// Kind, name and a member of the metadata of each object of a list.
fn of_each(list: &Value, member: &str) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    let mut lines: Vec<_> = items
        .iter()
        .map(|item| format!("{} {} {}", item["kind"], item["metadata"]["name"], item["metadata"][member]))
        .collect();
    lines.sort();
    lines
}

fn task_uids() -> Vec<String> {
    let pods = get(&["pods", "-l", "ecs-operator.dev/service=web"]);
    let alive = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    let mut uids: Vec<_> =
        pods["items"].as_array().unwrap().iter().filter(alive).map(|pod| pod["metadata"]["uid"].to_string()).collect();
    uids.sort();
    uids
}

fn wait_for_steady_state() {
    eventually("the service has reached a steady state", || {
        let (service, task_definition) = (get(&["ecsservice", "web"]), get(&["taskdefinition", "web"]));
        let generation = &service["metadata"]["generation"];
        let wanted = format!("web:{}", task_definition["status"]["revision"]);
        let ready = |condition: &Value| {
            condition["type"] == "Ready"
                && condition["status"] == "True"
                && condition["observedGeneration"] == *generation
        };
        task_definition["status"]["observedGeneration"] == task_definition["metadata"]["generation"]
            && service["status"]["observedGeneration"] == *generation
            && service["status"]["taskDefinitionRevision"] == wanted
            && service["status"]["conditions"].as_array().is_some_and(|conditions| conditions.iter().any(ready))
    });
}

fn install_operator() {
    let chart = ["upgrade", "--install", "ecs-operator", "charts/ecs-operator", "-n", "ecs-operator", "--wait"];
    run("helm", &chart);
    wait_for_operator();
}

fn restart_operator_by_force() {
    let operator = ["-n", "ecs-operator", "delete", "pods", "-l", "app.kubernetes.io/name=ecs-operator"];
    kubectl(&[&operator[..], &["--force", "--grace-period=0"]].concat());
}

fn wait_for_operator() {
    kubectl(&["-n", "ecs-operator", "rollout", "status", "deployment", "ecs-operator", "--timeout=90s"]);
}

#[test]
fn applying_the_quickstart_again_writes_nothing() {
    let _turn = my_turn();
    let kinds = "ecscluster,taskdefinition,taskdefinitionrevision,ecsservice,ecssecuritygroup,deployment,service,networkpolicy,controllerrevision,configmap";
    let before = of_each(&get(&[kinds]), "resourceVersion");
    kubectl(&["apply", "-f", QUICKSTART]);
    sleep(Duration::from_secs(5));
    assert_eq!(of_each(&get(&[kinds]), "resourceVersion"), before);
}

#[test]
fn tasks_do_not_notice_that_the_operator_is_uninstalled_and_installed_again() {
    let _turn = my_turn();
    let before = task_uids();
    assert_eq!(before.len(), 2);
    run("helm", &["-n", "ecs-operator", "uninstall", "ecs-operator", "--wait"]);
    eventually("the operator is gone", || {
        let kinds = "pods,clusterroles,serviceaccounts";
        let label = "app.kubernetes.io/name=ecs-operator";
        kubectl(&["-n", "ecs-operator", "get", kinds, "-o", "name", "-l", label]).is_empty()
    });
    sleep(Duration::from_secs(3));
    assert_eq!(task_uids(), before, "after helm uninstall");
    assert_eq!(get(&["ecsservice", "web"])["status"]["runningCount"], 2, "the CRDs and objects stay");

    install_operator();
    sleep(Duration::from_secs(3));
    assert_eq!(task_uids(), before, "after helm install");
}

#[test]
fn an_operator_that_is_killed_in_the_middle_of_a_deployment_makes_nothing_twice() {
    let _turn = my_turn();
    let revision = || get(&["taskdefinition", "web"])["status"]["revision"].as_i64().unwrap();
    let before = revision();
    let greeting = format!("Hello from {:?}", Instant::now());
    let patch = serde_json::json!([{"op": "replace", "path": "/spec/containerDefinitions/0/environment/0/value", "value": greeting}]);
    kubectl(&["-n", NAMESPACE, "patch", "taskdefinition", "web", "--type=json", "--patch", &patch.to_string()]);
    restart_operator_by_force();
    wait_for_operator();
    wait_for_steady_state();
    assert_eq!(revision(), before + 1);
    let pods = get(&["pods", "-l", &format!("ecs-operator.dev/revision={}", before + 1)]);
    assert_eq!(pods["items"].as_array().unwrap().len(), 2);

    let running = task_uids();
    restart_operator_by_force();
    wait_for_operator();
    sleep(Duration::from_secs(3));
    assert_eq!(task_uids(), running, "a steady service");
}

#[test]
fn a_process_sees_the_environment_that_it_would_see_on_ecs() {
    let _turn = my_turn();
    let pods = get(&["pods", "-l", "ecs-operator.dev/service=web"]);
    let pod =
        pods["items"].as_array().unwrap().iter().find(|pod| pod["metadata"]["deletionTimestamp"].is_null()).unwrap();
    let pod = pod["metadata"]["name"].as_str().unwrap();
    let environment = kubectl(&["-n", NAMESPACE, "exec", pod, "--", "env"]);
    for line in ["AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_EXECUTION_ENV=AWS_ECS_EC2"] {
        assert!(environment.lines().any(|found| found == line), "{line} is missing in: {environment}");
    }
    let neighbours = environment.lines().filter(|line| line.starts_with("WEB_SERVICE_HOST"));
    assert_eq!(neighbours.count(), 0, "no variables of Services, which ECS has not");
    let token = "test ! -e /var/run/secrets/kubernetes.io/serviceaccount/token";
    kubectl(&["-n", NAMESPACE, "exec", pod, "--", "sh", "-c", token]);
}

#[test]
fn the_operator_may_not_read_secrets() {
    let _turn = my_turn();
    for verb in ["get", "list", "watch"] {
        let account = "system:serviceaccount:ecs-operator:ecs-operator";
        let arguments = ["auth", "can-i", verb, "secrets", "--all-namespaces", "--as", account];
        let output =
            Command::new("hack/cluster/kubectl").args(["--name", &cluster()]).args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "no", "{verb}");
    }
}

#[test]
fn a_service_drains_and_holds_its_cluster_until_then() {
    let _turn = my_turn();
    kubectl(&["delete", "ecscluster", "default", "--wait=false"]);
    eventually("the cluster says why it stays", || {
        let cluster = get(&["ecscluster", "default"]);
        cluster["status"]["status"] == "DEPROVISIONING"
            && cluster.to_string().contains("The Cluster cannot be deleted while Services are active.")
    });
    let uid = get(&["ecscluster", "default"])["metadata"]["uid"].clone();
    kubectl(&["-n", NAMESPACE, "delete", "ecsservice", "web", "--wait=false"]);
    eventually("the service is DRAINING while its tasks stop", || {
        kubectl(&["-n", NAMESPACE, "get", "ecsservice", "-o", "jsonpath={.items[*].status.status}"]) == "DRAINING"
    });
    eventually("the service, the cluster and its Namespace are gone, and the cluster default is there again", || {
        let cluster = kubectl(&["get", "ecscluster", "default", "--ignore-not-found", "-o", "json"]);
        let cluster: Value = serde_json::from_str(&cluster).unwrap_or_default();
        !cluster.is_null() && cluster["metadata"]["uid"] != uid && cluster["status"]["status"] == "ACTIVE"
    });
    assert_eq!(kubectl(&["-n", NAMESPACE, "get", "ecsservices,pods", "-o", "name"]), "");
}

#[test]
fn release_takes_off_what_would_wait_for_an_operator_that_is_gone() {
    let _turn = my_turn();
    run("helm", &["-n", "ecs-operator", "uninstall", "ecs-operator", "--wait"]);
    let kubeconfig = run("kubeconfig", &[]);
    let operator = env!("CARGO_BIN_EXE_ecs-operator");
    let output = Command::new(operator).args(["release", "--kubeconfig", kubeconfig.trim()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let released = String::from_utf8_lossy(&output.stdout);
    assert!(released.contains("released EcsService ecs-default/web"), "{released}");
    assert!(released.contains("released EcsCluster default"), "{released}");
    kubectl(&["-n", NAMESPACE, "delete", "ecsservice", "web", "--timeout=10s"]);
    eventually("the garbage collector has deleted the service's tasks", || {
        kubectl(&["-n", NAMESPACE, "get", "pods", "-o", "name"]).is_empty()
    });
}
