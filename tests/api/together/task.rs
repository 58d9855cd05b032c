//! Tasks that run by themselves. The nodes are virtual: what the kubelet would report, the test does.

use serde_json::{Value, json};

use crate::{
    pods::{ends, report, without_sandbox},
    scene::{Scene, definition, document, text},
    turns::together,
};

async fn run(scene: &Scene, name: &str, spec: Value) -> Value {
    scene.apply("EcsTask", name, spec).await;
    scene.until("EcsTask", name, "is RUNNING", |task| task["status"]["lastStatus"] == "RUNNING").await
}

#[test]
fn a_task_runs_once_and_tells_how_it_ended() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let spec = json!({"taskDefinition": "web", "startedBy": "a test"});
        let task = run(scene, "job", spec.clone()).await;
        let id = text(&task["metadata"]["uid"]).replace('-', "");
        let status = &task["status"];
        assert_eq!(status["taskId"], id.as_str());
        assert_eq!(status["taskArn"], format!("arn:aws:ecs:us-east-1:123456789012:task/{}/{id}", scene.cluster));
        assert_eq!((&status["taskDefinitionRevision"], &status["group"]), (&json!("web:1"), &json!("family:web")));
        assert_eq!(
            (&status["desiredStatus"], &status["containers"][0]["lastStatus"]),
            (&json!("RUNNING"), &json!("RUNNING"))
        );
        let pod = scene.get("Pod", &text(&status["podName"])).await;
        assert_eq!(pod["spec"]["restartPolicy"], "Never");
        assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], task["metadata"]["uid"]);
        assert_eq!(pod["metadata"]["labels"]["ecs-operator.dev/security-group.default"], "true");
        report(scene, &pod, ends("web", 3, "Error")).await;
        report(scene, &pod, json!({"phase": "Failed"})).await;
        let ended = scene.stopped_task("job").await;
        let status = &ended["status"];
        assert_eq!((&status["stopCode"], &status["exitCodes"]), (&json!("EssentialContainerExited"), &json!("web=3")));
        assert!(text(&status["stoppedReason"]).starts_with("Essential container in task exited"), "{status}");
        assert!(status["startedAt"].is_string() && status["stoppedAt"].is_string(), "{status}");
        // Git applies it again and again.
        scene.apply("EcsTask", "job", spec).await;
        scene.delete("Pod", &text(&pod["metadata"]["name"])).await;
        scene.until_gone("Pod", &text(&pod["metadata"]["name"])).await;
        scene.merge("EcsTask", "job", json!({"metadata": {"labels": {"looked": "at"}}})).await;
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        assert_eq!(scene.names("Pod").await, Vec::<String>::new());
        assert_eq!(scene.get("EcsTask", "job").await["status"], ended["status"]);
    });
}

#[test]
fn a_task_does_otherwise_what_it_overrides() {
    together(async |scene| {
        scene.make_cluster().await;
        let mut web = definition("nginx:1", &[]);
        web["containerDefinitions"][0]["environment"] =
            json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
        scene.apply("TaskDefinition", "web", web).await;
        let overrides = json!({"containerOverrides": [{
            "name": "web", "command": ["echo", "$(A)"], "environment": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}], "memory": 128
        }]});
        let task = run(scene, "job", json!({"taskDefinition": "web", "overrides": overrides})).await;
        let pod = scene.get("Pod", &text(&task["status"]["podName"])).await;
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["args"], json!(["echo", "$$(A)"]));
        assert_eq!(container["resources"]["limits"]["memory"], "128Mi");
        let value = |name: &str| {
            let variables = container["env"].as_array().unwrap().iter();
            variables
                .filter(|variable| variable["name"] == name)
                .map(|variable| text(&variable["value"]))
                .collect::<Vec<_>>()
        };
        assert_eq!((value("A"), value("B"), value("C")), (vec!["1".into()], vec!["3".into()], vec!["4".into()]));
    });
}

#[test]
fn a_task_whose_volume_does_not_come_is_stopped_although_nobody_tells_of_it() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let task = run(scene, "job", json!({"taskDefinition": "web"})).await;
        let pod = scene.get("Pod", &text(&task["status"]["podName"])).await;
        // After its minute, and a moment later its time to start.
        report(scene, &pod, without_sandbox("web", 174, 56)).await;
        let status = scene.stopped_task("job").await["status"].clone();
        assert_eq!(status["stopCode"], "TaskFailedToStart");
        let told = text(&status["stoppedReason"]);
        assert!(told.starts_with("ResourceInitializationError: ") && told.contains("pod/job"), "{told}");
    });
}

#[test]
fn a_task_is_stopped_with_a_reason_and_stays_stopped() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let task = run(scene, "job", json!({"taskDefinition": "web"})).await;
        scene.merge("EcsTask", "job", json!({"spec": {"desiredStatus": "STOPPED", "reason": "enough"}})).await;
        let stopped = scene.stopped_task("job").await;
        assert_eq!(
            (&stopped["status"]["stopCode"], &stopped["status"]["stoppedReason"]),
            (&json!("UserInitiated"), &json!("enough"))
        );
        scene.until_gone("Pod", &text(&task["status"]["podName"])).await;
        let again = crate::connection::merge(
            &scene.client,
            &scene.path("EcsTask", "job"),
            &json!({"spec": {"desiredStatus": "RUNNING"}}),
        )
        .await;
        assert!(again.message().contains("a stopped task does not run again"), "{}", again.message());
    });
}

#[test]
fn a_deleted_task_stops() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let task = run(scene, "job", json!({"taskDefinition": "web"})).await;
        scene.delete("EcsTask", "job").await;
        scene.until_gone("Pod", &text(&task["status"]["podName"])).await;
    });
}

#[test]
fn a_stopped_task_is_deleted_when_it_says_so() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let spec = json!({"taskDefinition": "web", "kubernetes": {"ttlSecondsAfterStopped": 1}});
        let task = run(scene, "job", spec).await;
        let pod = scene.get("Pod", &text(&task["status"]["podName"])).await;
        report(scene, &pod, ends("web", 0, "Completed")).await;
        report(scene, &pod, json!({"phase": "Succeeded"})).await;
        scene.until_gone("EcsTask", "job").await;
    });
}

#[test]
fn the_pod_of_a_stopped_task_goes_after_its_time_and_the_task_stays() {
    together(async |scene| {
        scene.apply("EcsCluster", &scene.cluster, json!({"kubernetes": {"stoppedTaskRetention": "3s"}})).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        scene.define("nginx:1").await;
        let task = run(scene, "job", json!({"taskDefinition": "web"})).await;
        let pod = scene.get("Pod", &text(&task["status"]["podName"])).await;
        report(scene, &pod, ends("web", 4, "Error")).await;
        report(scene, &pod, json!({"phase": "Failed"})).await;
        let stopped = scene.stopped_task("job").await;
        scene.until_gone("Pod", &text(&pod["metadata"]["name"])).await;
        let after = scene.get("EcsTask", "job").await;
        assert_eq!(after["status"], stopped["status"], "what it was stays readable");
        assert_eq!(after["status"]["exitCodes"], "web=4");
    });
}

#[test]
fn a_task_that_is_applied_with_an_edit_runs_what_was_edited() {
    together(async |scene| {
        scene.make_cluster().await;
        for number in 1..=5 {
            scene.define(&format!("nginx:{number}")).await;
            let name = format!("job-{number}");
            let task = run(scene, &name, json!({"taskDefinition": "web"})).await;
            assert_eq!(task["status"]["taskDefinitionRevision"], format!("web:{number}"));
        }
    });
}

#[test]
fn what_a_task_lacks_is_told_and_it_starts_when_that_is_there() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web"})).await;
        scene.condition("EcsTask", "job", "Accepted", "False", "TaskDefinitionNotFound").await;
        assert!(text(&scene.get("EcsTask", "job").await["status"]["reason"]).contains("web"), "its row says why");
        scene.define("nginx:1").await;
        scene.until("EcsTask", "job", "is RUNNING", |task| task["status"]["lastStatus"] == "RUNNING").await;
        for (spec, words) in [
            (json!({"taskDefinition": "web", "group": "service:web"}), "service:"),
            (
                json!({"taskDefinition": "web", "overrides": {"containerOverrides": [{"name": "other"}]}}),
                "Override for container named other is not a container in the TaskDefinition.",
            ),
            (json!({"taskDefinition": "web", "cluster": "other"}), "Cluster not found."),
        ] {
            scene.apply("EcsTask", "bad", spec.clone()).await;
            let told = |task: &Value| task["status"]["conditions"].to_string().contains(words);
            let refused = scene.until("EcsTask", "bad", &format!("is refused: {words}"), told).await;
            assert_eq!(
                (&refused["status"]["lastStatus"], &refused["status"]["taskId"]),
                (&json!("PROVISIONING"), &Value::Null),
                "{spec}"
            );
            scene.delete("EcsTask", "bad").await;
            scene.until_gone("EcsTask", "bad").await;
        }
    });
}

#[test]
fn a_task_that_lacks_its_definition_can_be_stopped() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web"})).await;
        let status = scene.get("EcsTask", "job").await["status"].clone();
        assert_eq!(status, json!({"lastStatus": "PROVISIONING"}), "its row says so before the operator does");
        scene.condition("EcsTask", "job", "Accepted", "False", "TaskDefinitionNotFound").await;
        scene.merge("EcsTask", "job", json!({"spec": {"desiredStatus": "STOPPED", "reason": "enough"}})).await;
        let status = scene.stopped_task("job").await["status"].clone();
        assert_eq!(
            (&status["stopCode"], &status["stoppedReason"], &status["reason"], &status["desiredStatus"]),
            (&json!("UserInitiated"), &json!("enough"), &json!("enough"), &json!("STOPPED"))
        );
        scene.define("nginx:1").await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(scene.names("Pod").await, Vec::<String>::new(), "it stays stopped");
    });
}

#[test]
fn a_task_says_which_security_group_it_waits_for() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let policy = document("NetworkPolicy", "ecs-security-group-default", &json!({"spec": {"podSelector": {}}}));
        scene.create(&policy).await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web"})).await;
        let says = |task: &Value| text(&task["status"]["reason"]).starts_with("Waits for security group default: ");
        scene.until("EcsTask", "job", "says what it waits for", says).await;
        assert_eq!(scene.names("Pod").await, Vec::<String>::new());
        scene.delete("NetworkPolicy", "ecs-security-group-default").await;
        let runs = |task: &Value| task["status"]["lastStatus"] == "RUNNING" && task["status"]["reason"].is_null();
        scene.until("EcsTask", "job", "is RUNNING", runs).await;
    });
}
