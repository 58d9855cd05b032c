//! Pairs for the fields of a service and of a cluster.

use serde_json::{Value, json};

use super::{Pair, merge};

/// Of so many tasks every percentage is another number.
fn of_service(path: &'static str, one: Value, other: Value) -> Pair {
    Pair { kind: "EcsService", path, around: json!({"desiredCount": 100}), one, other }
}

fn of_cluster(path: &'static str, one: Value, other: Value) -> Pair {
    Pair { kind: "EcsCluster", path, around: json!({}), one, other }
}

fn to_target_group() -> Value {
    json!({"targetGroupArn": "one", "containerName": "a", "containerPort": 80})
}

fn registered(path: &'static str, one: Value, other: Value) -> Pair {
    Pair { kind: "EcsService", path, around: json!({"loadBalancers": [to_target_group()]}), one, other }
}

fn in_registry(path: &'static str, beside: &Value, one: Value, other: Value) -> Pair {
    let mut registry = json!({"registryArn": "found"});
    merge(&mut registry, beside);
    Pair { kind: "EcsService", path, around: json!({"serviceRegistries": [registry]}), one, other }
}

fn connected(path: &'static str, beside: &Value, one: Value, other: Value) -> Pair {
    let mut service = json!({"portName": "http"});
    merge(&mut service, beside);
    let around = json!({"serviceConnectConfiguration": {"enabled": true, "namespace": "shop", "services": [service]}});
    Pair { kind: "EcsService", path, around, one, other }
}

pub(super) fn pairs() -> Vec<Pair> {
    let groups = |name: &str| json!({"securityGroups": [name]});
    let network = |name: &str| json!({"awsvpcConfiguration": groups(name)});
    vec![
        of_service("cluster", json!("default"), json!("prod")),
        of_service("taskDefinition", json!("web"), json!("api")),
        of_service("desiredCount", json!(1), json!(2)),
        // DAEMON is told otherwise.
        Pair {
            kind: "EcsService",
            path: "schedulingStrategy",
            around: json!({}),
            one: json!("REPLICA"),
            other: json!("DAEMON"),
        },
        of_service("loadBalancers", json!(null), json!([to_target_group()])),
        registered("loadBalancers[].targetGroupArn", json!("one"), json!("two")),
        registered("loadBalancers[].containerName", json!("a"), json!("b")),
        registered("loadBalancers[].containerPort", json!(80), json!(81)),
        of_service("serviceRegistries", json!(null), json!([{"registryArn": "found"}])),
        in_registry("serviceRegistries[].port", &json!({}), json!(80), json!(81)),
        in_registry("serviceRegistries[].containerName", &json!({"containerPort": 80}), json!("a"), json!("b")),
        in_registry("serviceRegistries[].containerPort", &json!({"containerName": "a"}), json!(80), json!(81)),
        connected("serviceConnectConfiguration.enabled", &json!({}), json!(false), json!(true)),
        connected("serviceConnectConfiguration.services", &json!({}), json!([]), json!([{"portName": "http"}])),
        connected("serviceConnectConfiguration.services[].portName", &json!({}), json!("http"), json!("admin")),
        connected("serviceConnectConfiguration.services[].discoveryName", &json!({}), json!("one"), json!("two")),
        connected(
            "serviceConnectConfiguration.services[].clientAliases",
            &json!({}),
            json!(null),
            json!([{"port": 81}]),
        ),
        connected(
            "serviceConnectConfiguration.services[].clientAliases[].port",
            &json!({"clientAliases": [{"dnsName": "web"}]}),
            json!(80),
            json!(81),
        ),
        of_service("networkConfiguration", json!(null), network("one")),
        of_service("networkConfiguration.awsvpcConfiguration", json!(null), groups("one")),
        of_service("networkConfiguration.awsvpcConfiguration.securityGroups", json!(["one"]), json!(["two"])),
        of_service("deploymentConfiguration", json!(null), json!({"maximumPercent": 150})),
        // The one strategy that there is: the others are refused.
        of_service("deploymentConfiguration.strategy", json!("ROLLING"), json!("BLUE_GREEN")),
        of_service("kubernetes", json!(null), json!({"minReadySeconds": 1})),
        of_service("kubernetes.minReadySeconds", json!(1), json!(2)),
        of_service("kubernetes.preStopSeconds", json!(1), json!(2)),
        of_cluster("clusterName", json!("prod"), json!("test")),
        of_cluster("kubernetes", json!(null), json!({"podSecurity": "privileged"})),
        of_cluster("kubernetes.namespace", json!("one"), json!("two")),
        of_cluster("kubernetes.podSecurity", json!("baseline"), json!("restricted")),
    ]
}
