//! Checked accelerators of a container (TD42, OP04).

use crate::{
    api::{
        container_definition::ContainerDefinition,
        resource_requirement::{NvidiaMpsAllocation, ResourceRequirement, ResourceType},
    },
    ecs::violation::Violations,
};

/// An accelerator of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// So many whole GPUs.
    Gpu(u32),
    /// So many Neuron devices.
    Neuron(u32),
    /// A part of a GPU.
    SharedGpu {
        /// MiB of its memory.
        memory: u32,
        /// Most percent of its computing power.
        compute_percent: Option<u32>,
    },
}

/// Checks the accelerators of a container.
#[must_use]
pub fn check(definition: &ContainerDefinition, path: &str, violations: &mut Violations) -> Vec<Accelerator> {
    let given = definition.resource_requirements.as_deref().unwrap_or_default();
    for (index, requirement) in given.iter().enumerate() {
        let is_first = given[..index].iter().all(|other| other.type_ != requirement.type_);
        let message = "A container asks for each kind of accelerator once: add the numbers up.";
        violations.require(is_first, "TD42", format_args!("{path}.resourceRequirements[{index}].type"), message);
    }
    given
        .iter()
        .enumerate()
        .filter_map(|(index, requirement)| {
            check_one(requirement, &format!("{path}.resourceRequirements[{index}]"), violations)
        })
        .collect()
}

fn check_one(requirement: &ResourceRequirement, path: &str, violations: &mut Violations) -> Option<Accelerator> {
    if requirement.type_ == ResourceType::InferenceAccelerator {
        let message = "Elastic Inference is retired: remove the requirement.";
        violations.add("OP04", format_args!("{path}.type"), message);
        return None;
    }
    let sharing = requirement.sharing_strategy.as_ref().and_then(|sharing| sharing.nvidia_mps.as_ref());
    match (&requirement.value, sharing) {
        (Some(_), _) if requirement.sharing_strategy.is_some() => {
            violations.add("TD42", path, "value and sharingStrategy exclude each other: remove one of them.");
            None
        }
        (Some(value), _) => check_count(value, requirement.type_, &format!("{path}.value"), violations),
        (None, Some(mps)) if requirement.type_ == ResourceType::Gpu => check_share(mps, path, violations),
        _ => {
            violations.add("TD42", format_args!("{path}.value"), "Say how many are needed: a number from 1 on.");
            None
        }
    }
}

fn check_count(value: &str, type_: ResourceType, path: &str, violations: &mut Violations) -> Option<Accelerator> {
    if value == "ALL" {
        let message = "Kubernetes counts accelerators: say how many are needed.";
        violations.add("OP04", path, message);
        return None;
    }
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let count = value.parse::<u32>().ok().filter(|count| is_number && *count > 0);
    violations.require(count.is_some(), "TD42", path, format!("{value:?} is no number from 1 on."));
    Some(if type_ == ResourceType::Gpu { Accelerator::Gpu(count?) } else { Accelerator::Neuron(count?) })
}

fn check_share(mps: &NvidiaMpsAllocation, path: &str, violations: &mut Violations) -> Option<Accelerator> {
    let path = format!("{path}.sharingStrategy.nvidiaMps");
    let memory = u32::try_from(mps.memory).ok().filter(|memory| *memory > 0);
    violations.require(memory.is_some(), "TD42", format_args!("{path}.memory"), "The memory is at least 1 MiB.");
    let percent = mps
        .max_compute_percent
        .map(|percent| u32::try_from(percent).ok().filter(|percent| (1..=100).contains(percent)));
    let message = "maxComputePercent must be between 1 and 100.";
    violations.require(percent != Some(None), "TD42", format_args!("{path}.maxComputePercent"), message);
    Some(Accelerator::SharedGpu { memory: memory?, compute_percent: percent.flatten() })
}
