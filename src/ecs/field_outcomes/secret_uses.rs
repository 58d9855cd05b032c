//! Which Kubernetes Secrets a task definition names, and where: a Secret that stands for two secrets of AWS is told, and with
//! the first use of each the entries that it has to have.

use std::{collections::HashMap, fmt::Write as _};

use serde_json::Value;

use crate::ecs::{object_names, secret_reference::SecretReference};

/// The uses of Secrets in a document.
#[derive(Debug, Default)]
pub(super) struct SecretUses {
    by_path: HashMap<String, SecretUse>,
}

/// One field that names a secret.
#[derive(Debug, Default)]
pub(super) struct SecretUse {
    /// Whether no field before names the Secret.
    pub(super) is_first: bool,
    /// What makes all entries of the Secret that the document uses, as arguments of kubectl; only with the first use.
    pub(super) literals: String,
    /// An earlier field that names another secret of AWS, which is the same Secret here.
    pub(super) namesake: Option<Namesake>,
}

/// A field that names another secret of AWS by the same Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Namesake {
    pub(super) path: String,
    /// Whether it is the same entry of it as well.
    pub(super) has_same_entry: bool,
}

/// What is known of a Secret so far.
struct Known {
    first: (String, SecretReference),
    /// The entries, each with the first field that names it.
    entries: Vec<String>,
    by_entry: HashMap<String, (String, SecretReference)>,
}

impl SecretUses {
    /// Reads a task definition, container by container.
    pub(super) fn of_document(document: &Value) -> Self {
        let mut uses = Self::default();
        let mut secrets: HashMap<String, Known> = HashMap::new();
        for (path, text) in references(document) {
            let Ok(reference) = SecretReference::parse(text) else { continue };
            uses.add(path, reference, &mut secrets);
        }
        for known in secrets.into_values() {
            let literals = known.entries.iter().fold(String::new(), |mut literals, entry| {
                let separator = if literals.is_empty() { "" } else { " " };
                let _ = write!(literals, "{separator}--from-literal={entry}=VALUE");
                literals
            });
            uses.by_path.entry(known.first.0).and_modify(|first| first.literals = literals);
        }
        uses
    }

    pub(super) fn of(&self, path: &str) -> Option<&SecretUse> {
        self.by_path.get(path)
    }

    fn add(&mut self, path: String, reference: SecretReference, secrets: &mut HashMap<String, Known>) {
        let entry = reference.entry();
        let mut secret_use = SecretUse::default();
        let known = secrets.entry(object_names::secret(&reference.name)).or_insert_with(|| {
            secret_use.is_first = true;
            Known { first: (path.clone(), reference.clone()), entries: Vec::new(), by_entry: HashMap::new() }
        });
        let other = |(path, other): &(String, SecretReference), has_same_entry| {
            (!other.is_same_secret(&reference)).then(|| Namesake { path: path.clone(), has_same_entry })
        };
        let of_entry = known.by_entry.get(&entry).and_then(|user| other(user, true));
        secret_use.namesake = of_entry.or_else(|| other(&known.first, false));
        if !known.by_entry.contains_key(&entry) {
            known.entries.push(entry.clone());
            known.by_entry.insert(entry, (path.clone(), reference));
        }
        self.by_path.insert(path, secret_use);
    }
}

/// Every field that names a secret whose value a container gets, with its path.
fn references(document: &Value) -> Vec<(String, &str)> {
    let mut references = Vec::new();
    for (index, container) in document["containerDefinitions"].as_array().into_iter().flatten().enumerate() {
        for (list, path) in
            [(&container["secrets"], "secrets"), (&container["kubernetes"]["files"], "kubernetes.files")]
        {
            for (number, entry) in list.as_array().into_iter().flatten().enumerate() {
                let text = entry["valueFrom"].as_str();
                let path = || format!("containerDefinitions[{index}].{path}[{number}].valueFrom");
                references.extend(text.map(|text| (path(), text)));
            }
        }
    }
    references
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SSM: &str = "arn:aws:ssm:us-east-1:123456789012:parameter/db";
    const MANAGER: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";

    fn uses(secrets: &[&str]) -> Vec<SecretUse> {
        let secrets: Vec<_> = secrets.iter().map(|secret| json!({ "valueFrom": secret })).collect();
        let mut uses = SecretUses::of_document(&json!({"containerDefinitions": [{"secrets": secrets}]}));
        let path = |index: usize| format!("containerDefinitions[0].secrets[{index}].valueFrom");
        (0..secrets.len()).map(|index| uses.by_path.remove(&path(index)).unwrap()).collect()
    }

    #[test]
    fn the_first_use_has_all_entries_of_the_secret() {
        let keys = ["a", "b", "a"].map(|key| format!("{MANAGER}:{key}::"));
        let uses = uses(&[&keys[0], "other", &keys[1], &keys[2]]);
        assert_eq!(uses[0].literals, "--from-literal=a=VALUE --from-literal=b=VALUE");
        assert_eq!(uses[1].literals, "--from-literal=value=VALUE");
        assert!(uses[2].literals.is_empty() && uses[3].literals.is_empty());
        assert_eq!(uses.iter().map(|each| each.is_first).collect::<Vec<_>>(), [true, true, false, false]);
        assert!(uses.iter().all(|each| each.namesake.is_none()));
    }

    #[test]
    fn two_secrets_with_one_name_are_told_from_one_secret_that_is_named_twice() {
        let other = |one: &str, other: &str| uses(&[one, other]).pop().unwrap().namesake;
        let first = |has_same_entry| {
            Some(Namesake { path: "containerDefinitions[0].secrets[0].valueFrom".into(), has_same_entry })
        };
        assert_eq!(other(SSM, MANAGER), first(true));
        assert_eq!(other("db", MANAGER), first(true));
        assert_eq!(other(SSM, &format!("{MANAGER}:password::")), first(false));
        assert_eq!(other(SSM, &SSM.replace("us-east-1", "eu-west-1")), first(true));
        assert_eq!(other(MANAGER, &MANAGER.replace("123456789012", "210987654321")), first(true));
        assert_eq!(other(SSM, "/db"), None);
        assert_eq!(other("/db", SSM), None);
        assert_eq!(other(MANAGER, &format!("{MANAGER}:password::")), None);
        assert_eq!(other(SSM, &SSM.replace("db", "db2")), None);
    }
}
