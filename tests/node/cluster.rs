//! How the tests reach the cluster: its tools, and waiting for what must come.

use std::{
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

pub fn cluster() -> String {
    std::env::var("ECS_OPERATOR_TEST_CLUSTER").expect(
        "ECS_OPERATOR_TEST_CLUSTER is not set: run `hack/demo --name test-node`, then these tests with ECS_OPERATOR_TEST_CLUSTER=test-node (or `hack/test node`, which does both)",
    )
}

/// Runs one of hack/cluster's tools against the cluster and returns what it prints.
pub fn run(tool: &str, arguments: &[&str]) -> String {
    tried(tool, arguments).unwrap_or_else(|error| panic!("{tool} {arguments:?}: {error}"))
}

/// The same for one that may fail: then what it says.
pub fn tried(tool: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(format!("hack/cluster/{tool}"))
        .args(["--name", &cluster()])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("hack/cluster/{tool} cannot be run: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

pub fn kubectl(arguments: &[&str]) -> String {
    run("kubectl", arguments)
}

/// This program once more, inside the cluster's network, for one of its ignored tests: a process whose ignored test runs until its input
/// ends, and says what it has to say on its error output, because libtest has the other one.
pub fn in_network(ignored_test: &str) -> Command {
    let mut command = Command::new("hack/cluster/enter");
    command
        .args(["--name", &cluster()])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact", ignored_test])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

pub fn get_in(namespace: &str, arguments: &[&str]) -> Value {
    let output = kubectl(&[&["-n", namespace, "get", "-o", "json"], arguments].concat());
    serde_json::from_str(&output).unwrap()
}

pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 90 s: {what}");
        sleep(Duration::from_millis(300));
    }
}
