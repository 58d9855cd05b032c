//! The health check for Argo CD, run as Argo CD does: with the Lua of its example on objects as the operator leaves them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use std::fs;

use mlua::{Lua, LuaSerdeExt};
use serde_json::{Value, json};

/// The Lua script of the example.
fn script() -> String {
    let manifest = fs::read_to_string("examples/argo-cd/health.yaml").unwrap();
    let manifest: Value = serde_saphyr::from_str(&manifest).unwrap();
    let customizations = manifest["data"]["resource.customizations"].as_str().unwrap();
    let customizations: Value = serde_saphyr::from_str(customizations).unwrap();
    customizations["ecs-operator.dev/*"]["health.lua"].as_str().unwrap().to_owned()
}

fn health(object: &Value) -> (String, String) {
    let lua = Lua::new();
    let arrays = mlua::serde::ser::Options::new().set_array_metatable(false);
    lua.globals().set("obj", lua.to_value_with(object, arrays).unwrap()).unwrap();
    let told: Value = lua.from_value(lua.load(script()).eval().unwrap()).unwrap();
    let member = |name: &str| told[name].as_str().unwrap().to_owned();
    (member("status"), member("message"))
}

/// A condition, and whether it holds.
type Told<'a> = (&'a str, &'a str);

fn object(conditions: &[Told], observed: i64) -> Value {
    let condition =
        |(type_, status): &Told| json!({"type": type_, "status": status, "message": format!("{type_} is {status}")});
    let conditions: Vec<_> = conditions.iter().map(condition).collect();
    json!({"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": conditions}})
}

#[test]
fn conditions_become_health() {
    let accepted = ("Accepted", "True");
    let cases: [(&[Told], &str, &str); 6] = [
        (&[accepted, ("Ready", "True"), ("Stalled", "False")], "Healthy", "Ready is True"),
        (&[accepted, ("Ready", "False"), ("Stalled", "False")], "Progressing", "Ready is False"),
        (&[accepted, ("Ready", "False"), ("Stalled", "True")], "Degraded", "Stalled is True"),
        (&[("Accepted", "False"), ("Ready", "False"), ("Stalled", "True")], "Degraded", "Accepted is False"),
        (&[accepted, ("Stalled", "False")], "Healthy", "Accepted is True"),
        (&[], "Progressing", "The operator has not looked at it yet."),
    ];
    for (conditions, status, message) in cases {
        assert_eq!(health(&object(conditions, 2)), (status.into(), message.into()), "{conditions:?}");
    }
    let before = object(&[accepted, ("Ready", "True")], 1);
    assert_eq!(health(&before).0, "Progressing", "of the spec before");
    assert_eq!(health(&json!({"metadata": {"generation": 1}})).0, "Progressing");
}

#[test]
fn what_the_operator_makes_is_healthy_and_a_task_is_as_a_job_is() {
    let labels = json!({"app.kubernetes.io/managed-by": "ecs-operator"});
    let record = json!({"metadata": {"generation": 1, "labels": labels}, "status": {"lastStatus": "RUNNING"}});
    assert_eq!(health(&record).0, "Healthy");
    let task = |status: Value| {
        let mut task = object(&[("Accepted", "True"), ("Stalled", "False")], 2);
        task["status"].as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
        health(&task)
    };
    let reason = "CannotPullContainerError: not found";
    let failed = task(json!({"lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedReason": reason}));
    assert_eq!(failed, ("Degraded".into(), reason.into()));
    assert_eq!(task(json!({"lastStatus": "RUNNING"})), ("Progressing".into(), "The task is RUNNING.".into()));
    for (codes, expected) in [([0, 143], "Healthy"), ([0, 1], "Degraded")] {
        let containers: Vec<_> = codes.iter().map(|code| json!({"exitCode": code})).collect();
        let ended = json!({"lastStatus": "STOPPED", "stoppedReason": "", "containers": containers});
        assert_eq!(task(ended).0, expected);
    }
}
