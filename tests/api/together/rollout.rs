//! Deployments that fail: counted, ended by the circuit breaker, rolled back. The nodes are virtual: what the kubelet would
//! report, the test does.

use serde_json::{Value, json};

use crate::{
    pods::without_sandbox,
    rollouts::{id, unable_to_get_healthy, unable_to_pull, unable_to_start, with_breaker},
    scene::{Scene, condition, definition, is_steady, messages, service, text},
    turns::together,
};

#[test]
fn the_circuit_breaker_rolls_back_to_what_ran_before() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", with_breaker(2, true, 2)).await;
        let first = scene.steady("web", "web:1", 2).await;
        let before = scene.names("Pod").await;
        scene.apply("TaskDefinition", "web", definition("broken", &[80])).await;
        let rolled_back = unable_to_pull(scene, "broken", async {
            scene.condition("EcsService", "web", "Stalled", "True", "RolledBack").await;
            scene.get("EcsService", "web").await
        })
        .await;
        let primary = &rolled_back["status"]["deployments"][0];
        assert_eq!((id(&rolled_back, 0), &primary["rolloutState"]), (id(&first, 0), &json!("COMPLETED")));
        let told = messages(&rolled_back);
        let failed = told.iter().position(|message| message.ends_with("deployment failed: tasks failed to start."));
        let back = format!("(service web) rolling back to deployment {}.", id(&first, 0));
        assert_eq!(told[failed.unwrap() - 1], back, "{told:#?}");
        // The tasks that ran have not noticed.
        assert!(before.iter().all(|pod| !pod.is_empty()));
        assert_eq!(scene.names("Pod").await, before);
        // A better revision is deployed.
        scene.apply("TaskDefinition", "web", definition("nginx:2", &[80])).await;
        scene.steady("web", "web:3", 2).await;
    });
}

#[test]
fn without_roll_back_a_failed_deployment_stays_as_it_is() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", with_breaker(1, false, 1)).await;
        scene.steady("web", "web:1", 1).await;
        scene.apply("TaskDefinition", "web", definition("broken", &[80])).await;
        unable_to_pull(scene, "broken", async {
            scene.condition("EcsService", "web", "Stalled", "True", "DeploymentFailed").await;
            let pods = scene.names("Pod").await;
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            assert_eq!(scene.names("Pod").await, pods, "tasks are replaced all the same");
        })
        .await;
        let failed = scene.get("EcsService", "web").await;
        assert_eq!(failed["status"]["deployments"][0]["rolloutState"], "FAILED");
        assert_eq!(
            failed["status"]["deployments"][0]["rolloutStateReason"],
            "ECS deployment circuit breaker: tasks failed to start."
        );
        assert_eq!(failed["status"]["runningCount"], 1);
    });
}

#[test]
fn a_deployment_that_is_stopped_by_hand_is_rolled_back() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", with_breaker(1, false, 100)).await;
        let first = scene.steady("web", "web:1", 1).await;
        scene.apply("TaskDefinition", "web", definition("broken", &[80])).await;
        unable_to_pull(scene, "broken", async {
            let second = scene
                .until("EcsService", "web", "has a second deployment", |service| {
                    service["status"]["deployments"].as_array().is_some_and(|deployments| deployments.len() == 2)
                })
                .await;
            let stop = json!({"metadata": {"annotations": {"ecs-operator.dev/stop-deployment": id(&second, 0)}}});
            scene.merge("EcsService", "web", stop).await;
            scene.condition("EcsService", "web", "Stalled", "True", "RolledBack").await;
        })
        .await;
        let back = scene.get("EcsService", "web").await;
        assert_eq!(id(&back, 0), id(&first, 0));
        assert!(text(&condition(&back, "Stalled")["message"]).contains("stopped by user"), "{back}");
    });
}

#[test]
fn a_healthy_task_puts_the_failures_to_zero_where_the_service_wants_that() {
    together(async |scene| {
        scene.make_cluster().await;
        for (name, resets, left) in [("resets", true, 0), ("adds-up", false, 1)] {
            scene.define("nginx:1").await;
            let mut breaker = with_breaker(1, false, 3);
            breaker["deploymentConfiguration"]["deploymentCircuitBreaker"]["resetOnHealthyTask"] = json!(resets);
            scene.apply("EcsService", name, breaker.clone()).await;
            let is_ready = |service: &Value| condition(service, "Ready")["status"] == "True";
            scene.until("EcsService", name, "is ready", is_ready).await;
            // The next deployment would have no failures any more when it is completed.
            breaker["deploymentConfiguration"]["bakeTimeInMinutes"] = json!(10);
            scene.apply("EcsService", name, breaker).await;
            scene.apply("TaskDefinition", "web", definition(name, &[80])).await;
            unable_to_pull(scene, name, async {
                let has_failed = |service: &Value| service["status"]["deployments"][0]["failedTasks"] == 1;
                scene.until("EcsService", name, "has counted a failed task", has_failed).await;
            })
            .await;
            let bakes = |service: &Value| text(&condition(service, "Ready")["message"]).contains("its bake time");
            let baking = scene.until("EcsService", name, "bakes", bakes).await;
            assert_eq!(baking["status"]["deployments"][0]["failedTasks"], left, "{baking}");
            scene.delete("EcsService", name).await;
        }
    });
}

#[test]
fn the_circuit_breaker_counts_tasks_that_fail_their_health_checks() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", with_breaker(1, true, 1)).await;
        let first = scene.steady("web", "web:1", 1).await;
        let mut checked = definition("broken", &[80]);
        checked["containerDefinitions"][0]["healthCheck"] =
            json!({"command": ["CMD", "true"], "interval": 5, "timeout": 2, "retries": 1});
        scene.apply("TaskDefinition", "web", checked).await;
        let rolled_back = unable_to_get_healthy(scene, "broken", async {
            scene.condition("EcsService", "web", "Stalled", "True", "RolledBack").await
        })
        .await;
        assert!(text(&rolled_back["message"]).contains("Task failed container health checks"), "{rolled_back}");
        let service = scene.get("EcsService", "web").await;
        assert_eq!(id(&service, 0), id(&first, 0));
        // The task that decided it is told like any other, before the end of its deployment.
        let told = messages(&service);
        let failed = told.iter().position(|message| message.ends_with("failed container health checks."));
        let ended = told.iter().position(|message| message.contains("deployment failed"));
        assert!(failed > ended && ended.is_some(), "{told:#?}");
        let records = scene.list("EcsTask").await;
        let sick = records.iter().find(|task| task["spec"]["taskDefinition"] == "web:2").unwrap();
        let status = scene.stopped_record(sick).await;
        assert_eq!(status["stoppedReason"], "Task failed container health checks", "{status}");
    });
}

#[test]
fn a_deployment_in_its_bake_time_can_be_rolled_back() {
    together(async |scene| {
        scene.run_web(1).await;
        let mut baking = service(1);
        baking["deploymentConfiguration"] = json!({"bakeTimeInMinutes": 10});
        scene.apply("EcsService", "web", baking).await;
        scene.define("nginx:2").await;
        let bakes =
            |service: &Value| text(&condition(service, "Ready")["message"]).contains("when its bake time has passed");
        let second = scene.until("EcsService", "web", "bakes", bakes).await;
        assert_eq!(second["status"]["deployments"][0]["rolloutState"], "IN_PROGRESS");
        let stop = json!({"metadata": {"annotations": {"ecs-operator.dev/stop-deployment": id(&second, 0)}}});
        scene.merge("EcsService", "web", stop).await;
        scene.condition("EcsService", "web", "Stalled", "True", "RolledBack").await;
        assert_eq!(scene.get("EcsService", "web").await["status"]["taskDefinitionRevision"], "web:1");
    });
}

#[test]
fn a_task_that_cannot_start_is_replaced_after_a_while() {
    together(async |scene| {
        unable_to_pull(scene, "broken", is_replaced_and_counted(scene, "CannotPullContainerError")).await;
    });
}

#[test]
fn a_task_whose_volume_does_not_come_is_replaced_although_nobody_tells_of_it() {
    together(async |scene| {
        let stuck = || without_sandbox("web", 58, 56);
        unable_to_start(scene, "broken", stuck, is_replaced_and_counted(scene, "ResourceInitializationError")).await;
    });
}

/// Runs a service with an image.
async fn is_replaced_and_counted(scene: &Scene, words: &str) {
    scene.make_cluster().await;
    scene.apply("TaskDefinition", "web", definition("broken", &[80])).await;
    let mut slow = service(1);
    slow["kubernetes"]["minReadySeconds"] = json!(3);
    scene.apply("EcsService", "web", slow).await;
    let stopped =
        |records: &[Value]| records.iter().find(|record| record["status"]["lastStatus"] == "STOPPED").cloned();
    let mut found = None;
    crate::connection::wait_until("a task has failed to start", async || {
        found = stopped(&scene.list("EcsTask").await);
        found.is_some()
    })
    .await;
    let status = &found.unwrap()["status"];
    assert_eq!(status["stopCode"], "TaskFailedToStart");
    assert!(text(&status["stoppedReason"]).starts_with(words), "{status}");
    let failed = |service: &Value| service["status"]["deployments"][0]["failedTasks"] == 2;
    scene.until("EcsService", "web", "has counted the next one", failed).await;
}

#[test]
fn a_drain_may_move_as_many_tasks_as_the_minimum_lets_it() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let mut four = service(4);
        four["deploymentConfiguration"] = json!({"minimumHealthyPercent": 50});
        scene.apply("EcsService", "web", four).await;
        scene.steady("web", "web:1", 4).await;
        assert_eq!(scene.get("PodDisruptionBudget", "web").await["spec"]["maxUnavailable"], 2);
        scene.apply("EcsService", "web", service(0)).await;
        scene.until_gone("PodDisruptionBudget", "web").await;
    });
}

/// A port of the node that only one task on each can have.
const HOST_PORT: u16 = 18080;

#[test]
fn a_deployment_is_completed_early_when_the_service_says_so() {
    together(async |scene| {
        // Ports of the node are more than the Pod Security level baseline allows.
        scene.apply("EcsCluster", &scene.cluster, json!({"kubernetes": {"podSecurity": "privileged"}})).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        let mut one_on_a_node = definition("nginx:1", &[]);
        one_on_a_node["containerDefinitions"][0]["portMappings"] =
            json!([{"containerPort": 80, "hostPort": HOST_PORT}]);
        scene.apply("TaskDefinition", "web", one_on_a_node).await;
        let mut early = service(4);
        early["deploymentConfiguration"] = json!({"minimumHealthyPercent": 50,
            "earlySuccessCriteria": {"enable": true, "healthyPercent": 75}});
        scene.apply("EcsService", "web", early).await;
        let completed = |service: &Value| service["status"]["deployments"][0]["rolloutState"] == "COMPLETED";
        let service = scene.until("EcsService", "web", "is completed", completed).await;
        assert!(!is_steady(&service, "web:1", 4), "the fourth task finds no node");
        assert!(messages(&service).iter().any(|message| message.ends_with("deployment completed.")));
        let unplaced = |service: &Value| {
            let told = messages(service);
            told.iter().any(|message| message.contains("no container instance met all of its requirements"))
        };
        scene.until("EcsService", "web", "tells of it", unplaced).await;
    });
}

#[test]
fn what_is_started_and_stopped_is_told_by_the_ids_of_the_tasks() {
    together(async |scene| {
        scene.run_web(1).await;
        let first = text(&scene.running_tasks(1).await[0]["metadata"]["name"]);
        scene.define("nginx:2").await;
        scene.steady("web", "web:2", 1).await;
        let second = text(&scene.running_tasks(1).await[0]["metadata"]["name"]);
        let stopped = format!("(service web) has stopped 1 running tasks: (task {first}).");
        let tells = |service: &Value| messages(service).contains(&stopped);
        let service = scene.until("EcsService", "web", "tells of the stop", tells).await;
        let told = messages(&service);
        let starts: Vec<_> = told.iter().filter(|message| message.contains(" has started ")).collect();
        let started = |id: &str| format!("(service web) has started 1 tasks: (task {id}).");
        assert_eq!(starts, [&started(&second), &started(&first)], "the newest first");
        let count = |message: &str| told.iter().filter(|told| *told == message).count();
        assert_eq!(count(&stopped), 1);
        let events = scene.events("web").await;
        assert_eq!(events.iter().filter(|note| **note == stopped).count(), 1);
    });
}

#[test]
fn a_service_that_is_scaled_so_that_nothing_may_move_says_so_in_the_middle_of_a_deployment() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let mut tight = service(4);
        // A new task counts late, so that the deployment is under way for a while.
        tight["kubernetes"]["minReadySeconds"] = json!(15);
        tight["deploymentConfiguration"] = json!({"minimumHealthyPercent": 50, "maximumPercent": 100});
        scene.apply("EcsService", "web", tight.clone()).await;
        scene.steady("web", "web:1", 4).await;
        scene.define("nginx:2").await;
        let is_under_way = |deployment: &Value| deployment["status"]["updatedReplicas"] == 2;
        scene.until("Deployment", "web", "is under way", is_under_way).await;
        // Of one task none may be missing, and none be added.
        tight["desiredCount"] = json!(1);
        scene.apply("EcsService", "web", tight.clone()).await;
        scene.condition("EcsService", "web", "Stalled", "True", "DeploymentBlocked").await;
        assert_eq!(scene.get("Deployment", "web").await["spec"]["paused"], true);
        tight["deploymentConfiguration"] = json!({"minimumHealthyPercent": 0, "maximumPercent": 100});
        scene.apply("EcsService", "web", tight).await;
        scene.steady("web", "web:2", 1).await;
        assert_eq!(scene.get("Deployment", "web").await["spec"]["paused"], Value::Null);
    });
}
