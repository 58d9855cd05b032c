//! The rules about what is in one spec. Each has a spec that keeps it and one that breaks it; so has each rule about changes.

use ecs_operator::api::crds;
use serde_json::{Value, json};

use crate::{
    changes::steps,
    connection::block_on,
    specs::{container, port, service},
    with_namespace, would_create,
};

/// A spec that keeps a rule, one that breaks it, and the words of the refusal.
type Case = (Value, Value, &'static str);

fn cases_of_services() -> Vec<Case> {
    let percentages = |maximum: i32, minimum: i32| {
        service("deploymentConfiguration", json!({"maximumPercent": maximum, "minimumHealthyPercent": minimum}))
    };
    let threshold = |type_: &str| {
        let breaker =
            json!({"enable": true, "rollback": true, "thresholdConfiguration": {"type": type_, "value": 101}});
        service("deploymentConfiguration", json!({"deploymentCircuitBreaker": breaker}))
    };
    vec![
        (
            json!({"taskDefinition": "web", "schedulingStrategy": "DAEMON", "desiredCount": null}),
            json!({"taskDefinition": "web", "schedulingStrategy": "DAEMON", "desiredCount": 0}),
            "The daemon scheduling strategy does not support a desired count for services.",
        ),
        (
            percentages(100, 99),
            percentages(100, 100),
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments",
        ),
        (threshold("COUNT"), threshold("BOUNDED_PERCENT"), "Invalid deployment circuit breaker threshold value."),
    ]
}

fn cases_of_task_definitions() -> Vec<Case> {
    let sizes = |memory: i32, reservation: i32| json!({"containerDefinitions": [{"name": "a", "memory": memory, "memoryReservation": reservation}]});
    let accelerator = |requirement: Value| container("resourceRequirements", json!([requirement]));
    let kubernetes = |kubernetes: Value| container("kubernetes", kubernetes);
    let volume = |volume: Value| json!({"volumes": [volume]});
    let behind = |volume: Value| json!({"kubernetes": {"volumes": [volume]}});
    vec![
        (sizes(64, 64), sizes(64, 65), "'memory' must be greater than or equal to 'memoryReservation'."),
        (
            port(json!({"containerPort": 80, "containerPortRange": null})),
            port(json!({"containerPort": 80, "containerPortRange": "80-81"})),
            "cannot specify both single port and port range",
        ),
        (
            accelerator(json!({"type": "GPU", "sharingStrategy": {"nvidiaMps": {"memory": 1}}})),
            accelerator(json!({"type": "GPU", "value": "1", "sharingStrategy": {"nvidiaMps": {"memory": 1}}})),
            "value and sharingStrategy exclude each other",
        ),
        (
            volume(json!({"name": "v", "host": {}, "configuredAtLaunch": false})),
            volume(json!({"name": "v", "host": {}, "dockerVolumeConfiguration": {}})),
            "a volume has one source",
        ),
        (
            behind(json!({"name": "v", "ephemeral": {"sizeInGib": 1}})),
            behind(json!({"name": "v"})),
            "give one of persistentVolumeClaim, ephemeral and nfs",
        ),
        (
            kubernetes(json!({"readinessProbe": {"tcpSocket": {"port": 80}}})),
            kubernetes(json!({"readinessProbe": {"tcpSocket": {"port": 80}, "exec": {"command": ["true"]}}})),
            "give one of exec, httpGet, tcpSocket and grpc",
        ),
        (
            kubernetes(json!({"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "p"}}})),
            kubernetes(json!({"securityContext": {"seccompProfile": {"type": "Localhost"}}})),
            "localhostProfile goes with the type Localhost, and only with it",
        ),
        (
            kubernetes(json!({"files": [{"path": "/a", "text": ""}]})),
            kubernetes(json!({"files": [{"path": "/a", "text": "", "valueFrom": "s"}]})),
            "give one of text and valueFrom",
        ),
    ]
}

/// Every case, with the kind whose spec it is.
fn cases() -> Vec<(&'static str, Case)> {
    let of_services = cases_of_services().into_iter().map(|case| ("EcsService", case));
    cases_of_task_definitions().into_iter().map(|case| ("TaskDefinition", case)).chain(of_services).collect()
}

#[test]
fn every_rule_about_one_spec_accepts_and_refuses() {
    block_on(with_namespace("rules", async |client, namespace| {
        let mut wrong = Vec::new();
        for (kind, (kept, broken, words)) in cases() {
            if let Err(message) = would_create(&client, &namespace, kind, &kept).await {
                wrong.push(format!("{kept} was refused: {message}"));
            }
            match would_create(&client, &namespace, kind, &broken).await {
                Ok(()) => wrong.push(format!("{broken} was accepted")),
                Err(message) if message.contains(words) => {}
                Err(message) => wrong.push(format!("{broken}: {words:?} is not in: {message}")),
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }));
}

#[test]
fn every_rule_has_a_case_that_breaks_it() {
    let broken_rules: Vec<_> = cases().into_iter().map(|(_, (_, _, words))| words).collect();
    let mut untried = Vec::new();
    for crd in crds() {
        let schema = serde_json::to_value(&crd.spec.versions[0].schema).unwrap().to_string();
        let kind = crd.spec.names.kind;
        let messages = schema.split("\"message\":\"").skip(1).filter_map(|rest| rest.split('"').next());
        // A revision has the rules of its task definition.
        let broken: Vec<_> = steps().into_iter().filter(|step| step.0 == kind).filter_map(|step| step.3).collect();
        let is_tried = |message: &&str| broken.iter().chain(&broken_rules).any(|words| message.contains(words));
        untried.extend(messages.filter(|message| !is_tried(message)).map(str::to_owned));
    }
    assert_eq!(untried, Vec::<String>::new());
}
