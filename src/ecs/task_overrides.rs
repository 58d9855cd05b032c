//! `overrides` of RunTask: what a task definition becomes for one task (RT04, RT05). A rule that only the outcome breaks is
//! told at the override that breaks it.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;

use crate::api::{
    container_definition::ContainerDefinition,
    environment::KeyValuePair,
    register_task_definition::RegisterTaskDefinition,
    task_overrides::{ContainerOverride, TaskOverride},
};

use super::{
    task_definition::{self, TaskDefinition},
    violation::{Violation, Violations},
};

const PATH: &str = "spec.overrides";

/// Most characters of all overrides together, as JSON (RT05).
const MOST_CHARACTERS: usize = 8192;

/// What a task with these overrides runs. Whether that is a task definition which ECS would run is [`check`]'s question.
///
/// # Errors
/// When the overrides are too long, or name containers that are not there.
pub fn apply(
    definition: &RegisterTaskDefinition,
    overrides: &TaskOverride,
) -> Result<RegisterTaskDefinition, Vec<Violation>> {
    check_length(overrides)?;
    check_names(definition, overrides)?;
    let mut overridden = definition.clone();
    let size = |size: &&IntOrString| !matches!(size, IntOrString::String(text) if text.is_empty());
    replace(&mut overridden.cpu, overrides.cpu.as_ref().filter(size));
    replace(&mut overridden.memory, overrides.memory.as_ref().filter(size));
    let role = |role: &&String| !role.is_empty();
    replace(&mut overridden.task_role_arn, overrides.task_role_arn.as_ref().filter(role));
    replace(&mut overridden.execution_role_arn, overrides.execution_role_arn.as_ref().filter(role));
    replace(&mut overridden.ephemeral_storage, overrides.ephemeral_storage.as_ref());
    for container in overridden.container_definitions.iter_mut().flatten() {
        if let Some((_, given)) = of_container(overrides, &container.name) {
            apply_to_container(container, given);
        }
    }
    Ok(overridden)
}

/// Checks the task definition that a task with these overrides runs. `family` is that of the definition.
///
/// # Errors
/// Every rule that the overrides break, by themselves or together with the definition.
pub fn check(
    definition: &RegisterTaskDefinition,
    overrides: &TaskOverride,
    family: &str,
) -> Result<TaskDefinition, Vec<Violation>> {
    let overridden = apply(definition, overrides)?;
    task_definition::check(&overridden, family).map_err(|violations| {
        // What is broken without the overrides does not come from them.
        let before = task_definition::check(definition, family).err().unwrap_or_default();
        let told = violations.into_iter().map(|violation| {
            if before.contains(&violation) { violation } else { at_override(violation, &overridden, overrides) }
        });
        told.collect()
    })
}

fn check_length(overrides: &TaskOverride) -> Result<(), Vec<Violation>> {
    let length = serde_json::to_string(overrides).unwrap_or_default().chars().count();
    let mut violations = Violations::new();
    let message =
        format!("Container Overrides length must be at most {MOST_CHARACTERS}: as JSON they have {length} characters.");
    violations.require(length <= MOST_CHARACTERS, "RT05", PATH, message);
    violations.or(())
}

fn check_names(definition: &RegisterTaskDefinition, overrides: &TaskOverride) -> Result<(), Vec<Violation>> {
    let mut violations = Violations::new();
    let containers = definition.container_definitions.iter().flatten();
    let containers: Vec<_> = containers.map(|container| container.name.as_str()).collect();
    let mut named = BTreeSet::new();
    for (index, each) in overrides.container_overrides.iter().flatten().enumerate() {
        let name = each.name.as_deref().unwrap_or_default();
        let path = format!("{}.name", container_path(index));
        let message = format!(
            "Override for container named {name} is not a container in the TaskDefinition. Its containers are: {}.",
            containers.join(", ")
        );
        violations.require(containers.contains(&name), "RT04", &path, message);
        let message = format!("Container {name} is overridden more than once: put its overrides into one entry.");
        violations.require(named.insert(name), "RT04", &path, message);
    }
    violations.or(())
}

fn container_path(index: usize) -> String {
    format!("{PATH}.containerOverrides[{index}]")
}

/// The override of a container, and where it stands.
fn of_container<'a>(overrides: &'a TaskOverride, name: &str) -> Option<(usize, &'a ContainerOverride)> {
    let mut overrides = overrides.container_overrides.iter().flatten().enumerate();
    overrides.find(|(_, each)| each.name.as_deref() == Some(name))
}

/// As elsewhere in ECS, an empty list is the same as none: what the definition says stays.
fn apply_to_container(container: &mut ContainerDefinition, given: &ContainerOverride) {
    replace(&mut container.command, filled(given.command.as_ref()));
    replace(&mut container.environment_files, filled(given.environment_files.as_ref()));
    replace(&mut container.resource_requirements, filled(given.resource_requirements.as_ref()));
    replace(&mut container.cpu, given.cpu.as_ref());
    replace(&mut container.memory, given.memory.as_ref());
    replace(&mut container.memory_reservation, given.memory_reservation.as_ref());
    if let Some(variables) = filled(given.environment.as_ref()) {
        merge_variables(container.environment.get_or_insert_default(), variables);
    }
}

/// The order of the definition stays, and what it does not have comes behind.
fn merge_variables(variables: &mut Vec<KeyValuePair>, given: &[KeyValuePair]) {
    for pair in given {
        let mut is_new = true;
        for known in variables.iter_mut().filter(|known| known.name == pair.name) {
            known.value.clone_from(&pair.value);
            is_new = false;
        }
        if is_new {
            variables.push(pair.clone());
        }
    }
}

fn replace<T: Clone>(member: &mut Option<T>, given: Option<&T>) {
    if let Some(given) = given {
        *member = Some(given.clone());
    }
}

fn filled<T>(list: Option<&Vec<T>>) -> Option<&Vec<T>> {
    list.filter(|list| !list.is_empty())
}

/// A rule that the overridden definition breaks, told where its author can mend it: at the member of the overrides that
/// stands in the definition now, else at all of them.
fn at_override(violation: Violation, overridden: &RegisterTaskDefinition, overrides: &TaskOverride) -> Violation {
    if let Some(path) = path_of_override(&violation.path, overridden, overrides) {
        return Violation { path, ..violation };
    }
    let message =
        format!("With the overrides of this task the task definition has {}: {}", violation.path, violation.message);
    Violation { path: PATH.into(), message, ..violation }
}

fn path_of_override(path: &str, overridden: &RegisterTaskDefinition, overrides: &TaskOverride) -> Option<String> {
    let path = path.strip_prefix("spec.")?;
    let Some(of_containers) = path.strip_prefix("containerDefinitions[") else {
        return has_member(overrides, path).then(|| format!("{PATH}.{path}"));
    };
    let (index, member) = of_containers.split_once("].")?;
    let container = overridden.container_definitions.as_ref()?.get(index.parse::<usize>().ok()?)?;
    let (index, given) = of_container(overrides, &container.name)?;
    let member = match member.strip_prefix("environment[") {
        Some(variable) => path_of_variable(variable, container, given)?,
        None => Some(member.to_owned()).filter(|member| has_member(given, member))?,
    };
    Some(format!("{}.{member}", container_path(index)))
}

/// Variables are merged, so an index into the outcome is another one in the overrides.
fn path_of_variable(variable: &str, container: &ContainerDefinition, given: &ContainerOverride) -> Option<String> {
    let (index, rest) = variable.split_once(']')?;
    let name = &container.environment.as_ref()?.get(index.parse::<usize>().ok()?)?.name;
    let index = given.environment.as_ref()?.iter().rposition(|pair| pair.name == *name)?;
    Some(format!("environment[{index}]{rest}"))
}

/// Whether something has the member that a path begins with.
fn has_member(given: &impl Serialize, path: &str) -> bool {
    let member = path.split(['.', '[']).next().unwrap_or_default();
    serde_json::to_value(given).is_ok_and(|given| given.get(member).is_some())
}

#[cfg(test)]
mod tests;
