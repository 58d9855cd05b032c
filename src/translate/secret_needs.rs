//! A task definition -> the Secrets that the kubelet reads for its tasks, and the role that has to be allowed to get them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ecs::{
    role::RolesOfTask,
    secret_reference::SecretReference,
    task_definition::{TaskDefinition, container::Container, mount::FileContent},
};

/// What tasks need of Secrets.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretNeeds {
    /// Name of their execution role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role: Option<String>,
    /// Names of the Secrets that they name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<String>,
}

impl SecretNeeds {
    /// What the tasks of a task definition need that have these roles.
    #[must_use]
    pub fn of(definition: &TaskDefinition, roles: &RolesOfTask) -> Self {
        let named = named_secrets(definition).map(|secret| roles.secret_entry(secret).secret);
        Self { execution_role: definition.execution_role.clone(), secrets: named.collect() }
    }
}

/// The secrets of AWS that a task definition names.
pub fn named_secrets(definition: &TaskDefinition) -> impl Iterator<Item = &SecretReference> {
    definition.containers.iter().flat_map(of_container)
}

fn of_container(container: &Container) -> impl Iterator<Item = &SecretReference> {
    let variables = container.environment.secrets.iter().map(|(_, secret)| secret);
    let files = container.files.iter().filter_map(|file| match &file.content {
        FileContent::Secret(secret) => Some(secret),
        FileContent::Text(_) => None,
    });
    variables.chain(files).chain(&container.pull_secret)
}
