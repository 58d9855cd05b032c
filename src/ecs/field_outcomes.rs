//! What becomes of each field that a user can set, in one table. A test fails when a field of the model has no row.

use serde_json::Value;

use crate::api::{
    field_report::{FieldOutcome, Outcome},
    service::EcsServiceSpec,
    task_definition::RegisterTaskDefinition,
};

use Outcome::{Approximated, Ignored, Mapped};

/// What becomes of one field.
struct Row {
    /// Path below `spec`; `[]` stands for any element of a list.
    path: &'static str,
    outcome: Outcome,
    /// How it differs or why it is ignored; empty when Kubernetes does the same.
    detail: &'static str,
    /// The value that the row speaks of; `None` for any.
    value: Option<&'static str>,
}

const fn mapped(path: &'static str) -> Row {
    Row { path, outcome: Mapped, detail: "", value: None }
}

const fn approximated(path: &'static str, detail: &'static str) -> Row {
    Row { path, outcome: Approximated, detail, value: None }
}

const fn ignored(path: &'static str, detail: &'static str) -> Row {
    Row { path, outcome: Ignored, detail, value: None }
}

/// The same, of one value of the field only.
const fn approximated_value(path: &'static str, value: &'static str, detail: &'static str) -> Row {
    Row { path, outcome: Approximated, detail, value: Some(value) }
}

const TASK_DEFINITION: &[Row] = &[
    mapped("family"),
    mapped("containerDefinitions"),
    mapped("containerDefinitions[].name"),
    mapped("containerDefinitions[].image"),
    mapped("containerDefinitions[].cpu"),
    mapped("containerDefinitions[].memory"),
    mapped("containerDefinitions[].memoryReservation"),
    approximated(
        "containerDefinitions[].essential",
        "A container of a service that ends is started again in the same Pod; ECS would replace the task when it is essential, and leave it stopped when it is not.",
    ),
    mapped("containerDefinitions[].portMappings"),
    mapped("containerDefinitions[].portMappings[].containerPort"),
    mapped("containerDefinitions[].portMappings[].hostPort"),
    mapped("containerDefinitions[].portMappings[].protocol"),
    mapped("containerDefinitions[].portMappings[].name"),
    mapped("containerDefinitions[].portMappings[].appProtocol"),
    mapped("containerDefinitions[].environment"),
    mapped("containerDefinitions[].environment[].name"),
    mapped("containerDefinitions[].environment[].value"),
    mapped("containerDefinitions[].entryPoint"),
    mapped("containerDefinitions[].command"),
    mapped("containerDefinitions[].workingDirectory"),
    mapped("cpu"),
    mapped("memory"),
    mapped("networkMode"),
    approximated_value(
        "networkMode",
        "host",
        "NetworkPolicies do not act in the node's network: no security group holds for these tasks.",
    ),
    approximated_value("networkMode", "bridge", "The containers of a task share one network and its ports."),
    approximated_value(
        "networkMode",
        "none",
        "The task has an address, and a NetworkPolicy that lets nothing in or out.",
    ),
    mapped("requiresCompatibilities"),
];

const SERVICE: &[Row] = &[
    mapped("cluster"),
    mapped("serviceName"),
    mapped("taskDefinition"),
    mapped("desiredCount"),
    mapped("schedulingStrategy"),
    mapped("networkConfiguration"),
    mapped("networkConfiguration.awsvpcConfiguration"),
    ignored(
        "networkConfiguration.awsvpcConfiguration.subnets",
        "The pod network has no subnets: the tasks run on any node.",
    ),
    mapped("networkConfiguration.awsvpcConfiguration.securityGroups"),
    ignored(
        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        "Pods have no public addresses: put a Service of type LoadBalancer or a Gateway in front of the service.",
    ),
    mapped("deploymentConfiguration"),
    mapped("deploymentConfiguration.maximumPercent"),
    mapped("deploymentConfiguration.minimumHealthyPercent"),
    mapped("forceNewDeployment"),
    mapped("kubernetes"),
    mapped("kubernetes.minReadySeconds"),
    mapped("kubernetes.preStopSeconds"),
];

/// The fields of a task definition that Kubernetes does not do as ECS does, of those that the user set.
#[must_use]
pub fn of_task_definition(definition: &RegisterTaskDefinition) -> Vec<FieldOutcome> {
    report(&serde_json::to_value(definition).unwrap_or_default(), TASK_DEFINITION)
}

/// The same for a service.
#[must_use]
pub fn of_service(spec: &EcsServiceSpec) -> Vec<FieldOutcome> {
    report(&serde_json::to_value(spec).unwrap_or_default(), SERVICE)
}

fn report(document: &Value, rows: &[Row]) -> Vec<FieldOutcome> {
    let mut outcomes = Vec::new();
    for_each_field(document, "", "", &mut |path, pattern, value| {
        let speaks_of_it = |row: &&Row| row.path == pattern && row.value.is_none_or(|wanted| value == wanted);
        if let Some(row) = rows.iter().filter(speaks_of_it).find(|row| row.outcome != Mapped) {
            outcomes.push(FieldOutcome { path: path.into(), outcome: row.outcome, detail: row.detail.into() });
        }
    });
    outcomes
}

/// Walks over every set member of a document, with its path and the pattern that the table knows it by.
fn for_each_field(value: &Value, path: &str, pattern: &str, visit: &mut dyn FnMut(&str, &str, &Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                let separator = if path.is_empty() { "" } else { "." };
                let (path, pattern) = (format!("{path}{separator}{name}"), format!("{pattern}{separator}{name}"));
                visit(&path, &pattern, member);
                for_each_field(member, &path, &pattern, visit);
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                for_each_field(entry, &format!("{path}[{index}]"), &format!("{pattern}[]"), visit);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, JSONSchemaPropsOrArray};
    use serde_json::json;

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
        for (kind, rows) in [("TaskDefinition", TASK_DEFINITION), ("EcsService", SERVICE)] {
            let rows: BTreeSet<_> = rows.iter().map(|row| row.path.to_owned()).collect();
            assert_eq!(rows, schema_paths(kind), "{kind}");
        }
    }

    #[test]
    fn what_differs_says_how() {
        for row in TASK_DEFINITION.iter().chain(SERVICE) {
            assert_eq!(row.detail.is_empty(), row.outcome == Mapped, "{}", row.path);
        }
    }

    #[test]
    fn only_what_the_user_set_is_reported() {
        let spec = serde_json::from_value(json!({
            "taskDefinition": "web",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": null}}
        }));
        let paths: Vec<_> = of_service(&spec.unwrap()).into_iter().map(|outcome| outcome.path).collect();
        assert_eq!(paths, ["networkConfiguration.awsvpcConfiguration.subnets"]);
    }
}
