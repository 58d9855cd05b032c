//! The hash that tells whether a task definition has new content. Its form is fixed, with test vectors below: a
//! hash that changed with a library or an operator version would register a revision of everything.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::task_definition::RegisterTaskDefinition;

use super::normalise;

/// SHA-256 over the canonical JSON of a definition, in 64 hexadecimal digits.
///
/// The definition is normalised first, so that a stored revision keeps its hash when a later version of the operator
/// fills in more defaults.
#[must_use]
pub fn content_hash(definition: &RegisterTaskDefinition, family: &str) -> String {
    let normalised = normalise::with_defaults(definition, family);
    let value = serde_json::to_value(normalised).unwrap_or_default();
    hex(&Sha256::digest(canonical_json(&value)))
}

/// The first hexadecimal digits of the SHA-256 of a text.
#[must_use]
pub fn short_hash(text: &str, digits: usize) -> String {
    let mut hash = hex(&Sha256::digest(text));
    hash.truncate(digits);
    hash
}

/// A positive number of up to 63 bits out of a text, as in ECS's deployment ids.
#[must_use]
pub fn decimal_id(text: &str) -> u64 {
    let first: Vec<u8> = Sha256::digest(text).into_iter().take(8).collect();
    first.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) >> 1
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// JSON with sorted keys, no white space, no nulls, and lists of named entries in the order of their names: whatever
/// two writers may write differently and mean the same.
fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
            members.sort_by_key(|(name, _)| name.as_str());
            let members: Vec<_> = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical_entry(name, value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(entries) => format!("[{}]", entries.iter().map(canonical_json).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// Lists that the schema calls maps by `name`: their order means nothing.
const MAP_LISTS: [&str; 1] = ["containerDefinitions"];

fn canonical_entry(name: &str, value: &Value) -> String {
    match value {
        Value::Array(entries) if MAP_LISTS.contains(&name) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|entry| entry.get("name").and_then(Value::as_str).unwrap_or_default());
            format!("[{}]", entries.into_iter().map(canonical_json).collect::<Vec<_>>().join(","))
        }
        other => canonical_json(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hash(document: Value) -> String {
        content_hash(&serde_json::from_value(document).unwrap(), "web")
    }

    #[test]
    fn test_vectors() {
        let document = json!({"containerDefinitions": [{"name": "web", "image": "nginx", "memory": 64}]});
        let definition: RegisterTaskDefinition = serde_json::from_value(document.clone()).unwrap();
        let normalised = serde_json::to_value(normalise::with_defaults(&definition, "web")).unwrap();
        assert_eq!(
            canonical_json(&normalised),
            r#"{"containerDefinitions":[{"cpu":0,"environment":[],"essential":true,"image":"nginx","memory":64,"name":"web","portMappings":[]}],"family":"web"}"#
        );
        assert_eq!(hash(document), "c21d63fd10e922c1acc963a655ef8d53bd1515350a6de839e4facacc644cfdcf");
        assert_eq!(decimal_id("web"), 2_715_437_459_337_355_612);
    }

    #[test]
    fn what_means_the_same_has_the_same_hash() {
        let plain = json!({"cpu": "256", "memory": "512", "containerDefinitions": [
            {"name": "a", "image": "i"}, {"name": "b", "image": "i", "essential": true, "cpu": 0}]});
        let other = json!({"family": "web", "networkMode": null, "memory": "0.5 GB", "cpu": 256, "containerDefinitions": [
            {"name": "b", "image": "i", "portMappings": [], "command": []}, {"image": "i", "name": "a", "environment": []}]});
        assert_eq!(hash(plain), hash(other));
    }

    #[test]
    fn what_differs_has_another_hash() {
        let document = |value: &str| json!({"containerDefinitions": [{"name": "a", "image": "i", "memory": 6, "environment": [{"name": "A", "value": value}]}]});
        assert_ne!(hash(document("1")), hash(document("2")));
        let order = |first: &str, second: &str| json!({"containerDefinitions": [{"name": "a", "image": "i", "memory": 6, "command": [first, second]}]});
        assert_ne!(hash(order("1", "2")), hash(order("2", "1")));
    }
}
