//! Roles: their names, and which of several objects has a name.

use std::collections::BTreeSet;

use crate::api::{
    register_task_definition::RegisterTaskDefinition,
    role::{EcsRoleSpec, RoleSecret, RoleSecretKey},
};

use super::{
    arn::last_segment,
    object_names,
    secret_reference::SecretReference,
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
    /// Which Secrets stand for the secrets that it names, where they are not those of the same name.
    secrets: Vec<(SecretReference, RoleSecretKey)>,
}

/// An entry of a Secret of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretEntry {
    /// Name of the Secret.
    pub secret: String,
    /// Name of the entry.
    pub entry: String,
}

impl RolesOfTask {
    /// What a task has whose execution role is this one, or is not known.
    #[must_use]
    pub fn of(execution_role: Option<&EcsRoleSpec>) -> Self {
        let pull_secrets = execution_role.iter().flat_map(|role| role.image_pull_secrets.iter().flatten());
        let secrets = execution_role.iter().flat_map(|role| role.secrets.iter().flatten());
        let readable = |secret: &RoleSecret| {
            let reference = SecretReference::parse(&secret.value_from).ok()?;
            Some((reference, secret.secret_key_ref.clone()))
        };
        Self {
            pull_secrets: pull_secrets.map(|secret| secret.name.clone()).collect(),
            secrets: secrets.filter_map(readable).collect(),
        }
    }

    /// What stands for a secret of AWS: what the role lists for that part of it, or for the whole, else the Secret of its own name.
    #[must_use]
    pub fn secret_entry(&self, reference: &SecretReference) -> SecretEntry {
        let find = |key: &Option<String>| {
            self.secrets.iter().find(|(listed, _)| listed.is_same_secret(reference) && listed.key == *key)
        };
        let (part, whole) = (find(&reference.key), find(&None));
        let secret = part.or(whole).map(|(_, of)| of.name.clone());
        SecretEntry {
            secret: secret.unwrap_or_else(|| object_names::secret(&reference.name)),
            entry: part.and_then(|(_, of)| of.key.clone()).unwrap_or_else(|| reference.entry()),
        }
    }
}

/// Checks what the schema cannot.
///
/// # Errors
/// When the role cannot have its name, or lists what is no secret, or one secret twice.
pub fn check(spec: &EcsRoleSpec, object: &str) -> Result<(), Vec<Violation>> {
    let mut violations = Violations::new();
    let message = "A role's name has 1 to 64 letters, digits and the characters _+=,.@-: give it one in spec.roleName.";
    violations.require(is_name(name(spec, object)), "TD44", "spec.roleName", message);
    check_secrets(spec.secrets.as_deref().unwrap_or_default(), &mut violations);
    violations.or(())
}

fn check_secrets(secrets: &[RoleSecret], violations: &mut Violations) {
    let mut listed: Vec<(usize, SecretReference)> = Vec::new();
    for (index, secret) in secrets.iter().enumerate() {
        let path = format!("spec.secrets[{index}].valueFrom");
        let reference = match SecretReference::parse(&secret.value_from) {
            Ok(reference) => reference,
            Err(error) => {
                violations.add("TD34", path, error.to_string());
                continue;
            }
        };
        let is_same =
            |(_, other): &&(usize, SecretReference)| other.is_same_secret(&reference) && other.key == reference.key;
        if let Some((other, _)) = listed.iter().find(is_same) {
            violations.add(
                "TD34",
                path,
                format!("spec.secrets[{other}] lists the same secret: leave one of them out."),
            );
        }
        listed.push((index, reference));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbC123";

    fn listing(secrets: &[(&str, &str, Option<&str>)]) -> EcsRoleSpec {
        let secret = |(value_from, name, key): &(&str, &str, Option<&str>)| RoleSecret {
            value_from: (*value_from).into(),
            secret_key_ref: RoleSecretKey { name: (*name).into(), key: key.map(str::to_owned) },
        };
        EcsRoleSpec { secrets: Some(secrets.iter().map(secret).collect()), ..Default::default() }
    }

    #[test]
    fn a_secret_is_what_the_role_lists_for_it_or_that_of_its_name() {
        let part = |key: &str| format!("{ARN}:{key}::");
        let listed = listing(&[
            (ARN, "database", Some("all")),
            (&part("password"), "vault", Some("pw")),
            (&part("user"), "vault", None),
            ("/plain", "parameters", None),
        ]);
        assert!(check(&listed, "app").is_ok());
        let roles = RolesOfTask::of(Some(&listed));
        let entry = |reference: &str| {
            let SecretEntry { secret, entry } = roles.secret_entry(&SecretReference::parse(reference).unwrap());
            format!("{secret}/{entry}")
        };
        assert_eq!(entry(ARN), "database/all");
        assert_eq!(entry(&ARN.replace("AbC123", "Xy9Zzz")), "database/all", "its end is random");
        assert_eq!(entry(&part("host")), "database/host");
        assert_eq!(entry(&part("password")), "vault/pw");
        assert_eq!(entry(&part("user")), "vault/user");
        assert_eq!(entry("arn:aws:ssm:us-east-1:123456789012:parameter/plain"), "parameters/value");
        assert_eq!(entry("other"), "other/value");
        assert_eq!(entry("/prod/db"), format!("{}/value", object_names::secret("prod/db")), "a parameter of that name");
        assert_eq!(RolesOfTask::of(None).secret_entry(&SecretReference::parse("db").unwrap()).secret, "db");
    }

    #[test]
    fn what_a_role_lists_is_a_secret_and_listed_once() {
        let paths = |secrets: &[(&str, &str, Option<&str>)]| {
            let violations = check(&listing(secrets), "app").err().unwrap_or_default();
            violations.into_iter().map(|violation| violation.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(&[("arn:aws:s3:::bucket", "a", None)]), ["spec.secrets[0].valueFrom"]);
        let again = ARN.replace("AbC123", "Xy9Zzz");
        assert_eq!(paths(&[(ARN, "a", None), (&again, "b", None)]), ["spec.secrets[1].valueFrom"]);
        assert_eq!(paths(&[("/a", "a", None), ("a", "b", None)]), ["spec.secrets[1].valueFrom"]);
        assert!(paths(&[("a", "a", None), ("b", "a", None)]).is_empty());
    }

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
