//! Roles: their names, and which of several objects has a name.

use std::collections::BTreeSet;

use crate::api::{register_task_definition::RegisterTaskDefinition, role::EcsRoleSpec};

use super::{
    arn::last_segment,
    violation::{Violation, Violations},
};

/// Whether a text can be the name of a role (TD44).
#[must_use]
pub fn is_name(text: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(valid)
}

/// The names of the roles that a task definition names, by themselves or as the last parts of ARNs.
#[must_use]
pub fn named_by(definition: &RegisterTaskDefinition) -> BTreeSet<String> {
    let given = definition.task_role_arn.iter().chain(&definition.execution_role_arn);
    given.map(|role| last_segment(role).to_owned()).filter(|name| !name.is_empty()).collect()
}

/// The name of a role: `roleName`, else the name of the object.
#[must_use]
pub fn name<'a>(spec: &'a EcsRoleSpec, object: &'a str) -> &'a str {
    spec.role_name.as_deref().unwrap_or(object)
}

/// What its roles bring to a task beside the name of a ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolesOfTask {
    /// Secrets with which its images are pulled.
    pub pull_secrets: Vec<String>,
}

impl RolesOfTask {
    /// What a task has whose execution role is this one, or is not known.
    #[must_use]
    pub fn of(execution_role: Option<&EcsRoleSpec>) -> Self {
        let secrets = execution_role.iter().flat_map(|role| role.image_pull_secrets.iter().flatten());
        Self { pull_secrets: secrets.map(|secret| secret.name.clone()).collect() }
    }
}

/// Checks what the schema cannot.
///
/// # Errors
/// When the role cannot have its name.
pub fn check(spec: &EcsRoleSpec, object: &str) -> Result<(), Vec<Violation>> {
    let mut violations = Violations::new();
    let message = "A role's name has 1 to 64 letters, digits and the characters _+=,.@-: give it one in spec.roleName.";
    violations.require(is_name(name(spec, object)), "TD44", "spec.roleName", message);
    violations.or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_by_its_spec_or_its_object() {
        let named = |name: Option<&str>| EcsRoleSpec { role_name: name.map(str::to_owned), ..Default::default() };
        assert_eq!(name(&named(Some("App_1")), "app"), "App_1");
        assert_eq!(name(&named(None), "app"), "app");
        assert!(check(&named(None), &"a".repeat(64)).is_ok());
        for (name, object) in [(None, "a".repeat(65)), (Some("a b"), "app".into()), (Some(""), "app".into())] {
            assert_eq!(check(&named(name), &object).unwrap_err()[0].path, "spec.roleName", "{name:?}");
        }
    }
}
