//! Documents as people have them -> the operator's kinds: our own YAML, a RegisterTaskDefinition document, what
//! describe-task-definition prints, a bare list of container definitions. What is no member of a kind is refused by its name.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    api::{
        GROUP, VERSION, cluster::EcsClusterSpec, register_task_definition::RegisterTaskDefinition,
        security_group::EcsSecurityGroupSpec, service::EcsServiceSpec,
    },
    ecs::{field_outcomes, slug::slug},
};

use super::report::Entry;

/// A text with documents.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is from.
    pub name: String,
    /// JSON or YAML.
    pub text: String,
}

/// A document that was understood.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// Name of the object.
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) content: Content,
}

/// What is in a document.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Cluster(EcsClusterSpec),
    SecurityGroup(EcsSecurityGroupSpec),
    Service(Box<EcsServiceSpec>),
    TaskDefinition { definition: Box<RegisterTaskDefinition>, revision: i64 },
}

impl Input {
    /// `TaskDefinition/web`.
    pub(super) fn label(&self) -> String {
        let kind = match self.content {
            Content::Cluster(_) => "EcsCluster",
            Content::SecurityGroup(_) => "EcsSecurityGroup",
            Content::Service(_) => "EcsService",
            Content::TaskDefinition { .. } => "TaskDefinition",
        };
        format!("{kind}/{}", self.name)
    }
}

/// Reads all documents. One that is not understood is refused in the report, and the others go on.
pub(super) fn read(sources: &[Source], report: &mut Vec<Entry>) -> Vec<Input> {
    let mut inputs = Vec::new();
    for source in sources {
        let documents = parse(source).unwrap_or_else(|message| {
            report.push(Entry::refused(&source.name, "", message));
            vec![Value::Null]
        });
        let before = inputs.len() + report.len();
        for document in documents.into_iter().filter(|document| !document.is_null()) {
            inputs.extend(understand(document, source, report));
        }
        if inputs.len() + report.len() == before {
            report.push(Entry::refused(&source.name, "", "There is no document in it."));
        }
    }
    inputs
}

/// The documents of a text, or why it is neither JSON nor YAML, and where.
fn parse(source: &Source) -> Result<Vec<Value>, String> {
    let text = source.text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['{', '[']) {
        // Several documents may stand one after the other.
        let documents = serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>();
        documents.map_err(|error| format!("This is no JSON: {error}."))
    } else {
        serde_saphyr::from_multiple(text).map_err(|error| format!("This is no YAML: {error}."))
    }
}

fn understand(document: Value, source: &Source, report: &mut Vec<Entry>) -> Option<Input> {
    match document {
        Value::Array(containers) => {
            let document = Map::from_iter([("containerDefinitions".to_owned(), Value::Array(containers))]);
            of_ecs(document, source, report)
        }
        Value::Object(members) if members.contains_key("kind") && members.contains_key("apiVersion") => {
            of_kubernetes(&members, source, report)
        }
        Value::Object(mut members) => match members.remove("taskDefinition") {
            Some(Value::Object(described)) => of_ecs(described_members(described, members), source, report),
            Some(other) => {
                members.insert("taskDefinition".into(), other);
                of_ecs(members, source, report)
            }
            None => of_ecs(members, source, report),
        },
        _ => {
            report.push(Entry::refused(
                &source.name,
                "",
                "A document is an object: a task definition, or one of ecs-operator's kinds.",
            ));
            None
        }
    }
}

/// Members that describe-task-definition adds to those of the request.
const DESCRIBED: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// The members of a described task definition, and what stands beside it in the answer: its tags. SDKs put their own notes on
/// the answer there as well. What is no member of the answer is refused under its own name.
fn described_members(mut described: Map<String, Value>, beside: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in beside.into_iter().filter(|(name, _)| name != "ResponseMetadata" && name != "$metadata") {
        let name = if described.contains_key(&name) { format!("{name} (beside taskDefinition)") } else { name };
        described.insert(name, value);
    }
    described
}

fn of_ecs(mut members: Map<String, Value>, source: &Source, report: &mut Vec<Entry>) -> Option<Input> {
    let revision = members.get("revision").and_then(Value::as_i64).unwrap_or(1);
    members.retain(|name, _| !DESCRIBED.contains(&name.as_str()));
    let stem = Path::new(&source.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let family = members.get("family").and_then(Value::as_str).filter(|family| !family.is_empty()).map(str::to_owned);
    let name = family.or(stem).unwrap_or_default();
    let object = format!("TaskDefinition/{name}");
    let mut definition: RegisterTaskDefinition = typed(&Value::Object(members), &object, report)?;
    // A file without a family is named after itself.
    definition.family.get_or_insert_with(|| slug(&name, 255));
    let content = Content::TaskDefinition { definition: Box::new(definition), revision };
    Some(Input { name, namespace: None, content })
}

/// Members that every object of Kubernetes may have; what spec is, is read for each kind.
const OF_AN_OBJECT: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

fn of_kubernetes(members: &Map<String, Value>, source: &Source, report: &mut Vec<Entry>) -> Option<Input> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, version) = (text(&members["kind"]), text(&members["apiVersion"]));
    let metadata = members.get("metadata").cloned().unwrap_or_default();
    let name = text(&metadata["name"]);
    let object = format!("{kind}/{name}");
    let ours = format!("{GROUP}/{VERSION}");
    if version != ours {
        let message = format!("{object} is none of ecs-operator's kinds, whose apiVersion is {ours}: leave it out.");
        report.push(Entry::refused(&source.name, "apiVersion", message));
        return None;
    }
    let strange: Vec<_> = members.keys().filter(|name| !OF_AN_OBJECT.contains(&name.as_str())).collect();
    if !strange.is_empty() {
        report.extend(strange.iter().map(|name| Entry::refused(&object, name.as_str(), NO_SUCH_MEMBER)));
        return None;
    }
    let spec = members.get("spec").filter(|spec| !spec.is_null()).cloned().unwrap_or_else(|| Value::Object(Map::new()));
    let content = match kind.as_str() {
        "EcsCluster" => typed(&spec, &object, report).map(Content::Cluster),
        "EcsSecurityGroup" => typed(&spec, &object, report).map(Content::SecurityGroup),
        "EcsService" => typed(&spec, &object, report).map(|spec| Content::Service(Box::new(spec))),
        "TaskDefinition" => typed(&spec, &object, report)
            .map(|definition| Content::TaskDefinition { definition: Box::new(definition), revision: 1 }),
        "TaskDefinitionRevision" => {
            let revision = spec["revision"].as_i64().unwrap_or(1);
            typed(&spec["definition"], &object, report)
                .map(|definition| Content::TaskDefinition { definition: Box::new(definition), revision })
        }
        _ => {
            report.push(Entry::refused(
                &object,
                "kind",
                "There is no such kind: write TaskDefinition, EcsService, EcsCluster or EcsSecurityGroup.",
            ));
            None
        }
    };
    Some(Input { name, namespace: metadata["namespace"].as_str().map(str::to_owned), content: content? })
}

const DESCRIBED_ONLY: &str = "describe-task-definition prints it, and a task definition does not have it: take it out.";
const NO_SUCH_MEMBER: &str =
    "There is no such member, or the operator does not have it yet: correct its name, or take it out.";

/// Reads a value as a type, and refuses what is no member of it.
fn typed<T: DeserializeOwned + Serialize>(value: &Value, object: &str, report: &mut Vec<Entry>) -> Option<T> {
    let parsed: Result<T, _> = serde_path_to_error::deserialize(value);
    match parsed {
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            report.push(Entry::refused(object, path, in_plain_words(&error.into_inner())));
            None
        }
        Ok(parsed) => {
            let known = serde_json::to_value(&parsed).unwrap_or_default();
            let mut unknown = Vec::new();
            find_unknown(value, &known, "", &mut unknown);
            let is_whole = unknown.is_empty();
            report.extend(unknown.into_iter().map(|path| {
                let kind = object.split('/').next().unwrap_or_default();
                let message = match field_outcomes::refusal(kind, &path) {
                    Some(message) => message,
                    None if DESCRIBED.contains(&path.as_str()) => DESCRIBED_ONLY,
                    None => NO_SUCH_MEMBER,
                };
                Entry::refused(object, path, message)
            }));
            is_whole.then_some(parsed)
        }
    }
}

/// What is wrong with a value, without the names of types that only the code knows.
fn in_plain_words(error: &serde_json::Error) -> String {
    const WORDS: [(&str, &str); 8] = [
        ("expected i32", "expected a whole number"),
        ("expected i64", "expected a whole number"),
        ("expected usize", "expected a whole number"),
        ("expected a sequence", "expected a list"),
        ("expected struct ", "expected an object for "),
        ("invalid type: map", "invalid type: object"),
        ("invalid type: sequence", "invalid type: list"),
        ("unknown variant", "unknown word"),
    ];
    let message = WORDS.iter().fold(error.to_string(), |message, (word, plain)| message.replace(word, plain));
    format!("{message}.")
}

/// Paths of the members of a document that its type does not have.
fn find_unknown(given: &Value, known: &Value, path: &str, unknown: &mut Vec<String>) {
    match (given, known) {
        (Value::Object(members), Value::Object(known)) => {
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                let separator = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{separator}{name}");
                match known.get(name) {
                    Some(known) => find_unknown(member, known, &path, unknown),
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(entries), Value::Array(known)) => {
            for (index, (entry, known)) in entries.iter().zip(known).enumerate() {
                find_unknown(entry, known, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}
