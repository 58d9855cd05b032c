//! The program as it is started: exit codes, health over HTTP, signals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod api_server;

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ecs_operator::api::crds;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::Value;

/// A program with these arguments in an empty environment, where no configuration can be found by chance.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-operator"));
    command.env_clear().env("HOME", "/nonexistent").args(arguments).stderr(Stdio::piped());
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A program that runs until it is told to stop. Its log is JSON.
struct Running {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    address: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).args(["--listen", "127.0.0.1:0"]).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut running = Self { child, log, address: String::new() };
        let served = running.logged("health and metrics are served");
        served["address"].as_str().unwrap().clone_into(&mut running.address);
        running
    }

    /// Waits for this message in the log.
    fn logged(&mut self, message: &str) -> Value {
        for line in self.log.by_ref() {
            let entry: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if entry["message"] == message {
                return entry;
            }
        }
        panic!("the process has ended without logging '{message}'")
    }

    /// The status and the body of an answer.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Sends SIGTERM. Returns the exit code and how long it took.
    fn terminate(mut self) -> (Option<i32>, Duration) {
        let start = Instant::now();
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        let status = self.child.wait().unwrap();
        (status.code(), start.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn bad_arguments_exit_with_2_and_a_reason() {
    for (arguments, reason) in [
        (&["--account-id", "1"][..], "an account id has 12 digits"),
        (&["--nonsense"], "unexpected argument '--nonsense'"),
        (&["run"], "the namespace of the lease is unknown: give --lease-namespace, set POD_NAMESPACE"),
    ] {
        let output = program(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(reason), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_bad_environment_variable_exits_with_2_and_names_the_flag() {
    let output = program(&[]).env("ECS_OPERATOR_ACCOUNT_ID", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--account-id"), "{}", stderr(&output));
}

#[test]
fn without_any_configuration_it_exits_with_1_and_one_line() {
    let output = program(&["--lease-namespace=x", "--log=error", "--listen=127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = stderr(&output);
    assert_eq!(log.lines().count(), 1, "{log}");
    let entry: Value = serde_json::from_str(&log).unwrap();
    let reason = entry["reason"].as_str().unwrap();
    assert!(reason.starts_with("found no API server: give --kubeconfig"), "{reason}");
}

#[test]
fn an_address_that_is_taken_exits_with_1() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let output = program(&["--lease-namespace=x", "--log-format=text", "--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("cannot listen on {address}")), "{}", stderr(&output));
}

#[test]
fn an_api_server_that_is_away_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("config");
    let away = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "away",
        "clusters": [{ "name": "away", "cluster": { "server": "https://127.0.0.1:1" } }],
        "contexts": [{ "name": "away", "context": { "cluster": "away" } }],
    });
    std::fs::write(&kubeconfig, away.to_string()).unwrap();
    let mut running = Running::start(&["--lease-namespace=x", "--kubeconfig", kubeconfig.to_str().unwrap()]);
    running.logged("the custom resources are not served yet, waiting for them");
    assert_eq!(running.get("/livez"), (200, "ok\n".to_owned()));
    let (status, body) = running.get("/readyz");
    assert_eq!(status, 503);
    assert!(body.lines().any(|line| line == "custom resources"), "{body}");
    assert!(running.get("/metrics").1.contains("\necs_operator_leader 0\n"));
    let (code, took) = running.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn crds_are_printed_and_written() {
    let output = program(&["crds"]).output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.split("---\n").skip(1).count(), crds().len());

    let directory = tempfile::tempdir().unwrap();
    let output = program(&["crds", "--directory", directory.path().to_str().unwrap()]).output().unwrap();
    assert!(output.status.success());
    for crd in crds() {
        let text = std::fs::read_to_string(directory.path().join(format!("{}.yaml", crd.spec.names.plural))).unwrap();
        assert!(printed.contains(&text));
    }
}

#[tokio::test]
async fn it_gets_ready_leads_and_gives_the_lease_back() {
    let client = api_server::client().await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in crds() {
        let apply = PatchParams::apply("ecs-operator-test").force();
        definitions.patch(&crd.name_any(), &apply, &Patch::Apply(&crd)).await.unwrap();
    }
    let name = format!("process-{}", std::process::id());
    let kubeconfig = api_server::kubeconfig();
    let arguments = ["--kubeconfig", &kubeconfig, "--lease-namespace=default", "--lease-name", &name];
    let mut running = Running::start(&arguments);
    running.logged("ready");
    assert_eq!(running.get("/readyz"), (200, "ok\n".to_owned()));
    running.logged("leading");
    let metrics = running.get("/metrics").1;
    assert!(metrics.contains("\necs_operator_leader 1\n"));
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        assert_eq!(line.matches("ecs_operator_").count(), 1, "each name has the prefix once: {line}");
    }

    assert_eq!(running.terminate().0, Some(0));
    let leases: Api<Lease> = Api::namespaced(client, "default");
    assert_eq!(leases.get(&name).await.unwrap().spec.unwrap().holder_identity.as_deref(), Some(""));
    leases.delete(&name, &DeleteParams::default()).await.unwrap();
}
