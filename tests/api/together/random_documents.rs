//! What is made of random task definitions is applied to a real API server, as the operator applies it, and taken.

use ecs_operator::{
    api::field_report::Outcome,
    cli::render::{Rendering, Source, Surroundings, Workload, render},
    ecs::{
        arn::ArnScope,
        kubernetes_version::{self, KubernetesVersion},
    },
};
use proptest::{strategy::Strategy, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    connection,
    scene::{Scene, document, text},
    turns::together,
};

#[path = "../../properties/documents.rs"]
#[expect(dead_code, reason = "the other random documents are mostly refused")]
mod documents;

/// How many documents are tried; more than half of them are accepted.
const DOCUMENTS: usize = 120;

fn rendering(document: &Value, workload: Workload, version: KubernetesVersion, namespace: &str) -> Rendering {
    let surroundings = Surroundings {
        arns: ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
        version,
        namespace: namespace.into(),
        workload,
    };
    render(&[Source { name: "web.json".into(), text: document.to_string() }], &surroundings)
}

/// What a Pod can only be made with: it is looked for at its creation.
async fn make_what_it_names(scene: &Scene, object: &Value) {
    if let Some(account) = object["spec"]["serviceAccountName"].as_str() {
        scene.apply_document(&document("ServiceAccount", account, &json!({}))).await;
    }
    if let Some(class) = object["spec"]["runtimeClassName"].as_str() {
        scene.apply_document(&document("RuntimeClass", class, &json!({"handler": "runc"}))).await;
    }
}

#[test]
fn every_object_of_random_documents_is_taken_by_the_api_server() {
    together(async |scene| {
        scene.apply("EcsCluster", &scene.cluster, json!({"kubernetes": {"podSecurity": "privileged"}})).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        let mut runner = TestRunner::deterministic();
        let any = documents::plausible();
        let newer = KubernetesVersion::parse("1.36").unwrap();
        let ways = [(Workload::Service, kubernetes_version::LEAST), (Workload::Task, newer)];
        let mut taken = 0;
        for random in (0..DOCUMENTS).map(|_| any.new_tree(&mut runner).unwrap().current()) {
            for (workload, version) in ways {
                let made = rendering(&random, workload, version, &scene.namespace);
                if made.report.iter().any(|entry| entry.outcome.outcome == Outcome::Refused) {
                    continue;
                }
                for object in &made.objects {
                    make_what_it_names(scene, object).await;
                    let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
                    let query = format!("{}?dryRun=All&fieldValidation=Strict", scene.path(&kind, &name));
                    let answer = connection::apply(&scene.client, &query, object).await;
                    assert!(answer.code < 300, "{kind} {name}: {}\nmade of {random}", answer.message());
                    taken += 1;
                }
            }
        }
        assert!(taken > 100, "only {taken} objects were tried");
    });
}
