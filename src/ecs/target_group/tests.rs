//! Defaults of a target group, and its rules.

use serde_json::{Value, json};

use super::*;

fn checked(document: Value) -> Result<TargetGroup, Vec<(&'static str, String)>> {
    let spec: EcsTargetGroupSpec = serde_json::from_value(document).unwrap();
    check(&spec, "web").map_err(|violations| violations.into_iter().map(|it| (it.rule, it.path)).collect())
}

#[test]
fn defaults_are_those_of_elastic_load_balancing() {
    let group = checked(json!({})).unwrap();
    assert_eq!((group.name.as_str(), group.port, group.protocol), ("web", 80, TargetGroupProtocol::Http));
    let TargetCheck { kind, port, interval, timeout, unhealthy_threshold } = group.check;
    assert_eq!(kind, CheckKind::Http { path: "/".into(), is_secure: false });
    assert_eq!((port, interval, timeout, unhealthy_threshold), (None, 30, 5, 2));
    assert_eq!(group.deregistration_delay, None);
    let network = checked(json!({"kubernetes": {"loadBalancer": "network"}})).unwrap();
    assert_eq!((network.protocol, network.check.kind), (TargetGroupProtocol::Tcp, CheckKind::Tcp));
    assert_eq!(network.check.timeout, 10);
    assert_eq!(checked(json!({"protocol": "TCP", "healthCheckProtocol": "HTTP"})).unwrap().check.timeout, 6);
    assert_eq!(checked(json!({"protocol": "TLS"})).unwrap().port, 443);
    assert_eq!(checked(json!({"healthCheckIntervalSeconds": 5})).unwrap().check.timeout, 4);
}

#[test]
fn what_is_given_is_taken() {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": value});
    let group = checked(json!({
        "name": "Web-1", "port": 8080, "healthCheckPort": "9000", "healthCheckPath": "/up", "healthCheckProtocol": "HTTPS",
        "healthCheckIntervalSeconds": 10, "healthCheckTimeoutSeconds": 3, "unhealthyThresholdCount": 4,
        "matcher": {"httpCode": "200,202-299"},
        "attributes": [
            attribute("deregistration_delay.timeout_seconds", "30"), attribute("stickiness.enabled", "true"),
            attribute("stickiness.type", "source_ip"), attribute("preserve_client_ip.enabled", "true"),
        ],
    }))
    .unwrap();
    assert_eq!((group.name.as_str(), group.port), ("Web-1", 8080));
    let check = TargetCheck {
        kind: CheckKind::Http { path: "/up".into(), is_secure: true },
        port: Some(9000),
        interval: 10,
        timeout: 3,
        unhealthy_threshold: 4,
    };
    assert_eq!(group.check, check);
    assert_eq!(group.deregistration_delay, Some(30));
    assert!(group.sticks_to_source_ip && group.preserves_client_ip);
    let grpc = |path: &str| checked(json!({"protocolVersion": "GRPC", "healthCheckPath": path})).unwrap().check.kind;
    assert_eq!(grpc("/grpc.health.v1.Health/Check"), CheckKind::Grpc);
    assert_eq!(grpc("/AWS.ALB/healthcheck"), CheckKind::Tcp);
}

#[test]
fn every_broken_rule_is_told() {
    let attribute = |key: &str, value: &str| json!({"attributes": [{"key": key, "value": value}]});
    for (document, rule, path) in [
        (json!({"name": "a.b"}), "TG01", "spec.name"),
        (json!({"name": "-a"}), "TG01", "spec.name"),
        (json!({"protocol": "HTTP", "kubernetes": {"loadBalancer": "network"}}), "TG02", "spec.protocol"),
        (json!({"protocol": "TCP", "protocolVersion": "HTTP2"}), "TG02", "spec.protocolVersion"),
        (json!({"matcher": {"httpCode": "200,404"}}), "TG03", "spec.matcher.httpCode"),
        (json!({"matcher": {"httpCode": "ok"}}), "TG03", "spec.matcher.httpCode"),
        (json!({"matcher": {"grpcCode": "0"}}), "TG03", "spec.matcher.grpcCode"),
        (
            json!({"healthCheckIntervalSeconds": 5, "healthCheckTimeoutSeconds": 5}),
            "TG04",
            "spec.healthCheckTimeoutSeconds",
        ),
        (json!({"healthCheckPort": "0"}), "TG05", "spec.healthCheckPort"),
        (json!({"healthCheckPort": "+80"}), "TG05", "spec.healthCheckPort"),
        (json!({"healthCheckProtocol": "TCP"}), "TG06", "spec.healthCheckProtocol"),
        (json!({"protocol": "TCP", "healthCheckPath": "/"}), "TG06", "spec.healthCheckPath"),
        (json!({"healthCheckPath": "up"}), "TG06", "spec.healthCheckPath"),
        (attribute("deregistration_delay.timeout_seconds", "3601"), "TG07", "spec.attributes[0].value"),
        (attribute("stickiness.enabled", "yes"), "TG07", "spec.attributes[0].value"),
        (attribute("stickiness.enabled", "true"), "TG07", "spec.attributes[0].value"),
        (
            json!({"kubernetes": {"loadBalancer": "application", "gateway": {"name": "g"}}, "attributes": [
                {"key": "stickiness.enabled", "value": "true"}, {"key": "stickiness.type", "value": "source_ip"},
            ]}),
            "TG07",
            "spec.attributes[0].value",
        ),
        (json!({"healthCheckEnabled": false}), "TG08", "spec.healthCheckEnabled"),
        (json!({"kubernetes": {"loadBalancer": "application"}}), "TG09", "spec.kubernetes.gateway"),
        (json!({"kubernetes": {"path": "/a"}}), "TG09", "spec.kubernetes.path"),
        (json!({"kubernetes": {"loadBalancerClass": "a"}}), "TG09", "spec.kubernetes.loadBalancerClass"),
        (
            json!({"kubernetes": {"loadBalancer": "application", "gateway": {"name": "g"}, "hostnames": ["A_b"]}}),
            "TG09",
            "spec.kubernetes.hostnames[0]",
        ),
    ] {
        assert_eq!(checked(document.clone()), Err(vec![(rule, path.to_owned())]), "{document}");
    }
}

#[test]
fn a_target_group_is_named_by_itself_or_by_its_arn() {
    let arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/73e2d6bc24d8a067";
    for given in [arn, "web", "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web"] {
        assert_eq!(named_by(given), "web", "{given}");
    }
}
