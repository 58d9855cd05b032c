//! Objects that cannot be read, as after a downgrade: they are told of, left as they are, and stop nothing else.

use std::panic::AssertUnwindSafe;

use ecs_operator::api::crds;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::{
    connection::wait_until,
    operator::Operator,
    scene::{Scene, document, service},
    turns::alone,
};

/// `forceNewDeployment` of services.
const OF_SERVICES: (&str, &str) = ("ecsservices", "/properties/spec/properties/forceNewDeployment");

/// `networkMode` in the definition of revisions.
const OF_REVISIONS: (&str, &str) =
    ("taskdefinitionrevisions", "/properties/spec/properties/definition/properties/networkMode");

/// Lets a member be anything for the time of a test.
async fn with_a_lax_schema(scene: &Scene, (plural, member): (&str, &str), test: impl AsyncFnOnce()) {
    let name = format!("{plural}.ecs-operator.dev");
    let crd = crds().into_iter().find(|crd| crd.metadata.name.as_ref() == Some(&name)).unwrap();
    let strict = serde_json::to_value(&crd).unwrap();
    let mut lax = strict.clone();
    let schema = &mut lax["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    *schema.pointer_mut(member).unwrap() = json!({"x-kubernetes-preserve-unknown-fields": true});
    scene.apply_document(&lax).await;
    let result = AssertUnwindSafe(test()).catch_unwind().await;
    scene.apply_document(&strict).await;
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn unreadable() -> Value {
    let mut service = service(1);
    service["forceNewDeployment"] = json!({"not": "a string"});
    service
}

async fn store_unreadable(scene: &Scene, name: &str) {
    store(scene, "EcsService", name, unreadable()).await;
}

/// Applies an object that the strict schema would refuse.
async fn store(scene: &Scene, kind: &str, name: &str, spec: Value) {
    let document = document(kind, name, &json!({"spec": spec}));
    wait_until("the lax schema is in force", async || {
        crate::connection::apply(&scene.client, &scene.path(kind, name), &document).await.code < 300
    })
    .await;
}

async fn counts(operator: &Operator, expected: &str) {
    counts_of(operator, "EcsService", expected).await;
}

async fn counts_of(operator: &Operator, kind: &str, expected: &str) {
    wait_until(&format!("{expected} of {kind} cannot be read"), async || {
        let metric = format!(r#"ecs_operator_undecodable_objects{{kind="{kind}"}}"#);
        operator.metric(&metric).as_deref() == Some(expected)
    })
    .await;
}

#[test]
fn an_object_that_cannot_be_read_is_told_of_and_stops_nothing_else() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        for name in ["web", "turned"] {
            scene.apply("EcsService", name, service(1)).await;
            scene.steady(name, "web:1", 1).await;
        }
        with_a_lax_schema(scene, OF_SERVICES, async || {
            store_unreadable(scene, "bad").await;
            store_unreadable(scene, "turned").await;
            counts(&operator, "2").await;
            for name in ["bad", "turned"] {
                wait_until("it is told", async || {
                    scene.events(name).await.iter().any(|note| note.starts_with("The object cannot be read"))
                })
                .await;
            }
            scene.define("nginx:2").await;
            scene.steady("web", "web:2", 1).await;
            assert!(scene.get("Deployment", "bad").await.is_null());
            assert!(!scene.get("Deployment", "turned").await.is_null(), "what runs goes on");

            // The next operator reads the list with them in it; after a broken watch it is read again.
            operator.stop().await;
            let next = Operator::start().await;
            counts(&next, "2").await;
            next.front.cut_watches();
            scene.define("nginx:3").await;
            scene.steady("web", "web:3", 1).await;
            // They exist: their cluster is not deleted under them.
            scene.delete("EcsService", "web").await;
            scene.until_gone("EcsService", "web").await;
            scene.delete("EcsCluster", &scene.cluster).await;
            scene.condition("EcsCluster", &scene.cluster, "Ready", "False", "DeletionWaits").await;
            // One that is corrected goes on where it was; the last one that goes lets the cluster go.
            scene.merge("EcsService", "turned", json!({"spec": {"forceNewDeployment": null}})).await;
            counts(&next, "1").await;
            scene.delete("EcsService", "turned").await;
            scene.until_gone("EcsService", "turned").await;
            scene.delete("EcsService", "bad").await;
            scene.until_gone("EcsCluster", &scene.cluster).await;
            counts(&next, "0").await;
        })
        .await;
    });
}

#[test]
fn a_deleted_object_that_could_not_be_read_any_more_leaves_no_trace() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "turned", service(1)).await;
        scene.steady("turned", "web:1", 1).await;
        with_a_lax_schema(scene, OF_SERVICES, async || {
            store_unreadable(scene, "turned").await;
            counts(&operator, "1").await;
            scene.merge("EcsService", "turned", json!({"metadata": {"finalizers": null}})).await;
            scene.delete("EcsService", "turned").await;
            scene.until_gone("Deployment", "turned").await;
            scene.delete("EcsCluster", &scene.cluster).await;
            scene.until_gone("EcsCluster", &scene.cluster).await;
            counts(&operator, "0").await;
        })
        .await;
    });
}

#[test]
fn a_revision_that_cannot_be_read_is_told_of_and_stops_nothing_else() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        with_a_lax_schema(scene, OF_REVISIONS, async || {
            let definition = json!({"networkMode": {"not": "a string"}});
            let spec = json!({"family": "bad", "revision": 1, "state": "Active", "definition": definition});
            store(scene, "TaskDefinitionRevision", "bad.1", spec).await;
            counts_of(&operator, "TaskDefinitionRevision", "1").await;
            wait_until("it is told", async || {
                scene.events("bad.1").await.iter().any(|note| note.starts_with("The object cannot be read"))
            })
            .await;
            operator.stop().await;
            let next = Operator::start().await;
            counts_of(&next, "TaskDefinitionRevision", "1").await;
            scene.define("nginx:2").await;
            scene.steady("web", "web:2", 1).await;
            scene.delete("TaskDefinitionRevision", "bad.1").await;
            counts_of(&next, "TaskDefinitionRevision", "0").await;
        })
        .await;
    });
}
