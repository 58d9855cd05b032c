//! Tasks whose node is drained, or whose node puts them out: what their records say, and what becomes of their services.

use serde_json::{Value, json};

use super::{
    cluster::kubectl,
    my_operator,
    rollout::has_completed,
    scene::{OBEYS, Scene, name, obedient, pod, service, text},
    task::script,
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

#[test]
fn a_task_that_the_kubelet_evicts_is_replaced_and_says_why() {
    let scene = Scene::new();
    let mut container = script("app", OBEYS, &json!({}));
    container["mountPoints"] = json!([{"sourceVolume": "scratch", "containerPath": "/scratch"}]);
    let scratch = json!({"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}});
    let spec = json!({"containerDefinitions": [container], "volumes": [{"name": "scratch"}], "kubernetes": {"volumes": [scratch]}});
    scene.apply("TaskDefinition", "app", &spec);
    scene.apply("EcsService", "app", &service("app", 1));
    let task = scene.running("app", 1).remove(0);
    scene.kubectl(&["exec", pod(&task), "--", "sh", "-c", "head -c 4000000 /dev/zero > /scratch/much"]);
    let status = scene.stopped(&task);
    assert_eq!(status["stopCode"], "InfrastructureHealth", "{status}");
    let reason = text(&status["stoppedReason"]);
    let told = reason.starts_with("Task stopped because its host is impaired (") && reason.contains("\"scratch\"");
    assert!(told, "{reason}");
    scene.replaced("app", &task);
}
