//! Service discovery: the headless Service of a registry that a service names.

use serde_json::{Value, json};

use crate::{
    scene::{Scene, definition, service, text},
    turns::together,
};

fn found_as(name: &str) -> Value {
    let mut web = service(1);
    web["serviceRegistries"] = json!([{"registryArn": name}]);
    web
}

async fn run(scene: &Scene, spec: Value) -> Value {
    scene.apply("EcsService", "web", spec).await;
    scene.steady("web", "web:1", 1).await
}

#[test]
fn the_tasks_of_a_service_are_found_by_the_name_of_its_registry() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("TaskDefinition", "web", definition("nginx:1", &[80, 81])).await;
        let first = run(scene, found_as("arn:aws:servicediscovery:us-east-1:000000000000:service/found")).await;
        let registry = scene.until("Service", "found", "is there", Value::is_object).await;
        assert_eq!(registry["spec"]["clusterIP"], "None");
        assert_eq!(registry["spec"]["selector"], json!({"ecs-operator.dev/service": "web"}));
        let ports: Vec<_> = registry["spec"]["ports"].as_array().unwrap().iter().map(|port| &port["port"]).collect();
        assert_eq!(ports, [80, 81]);
        // A change of it starts a deployment, as on ECS, and the old name goes with the last of its tasks.
        scene.apply("EcsService", "web", found_as("elsewhere")).await;
        scene.until("Service", "elsewhere", "is there", Value::is_object).await;
        scene.until_gone("Service", "found").await;
        let second = scene.steady("web", "web:1", 1).await;
        let id = |service: &Value| text(&service["status"]["deployments"][0]["id"]);
        assert_ne!(id(&second), id(&first));
        run(scene, service(1)).await;
        scene.until_gone("Service", "elsewhere").await;
        assert!(scene.get("Service", "web").await.is_object(), "its own name stays");
    });
}

#[test]
fn a_name_that_somebody_else_has_is_not_taken() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        let theirs = json!({"ports": [{"port": 80}]});
        scene.apply("Service", "found", theirs).await;
        scene.apply("EcsService", "web", found_as("found")).await;
        let stalled = scene.condition("EcsService", "web", "Stalled", "True", "ForeignObject").await;
        assert!(text(&stalled["message"]).contains("Service found exists and belongs to somebody else"), "{stalled}");
        // All else goes on.
        scene.merge("EcsService", "web", json!({"spec": {"desiredCount": 2}})).await;
        scene.running_tasks(2).await;
        scene.apply("EcsService", "web", found_as("web")).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "Invalid").await;
        assert!(text(&refused["message"]).contains("spec.serviceRegistries[0].registryArn"), "{refused}");
        run(scene, found_as("other")).await;
        assert!(scene.get("Service", "found").await["spec"]["selector"].is_null(), "it is as it was");
    });
}

#[test]
fn two_services_exchange_their_names_and_a_service_takes_its_own_back() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsService", "one", found_as("name-a")).await;
        scene.apply("EcsService", "two", found_as("name-b")).await;
        scene.steady("one", "web:1", 1).await;
        scene.steady("two", "web:1", 1).await;
        scene.apply("EcsService", "one", found_as("name-b")).await;
        scene.apply("EcsService", "two", found_as("name-a")).await;
        let selects = |service: &'static str| {
            move |registry: &Value| registry["spec"]["selector"]["ecs-operator.dev/service"] == service
        };
        scene.until("Service", "name-b", "is that of one", selects("one")).await;
        scene.until("Service", "name-a", "is that of two", selects("two")).await;
        scene.steady("one", "web:1", 1).await;
        // A service has its name, whoever had it before.
        scene.apply("EcsService", "name-a", service(1)).await;
        scene.steady("name-a", "web:1", 1).await;
        scene.condition("EcsService", "two", "Stalled", "True", "ForeignObject").await;
        // Nobody gets it any more, until that service is gone.
        scene.apply("EcsService", "three", found_as("name-a")).await;
        let refused = scene.condition("EcsService", "three", "Accepted", "False", "Invalid").await;
        assert!(text(&refused["message"]).contains("is the name of another EcsService"), "{refused}");
        scene.delete("EcsService", "two").await;
        scene.until_gone("EcsService", "two").await;
        scene.delete("EcsService", "name-a").await;
        scene.steady("three", "web:1", 1).await;
        // One that needs no Service leaves the name to who has it.
        let mut portless = definition("nginx:1", &[]);
        portless["family"] = json!("portless");
        scene.apply("TaskDefinition", "portless", portless).await;
        let mut named = service(1);
        named["taskDefinition"] = json!("portless");
        scene.apply("EcsService", "name-b", named).await;
        scene.steady("name-b", "portless:1", 1).await;
        assert!(selects("one")(&scene.get("Service", "name-b").await), "it stays that of one");
    });
}
