//! Runs Helm on a chart: the one that `ECS_OPERATOR_HELM` names, else `helm` in PATH. What is expected of a chart
//! is in the tests.

// Each test program uses only some of it.
#![allow(dead_code)]

use std::{
    ffi::OsString,
    io::Write,
    path::Path,
    process::{Command, Output},
    sync::LazyLock,
};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The chart of the operator.
pub const CHART: &str = "charts/ecs-operator";

/// Where Helm is, and a folder in which it may keep what it likes.
struct Helm {
    program: OsString,
    home: tempfile::TempDir,
}

static HELM: LazyLock<Result<Helm, String>> = LazyLock::new(find);

fn find() -> Result<Helm, String> {
    let program = std::env::var_os("ECS_OPERATOR_HELM").unwrap_or_else(|| "helm".into());
    let (shown, way_out) = (program.display(), "put it in PATH, or set ECS_OPERATOR_HELM=hack/cluster/helm");
    let output = Command::new(&program)
        .args(["version", "--template", "{{.Version}}"])
        .output()
        .map_err(|error| format!("this test needs Helm 4, and {shown} does not start ({error}): {way_out}"))?;
    let version = String::from_utf8_lossy(&output.stdout);
    if !version.starts_with("v4.") {
        return Err(format!("this test needs Helm 4, and {shown} says that it is '{version}': {way_out}"));
    }
    let home = tempfile::tempdir().map_err(|error| format!("no folder for Helm's own files: {error}"))?;
    Ok(Helm { program, home })
}

fn run<const N: usize>(args: [&str; N], more: &[&str]) -> Output {
    let helm = HELM.as_ref().unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new(&helm.program);
    for (name, folder) in [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")] {
        command.env(name, helm.home.path().join(folder));
    }
    command.args(args).args(more).output().unwrap()
}

fn succeed(output: Output) -> String {
    assert!(output.status.success(), "{}{}", text(output.stdout), text(output.stderr));
    text(output.stdout)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn template(chart: &str, args: &[&str]) -> Output {
    run(["template", "ecs-operator", chart, "--namespace", "ecs-system"], args)
}

/// What a release named ecs-operator in the Namespace ecs-system is made of, as Helm prints it.
pub fn rendered_text(chart: &str, args: &[&str]) -> String {
    succeed(template(chart, args))
}

/// The same as objects.
pub fn rendered(chart: &str, args: &[&str]) -> Vec<Value> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(&rendered_text(chart, args)).unwrap();
    objects.into_iter().filter(|object| !object.is_null()).collect()
}

/// What Helm says instead of rendering.
pub fn refusal(chart: &str, args: &[&str]) -> String {
    let output = template(chart, args);
    assert!(!output.status.success(), "{args:?} should be refused");
    text(output.stderr)
}

/// Puts the chart as a package into a folder, and says where it is.
pub fn package(chart: &str, folder: &Path) -> String {
    succeed(run(["package", chart, "--destination", folder.to_str().unwrap()], &[]));
    let package = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    package.to_str().unwrap().to_owned()
}

/// Fails on anything that Helm warns about.
pub fn lint(chart: &str) {
    succeed(run(["lint", "--strict", chart], &[]));
}

/// A file with values, there as long as it is held.
pub fn yaml_file(content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

/// An object of a chart, as its type.
pub fn typed<T: DeserializeOwned>(objects: &[Value], kind: &str, name: &str) -> T {
    let mut found = objects.iter().filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    let object = found.next().unwrap_or_else(|| panic!("the chart has no {kind} named {name}"));
    serde_json::from_value(object.clone()).unwrap()
}
