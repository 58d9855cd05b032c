//! A checked task definition: parsed once, and whatever is built from it cannot fail. Rules of the task as a whole are here
//! (TD01-TD13, TD44, OP13); each area of it has a file of its own, and Fargate's rules have `fargate`.

pub mod accelerators;
pub mod container;
pub mod dependencies;
pub mod environment;
pub mod fargate;
pub mod health_check;
mod kubernetes;
pub mod layout;
pub mod linux;
pub mod logging;
pub mod mount;
pub mod network;
pub mod platform;
pub mod port;
pub mod security;
pub mod size;
mod totals;
pub mod volume;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use crate::api::{
    register_task_definition::{Compatibility, NetworkMode, RegisterTaskDefinition},
    runtime::{IpcMode, PidMode},
    task_definition_kubernetes::TaskDefinitionKubernetes,
};

use super::{
    arn::{last_segment, parse_account_id},
    placement::{self, Placement},
    role,
    service_connect::ServiceConnect,
    service_registry::Registry,
    target::Target,
    task_definition_reference::is_family,
    violation::{Violation, Violations},
};
use container::{Container, Surroundings};
use network::Names;
use platform::Platform;
use port::{Port, PortSpace};
use size::{CpuUnits, MebiBytes};
use volume::Volume;

/// Most containers in a task (a quota of ECS, TD03).
const MOST_CONTAINERS: usize = 10;

/// Most bytes of a registered task definition (TD04).
const MOST_BYTES: usize = 65_536;

const CONTAINERS: &str = "spec.containerDefinitions";

/// A task definition that ECS would register.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDefinition {
    /// The family.
    pub family: String,
    /// At least one, and at least one of them essential.
    pub containers: Vec<Container>,
    /// What containers mount.
    pub volumes: Vec<Volume>,
    /// CPU of the whole task.
    pub cpu: Option<CpuUnits>,
    /// Memory of the whole task.
    pub memory: Option<MebiBytes>,
    /// Absent stays absent: ECS does not fill it in.
    pub network_mode: Option<NetworkMode>,
    /// Names and addresses.
    pub names: Names,
    /// Name of the role that the containers have.
    pub task_role: Option<String>,
    /// Name of the role that pulls images and reads secrets.
    pub execution_role: Option<String>,
    /// Whose processes the containers see.
    pub pid_mode: Option<PidMode>,
    /// With whom the containers share memory.
    pub ipc_mode: Option<IpcMode>,
    /// What it runs on.
    pub platform: Platform,
    /// Which nodes it may run on.
    pub placement: Placement,
    /// GiB that the task may fill.
    pub ephemeral_storage: Option<u32>,
    /// Kernel parameters.
    pub system_controls: BTreeMap<String, String>,
    /// Launch types whose rules it keeps.
    pub requires_compatibilities: Vec<Compatibility>,
    /// What ECS does not have.
    pub kubernetes: TaskDefinitionKubernetes,
    /// The target groups that its tasks are registered with: none before a service says so.
    pub targets: Vec<Target>,
    /// The name under which its tasks are found: none before a service says so.
    pub registry: Option<Registry>,
    /// What its tasks are in a namespace of Service Connect: nothing before a service says so.
    pub service_connect: Option<ServiceConnect>,
    /// Seconds for which its tasks keep their connections when they leave the target groups; `None` where nobody has said so.
    pub deregistration_delay: Option<u32>,
}

impl TaskDefinition {
    /// The ports of all containers.
    #[must_use]
    pub fn ports(&self) -> Vec<Port> {
        self.containers.iter().flat_map(|container| &container.ports).cloned().collect()
    }

    /// Whether something tells if its tasks are healthy: a health check or a readiness probe of an essential container, or the check
    /// of a target group.
    #[must_use]
    pub fn checks_health(&self) -> bool {
        let has_own =
            |container: &Container| container.health_check.is_some() || container.kubernetes.readiness_probe.is_some();
        self.containers
            .iter()
            .any(|container| container.target.is_some() || (container.essential && has_own(container)))
    }

    /// Whether it can run on Fargate only.
    #[must_use]
    pub fn runs_on_fargate(&self) -> bool {
        self.requires_compatibilities == [Compatibility::Fargate]
    }
}

/// Checks a task definition. `default_family` is the family when the definition names none.
///
/// # Errors
/// Every rule that the definition breaks.
pub fn check(definition: &RegisterTaskDefinition, default_family: &str) -> Result<TaskDefinition, Vec<Violation>> {
    let document = serde_json::to_string(definition).unwrap_or_default();
    // What else is wrong with a document without bounds has no bounds either.
    check_length(document.len())?;
    let mut violations = Violations::new();
    let family = definition.family.as_deref().unwrap_or(default_family);
    let message = if family.trim().is_empty() {
        "Family can not be blank: leave it out for the object's name."
    } else {
        "Family contains invalid characters: use up to 255 letters, digits, - and _. It is the object's name when spec.family is absent."
    };
    violations.require(is_family(family), "TD01", "spec.family", message);
    if document.contains("\\u0000") {
        check_characters(&serde_json::to_value(definition).unwrap_or_default(), "spec", &mut violations);
    }
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
    let task_role = role_name(definition.task_role_arn.as_ref(), "spec.taskRoleArn", &mut violations);
    let execution_role = role_name(definition.execution_role_arn.as_ref(), "spec.executionRoleArn", &mut violations);
    let platform = platform::check(definition, &mut violations);
    let kubernetes = definition.kubernetes.clone().unwrap_or_default();
    let replaced = kubernetes.volumes.as_deref().unwrap_or_default();
    let volumes = volume::check(definition.volumes.as_deref().unwrap_or_default(), replaced, &mut violations);
    let surroundings = Surroundings {
        network_mode: definition.network_mode,
        has_execution_role: execution_role.is_some(),
        on_windows: platform.is_windows(),
    };
    let containers = check_containers(definition, &volumes, &surroundings, &mut violations);
    let names = network::check(definition, CONTAINERS, &mut violations);
    let system_controls = linux::check_system_controls(definition, CONTAINERS, &mut violations);
    check_rest(definition, &mut violations);
    violations.extend(totals::check(definition, &containers, cpu, memory));
    let placement = check_placement(definition, &mut violations);
    let requires_compatibilities = definition.requires_compatibilities.clone().unwrap_or_default();
    let requires_fargate = requires_compatibilities.contains(&Compatibility::Fargate);
    fargate::check(definition, requires_fargate, cpu, memory, platform, &mut violations);
    violations.or(TaskDefinition {
        family: family.into(),
        containers,
        volumes,
        cpu,
        memory,
        network_mode: definition.network_mode,
        names,
        task_role,
        execution_role,
        pid_mode: definition.pid_mode,
        ipc_mode: definition.ipc_mode,
        platform,
        placement,
        ephemeral_storage: definition
            .ephemeral_storage
            .as_ref()
            .and_then(|storage| u32::try_from(storage.size_in_gib).ok()),
        system_controls,
        requires_compatibilities,
        kubernetes,
        targets: Vec::new(),
        registry: None,
        service_connect: None,
        deregistration_delay: None,
    })
}

fn check_length(length: usize) -> Result<(), Vec<Violation>> {
    let mut violations = Violations::new();
    let message = format_args!("Actual length: '{length}'. Max allowed length is '{MOST_BYTES}' bytes.");
    violations.require(length <= MOST_BYTES, "TD04", "spec", message);
    violations.or(())
}

/// The one character that no process can be given.
fn check_characters(value: &Value, path: &str, violations: &mut Violations) {
    const MESSAGE: &str = "The character U+0000 ends every text of Linux, so no process can be given it: remove it.";
    match value {
        Value::String(text) => violations.require(!text.contains('\0'), "OP13", path, MESSAGE),
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                check_characters(entry, &format!("{path}[{index}]"), violations);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                violations.require(!name.contains('\0'), "OP13", path, MESSAGE);
                check_characters(member, &format!("{path}.{name}"), violations);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn task_size<T>(
    value: Option<&IntOrString>,
    parse: fn(&IntOrString) -> Option<T>,
    member: &str,
    forms: &str,
    violations: &mut Violations,
) -> Option<T> {
    let parsed = parse(value?);
    let message = format_args!("Invalid '{member}' setting for task. Write {forms}.");
    violations.require(parsed.is_some(), "TD05", format_args!("spec.{member}"), message);
    parsed
}

/// The name of a role (TD44): the last part of an ARN.
fn role_name(given: Option<&String>, path: &str, violations: &mut Violations) -> Option<String> {
    let given = given.filter(|role| !role.is_empty())?;
    let name = last_segment(given);
    let is_arn = !given.starts_with("arn:") || given.contains(":role/");
    let message = "Role is not valid: write the name of a role, or arn:aws:iam::ACCOUNT:role/NAME.";
    violations.require(role::is_name(name) && is_arn, "TD44", path, message);
    // arn:PARTITION:iam::ACCOUNT:role/...
    if let Some(account) = given.strip_prefix("arn:").filter(|_| is_arn).and_then(|arn| arn.split(':').nth(3)) {
        let message = format_args!("Role is not valid: {account:?} in {given} is no account, which has 12 digits.");
        violations.require(parse_account_id(account).is_ok(), "TD44", path, message);
    }
    Some(name.to_owned())
}

fn check_containers(
    definition: &RegisterTaskDefinition,
    volumes: &[Volume],
    surroundings: &Surroundings,
    violations: &mut Violations,
) -> Vec<Container> {
    let definitions = definition.container_definitions.as_deref().unwrap_or_default();
    if definitions.is_empty() {
        violations.add("TD02", CONTAINERS, "Container list cannot be empty.");
        return Vec::new();
    }
    let message = format_args!("A task has at most {MOST_CONTAINERS} containers, not {}.", definitions.len());
    violations.require(definitions.len() <= MOST_CONTAINERS, "TD03", CONTAINERS, message);
    let dependencies = dependencies::check(definitions, CONTAINERS, violations);
    let mounts = mount::check(definitions, volumes, CONTAINERS, violations);
    let mut names = BTreeSet::new();
    let mut port_space = PortSpace::default();
    let mut containers = Vec::new();
    for (index, (each, checked)) in definitions.iter().zip(dependencies.into_iter().zip(mounts)).enumerate() {
        let path = format!("{CONTAINERS}[{index}]");
        let message = format_args!("Container names must be unique: '{}' is there twice.", each.name);
        violations.require(names.insert(&each.name), "TD07", format_args!("{path}.name"), message);
        containers.push(container::check(each, &path, surroundings, checked, &mut port_space, violations));
    }
    let has_essential = definitions.iter().any(|each| each.essential != Some(false));
    let message =
        "Task definition doesn't have any essential container: leave essential out of one, or set it to true.";
    violations.require(has_essential, "TD09", CONTAINERS, message);
    logging::check(definitions, CONTAINERS, violations);
    containers
}

fn check_placement(definition: &RegisterTaskDefinition, violations: &mut Violations) -> Placement {
    let constraints = definition.placement_constraints.as_deref().unwrap_or_default();
    placement::check(constraints).unwrap_or_else(|broken| {
        violations.extend(broken);
        Placement::default()
    })
}

/// What stands beside the containers.
fn check_rest(definition: &RegisterTaskDefinition, violations: &mut Violations) {
    if let Some(proxy) = &definition.proxy_configuration {
        let containers = definition.container_definitions.as_deref().unwrap_or_default();
        let is_container = |name: &str| containers.iter().any(|container| container.name == name);
        let is_awsvpc = definition.network_mode == Some(NetworkMode::Awsvpc);
        platform::check_proxy(proxy, is_container, is_awsvpc, violations);
    }
    kubernetes::check(definition, violations);
    platform::check_tags(definition.tags.as_deref().unwrap_or_default(), "spec.tags", violations);
}

#[cfg(test)]
mod tests;
