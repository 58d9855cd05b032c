//! A task by itself runs once at most, whatever happens to the operator and to its Pod.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    connection::wait_until,
    front::{Call, Fault, Front},
    operator::Operator,
    scene::{Scene, document, text},
    turns::alone,
};

/// A cluster in which a task starts without further ado.
async fn prepare(scene: &Scene) {
    let operator = Operator::start().await;
    scene.make_cluster().await;
    scene.define("nginx:1").await;
    // It brings the group of those that name none.
    run(scene, "first").await;
    operator.stop().await;
}

async fn run(scene: &Scene, name: &str) -> Value {
    scene.apply("EcsTask", name, json!({"taskDefinition": "web"})).await;
    is_running(scene, name).await
}

async fn is_running(scene: &Scene, name: &str) -> Value {
    scene.until("EcsTask", name, "is RUNNING", |task| task["status"]["lastStatus"] == "RUNNING").await
}

/// Whether a write makes or changes a task or its Pod.
fn is_about(call: &Call, name: &str) -> bool {
    let pod_is_made = call.method == "POST" && call.path.ends_with("/pods");
    let names_it = call.path.split('/').any(|part| part == name);
    call.is_write() && (pod_is_made || names_it)
}

/// A front behind which an operator lives for so many writes about a task.
fn mortal(writes: usize, name: String) -> Arc<Front> {
    Front::mortal(writes, move |call| is_about(call, &name))
}

fn may_run(pod: &Value) -> bool {
    !pod.is_null() && pod["spec"]["schedulingGates"].is_null()
}

/// Runs a task with an operator that ends after so many writes about it, and lets its Pod vanish before the next one starts.
/// Returns whether the first Pod may have run, and the task as the next operator leaves it.
async fn lose_the_pod_after(scene: &Scene, writes: usize, name: &str) -> (bool, Value) {
    let operator = Operator::start_behind(mortal(writes, name.into())).await;
    scene.apply("EcsTask", name, json!({"taskDefinition": "web"})).await;
    tokio::time::timeout(Duration::from_secs(20), operator.front.dies()).await.unwrap();
    drop(operator);
    let pod = scene.get("Pod", name).await;
    if !pod.is_null() {
        scene.delete("Pod", name).await;
        scene.until_gone("Pod", name).await;
    }
    let next = Operator::start().await;
    let is_decided = |task: &Value| match task["status"]["lastStatus"].as_str() {
        Some("STOPPED") => true,
        // The status may still be that of the Pod that is gone.
        Some("RUNNING") => task["status"]["podUid"] != pod["metadata"]["uid"],
        _ => false,
    };
    let task = scene.until("EcsTask", name, "runs or has stopped", is_decided).await;
    next.stop().await;
    (may_run(&pod), task)
}

#[test]
fn a_task_whose_pod_is_lost_runs_at_most_once_whenever_its_operator_ends() {
    alone(async |scene| {
        prepare(scene).await;
        // The status, the Pod, its UID in the status, the Pod that may run now, what it does.
        let mut runs = Vec::new();
        for writes in 1..=5 {
            let name = format!("job-{writes}");
            let (may_have_run, task) = lose_the_pod_after(scene, writes, &name).await;
            let pod = scene.get("Pod", &name).await;
            if task["status"]["lastStatus"] == "RUNNING" {
                assert!(!may_have_run, "after {writes} writes it runs twice");
                assert_eq!(task["status"]["podUid"], pod["metadata"]["uid"]);
            } else {
                assert_eq!(pod, Value::Null, "after {writes} writes");
                assert!(text(&task["status"]["stoppedReason"]).starts_with("Unknown: "), "{}", task["status"]);
            }
            runs.push((may_have_run, text(&task["status"]["lastStatus"])));
        }
        let (again, told) = ("RUNNING".to_owned(), "STOPPED".to_owned());
        let expected = [(false, &again), (false, &again), (false, &told), (true, &told), (true, &told)];
        assert_eq!(runs.iter().map(|(ran, status)| (*ran, status)).collect::<Vec<_>>(), expected);
    });
}

#[test]
fn a_pod_that_is_made_after_the_recorded_one_never_runs() {
    alone(async |scene| {
        prepare(scene).await;
        let operator = Operator::start().await;
        run(scene, "job").await;
        operator.stop().await;
        let first = scene.get("Pod", "job").await;
        scene.delete("Pod", "job").await;
        scene.until_gone("Pod", "job").await;
        // As by a request of an operator that arrives late.
        let (of_first, spec) = (&first["metadata"], &first["spec"]);
        let mut late = document("Pod", "job", &json!({}));
        for member in ["labels", "annotations", "ownerReferences"] {
            late["metadata"][member] = of_first[member].clone();
        }
        late["spec"] = json!({
            "containers": [{"name": "web", "image": spec["containers"][0]["image"]}],
            "schedulingGates": [{"name": "ecs-operator.dev/recorded"}],
        });
        scene.create(&late).await;
        let operator = Operator::start().await;
        let task = scene.stopped_task("job").await;
        assert!(text(&task["status"]["stoppedReason"]).starts_with("Unknown: "), "{}", task["status"]);
        assert_eq!(task["status"]["podUid"], of_first["uid"]);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!may_run(&scene.get("Pod", "job").await));
        operator.stop().await;
    });
}

#[test]
fn a_task_whose_pod_was_made_unheard_runs_once() {
    alone(async |scene| {
        prepare(scene).await;
        let mut lost = 0;
        let operator = Operator::start_behind(Front::new(move |call| {
            let is_made = call.method == "POST" && call.path.ends_with("/pods") && lost < 2;
            lost += usize::from(is_made);
            if is_made { Fault::AnswerLost } else { Fault::None }
        }))
        .await;
        let task = run(scene, "job").await;
        let pod = scene.get("Pod", "job").await;
        assert_eq!(task["status"]["podUid"], pod["metadata"]["uid"]);
        operator.stop().await;
    });
}

#[test]
fn a_task_that_kubernetes_refuses_starts_when_it_does_not_any_more_also_after_a_restart() {
    alone(async |scene| {
        prepare(scene).await;
        let quota = json!({"spec": {"hard": {"pods": "0"}}});
        scene.create(&document("ResourceQuota", "none", &quota)).await;
        scene.until("ResourceQuota", "none", "is in force", |quota| quota["status"]["hard"]["pods"] == "0").await;
        let operator = Operator::start().await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web"})).await;
        let told = scene.condition("EcsTask", "job", "Stalled", "True", "UnableToPlaceTask").await;
        assert!(text(&told["message"]).contains("exceeded quota"), "{told}");
        let attempts = || operator.front.writes().iter().filter(|call| call.path.ends_with("/pods")).count();
        wait_until("it is tried again", async || attempts() >= 3).await;
        // A look at a task whose last status has not come back yet is refused, and changes nothing.
        let refused = operator.front.conflicts().into_iter().filter(|call| is_about(call, "job")).count();
        let about: Vec<_> = operator.front.writes().into_iter().filter(|call| is_about(call, "job")).collect();
        let statuses = about.iter().filter(|call| !call.path.ends_with("/pods")).count();
        assert_eq!(statuses - refused, 2, "an attempt that is refused like the one before costs no status");
        operator.stop().await;
        let next = Operator::start().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        scene.delete("ResourceQuota", "none").await;
        is_running(scene, "job").await;
        let task = scene.condition("EcsTask", "job", "Stalled", "False", "Accepted").await;
        assert_eq!(task["message"], "");
        next.stop().await;
    });
}

#[test]
fn a_pod_that_is_made_while_its_task_is_being_stopped_goes() {
    alone(async |scene| {
        prepare(scene).await;
        let front = Front::open();
        front.let_lag("/pods", Duration::from_secs(2));
        let operator = Operator::start_behind(front).await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web"})).await;
        scene.until("Pod", "job", "is there", |pod| !pod.is_null()).await;
        scene.merge("EcsTask", "job", json!({"spec": {"desiredStatus": "STOPPED"}})).await;
        let task = scene.stopped_task("job").await;
        assert_eq!(task["status"]["podUid"], Value::Null);
        scene.until_gone("Pod", "job").await;
        operator.stop().await;
    });
}
