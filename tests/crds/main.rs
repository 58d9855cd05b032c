//! The schemas and CEL rules on a real API server: every rule has a case that it accepts and one that it refuses.
//! Needs `ECS_OPERATOR_TEST_KUBECONFIG`; no operator runs meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests are written to be read")]

mod bounds;
mod changes;
#[path = "../api/connection.rs"]
mod connection;
mod rules;
mod specs;

use connection::{apply, block_on, client, delete, get, post, wait_until};
use ecs_operator::api::crds;
use kube::Client;
use serde_json::{Value, json};

const API: &str = "/apis/ecs-operator.dev/v1alpha1";

/// A Namespace for one test.
async fn with_namespace(name: &str, test: impl AsyncFn(Client, String)) {
    let client = client().await;
    let namespace = format!("crds-{name}");
    delete(&client, &format!("/api/v1/namespaces/{namespace}")).await;
    wait_until("the Namespace of an earlier run is gone", async || {
        get(&client, &format!("/api/v1/namespaces/{namespace}")).await.code == 404
    })
    .await;
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    assert_eq!(post(&client, "/api/v1/namespaces", &body).await.code, 201);
    test(client.clone(), namespace.clone()).await;
    delete(&client, &format!("/api/v1/namespaces/{namespace}")).await;
    wait_until("the Namespace is gone", async || {
        get(&client, &format!("/api/v1/namespaces/{namespace}")).await.code == 404
    })
    .await;
}

fn plural(kind: &str) -> String {
    crds().into_iter().find(|crd| crd.spec.names.kind == kind).unwrap().spec.names.plural
}

fn collection(namespace: &str, kind: &str) -> String {
    match kind {
        "EcsCluster" => format!("{API}/ecsclusters"),
        _ => format!("{API}/namespaces/{namespace}/{}", plural(kind)),
    }
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Whether a plain create would be taken, and if not what the API server says.
async fn would_create(client: &Client, namespace: &str, kind: &str, spec: &Value) -> Result<(), String> {
    let path = format!("{}?dryRun=All&fieldValidation=Strict", collection(namespace, kind));
    let answer = post(client, &path, &object(kind, "example", spec.clone())).await;
    assert_eq!(answer.warnings, Vec::<String>::new(), "{kind} {spec}");
    if answer.code == 201 { Ok(()) } else { Err(answer.message().to_owned()) }
}

#[test]
fn each_definition_is_taken_without_a_warning() {
    block_on(async {
        let client = client().await;
        for crd in crds() {
            let name = crd.metadata.name.clone().unwrap();
            let path = format!(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}?dryRun=All&fieldValidation=Strict"
            );
            let answer = apply(&client, &path, &serde_json::to_value(&crd).unwrap()).await;
            assert_eq!((answer.code, answer.warnings.as_slice()), (200, [].as_slice()), "{name}: {}", answer.message());
            let stored = get(&client, path.split('?').next().unwrap()).await;
            let conditions = stored.body["status"]["conditions"].as_array().unwrap().clone();
            let is_bad =
                |condition: &Value| condition["type"] == "NonStructuralSchema" && condition["status"] == "True";
            assert!(!conditions.iter().any(is_bad), "{name}: {conditions:?}");
        }
    });
}

#[test]
fn each_kind_is_in_the_category_ecs_and_has_its_short_name() {
    let names: Vec<_> = crds()
        .into_iter()
        .map(|crd| (crd.spec.names.short_names.unwrap(), crd.spec.names.categories.unwrap()))
        .collect();
    for (short, categories) in &names {
        assert_eq!(categories, &["ecs"], "{short:?}");
    }
    let shorts: Vec<_> = names.iter().map(|(short, _)| short.join(",")).collect();
    assert_eq!(shorts, ["ecscl", "ecsrole", "ecssg", "ecssvc", "ecstg", "ecstask", "tdr", "td"]);
}
