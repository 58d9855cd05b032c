//! Tasks whose node is drained: what their records say, and what becomes of their services. That a drain of several tasks
//! leaves the minimum is shown where there are more nodes, in the tests against an API server.

use serde_json::{Value, json};

use super::{
    cluster::kubectl,
    my_operator,
    rollout::has_completed,
    scene::{Scene, name, obedient, service, text},
};

/// A node is cordoned as long as this is there.
struct Cordon(String);

impl Drop for Cordon {
    fn drop(&mut self) {
        kubectl(&["uncordon", &self.0]);
    }
}

#[test]
fn a_node_is_drained_of_the_only_task_of_a_service() {
    // Nobody else's tasks find a node meanwhile.
    let _operator = my_operator();
    let scene = Scene::without_operator();
    scene.define("app", &[obedient()]);
    scene.apply("EcsService", "app", &service("app", 1));
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
    let task = scene.running("app", 1).remove(0);
    let node = text(&task["status"]["nodeName"]).to_owned();
    let cordon = Cordon(node.clone());
    let of_service = "--pod-selector=ecs-operator.dev/service=app";
    let drained = kubectl(&["drain", &node, of_service, "--ignore-daemonsets", "--timeout=60s"]);
    assert!(drained.contains("evicted"), "{drained}");
    let status = scene.stopped(&task);
    assert_eq!((&status["stopCode"], &status["exitCodes"]), (&json!("TerminationNotice"), &json!("app=7")));
    let reason = text(&status["stoppedReason"]);
    assert!(reason.starts_with("Container instance deregistration forced by user (EvictionByEvictionAPI"), "{reason}");
    let waits = |record: &Value| text(&record["status"]["reason"]).starts_with("No node takes the task: ");
    scene.wait("the next task says what it waits for", || scene.records("app", "PROVISIONING").iter().any(waits));
    drop(cordon);
    let next = scene.replaced("app", &task);
    scene.until("ecstask", name(&next), "has nothing to tell any more", |task| task["status"]["reason"].is_null());
    scene.until("ecsservice", "app", "is steady", has_completed("app:1"));
}
