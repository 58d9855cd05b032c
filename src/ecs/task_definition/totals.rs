//! The sizes of the containers against each other and the task's (TD10, TD12, TD13).

use crate::{api::register_task_definition::RegisterTaskDefinition, ecs::violation::Violation};

use super::{
    container::Container,
    size::{CpuUnits, MebiBytes},
};

/// Checks the sizes of the containers against each other and the task's.
pub(super) fn check(
    definition: &RegisterTaskDefinition,
    containers: &[Container],
    cpu: Option<CpuUnits>,
    memory: Option<MebiBytes>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let path = |index: usize, member: &str| format!("spec.containerDefinitions[{index}].{member}");
    let Some(MebiBytes(task_memory)) = memory else {
        let is_given = |size: Option<i32>| size.is_some_and(|size| size != 0);
        for (index, container) in definition.container_definitions.iter().flatten().enumerate() {
            // A size that cannot be read has a message of its own.
            if definition.memory.is_none() && !is_given(container.memory) && !is_given(container.memory_reservation) {
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
        if let Some(MebiBytes(memory)) = container.memory.filter(|MebiBytes(memory)| *memory > task_memory) {
            let message = format!(
                "The 'memory' setting for container '{}' is greater than for the task: {memory} MiB > {task_memory} MiB.",
                container.name
            );
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
            "The sum of all container 'memoryReservation' values ('memory' where it is absent) cannot be greater than the task-level 'memory' value: {reserved} MiB > {task_memory} MiB."
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
