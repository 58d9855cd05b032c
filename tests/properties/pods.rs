//! What the API server and the kubelet ask of a Pod beyond its schema: names that are told apart, and nothing that points at
//! nothing.

use std::collections::BTreeSet;

use ecs_operator::{
    cli::render::Rendering,
    ecs::{arn::ArnScope, kubernetes_version, role::RolesOfTask, subnet::Location, task_definition::TaskDefinition},
    translate::task_pod::{TaskPod, task_pod},
};
use proptest::prelude::*;
use serde_json::Value;

/// Checks every Pod of a rendering.
pub fn check(rendering: &Rendering) -> Result<(), TestCaseError> {
    for object in &rendering.objects {
        match object["kind"].as_str().unwrap() {
            "Pod" => check_pod(&object["spec"], &object["metadata"])?,
            "Deployment" => check_pod(&object["spec"]["template"]["spec"], &object["spec"]["template"]["metadata"])?,
            _ => {}
        }
    }
    Ok(())
}

/// The Pod of a task that runs by itself.
pub fn of_task(task_definition: &TaskDefinition, roles: &RolesOfTask) -> Value {
    let pod = task_pod(TaskPod {
        name: "migrate",
        namespace: "ecs-default",
        arns: &ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
        cluster_object: "default",
        task_definition,
        roles,
        revision: 1,
        group: "family:web",
        security_groups: &["default".into()],
        location: &Location::default(),
        version: kubernetes_version::LEAST,
    });
    serde_json::to_value(pod).unwrap()
}

fn list<'a>(object: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    object[member].as_array().into_iter().flatten()
}

fn is_label(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(valid) && !name.starts_with('-') && !name.ends_with('-')
}

/// The names of a list, each a label and none there twice.
fn names<'a>(entries: impl Iterator<Item = &'a Value>) -> Result<BTreeSet<&'a str>, TestCaseError> {
    let mut names = BTreeSet::new();
    for name in entries.map(|entry| entry["name"].as_str().unwrap()) {
        prop_assert!(is_label(name), "{name:?} is no label");
        prop_assert!(names.insert(name), "{name:?} is there twice");
    }
    Ok(names)
}

/// Checks the spec and the metadata of a Pod.
pub fn check_pod(spec: &Value, metadata: &Value) -> Result<(), TestCaseError> {
    let containers = || list(spec, "initContainers").chain(list(spec, "containers"));
    prop_assert!(list(spec, "containers").next().is_some(), "no regular container");
    names(containers())?;
    let volumes = names(list(spec, "volumes"))?;
    let annotations = metadata["annotations"].as_object().unwrap();
    for volume in list(spec, "volumes") {
        prop_assert!(volume["persistentVolumeClaim"]["claimName"] != "", "a claim has no name");
        for item in list(&volume["downwardAPI"], "items") {
            let path = item["fieldRef"]["fieldPath"].as_str().unwrap();
            let annotation = path.trim_start_matches("metadata.annotations['").trim_end_matches("']");
            prop_assert!(annotations.contains_key(annotation), "there is no annotation {annotation}");
        }
    }
    let (mut ports, mut host_ports) = (BTreeSet::new(), BTreeSet::new());
    for container in containers() {
        names(list(container, "ports").filter(|port| port["name"].is_string()))?;
        for port in list(container, "ports") {
            prop_assert!(ports.insert(port["containerPort"].as_i64()), "a port is there twice");
            let on_node = (port["hostPort"].as_i64(), port["protocol"].to_string());
            prop_assert!(port["hostPort"].is_null() || host_ports.insert(on_node), "a host port is there twice");
        }
        let mut variables = BTreeSet::new();
        for variable in list(container, "env") {
            prop_assert!(variables.insert(variable["name"].as_str()), "a variable is there twice");
        }
        let mut paths = BTreeSet::new();
        for mount in list(container, "volumeMounts") {
            prop_assert!(paths.insert(mount["mountPath"].as_str()), "a mount path is there twice");
            prop_assert!(volumes.contains(mount["name"].as_str().unwrap()), "a mount has no volume");
        }
        check_probe(&container["readinessProbe"])?;
        check_probe(&container["startupProbe"])?;
        check_quantities(&container["resources"])?;
    }
    check_quantities(&spec["resources"])
}

fn check_probe(probe: &Value) -> Result<(), TestCaseError> {
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"].iter().filter(|handler| probe[**handler].is_object());
    prop_assert!(probe.is_null() || handlers.count() == 1, "a probe has no handler, or several");
    Ok(())
}

/// A request is at most its limit.
fn check_quantities(resources: &Value) -> Result<(), TestCaseError> {
    for (name, request) in resources["requests"].as_object().into_iter().flatten() {
        let limit = &resources["limits"][name];
        prop_assert!(limit.is_null() || amount(request) <= amount(limit), "{name}: {request} > {limit}");
    }
    Ok(())
}

/// A quantity in thousandths.
fn amount(quantity: &Value) -> u128 {
    let text = quantity.as_str().unwrap();
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        other => panic!("the unit {other} is not known"),
    };
    digits.parse::<u128>().unwrap() * unit
}
