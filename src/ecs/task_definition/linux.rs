//! What the Linux kernel does for a container and its task: capabilities, limits, kernel parameters (TD39-TD41, OP02, OP04).

use std::collections::BTreeMap;

use crate::{
    api::{
        container_definition::ContainerDefinition,
        linux_parameters::LinuxParameters,
        register_task_definition::{NetworkMode, RegisterTaskDefinition},
        runtime::IpcMode,
    },
    ecs::violation::Violations,
};

use super::volume::{has_parent, is_absolute};

/// Capabilities that a container gets and loses, by their names without `CAP_`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What it gets.
    pub add: Vec<String>,
    /// What it loses.
    pub drop: Vec<String>,
}

/// A device of the node in a privileged container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Path on the node.
    pub host_path: String,
    /// Path in the container.
    pub container_path: String,
}

/// The capabilities that ECS knows.
const CAPABILITIES: [&str; 38] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];

/// Kernel parameters of the IPC namespace.
const IPC_PARAMETERS: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// Checks the capabilities of a container.
#[must_use]
pub fn check_capabilities(parameters: &LinuxParameters, path: &str, violations: &mut Violations) -> Capabilities {
    let given = parameters.capabilities.clone().unwrap_or_default();
    let mut known = |names: Option<Vec<String>>, member: &str| {
        let names = names.unwrap_or_default();
        for (index, name) in names.iter().enumerate() {
            let message = format_args!("{name:?} is no capability: write its name without CAP_, such as NET_ADMIN.");
            let path = format!("{path}.linuxParameters.capabilities.{member}[{index}]");
            violations.require(CAPABILITIES.contains(&name.as_str()), "TD40", path, message);
        }
        names
    };
    Capabilities { add: known(given.add, "add"), drop: known(given.drop, "drop") }
}

/// Checks the devices of a container. A Pod can be given none, but a privileged container sees them all.
#[must_use]
pub fn check_devices(
    definition: &ContainerDefinition,
    parameters: &LinuxParameters,
    path: &str,
    violations: &mut Violations,
) -> Vec<Device> {
    let path = format!("{path}.linuxParameters.devices");
    let given = parameters.devices.as_deref().unwrap_or_default();
    let message = "A Pod cannot be given a device of its node: set privileged, which shows the container all of them, or ask for what a device plugin of the cluster offers.";
    violations.require(given.is_empty() || definition.privileged == Some(true), "OP04", &path, message);
    let mut devices = Vec::new();
    for (index, device) in given.iter().enumerate() {
        let in_container = device.container_path.as_ref().filter(|path| !path.is_empty());
        let container_path = in_container.unwrap_or(&device.host_path);
        for (member, target) in [("hostPath", &device.host_path), ("containerPath", container_path)] {
            let message = format_args!("{target:?} is no absolute path, or has .. in it.");
            let is_path = is_absolute(target) && !has_parent(target);
            violations.require(is_path, "TD40", format_args!("{path}[{index}].{member}"), message);
        }
        devices.push(Device { host_path: device.host_path.clone(), container_path: container_path.clone() });
    }
    devices
}

/// Checks what concerns swap, and the resource limits of a container. Nothing of either reaches the container.
pub fn check_limits(definition: &ContainerDefinition, path: &str, violations: &mut Violations) {
    let linux = definition.linux_parameters.clone().unwrap_or_default();
    let swappiness = format!("{path}.linuxParameters.swappiness");
    let in_range = linux.swappiness.is_none_or(|swappiness| (0..=100).contains(&swappiness));
    violations.require(in_range, "TD40", &swappiness, "swappiness must be between 0 and 100.");
    let message = "swappiness needs maxSwap: set it, or remove swappiness.";
    violations.require(linux.swappiness.is_none() || linux.max_swap.is_some(), "TD40", swappiness, message);
    let message = "maxSwap is at least 0 MiB.";
    violations.require(
        linux.max_swap.is_none_or(|swap| swap >= 0),
        "TD40",
        format_args!("{path}.linuxParameters.maxSwap"),
        message,
    );
    let given = definition.ulimits.as_deref().unwrap_or_default();
    for (index, ulimit) in given.iter().enumerate() {
        let path = format!("{path}.ulimits[{index}]");
        let is_first = given[..index].iter().all(|other| other.name != ulimit.name);
        violations.require(is_first, "TD39", format_args!("{path}.name"), "Each ulimit can be given once.");
        // -1 is no limit at all.
        let in_order = ulimit.hard_limit == -1 || (ulimit.soft_limit != -1 && ulimit.soft_limit <= ulimit.hard_limit);
        violations.require(in_order, "TD39", format_args!("{path}.softLimit"), "softLimit must be at most hardLimit.");
    }
}

/// Checks the kernel parameters of all containers: a Pod has one set of them.
#[must_use]
pub fn check_system_controls(
    definition: &RegisterTaskDefinition,
    path: &str,
    violations: &mut Violations,
) -> BTreeMap<String, String> {
    let mut controls: BTreeMap<String, String> = BTreeMap::new();
    for (container, index, given) in each_system_control(definition) {
        let path = format!("{path}[{container}].systemControls[{index}]");
        let name = given.namespace.as_deref().unwrap_or_default();
        check_system_control(name, definition, &format!("{path}.namespace"), violations);
        let value = given.value.clone().unwrap_or_default();
        let same = controls.get(name).is_none_or(|other| *other == value);
        let message = format_args!(
            "The containers of a task share their kernel parameters here, and {name} has two values: give one."
        );
        // On ECS they share those of the IPC namespace only where the task has one.
        let is_of_ecs = is_ipc(name) && definition.ipc_mode == Some(IpcMode::Task);
        violations.require(same, if is_of_ecs { "TD41" } else { "OP02" }, format!("{path}.value"), message);
        controls.insert(name.to_owned(), value);
    }
    controls
}

/// Whether it is a parameter of the IPC namespace.
fn is_ipc(name: &str) -> bool {
    IPC_PARAMETERS.contains(&name) || name.starts_with("fs.mqueue.")
}

fn each_system_control(
    definition: &RegisterTaskDefinition,
) -> impl Iterator<Item = (usize, usize, &crate::api::linux_parameters::SystemControl)> {
    let containers = definition.container_definitions.iter().flatten().enumerate();
    containers.flat_map(|(container, each)| {
        let controls = each.system_controls.iter().flatten().enumerate();
        controls.map(move |(index, control)| (container, index, control))
    })
}

fn check_system_control(name: &str, definition: &RegisterTaskDefinition, path: &str, violations: &mut Violations) {
    let is_network = name.starts_with("net.");
    let is_ipc = is_ipc(name);
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_part = |part: &str| {
        let inner = part.bytes().all(|byte| is_edge(Some(&byte)) || matches!(byte, b'_' | b'-'));
        inner && is_edge(part.as_bytes().first()) && is_edge(part.as_bytes().last())
    };
    let is_name = name.len() <= 253 && name.split(['.', '/']).all(is_part);
    let message = format_args!(
        "{name:?} is no kernel parameter of a task: those of net.*, fs.mqueue.* and the IPC ones of kernel.* are."
    );
    violations.require((is_network || is_ipc) && is_name, "TD41", path, message);
    let in_host_mode = definition.network_mode == Some(NetworkMode::Host);
    let message = "Parameters of net.* cannot be set with networkMode=host.";
    violations.require(!(is_network && in_host_mode), "TD41", path, message);
    let shares_ipc = definition.ipc_mode == Some(IpcMode::Host);
    let message = "Parameters of the IPC namespace cannot be set with ipcMode=host.";
    violations.require(!(is_ipc && shares_ipc), "TD41", path, message);
}
