//! Deployments of a service: when they start, when they cannot, and what a change of the ports does.

use serde_json::{Value, json};

use crate::{
    connection::wait_until,
    scene::{definition, messages, service, text},
    turns::together,
};

fn image(deployment: &Value) -> String {
    text(&deployment["spec"]["template"]["spec"]["containers"][0]["image"])
}

#[test]
fn percentages_that_allow_no_step_hold_the_old_template_until_they_change() {
    together(async |scene| {
        scene.run_web(1).await;
        let with = |maximum: i32, minimum: i32| {
            let mut service = service(1);
            service["deploymentConfiguration"] = json!({"maximumPercent": maximum, "minimumHealthyPercent": minimum});
            service
        };
        scene.apply("EcsService", "web", with(150, 100)).await;
        scene.define("nginx:2").await;
        let stalled = scene.condition("EcsService", "web", "Stalled", "True", "DeploymentBlocked").await;
        let words = "(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";
        assert_eq!(stalled["message"], words);
        let held = scene.get("EcsService", "web").await;
        assert_eq!(messages(&held).iter().filter(|message| *message == words).count(), 1);
        assert_eq!(
            (&held["status"]["runningCount"], &held["status"]["taskDefinitionRevision"]),
            (&json!(1), &json!("web:2"))
        );
        assert_eq!(image(&scene.get("Deployment", "web").await), "nginx:1");
        let pods: Vec<_> =
            scene.list("Pod").await.iter().map(|pod| text(&pod["spec"]["containers"][0]["image"])).collect();
        assert_eq!(pods, ["nginx:1"]);
        scene.apply("EcsService", "web", with(200, 100)).await;
        scene.steady("web", "web:2", 1).await;
        assert_eq!(image(&scene.get("Deployment", "web").await), "nginx:2");
    });
}

#[test]
fn the_first_tasks_of_a_service_start_whatever_the_percentages_say() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let mut blocked = service(1);
        blocked["deploymentConfiguration"] = json!({"maximumPercent": 150, "minimumHealthyPercent": 100});
        scene.apply("EcsService", "web", blocked).await;
        scene.steady("web", "web:1", 1).await;
    });
}

#[test]
fn a_service_whose_tasks_listen_no_more_loses_its_address() {
    together(async |scene| {
        scene.run_web(1).await;
        assert!(!scene.get("Service", "web").await.is_null());
        scene.apply("TaskDefinition", "web", definition("nginx:1", &[])).await;
        scene.steady("web", "web:2", 1).await;
        scene.until_gone("Service", "web").await;
        let closed = |policy: &Value| policy["spec"]["ingress"].as_array().is_none_or(Vec::is_empty);
        scene.until("NetworkPolicy", "ecs-security-group-web", "lets nothing in", closed).await;
        scene.apply("TaskDefinition", "web", definition("nginx:1", &[80, 8080])).await;
        scene.steady("web", "web:3", 1).await;
        let ports = scene.get("Service", "web").await["spec"]["ports"].as_array().map(Vec::len);
        assert_eq!(ports, Some(2));
    });
}

#[test]
fn a_new_token_starts_a_deployment_and_a_new_count_does_not() {
    together(async |scene| {
        scene.run_web(1).await;
        scene.apply("EcsService", "web", service(2)).await;
        scene.steady("web", "web:1", 2).await;
        assert_eq!(scene.names("ControllerRevision").await, ["web-1"]);
        let before = scene.names("Pod").await;
        let mut forced = service(2);
        forced["forceNewDeployment"] = json!("again");
        scene.apply("EcsService", "web", forced).await;
        let started = |service: &Value| {
            service["status"]["deployments"][0]["id"] != Value::Null
                && messages(service).iter().filter(|message| message.ends_with("deployment completed.")).count() == 2
        };
        scene.until("EcsService", "web", "has completed a second deployment", started).await;
        assert_eq!(scene.names("ControllerRevision").await, ["web-1", "web-2"]);
        assert!(scene.names("Pod").await.iter().all(|pod| !before.contains(pod)));
    });
}

/// Kubernetes takes such a Deployment for one that is being scaled, and never goes on.
#[test]
fn a_deployment_goes_on_whose_replica_set_was_told_by_another_number() {
    together(async |scene| {
        scene.run_web(2).await;
        let replica_set = scene.names("ReplicaSet").await.remove(0);
        let annotations = json!({"deployment.kubernetes.io/desired-replicas": "5"});
        scene.merge("ReplicaSet", &replica_set, json!({"metadata": {"annotations": annotations}})).await;
        scene.define("nginx:2").await;
        scene.steady("web", "web:2", 2).await;
    });
}

#[test]
fn only_so_many_old_deployments_are_kept() {
    together(async |scene| {
        scene.run_web(0).await;
        for token in 2..=14 {
            let mut forced = service(0);
            forced["forceNewDeployment"] = json!(token.to_string());
            scene.apply("EcsService", "web", forced).await;
            let number = token.to_string();
            scene
                .until("Deployment", "web", "has the new template", |deployment| {
                    deployment["metadata"]["labels"]["ecs-operator.dev/deployment"] == number.as_str()
                })
                .await;
        }
        // The newest ten, and the last that was completed: the way back.
        let kept = async || scene.names("ControllerRevision").await.len();
        wait_until("the oldest deployments are gone", async || kept().await <= 11).await;
        assert!(kept().await >= 10);
    });
}

#[test]
fn a_service_whose_revision_is_gone_goes_on_from_its_snapshot() {
    together(async |scene| {
        scene.run_web(1).await;
        let first = scene.names("Pod").await;
        scene.delete("TaskDefinition", "web").await;
        scene.delete("TaskDefinitionRevision", "web.1").await;
        scene.until_gone("TaskDefinitionRevision", "web.1").await;
        scene.apply("EcsService", "web", service(2)).await;
        scene.steady("web", "web:1", 2).await;
        assert!(scene.names("Pod").await.contains(&first[0]), "its task was started again");
        let mut forced = service(2);
        forced["forceNewDeployment"] = json!("again");
        scene.apply("EcsService", "web", forced).await;
        scene.condition("EcsService", "web", "Accepted", "False", "TaskDefinitionNotFound").await;
        assert_eq!(image(&scene.get("Deployment", "web").await), "nginx:1");
    });
}
