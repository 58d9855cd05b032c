//! A checked target group, and the rules that it keeps by itself (TG01-TG09: those of Elastic Load Balancing, and TG09, which is
//! Kubernetes's). How it checks targets is `health`'s, which tasks are its targets `target`'s.

mod attributes;
mod health;

use crate::api::target_group::{
    EcsTargetGroupSpec, LoadBalancerKind, ProtocolVersion, TargetGroupAttribute, TargetGroupProtocol,
};

use super::{
    arn::last_segment,
    object_names::is_object_name,
    task_definition::port::port_number,
    violation::{Violation, Violations},
};

pub use attributes::{DEREGISTRATION_DELAY, PRESERVE_CLIENT_IP, STICKINESS, STICKINESS_TYPE};
pub use health::{CheckKind, TargetCheck, takes_what_the_kubelet_takes};

/// A target group that Elastic Load Balancing would create, and the load balancer in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its name.
    pub name: String,
    /// What stands in front of its targets.
    pub load_balancer: LoadBalancerKind,
    /// What the load balancer speaks.
    pub protocol: TargetGroupProtocol,
    /// Which HTTP is spoken with targets.
    pub protocol_version: ProtocolVersion,
    /// The port that clients connect to.
    pub port: u16,
    /// How targets are checked.
    pub check: TargetCheck,
    /// Seconds for which a target is left its connections before it is stopped; `None` where nobody has said so.
    pub deregistration_delay: Option<u32>,
    /// Whether targets see the addresses of clients.
    pub preserves_client_ip: bool,
    /// Whether the connections of one client go to one target.
    pub sticks_to_source_ip: bool,
}

/// The name of a target group: `name`, else the name of the object.
#[must_use]
pub fn name<'a>(spec: &'a EcsTargetGroupSpec, object: &'a str) -> &'a str {
    spec.name.as_deref().unwrap_or(object)
}

/// The name in a value that is either the name of a target group or its ARN, `arn:...:targetgroup/NAME/ID`.
#[must_use]
pub fn named_by(name_or_arn: &str) -> &str {
    match name_or_arn.split_once(":targetgroup/") {
        Some((_, resource)) => resource.split('/').next().unwrap_or(resource),
        None => last_segment(name_or_arn),
    }
}

/// Checks a target group. `object` is its name when the spec gives none.
///
/// # Errors
/// Every rule that it breaks.
pub fn check(spec: &EcsTargetGroupSpec, object: &str) -> Result<TargetGroup, Vec<Violation>> {
    let mut violations = Violations::new();
    let name = name(spec, object);
    let message = "A target group name has up to 32 letters, digits and hyphens, and neither begins nor ends with a hyphen: give it one in spec.name.";
    violations.require(is_name(name), "TG01", "spec.name", message);
    let load_balancer = spec.kubernetes.as_ref().and_then(|kubernetes| kubernetes.load_balancer).unwrap_or_default();
    let protocol = protocol(spec, load_balancer, &mut violations);
    let protocol_version = spec.protocol_version.unwrap_or_default();
    let is_http = is_http(protocol);
    let message = "protocolVersion is for the protocols HTTP and HTTPS: take it out.";
    violations.require(spec.protocol_version.is_none() || is_http, "TG02", "spec.protocolVersion", message);
    let check = health::check(spec, protocol, &mut violations);
    let attributes = attributes::check(attributes(spec), load_balancer, &mut violations);
    check_kubernetes(spec, load_balancer, &mut violations);
    violations.or(TargetGroup {
        name: name.into(),
        load_balancer,
        protocol,
        protocol_version,
        port: spec.port.and_then(port_number).unwrap_or(default_port(protocol)),
        check,
        deregistration_delay: attributes.deregistration_delay,
        preserves_client_ip: attributes.preserves_client_ip,
        sticks_to_source_ip: attributes.sticks_to_source_ip,
    })
}

fn attributes(spec: &EcsTargetGroupSpec) -> &[TargetGroupAttribute] {
    spec.attributes.as_deref().unwrap_or_default()
}

fn is_name(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 32
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && is_end(bytes.first())
        && is_end(bytes.last())
}

/// Whether HTTP is spoken, in whatever wrapping.
pub(super) fn is_http(protocol: TargetGroupProtocol) -> bool {
    matches!(protocol, TargetGroupProtocol::Http | TargetGroupProtocol::Https)
}

fn default_port(protocol: TargetGroupProtocol) -> u16 {
    if matches!(protocol, TargetGroupProtocol::Https | TargetGroupProtocol::Tls) { 443 } else { 80 }
}

fn protocol(
    spec: &EcsTargetGroupSpec,
    load_balancer: LoadBalancerKind,
    violations: &mut Violations,
) -> TargetGroupProtocol {
    let default = match load_balancer {
        LoadBalancerKind::Network => TargetGroupProtocol::Tcp,
        LoadBalancerKind::Internal | LoadBalancerKind::Application => TargetGroupProtocol::Http,
    };
    let protocol = spec.protocol.unwrap_or(default);
    let (fits, message) = match load_balancer {
        LoadBalancerKind::Internal => (true, ""),
        LoadBalancerKind::Network => (
            !is_http(protocol),
            "A network load balancer speaks TCP, TLS, UDP or TCP_UDP: choose one of them, or kubernetes.loadBalancer application.",
        ),
        LoadBalancerKind::Application => (
            protocol == TargetGroupProtocol::Http,
            "An application load balancer speaks HTTP with its targets here: choose HTTP. The listener of the Gateway ends TLS.",
        ),
    };
    violations.require(fits, "TG02", "spec.protocol", message);
    protocol
}

/// What Kubernetes needs to know of an application load balancer, and what only that has (TG09).
fn check_kubernetes(spec: &EcsTargetGroupSpec, load_balancer: LoadBalancerKind, violations: &mut Violations) {
    let kubernetes = spec.kubernetes.clone().unwrap_or_default();
    let is_application = load_balancer == LoadBalancerKind::Application;
    let hostnames = kubernetes.hostnames.unwrap_or_default();
    let message = "An application load balancer is an HTTPRoute on a Gateway: name the Gateway.";
    violations.require(!is_application || kubernetes.gateway.is_some(), "TG09", "spec.kubernetes.gateway", message);
    for (given, member) in [
        (kubernetes.gateway.is_some(), "gateway"),
        (!hostnames.is_empty(), "hostnames"),
        (kubernetes.path.is_some(), "path"),
    ] {
        let message =
            "Only an application load balancer has it: take it out, or set kubernetes.loadBalancer to application.";
        violations.require(is_application || !given, "TG09", format_args!("spec.kubernetes.{member}"), message);
    }
    for (index, hostname) in hostnames.iter().enumerate() {
        let name = hostname.strip_prefix("*.").unwrap_or(hostname);
        let path = format_args!("spec.kubernetes.hostnames[{index}]");
        let message =
            "A host name has lower-case letters, digits, - and dots, and may begin with *. for any name below it.";
        violations.require(is_object_name(name), "TG09", path, message);
    }
    let has_class = kubernetes.load_balancer_class.is_some();
    let message = "Only a network load balancer has it: take it out, or set kubernetes.loadBalancer to network.";
    let is_network = load_balancer == LoadBalancerKind::Network;
    violations.require(is_network || !has_class, "TG09", "spec.kubernetes.loadBalancerClass", message);
}

#[cfg(test)]
mod tests;
