//! A field of which the table says Mapped changes what Kubernetes is told: for each such row there is a pair of documents
//! that differ in that field alone, and what is made of them differs, or what is told of the field: a row that speaks of one
//! value says Mapped beside one that says otherwise of others. It does so wherever the table says Mapped, in services and by itself,
//! on an older and a newer Kubernetes. A row without a pair fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

mod around;
mod confinement;
mod container;
mod run_task;
mod service;
mod target_group;
mod task;

use std::collections::BTreeSet;

use ecs_operator::{
    api::field_report::Outcome,
    cli::render::{Rendering, Source, Surroundings, Workload, render},
    ecs::{
        arn::ArnScope,
        field_outcomes::tables,
        kubernetes_version::{self, KubernetesVersion},
    },
};
use serde_json::{Value, json};

/// Two documents that differ in one field.
struct Pair {
    kind: &'static str,
    /// The field, as the table calls it.
    path: &'static str,
    /// What both documents have beside the field and what every document needs.
    around: Value,
    /// The field in the one document; null where it is absent.
    one: Value,
    /// The field in the other.
    other: Value,
}

fn pair(path: &'static str, around: Value, one: Value, other: Value) -> Pair {
    Pair { kind: "TaskDefinition", path, around, one, other }
}

impl Pair {
    /// The field in the first element of each list on the way to it.
    fn place(&self) -> String {
        self.path.replace("[]", "[0]")
    }

    fn spec(&self, value: &Value) -> Value {
        let mut spec = match self.kind {
            "TaskDefinition" => task_definition(),
            "EcsService" | "EcsTask" => json!({"taskDefinition": "web"}),
            _ => json!({}),
        };
        merge(&mut spec, &self.around);
        set(&mut spec, &self.place(), value);
        spec
    }

    /// What is rendered: the object, and what a service runs.
    fn documents(&self, value: &Value) -> Vec<Value> {
        let spec = self.spec(value);
        match self.kind {
            "TaskDefinition" => vec![spec],
            "EcsService" => {
                let target_groups = ["one", "two"].map(|name| object("EcsTargetGroup", name, &json!({})));
                [
                    &[object("EcsService", "web", &spec), with_two_ports("web"), with_two_ports("api")],
                    &target_groups[..],
                ]
                .concat()
            }
            "EcsTask" => {
                vec![object("EcsTask", "web", &spec), with_a_port("web"), with_a_port("api"), on_fargate("job")]
            }
            kind => vec![object(kind, "web", &spec)],
        }
    }
}

fn task_definition() -> Value {
    json!({"family": "web", "containerDefinitions": [{"name": "a", "image": "i", "memory": 64}]})
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A task definition of tasks that have a network of their own, and listen.
fn with_a_port(family: &str) -> Value {
    let mut definition = task_definition();
    let mappings = json!([{"containerPort": 80}]);
    merge(
        &mut definition,
        &json!({"family": family, "networkMode": "awsvpc", "containerDefinitions": [{"portMappings": mappings}]}),
    );
    definition
}

/// The same with a second container, and a second port.
fn with_two_ports(family: &str) -> Value {
    let mut definition = with_a_port(family);
    let of_first =
        json!({"portMappings": [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "admin"}]});
    let second = json!({"name": "b", "image": "i", "memory": 64, "portMappings": [{"containerPort": 82}]});
    merge(&mut definition, &json!({"containerDefinitions": [of_first, second]}));
    definition
}

/// A task definition whose tasks have a disk of their own size.
fn on_fargate(family: &str) -> Value {
    let mut definition = with_a_port(family);
    merge(&mut definition, &json!({"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}));
    definition
}

/// Adds members; elements of lists are told apart by where they stand.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, member) in from {
                merge(into.entry(name).or_insert(Value::Null), member);
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            for (index, entry) in from.iter().enumerate() {
                if index == into.len() {
                    into.push(Value::Null);
                }
                merge(&mut into[index], entry);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn set(document: &mut Value, place: &str, value: &Value) {
    let mut target = document;
    let (path, last) = place.rsplit_once('.').unwrap_or(("", place));
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (name, is_list) = part.strip_suffix("[0]").map_or((part, false), |name| (name, true));
        target = &mut target[name];
        if is_list {
            if !target.is_array() {
                *target = json!([{}]);
            }
            target = &mut target[0];
        }
    }
    match value {
        Value::Null => {
            if let Some(members) = target.as_object_mut() {
                members.remove(last);
            }
        }
        value => target[last] = value.clone(),
    }
}

fn render_as(documents: &[Value], workload: Workload, version: KubernetesVersion) -> Rendering {
    let surroundings = Surroundings {
        arns: ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
        version,
        namespace: "ecs-default".into(),
        workload,
    };
    let text = documents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    render(&[Source { name: "web.json".into(), text }], &surroundings)
}

/// Everything that is made of documents, in services and by itself, on an older and a newer Kubernetes.
fn renderings(documents: &[Value]) -> Vec<Rendering> {
    let newer = KubernetesVersion::parse("1.36").unwrap();
    let versions = [kubernetes_version::LEAST, newer];
    let of = |workload| versions.map(|version| render_as(documents, workload, version));
    [of(Workload::Service), of(Workload::Task)].into_iter().flatten().collect()
}

/// The objects, and what is refused.
fn result(rendering: &Rendering) -> (&[Value], BTreeSet<String>) {
    let refused = rendering.report.iter().filter(|entry| entry.outcome.outcome == Outcome::Refused);
    let refused = refused.map(|entry| format!("{} {}", entry.outcome.path, entry.outcome.detail)).collect();
    (&rendering.objects, refused)
}

fn pairs() -> Vec<Pair> {
    [
        task::pairs(),
        container::pairs(),
        confinement::pairs(),
        service::pairs(),
        target_group::pairs(),
        run_task::pairs(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_mapped_field_changes_what_is_made() {
    for pair in pairs() {
        let Pair { kind, path, .. } = pair;
        let (one, other) = (renderings(&pair.documents(&pair.one)), renderings(&pair.documents(&pair.other)));
        let told = |rendering: &Rendering| {
            let of_kind = rendering.report.iter().filter(|entry| entry.object.starts_with(kind));
            let of_field = of_kind.map(|entry| &entry.outcome).filter(|each| each.path == pair.place());
            of_field.map(|each| each.outcome).collect::<Vec<_>>()
        };
        let has_objects = |renderings: &[Rendering]| renderings.iter().all(|each| !each.objects.is_empty());
        assert!(has_objects(&one) || has_objects(&other), "{kind} {path}: both documents are refused");
        let mut is_mapped = false;
        for (index, (one, other)) in one.iter().zip(&other).enumerate() {
            let (of_one, of_other) = (told(one), told(other));
            if !of_one.iter().chain(&of_other).any(|outcome| *outcome == Outcome::Mapped) {
                continue;
            }
            is_mapped = true;
            let is_told_apart = !of_one.is_empty() && !of_other.is_empty() && of_one != of_other;
            let differ = result(one) != result(other);
            assert!(differ || is_told_apart, "{kind} {path}: the same is made of both documents ({index})");
        }
        assert!(is_mapped, "{kind} {path}: it is Mapped in neither document");
    }
}

#[test]
fn every_mapped_row_has_a_pair() {
    for (kind, rows) in tables() {
        let mapped: BTreeSet<_> =
            rows.iter().filter(|row| row.outcome == Outcome::Mapped).map(|row| row.path).collect();
        let paired: BTreeSet<_> = pairs().iter().filter(|pair| pair.kind == kind).map(|pair| pair.path).collect();
        assert_eq!(mapped.difference(&paired).collect::<Vec<_>>(), Vec::<&&str>::new(), "{kind}: rows without a pair");
        assert_eq!(paired.difference(&mapped).collect::<Vec<_>>(), Vec::<&&str>::new(), "{kind}: pairs without a row");
    }
}
