//! Checked container definitions, and the rules that each keeps for itself (TD06-TD14, OP12).

use crate::api::{container_definition::ContainerDefinition, task_definition::NetworkMode};

use super::{
    port::{Port, PortSpace},
    size::{CpuUnits, MebiBytes},
    task_definition_reference::is_family,
    violation::Violation,
};

/// A container of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Unique in the task.
    pub name: String,
    /// The image.
    pub image: String,
    /// Reserved CPU; `None` for none.
    pub cpu: Option<CpuUnits>,
    /// Hard limit of memory.
    pub memory: Option<MebiBytes>,
    /// Reserved memory.
    pub memory_reservation: Option<MebiBytes>,
    /// Whether the task ends with it.
    pub essential: bool,
    /// Its ports.
    pub ports: Vec<Port>,
    /// Names and values, in the user's order.
    pub environment: Vec<(String, String)>,
    /// Replaces the image's ENTRYPOINT.
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's CMD.
    pub command: Option<Vec<String>>,
    /// Working directory.
    pub working_directory: Option<String>,
}

/// Checks one container against the rules that need no other container, but for the ports of the task.
///
/// # Errors
/// Every rule that the container breaks.
pub fn check(
    definition: &ContainerDefinition,
    path: &str,
    network_mode: Option<NetworkMode>,
    port_space: &mut PortSpace,
) -> Result<Container, Vec<Violation>> {
    let mut violations = Vec::new();
    // Names of containers have the alphabet and length of families.
    if !is_family(&definition.name) {
        let message = "Container.name should not be null or empty, and have up to 255 letters, digits, - and _.";
        violations.push(Violation::new("TD06", format!("{path}.name"), message));
    }
    let image = image(definition, path).unwrap_or_else(|violation| {
        violations.push(violation);
        String::new()
    });
    let memory = definition.memory.and_then(mebibytes);
    let memory_reservation = definition.memory_reservation.and_then(mebibytes);
    if let (Some(limit), Some(reservation)) = (memory, memory_reservation)
        && limit < reservation
    {
        let message = format!(
            "Invalid setting for container '{}'. 'memory' must be greater than or equal to 'memoryReservation'.",
            definition.name
        );
        violations.push(Violation::new("TD11", format!("{path}.memory"), message));
    }
    let ports = ports(definition, path, network_mode, port_space, &mut violations);
    let environment = environment(definition, path, &mut violations);
    if !violations.is_empty() {
        return Err(violations);
    }
    Ok(Container {
        name: definition.name.clone(),
        image,
        cpu: definition.cpu.and_then(|cpu| u32::try_from(cpu).ok()).filter(|cpu| *cpu > 0).map(CpuUnits),
        memory,
        memory_reservation,
        essential: definition.essential.unwrap_or(true),
        ports,
        environment,
        entry_point: non_empty(definition.entry_point.as_ref()),
        command: non_empty(definition.command.as_ref()),
        working_directory: definition.working_directory.clone().filter(|directory| !directory.is_empty()),
    })
}

fn image(definition: &ContainerDefinition, path: &str) -> Result<String, Violation> {
    let refuse = |message: &str| Err(Violation::new("TD08", format!("{path}.image"), message));
    let Some(image) = definition.image.as_deref().filter(|image| !image.is_empty()) else {
        return refuse("Container.image should not be null or empty.");
    };
    if image.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return refuse(
            "Container.image contains invalid characters: write repository, repository:tag or repository@digest.",
        );
    }
    let (repository, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    if repository.is_empty() || repository.starts_with(':') {
        return refuse("Container.image repository should not be null or empty.");
    }
    if repository.len() > 255 {
        return refuse("Container.image repository should have at most 255 characters.");
    }
    if digest.is_some_and(|digest| !is_sha256(digest)) {
        return refuse("Container.image digest should be sha256: and 64 hexadecimal digits.");
    }
    Ok(image.into())
}

fn is_sha256(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

fn ports(
    definition: &ContainerDefinition,
    path: &str,
    network_mode: Option<NetworkMode>,
    port_space: &mut PortSpace,
    violations: &mut Vec<Violation>,
) -> Vec<Port> {
    let mut ports = Vec::new();
    for (index, mapping) in definition.port_mappings.iter().flatten().enumerate() {
        match port_space.check(mapping, &format!("{path}.portMappings[{index}]"), network_mode) {
            Ok(port) => ports.push(port),
            Err(broken) => violations.extend(broken),
        }
    }
    ports
}

fn environment(definition: &ContainerDefinition, path: &str, violations: &mut Vec<Violation>) -> Vec<(String, String)> {
    let mut environment = Vec::new();
    for (index, pair) in definition.environment.iter().flatten().enumerate() {
        let name = pair.name.as_deref().unwrap_or_default();
        // What the API server takes as the name of a variable.
        let valid = !name.is_empty() && name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=');
        if valid {
            environment.push((name.to_owned(), pair.value.clone().unwrap_or_default()));
        } else {
            let message =
                format!("{name:?} cannot name an environment variable: use printable ASCII characters without =.");
            violations.push(Violation::new("OP12", format!("{path}.environment[{index}].name"), message));
        }
    }
    environment
}

fn mebibytes(value: i32) -> Option<MebiBytes> {
    u32::try_from(value).ok().filter(|value| *value > 0).map(MebiBytes)
}

/// An empty list is the same as none: the image's own.
fn non_empty(list: Option<&Vec<String>>) -> Option<Vec<String>> {
    list.filter(|list| !list.is_empty()).cloned()
}
