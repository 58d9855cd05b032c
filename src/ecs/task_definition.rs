//! A checked task definition: parsed once, and whatever is built from it cannot fail. Rules of the task as a whole
//! are here (TD01-TD13, TD47); those of one container are in `container`, of ports in `port`, of Fargate in `fargate`.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::task_definition::{Compatibility, NetworkMode, RegisterTaskDefinition};

use super::{
    container::{self, Container},
    fargate,
    port::{Port, PortSpace},
    size::{self, CpuUnits, MebiBytes},
    task_definition_reference::is_family,
    violation::Violation,
};

/// Most containers in a task (a quota of ECS, TD03).
const MOST_CONTAINERS: usize = 10;

/// Most bytes of a registered task definition (TD04).
const MOST_BYTES: usize = 65_536;

/// A task definition that ECS would register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDefinition {
    /// The family.
    pub family: String,
    /// At least one, and at least one of them essential.
    pub containers: Vec<Container>,
    /// CPU of the whole task.
    pub cpu: Option<CpuUnits>,
    /// Memory of the whole task.
    pub memory: Option<MebiBytes>,
    /// Absent stays absent: ECS does not fill it in.
    pub network_mode: Option<NetworkMode>,
}

impl TaskDefinition {
    /// The ports of all containers.
    #[must_use]
    pub fn ports(&self) -> Vec<Port> {
        self.containers.iter().flat_map(|container| &container.ports).cloned().collect()
    }
}

/// Checks a task definition. `default_family` is the family when the definition names none.
///
/// # Errors
/// Every rule that the definition breaks.
pub fn check(definition: &RegisterTaskDefinition, default_family: &str) -> Result<TaskDefinition, Vec<Violation>> {
    let mut violations = Vec::new();
    let family = definition.family.as_deref().unwrap_or(default_family);
    if !is_family(family) {
        let message = "Family contains invalid characters: use up to 255 letters, digits, - and _. It is the object's name when spec.family is absent.";
        violations.push(Violation::new("TD01", "spec.family", message));
    }
    check_length(definition, &mut violations);
    let cpu = task_size(
        definition.cpu.as_ref(),
        size::task_cpu,
        "cpu",
        "CPU units (\"256\") or \"0.25 vCPU\"",
        &mut violations,
    );
    let memory = task_size(
        definition.memory.as_ref(),
        size::task_memory,
        "memory",
        "MiB (\"512\") or \"0.5 GB\"",
        &mut violations,
    );
    let containers = check_containers(definition, &mut violations);
    if violations.is_empty() {
        violations.extend(check_totals(&containers, cpu, memory));
    }
    if definition.requires_compatibilities.iter().flatten().any(|each| *each == Compatibility::Fargate) {
        violations.extend(fargate::check(definition.network_mode, cpu, memory));
    }
    if violations.is_empty() {
        Ok(TaskDefinition { family: family.into(), containers, cpu, memory, network_mode: definition.network_mode })
    } else {
        Err(violations)
    }
}

fn check_length(definition: &RegisterTaskDefinition, violations: &mut Vec<Violation>) {
    let length = serde_json::to_string(definition).map_or(0, |json| json.len());
    if length > MOST_BYTES {
        let message = format!("Actual length: '{length}'. Max allowed length is '{MOST_BYTES}' bytes.");
        violations.push(Violation::new("TD04", "spec", message));
    }
}

fn task_size<T>(
    value: Option<&IntOrString>,
    parse: fn(&IntOrString) -> Option<T>,
    member: &str,
    forms: &str,
    violations: &mut Vec<Violation>,
) -> Option<T> {
    let value = value?;
    let parsed = parse(value);
    if parsed.is_none() {
        let message = format!("Invalid '{member}' setting for task. Write {forms}.");
        violations.push(Violation::new("TD05", format!("spec.{member}"), message));
    }
    parsed
}

fn check_containers(definition: &RegisterTaskDefinition, violations: &mut Vec<Violation>) -> Vec<Container> {
    const PATH: &str = "spec.containerDefinitions";
    let definitions = definition.container_definitions.as_deref().unwrap_or_default();
    if definitions.is_empty() {
        violations.push(Violation::new("TD02", PATH, "Container list cannot be empty."));
        return Vec::new();
    }
    if definitions.len() > MOST_CONTAINERS {
        let message = format!("A task has at most {MOST_CONTAINERS} containers, not {}.", definitions.len());
        violations.push(Violation::new("TD03", PATH, message));
    }
    let mut names = BTreeSet::new();
    let mut port_space = PortSpace::default();
    let mut containers = Vec::new();
    for (index, each) in definitions.iter().enumerate() {
        let path = format!("{PATH}[{index}]");
        if !names.insert(&each.name) {
            let message = format!("Container names must be unique: '{}' is there twice.", each.name);
            violations.push(Violation::new("TD07", format!("{path}.name"), message));
        }
        match container::check(each, &path, definition.network_mode, &mut port_space) {
            Ok(container) => containers.push(container),
            Err(broken) => violations.extend(broken),
        }
    }
    if definitions.iter().all(|each| each.essential == Some(false)) {
        violations.push(Violation::new("TD09", PATH, "Task definition doesn't have any essential container."));
    }
    containers
}

/// The sizes of the containers against each other and the task's.
fn check_totals(containers: &[Container], cpu: Option<CpuUnits>, memory: Option<MebiBytes>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let path = |index: usize, member: &str| format!("spec.containerDefinitions[{index}].{member}");
    let Some(MebiBytes(task_memory)) = memory else {
        for (index, container) in containers.iter().enumerate() {
            if container.memory.is_none() && container.memory_reservation.is_none() {
                let message = format!(
                    "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
                    container.name
                );
                violations.push(Violation::new("TD10", path(index, "memory"), message));
            }
        }
        return violations.into_iter().chain(check_cpu_total(containers, cpu)).collect();
    };
    for (index, container) in containers.iter().enumerate() {
        if container.memory.is_some_and(|MebiBytes(memory)| memory > task_memory) {
            let message =
                format!("The 'memory' setting for container '{}' is greater than for the task", container.name);
            violations.push(Violation::new("TD12", path(index, "memory"), message));
        }
    }
    let reserved: u64 = containers
        .iter()
        .filter_map(|container| container.memory_reservation.or(container.memory))
        .map(|MebiBytes(memory)| u64::from(memory))
        .sum();
    if violations.is_empty() && reserved > u64::from(task_memory) {
        let message = format!(
            "The sum of all container 'memoryReservation' values ({reserved} MiB, 'memory' where it is absent) cannot be greater than the task-level 'memory' value ({task_memory} MiB)."
        );
        violations.push(Violation::new("TD12", "spec.memory", message));
    }
    violations.extend(check_cpu_total(containers, cpu));
    violations
}

fn check_cpu_total(containers: &[Container], cpu: Option<CpuUnits>) -> Option<Violation> {
    let CpuUnits(task_cpu) = cpu?;
    let sum: u64 = containers.iter().filter_map(|container| container.cpu).map(|CpuUnits(cpu)| u64::from(cpu)).sum();
    (sum > u64::from(task_cpu)).then(|| {
        let message = format!(
            "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value: {sum} > {task_cpu}."
        );
        Violation::new("TD13", "spec.cpu", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn broken_rules(document: Value) -> Vec<(&'static str, String)> {
        let definition: RegisterTaskDefinition = serde_json::from_value(document).unwrap();
        check(&definition, "web")
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|violation| (violation.rule, violation.path))
            .collect()
    }

    fn containers(containers: &Value) -> Value {
        json!({ "containerDefinitions": containers })
    }

    #[test]
    fn a_small_definition_is_accepted() {
        assert_eq!(broken_rules(containers(&json!([{"name": "web", "image": "nginx", "memory": 64}]))), []);
    }

    #[test]
    fn every_broken_rule_is_told_with_its_field() {
        let at = |rule, path: &str| (rule, path.to_owned());
        let c = "spec.containerDefinitions";
        let cases = [
            (
                json!({"family": "we b", "containerDefinitions": [{"name": "a", "image": "i", "memory": 6}]}),
                vec![at("TD01", "spec.family")],
            ),
            (json!({}), vec![at("TD02", c)]),
            (containers(&json!([{"name": "a", "memory": 6}])), vec![at("TD08", &format!("{c}[0].image"))]),
            (
                containers(&json!([{"name": "a", "image": "i@sha256:12", "memory": 6}])),
                vec![at("TD08", &format!("{c}[0].image"))],
            ),
            (containers(&json!([{"name": "a", "image": "i", "memory": 6, "essential": false}])), vec![at("TD09", c)]),
            (containers(&json!([{"name": "a", "image": "i"}])), vec![at("TD10", &format!("{c}[0].memory"))]),
            (
                containers(&json!([{"name": "a", "image": "i", "memory": 6, "memoryReservation": 7}])),
                vec![at("TD11", &format!("{c}[0].memory"))],
            ),
            (
                containers(
                    &json!([{"name": "a", "image": "i", "memory": 6}, {"name": "a", "image": "i", "memory": 6}]),
                ),
                vec![at("TD07", &format!("{c}[1].name"))],
            ),
            (
                json!({"memory": "64", "containerDefinitions": [{"name": "a", "image": "i", "memory": 65}]}),
                vec![at("TD12", &format!("{c}[0].memory"))],
            ),
            (
                json!({"memory": "64", "containerDefinitions": [{"name": "a", "image": "i", "memory": 40}, {"name": "b", "image": "i", "memory": 40}]}),
                vec![at("TD12", "spec.memory")],
            ),
            (
                json!({"cpu": "one", "containerDefinitions": [{"name": "a", "image": "i", "memory": 6}]}),
                vec![at("TD05", "spec.cpu")],
            ),
            (
                json!({"cpu": 256, "containerDefinitions": [{"name": "a", "image": "i", "memory": 6, "cpu": 257}]}),
                vec![at("TD13", "spec.cpu")],
            ),
            (
                containers(&json!([{"name": "a", "image": "i", "memory": 6, "portMappings": [{}]}])),
                vec![at("TD16", &format!("{c}[0].portMappings[0].containerPort"))],
            ),
            (
                containers(
                    &json!([{"name": "a", "image": "i", "memory": 6, "portMappings": [{"containerPort": 80}]}, {"name": "b", "image": "i", "memory": 6, "portMappings": [{"containerPort": 80}]}]),
                ),
                vec![at("OP01", &format!("{c}[1].portMappings[0].containerPort"))],
            ),
            (
                json!({"networkMode": "awsvpc", "containerDefinitions": [{"name": "a", "image": "i", "memory": 6, "portMappings": [{"containerPort": 80, "hostPort": 8080}]}]}),
                vec![at("TD17", &format!("{c}[0].portMappings[0].hostPort"))],
            ),
            (
                containers(
                    &json!([{"name": "a", "image": "i", "memory": 6, "portMappings": [{"containerPort": 80, "appProtocol": "http"}]}]),
                ),
                vec![at("TD18", &format!("{c}[0].portMappings[0].appProtocol"))],
            ),
            (
                containers(
                    &json!([{"name": "a", "image": "i", "memory": 6, "environment": [{"name": "A=B", "value": "1"}]}]),
                ),
                vec![at("OP12", &format!("{c}[0].environment[0].name"))],
            ),
            (
                json!({"requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "a", "image": "i", "memory": 6}]}),
                vec![at("TF01", "spec.networkMode"), at("TF02", "spec.cpu"), at("TF03", "spec.memory")],
            ),
        ];
        for (document, expected) in cases {
            assert_eq!(broken_rules(document.clone()), expected, "{document}");
        }
    }

    #[test]
    fn all_violations_are_told_at_once() {
        let document =
            json!({"cpu": "x", "memory": "y", "containerDefinitions": [{"name": "a"}, {"name": "a", "image": "i"}]});
        let rules: Vec<_> = broken_rules(document).into_iter().map(|(rule, _)| rule).collect();
        assert_eq!(rules, ["TD05", "TD05", "TD08", "TD07"]);
    }

    #[test]
    fn eleven_containers_and_64_kib_are_too_much() {
        let many: Vec<_> = (0..11).map(|i| json!({"name": format!("c{i}"), "image": "i", "memory": 6})).collect();
        assert_eq!(broken_rules(containers(&many.into()))[0].0, "TD03");
        let long = json!([{"name": "a", "image": "i", "memory": 6, "environment": [{"name": "A", "value": "x".repeat(MOST_BYTES)}]}]);
        assert_eq!(broken_rules(containers(&long))[0].0, "TD04");
    }
}
