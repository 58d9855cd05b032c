//! The records of services' tasks: what ran, and why it stopped. The nodes are virtual: what the kubelet would report, the
//! test does.

use std::time::Duration;

use serde_json::json;

use crate::{
    connection::wait_until,
    pods::{ends, report},
    scene::{service, text},
    turns::together,
};

#[test]
fn each_task_of_a_service_has_a_record() {
    together(async |scene| {
        let service = scene.run_web(2).await;
        let records = scene.running_tasks(2).await;
        let deployment = &service["status"]["deployments"][0]["id"];
        for record in &records {
            let pod = scene.pod_of(record).await;
            assert_eq!(text(&pod["metadata"]["uid"]).replace('-', ""), text(&record["metadata"]["name"]));
            let spec = &record["spec"];
            assert_eq!(
                (&spec["taskDefinition"], &spec["group"], &spec["startedBy"]),
                (&json!("web:1"), &json!("service:web"), deployment)
            );
            assert!(record["status"]["startedAt"].is_string());
            assert_eq!(record["status"]["nodeName"], pod["spec"]["nodeName"]);
        }
    });
}

#[test]
fn a_task_whose_essential_container_ends_is_replaced_and_its_exit_code_is_kept() {
    together(async |scene| {
        scene.run_web(1).await;
        let record = scene.running_tasks(1).await.remove(0);
        let pod = scene.pod_of(&record).await;
        report(scene, &pod, ends("web", 137, "OOMKilled")).await;
        let status = scene.stopped_record(&record).await;
        assert_eq!(
            (&status["stopCode"], &status["exitCodes"]),
            (&json!("EssentialContainerExited"), &json!("web=137"))
        );
        assert_eq!(status["containers"][0]["reason"], "OutOfMemoryError: Container killed due to memory usage");
        let next = scene.running_tasks(1).await.remove(0);
        assert_ne!(next["metadata"]["name"], record["metadata"]["name"]);
        scene.until_gone("Pod", &text(&pod["metadata"]["name"])).await;
    });
}

#[test]
fn a_task_stops_when_its_record_is_deleted() {
    together(async |scene| {
        scene.run_web(1).await;
        let record = scene.running_tasks(1).await.remove(0);
        let name = text(&record["metadata"]["name"]);
        scene.delete("EcsTask", &name).await;
        scene.until_gone("Pod", &text(&record["status"]["podName"])).await;
        scene.until_gone("EcsTask", &name).await;
        let next = scene.running_tasks(1).await.remove(0);
        assert_ne!(next["metadata"]["name"], record["metadata"]["name"]);
    });
}

#[test]
fn a_record_tells_who_stopped_the_task() {
    together(async |scene| {
        let web = scene.run_web(2).await;
        let first = text(&web["status"]["deployments"][0]["id"]);
        let records = scene.running_tasks(2).await;
        // By hand.
        scene.delete("Pod", &text(&records[0]["status"]["podName"])).await;
        let status = scene.stopped_record(&records[0]).await;
        assert_eq!(
            (&status["stopCode"], &status["stoppedReason"]),
            (&json!("UserInitiated"), &json!("Deleted through the Kubernetes API"))
        );
        // Scaled in.
        let both = scene.running_tasks(2).await;
        // Times of Kubernetes have whole seconds: a Pod that was made in the second of a scale-in seems to replace what it takes.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        scene.apply("EcsService", "web", service(1)).await;
        let left = scene.running_tasks(1).await.remove(0);
        let scaling = format!("Scaling activity initiated by (deployment {first})");
        let gone = both.iter().find(|task| task["metadata"]["uid"] != left["metadata"]["uid"]).unwrap();
        let status = scene.stopped_record(gone).await;
        assert_eq!(
            (&status["stopCode"], text(&status["stoppedReason"])),
            (&json!("ServiceSchedulerInitiated"), scaling.clone()),
            "{status}"
        );
        // Replaced by a deployment.
        scene.define("nginx:2").await;
        scene.steady("web", "web:2", 1).await;
        let status = scene.stopped_record(&left).await;
        assert_eq!(
            (&status["stopCode"], text(&status["stoppedReason"])),
            (&json!("ServiceSchedulerInitiated"), scaling)
        );
        // Deleted with its service, and kept.
        let last = scene.running_tasks(1).await.remove(0);
        scene.delete("EcsService", "web").await;
        scene.until_gone("EcsService", "web").await;
        let status = scene.stopped_record(&last).await;
        assert_eq!(status["stopCode"], "ServiceSchedulerInitiated");
        assert_eq!(scene.list("EcsTask").await.len(), 4);
    });
}

#[test]
fn old_records_go() {
    together(async |scene| {
        scene.apply("EcsCluster", &scene.cluster, json!({"kubernetes": {"stoppedTaskRetention": "2s"}})).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.steady("web", "web:1", 1).await;
        let record = scene.running_tasks(1).await.remove(0);
        let pod = scene.pod_of(&record).await;
        report(scene, &pod, ends("web", 0, "Completed")).await;
        scene.stopped_record(&record).await;
        scene.until_gone("EcsTask", &text(&record["metadata"]["name"])).await;
        // Also those of a service that is gone.
        let last = scene.running_tasks(1).await.remove(0);
        scene.delete("EcsService", "web").await;
        scene.until_gone("EcsService", "web").await;
        scene.until_gone("EcsTask", &text(&last["metadata"]["name"])).await;
    });
}

#[test]
fn of_many_stopped_tasks_the_newest_hundred_are_kept() {
    together(async |scene| {
        scene.run_web(1).await;
        let first = scene.running_tasks(1).await.remove(0);
        let pod = scene.pod_of(&first).await;
        report(scene, &pod, ends("web", 0, "Completed")).await;
        scene.stopped_record(&first).await;
        // The times of ends have whole seconds.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        scene.apply("EcsService", "web", service(100)).await;
        scene.steady("web", "web:1", 100).await;
        scene.apply("EcsService", "web", service(0)).await;
        wait_until("100 stopped tasks are recorded, and no other", async || {
            let tasks = scene.list("EcsTask").await;
            tasks.len() == 100 && tasks.iter().all(|task| task["status"]["lastStatus"] == "STOPPED")
        })
        .await;
        assert!(
            scene.get("EcsTask", &text(&first["metadata"]["name"])).await.is_null(),
            "the oldest is the one that went"
        );
    });
}
