//! Pairs for the fields of a target group.

use serde_json::{Value, json};

use super::Pair;

fn of_target_group(path: &'static str, around: Value, one: Value, other: Value) -> Pair {
    Pair { kind: "EcsTargetGroup", path, around, one, other }
}

pub(super) fn pairs() -> Vec<Pair> {
    let plain = |path, one, other| of_target_group(path, json!({}), one, other);
    let network = || json!({"kubernetes": {"loadBalancer": "network"}});
    let application = || json!({"kubernetes": {"loadBalancer": "application", "gateway": {"name": "edge"}}});
    let attribute = |key: &str, value: &str| json!([{"key": key, "value": value}]);
    let stickiness = |kind: &str| json!({"attributes": [{"key": "stickiness.enabled", "value": "true"}, {"key": "stickiness.type", "value": kind}]});
    vec![
        // It stands in the ARN, and a service finds it by that; two characters too many are refused.
        plain("name", json!("web"), json!("w".repeat(32) + "ww")),
        plain("protocol", json!("TCP"), json!("UDP")),
        plain("protocolVersion", json!("HTTP1"), json!("HTTP2")),
        plain("targetType", json!("ip"), json!("instance")),
        plain("healthCheckEnabled", json!(true), json!(false)),
        plain("matcher", json!({"httpCode": "200-399"}), json!({"httpCode": "500"})),
        plain("matcher.httpCode", json!("200-399"), json!("200")),
        of_target_group("attributes", network(), json!(null), attribute("preserve_client_ip.enabled", "true")),
        of_target_group(
            "attributes[].key",
            json!({"kubernetes": {"loadBalancer": "network"}, "attributes": [{"value": "true"}]}),
            json!("preserve_client_ip.enabled"),
            json!("proxy_protocol_v2.enabled"),
        ),
        of_target_group("attributes[].value", stickiness("source_ip"), json!("true"), json!("false")),
        plain("kubernetes", json!(null), json!({"loadBalancer": "network"})),
        plain("kubernetes.loadBalancer", json!("internal"), json!("network")),
        of_target_group(
            "kubernetes.gateway",
            json!({"kubernetes": {"loadBalancer": "application"}}),
            json!({"name": "one"}),
            json!({"name": "two"}),
        ),
        of_target_group("kubernetes.gateway.name", application(), json!("one"), json!("two")),
        of_target_group("kubernetes.gateway.namespace", application(), json!("one"), json!("two")),
        of_target_group("kubernetes.gateway.sectionName", application(), json!("one"), json!("two")),
        of_target_group("kubernetes.hostnames", application(), json!(["one"]), json!(["two"])),
        of_target_group("kubernetes.path", application(), json!("/one"), json!("/two")),
        of_target_group("kubernetes.loadBalancerClass", network(), json!("one"), json!("two")),
        plain("kubernetes.annotations", json!({"a": "1"}), json!({"a": "2"})),
    ]
}
