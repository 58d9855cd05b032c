//! Documents as people have them -> the operator's kinds: our own YAML, a RegisterTaskDefinition document, what
//! describe-task-definition prints, a bare list of container definitions. What is no member of a kind is refused by its name.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    api::{
        GROUP, VERSION, cluster::EcsClusterSpec, register_task_definition::RegisterTaskDefinition, role::EcsRoleSpec,
        security_group::EcsSecurityGroupSpec, service::EcsServiceSpec, target_group::EcsTargetGroupSpec,
        task::EcsTaskSpec, task_definition_revision::TaskDefinitionRevisionSpec,
    },
    ecs::{
        field_outcomes,
        object_names::{is_label, is_object_name},
        slug::slug,
        violation::Violation,
    },
};

use super::{
    documents, foreign,
    member_name::{NO_SUCH_MEMBER, meant},
    report::Entry,
    schema::{self, Fault, FaultKind},
};

/// A text with documents.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is from.
    pub name: String,
    /// JSON or YAML.
    pub text: String,
}

/// A document that was understood, as far as it could be.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// `TaskDefinition/web`: what the report calls it.
    pub(super) label: String,
    /// Name of the object.
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) content: Content,
    /// What is wrong with its form; nothing becomes of a document with faults.
    pub(super) faults: Vec<Fault>,
}

/// What is in a document.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Cluster(EcsClusterSpec),
    Role(EcsRoleSpec),
    SecurityGroup(EcsSecurityGroupSpec),
    TargetGroup(Box<EcsTargetGroupSpec>),
    Service(Box<EcsServiceSpec>),
    Task(Box<EcsTaskSpec>),
    TaskDefinition { definition: Box<RegisterTaskDefinition>, revision: i64 },
}

impl Input {
    /// The broken rules that speak of what is in the document, and not of what stands there in place of something unreadable.
    pub(super) fn credible(&self, mut violations: Vec<Violation>) -> Vec<Violation> {
        violations
            .retain(|violation| !self.is_unreadable(violation.path.strip_prefix("spec.").unwrap_or(&violation.path)));
        violations
    }

    /// Whether a field, or what it is a part of, could not be read.
    pub(super) fn is_unreadable(&self, path: &str) -> bool {
        let is_or_is_part_of = |fault: &str| {
            // What the members beside a type mean depends on it.
            let whole = fault.strip_suffix(".type").unwrap_or(fault);
            let rest = path.strip_prefix(whole);
            whole.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.faults.iter().any(|fault| fault.kind == FaultKind::Form && is_or_is_part_of(&fault.path))
    }
}

/// Reads all documents. One that is not understood at all is refused in the report, and the others go on.
pub(super) fn read(sources: &[Source], namespace: &str, report: &mut Vec<Entry>) -> Vec<Input> {
    let mut inputs = Vec::new();
    for source in sources {
        let mut documents = documents::parse(&source.text);
        if let Ok(documents) = &mut documents {
            documents.retain(|document| !document.is_null());
        }
        match documents {
            Ok(documents) if documents.is_empty() => {
                report.push(Entry::refused(&source.name, "", "There is no document in it."));
            }
            Ok(documents) => {
                let understood = documents.into_iter().filter_map(|each| understand(each, source, namespace, report));
                inputs.extend(understood);
            }
            Err(message) => report.push(Entry::refused(&source.name, "", message)),
        }
    }
    inputs
}

fn understand(document: Value, source: &Source, namespace: &str, report: &mut Vec<Entry>) -> Option<Input> {
    let members = match document {
        Value::Array(containers) if containers.iter().all(Value::is_object) => {
            Map::from_iter([("containerDefinitions".to_owned(), Value::Array(containers))])
        }
        Value::Object(members) if members.contains_key("kind") && members.contains_key("apiVersion") => {
            return of_kubernetes(&members, source, namespace, report);
        }
        Value::Object(mut members) => match members.remove("taskDefinition") {
            Some(Value::Object(described)) => described_members(described, members),
            Some(other) => {
                members.insert("taskDefinition".into(), other);
                members
            }
            None => members,
        },
        _ => {
            let message = "A document is an object: a task definition, or one of ecs-operator's kinds.";
            report.push(Entry::refused(&source.name, "", message));
            return None;
        }
    };
    let input = match foreign::recognise(&members) {
        Some(message) => Err(message.to_owned()),
        None => of_ecs(members, source, namespace),
    };
    input.map_err(|message| report.push(Entry::refused(&source.name, "", message))).ok()
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

/// A task definition of ECS. It has no name but its family, or that of its file.
fn of_ecs(mut members: Map<String, Value>, source: &Source, namespace: &str) -> Result<Input, String> {
    let revision = members.get("revision").and_then(Value::as_i64);
    members.retain(|name, _| !DESCRIBED.contains(&name.as_str()));
    let stem = Path::new(&source.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let family = members.get("family").and_then(Value::as_str).filter(|family| !family.trim().is_empty());
    let name = family.map(str::to_owned).or(stem).unwrap_or_default();
    let label =
        revision.map_or_else(|| format!("TaskDefinition/{name}"), |number| format!("TaskDefinition/{name}:{number}"));
    let (mut definition, faults): (RegisterTaskDefinition, _) = typed(&Value::Object(members), "TaskDefinition")?;
    // A file without a family is named after itself.
    definition.family.get_or_insert_with(|| slug(&name, 255));
    let content = of_definition(definition, revision.unwrap_or(1));
    Ok(Input { label, name, namespace: namespace.to_owned(), content, faults })
}

/// Members that every object of Kubernetes may have; what spec is, is read for each kind.
const OF_AN_OBJECT: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

fn of_kubernetes(
    members: &Map<String, Value>,
    source: &Source,
    default_namespace: &str,
    report: &mut Vec<Entry>,
) -> Option<Input> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, version) = (text(&members["kind"]), text(&members["apiVersion"]));
    let metadata = members.get("metadata").cloned().unwrap_or_default();
    let name = text(&metadata["name"]);
    let namespace = metadata["namespace"].as_str().unwrap_or(default_namespace).to_owned();
    let ours = format!("{GROUP}/{VERSION}");
    if version != ours {
        let message =
            format!("{kind}/{name} is none of ecs-operator's kinds, whose apiVersion is {ours}: leave it out.");
        report.push(Entry::refused(&source.name, "apiVersion", message));
        return None;
    }
    let mut spec = members.get("spec").filter(|spec| !spec.is_null()).cloned();
    let mut misnamed = Vec::new();
    for (name, member) in members.iter().filter(|(name, _)| !OF_AN_OBJECT.contains(&name.as_str())) {
        let meant = meant(name, OF_AN_OBJECT.into_iter());
        if meant.as_ref().is_some_and(|meant| meant.name == "spec") {
            spec.get_or_insert_with(|| member.clone());
        }
        misnamed.push((name.clone(), meant.map_or_else(|| NO_SUCH_MEMBER.to_owned(), |meant| meant.told)));
    }
    let spec = spec.unwrap_or_else(|| Value::Object(Map::new()));
    let refuse = |message| report.push(Entry::refused(&format!("{kind}/{name}"), "kind", message));
    let (content, mut faults) = content(&kind, &spec).map_err(refuse).ok()?;
    let fault = |path: &str, kind, detail: &str| Fault { path: path.into(), kind, detail: detail.into() };
    faults.extend(misnamed.iter().map(|(name, told)| fault(name, FaultKind::Member, told)));
    if !is_object_name(&name) {
        let message = "An object of Kubernetes has a name of up to 253 lower-case letters, digits, - and dots.";
        faults.push(fault("metadata.name", FaultKind::Bound, message));
    }
    if !is_label(&namespace) {
        let message = "A Namespace has a name of up to 63 lower-case letters, digits and -.";
        faults.push(fault("metadata.namespace", FaultKind::Bound, message));
    }
    let beside =
        if namespace == default_namespace || kind == "EcsCluster" { String::new() } else { format!(" ({namespace})") };
    let label = match &content {
        // A revision is an object of its own, and tells about the task definition that it is one of.
        Content::TaskDefinition { definition, revision } if kind == "TaskDefinitionRevision" => {
            format!("TaskDefinition/{}:{revision}{beside}", definition.family.as_deref().unwrap_or(&name))
        }
        _ => format!("{kind}/{name}{beside}"),
    };
    Some(Input { label, name, namespace, content, faults })
}

/// What is under `spec` of a kind, and what is wrong with it.
fn content(kind: &str, spec: &Value) -> Result<(Content, Vec<Fault>), String> {
    let (content, faults) = match kind {
        "EcsCluster" => with(typed(spec, kind)?, Content::Cluster),
        "EcsRole" => with(typed(spec, kind)?, Content::Role),
        "EcsSecurityGroup" => with(typed(spec, kind)?, Content::SecurityGroup),
        "EcsTargetGroup" => with(typed(spec, kind)?, |spec| Content::TargetGroup(Box::new(spec))),
        "EcsService" => with(typed(spec, kind)?, |spec| Content::Service(Box::new(spec))),
        "EcsTask" => with(typed(spec, kind)?, |spec| Content::Task(Box::new(spec))),
        "TaskDefinition" => with(typed(spec, kind)?, |definition| of_definition(definition, 1)),
        "TaskDefinitionRevision" => of_revision(typed(spec, kind)?),
        _ => return Err(NO_SUCH_KIND.into()),
    };
    Ok((content, faults))
}

const NO_SUCH_KIND: &str = "There is no such kind: write TaskDefinition, EcsService, EcsTask, EcsCluster, EcsRole, EcsSecurityGroup or EcsTargetGroup.";

fn with<T>((spec, faults): (T, Vec<Fault>), content: impl FnOnce(T) -> Content) -> (Content, Vec<Fault>) {
    (content(spec), faults)
}

fn of_definition(definition: RegisterTaskDefinition, revision: i64) -> Content {
    Content::TaskDefinition { definition: Box::new(definition), revision }
}

/// A revision holds a definition; the paths of the report are those of the definition.
fn of_revision((stored, mut faults): (TaskDefinitionRevisionSpec, Vec<Fault>)) -> (Content, Vec<Fault>) {
    for fault in &mut faults {
        fault.path = fault.path.strip_prefix("definition.").unwrap_or(&fault.path).to_owned();
    }
    let mut definition = stored.definition;
    definition.family.get_or_insert(stored.family);
    (of_definition(definition, stored.revision), faults)
}

const DESCRIBED_ONLY: &str = "describe-task-definition prints it, and a task definition does not have it: take it out.";

/// Reads a value as a kind's spec: what of it can be read, and what is wrong with the rest.
fn typed<T: DeserializeOwned>(value: &Value, kind: &str) -> Result<(T, Vec<Fault>), String> {
    let schema = schema::of_kind(kind).ok_or(NO_SUCH_KIND)?;
    let mut reading = schema::read(value, schema);
    for fault in reading.faults.iter_mut().filter(|fault| fault.kind == FaultKind::Member) {
        let of_definition = fault.path.strip_prefix("definition.").unwrap_or(&fault.path);
        if let Some(message) = field_outcomes::refusal(kind, of_definition) {
            message.clone_into(&mut fault.detail);
        } else if DESCRIBED.contains(&of_definition) {
            DESCRIBED_ONLY.clone_into(&mut fault.detail);
        }
    }
    // The schema is made from the type: an error here is a gap between the two.
    let read = serde_json::from_value(reading.value).map_err(|error| format!("This cannot be read: {error}."))?;
    Ok((read, reading.faults))
}
