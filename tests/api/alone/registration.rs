//! Many registrations in one Namespace at once.

use serde_json::{Value, json};

use crate::{
    connection::wait_until,
    front::Call,
    operator::Operator,
    scene::{Scene, definition},
    turns::alone,
};

const CROWD: usize = 50;

async fn namespace(scene: &Scene) {
    scene.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": scene.namespace}})).await;
}

/// Applies task definitions, all at the same time.
async fn apply_crowd(scene: &Scene) {
    let apply = |number: usize| async move {
        scene.apply("TaskDefinition", &format!("family-{number}"), definition("nginx:1", &[80])).await;
    };
    futures::future::join_all((0..CROWD).map(apply)).await;
}

async fn is_registered(scene: &Scene) {
    wait_until("all are registered", async || {
        let registered = |object: &Value| object["status"]["revision"] == 1;
        scene.list("TaskDefinition").await.iter().filter(|object| registered(object)).count() == CROWD
    })
    .await;
    let mut expected: Vec<_> = (0..CROWD).map(|number| format!("family-{number}.1")).collect();
    expected.sort();
    assert_eq!(scene.names("TaskDefinitionRevision").await, expected);
}

#[test]
fn many_task_definitions_at_once_do_not_fight_over_the_numbers() {
    alone(async |scene| {
        let operator = Operator::start().await;
        namespace(scene).await;
        apply_crowd(scene).await;
        is_registered(scene).await;
        let conflicts = operator.front.conflicts();
        assert!(!conflicts.iter().any(|call| call.path.contains("configmaps")), "{conflicts:?}");
        assert!(conflicts.len() < 6, "{conflicts:?}");
        operator.stop().await;
    });
}

#[test]
fn two_operators_that_fight_over_the_numbers_register_each_content_once() {
    alone(async |scene| {
        let operators = [Operator::start().await, Operator::start().await];
        namespace(scene).await;
        apply_crowd(scene).await;
        is_registered(scene).await;
        for operator in operators {
            operator.stop().await;
        }
    });
}

#[test]
fn a_crowd_in_one_namespace_does_not_hold_up_another() {
    alone(async |scene| {
        namespace(scene).await;
        apply_crowd(scene).await;
        let other = Scene {
            client: scene.client.clone(),
            cluster: scene.cluster.clone(),
            namespace: format!("{}-2", scene.namespace),
        };
        namespace(&other).await;
        other.apply("TaskDefinition", "web", definition("nginx:1", &[80])).await;
        let operator = Operator::start().await;
        is_registered(scene).await;
        other.until("TaskDefinitionRevision", "web.1", "is registered", |revision| !revision.is_null()).await;
        let written = operator.front.writes();
        let of_others = written.iter().take_while(|call| !call.path.ends_with("taskdefinitionrevisions/web.1"));
        let is_of_the_crowd =
            |call: &&Call| call.path.contains("taskdefinitionrevisions/family-") && call.path.ends_with(".1");
        let before = of_others.filter(is_of_the_crowd).count();
        assert!(before < CROWD / 2, "it came after {before} of the crowd");
        operator.stop().await;
    });
}
