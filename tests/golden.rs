//! Whole translations: ECS documents in (`golden/*.in.yaml`), every Kubernetes object out (`golden/*.yaml`), through the
//! pure layers only. `UPDATE_GOLDEN=1 cargo test --test golden` writes the expected files anew; read the difference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

use std::{fs, path::PathBuf};

use ecs_operator::{
    api::{
        cluster::{EcsCluster, EcsClusterSpec},
        security_group::{EcsSecurityGroup, EcsSecurityGroupSpec},
        service::{EcsService, EcsServiceSpec},
        task_definition::{NetworkMode, RegisterTaskDefinition},
    },
    ecs::{self, arn::ArnScope, field_outcomes, normalise::normalise},
    translate::{
        deployment::{Workload, deployment},
        kubernetes_service::cluster_ip_service,
        names, namespace, network_policy,
        owner::Owner,
        pod_template::{TaskTemplate, pod_template},
        revision, security_group,
        snapshot::{Snapshot, Trigger},
    },
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const NAMESPACE: &str = "ecs-default";
const UID: &str = "00000000-0000-4000-8000-000000000001";

/// One case: the specs as a user writes them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    task_definition: Option<RegisterTaskDefinition>,
    service: Option<EcsServiceSpec>,
    security_group: Option<EcsSecurityGroupSpec>,
    cluster: Option<EcsClusterSpec>,
    /// Name of the object; the family of the task definition unless given.
    object: Option<String>,
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        namespace: Some(NAMESPACE.into()),
        uid: Some(UID.into()),
        ..Default::default()
    }
}

/// An object with its kind, in the form of `kubectl get -o yaml`.
fn typed<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Value {
    let mut value = json!({ "apiVersion": K::api_version(&()), "kind": K::kind(&()) });
    let object = serde_json::to_value(object).unwrap();
    value.as_object_mut().unwrap().extend(object.as_object().unwrap().clone());
    value
}

fn translate(case: Case) -> Vec<Value> {
    let mut objects = Vec::new();
    if let Some(spec) = case.cluster {
        let name = case.object.clone().unwrap();
        let level = spec.kubernetes.as_ref().and_then(|kubernetes| kubernetes.pod_security).unwrap_or_default();
        let cluster_name = spec.cluster_name.clone().unwrap_or_else(|| name.clone());
        let cluster = EcsCluster { metadata: metadata(&name), spec, status: None };
        objects.push(typed(&namespace::made(&names::namespace(&cluster_name), &name, &Owner::of(&cluster), level)));
    }
    if let Some(spec) = case.security_group {
        let name = case.object.clone().unwrap();
        objects.push(policy_of(&EcsSecurityGroup { metadata: metadata(&name), spec, status: None }));
    }
    if let (Some(definition), Some(service)) = (case.task_definition, case.service) {
        let family = definition.family.clone().unwrap();
        let object = case.object.unwrap_or_else(|| family.clone());
        translate_service(&definition, &family, &object, service, &mut objects);
    }
    objects
}

fn policy_of(group: &EcsSecurityGroup) -> Value {
    let checked = ecs::security_group::check(&group.spec).unwrap();
    typed(&network_policy::of_group(NAMESPACE, group.metadata.name.as_ref().unwrap(), &Owner::of(group), &checked))
}

fn translate_service(
    definition: &RegisterTaskDefinition,
    family: &str,
    object: &str,
    spec: EcsServiceSpec,
    objects: &mut Vec<Value>,
) {
    let arns = ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() };
    let task_definition = ecs::task_definition::check(definition, family).unwrap();
    let service = ecs::service::check(&spec, object).unwrap();
    ecs::service::check_network(&service, task_definition.network_mode).unwrap();
    let number = service.task_definition.revision.unwrap_or(1);
    objects.push(typed(&revision::revision(NAMESPACE, UID, number, normalise(definition, &task_definition))));

    let outcomes = json!({
        "fieldOutcomes of the task definition": field_outcomes::of_task_definition(definition),
        "fieldOutcomes of the service": field_outcomes::of_service(&spec),
    });
    let network_configuration = serde_json::to_value(&spec.network_configuration).unwrap();
    let owner = Owner::of(&EcsService { metadata: metadata(object), spec, status: None });
    let mode = task_definition.network_mode;
    let closed = matches!(mode, Some(NetworkMode::Host | NetworkMode::None));
    let mut groups = service.security_groups.clone();
    if groups.is_empty() && !closed {
        let mut group = security_group::of_service(NAMESPACE, "default", object, &owner, &task_definition.ports());
        objects.push(typed(&group));
        group.metadata.uid = Some(UID.into());
        objects.push(policy_of(&group));
        groups.push(names::workload(object));
    }
    if mode == Some(NetworkMode::None) {
        objects.push(typed(&network_policy::isolation(NAMESPACE, object, &owner)));
    }
    objects
        .extend(cluster_ip_service(NAMESPACE, "default", object, &owner, &task_definition.ports()).iter().map(typed));
    let template = pod_template(TaskTemplate {
        arns: &arns,
        cluster_object: "default",
        service_object: object,
        task_definition: &task_definition,
        revision: number,
        deployment: 1,
        security_groups: &groups,
        pre_stop_seconds: service.pre_stop_seconds,
    });
    let trigger = Trigger {
        family: family.into(),
        revision: number,
        network_configuration,
        force_new_deployment: service.force_new_deployment.clone(),
        pre_stop_seconds: service.pre_stop_seconds,
    };
    let snapshot = Snapshot::new(1, trigger, &template);
    objects.push(typed(&snapshot.controller_revision(NAMESPACE, object, &owner)));
    let desired_count = service.desired_count.unwrap_or(1);
    let workload = Workload {
        namespace: NAMESPACE,
        cluster_object: "default",
        service_object: object,
        owner: &owner,
        desired_count,
        limits: service.percentages.limits(desired_count),
        min_ready_seconds: service.min_ready_seconds,
    };
    objects.push(deployment(workload, &snapshot));
    objects.push(outcomes);
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Names of the cases, sorted.
fn cases() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = files.filter_map(|file| file.strip_suffix(".in.yaml").map(str::to_owned)).collect();
    names.sort();
    names
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_default()
}

fn render(objects: &[Value]) -> String {
    let documents = objects.iter().map(|object| serde_saphyr::to_string(object).unwrap());
    documents.fold(String::new(), |all, document| all + "---\n" + &document)
}

#[test]
fn every_translation_is_what_its_file_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    assert!(cases().len() >= 10, "only {} cases were found", cases().len());
    for name in cases() {
        let case: Case =
            serde_saphyr::from_str(&read(&format!("{name}.in.yaml"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = read(&format!("{name}.yaml"));
        let actual = render(&translate(case));
        assert!(!actual.is_empty(), "{name} makes no object");
        if update {
            fs::write(folder().join(format!("{name}.yaml")), actual).unwrap();
        } else if actual != expected {
            wrong.push(format!("{name}:\n{}", first_difference(&expected, &actual)));
        }
    }
    assert!(wrong.is_empty(), "{}\nUPDATE_GOLDEN=1 cargo test --test golden accepts this", wrong.join("\n"));
}

fn first_difference(expected: &str, actual: &str) -> String {
    let lines = expected
        .lines()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(actual.lines().map(Some).chain(std::iter::repeat(None)));
    let differing = lines.enumerate().take(100_000).find(|(_, (expected, actual))| expected != actual);
    differing.map_or_else(String::new, |(index, (expected, actual))| {
        format!(
            "line {}\n  expected {}\n  actual   {}",
            index + 1,
            expected.unwrap_or("nothing"),
            actual.unwrap_or("nothing")
        )
    })
}

#[test]
fn every_expected_file_belongs_to_a_case() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let outputs =
        files.filter(|file| !file.ends_with(".in.yaml")).map(|file| file.trim_end_matches(".yaml").to_owned());
    for output in outputs {
        assert!(cases().contains(&output), "{output}.yaml has no {output}.in.yaml");
    }
}

#[test]
fn what_is_expected_can_be_read_again_and_is_what_was_made() {
    for name in cases() {
        let case: Case = serde_saphyr::from_str(&read(&format!("{name}.in.yaml"))).unwrap();
        for object in translate(case) {
            let text = serde_saphyr::to_string(&object).unwrap();
            let again: Value = serde_saphyr::from_str(&text).unwrap();
            assert_eq!(again, object, "{name}");
        }
    }
}
