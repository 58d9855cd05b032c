//! Pairs for the fields of a task that runs by itself.

use serde_json::{Value, json};

use super::Pair;

fn of_task(path: &'static str, around: Value, one: Value, other: Value) -> Pair {
    Pair { kind: "EcsTask", path, around, one, other }
}

/// The container has these overrides.
fn overrides(members: &Value) -> Value {
    let mut container = json!({"name": "a"});
    super::merge(&mut container, members);
    json!({"overrides": {"containerOverrides": [container]}})
}

fn requirement(members: &Value) -> Value {
    let mut requirement = json!({"type": "GPU"});
    super::merge(&mut requirement, members);
    overrides(&json!({"resourceRequirements": [requirement]}))
}

pub(super) fn pairs() -> Vec<Pair> {
    let mut pairs = of_containers();
    let none = || json!({});
    let groups = |name: &str| json!({"securityGroups": [name]});
    let network = |name: &str| json!({"awsvpcConfiguration": groups(name)});
    let storage = "overrides.ephemeralStorage.sizeInGiB";
    pairs.extend([
        of_task("cluster", none(), json!("default"), json!("prod")),
        of_task("taskDefinition", none(), json!("web"), json!("api")),
        // The one number that there is: others are refused.
        of_task("count", none(), json!(1), json!(2)),
        of_task("overrides", none(), json!(null), json!({"cpu": "256"})),
        of_task("overrides.cpu", none(), json!("256"), json!("512")),
        of_task("overrides.memory", none(), json!("128"), json!("256")),
        of_task(storage, json!({"taskDefinition": "job"}), json!(21), json!(22)),
        of_task("group", none(), json!("one"), json!("two")),
        of_task("networkConfiguration", none(), json!(null), network("one")),
        of_task("networkConfiguration.awsvpcConfiguration", none(), json!(null), groups("one")),
        of_task("networkConfiguration.awsvpcConfiguration.securityGroups", none(), json!(["one"]), json!(["two"])),
        of_task("desiredStatus", none(), json!("RUNNING"), json!("STOPPED")),
    ]);
    pairs
}

fn of_containers() -> Vec<Pair> {
    let of = |path, around: &Value, one, other| of_task(path, around.clone(), one, other);
    let container = overrides(&json!({}));
    let variable = overrides(&json!({"environment": [{"name": "A", "value": "1"}]}));
    let files = |key: &str| json!([{"value": format!("arn:aws:s3:::bucket/{key}.env"), "type": "s3"}]);
    let gpus = requirement(&json!({"value": "1"}));
    let share = requirement(&json!({"sharingStrategy": {"nvidiaMps": {"memory": 1}}}));
    let shared = |memory: i32| json!({"memory": memory});
    vec![
        of("overrides.containerOverrides", &json!({}), json!(null), json!([{"name": "a", "cpu": 64}])),
        of("overrides.containerOverrides[].name", &container, json!("a"), json!("b")),
        of("overrides.containerOverrides[].command", &container, json!(["one"]), json!(["two"])),
        of("overrides.containerOverrides[].environment", &container, json!(null), json!([{"name": "A", "value": "1"}])),
        of("overrides.containerOverrides[].environment[].name", &variable, json!("A"), json!("B")),
        of("overrides.containerOverrides[].environment[].value", &variable, json!("1"), json!("2")),
        of("overrides.containerOverrides[].environmentFiles", &container, files("one"), files("two")),
        of("overrides.containerOverrides[].cpu", &container, json!(64), json!(128)),
        of("overrides.containerOverrides[].memory", &container, json!(128), json!(256)),
        of("overrides.containerOverrides[].memoryReservation", &container, json!(16), json!(32)),
        of(
            "overrides.containerOverrides[].resourceRequirements",
            &container,
            json!(null),
            json!([{"type": "GPU", "value": "1"}]),
        ),
        of("overrides.containerOverrides[].resourceRequirements[].type", &gpus, json!("GPU"), json!("NeuronDevice")),
        of("overrides.containerOverrides[].resourceRequirements[].value", &gpus, json!("1"), json!("2")),
        of(
            "overrides.containerOverrides[].resourceRequirements[].sharingStrategy.nvidiaMps",
            &share,
            shared(1),
            shared(2),
        ),
        of(
            "overrides.containerOverrides[].resourceRequirements[].sharingStrategy.nvidiaMps.memory",
            &share,
            json!(1),
            json!(2),
        ),
        of(
            "overrides.containerOverrides[].resourceRequirements[].sharingStrategy.nvidiaMps.maxComputePercent",
            &share,
            json!(10),
            json!(20),
        ),
    ]
}
