//! The schemas and CEL rules on a real API server: every rule has a case that it accepts and one that it refuses.
//! Needs `ECS_OPERATOR_TEST_KUBECONFIG`; no operator runs meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests are written to be read")]

#[path = "api/connection.rs"]
mod connection;

use connection::{apply, block_on, client, delete, get, merge, post, wait_until};
use ecs_operator::api::crds;
use kube::Client;
use serde_json::{Value, json};

const API: &str = "/apis/ecs-operator.dev/v1alpha1";

/// A Namespace for one test.
async fn with_namespace(name: &str, test: impl AsyncFn(Client, String)) {
    let client = client().await;
    let namespace = format!("crds-{name}");
    delete(&client, &format!("/api/v1/namespaces/{namespace}")).await;
    wait_until("the Namespace of an earlier run is gone", async || {
        get(&client, &format!("/api/v1/namespaces/{namespace}")).await.code == 404
    })
    .await;
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    assert_eq!(post(&client, "/api/v1/namespaces", &body).await.code, 201);
    test(client.clone(), namespace.clone()).await;
    delete(&client, &format!("/api/v1/namespaces/{namespace}")).await;
    wait_until("the Namespace is gone", async || {
        get(&client, &format!("/api/v1/namespaces/{namespace}")).await.code == 404
    })
    .await;
}

fn plural(kind: &str) -> String {
    crds().into_iter().find(|crd| crd.spec.names.kind == kind).unwrap().spec.names.plural
}

fn collection(namespace: &str, kind: &str) -> String {
    match kind {
        "EcsCluster" => format!("{API}/ecsclusters"),
        _ => format!("{API}/namespaces/{namespace}/{}", plural(kind)),
    }
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Whether a plain create would be taken, and if not what the API server says.
async fn would_create(client: &Client, namespace: &str, kind: &str, spec: &Value) -> Result<(), String> {
    let path = format!("{}?dryRun=All&fieldValidation=Strict", collection(namespace, kind));
    let answer = post(client, &path, &object(kind, "example", spec.clone())).await;
    assert_eq!(answer.warnings, Vec::<String>::new(), "{kind} {spec}");
    if answer.code == 201 { Ok(()) } else { Err(answer.message().to_owned()) }
}

/// A spec that is accepted, and one that is refused with words that name the field.
struct Bound {
    kind: &'static str,
    accepted: Vec<Value>,
    refused: Vec<(Value, &'static str)>,
}

fn container(member: &str, value: Value) -> Value {
    let mut container = json!({"name": "web", "image": "nginx", "memory": 64});
    container[member] = value;
    json!({"containerDefinitions": [container]})
}

fn port(mapping: Value) -> Value {
    container("portMappings", json!([mapping]))
}

fn service(member: &str, value: Value) -> Value {
    let mut service = json!({"taskDefinition": "web"});
    service[member] = value;
    service
}

fn rule(member: &str, value: Value) -> Value {
    let mut rule = json!({"ipProtocol": "tcp", "fromPort": 80});
    rule[member] = value;
    json!({"ingress": [rule]})
}

fn revision(member: &str, value: Value) -> Value {
    let mut revision = json!({"family": "web", "revision": 1, "state": "Active", "definition": {}});
    revision[member] = value;
    revision
}

fn task_definition_bounds() -> Bound {
    let long = "x".repeat(256);
    Bound {
        kind: "TaskDefinition",
        accepted: vec![
            json!({}),
            json!({"family": "Web_1-a", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"]}),
            json!({"cpu": 256, "memory": 512}),
            json!({"cpu": "256", "memory": "0.5 GB"}),
            json!({"family": null, "networkMode": null, "cpu": null, "memory": null, "requiresCompatibilities": null, "containerDefinitions": null}),
            json!({"containerDefinitions": [{"name": "image-comes-later"}]}),
            container("image", Value::Null),
            container("portMappings", Value::Null),
            container("environment", json!([{"name": "A", "value": null}, {"name": "A", "value": "twice"}])),
            container("memory", json!(6)),
            container("name", json!("x".repeat(255))),
            port(
                json!({"containerPort": 65535, "hostPort": 0, "protocol": "udp", "appProtocol": "grpc", "name": "a_b-1"}),
            ),
            port(json!({"containerPort": 1, "hostPort": null, "protocol": null, "appProtocol": null, "name": null})),
        ],
        refused: vec![
            (json!({"family": "we b"}), "spec.family"),
            (json!({"family": ""}), "spec.family"),
            (json!({"family": long}), "spec.family"),
            (json!({"networkMode": "vpc"}), "spec.networkMode"),
            (json!({"requiresCompatibilities": ["LAMBDA"]}), "spec.requiresCompatibilities"),
            (json!({"cpu": 1.5}), "spec.cpu"),
            (json!({"containerDefinitions": [{"image": "nginx"}]}), "name"),
            (json!({"containerDefinitions": [{"name": "a"}, {"name": "a"}]}), "Duplicate value"),
            (json!({"containerDefinitons": []}), "unknown field \"spec.containerDefinitons\""),
            (container("imgae", json!("nginx")), "unknown field \"spec.containerDefinitions[0].imgae\""),
            (container("name", json!("a b")), "spec.containerDefinitions[0].name"),
            (container("name", json!("x".repeat(256))), "spec.containerDefinitions[0].name"),
            (container("cpu", json!(-1)), "spec.containerDefinitions[0].cpu"),
            (container("cpu", json!("256")), "spec.containerDefinitions[0].cpu"),
            (container("memory", json!(5)), "spec.containerDefinitions[0].memory"),
            (container("memoryReservation", json!(5)), "spec.containerDefinitions[0].memoryReservation"),
            (port(json!({"containerPort": 0})), "containerPort"),
            (port(json!({"containerPort": 65536})), "containerPort"),
            (port(json!({"containerPort": 80, "hostPort": -1})), "hostPort"),
            (port(json!({"containerPort": 80, "hostPort": 65536})), "hostPort"),
            (port(json!({"containerPort": 80, "protocol": "sctp"})), "protocol"),
            (port(json!({"containerPort": 80, "appProtocol": "spdy"})), "appProtocol"),
            (port(json!({"containerPort": 80, "name": "Upper"})), "name"),
        ],
    }
}

fn service_bounds() -> Bound {
    let percent = |maximum: i32, minimum: i32| {
        service("deploymentConfiguration", json!({"maximumPercent": maximum, "minimumHealthyPercent": minimum}))
    };
    let awsvpc =
        |member: &str, value: Value| service("networkConfiguration", json!({"awsvpcConfiguration": {member: value}}));
    Bound {
        kind: "EcsService",
        accepted: vec![
            service("desiredCount", json!(0)),
            service("schedulingStrategy", json!("REPLICA")),
            service("serviceName", json!("Web_1")),
            percent(100, 0),
            percent(10000, 100),
            awsvpc("assignPublicIp", json!("DISABLED")),
            awsvpc("assignPublicIp", Value::Null),
            awsvpc("securityGroups", Value::Null),
            awsvpc("securityGroups", json!(["a", "b", "c", "d", "e"])),
            service("kubernetes", json!({"minReadySeconds": 3600, "preStopSeconds": 120})),
            json!({"taskDefinition": "web", "cluster": null, "serviceName": null, "desiredCount": null, "schedulingStrategy": null,
                "networkConfiguration": null, "deploymentConfiguration": null, "forceNewDeployment": null, "kubernetes": null}),
        ],
        refused: vec![
            (json!({}), "taskDefinition"),
            (json!({"taskDefinition": null}), "taskDefinition"),
            (json!({"taskDefinition": ""}), "spec.taskDefinition"),
            (service("serviceName", json!("a.b")), "spec.serviceName"),
            (service("desiredCount", json!(-1)), "spec.desiredCount"),
            (service("schedulingStrategy", json!("DAEMONS")), "spec.schedulingStrategy"),
            (service("desiredcount", json!(1)), "unknown field \"spec.desiredcount\""),
            (service("forceNewDeployment", json!("x".repeat(256))), "spec.forceNewDeployment"),
            (percent(99, 50), "maximumPercent"),
            (percent(10001, 50), "maximumPercent"),
            (percent(200, 101), "minimumHealthyPercent"),
            (percent(200, -1), "minimumHealthyPercent"),
            (awsvpc("assignPublicIp", json!("YES")), "assignPublicIp"),
            (awsvpc("securityGroups", json!(["a", "b", "c", "d", "e", "f"])), "securityGroups"),
            (awsvpc("subnets", json!(vec!["s"; 17])), "subnets"),
            (service("kubernetes", json!({"minReadySeconds": 3601})), "minReadySeconds"),
            (service("kubernetes", json!({"preStopSeconds": 121})), "preStopSeconds"),
        ],
    }
}

fn other_bounds() -> [Bound; 3] {
    let cluster = |name: &str| json!({"kubernetes": {"namespace": name}});
    [
        Bound {
            kind: "EcsCluster",
            accepted: vec![
                json!({}),
                json!({"clusterName": null, "kubernetes": null}),
                json!({"clusterName": "Prod_1", "kubernetes": {"namespace": null, "podSecurity": null}}),
                json!({"kubernetes": {"podSecurity": "privileged"}}),
                cluster(&"x".repeat(63)),
            ],
            refused: vec![
                (json!({"clusterName": "a.b"}), "spec.clusterName"),
                (json!({"clusterName": ""}), "spec.clusterName"),
                (json!({"clustername": "a"}), "unknown field \"spec.clustername\""),
                (json!({"kubernetes": {"podSecurity": "Baseline"}}), "podSecurity"),
                (cluster("Upper"), "spec.kubernetes.namespace"),
                (cluster("-a"), "spec.kubernetes.namespace"),
                (cluster(&"x".repeat(64)), "spec.kubernetes.namespace"),
            ],
        },
        Bound {
            kind: "EcsSecurityGroup",
            accepted: vec![
                json!({}),
                json!({"description": null, "ingress": null, "egress": null}),
                json!({"ingress": [], "egress": []}),
                rule("toPort", json!(65535)),
                rule("ipProtocol", json!("-1")),
                rule("cidrIp", Value::Null),
                json!({"ingress": vec![json!({"ipProtocol": "udp", "fromPort": 0}); 200]}),
            ],
            refused: vec![
                (rule("ipProtocol", json!("icmp")), "ipProtocol"),
                (rule("ipProtocol", json!(-1)), "ipProtocol"),
                (json!({"ingress": [{"fromPort": 80}]}), "ipProtocol"),
                (rule("fromPort", json!(-1)), "fromPort"),
                (rule("toPort", json!(65536)), "toPort"),
                (rule("cidr", json!("10.0.0.0/8")), "unknown field \"spec.ingress[0].cidr\""),
                (json!({"description": "x".repeat(256)}), "spec.description"),
                (json!({"egress": vec![json!({"ipProtocol": "-1"}); 201]}), "spec.egress"),
            ],
        },
        Bound {
            kind: "TaskDefinitionRevision",
            accepted: vec![revision("revision", json!(1)), revision("state", json!("Inactive"))],
            refused: vec![
                (revision("revision", json!(0)), "spec.revision"),
                (revision("state", json!("ACTIVE")), "spec.state"),
                (revision("family", json!("")), "spec.family"),
                (json!({"family": "web", "revision": 1, "state": "Active"}), "definition"),
            ],
        },
    ]
}

#[test]
fn every_bound_of_the_schemas_accepts_and_refuses() {
    block_on(with_namespace("bounds", async |client, namespace| {
        let mut wrong = Vec::new();
        for bound in [task_definition_bounds(), service_bounds()].into_iter().chain(other_bounds()) {
            for spec in bound.accepted {
                if let Err(message) = would_create(&client, &namespace, bound.kind, &spec).await {
                    wrong.push(format!("{} {spec} was refused: {message}", bound.kind));
                }
            }
            for (spec, words) in bound.refused {
                match would_create(&client, &namespace, bound.kind, &spec).await {
                    Ok(()) => wrong.push(format!("{} {spec} was accepted", bound.kind)),
                    Err(message) if message.contains(words) => {}
                    Err(message) => wrong.push(format!("{} {spec}: {words} is not named in: {message}", bound.kind)),
                }
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }));
}

/// Two specs of one object, and the words with which the step from the first to the second is refused, if it is.
type Step = (&'static str, Value, Value, Option<&'static str>);

fn steps() -> Vec<Step> {
    let family = Some("spec.family is immutable: make another TaskDefinition for another family");
    let service_name = Some("spec.serviceName is immutable: make another EcsService for another name");
    let cluster_name = Some("spec.clusterName is immutable: make another EcsCluster for another name");
    let namespace = Some("spec.kubernetes.namespace is immutable: make another EcsCluster for another Namespace");
    let in_namespace = |name: &str| json!({"kubernetes": {"namespace": name}});
    let definition = |names: [&str; 2]| {
        let containers = names.map(|name| json!({"name": name, "image": "i"}));
        revision("definition", json!({"containerDefinitions": containers}))
    };
    vec![
        ("TaskDefinition", json!({"family": "a"}), json!({"family": "b"}), family),
        ("TaskDefinition", json!({"family": "a"}), json!({"family": null}), family),
        ("TaskDefinition", json!({}), json!({"family": "b"}), family),
        ("TaskDefinition", json!({}), json!({"family": "example", "cpu": 256}), None),
        ("TaskDefinition", json!({"family": "example"}), json!({"family": null}), None),
        ("EcsService", service("serviceName", json!("a")), service("serviceName", json!("b")), service_name),
        ("EcsService", service("serviceName", json!(null)), service("serviceName", json!("b")), service_name),
        ("EcsService", service("serviceName", json!(null)), service("serviceName", json!("example")), None),
        ("EcsService", service("desiredCount", json!(1)), service("desiredCount", json!(2)), None),
        ("EcsCluster", json!({"clusterName": "a"}), json!({"clusterName": "b"}), cluster_name),
        ("EcsCluster", json!({}), json!({"clusterName": "b"}), cluster_name),
        ("EcsCluster", json!({}), json!({"clusterName": "example"}), None),
        ("EcsCluster", in_namespace("a"), in_namespace("b"), namespace),
        ("EcsCluster", in_namespace("a"), json!({"kubernetes": null}), namespace),
        ("EcsCluster", in_namespace("a"), json!({"kubernetes": {"namespace": null}}), namespace),
        ("EcsCluster", json!({}), in_namespace("a"), namespace),
        ("EcsCluster", in_namespace("a"), json!({"kubernetes": {"podSecurity": "restricted"}}), None),
        ("EcsCluster", json!({}), json!({"kubernetes": {"podSecurity": "restricted"}}), None),
        (
            "TaskDefinitionRevision",
            revision("family", json!("a")),
            revision("family", json!("b")),
            Some("spec.family of a revision is immutable"),
        ),
        (
            "TaskDefinitionRevision",
            revision("revision", json!(1)),
            revision("revision", json!(2)),
            Some("spec.revision is immutable"),
        ),
        ("TaskDefinitionRevision", revision("state", json!("Active")), revision("state", json!("Inactive")), None),
        (
            "TaskDefinitionRevision",
            revision("state", json!("Inactive")),
            revision("state", json!("Active")),
            Some("spec.state goes from Active to Inactive only"),
        ),
        (
            "TaskDefinitionRevision",
            definition(["a", "b"]),
            definition(["a", "c"]),
            Some("spec.definition of a revision is immutable"),
        ),
        (
            "TaskDefinitionRevision",
            definition(["a", "b"]),
            definition(["b", "a"]),
            Some("spec.definition of a revision is immutable"),
        ),
        ("TaskDefinitionRevision", definition(["a", "b"]), definition(["a", "b"]), None),
    ]
}

#[test]
fn every_rule_about_changes_accepts_and_refuses() {
    block_on(with_namespace("changes", async |client, namespace| {
        let mut wrong = Vec::new();
        for (kind, before, after, refused) in steps() {
            let path = format!("{}/example", collection(&namespace, kind));
            let created = post(&client, &collection(&namespace, kind), &object(kind, "example", before.clone())).await;
            assert_eq!(created.code, 201, "{kind} {before}: {}", created.message());
            let answer = merge(&client, &path, &json!({"spec": after})).await;
            let step = format!("{kind} {before} -> {after}");
            match refused {
                None if answer.code == 200 => {}
                None => wrong.push(format!("{step} was refused: {}", answer.message())),
                Some(words) if answer.code == 422 && answer.message().contains(words) => {}
                Some(words) => wrong.push(format!("{step}: {} instead of {words}: {}", answer.code, answer.message())),
            }
            delete(&client, &path).await;
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }));
}

#[test]
fn every_rule_about_changes_has_a_step_that_breaks_it() {
    let mut untried = Vec::new();
    for crd in crds() {
        let schema = serde_json::to_value(&crd.spec.versions[0].schema).unwrap().to_string();
        let kind = crd.spec.names.kind;
        let messages = schema.split("\"message\":\"").skip(1).filter_map(|rest| rest.split('"').next());
        let broken: Vec<_> = steps().into_iter().filter(|step| step.0 == kind).filter_map(|step| step.3).collect();
        untried
            .extend(messages.filter(|message| !broken.iter().any(|words| message.contains(words))).map(str::to_owned));
    }
    assert_eq!(untried, Vec::<String>::new());
}

#[test]
fn each_definition_is_taken_without_a_warning() {
    block_on(async {
        let client = client().await;
        for crd in crds() {
            let name = crd.metadata.name.clone().unwrap();
            let path = format!(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}?dryRun=All&fieldValidation=Strict"
            );
            let answer = apply(&client, &path, &serde_json::to_value(&crd).unwrap()).await;
            assert_eq!((answer.code, answer.warnings.as_slice()), (200, [].as_slice()), "{name}: {}", answer.message());
            let stored = get(&client, path.split('?').next().unwrap()).await;
            let conditions = stored.body["status"]["conditions"].as_array().unwrap().clone();
            let is_bad =
                |condition: &Value| condition["type"] == "NonStructuralSchema" && condition["status"] == "True";
            assert!(!conditions.iter().any(is_bad), "{name}: {conditions:?}");
        }
    });
}

#[test]
fn each_kind_is_in_the_category_ecs_and_has_its_short_name() {
    let names: Vec<_> = crds()
        .into_iter()
        .map(|crd| (crd.spec.names.short_names.unwrap(), crd.spec.names.categories.unwrap()))
        .collect();
    for (short, categories) in &names {
        assert_eq!(categories, &["ecs"], "{short:?}");
    }
    let shorts: Vec<_> = names.iter().map(|(short, _)| short.join(",")).collect();
    assert_eq!(shorts, ["ecscl", "ecssg", "ecssvc", "tdr", "td"]);
}
