//! What becomes of each field of a target group.

use crate::{
    api::target_group::{LoadBalancerKind, ProtocolVersion},
    ecs::target_group::{
        DEREGISTRATION_DELAY, PRESERVE_CLIENT_IP, STICKINESS, STICKINESS_TYPE, takes_what_the_kubelet_takes,
    },
};

use super::{
    field::Field,
    row::{Row, approximated, ignored, mapped, refused},
};

const CHECK: &str = "The kubelet of each task's node checks it, and no load balancer does. A change takes effect with the next deployment of each service.";
const PASSED_ON: &str = "Nothing ends TLS here: what clients send reaches the tasks as it is.";
const DELAY: &str = "Tasks wait all this time before SIGTERM, also when no connection is left. A change takes effect with the next deployment of each service.";
const KEY: &str = "Kubernetes has no such attribute of a Service.";

fn kind(field: &Field<'_>) -> LoadBalancerKind {
    serde_json::from_value(field.document()["kubernetes"]["loadBalancer"].clone()).unwrap_or_default()
}

fn is_network(field: &Field<'_>) -> bool {
    kind(field) == LoadBalancerKind::Network
}

fn is_grpc(field: &Field<'_>) -> bool {
    serde_json::from_value(field.document()["protocolVersion"].clone()).ok() == Some(ProtocolVersion::Grpc)
}

/// The key of the attribute that a field is in.
fn key<'a>(field: &Field<'a>) -> &'a str {
    field.element()["key"].as_str().unwrap_or_default()
}

pub(super) const ROWS: &[Row] = &[
    mapped("name"),
    approximated("protocol", PASSED_ON).when("it is HTTPS or TLS", |field| ["HTTPS", "TLS"].contains(&field.text())),
    mapped("protocol"),
    approximated("port", "A target group has no listeners of its own: it is the port that clients connect to.")
        .when("no application load balancer", |field| kind(field) != LoadBalancerKind::Application),
    approximated("port", "Clients connect to a listener of the Gateway: it is the port of the Service behind that."),
    approximated("protocolVersion", "The kubelet asks in HTTP/1.1, whatever is spoken with clients.")
        .when("it is HTTP2", |field| field.text() == "HTTP2"),
    approximated(
        "protocolVersion",
        "A Gateway that knows HTTPRoutes only has to pass gRPC on as HTTP/2, which most do.",
    )
    .when("it is GRPC", |field| field.text() == "GRPC"),
    mapped("protocolVersion"),
    approximated("targetType", "Tasks are registered by their own addresses, and not by those of their nodes.")
        .when("it is instance", |field| field.text() == "instance"),
    mapped("targetType"),
    ignored("vpcId", "A target group is in the network of its Namespace's cluster."),
    mapped("healthCheckEnabled"),
    approximated("healthCheckProtocol", CHECK),
    approximated("healthCheckPort", CHECK),
    approximated(
        "healthCheckPath",
        "Of gRPC the kubelet knows the method /grpc.health.v1.Health/Check alone: it only connects to the port.",
    )
    .when("another one with protocolVersion GRPC", |field| {
        is_grpc(field) && field.text() != "/grpc.health.v1.Health/Check"
    }),
    approximated("healthCheckPath", CHECK),
    approximated("healthCheckIntervalSeconds", CHECK),
    approximated("healthCheckTimeoutSeconds", CHECK),
    approximated(
        "healthyThresholdCount",
        "One check that passes is enough, as for a target that was just registered: one that has failed is replaced.",
    ),
    approximated("unhealthyThresholdCount", CHECK),
    mapped("matcher"),
    mapped("matcher.httpCode").when("it is 200-399", |field| takes_what_the_kubelet_takes(field.text())),
    approximated("matcher.httpCode", "The kubelet takes every code from 200 to 399 for healthy."),
    approximated("matcher.grpcCode", "The kubelet takes the code 0 for healthy where it asks at all."),
    mapped("attributes"),
    mapped("attributes[].key"),
    approximated("attributes[].value", DELAY)
        .when("of deregistration_delay.timeout_seconds", |field| key(field) == DEREGISTRATION_DELAY),
    mapped("attributes[].value").when("of preserve_client_ip.enabled, of a network load balancer", |field| {
        key(field) == PRESERVE_CLIENT_IP && is_network(field)
    }),
    mapped("attributes[].value")
        .when("of stickiness.enabled or stickiness.type", |field| [STICKINESS, STICKINESS_TYPE].contains(&key(field))),
    ignored("attributes[].value", KEY),
    refused("ipAddressType", "A Service has the addresses of the Kubernetes cluster: take it out."),
    refused("tags", "A target group has no tags: take them out, and label the EcsTargetGroup in its metadata."),
    mapped("kubernetes"),
    mapped("kubernetes.loadBalancer"),
    mapped("kubernetes.gateway"),
    mapped("kubernetes.gateway.name"),
    mapped("kubernetes.gateway.namespace"),
    mapped("kubernetes.gateway.sectionName"),
    mapped("kubernetes.hostnames"),
    mapped("kubernetes.path"),
    mapped("kubernetes.loadBalancerClass"),
    mapped("kubernetes.annotations"),
];
