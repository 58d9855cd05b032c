//! EcsTargetGroup -> a Service, and for an application load balancer an HTTPRoute to it.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::api::ObjectMeta;

use crate::{
    api::target_group::{
        EcsTargetGroupKubernetes, GatewayReference, LoadBalancerKind, ProtocolVersion, TargetGroupProtocol,
    },
    ecs::{target_group::TargetGroup, target_port::TargetPort},
};

use super::{
    http_route::{
        BackendReference, HttpPathMatch, HttpRoute, HttpRouteMatch, HttpRouteRule, HttpRouteSpec, ParentReference,
    },
    labels::{self, Labels},
    names,
    owner::Owner,
};

/// What the objects of a target group are rendered from.
#[derive(Clone, Copy, Debug)]
pub struct LoadBalancer<'a> {
    /// The Namespace.
    pub namespace: &'a str,
    /// Name of the EcsTargetGroup.
    pub object: &'a str,
    /// The EcsTargetGroup.
    pub owner: &'a Owner,
    /// What it is.
    pub group: &'a TargetGroup,
    /// What ECS does not have of it.
    pub kubernetes: &'a EcsTargetGroupKubernetes,
    /// Where its targets are reached.
    pub target_port: &'a TargetPort,
}

/// Renders the Service.
#[must_use]
pub fn service(load_balancer: LoadBalancer<'_>) -> Service {
    let LoadBalancer { group, kubernetes, .. } = load_balancer;
    let is_network = group.load_balancer == LoadBalancerKind::Network;
    let is_application = group.load_balancer == LoadBalancerKind::Application;
    let policy = if group.preserves_client_ip { "Local" } else { "Cluster" };
    Service {
        metadata: metadata(load_balancer, kubernetes.annotations.clone().filter(|_| !is_application)),
        spec: Some(ServiceSpec {
            type_: Some(if is_network { "LoadBalancer" } else { "ClusterIP" }.into()),
            selector: Some(selector(load_balancer.object)),
            ports: Some(protocols(group.protocol).iter().map(|protocol| port(load_balancer, protocol)).collect()),
            external_traffic_policy: is_network.then(|| policy.into()),
            load_balancer_class: kubernetes.load_balancer_class.clone().filter(|_| is_network),
            session_affinity: Some(if group.sticks_to_source_ip { "ClientIP" } else { "None" }.into()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// What selects the Pods that are registered.
#[must_use]
pub fn selector(object: &str) -> Labels {
    Labels::from([(names::target_group_label(object), "true".into())])
}

/// Renders the HTTPRoute; `None` for what is no application load balancer.
#[must_use]
pub fn http_route(load_balancer: LoadBalancer<'_>) -> Option<HttpRoute> {
    let LoadBalancer { group, kubernetes, .. } = load_balancer;
    let gateway = kubernetes.gateway.as_ref().filter(|_| group.load_balancer == LoadBalancerKind::Application)?;
    let path = kubernetes.path.clone().unwrap_or_else(|| "/".into());
    let backend = BackendReference {
        kind: "Service".into(),
        name: names::target_group(load_balancer.object),
        port: i32::from(group.port),
    };
    Some(HttpRoute {
        metadata: metadata(load_balancer, kubernetes.annotations.clone()),
        spec: HttpRouteSpec {
            parent_refs: vec![parent(gateway)],
            hostnames: kubernetes.hostnames.clone().unwrap_or_default(),
            rules: vec![HttpRouteRule {
                matches: vec![HttpRouteMatch { path: HttpPathMatch { type_: "PathPrefix".into(), value: path } }],
                backend_refs: vec![backend],
            }],
        },
        status: None,
    })
}

fn parent(gateway: &GatewayReference) -> ParentReference {
    ParentReference {
        group: "gateway.networking.k8s.io".into(),
        kind: "Gateway".into(),
        name: gateway.name.clone(),
        namespace: gateway.namespace.clone(),
        section_name: gateway.section_name.clone(),
    }
}

fn metadata(load_balancer: LoadBalancer<'_>, annotations: Option<Labels>) -> ObjectMeta {
    ObjectMeta {
        name: Some(names::target_group(load_balancer.object)),
        namespace: Some(load_balancer.namespace.into()),
        labels: Some(labels::managed()),
        annotations,
        owner_references: Some(vec![load_balancer.owner.reference()]),
        ..Default::default()
    }
}

fn protocols(protocol: TargetGroupProtocol) -> &'static [&'static str] {
    match protocol {
        TargetGroupProtocol::Udp => &["UDP"],
        TargetGroupProtocol::TcpUdp => &["TCP", "UDP"],
        TargetGroupProtocol::Http
        | TargetGroupProtocol::Https
        | TargetGroupProtocol::Tcp
        | TargetGroupProtocol::Tls => &["TCP"],
    }
}

fn port(load_balancer: LoadBalancer<'_>, protocol: &str) -> ServicePort {
    let group = load_balancer.group;
    let speaks_http = group.protocol == TargetGroupProtocol::Http;
    let app_protocol = match group.protocol_version {
        ProtocolVersion::Http1 => "http",
        ProtocolVersion::Http2 | ProtocolVersion::Grpc => "kubernetes.io/h2c",
    };
    ServicePort {
        name: Some(names::service_port(None, protocol, group.port)),
        port: i32::from(group.port),
        protocol: Some(protocol.into()),
        target_port: Some(match load_balancer.target_port {
            TargetPort::Number(number) | TargetPort::OfNewest(number) => IntOrString::Int(i32::from(*number)),
            TargetPort::Name(name) => IntOrString::String(name.clone()),
        }),
        app_protocol: speaks_http.then(|| app_protocol.into()),
        ..Default::default()
    }
}
