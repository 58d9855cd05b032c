//! Specs that differ in one member.

use serde_json::{Value, json};

pub fn container(member: &str, value: Value) -> Value {
    let mut container = json!({"name": "web", "image": "nginx", "memory": 64});
    container[member] = value;
    json!({"containerDefinitions": [container]})
}

pub fn port(mapping: Value) -> Value {
    container("portMappings", json!([mapping]))
}

pub fn service(member: &str, value: Value) -> Value {
    let mut service = json!({"taskDefinition": "web"});
    service[member] = value;
    service
}

pub fn task(member: &str, value: Value) -> Value {
    let mut task = json!({"taskDefinition": "web"});
    task[member] = value;
    task
}

pub fn rule(member: &str, value: Value) -> Value {
    let mut rule = json!({"ipProtocol": "tcp", "fromPort": 80});
    rule[member] = value;
    json!({"ingress": [rule]})
}

pub fn revision(member: &str, value: Value) -> Value {
    let mut revision = json!({"family": "web", "revision": 1, "state": "Active", "definition": {}});
    revision[member] = value;
    revision
}
