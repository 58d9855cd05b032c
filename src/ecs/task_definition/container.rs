//! Checked container definitions, and the rules that each keeps for itself (TD06-TD14). Areas of a container have files of
//! their own.

use std::collections::BTreeMap;

use crate::{
    api::{
        container_definition::ContainerDefinition, register_task_definition::NetworkMode,
        task_definition_kubernetes::ContainerKubernetes,
    },
    ecs::{
        secret_reference::SecretReference, target::CheckedTarget, task_definition_reference::is_family,
        violation::Violations,
    },
};

use super::{
    accelerators::{self, Accelerator},
    dependencies::Dependency,
    environment::{self, Environment, check_reference},
    health_check::{self, HealthCheck, RestartPolicy},
    linux::{self, Capabilities, Device},
    mount::{self, File, MemoryFileSystem, Mount},
    port::{Port, PortSpace},
    security::{self, Confinement},
    size::{CpuUnits, MebiBytes, mebibytes},
};

/// A container of a task.
#[allow(clippy::struct_excessive_bools, reason = "ECS has them as switches of their own")]
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// Unique in the task.
    pub name: String,
    /// The image.
    pub image: String,
    /// Credentials of its registry.
    pub pull_secret: Option<SecretReference>,
    /// Reserved CPU; `None` for none.
    pub cpu: Option<CpuUnits>,
    /// Hard limit of memory.
    pub memory: Option<MebiBytes>,
    /// Reserved memory.
    pub memory_reservation: Option<MebiBytes>,
    /// Its accelerators.
    pub accelerators: Vec<Accelerator>,
    /// Whether the task ends with it.
    pub essential: bool,
    /// Its ports.
    pub ports: Vec<Port>,
    /// What it finds in its environment.
    pub environment: Environment,
    /// Replaces the image's ENTRYPOINT.
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's CMD.
    pub command: Option<Vec<String>>,
    /// Working directory.
    pub working_directory: Option<String>,
    /// What it waits for.
    pub depends_on: Vec<Dependency>,
    /// Seconds in which it must reach what others wait for.
    pub start_timeout: Option<u32>,
    /// Seconds between SIGTERM and SIGKILL; `None` for ECS's default.
    pub stop_timeout: Option<u32>,
    /// Whether it is started again within its task.
    pub restart_policy: Option<RestartPolicy>,
    /// Tells whether it is healthy.
    pub health_check: Option<HealthCheck>,
    /// Volumes that it sees.
    pub mounts: Vec<Mount>,
    /// Memory file systems.
    pub memory_file_systems: Vec<MemoryFileSystem>,
    /// Files of texts and secrets.
    pub files: Vec<File>,
    /// As whom it runs, and what confines it.
    pub confinement: Confinement,
    /// Capabilities beyond or below the default ones.
    pub capabilities: Capabilities,
    /// Devices of the node, if it is privileged.
    pub devices: Vec<Device>,
    /// Whether something reaps what its process leaves behind.
    pub init_process: bool,
    /// Whether standard input stays open.
    pub interactive: bool,
    /// Whether it has a terminal.
    pub pseudo_terminal: bool,
    /// Labels of Docker.
    pub docker_labels: BTreeMap<String, String>,
    /// Whether it is the log router of the task.
    pub is_log_router: bool,
    /// What ECS does not have.
    pub kubernetes: ContainerKubernetes,
    /// The check of a target group, where it tells whether the container is healthy: none before a service says so.
    pub target: Option<CheckedTarget>,
}

/// What of a container is checked together with the others of its task.
pub struct Surroundings {
    /// The network mode.
    pub network_mode: Option<NetworkMode>,
    /// Whether the task has an execution role.
    pub has_execution_role: bool,
    /// Whether the task runs on Windows.
    pub on_windows: bool,
}

/// Checks one container. `dependencies` and `mounts` have been checked for the whole task.
#[must_use]
pub fn check(
    definition: &ContainerDefinition,
    path: &str,
    surroundings: &Surroundings,
    (dependencies, mounts): (Vec<Dependency>, Vec<Mount>),
    port_space: &mut PortSpace,
    violations: &mut Violations,
) -> Container {
    check_name(definition, path, violations);
    let (cpu, memory, memory_reservation) = sizes(definition, path, violations);
    linux::check_limits(definition, path, violations);
    let linux = definition.linux_parameters.clone().unwrap_or_default();
    let memory_file_systems = mount::check_memory(definition, path, violations);
    let files = mount::check_files(definition, path, violations);
    let paths = mounts.iter().map(|mount| mount.path.as_str());
    let paths = paths.chain(memory_file_systems.iter().map(|each| each.path.as_str()));
    let devices = linux::check_devices(definition, &linux, path, violations);
    let paths = paths.chain(devices.iter().map(|device| device.container_path.as_str()));
    mount::check_paths(paths.chain(files.iter().map(|file| file.path.as_str())), path, violations);
    let stop_timeout = health_check::check_timeout(definition.stop_timeout, "stop", &definition.name, path, violations);
    let start_timeout =
        health_check::check_timeout(definition.start_timeout, "start", &definition.name, path, violations);
    let credentials = definition.repository_credentials.as_ref().map(|given| given.credentials_parameter.as_str());
    let path_of_credentials = format!("{path}.repositoryCredentials.credentialsParameter");
    Container {
        name: definition.name.clone(),
        image: image(definition, path, violations),
        pull_secret: credentials.and_then(|text| check_reference(text, &path_of_credentials, violations)),
        cpu,
        memory,
        memory_reservation,
        accelerators: accelerators::check(definition, path, violations),
        essential: definition.essential.unwrap_or(true),
        ports: ports(definition, path, surroundings.network_mode, port_space, violations),
        environment: environment::check(definition, path, surroundings.has_execution_role, violations),
        entry_point: non_empty(definition.entry_point.as_ref()),
        command: non_empty(definition.command.as_ref()),
        working_directory: definition.working_directory.clone().filter(|directory| !directory.is_empty()),
        depends_on: dependencies,
        start_timeout,
        stop_timeout,
        restart_policy: health_check::check_restart_policy(definition, path, violations),
        health_check: health_check::check(definition, path, surroundings.on_windows, violations),
        mounts,
        memory_file_systems,
        files,
        confinement: security::check(definition, path, surroundings.on_windows, violations),
        capabilities: linux::check_capabilities(&linux, path, violations),
        devices,
        init_process: linux.init_process_enabled == Some(true),
        interactive: definition.interactive == Some(true),
        pseudo_terminal: definition.pseudo_terminal == Some(true),
        docker_labels: definition.docker_labels.clone().unwrap_or_default(),
        is_log_router: definition.firelens_configuration.is_some(),
        kubernetes: definition.kubernetes.clone().unwrap_or_default(),
        target: None,
    }
}

fn check_name(definition: &ContainerDefinition, path: &str, violations: &mut Violations) {
    // Names of containers have the alphabet and length of families.
    let message = "Container.name should not be null or empty, and have up to 255 letters, digits, - and _.";
    violations.require(is_family(&definition.name), "TD06", format_args!("{path}.name"), message);
}

fn image(definition: &ContainerDefinition, path: &str, violations: &mut Violations) -> String {
    let image = definition.image.as_deref().unwrap_or_default();
    if let Some(message) = what_is_wrong_with_image(image) {
        violations.add("TD08", format_args!("{path}.image"), message);
    }
    image.to_owned()
}

fn what_is_wrong_with_image(image: &str) -> Option<&'static str> {
    let (repository, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    if image.is_empty() {
        Some("Container.image should not be null or empty.")
    } else if !image.chars().all(|character| character.is_ascii_alphanumeric() || "-_.:/#@+".contains(character)) {
        Some(
            "Container.image contains invalid characters: fill in what is left open in it (such as ${TAG}), and write repository, repository:tag or repository@digest.",
        )
    } else if repository.is_empty() || repository.starts_with(':') {
        Some("Container.image repository should not be null or empty.")
    } else if repository.len() > 255 {
        Some("Container.image repository should have at most 255 characters.")
    } else if digest.is_some_and(|digest| !is_sha256(digest)) {
        Some("Container.image digest should be sha256: and 64 hexadecimal digits.")
    } else {
        None
    }
}

fn is_sha256(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

type Sizes = (Option<CpuUnits>, Option<MebiBytes>, Option<MebiBytes>);

fn sizes(definition: &ContainerDefinition, path: &str, violations: &mut Violations) -> Sizes {
    const LEAST_MEMORY: i32 = 6;
    for (value, member) in [(definition.memory, "memory"), (definition.memory_reservation, "memoryReservation")] {
        let message = format_args!(
            "Invalid '{member}' setting for container '{}': it is at least {LEAST_MEMORY} MiB; leave it out for none.",
            definition.name
        );
        let enough = value.is_none_or(|value| value >= LEAST_MEMORY);
        violations.require(enough, "TD14", format_args!("{path}.{member}"), message);
    }
    let message = format_args!("Invalid 'cpu' setting for container '{}': it is at least 0.", definition.name);
    violations.require(definition.cpu.is_none_or(|cpu| cpu >= 0), "TD14", format_args!("{path}.cpu"), message);
    let memory = definition.memory.and_then(mebibytes);
    let memory_reservation = definition.memory_reservation.and_then(mebibytes);
    if let (Some(limit), Some(reservation)) = (memory, memory_reservation) {
        let message = format_args!(
            "Invalid setting for container '{}'. 'memory' must be greater than or equal to 'memoryReservation'.",
            definition.name
        );
        violations.require(limit >= reservation, "TD11", format_args!("{path}.memory"), message);
    }
    let cpu = definition.cpu.and_then(|cpu| u32::try_from(cpu).ok()).filter(|cpu| *cpu > 0).map(CpuUnits);
    (cpu, memory, memory_reservation)
}

fn ports(
    definition: &ContainerDefinition,
    path: &str,
    network_mode: Option<NetworkMode>,
    port_space: &mut PortSpace,
    violations: &mut Violations,
) -> Vec<Port> {
    let mappings = definition.port_mappings.iter().flatten().enumerate();
    mappings
        .flat_map(|(index, mapping)| {
            port_space.check(mapping, &format!("{path}.portMappings[{index}]"), network_mode, violations)
        })
        .collect()
}

/// An empty list is the same as none: the image's own.
fn non_empty(list: Option<&Vec<String>>) -> Option<Vec<String>> {
    list.filter(|list| !list.is_empty()).cloned()
}
