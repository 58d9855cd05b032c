//! Every rule of task definitions, with a document that breaks it, and what is accepted beside it.

#![allow(clippy::needless_pass_by_value, reason = "documents are written where they are used")]
#![allow(clippy::too_many_lines, reason = "a table has a line for each rule")]

mod container;
mod task;
mod together;

use serde_json::{Value, json};

use super::*;

fn broken(document: Value) -> Vec<(&'static str, String)> {
    let definition: RegisterTaskDefinition = serde_json::from_value(document).unwrap();
    let violations = check(&definition, "web").err().unwrap_or_default();
    violations.into_iter().map(|violation| (violation.rule, violation.path)).collect()
}

/// A document with members besides those that every document needs.
fn document(members: Value) -> Value {
    let mut document = json!({"containerDefinitions": [{"name": "a", "image": "i", "memory": 64}]});
    document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    document
}

/// A document whose first container has members besides those that every container needs.
fn container(members: Value) -> Value {
    with_container(json!({}), members)
}

fn with_container(task: Value, members: Value) -> Value {
    let mut document = document(task);
    let container = document["containerDefinitions"][0].as_object_mut().unwrap();
    container.extend(members.as_object().unwrap().clone());
    document
}

fn two(first: Value, second: Value) -> Value {
    let mut document = container(first);
    let mut other = json!({"name": "b", "image": "i", "memory": 64});
    other.as_object_mut().unwrap().extend(second.as_object().unwrap().clone());
    document["containerDefinitions"].as_array_mut().unwrap().push(other);
    document
}

fn fargate(members: Value) -> Value {
    let mut task =
        json!({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"});
    task.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    document(task)
}

fn fargate_container(members: Value) -> Value {
    let mut document = fargate(json!({}));
    document["containerDefinitions"][0].as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    document
}

fn assert_broken(rule: &str, path: &str, document: Value) {
    let broken = broken(document.clone());
    let path = format!("spec.{path}").replace("[].", "[0].").trim_end_matches('.').to_owned();
    assert!(broken.contains(&(rule_of(rule), path.clone())), "{rule} at {path} is not among {broken:?}: {document}");
}

/// Rules are static texts.
fn rule_of(rule: &str) -> &'static str {
    Box::leak(rule.to_owned().into_boxed_str())
}

fn assert_accepted(document: Value) {
    assert_eq!(broken(document.clone()), [], "{document}");
}

const C: &str = "containerDefinitions";
