//! Overrides of each member, and where a broken rule is told.

use serde_json::{Value, json};

use super::*;

fn definition() -> Value {
    json!({"family": "web", "taskRoleArn": "app", "containerDefinitions": [
        {"name": "proxy", "image": "envoy", "memory": 64},
        {"name": "app", "image": "nginx", "memory": 128, "memoryReservation": 64, "command": ["serve"],
         "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
    ]})
}

fn applied(definition: &Value, overrides: &Value) -> Result<Value, Vec<Violation>> {
    let definition = serde_json::from_value(definition.clone()).unwrap();
    let overrides = serde_json::from_value(overrides.clone()).unwrap();
    apply(&definition, &overrides).map(|overridden| serde_json::to_value(overridden).unwrap())
}

/// The definition with another value in place of one of its.
fn with(pointer: &str, member: &str, value: Value) -> Value {
    let mut definition = definition();
    definition.pointer_mut(pointer).unwrap()[member] = value;
    definition
}

fn of_app(member: &str, value: Value) -> Value {
    let mut of_app = json!({"name": "app"});
    of_app[member] = value;
    json!({"containerOverrides": [of_app]})
}

fn broken(definition: &Value, overrides: &Value) -> Vec<(&'static str, String, String)> {
    let definition = serde_json::from_value(definition.clone()).unwrap();
    let overrides = serde_json::from_value(overrides.clone()).unwrap();
    let violations = check(&definition, &overrides, "web").err().unwrap_or_default();
    violations.into_iter().map(|violation| (violation.rule, violation.path, violation.message)).collect()
}

#[test]
fn each_member_takes_the_place_of_the_definitions() {
    let app = "/containerDefinitions/1";
    let file = json!([{"value": "arn:aws:s3:::bucket/a.env", "type": "s3"}]);
    let gpu = json!([{"type": "GPU", "value": "1"}]);
    for (overrides, pointer, member, value) in [
        (json!({"cpu": "512"}), "", "cpu", json!("512")),
        (json!({"memory": 1024}), "", "memory", json!(1024)),
        (json!({"taskRoleArn": "job"}), "", "taskRoleArn", json!("job")),
        (json!({"executionRoleArn": "puller"}), "", "executionRoleArn", json!("puller")),
        (json!({"ephemeralStorage": {"sizeInGiB": 30}}), "", "ephemeralStorage", json!({"sizeInGiB": 30})),
        (of_app("command", json!(["migrate", "--all"])), app, "command", json!(["migrate", "--all"])),
        (of_app("environmentFiles", file.clone()), app, "environmentFiles", file),
        (of_app("resourceRequirements", gpu.clone()), app, "resourceRequirements", gpu),
        (of_app("cpu", json!(128)), app, "cpu", json!(128)),
        (of_app("memory", json!(256)), app, "memory", json!(256)),
        (of_app("memoryReservation", json!(32)), app, "memoryReservation", json!(32)),
    ] {
        assert_eq!(applied(&definition(), &overrides).unwrap(), with(pointer, member, value), "{overrides}");
    }
}

#[test]
fn what_is_empty_overrides_nothing() {
    for overrides in [
        json!({}),
        json!({"containerOverrides": [], "cpu": "", "memory": "", "taskRoleArn": "", "executionRoleArn": ""}),
        json!({"containerOverrides": [{"name": "app", "command": [], "environment": [], "environmentFiles": [],
               "resourceRequirements": []}, {"name": "proxy"}]}),
    ] {
        assert_eq!(applied(&definition(), &overrides).unwrap(), definition(), "{overrides}");
    }
}

#[test]
fn variables_are_merged_by_name() {
    let pair = |name: &str, value: &str| json!({"name": name, "value": value});
    let given = json!([pair("C", "3"), pair("B", ""), pair("C", "4")]);
    let merged = json!([pair("A", "1"), pair("B", ""), pair("C", "4")]);
    let expected = with("/containerDefinitions/1", "environment", merged);
    assert_eq!(applied(&definition(), &of_app("environment", given)).unwrap(), expected);
    let of_proxy = json!({"containerOverrides": [{"name": "proxy", "environment": [pair("D", "1")]}]});
    let expected = with("/containerDefinitions/0", "environment", json!([pair("D", "1")]));
    assert_eq!(applied(&definition(), &of_proxy).unwrap(), expected);
}

#[test]
fn names_are_those_of_containers_and_each_is_there_once() {
    for (overrides, path, told) in [
        (
            json!([{"name": "ap"}]),
            0,
            "Override for container named ap is not a container in the TaskDefinition. Its containers are: proxy, app.",
        ),
        (
            json!([{"name": "app"}, {"cpu": 1}]),
            1,
            "Override for container named  is not a container in the TaskDefinition. Its containers are: proxy, app.",
        ),
        (
            json!([{"name": "app"}, {"name": "app"}]),
            1,
            "Container app is overridden more than once: put its overrides into one entry.",
        ),
    ] {
        let violations = applied(&definition(), &json!({"containerOverrides": overrides})).unwrap_err();
        let path = format!("spec.overrides.containerOverrides[{path}].name");
        assert_eq!(violations, [Violation::new("RT04", path, told)], "{overrides}");
    }
}

#[test]
fn overrides_have_at_most_8192_characters() {
    let around = serde_json::to_string(&of_app("command", json!([""]))).unwrap().len();
    // Characters are counted, not bytes.
    let longest = "ü".repeat(8192 - around);
    assert!(applied(&definition(), &of_app("command", json!([longest]))).is_ok());
    let violations = applied(&definition(), &of_app("command", json!([longest + "ü"]))).unwrap_err();
    assert_eq!((violations[0].rule, violations[0].path.as_str()), ("RT05", "spec.overrides"));
}

#[test]
fn a_broken_rule_is_told_at_the_override_that_breaks_it() {
    let app = "spec.overrides.containerOverrides[0]";
    for (overrides, rule, path) in [
        (json!({"cpu": "much"}), "TD05", "spec.overrides.cpu".to_owned()),
        (json!({"taskRoleArn": "a b"}), "TD44", "spec.overrides.taskRoleArn".to_owned()),
        (json!({"ephemeralStorage": {"sizeInGiB": 30}}), "TF15", "spec.overrides.ephemeralStorage".to_owned()),
        (of_app("memory", json!(5)), "TD14", format!("{app}.memory")),
        (of_app("memory", json!(32)), "TD11", format!("{app}.memory")),
        (
            of_app("environmentFiles", json!([{"value": "a", "type": "s3"}])),
            "TD32",
            format!("{app}.environmentFiles[0].value"),
        ),
        (
            of_app("environment", json!([{"name": "B"}, {"name": "=", "value": "1"}])),
            "OP12",
            format!("{app}.environment[1].name"),
        ),
        (of_app("command", json!(["\u{0}"])), "OP13", format!("{app}.command[0]")),
    ] {
        let broken = broken(&definition(), &overrides);
        assert!(broken.iter().any(|(is, at, _)| (*is, at) == (rule, &path)), "{overrides}: {broken:?}");
    }
}

#[test]
fn a_rule_that_several_members_break_is_told_at_the_overrides() {
    let app = "With the overrides of this task the task definition has spec.containerDefinitions[1]";
    // The container's reservation is the definition's, and is more than the new limit of the task.
    let lowered = broken(&definition(), &json!({"memory": "100"}));
    assert_eq!((lowered[0].0, lowered[0].1.as_str()), ("TD12", "spec.overrides"));
    assert!(lowered[0].2.starts_with(&format!("{app}.memory: The 'memory' setting")), "{lowered:?}");
    let mut with_secret = with("/containerDefinitions/1", "secrets", json!([{"name": "TOKEN", "valueFrom": "token"}]));
    with_secret["executionRoleArn"] = json!("puller");
    let shared = broken(&with_secret, &of_app("environment", json!([{"name": "TOKEN", "value": "1"}])));
    assert_eq!((shared[0].0, shared[0].1.as_str()), ("TD34", "spec.overrides"));
    assert!(shared[0].2.starts_with(&format!("{app}.secrets[0].name: ")), "{shared:?}");
}

#[test]
fn sizes_of_fargate_are_checked_again() {
    let mut fargate = definition();
    for (member, value) in [
        ("requiresCompatibilities", json!(["FARGATE"])),
        ("networkMode", json!("awsvpc")),
        ("cpu", json!("256")),
        ("memory", json!("512")),
    ] {
        fargate[member] = value;
    }
    assert_eq!(broken(&fargate, &json!({"cpu": "512", "memory": "1024"})), []);
    let alone = broken(&fargate, &json!({"cpu": "512"}));
    assert_eq!((alone[0].0, alone[0].1.as_str()), ("TF04", "spec.overrides.cpu"));
    let alone = broken(&fargate, &json!({"memory": "4096"}));
    assert_eq!((alone[0].0, alone[0].1.as_str()), ("TF04", "spec.overrides"));
}

#[test]
fn what_was_broken_before_is_told_at_the_definition() {
    let two = with("/containerDefinitions/0", "image", json!(""));
    let broken = broken(&two, &of_app("memory", json!(5)));
    let paths: Vec<_> = broken.iter().map(|(_, path, _)| path.as_str()).collect();
    assert!(paths.contains(&"spec.containerDefinitions[0].image"), "{broken:?}");
    assert!(paths.contains(&"spec.overrides.containerOverrides[0].memory"), "{broken:?}");
}
