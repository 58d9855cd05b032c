//! What RegisterTaskDefinition makes of a request: ECS's defaults filled in, one form for each value.
//! Normalising twice is normalising once.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::{
    container_definition::ContainerDefinition,
    port_mapping::PortMapping,
    register_task_definition::{NetworkMode, RegisterTaskDefinition},
    volume::Volume,
};

use super::task_definition::{
    TaskDefinition,
    size::{self, CpuUnits, MebiBytes},
};

/// Fills in what DescribeTaskDefinition would show for a definition that has been checked.
#[must_use]
pub fn normalise(definition: &RegisterTaskDefinition, checked: &TaskDefinition) -> RegisterTaskDefinition {
    with_defaults(definition, &checked.family)
}

/// The same for a stored revision, whose family is known.
#[must_use]
pub fn with_defaults(definition: &RegisterTaskDefinition, family: &str) -> RegisterTaskDefinition {
    let mut normalised = definition.clone();
    normalised.family = Some(family.into());
    normalised.cpu = definition.cpu.as_ref().map(|cpu| {
        size::task_cpu(cpu).map_or_else(|| cpu.clone(), |CpuUnits(units)| IntOrString::String(units.to_string()))
    });
    normalised.memory = definition.memory.as_ref().map(|memory| {
        size::task_memory(memory)
            .map_or_else(|| memory.clone(), |MebiBytes(mebibytes)| IntOrString::String(mebibytes.to_string()))
    });
    normalised.task_role_arn.take_if(|role| role.is_empty());
    normalised.execution_role_arn.take_if(|role| role.is_empty());
    normalised.requires_compatibilities.take_if(|compatibilities| compatibilities.is_empty());
    normalised.placement_constraints.get_or_insert_default();
    normalised.volumes.get_or_insert_default().iter_mut().for_each(fill_in_volume);
    for container in normalised.container_definitions.iter_mut().flatten() {
        fill_in_container(container, definition.network_mode);
    }
    normalised
}

fn fill_in_container(container: &mut ContainerDefinition, network_mode: Option<NetworkMode>) {
    container.cpu.get_or_insert(0);
    container.essential.get_or_insert(true);
    container.environment.get_or_insert_default();
    container.mount_points.get_or_insert_default();
    container.volumes_from.get_or_insert_default();
    container.system_controls.get_or_insert_default();
    container.entry_point.take_if(|entry_point| entry_point.is_empty());
    container.command.take_if(|command| command.is_empty());
    container.working_directory.take_if(|directory| directory.is_empty());
    for pair in container.environment.iter_mut().flatten() {
        pair.value.get_or_insert_default();
    }
    for mapping in container.port_mappings.get_or_insert_default() {
        fill_in_port(mapping, network_mode);
    }
}

fn fill_in_port(mapping: &mut PortMapping, network_mode: Option<NetworkMode>) {
    mapping.protocol.get_or_insert_default();
    if matches!(network_mode, Some(NetworkMode::Awsvpc | NetworkMode::Host)) {
        mapping.host_port = mapping.container_port;
    }
}

fn fill_in_volume(volume: &mut Volume) {
    if let Some(efs) = &mut volume.efs_volume_configuration {
        efs.root_directory.take_if(|root| root.is_empty());
        efs.root_directory.get_or_insert_with(|| "/".into());
    }
}
