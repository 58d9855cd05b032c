//! A document against the schema of its kind: what the API server would refuse, all of it, and the document without it, so that
//! the rules can be asked as well. Nothing is written here that the types do not say: the schema is the one of the
//! CustomResourceDefinition.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use regex::Regex;
use serde_json::{Map, Value};

use crate::api::crds;

use super::{
    bounds,
    member_name::{NO_SUCH_MEMBER, meant},
};

static CRDS: LazyLock<Vec<CustomResourceDefinition>> = LazyLock::new(crds);

/// The schema of a kind's `spec`.
pub(super) fn of_kind(kind: &str) -> Option<&'static JSONSchemaProps> {
    let crd = CRDS.iter().find(|crd| crd.spec.names.kind == kind)?;
    let schema = crd.spec.versions.first()?.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    schema.properties.as_ref()?.get("spec")
}

/// What the schema does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) path: String,
    pub(super) kind: FaultKind,
    pub(super) detail: String,
}

/// What that means for the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// Another value stands in its place: what the rules say of it speaks of nothing that is in the document.
    Form,
    /// The schema has no such member.
    Member,
    /// It is read as it is, and beyond what the schema allows; a rule may say it better.
    Bound,
}

/// A document as far as it can be understood.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) value: Value,
    pub(super) faults: Vec<Fault>,
}

/// Reads a document.
pub(super) fn read(document: &Value, schema: &JSONSchemaProps) -> Reading {
    let mut reader = Reader::default();
    let value = reader.read(document, schema, "").unwrap_or_else(|| stand_in(schema));
    Reading { value, faults: reader.faults }
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn fault(&mut self, path: &str, kind: FaultKind, detail: impl Into<String>) {
        self.faults.push(Fault { path: path.into(), kind, detail: detail.into() });
    }

    /// A value of another form than the schema's. `read_as` is what was meant, where that can be seen.
    fn form(&mut self, path: &str, expected: &str, given: &Value, hint: &str, read_as: Option<Value>) -> Option<Value> {
        self.fault(path, FaultKind::Form, format!("It must be {expected}, not {}{hint}.", in_words(given)));
        read_as
    }

    /// The value, or another one where it has not the form of the schema; none where nothing can stand for it.
    fn read(&mut self, value: &Value, schema: &JSONSchemaProps, path: &str) -> Option<Value> {
        if schema.x_kubernetes_int_or_string == Some(true) {
            return self.read_size(value, path);
        }
        match (schema.type_.as_deref(), value) {
            (Some("object"), Value::Object(members)) => Some(self.read_object(members, schema, path)),
            (Some("object"), _) => self.form(path, "an object", value, "", None),
            (Some("array"), Value::Array(entries)) => Some(self.read_list(entries, schema, path)),
            (Some("array"), _) => self.form(path, "a list", value, ": put it in a list", None),
            (Some("integer"), _) => self.read_integer(value, schema, path),
            (Some("boolean"), Value::Bool(_)) => Some(value.clone()),
            (Some("boolean"), _) => self.read_boolean(value, path),
            (Some("string"), _) => self.read_text(value, schema, path),
            // The schemas have no other types.
            _ => Some(value.clone()),
        }
    }

    /// A size of a task: a number or a text.
    fn read_size(&mut self, value: &Value, path: &str) -> Option<Value> {
        let is_number = value.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
        if value.is_string() || is_number {
            return Some(value.clone());
        }
        // A text that is no size: what it is not, it has been told here.
        self.form(path, "a whole number or a text", value, "", Some("".into()))
    }

    fn read_object(&mut self, members: &Map<String, Value>, schema: &JSONSchemaProps, path: &str) -> Value {
        let mut read = Map::new();
        let Some(properties) = &schema.properties else {
            for (name, member) in members {
                let Some(JSONSchemaPropsOrBool::Schema(of_member)) = &schema.additional_properties else {
                    read.insert(name.clone(), member.clone());
                    continue;
                };
                let path = join(path, name);
                let value = self.read(member, of_member, &path).unwrap_or_else(|| stand_in(of_member));
                read.insert(name.clone(), value);
            }
            return read.into();
        };
        // An explicit null is the same as absent.
        for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
            let path = join(path, name);
            let known = properties.get_key_value(name).or_else(|| {
                let meant = meant(name, properties.keys().map(String::as_str));
                let detail = meant.as_ref().map_or_else(|| NO_SUCH_MEMBER.to_owned(), |meant| meant.told.clone());
                self.fault(&path, FaultKind::Member, detail);
                let is_free = |meant: &String| members.get(meant).is_none_or(Value::is_null);
                meant.map(|meant| meant.name).filter(is_free).and_then(|name| properties.get_key_value(&name))
            });
            if let Some((name, of_member)) = known
                && let Some(value) = self.read(member, of_member, &path)
            {
                read.insert(name.clone(), value);
            }
        }
        for name in schema.required.iter().flatten() {
            if read.contains_key(name) {
                continue;
            }
            let path = join(path, name);
            if !self.faults.iter().any(|fault| fault.path == path) {
                self.fault(&path, FaultKind::Form, "It is required: give it a value.");
            }
            read.extend(properties.get(name).map(|of_member| (name.clone(), stand_in(of_member))));
        }
        read.into()
    }

    fn read_list(&mut self, entries: &[Value], schema: &JSONSchemaProps, path: &str) -> Value {
        let Some(JSONSchemaPropsOrArray::Schema(of_entry)) = &schema.items else { return entries.into() };
        let read: Vec<_> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| {
                let path = format!("{path}[{index}]");
                self.read(entry, of_entry, &path).unwrap_or_else(|| stand_in(of_entry))
            })
            .collect();
        self.bound(path, bounds::of_list(read.len(), schema));
        for key in schema.x_kubernetes_list_map_keys.iter().flatten() {
            for (index, entry) in
                entries.iter().enumerate().filter(|(index, entry)| twice(&entries[..*index], entry, key))
            {
                let detail = format!("{} is there twice.", entry[key]);
                self.fault(&format!("{path}[{index}].{key}"), FaultKind::Bound, detail);
            }
        }
        read.into()
    }

    fn read_integer(&mut self, value: &Value, schema: &JSONSchemaProps, path: &str) -> Option<Value> {
        const EXPECTED: &str = "a whole number";
        let number = match value {
            Value::String(text) => {
                let number = text.trim().parse::<i64>().ok();
                let hint = if number.is_some() { ": take the quotation marks away" } else { "" };
                let stands_in = number.map_or_else(|| stand_in(schema), Value::from);
                return self.form(path, EXPECTED, value, hint, Some(stands_in));
            }
            _ => value.as_i64(),
        };
        let Some(number) = number else {
            return self.form(path, EXPECTED, value, "", Some(stand_in(schema)));
        };
        if schema.format.as_deref() == Some("int32") && i32::try_from(number).is_err() {
            let told = bounds::of_number(number, schema).unwrap_or_else(|| format!("{number} is too large a number."));
            self.fault(path, FaultKind::Form, told);
            return Some(stand_in(schema));
        }
        self.bound(path, bounds::of_number(number, schema));
        Some(value.clone())
    }

    fn read_boolean(&mut self, value: &Value, path: &str) -> Option<Value> {
        let meant = match value.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        let hint = if meant.is_some() { ": take the quotation marks away" } else { "" };
        self.form(path, "true or false", value, hint, meant.map(Value::Bool))
    }

    fn read_text(&mut self, value: &Value, schema: &JSONSchemaProps, path: &str) -> Option<Value> {
        let text = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => {
                let text = Value::String(value.to_string());
                let is_word = schema.enum_.is_some();
                let hint = if is_word { "" } else { ": put it in quotation marks" };
                return self.form(path, "a text", value, hint, (!is_word).then_some(text));
            }
            _ => {
                let stand_in = schema.enum_.is_none().then(|| stand_in(schema));
                return self.form(path, "a text", value, "", stand_in);
            }
        };
        let words: Vec<&str> = schema.enum_.iter().flatten().filter_map(|word| word.0.as_str()).collect();
        if !words.is_empty() && !words.contains(&text.as_str()) {
            let meant = words.iter().find(|word| word.eq_ignore_ascii_case(text));
            let hint = meant.map_or_else(String::new, |word| format!(" Write {word}."));
            self.fault(path, FaultKind::Form, format!("{text:?} is none of its words: {}.{hint}", words.join(", ")));
            return meant.map(|word| Value::String((*word).to_owned()));
        }
        self.bound(path, bounds::of_text(text, schema));
        if let Some(pattern) = schema.pattern.as_ref().filter(|pattern| !has_form(text, pattern)) {
            self.fault(path, FaultKind::Bound, format!("{text:?} does not have the form {pattern}."));
        }
        Some(value.clone())
    }

    fn bound(&mut self, path: &str, told: Option<String>) {
        if let Some(detail) = told {
            self.fault(path, FaultKind::Bound, detail);
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn twice(before: &[Value], entry: &Value, key: &str) -> bool {
    entry.get(key).and_then(Value::as_str).is_some_and(|name| before.iter().any(|other| other[key] == name))
}

/// A value that the schema takes and no rule minds, in place of one that cannot be read.
fn stand_in(schema: &JSONSchemaProps) -> Value {
    if schema.x_kubernetes_int_or_string == Some(true) {
        return "".into();
    }
    if let Some(word) = schema.enum_.iter().flatten().map(|word| &word.0).find(|word| word.is_string()) {
        return word.clone();
    }
    match schema.type_.as_deref() {
        Some("object") => {
            let properties = schema.properties.as_ref();
            let required = schema.required.iter().flatten();
            let members = required.filter_map(|name| Some((name.clone(), stand_in(properties?.get(name)?))));
            Value::Object(members.collect())
        }
        Some("array") => match &schema.items {
            Some(JSONSchemaPropsOrArray::Schema(entry)) if schema.min_items == Some(1) => vec![stand_in(entry)].into(),
            _ => Value::Array(Vec::new()),
        },
        Some("integer") => bounds::least(schema).into(),
        Some("boolean") => false.into(),
        _ => {
            // Names, paths and ranges.
            let texts = ["unknown", "/unknown", "1-2"];
            let fits = |text: &&str| schema.pattern.as_ref().is_none_or(|pattern| has_form(text, pattern));
            texts.into_iter().find(fits).unwrap_or_default().into()
        }
    }
}

fn has_form(text: &str, pattern: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

/// A value as people call it.
fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => format!("{value}"),
        Value::Number(_) => format!("the number {value}"),
        Value::String(text) if text.chars().count() <= 40 => format!("the text {text:?}"),
        Value::String(_) => "a text".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

#[cfg(test)]
mod tests;
