//! Records of tasks: few writes, and nothing made up of what happened while no operator ran.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    operator::Operator,
    pods::{crashes, ends, not_ready, report},
    scene::{Scene, definition, service, text},
    turns::alone,
};

fn seconds(time: &Value) -> i64 {
    text(time).parse::<k8s_openapi::jiff::Timestamp>().unwrap().as_second()
}

/// The record of the only task that runs.
async fn running(scene: &Scene) -> Value {
    scene.running_tasks(1).await.remove(0)
}

#[test]
fn a_task_costs_three_writes_of_its_record() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        let record = running(scene).await;
        let pod = scene.pod_of(&record).await;
        report(scene, &pod, crashes("web")).await;
        scene.stopped_record(&record).await;
        // The next one belongs to another record.
        running(scene).await;
        let name = text(&record["metadata"]["name"]);
        // On a slow machine it may come up late, which is told.
        let (made, started) = (seconds(&record["status"]["createdAt"]), seconds(&record["status"]["startedAt"]));
        let most = if started - made < 4 { 2 } else { 3 };
        let written = operator.front.writes().into_iter().filter(|call| call.path.contains(&name)).count();
        assert!((2..=most).contains(&written), "{written} at RUNNING and at the end; its creation is a third");
        operator.stop().await;
    });
}

#[test]
fn a_change_of_health_costs_one_write_of_the_record() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.make_cluster().await;
        let mut checked = definition("nginx:1", &[80]);
        checked["containerDefinitions"][0]["healthCheck"] = json!({"command": ["CMD", "true"], "interval": 5});
        scene.apply("TaskDefinition", "web", checked).await;
        let mut patient = service(1);
        // It is not replaced, so its health can change again and again.
        patient["healthCheckGracePeriodSeconds"] = json!(3600);
        scene.apply("EcsService", "web", patient).await;
        let record = running(scene).await;
        let (name, pod) = (text(&record["metadata"]["name"]), scene.pod_of(&record).await);
        let has = |health: &'static str| move |task: &Value| task["status"]["healthStatus"] == health;
        scene.until("EcsTask", &name, "is HEALTHY", has("HEALTHY")).await;
        let written = || operator.front.writes().into_iter().filter(|call| call.path.contains(&name)).count();
        let before = written();
        let ready = json!({"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": pod["status"]["containerStatuses"]});
        for changes in 1..=3 {
            report(scene, &pod, not_ready("web")).await;
            scene.until("EcsTask", &name, "is UNHEALTHY", has("UNHEALTHY")).await;
            report(scene, &pod, ready.clone()).await;
            scene.until("EcsTask", &name, "is HEALTHY again", has("HEALTHY")).await;
            // What a second look would write.
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(written() - before, 2 * changes);
        }
        operator.stop().await;
    });
}

#[test]
fn a_task_that_crashes_again_and_again_costs_no_writes_each_time() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        for _ in 0..2 {
            let record = running(scene).await;
            // Less than a second after another would be one round.
            tokio::time::sleep(Duration::from_millis(1500)).await;
            report(scene, &scene.pod_of(&record).await, crashes("web")).await;
            scene.stopped_record(&record).await;
        }
        let record = running(scene).await;
        let (name, pod) = (text(&record["metadata"]["name"]), scene.pod_of(&record).await);
        for times in 0..3 {
            report(scene, &pod, crashes_after(times)).await;
            // It is told after 5 s, and replaced after 10.
            tokio::time::sleep(Duration::from_millis(6500)).await;
            let status = scene.get("EcsTask", &name).await["status"].clone();
            assert!(text(&status["reason"]).contains("exit code 1"), "{status}");
            report(scene, &pod, again(crashes("web"), times + 1)).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let status = scene.get("EcsTask", &name).await["status"].clone();
        assert_eq!(status["lastStatus"], "RUNNING", "{status}");
        let written = operator.front.writes().into_iter().filter(|call| call.path.contains(&name)).count();
        assert!((2..=3).contains(&written), "{written}: at RUNNING, when it was down first, and when it came up late");
        operator.stop().await;
    });
}

/// A container that has ended a second after its start, and was started again before so many times.
fn crashes_after(times: i32) -> Value {
    let mut status = crashes("web");
    status["containerStatuses"][0]["restartCount"] = json!(times);
    status
}

/// The kubelet has started a container that has ended again.
fn again(mut ended: Value, times: i32) -> Value {
    let container = &mut ended["containerStatuses"][0];
    container["lastState"] = container["state"].take();
    container["state"] = json!({"running": {"startedAt": container["lastState"]["terminated"]["finishedAt"]}});
    container["restartCount"] = json!(times);
    (container["started"], container["ready"]) = (json!(true), json!(true));
    ended
}

#[test]
fn what_nobody_saw_is_not_made_up() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        let record = running(scene).await;
        operator.stop().await;
        scene.delete("Pod", &text(&record["status"]["podName"])).await;
        scene.until_gone("Pod", &text(&record["status"]["podName"])).await;
        let operator = Operator::start().await;
        let status = scene.stopped_record(&record).await;
        assert!(text(&status["stoppedReason"]).starts_with("Unknown: "), "{status}");
        assert_eq!((&status["stopCode"], &status["exitCodes"]), (&Value::Null, &Value::Null));
        assert_ne!(running(scene).await["metadata"]["name"], record["metadata"]["name"]);
        operator.stop().await;
    });
}

#[test]
fn a_record_that_was_deleted_meanwhile_stops_its_task() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        let record = running(scene).await;
        let name = text(&record["metadata"]["name"]);
        operator.stop().await;
        scene.delete("EcsTask", &name).await;
        let operator = Operator::start().await;
        scene.until_gone("EcsTask", &name).await;
        assert_ne!(running(scene).await["metadata"]["name"], record["metadata"]["name"]);
        operator.stop().await;
    });
}

#[test]
fn a_container_that_runs_again_when_the_operator_comes_back_is_left_alone() {
    alone(async |scene| {
        let operator = Operator::start().await;
        scene.run_web(1).await;
        let record = running(scene).await;
        operator.stop().await;
        let pod = scene.pod_of(&record).await;
        report(scene, &pod, again(ends("web", 1, "Error"), 1)).await;
        let operator = Operator::start().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(running(scene).await["metadata"]["name"], record["metadata"]["name"]);
        // Now somebody watches.
        report(scene, &pod, again(ends("web", 1, "Error"), 2)).await;
        let status = scene.stopped_record(&record).await;
        assert_eq!(status["stopCode"], "EssentialContainerExited");
        operator.stop().await;
    });
}
