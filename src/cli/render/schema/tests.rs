//! Documents against the schema: every bound that it has, and any document at all.

use super::*;
use proptest::prelude::*;
use serde_json::json;

use crate::api::register_task_definition::RegisterTaskDefinition;

fn schema() -> &'static JSONSchemaProps {
    of_kind("TaskDefinition").unwrap()
}

fn faults(document: &Value) -> Vec<(String, FaultKind)> {
    read(document, schema()).faults.into_iter().map(|fault| (fault.path, fault.kind)).collect()
}

#[test]
fn every_wrong_form_is_told_and_the_rest_is_read() {
    let document = json!({
        "family": 5, "networkMode": "vpc", "cpu": [], "volumes": {}, "tags": null, "pidMode": "TASK",
        "containerDefinitions": [
            {"name": "web", "image": "nginx", "memory": "128", "essential": "true", "command": "run", "imgae": 1},
            "db",
            {"image": "x", "environment": [{"name": "A", "value": 1}], "dependsOn": [{"containerName": "web"}]}]});
    let reading = read(&document, schema());
    let told: Vec<_> = reading.faults.iter().map(|fault| fault.path.as_str()).collect();
    let c = |path: &str| format!("containerDefinitions{path}");
    let mut expected: Vec<String> = ["family", "networkMode", "cpu", "volumes", "pidMode"].map(str::to_owned).into();
    expected.extend(
        ["[0].memory", "[0].essential", "[0].command", "[0].imgae", "[1]", "[2].environment[0].value", "[2].name"]
            .map(c),
    );
    expected.push(c("[2].dependsOn[0].condition"));
    let (mut told, mut wanted) = (told, expected.iter().map(String::as_str).collect::<Vec<_>>());
    told.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(told, wanted);
    let definition: RegisterTaskDefinition = serde_json::from_value(reading.value.clone()).unwrap();
    let containers = definition.container_definitions.unwrap();
    assert_eq!((containers[0].memory, containers[0].essential, containers.len()), (Some(128), Some(true), 3));
    assert_eq!(reading.value["family"], "5");
    assert_eq!(reading.value["pidMode"], "task");
    assert_eq!(reading.value["containerDefinitions"][2]["environment"][0]["value"], "1");
}

#[test]
fn what_a_member_was_meant_to_be_is_read_under_its_name() {
    let reading = read(&json!({"Family": "web", "networkMod": "host"}), schema());
    assert_eq!(reading.value, json!({"family": "web", "networkMode": "host"}));
    assert!(reading.faults.iter().all(|fault| fault.kind == FaultKind::Member));
    // One that is there already is not replaced.
    assert_eq!(read(&json!({"family": "a", "Family": "b"}), schema()).value, json!({"family": "a"}));
}

/// Fields of a schema with their paths, lists entered by their first entry.
fn for_each_field(schema: &JSONSchemaProps, path: &str, visit: &mut dyn FnMut(&str, &JSONSchemaProps)) {
    visit(path, schema);
    for (name, of_member) in schema.properties.iter().flatten() {
        for_each_field(of_member, &join(path, name), visit);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        for_each_field(items, &format!("{path}[0]"), visit);
    }
}

/// A document with a value at a path, and what is required around it.
fn document_with(path: &str, value: Value) -> Value {
    let mut document = stand_in(schema());
    let (mut place, mut of_place) = (&mut document, schema());
    for part in path.replace("[0]", ".[0]").split('.').filter(|part| !part.is_empty()) {
        if part == "[0]" {
            let Some(JSONSchemaPropsOrArray::Schema(items)) = &of_place.items else { unreachable!() };
            *place = json!([stand_in(items)]);
            (place, of_place) = (&mut place[0], items);
        } else {
            of_place = &of_place.properties.as_ref().unwrap()[part];
            place = place.as_object_mut().unwrap().entry(part).or_insert_with(|| stand_in(of_place));
        }
    }
    *place = value;
    document
}

/// Values just outside of the bounds of a field.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds are small whole numbers")]
fn outside(schema: &JSONSchemaProps) -> Vec<Value> {
    let mut values = Vec::new();
    values.extend(schema.minimum.map(|least| json!(least as i64 - 1)));
    values.extend(schema.maximum.map(|most| json!(most as i64 + 1)));
    values.extend(schema.max_length.map(|most| json!("x".repeat(most as usize + 1))));
    values.extend(schema.min_length.map(|_| json!("")));
    values.extend(schema.pattern.as_ref().map(|_| json!("?")));
    values.extend(schema.enum_.as_ref().map(|_| json!("no word of it")));
    values.extend(schema.min_items.map(|_| json!([])));
    if let (Some(most), Some(JSONSchemaPropsOrArray::Schema(items))) = (schema.max_items, &schema.items) {
        values.push(Value::Array(vec![stand_in(items); most as usize + 1]));
    }
    values
}

#[test]
fn every_bound_of_the_schema_is_told() {
    let mut tried = 0;
    for_each_field(schema(), "", &mut |path, of_field| {
        for value in outside(of_field) {
            tried += 1;
            let told = faults(&document_with(path, value.clone()));
            assert!(told.iter().any(|(of, _)| of == path), "{value} at {path} is not among {told:?}");
        }
    });
    assert!(tried > 100, "only {tried} bounds were found");
}

#[test]
fn what_stands_in_has_no_faults() {
    for_each_field(schema(), "", &mut |path, of_field| {
        if !path.is_empty() {
            let value = stand_in(of_field);
            assert_eq!(faults(&document_with(path, value)), [], "{path}");
        }
    });
}

/// Any value, with members that the schema knows among others.
fn any_value() -> impl Strategy<Value = Value> {
    let mut names = vec!["unknown".to_owned()];
    for_each_field(schema(), "", &mut |path, _| names.extend(path.rsplit('.').next().map(str::to_owned)));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_i64..70_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        let name = proptest::sample::select(names.clone());
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_read_is_a_task_definition(document in any_value()) {
        let reading = read(&document, schema());
        let definition: Result<RegisterTaskDefinition, _> = serde_json::from_value(reading.value.clone());
        prop_assert!(definition.is_ok(), "{definition:?} from {}", reading.value);
        // What is read has the right form.
        let again = read(&reading.value, schema());
        prop_assert!(again.faults.iter().all(|fault| fault.kind == FaultKind::Bound), "{:?}", again.faults);
    }
}
