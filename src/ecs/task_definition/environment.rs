//! Checked environment of a container: variables, files of variables, secrets (TD32-TD34, OP12).

use std::{collections::BTreeSet, fmt::Display};

use crate::{
    api::{container_definition::ContainerDefinition, environment::Secret as SecretVariable},
    ecs::{secret_reference::SecretReference, violation::Violations},
};

/// What a container finds in its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Names and values, in the user's order.
    pub variables: Vec<(String, String)>,
    /// Files of variables, in the user's order: the first one that sets a name wins.
    pub files: Vec<EnvironmentFile>,
    /// Names, and where their values come from.
    pub secrets: Vec<(String, SecretReference)>,
}

/// A file of environment variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentFile {
    /// Bucket and key of the object in S3.
    pub object: String,
}

/// Most files of a container (TD32).
const MOST_FILES: usize = 10;

/// Checks the environment of a container.
#[must_use]
pub fn check(
    definition: &ContainerDefinition,
    path: &str,
    has_execution_role: bool,
    violations: &mut Violations,
) -> Environment {
    let variables = variables(definition, path, violations);
    let secrets = secrets(definition, path, has_execution_role, &variables, violations);
    Environment { variables, files: files(definition, path, violations), secrets }
}

fn variables(definition: &ContainerDefinition, path: &str, violations: &mut Violations) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for (index, pair) in definition.environment.iter().flatten().enumerate() {
        let name = pair.name.as_deref().unwrap_or_default();
        check_variable_name(name, format_args!("{path}.environment[{index}].name"), violations);
        variables.push((name.to_owned(), pair.value.clone().unwrap_or_default()));
    }
    variables
}

/// Checks what the API server takes as the name of a variable.
fn check_variable_name(name: &str, path: impl Display, violations: &mut Violations) {
    let valid = !name.is_empty() && name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=');
    let message =
        format_args!("{name:?} cannot name an environment variable: use printable ASCII characters without =.");
    violations.require(valid, "OP12", path, message);
}

fn files(definition: &ContainerDefinition, path: &str, violations: &mut Violations) -> Vec<EnvironmentFile> {
    let path = format!("{path}.environmentFiles");
    let given = definition.environment_files.as_deref().unwrap_or_default();
    let message = "The maximum number of environment files was exceeded. Specify ten or less and try again";
    violations.require(given.len() <= MOST_FILES, "TD32", &path, message);
    let mut files = Vec::new();
    for (index, file) in given.iter().enumerate() {
        let object = file.value.strip_prefix("arn:").and_then(|arn| arn.split_once(":s3:::")).map(|(_, object)| object);
        let valid = object.filter(|object| {
            object.split_once('/').is_some_and(|(bucket, key)| {
                !bucket.is_empty() && key.rsplit_once('.').is_some_and(|(_, ending)| ending == "env")
            })
        });
        let message = "Invalid arn syntax: write arn:aws:s3:::BUCKET/KEY, with a key that ends in .env.";
        violations.require(valid.is_some(), "TD32", format_args!("{path}[{index}].value"), message);
        files.extend(valid.map(|object| EnvironmentFile { object: object.to_owned() }));
    }
    files
}

fn secrets(
    definition: &ContainerDefinition,
    path: &str,
    has_execution_role: bool,
    variables: &[(String, String)],
    violations: &mut Violations,
) -> Vec<(String, SecretReference)> {
    let path = format!("{path}.secrets");
    let given = definition.secrets.as_deref().unwrap_or_default();
    let message = "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.";
    violations.require(given.is_empty() || has_execution_role, "TD33", &path, message);
    let mut names: BTreeSet<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    let mut secrets = Vec::new();
    for (index, secret) in given.iter().enumerate() {
        check_variable_name(&secret.name, format_args!("{path}[{index}].name"), violations);
        let message = format_args!(
            "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{}'.",
            secret.name
        );
        violations.require(names.insert(&secret.name), "TD34", format_args!("{path}[{index}].name"), message);
        secrets.extend(reference(secret, format_args!("{path}[{index}]"), violations));
    }
    secrets
}

fn reference(
    secret: &SecretVariable,
    path: impl Display,
    violations: &mut Violations,
) -> Option<(String, SecretReference)> {
    check_reference(&secret.value_from, format_args!("{path}.valueFrom"), violations)
        .map(|reference| (secret.name.clone(), reference))
}

/// Reads how a secret is named (TD34).
pub(super) fn check_reference(text: &str, path: impl Display, violations: &mut Violations) -> Option<SecretReference> {
    SecretReference::parse(text).map_err(|error| violations.add("TD34", path, error.to_string())).ok()
}
