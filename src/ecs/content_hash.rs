//! The hash that tells whether a task definition has new content. Its form is fixed, with test vectors below: a
//! hash that changed with a library or an operator version would register a revision of everything.

use std::fmt::Write as _;

use serde_json::Value;

use crate::api::register_task_definition::RegisterTaskDefinition;

use super::{hash::sha256, normalise};

/// SHA-256 over the canonical JSON of a definition, in 64 hexadecimal digits.
///
/// The definition is normalised first, so that a stored revision keeps its hash when a later version of the operator
/// fills in more defaults.
#[must_use]
pub fn content_hash(definition: &RegisterTaskDefinition, family: &str) -> String {
    let mut normalised = normalise::with_defaults(definition, family);
    // It says how long revisions are kept, not what they are.
    if let Some(kubernetes) = &mut normalised.kubernetes {
        kubernetes.revision_history_limit = None;
    }
    let value = serde_json::to_value(normalised).unwrap_or_default();
    sha256(&canonical_json(&value))
}

/// JSON with sorted keys, no white space, nothing that is null or empty, and lists of named entries in the order of their
/// names: whatever two writers may write differently and mean the same.
fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, None, &mut text);
    text
}

/// `key` is the member by which the entries of a list are named.
fn write_canonical(value: &Value, key: Option<&str>, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().filter(|(_, value)| !is_nothing(value)).collect();
            members.sort_unstable_by_key(|(name, _)| name.as_str());
            write_list('{', members.into_iter(), '}', text, |(name, value), text| {
                write_text(name, text);
                text.push(':');
                let key = MAP_LISTS.iter().find(|(list, _)| list == name).map(|(_, key)| *key);
                write_canonical(value, key, text);
            });
        }
        Value::Array(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            if let Some(key) = key {
                entries.sort_by_key(|entry| entry.get(key).and_then(Value::as_str).unwrap_or_default());
            }
            write_list('[', entries.into_iter(), ']', text, |entry, text| write_canonical(entry, None, text));
        }
        Value::String(string) => write_text(string, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

fn write_list<T>(
    open: char,
    entries: impl Iterator<Item = T>,
    close: char,
    text: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    text.push(open);
    for (index, entry) in entries.enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(entry, text);
    }
    text.push(close);
}

fn write_text(string: &str, text: &mut String) {
    let is_plain = string.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        text.push('"');
        text.push_str(string);
        text.push('"');
    } else {
        text.push_str(&serde_json::to_string(string).unwrap_or_default());
    }
}

/// In a task definition an empty list or object is the same as none, at any depth.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
        _ => false,
    }
}

/// Lists that the schema calls maps by the given member: their order means nothing.
const MAP_LISTS: [(&str, &str); 5] = [
    ("containerDefinitions", "name"),
    ("files", "path"),
    ("secrets", "name"),
    ("ulimits", "name"),
    ("volumes", "name"),
];

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
            r#"{"containerDefinitions":[{"cpu":0,"essential":true,"image":"nginx","memory":64,"name":"web"}],"family":"web"}"#
        );
        assert_eq!(hash(document), "59972c974e3edd413eda721a47dc0f86179fae462ad7efe62484c82dade31e11");
    }

    #[test]
    fn what_means_the_same_has_the_same_hash() {
        let plain = json!({"cpu": "256", "memory": "512", "containerDefinitions": [
            {"name": "a", "image": "i"}, {"name": "b", "image": "i", "essential": true, "cpu": 0}]});
        let other = json!({"family": "web", "networkMode": null, "memory": "0.5 GB", "cpu": 256, "containerDefinitions": [
            {"name": "b", "image": "i", "portMappings": [], "command": [], "links": [], "linuxParameters": {"tmpfs": []}},
            {"image": "i", "name": "a", "environment": []}], "kubernetes": {"revisionHistoryLimit": 3}});
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
