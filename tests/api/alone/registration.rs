//! Numbers of revisions: many registrations in one Namespace at once, and none that is given twice.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    alone::crash::mortal,
    connection::wait_until,
    front::{Call, Fault, Front},
    operator::Operator,
    scene::{Scene, definition, document, text},
    turns::alone,
};

const CROWD: usize = 50;

const NUMBERS: &str = "ecs-operator-revision-numbers";

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

/// Waits until the TaskDefinition is registered, deletes its revision, and waits for the one that takes its place.
async fn has_another_number_after_a_deletion(scene: &Scene, family: &str) {
    let registered =
        scene.until("TaskDefinition", family, "is registered", |object| object["status"]["revision"].is_i64()).await;
    let number = registered["status"]["revision"].as_i64().unwrap();
    scene.delete("TaskDefinitionRevision", &format!("{family}.{number}")).await;
    let is_next = |object: &Value| object["status"]["revision"] == number + 1;
    scene.until("TaskDefinition", family, "has the next number", is_next).await;
    let mut revisions = scene.names("TaskDefinitionRevision").await;
    revisions.retain(|name| name.starts_with(&format!("{family}.")));
    assert_eq!(revisions, [format!("{family}.{}", number + 1)]);
}

#[test]
fn a_number_is_not_given_again_whenever_an_operator_has_ended() {
    alone(async |scene| {
        drop(Operator::start().await);
        namespace(scene).await;
        for writes in 1..=5 {
            let family = format!("family-{writes}");
            let operator = Operator::start_behind(mortal(writes)).await;
            scene.apply("TaskDefinition", &family, definition("nginx:1", &[80])).await;
            tokio::time::timeout(Duration::from_secs(10), operator.front.dies()).await.unwrap();
            drop(operator);
            let next = Operator::start().await;
            has_another_number_after_a_deletion(scene, &family).await;
            next.stop().await;
        }
    });
}

#[test]
fn nothing_is_reported_while_another_settles_the_numbers() {
    alone(async |scene| {
        namespace(scene).await;
        apply_crowd(scene).await;
        let operator = Operator::start().await;
        is_registered(scene).await;
        operator.stop().await;
        // It ends between the claim and its settlement, whatever else it still writes of the crowd.
        let of_late =
            |call: &Call| call.path.ends_with(NUMBERS) || call.path.ends_with("taskdefinitionrevisions/late.1");
        let operator = Operator::start_behind(Front::mortal(2, of_late)).await;
        scene.apply("TaskDefinition", "late", definition("nginx:1", &[80])).await;
        tokio::time::timeout(Duration::from_secs(10), operator.front.dies()).await.unwrap();
        drop(operator);
        let left = scene.get("ConfigMap", NUMBERS).await["data"]["late"].to_string();
        assert!(left.contains("pending"), "its number is claimed, and not settled: {left}");
        assert_eq!(scene.get("TaskDefinition", "late").await["status"]["revision"], Value::Null);
        // One of many settles it, and takes its time.
        let is_settling = |call: &Call| call.path.ends_with("taskdefinitionrevisions") && !call.is_watch;
        let slow =
            Front::new(move |call| if is_settling(call) { Fault::Slow(Duration::from_secs(2)) } else { Fault::None });
        let next = Operator::start_behind(slow).await;
        has_another_number_after_a_deletion(scene, "late").await;
        next.stop().await;
    });
}

#[test]
fn a_number_that_could_not_be_settled_is_settled_later() {
    alone(async |scene| {
        let mut refused = false;
        let operator = Operator::start_behind(Front::new(move |call| {
            // The claim of the first family makes the ConfigMap; the first change of it settles the claim.
            if call.method == "PUT" && call.path.contains("configmaps") && !refused {
                refused = true;
                return Fault::Refused(500);
            }
            Fault::None
        }))
        .await;
        namespace(scene).await;
        scene.apply("TaskDefinition", "web", definition("nginx:1", &[80])).await;
        scene.condition("TaskDefinition", "web", "Ready", "True", "Available").await;
        has_another_number_after_a_deletion(scene, "web").await;
        operator.stop().await;
    });
}

#[test]
fn a_family_without_a_number_is_told_so_and_goes_on_when_it_has_one() {
    alone(async |scene| {
        let operator = Operator::start().await;
        namespace(scene).await;
        let numbers = |web: &str| json!({"data": {"web": web}});
        let map = document("ConfigMap", NUMBERS, &numbers(r#"{"revision":9223372036854775807}"#));
        scene.create(&map).await;
        scene.apply("TaskDefinition", "web", definition("nginx:1", &[80])).await;
        let told =
            text(&scene.condition("TaskDefinition", "web", "Accepted", "False", "NotRegistered").await["message"]);
        assert!(told.contains("ConfigMap ecs-operator-revision-numbers, entry web: 9223372036854775807"), "{told}");
        assert_eq!(scene.get("ConfigMap", NUMBERS).await["data"], map["data"], "it is not overwritten");
        scene.merge("ConfigMap", NUMBERS, numbers(r#"{"revision":7}"#)).await;
        scene.until("TaskDefinition", "web", "has number 8", |object| object["status"]["revision"] == 8).await;

        // The largest number, by hand.
        let spec = json!({"family": "last", "revision": 2_147_483_647, "state": "Active", "definition": {}});
        scene.apply("TaskDefinitionRevision", "by-hand", spec).await;
        scene.apply("TaskDefinition", "last", definition("nginx:1", &[80])).await;
        let told =
            text(&scene.condition("TaskDefinition", "last", "Accepted", "False", "NotRegistered").await["message"]);
        assert!(told.starts_with("no number up to 2147483647 is left for family last"), "{told}");
        assert!(scene.get("ConfigMap", NUMBERS).await["data"]["last"].is_null());
        scene.delete("TaskDefinitionRevision", "by-hand").await;
        scene.until("TaskDefinition", "last", "has number 1", |object| object["status"]["revision"] == 1).await;
        operator.stop().await;
    });
}
