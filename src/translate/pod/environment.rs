//! The environment of a container: variables, files of variables, secrets.

use k8s_openapi::api::core::v1::{ConfigMapEnvSource, EnvFromSource, EnvVar, EnvVarSource, SecretKeySelector};

use crate::ecs::{
    role::SecretEntry,
    task_definition::{accelerators::Accelerator, container::Container},
};

use super::{super::names, Task, literal::literal};

/// What ECS adds to every container, the container's own variables, and its secrets.
#[must_use]
pub fn variables(container: &Container, task: Task<'_>) -> Vec<EnvVar> {
    let launched_on = if task.task_definition.runs_on_fargate() { "AWS_ECS_FARGATE" } else { "AWS_ECS_EC2" };
    let region = task.arns.region.clone();
    let mut added = vec![
        ("AWS_REGION".to_owned(), region.clone()),
        ("AWS_DEFAULT_REGION".to_owned(), region),
        ("AWS_EXECUTION_ENV".to_owned(), launched_on.to_owned()),
    ];
    added.extend(container.accelerators.iter().flat_map(of_accelerator));
    // A secret wins over what ECS adds, like any variable of the user's.
    added.retain(|(name, _)| !container.environment.secrets.iter().any(|(secret, _)| secret == name));
    let mut variables = merge(&added, &container.environment.variables);
    let secrets = container.environment.secrets.iter();
    variables.extend(secrets.map(|(name, secret)| secret_variable(name, task.roles.secret_entry(secret))));
    variables
}

/// Files of variables. Of several the first one that sets a name wins on ECS, in Kubernetes the last one.
#[must_use]
pub fn files(container: &Container) -> Vec<EnvFromSource> {
    let source = |object: &str| EnvFromSource {
        config_map_ref: Some(ConfigMapEnvSource { name: names::environment_file(object), optional: None }),
        ..Default::default()
    };
    container.environment.files.iter().rev().map(|file| source(&file.object)).collect()
}

/// How NVIDIA's Multi-Process Service is told what a container may use.
fn of_accelerator(accelerator: &Accelerator) -> Vec<(String, String)> {
    let Accelerator::SharedGpu { memory, compute_percent } = accelerator else { return Vec::new() };
    let limit = ("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT".to_owned(), format!("0={memory}M"));
    let percent = compute_percent.map(|percent| ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE".to_owned(), percent.to_string()));
    std::iter::once(limit).chain(percent).collect()
}

/// Where a name is given twice the last one wins, in ECS and in Kubernetes; an apply takes each name only once.
fn merge(added: &[(String, String)], own: &[(String, String)]) -> Vec<EnvVar> {
    let all: Vec<_> = added.iter().chain(own).collect();
    let last_index: std::collections::HashMap<_, _> =
        all.iter().enumerate().map(|(index, (name, _))| (name.as_str(), index)).collect();
    all.iter()
        .enumerate()
        .filter(|(index, (name, _))| last_index[name.as_str()] == *index)
        .map(|(_, (name, value))| EnvVar { name: name.clone(), value: Some(literal(value)), ..Default::default() })
        .collect()
}

fn secret_variable(name: &str, SecretEntry { secret, entry }: SecretEntry) -> EnvVar {
    EnvVar {
        name: name.into(),
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector { name: secret, key: entry, optional: None }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_variables_wins() {
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect::<Vec<_>>()
        };
        let own = pairs(&[("A", "1"), ("B", "2"), ("A", "$(B)")]);
        let merged = merge(&pairs(&[("AWS_REGION", "x"), ("B", "0")]), &own);
        let pairs: Vec<_> = merged.iter().map(|env| (env.name.as_str(), env.value.as_deref().unwrap())).collect();
        assert_eq!(pairs, [("AWS_REGION", "x"), ("B", "2"), ("A", "$$(B)")]);
    }
}
