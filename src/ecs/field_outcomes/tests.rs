//! Every field has a row and every row a field, and a report tells what its rows say.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, JSONSchemaPropsOrArray};
use serde_json::json;

use super::*;
use crate::ecs::kubernetes_version::{self, KubernetesVersion};

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

/// Members that a kind has for no other reason than to answer in full what to do instead of them.
const ANSWERED: [&str; 3] = [
    "deploymentConfiguration.lifecycleHooks",
    "deploymentConfiguration.linearConfiguration",
    "deploymentConfiguration.canaryConfiguration",
];

/// A member that a kind does not have yet is refused, so its row may stand without a field.
#[test]
fn every_field_of_the_model_has_a_row_and_every_row_a_field() {
    for (kind, rows) in tables() {
        let paths_of = |rows: &[DescribedRow]| rows.iter().map(|row| row.path.to_owned()).collect::<BTreeSet<_>>();
        let is_refused = |row: &DescribedRow| row.outcome == Outcome::Refused && row.when.is_empty();
        let (refused, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_refused);
        let (refused, others) = (paths_of(&refused), paths_of(&others));
        let paths = schema_paths(kind);
        let all = refused.union(&others).cloned().collect();
        assert_eq!(paths.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new(), "{kind}: fields without a row");
        assert_eq!(
            others.difference(&paths).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "{kind}: rows without a field"
        );
        if kind != "TaskDefinition" {
            let is_answered = |path: &&String| ANSWERED.iter().any(|whole| path.starts_with(whole));
            let built: Vec<_> = refused.intersection(&paths).filter(|path| !is_answered(path)).collect();
            assert_eq!(built, Vec::<&String>::new(), "{kind}: fields that are there and are still refused");
        }
    }
}

/// The members of ECS's own requests, each with the path that it has here.
const REQUESTS: [(&str, &str); 4] = [
    ("EcsCluster", include_str!("members/create_cluster.txt")),
    ("EcsService", include_str!("members/create_service.txt")),
    ("EcsTask", include_str!("members/run_task.txt")),
    ("TaskDefinition", include_str!("members/register_task_definition.txt")),
];

#[test]
fn every_member_of_a_request_of_ecs_has_a_row() {
    for (kind, members) in REQUESTS {
        let (_, rows) = tables().into_iter().find(|(each, _)| *each == kind).unwrap();
        // What is refused or ignored is so with its members.
        let is_of_whole = |row: &&DescribedRow| match row.outcome {
            Outcome::Refused => true,
            Outcome::Ignored => row.when.is_empty(),
            Outcome::Mapped | Outcome::Approximated => false,
        };
        let wholes: Vec<_> = rows.iter().filter(is_of_whole).map(|row| row.path).collect();
        let has_row = |member: &str| {
            rows.iter().any(|row| row.path == member) || wholes.iter().any(|whole| is_part(member, whole))
        };
        assert!(members.lines().count() > 20, "{kind}: the list of members is not there");
        let without: Vec<_> = members.lines().filter(|member| !has_row(member)).collect();
        assert_eq!(without, Vec::<&str>::new(), "{kind}: members without a row");
    }
}

#[test]
fn a_member_that_a_kind_does_not_have_yet_is_refused_with_what_to_do() {
    assert!(refusal("EcsService", "tags").unwrap().contains("take it out"));
    assert!(refusal("EcsService", "deploymentConfiguration.alarms").is_some());
    assert!(refusal("EcsTask", "overrides.inferenceAcceleratorOverrides").is_some());
    assert_eq!(refusal("EcsService", "desiredCount"), None);
    assert_eq!(refusal("EcsService", "desiredCuont"), None);
    assert_eq!(refusal("EcsSecurityGroup", "tags"), None);
}

#[test]
fn what_differs_says_how() {
    for (kind, rows) in tables() {
        for row in rows {
            assert_eq!(row.detail.is_empty(), row.outcome == Outcome::Mapped, "{kind} {}", row.path);
        }
    }
}

/// For each workload and version the rows of a field end with one that speaks of all values; behind it none would be reached.
#[test]
fn the_row_for_any_value_is_the_last_of_its_field() {
    let versions = [kubernetes_version::LEAST, KubernetesVersion(99)];
    let situations = Workload::ALL.into_iter().flat_map(|workload| versions.map(|version| (workload, version)));
    for (workload, version) in situations {
        for by_path in [&*CLUSTER, &*SERVICE, &*TASK, &*TASK_DEFINITION] {
            for (path, rows) in by_path {
                let rows: Vec<_> = rows.iter().filter(|row| row.speaks_in(workload, version)).collect();
                let of_any: Vec<_> = rows.iter().map(|row| row.when.value.is_none()).collect();
                let last = of_any.len().checked_sub(1);
                assert_eq!(of_any.iter().position(|any| *any), last, "{path} {workload} {version}");
                assert!(last.is_some(), "{path}: nothing is said {workload} on {version}");
            }
        }
    }
}

fn told(document: Value, workload: Option<Workload>, version: KubernetesVersion) -> Vec<FieldOutcome> {
    let definition = serde_json::from_value(document).unwrap();
    let checked = crate::ecs::task_definition::check(&definition, "web");
    let circumstances = Circumstances { workload, version, namespace: "ecs-default" };
    of_task_definition(&definition, checked.as_ref().map_err(Vec::as_slice), circumstances)
}

fn outcomes(document: Value) -> Vec<(String, Outcome)> {
    let outcomes = told(document, Some(Workload::Service), kubernetes_version::LEAST);
    outcomes.into_iter().map(|outcome| (outcome.path, outcome.outcome)).collect()
}

#[test]
fn only_what_the_user_set_is_reported() {
    let spec = serde_json::from_value(json!({
        "taskDefinition": "web",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": null}}
    }));
    let paths: Vec<_> = differences(&of_service(&spec.unwrap(), ServiceCircumstances::default()))
        .into_iter()
        .map(|outcome| outcome.path)
        .collect();
    assert_eq!(paths, ["networkConfiguration.awsvpcConfiguration.subnets"]);
    let empty = json!({"taskRoleArn": "", "containerDefinitions": [
        {"name": "a", "image": "i", "memory": 64, "links": [], "linuxParameters": {}, "ulimits": null, "environment": [{"name": "A", "value": ""}]}]});
    let paths: Vec<_> = outcomes(empty).into_iter().map(|(path, _)| path).collect();
    let environment = "containerDefinitions[0].environment";
    let [name, value] = ["name", "value"].map(|member| format!("{environment}[0].{member}"));
    let [image, memory] = ["image", "memory"].map(|member| format!("containerDefinitions[0].{member}"));
    let expected =
        ["containerDefinitions", environment, &name, &value, &image, &memory, "containerDefinitions[0].name"];
    assert_eq!(paths, expected);
}

#[test]
fn the_outcome_depends_on_what_stands_around_a_field() {
    let check = json!({"command": ["CMD", "true"], "startPeriod": 5});
    let with = |condition: &str| {
        json!({"containerDefinitions": [
            {"name": "a", "image": "i", "memory": 64, "essential": false, "healthCheck": check},
            {"name": "b", "image": "i", "memory": 64, "dependsOn": [{"containerName": "a", "condition": condition}]}]})
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
    let outcomes = told(document, Some(Workload::Service), kubernetes_version::LEAST);
    let details: Vec<_> = differences(&outcomes).into_iter().map(|each| each.detail).collect();
    let is_told = |text: &str| details.iter().any(|detail| detail.contains(text));
    assert!(is_told("the entry password of the Secret prod-db, whatever the version"), "{details:?}");
    let command = "kubectl -n ecs-default create secret generic prod-db --from-literal=password=VALUE";
    assert!(details.iter().any(|detail| detail.ends_with(command)), "{details:?}");
    assert!(is_told("the ServiceAccount ecs-role-app-"), "{details:?}");
}

#[test]
fn a_broken_rule_is_the_outcome_of_its_field() {
    let accelerators = json!([{"deviceName": "a", "deviceType": "b"}]);
    let document = json!({"cpu": "x", "containerDefinitions": [], "inferenceAccelerators": accelerators});
    let refused: Vec<_> = told(document, None, kubernetes_version::LEAST)
        .into_iter()
        .filter(|outcome| outcome.outcome == Outcome::Refused)
        .map(|outcome| outcome.path)
        .collect();
    let of_accelerator = ["inferenceAccelerators[0].deviceName", "inferenceAccelerators[0].deviceType"];
    assert_eq!(refused[..2], ["cpu", "inferenceAccelerators"]);
    assert_eq!(refused[2..4], of_accelerator);
    assert_eq!(refused[4..], ["containerDefinitions"]);
}

#[test]
fn an_override_is_told_as_the_member_of_the_definition_is() {
    let file = json!({"type": "s3", "value": "arn:aws:s3:::bucket/web.env"});
    let overrides = json!({"taskRoleArn": "App", "containerOverrides": [{"name": "a", "environmentFiles": [file]}]});
    let spec = serde_json::from_value(json!({"taskDefinition": "web", "overrides": overrides})).unwrap();
    let of_task = differences(&of_task(&spec, "ecs-shop", false));
    let container = json!({"name": "a", "image": "i", "memory": 64, "environmentFiles": [file]});
    let document = json!({"taskRoleArn": "App", "containerDefinitions": [container]});
    let definition = serde_json::from_value(document).unwrap();
    let checked = crate::ecs::task_definition::check(&definition, "web");
    let circumstances =
        Circumstances { workload: Some(Workload::Task), version: kubernetes_version::LEAST, namespace: "ecs-shop" };
    let of_definition = of_task_definition(&definition, checked.as_ref().map_err(Vec::as_slice), circumstances);
    for (path, of) in [
        ("taskRoleArn", "taskRoleArn"),
        ("containerOverrides[0].environmentFiles[0].value", "containerDefinitions[0].environmentFiles[0].value"),
    ] {
        let told = of_task.iter().find(|each| each.path == format!("overrides.{path}")).unwrap();
        assert_eq!(told.detail, of_definition.iter().find(|each| each.path == of).unwrap().detail);
    }
    assert!(of_task.iter().any(|each| each.detail.contains("kubectl -n ecs-shop create configmap")), "{of_task:?}");
}

/// What is told of one field, by service and task, before and from Kubernetes 1.35.
fn details(document: &Value, path: &str) -> [(Outcome, String); 4] {
    let of = |workload, minor| {
        let outcomes = told(document.clone(), Some(workload), KubernetesVersion(minor));
        let found = outcomes.into_iter().find(|each| each.path == path).unwrap();
        (found.outcome, found.detail)
    };
    [of(Workload::Service, 34), of(Workload::Service, 35), of(Workload::Task, 34), of(Workload::Task, 35)]
}

#[test]
fn the_outcome_depends_on_who_runs_the_task_and_on_the_version() {
    use Outcome::{Approximated, Ignored, Mapped};
    let container = |name: &str| json!({"name": name, "image": "i", "memory": 64});
    let mut of = [container("a"), container("b")];
    of[0]["essential"] = json!(false);
    of[0]["restartPolicy"] = json!({"enabled": true});
    of[0]["portMappings"] = json!([{"containerPort": 80, "name": "http", "appProtocol": "http"}]);
    let document = json!({ "containerDefinitions": of });
    let outcomes =
        |member: &str| details(&document, &format!("containerDefinitions[0].{member}")).map(|(each, _)| each);
    assert_eq!(outcomes("restartPolicy"), [Approximated, Approximated, Ignored, Mapped]);
    assert_eq!(outcomes("essential"), [Approximated, Approximated, Mapped, Mapped]);
    assert_eq!(outcomes("portMappings[0].appProtocol"), [Mapped, Mapped, Ignored, Ignored]);
    let both = told(document.clone(), None, KubernetesVersion(35));
    let of_both = both.into_iter().find(|each| each.path.ends_with("appProtocol")).unwrap();
    assert_eq!(of_both.outcome, Approximated);
    assert!(
        of_both.detail.starts_with("In a service: Kubernetes does the same. A task by itself: It is ignored. Only")
    );
}

#[test]
fn a_job_that_fails_is_told_as_it_goes() {
    let container = |name: &str, essential: bool, depends_on: Value| json!({"name": name, "image": "i", "memory": 64, "essential": essential, "dependsOn": depends_on});
    let waits = |condition: &str| json!([{"containerName": "a", "condition": condition}]);
    let (a, b) = (container("a", false, json!(null)), container("b", true, waits("SUCCESS")));
    let c = container("c", false, waits("COMPLETE"));
    let path = |index: usize| format!("containerDefinitions[{index}].dependsOn[0].condition");
    let is_retried = |document: &Value, index: usize| {
        details(document, &path(index)).map(|(_, detail)| detail.contains("is tried again until it succeeds"))
    };
    let both = json!({"containerDefinitions": [a, b, c]});
    assert_eq!(is_retried(&both, 1), [true, false, false, false]);
    assert_eq!(is_retried(&both, 2), [true, false, false, false]);
    let complete = json!({"containerDefinitions": [a, container("b", true, json!(null)), c]});
    assert_eq!(is_retried(&complete, 2), [true, true, false, false]);
}

#[test]
fn a_name_that_kubernetes_cannot_have_is_told_with_the_one_that_it_has() {
    let document = json!({"family": "Web_App", "containerDefinitions": [
        {"name": "Main", "image": "i", "memory": 64, "portMappings": [{"containerPort": 80, "name": "a_name"}]}]});
    let outcomes = told(document, Some(Workload::Service), kubernetes_version::LEAST);
    let of = |path: &str| outcomes.iter().find(|each| each.path == path).unwrap();
    for (path, name) in [
        ("family", crate::ecs::slug::slug("Web_App", 63)),
        ("containerDefinitions[0].name", crate::ecs::slug::slug("Main", 63)),
        ("containerDefinitions[0].portMappings[0].name", crate::ecs::slug::slug("a_name", 15)),
    ] {
        assert_eq!(of(path).outcome, Outcome::Approximated, "{path}");
        assert!(of(path).detail.contains(&format!("It is called {name} in")), "{}", of(path).detail);
    }
}
