//! Subnets of a cluster, and its region. The virtual nodes are of the region us-east-1: `kwok-1` is in its zone b, `kwok-2` in c,
//! `kwok-3` in a.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    connection::wait_until,
    scene::{Scene, condition, definition, service, text},
    turns::together,
};

const NETWORK: &str = "networkConfiguration";

fn subnets(ids: &[&str]) -> Value {
    json!({"awsvpcConfiguration": {"subnets": ids}})
}

async fn cluster(scene: &Scene, spec: Value) {
    scene.apply("EcsCluster", &scene.cluster, spec).await;
    scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
    let mut web = definition("nginx:1", &[80]);
    web["networkMode"] = json!("awsvpc");
    scene.apply("TaskDefinition", "web", web).await;
}

fn in_zones() -> Value {
    json!({"subnets": [
        {"id": "subnet-a", "availabilityZone": "us-east-1a"},
        {"id": "subnet-b", "availabilityZone": "us-east-1b"},
        {"id": "subnet-c", "nodeSelector": {"kubernetes.io/hostname": "kwok-2"}},
    ]})
}

/// The nodes of the Pods that are not being stopped.
async fn nodes(scene: &Scene) -> Vec<String> {
    let pods = scene.list("Pod").await;
    pods.iter()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        .map(|pod| text(&pod["spec"]["nodeName"]))
        .collect()
}

/// What is told of the subnets that an object names.
fn outcome(object: &Value) -> Value {
    let outcomes = object["status"]["fieldOutcomes"].as_array().into_iter().flatten();
    let mut of_subnets = outcomes.filter(|outcome| text(&outcome["path"]).ends_with("awsvpcConfiguration.subnets"));
    of_subnets.next().map(|outcome| outcome["outcome"].clone()).unwrap_or_default()
}

#[test]
fn tasks_run_on_the_nodes_of_their_subnets_and_are_spread_over_their_zones() {
    together(async |scene| {
        cluster(scene, in_zones()).await;
        let mut web = service(6);
        web[NETWORK] = subnets(&["subnet-a", "subnet-b"]);
        scene.apply("EcsService", "web", web.clone()).await;
        let steady = scene.steady("web", "web:1", 6).await;
        let on = |node: &'static str, nodes: &[String]| nodes.iter().filter(|on| *on == node).count();
        let placed = nodes(scene).await;
        assert_eq!((on("kwok-3", &placed), on("kwok-1", &placed)), (3, 3), "{placed:?}");
        assert_eq!(outcome(&steady), "Approximated");
        // A change of them starts a deployment, as on ECS.
        web[NETWORK] = subnets(&["subnet-c"]);
        scene.apply("EcsService", "web", web).await;
        wait_until("all tasks are in the other subnet", async || nodes(scene).await.iter().eq(["kwok-2"; 6])).await;
        let moved = scene.steady("web", "web:1", 6).await;
        assert_ne!(moved["status"]["deployments"][0]["id"], steady["status"]["deployments"][0]["id"]);
    });
}

#[test]
fn a_subnet_that_the_cluster_does_not_have_is_waited_for() {
    together(async |scene| {
        cluster(scene, in_zones()).await;
        let mut web = service(1);
        web[NETWORK] = subnets(&["subnet-a", "subnet-new"]);
        scene.apply("EcsService", "web", web).await;
        let task = json!({"taskDefinition": "web", NETWORK: subnets(&["subnet-new"])});
        scene.apply("EcsTask", "once", task).await;
        for (kind, name) in [("EcsService", "web"), ("EcsTask", "once")] {
            let refused = scene.condition(kind, name, "Accepted", "False", "SubnetNotFound").await;
            let message = text(&refused["message"]);
            assert!(message.contains("The subnet ID 'subnet-new' does not exist."), "{message}");
        }
        assert_eq!(nodes(scene).await, Vec::<String>::new());
        let mut more = in_zones();
        let new = json!({"id": "subnet-new", "nodeSelector": {"kubernetes.io/hostname": "kwok-3"}});
        more["subnets"].as_array_mut().unwrap().push(new);
        scene.apply("EcsCluster", &scene.cluster, more).await;
        scene.steady("web", "web:1", 1).await;
        scene.until("EcsTask", "once", "runs", |task| task["status"]["lastStatus"] == "RUNNING").await;
        assert_eq!(nodes(scene).await.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(["kwok-3".into()]));
    });
}

#[test]
fn without_subnets_in_the_cluster_those_of_a_service_are_ignored() {
    together(async |scene| {
        cluster(scene, json!({})).await;
        let mut web = service(1);
        web[NETWORK] = subnets(&["subnet-0a1b2c"]);
        scene.apply("EcsService", "web", web).await;
        let before = scene.steady("web", "web:1", 1).await;
        assert_eq!(outcome(&before), "Ignored");
        // The cluster gets some: what runs does not notice, and a subnet that is none of them does not end it.
        let pods = scene.names("Pod").await;
        scene.apply("EcsCluster", &scene.cluster, in_zones()).await;
        let after = scene.until("EcsService", "web", "tells of it", |web| outcome(web) == "Approximated").await;
        assert_eq!(condition(&after, "Ready")["status"], "True", "{after}");
        assert_eq!(scene.names("Pod").await, pods);
    });
}

#[test]
fn a_cluster_of_another_region_has_no_node_here() {
    together(async |scene| {
        cluster(scene, json!({"region": "eu-central-1"})).await;
        scene.apply("EcsService", "web", service(1)).await;
        let waits = |pod: &Value| {
            let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
            conditions.into_iter().any(|condition| condition["reason"] == "Unschedulable")
        };
        wait_until("its task finds no node", async || scene.list("Pod").await.iter().any(waits)).await;
        let other = format!("{}-b", scene.cluster);
        let here = json!({"region": "us-east-1", "kubernetes": {"namespace": format!("{}-b", scene.namespace)}});
        scene.apply("EcsCluster", &other, here).await;
        let there = Scene { client: scene.client.clone(), namespace: format!("{}-b", scene.namespace), cluster: other };
        there.condition("EcsCluster", &there.cluster, "Ready", "True", "Available").await;
        there.define("nginx:1").await;
        there.apply("EcsService", "web", service(1)).await;
        there.steady("web", "web:1", 1).await;
    });
}
