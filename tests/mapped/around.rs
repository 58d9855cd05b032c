//! What stands around a field of the first container.

use serde_json::{Value, json};

/// The first container has these members.
pub(super) fn a(members: &Value) -> Value {
    json!({ "containerDefinitions": [members] })
}

/// The same beside something else.
pub(super) fn with(mut around: Value, members: &Value) -> Value {
    super::merge(&mut around, &a(members));
    around
}

pub(super) fn execution_role() -> Value {
    json!({"executionRoleArn": "role"})
}

pub(super) fn two_volumes() -> Value {
    json!({"volumes": [{"name": "one"}, {"name": "two", "host": {"sourcePath": "/two"}}]})
}

/// Containers b and c beside a. The task can do without b.
pub(super) fn others() -> Value {
    let other = |name: &str, essential: bool| json!({"name": name, "image": "i", "memory": 64, "essential": essential});
    json!({"containerDefinitions": [{}, other("b", false), other("c", true)]})
}

/// The same, each with a mount of its own.
pub(super) fn others_with_mounts() -> Value {
    let mounts = |volume: &str| json!({"mountPoints": [{"sourceVolume": volume, "containerPath": "/data"}]});
    let mut document = others();
    super::merge(&mut document, &two_volumes());
    super::merge(&mut document, &json!({"containerDefinitions": [{}, mounts("one"), mounts("two")]}));
    document
}

/// Container b waits for a.
pub(super) fn waiting(condition: &str) -> Value {
    let mut document = others();
    let depends_on = json!([{"containerName": "a", "condition": condition}]);
    super::merge(&mut document, &json!({"containerDefinitions": [{}, {"dependsOn": depends_on}]}));
    document
}

pub(super) fn probe() -> Value {
    json!({"kubernetes": {"readinessProbe": {"tcpSocket": {"port": 80}}}})
}

pub(super) fn none() -> Value {
    json!({})
}
