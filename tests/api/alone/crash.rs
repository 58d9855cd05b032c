//! An operator that ends at any moment: the next one goes on, and nothing is made twice.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    connection::wait_until,
    front::Front,
    operator::Operator,
    scene::{Scene, is_steady, service, text},
    turns::alone,
};

/// A front behind which an operator lives for so many writes.
pub fn mortal(writes: usize) -> Arc<Front> {
    Front::mortal(writes, |_| true)
}

/// Starts operators, each of which ends after so many writes, until everything is as it should be. Returns how many.
async fn live(writes: usize, done: impl AsyncFn() -> bool) -> usize {
    for lives in 1..200 {
        let operator = Operator::start_behind(mortal(writes)).await;
        tokio::select! {
            () = operator.front.dies() => {}
            () = wait_until("everything is as it should be", &done) => return lives,
        }
    }
    panic!("200 operators did not do it");
}

async fn steady(scene: &Scene, revision: &str) -> bool {
    is_steady(&scene.get("EcsService", "web").await, revision, 2)
}

async fn is_as_it_should_be(scene: &Scene) {
    assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.1", "web.2"]);
    assert_eq!(scene.names("ControllerRevision").await, ["web-1", "web-2"]);
    assert_eq!(scene.names("Deployment").await, ["web"]);
    assert_eq!(scene.names("NetworkPolicy").await, ["ecs-security-group-web"]);
    assert_eq!(scene.names("EcsSecurityGroup").await, ["web"]);
    assert_eq!(scene.names("Service").await, ["web"]);
    let used: Vec<_> = scene.list("ReplicaSet").await.iter().map(|set| set["spec"]["replicas"].clone()).collect();
    assert_eq!(used.len(), 2, "one for each revision");
    assert!(used.contains(&json!(2)) && used.contains(&json!(0)), "{used:?}");
    let images: Vec<_> =
        scene.list("Pod").await.iter().map(|pod| text(&pod["spec"]["containers"][0]["image"])).collect();
    assert_eq!(images, ["nginx:2", "nginx:2"]);
    let numbers = scene.get("ConfigMap", "ecs-operator-revision-numbers").await["data"]["web"].clone();
    let last: Value = serde_json::from_str(numbers.as_str().unwrap()).unwrap();
    assert_eq!(last["revision"], 2);
}

async fn from_nothing_to_nothing(scene: &Scene, writes: usize) {
    scene.apply("EcsCluster", &scene.cluster, json!({})).await;
    let cluster_is_ready = async || scene.get("EcsCluster", &scene.cluster).await["status"]["status"] == "ACTIVE";
    let mut lives = live(writes, cluster_is_ready).await;
    scene.define("nginx:1").await;
    scene.apply("EcsService", "web", service(2)).await;
    lives += live(writes, async || steady(scene, "web:1").await).await;
    scene.define("nginx:2").await;
    lives += live(writes, async || steady(scene, "web:2").await).await;
    is_as_it_should_be(scene).await;
    scene.delete("EcsService", "web").await;
    scene.delete("EcsCluster", &scene.cluster).await;
    lives += live(writes, async || scene.get("EcsCluster", &scene.cluster).await.is_null()).await;
    assert!(lives > 4, "no operator has ended early: {lives}");
}

#[test]
fn an_operator_that_ends_after_each_write_goes_on_where_it_was() {
    alone(async |scene| from_nothing_to_nothing(scene, 1).await);
}

#[test]
fn an_operator_that_ends_after_every_second_write_goes_on_where_it_was() {
    alone(async |scene| from_nothing_to_nothing(scene, 2).await);
}

#[test]
fn an_operator_that_ends_after_every_third_write_goes_on_where_it_was() {
    alone(async |scene| from_nothing_to_nothing(scene, 3).await);
}

#[test]
fn an_operator_that_ends_after_the_nth_write_makes_nothing_twice() {
    alone(async |scene| {
        drop(Operator::start().await);
        scene.apply("EcsCluster", &scene.cluster, json!({})).await;
        let first = Operator::start().await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        first.stop().await;
        // As many services as there are moments to end at; the last ones come to rest before.
        for n in 4..=14 {
            let name = format!("web-{n}");
            let operator = Operator::start_behind(mortal(n)).await;
            let mut definition = crate::scene::definition("nginx:1", &[80]);
            definition["family"] = json!(name);
            scene.apply("TaskDefinition", &name, definition).await;
            let mut named = service(0);
            named["taskDefinition"] = json!(name);
            scene.apply("EcsService", &name, named).await;
            let _ = tokio::time::timeout(std::time::Duration::from_secs(2), operator.front.dies()).await;
            drop(operator);
            let next = Operator::start().await;
            scene.steady(&name, &format!("{name}:1"), 0).await;
            next.stop().await;
        }
        let expected = |suffix: &str| {
            let mut names: Vec<_> = (4..=14).map(|n| format!("web-{n}{suffix}")).collect();
            names.sort();
            names
        };
        assert_eq!(scene.names("TaskDefinitionRevision").await, expected(".1"));
        assert_eq!(scene.names("ControllerRevision").await, expected("-1"));
        assert_eq!(scene.names("Deployment").await, expected(""));
        assert_eq!(scene.list("ReplicaSet").await.len(), 11);
    });
}

/// Each revision has another content than the one before, each deployment another revision, and the numbers go up with
/// them: nothing was given twice.
async fn has_nothing_twice(scene: &Scene) {
    let by_number = |objects: Vec<Value>, number: &str| {
        let mut objects: Vec<_> = objects
            .into_iter()
            .map(|object| (object.pointer(number).and_then(Value::as_i64).unwrap(), object))
            .collect();
        objects.sort_by_key(|(number, _)| *number);
        objects
    };
    let revisions = by_number(scene.list("TaskDefinitionRevision").await, "/spec/revision");
    for pair in revisions.windows(2) {
        assert!(pair[0].0 < pair[1].0, "a number was given twice: {pair:?}");
        assert_ne!(pair[0].1["spec"]["definition"], pair[1].1["spec"]["definition"], "a content was registered twice");
    }
    let numbers = scene.get("ConfigMap", "ecs-operator-revision-numbers").await["data"]["web"].clone();
    let last: Value = serde_json::from_str(numbers.as_str().unwrap()).unwrap();
    assert_eq!(last["revision"], revisions.last().unwrap().0);
    let snapshots = by_number(scene.list("ControllerRevision").await, "/revision");
    let deployed: Vec<_> =
        snapshots.iter().map(|(_, snapshot)| snapshot["data"]["trigger"]["revision"].as_i64().unwrap()).collect();
    assert!(
        deployed.is_sorted_by(|one, next| one < next),
        "a revision was deployed twice, or after a later one: {deployed:?}"
    );
    for (_, snapshot) in &snapshots {
        let number = snapshot["data"]["trigger"]["revision"].as_i64().unwrap();
        let of = &revisions.iter().find(|(revision, _)| *revision == number).unwrap().1;
        let wanted = &of["spec"]["definition"]["containerDefinitions"][0]["image"];
        assert_eq!(&snapshot["data"]["template"]["spec"]["containers"][0]["image"], wanted);
    }
}

#[test]
fn operators_that_are_killed_in_a_storm_of_edits_make_nothing_twice() {
    alone(async |scene| {
        let first = Operator::start().await;
        scene.make_cluster().await;
        drop(first);
        scene.define("nginx:0").await;
        scene.apply("EcsService", "web", service(1)).await;
        for kill in 1..=30_u64 {
            let operator = Operator::start().await;
            for edit in 0..3 {
                scene.define(&format!("nginx:{kill}-{edit}")).await;
                // Another moment each time, from before the first write to after the last.
                tokio::time::sleep(std::time::Duration::from_millis((kill * 37 + edit * 53) % 200)).await;
            }
            drop(operator);
        }
        let operator = Operator::start().await;
        scene.define("nginx:last").await;
        let runs_last = |service: &Value| {
            is_steady(service, &text(&service["status"]["taskDefinitionRevision"]), 1)
                && service["status"]["deployments"].as_array().map(Vec::len) == Some(1)
        };
        scene
            .until("Deployment", "web", "runs the last edit", |deployment| {
                deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:last"
            })
            .await;
        scene.until("EcsService", "web", "is steady", runs_last).await;
        has_nothing_twice(scene).await;
        operator.stop().await;
    });
}
