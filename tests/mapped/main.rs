//! A field of which the table says Mapped changes what Kubernetes is told: for each such row there is a pair of documents
//! that differ in that field alone, and what is made of them differs, or what is told of the field: a row that speaks of one
//! value says Mapped beside one that says otherwise of others. A row without a pair fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

mod around;
mod confinement;
mod container;
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
    Pair { path, around, one, other }
}

impl Pair {
    /// The field in the first element of each list on the way to it.
    fn place(&self) -> String {
        self.path.replace("[]", "[0]")
    }

    fn document(&self, value: &Value) -> Value {
        let mut document =
            json!({"family": "web", "containerDefinitions": [{"name": "a", "image": "i", "memory": 64}]});
        merge(&mut document, &self.around);
        set(&mut document, &self.place(), value);
        document
    }
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

fn render_as(document: &Value, workload: Workload, version: KubernetesVersion) -> Rendering {
    let surroundings = Surroundings {
        arns: ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
        version,
        namespace: "ecs-default".into(),
        workload,
    };
    render(&[Source { name: "web.json".into(), text: document.to_string() }], &surroundings)
}

/// Everything that is made of a document, in services and by itself, on an older and a newer Kubernetes.
fn renderings(document: &Value) -> Vec<Rendering> {
    let newer = KubernetesVersion::parse("1.36").unwrap();
    let versions = [kubernetes_version::LEAST, newer];
    let of = |workload| versions.map(|version| render_as(document, workload, version));
    [of(Workload::Service), of(Workload::Task)].into_iter().flatten().collect()
}

/// The objects, and what is refused.
fn results(renderings: &[Rendering]) -> Vec<(Vec<Value>, BTreeSet<String>)> {
    let refused = |rendering: &Rendering| {
        let refused = rendering.report.iter().filter(|entry| entry.outcome.outcome == Outcome::Refused);
        refused.map(|entry| format!("{} {}", entry.outcome.path, entry.outcome.detail)).collect()
    };
    renderings.iter().map(|rendering| (rendering.objects.clone(), refused(rendering))).collect()
}

fn pairs() -> Vec<Pair> {
    task::pairs().into_iter().chain(container::pairs()).chain(confinement::pairs()).collect()
}

#[test]
fn every_mapped_field_changes_what_is_made() {
    for pair in pairs() {
        let (one, other) = (renderings(&pair.document(&pair.one)), renderings(&pair.document(&pair.other)));
        let is_mapped = |rendering: &Rendering| {
            let entries = rendering.report.iter().map(|entry| &entry.outcome);
            entries.filter(|each| each.path == pair.place()).any(|each| each.outcome == Outcome::Mapped)
        };
        let told = |renderings: &[Rendering]| {
            let entries = renderings.iter().flat_map(|rendering| &rendering.report).map(|entry| &entry.outcome);
            entries.filter(|each| each.path == pair.place()).map(|each| each.outcome).collect::<Vec<_>>()
        };
        let (of_one, of_other) = (told(&one), told(&other));
        let is_told_apart = !of_one.is_empty() && !of_other.is_empty() && of_one != of_other;
        let has_objects = |renderings: &[Rendering]| renderings.iter().all(|each| !each.objects.is_empty());
        assert!(one.iter().chain(&other).any(is_mapped), "{}: it is Mapped in neither document", pair.path);
        assert!(has_objects(&one) || has_objects(&other), "{}: both documents are refused", pair.path);
        let differ = results(&one) != results(&other);
        assert!(differ || is_told_apart, "{}: the same is made of both documents", pair.path);
    }
}

#[test]
fn every_mapped_row_has_a_pair() {
    let (_, rows) = tables().into_iter().find(|(kind, _)| *kind == "TaskDefinition").unwrap();
    let mapped: BTreeSet<_> =
        rows.iter().filter(|(_, outcome, _)| *outcome == Outcome::Mapped).map(|(path, ..)| *path).collect();
    let paired: BTreeSet<_> = pairs().iter().map(|pair| pair.path).collect();
    assert_eq!(mapped.difference(&paired).collect::<Vec<_>>(), Vec::<&&str>::new(), "rows without a pair");
    assert_eq!(paired.difference(&mapped).collect::<Vec<_>>(), Vec::<&&str>::new(), "pairs without a row");
}
