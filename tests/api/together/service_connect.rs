//! Service Connect: the Services of endpoints, and the hosts of the tasks that reach them.

use serde_json::{Value, json};

use crate::{
    scene::{Scene, condition, definition, service, text},
    turns::together,
};

/// A task definition with a named port.
pub fn listening(port: u16) -> Value {
    let mut web = definition("nginx:1", &[port]);
    web["containerDefinitions"][0]["portMappings"][0]["name"] = json!("http");
    web
}

fn connected(configuration: &Value) -> Value {
    let mut web = service(1);
    web["serviceConnectConfiguration"] = json!({"enabled": true, "namespace": "shop"});
    let members = web["serviceConnectConfiguration"].as_object_mut().unwrap();
    members.extend(configuration.as_object().unwrap().clone());
    web
}

pub fn reached_as(name: &str) -> Value {
    connected(&json!({"services": [{"portName": "http", "clientAliases": [{"port": 80, "dnsName": name}]}]}))
}

/// The one endpoint of a service.
pub async fn endpoint(scene: &Scene, of: &str) -> Value {
    let services = scene.list("Service").await;
    let is_endpoint = |it: &&Value| {
        text(&it["metadata"]["name"]).starts_with("sc-") && it["metadata"]["labels"]["ecs-operator.dev/service"] == of
    };
    let endpoints: Vec<_> = services.iter().filter(is_endpoint).collect();
    assert_eq!(endpoints.len(), 1, "{endpoints:?}");
    endpoints[0].clone()
}

/// The hosts of the tasks of a service: each name with its address.
async fn hosts(scene: &Scene, of: &str) -> Vec<(String, String)> {
    let deployment = scene.get("Deployment", of).await;
    let aliases = deployment["spec"]["template"]["spec"]["hostAliases"].as_array().cloned().unwrap_or_default();
    let names = |alias: &Value| alias["hostnames"].as_array().cloned().unwrap_or_default();
    let mut hosts: Vec<_> =
        aliases.iter().flat_map(|it| names(it).into_iter().map(|name| (text(&name), text(&it["ip"])))).collect();
    hosts.sort();
    hosts
}

#[test]
fn clients_reach_a_service_by_the_names_that_were_there_when_they_were_deployed() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("TaskDefinition", "web", listening(8080)).await;
        scene.apply("EcsService", "early", connected(&json!({}))).await;
        scene.steady("early", "web:1", 1).await;
        assert_eq!(hosts(scene, "early").await, []);
        scene.apply("EcsService", "api", reached_as("api.internal")).await;
        let steady = scene.steady("api", "web:1", 1).await;
        let resources = json!([{"discoveryName": "http"}]);
        assert_eq!(steady["status"]["deployments"][0]["serviceConnectResources"], resources);
        let opened = endpoint(scene, "api").await;
        let port = &opened["spec"]["ports"][0];
        assert_eq!((&port["port"], &port["targetPort"]), (&json!(80), &json!("http")));
        let known = vec![("api.internal".to_owned(), text(&opened["spec"]["clusterIP"]))];
        assert_eq!(hosts(scene, "api").await, known, "its own tasks know it");
        scene.apply("EcsService", "late", connected(&json!({}))).await;
        scene.steady("late", "web:1", 1).await;
        assert_eq!(hosts(scene, "late").await, known);
        // An earlier one is told that a deployment is due, and knows it with that.
        let is_due = |it: &Value| {
            let due = text(&it["status"]["deploymentDue"]);
            due.contains("spec.hostAliases") && due.contains("They do not know yet: api.internal.")
        };
        scene.until("EcsService", "early", "says that a deployment is due", is_due).await;
        assert_eq!(hosts(scene, "early").await, []);
        scene.merge("EcsService", "early", json!({"spec": {"forceNewDeployment": "1"}})).await;
        scene.until("EcsService", "early", "has no deployment due", |it| it["status"]["deploymentDue"].is_null()).await;
        assert_eq!(hosts(scene, "early").await, known);
        // Its address stays while its revisions change.
        scene.apply("TaskDefinition", "web", listening(8081)).await;
        scene.steady("api", "web:2", 1).await;
        let after = endpoint(scene, "api").await;
        let name = text(&opened["metadata"]["name"]);
        // What somebody changes by hand is put right, also where the old port stands beside the other one.
        let moved = json!({"spec": {"ports": [{"name": "tcp-80", "port": 81, "targetPort": "http"}, {"name": "x", "port": 99}]}});
        scene.merge("Service", &name, moved).await;
        let is_right =
            |it: &Value| it["spec"]["ports"].as_array().is_some_and(|ports| ports.len() == 1 && ports[0]["port"] == 80);
        scene.until("Service", &name, "has its port again, and no other", is_right).await;
        let identity = |it: &Value| (it["metadata"]["uid"].clone(), it["spec"]["clusterIP"].clone());
        assert_eq!(identity(&after), identity(&opened));
        // A service that is made again is found where its clients know it.
        scene.delete("EcsService", "api").await;
        scene.until_gone("Service", &text(&opened["metadata"]["name"])).await;
        let lacks = |it: &Value| text(&it["status"]["deploymentDue"]).contains("They know what is gone: api.internal.");
        scene.until("EcsService", "late", "is told what its tasks know in vain", lacks).await;
        scene.apply("EcsService", "api", reached_as("api.internal")).await;
        scene.steady("api", "web:2", 1).await;
        assert_eq!(endpoint(scene, "api").await["spec"]["clusterIP"], opened["spec"]["clusterIP"]);
        let is_whole = |it: &Value| !text(&it["status"]["deploymentDue"]).contains("spec.hostAliases");
        scene.until("EcsService", "late", "finds it again", is_whole).await;
        // It takes part no more.
        scene.apply("EcsService", "api", service(1)).await;
        scene.until_gone("Service", &text(&opened["metadata"]["name"])).await;
        assert_eq!(hosts(scene, "api").await, []);
    });
}

#[test]
fn a_name_is_that_of_the_first_service_that_has_it() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("TaskDefinition", "web", listening(8080)).await;
        scene.apply("EcsService", "one", reached_as("web")).await;
        scene.steady("one", "web:1", 1).await;
        scene.apply("EcsService", "two", reached_as("web")).await;
        let refused = scene.condition("EcsService", "two", "Accepted", "False", "Invalid").await;
        assert!(
            text(&refused["message"]).contains("clientAliases[0].dnsName: Clients use web for EcsService "),
            "{refused}"
        );
        let discovered =
            json!({"services": [{"portName": "http", "clientAliases": [{"port": 80, "dnsName": "other"}]}]});
        scene.apply("EcsService", "three", connected(&discovered)).await;
        scene.condition("EcsService", "three", "Accepted", "False", "Invalid").await;
        // In another namespace it is free.
        let mut elsewhere = reached_as("web");
        elsewhere["serviceConnectConfiguration"]["namespace"] = json!("pay");
        scene.apply("EcsService", "three", elsewhere).await;
        scene.steady("three", "web:1", 1).await;
        let address = text(&endpoint(scene, "three").await["spec"]["clusterIP"]);
        assert_eq!(hosts(scene, "three").await, [("web".to_owned(), address)]);
        scene.delete("EcsService", "one").await;
        scene.steady("two", "web:1", 1).await;
        assert!(endpoint(scene, "two").await.is_object());
    });
}

#[test]
fn of_two_services_that_want_a_name_at_once_one_gets_it() {
    const PAIRS: usize = 8;
    together(async |scene| {
        scene.make_cluster().await;
        for pair in 0..PAIRS {
            for side in ["one", "two"] {
                let mut wanted = reached_as(&format!("name-{pair}"));
                wanted["serviceConnectConfiguration"]["services"][0]["discoveryName"] = json!(format!("name-{pair}"));
                scene.apply("EcsService", &format!("{side}-{pair}"), wanted).await;
            }
        }
        // What they run comes for all of them at once.
        scene.apply("TaskDefinition", "web", listening(8080)).await;
        for pair in 0..PAIRS {
            let accepted = |service: &Value| condition(service, "Accepted");
            let mut statuses = Vec::new();
            for side in ["one", "two"] {
                let is_decided = |service: &Value| {
                    condition(service, "Ready")["status"] == "True" || accepted(service)["reason"] == "Invalid"
                };
                let service = scene.until("EcsService", &format!("{side}-{pair}"), "is decided", is_decided).await;
                statuses.push(accepted(&service)["status"].clone());
            }
            statuses.sort_by_key(ToString::to_string);
            assert_eq!(statuses, ["False", "True"], "pair {pair}");
        }
        let services = scene.names("Service").await;
        assert_eq!(services.iter().filter(|name| name.starts_with("sc-name-")).count(), PAIRS, "{services:?}");
    });
}

#[test]
fn what_only_looks_like_an_endpoint_is_told_to_nobody() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("TaskDefinition", "web", listening(8080)).await;
        scene.apply("EcsService", "api", reached_as("api")).await;
        scene.steady("api", "web:1", 1).await;
        let mut forged = endpoint(scene, "api").await;
        (forged["apiVersion"], forged["kind"]) = (json!("v1"), json!("Service"));
        forged["metadata"] = json!({
            "name": "sc-forged", "namespace": scene.namespace, "labels": forged["metadata"]["labels"],
            "annotations": forged["metadata"]["annotations"], "ownerReferences": forged["metadata"]["ownerReferences"],
        });
        forged["spec"] = json!({"ports": [{"port": 80}]});
        scene.create(&forged).await;
        scene.until_gone("Service", "sc-forged").await;
        // One that has not even a label which says whose it is stays, and nobody gets to know it.
        let labels = forged["metadata"]["labels"].as_object_mut().unwrap();
        labels.remove("ecs-operator.dev/service");
        scene.create(&forged).await;
        scene.apply("EcsService", "client", connected(&json!({}))).await;
        scene.steady("client", "web:1", 1).await;
        let known = endpoint(scene, "api").await;
        assert_eq!(hosts(scene, "client").await, [("api".to_owned(), text(&known["spec"]["clusterIP"]))]);
    });
}

#[test]
fn a_service_without_a_namespace_has_that_of_its_cluster() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("TaskDefinition", "web", listening(8080)).await;
        let mut web = service(1);
        web["serviceConnectConfiguration"] = json!({"enabled": true, "services": [{"portName": "http"}]});
        scene.apply("EcsService", "web", web).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "Invalid").await;
        assert!(text(&refused["message"]).contains("Namespace is missing"), "{refused}");
        let defaults = json!({"serviceConnectDefaults": {"namespace": "shop"}});
        scene.apply("EcsCluster", &scene.cluster, defaults).await;
        let first = scene.steady("web", "web:1", 1).await["status"]["deployments"][0]["id"].clone();
        // It keeps that.
        let others = json!({"serviceConnectDefaults": {"namespace": "pay"}});
        scene.apply("EcsCluster", &scene.cluster, others).await;
        scene.merge("EcsService", "web", json!({"spec": {"forceNewDeployment": "1"}})).await;
        scene
            .until("EcsService", "web", "has another deployment", |it| it["status"]["deployments"][0]["id"] != first)
            .await;
        scene.steady("web", "web:1", 1).await;
        let names: Vec<_> = hosts(scene, "web").await.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["http.shop"]);
        assert_eq!(endpoint(scene, "web").await["spec"]["ports"][0]["port"], 8080);
    });
}

#[test]
fn clusters_of_one_vpc_share_their_namespaces() {
    together(async |scene| {
        let name = format!("{}-b", scene.cluster);
        let other = Scene { client: scene.client.clone(), namespace: format!("ecs-{name}"), cluster: name };
        let vpc = json!({"vpc": {"id": format!("vpc-{}", scene.cluster)}});
        for each in [scene, &other] {
            each.make_cluster().await;
            each.apply("TaskDefinition", "web", listening(8080)).await;
        }
        scene.apply("EcsService", "api", reached_as("api")).await;
        scene.steady("api", "web:1", 1).await;
        other.apply("EcsService", "stranger", connected(&json!({}))).await;
        other.steady("stranger", "web:1", 1).await;
        assert_eq!(hosts(&other, "stranger").await, []);
        for each in [scene, &other] {
            each.apply("EcsCluster", &each.cluster, vpc.clone()).await;
            let is_seen = |it: &Value| it["status"]["observedGeneration"] == it["metadata"]["generation"];
            each.until("EcsCluster", &each.cluster, "is seen in its VPC", is_seen).await;
        }
        other.apply("EcsService", "neighbour", connected(&json!({}))).await;
        other.steady("neighbour", "web:1", 1).await;
        let address = text(&endpoint(scene, "api").await["spec"]["clusterIP"]);
        assert_eq!(hosts(&other, "neighbour").await, [("api".to_owned(), address)]);
        other.leave().await;
    });
}
