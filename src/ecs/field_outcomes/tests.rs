//! Every field has a row and every row a field, and a report tells what its rows say.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, JSONSchemaPropsOrArray};
use serde_json::json;

use super::*;

/// Every path of a kind's spec, as its schema has them.
fn schema_paths(kind: &str) -> BTreeSet<String> {
    let crd = crate::api::crds().into_iter().find(|crd| crd.spec.names.kind == kind).unwrap();
    let schema = crd.spec.versions[0].schema.clone().unwrap().open_api_v3_schema.unwrap();
    let mut paths = BTreeSet::new();
    collect(&schema.properties.unwrap()["spec"], "", &mut paths);
    paths
}

fn collect(schema: &JSONSchemaProps, path: &str, paths: &mut BTreeSet<String>) {
    for (name, property) in schema.properties.iter().flatten() {
        let separator = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{separator}{name}");
        paths.insert(path.clone());
        collect(property, &path, paths);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        collect(items, &format!("{path}[]"), paths);
    }
}

#[test]
fn every_field_of_the_model_has_a_row_and_every_row_a_field() {
    for (kind, rows) in tables() {
        let rows: BTreeSet<_> = rows.iter().map(|(path, ..)| (*path).to_owned()).collect();
        let paths = schema_paths(kind);
        assert_eq!(paths.difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new(), "{kind}: fields without a row");
        assert_eq!(rows.difference(&paths).collect::<Vec<_>>(), Vec::<&String>::new(), "{kind}: rows without a field");
    }
}

#[test]
fn what_differs_says_how() {
    for (kind, rows) in tables() {
        for (path, outcome, detail) in rows {
            assert_eq!(detail.is_empty(), outcome == Outcome::Mapped, "{kind} {path}");
        }
    }
}

/// A row behind one that speaks of all values would never be reached.
#[test]
fn the_row_for_any_value_is_the_last_of_its_field() {
    for rows in [task_definition_rows().collect::<Vec<_>>(), service::ROWS.iter().collect()] {
        for (index, row) in rows.iter().enumerate() {
            let is_last = !rows[index + 1..].iter().any(|later| later.path == row.path);
            assert_eq!(is_last, row.when.is_none(), "{}", row.path);
        }
    }
}

fn outcomes(document: Value) -> Vec<(String, Outcome)> {
    let definition = serde_json::from_value(document).unwrap();
    of_task_definition(&definition, &[]).into_iter().map(|outcome| (outcome.path, outcome.outcome)).collect()
}

#[test]
fn only_what_the_user_set_is_reported() {
    let spec = serde_json::from_value(json!({
        "taskDefinition": "web",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": null}}
    }));
    let paths: Vec<_> = differences(&of_service(&spec.unwrap())).into_iter().map(|outcome| outcome.path).collect();
    assert_eq!(paths, ["networkConfiguration.awsvpcConfiguration.subnets"]);
    let empty = json!({"taskRoleArn": "", "containerDefinitions": [
        {"name": "a", "links": [], "linuxParameters": {}, "ulimits": null, "environment": [{"value": ""}]}]});
    let paths: Vec<_> = outcomes(empty).into_iter().map(|(path, _)| path).collect();
    let environment = "containerDefinitions[0].environment";
    let value = format!("{environment}[0].value");
    assert_eq!(paths, ["containerDefinitions", environment, &value, "containerDefinitions[0].name"]);
}

#[test]
fn the_outcome_depends_on_what_stands_around_a_field() {
    let check = json!({"command": ["CMD", "true"], "startPeriod": 5});
    let with = |condition: &str| {
        json!({"containerDefinitions": [
            {"name": "a", "essential": false, "healthCheck": check},
            {"name": "b", "dependsOn": [{"containerName": "a", "condition": condition}]}]})
    };
    let of = |document: Value, path: &str| outcomes(document).into_iter().find(|(each, _)| each == path).unwrap().1;
    let period = "containerDefinitions[0].healthCheck.startPeriod";
    assert_eq!(of(with("HEALTHY"), period), Outcome::Mapped);
    assert_eq!(of(with("START"), period), Outcome::Approximated);
    assert_eq!(of(with("SUCCESS"), "containerDefinitions[0].healthCheck"), Outcome::Ignored);
    assert_eq!(of(with("SUCCESS"), "containerDefinitions[0].healthCheck.command"), Outcome::Ignored);
}

#[test]
fn names_that_have_to_be_there_are_told() {
    let document = json!({
        "taskRoleArn": "arn:aws:iam::123456789012:role/App",
        "containerDefinitions": [{"name": "a", "secrets": [
            {"name": "PASSWORD", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod-db-AbCdEf:password::"}]}]
    });
    let definition = serde_json::from_value(document).unwrap();
    let details: Vec<_> =
        differences(&of_task_definition(&definition, &[])).into_iter().map(|each| each.detail).collect();
    let told = |text: &str| details.iter().any(|detail| detail.contains(text));
    assert!(told("the entry password of the Secret prod-db in the Namespace"), "{details:?}");
    assert!(told("the ServiceAccount ecs-role-app-"), "{details:?}");
}

#[test]
fn a_broken_rule_is_the_outcome_of_its_field() {
    let accelerators = json!([{"deviceName": "a", "deviceType": "b"}]);
    let document = json!({"cpu": "x", "containerDefinitions": [], "inferenceAccelerators": accelerators});
    let definition = serde_json::from_value(document).unwrap();
    let violations = crate::ecs::task_definition::check(&definition, "web").unwrap_err();
    let refused: Vec<_> = of_task_definition(&definition, &violations)
        .into_iter()
        .filter(|outcome| outcome.outcome == Outcome::Refused)
        .map(|outcome| outcome.path)
        .collect();
    let of_accelerator = ["inferenceAccelerators[0].deviceName", "inferenceAccelerators[0].deviceType"];
    assert_eq!(refused[..2], ["cpu", "inferenceAccelerators"]);
    assert_eq!(refused[2..4], of_accelerator);
    assert_eq!(refused[4..], ["containerDefinitions"]);
}
