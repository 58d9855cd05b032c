//! Requests that are refused, lost or late, and watches that break: the same final state.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use crate::{
    front::{Call, Fault, Front},
    operator::Operator,
    scene::{Scene, service, text},
    turns::alone,
};

/// Edits the task definition under a fault and sees the service follow, then checks that nothing was made twice.
async fn edit_and_follow(scene: &Scene, number: usize) {
    scene.define(&format!("nginx:{number}")).await;
    scene.steady("web", &format!("web:{number}"), 1).await;
    nothing_is_there_twice(scene, number).await;
}

async fn nothing_is_there_twice(scene: &Scene, number: usize) {
    let mut revisions: Vec<_> = (1..=number).map(|number| format!("web.{number}")).collect();
    revisions.sort();
    assert_eq!(scene.names("TaskDefinitionRevision").await, revisions);
    for revision in scene.list("TaskDefinitionRevision").await {
        let image = text(&revision["spec"]["definition"]["containerDefinitions"][0]["image"]);
        assert_eq!(image, format!("nginx:{}", revision["spec"]["revision"]));
    }
    let mut snapshots: Vec<_> = (1..=number).map(|number| format!("web-{number}")).collect();
    snapshots.sort();
    assert_eq!(scene.names("ControllerRevision").await, snapshots);
    assert_eq!(scene.names("Deployment").await, ["web"]);
    assert_eq!(scene.list("ReplicaSet").await.len(), number);
}

/// A third of the requests meets the fault. Not each third one: an attempt that takes three would never get through.
fn a_third(fault: Fault) -> impl FnMut(&Call) -> Fault + Send {
    let mut random = Random(0x5eed);
    move |_| if random.below(3) == 0 { fault } else { Fault::None }
}

#[test]
fn each_kind_of_fault_is_survived() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        let faults = [409, 429, 500, 503].map(Fault::Refused);
        let others = [Fault::Lost, Fault::AnswerLost, Fault::Slow(Duration::from_millis(300))];
        for (index, fault) in faults.into_iter().chain(others).enumerate() {
            operator.front.change(a_third(fault));
            edit_and_follow(scene, index + 2).await;
            operator.front.change(|_| Fault::None);
            assert!(operator.is_running(), "{fault:?}");
        }
    });
}

#[test]
fn broken_and_expired_watches_are_survived() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        for number in 2..=4 {
            operator.front.cut_watches();
            edit_and_follow(scene, number).await;
        }
        // What happens while nobody can watch is seen in the next list.
        operator.front.change(|call| if call.is_watch { Fault::Refused(410) } else { Fault::None });
        operator.front.cut_watches();
        scene.apply("EcsService", "second", service(1)).await;
        scene.delete("EcsService", "web").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        operator.front.change(|_| Fault::None);
        scene.until_gone("EcsService", "web").await;
        scene.steady("second", "web:4", 1).await;
        assert!(operator.is_running());
    });
}

/// Numbers that look random and begin in the same way in every run with one seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// One of eight requests meets some fault.
fn storm(seed: u64) -> impl FnMut(&Call) -> Fault + Send {
    let mut random = Random(seed);
    move |call| match random.below(64) {
        0 => Fault::Refused(409),
        1 => Fault::Refused(429),
        2 => Fault::Refused(500),
        3 => Fault::Refused(if call.is_watch { 410 } else { 503 }),
        4 | 5 => Fault::Lost,
        6 => Fault::AnswerLost,
        7 => Fault::Slow(Duration::from_millis(200)),
        _ => Fault::None,
    }
}

async fn edits_in_a_storm(scene: &Scene, seed: u64) {
    let front: Arc<Front> = Front::open();
    let operator = Operator::start_behind(Arc::clone(&front)).await;
    front.change(storm(seed));
    scene.apply("EcsCluster", &scene.cluster, json!({})).await;
    scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
    scene.define("nginx:1").await;
    scene.apply("EcsService", "web", service(1)).await;
    for number in 2..=4 {
        let registered = format!("web.{}", number - 1);
        scene.until("TaskDefinitionRevision", &registered, "is registered", |revision| !revision.is_null()).await;
        front.cut_watches();
        scene.define(&format!("nginx:{number}")).await;
    }
    scene.until("TaskDefinitionRevision", "web.4", "is registered", |revision| !revision.is_null()).await;
    front.change(|_| Fault::None);
    front.cut_watches();
    scene.steady("web", "web:4", 1).await;
    assert!(operator.is_running(), "seed {seed}");
    let revisions = scene.list("TaskDefinitionRevision").await;
    for revision in &revisions {
        let image = text(&revision["spec"]["definition"]["containerDefinitions"][0]["image"]);
        assert_eq!(image, format!("nginx:{}", revision["spec"]["revision"]), "seed {seed}");
    }
    assert_eq!((revisions.len(), scene.list("Pod").await.len()), (4, 1), "seed {seed}");
    assert_eq!(scene.names("Deployment").await, ["web"], "seed {seed}");
    operator.stop().await;
}

#[test]
fn faults_at_random_end_in_the_same_state() {
    alone(async |scene| edits_in_a_storm(scene, 0x5eed_0001).await);
}

#[test]
fn other_faults_at_random_end_in_the_same_state() {
    alone(async |scene| edits_in_a_storm(scene, 0x5eed_0002).await);
}
