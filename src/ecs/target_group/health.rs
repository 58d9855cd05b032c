//! How a target group checks its targets (TG03-TG06, TG08), with the defaults of Elastic Load Balancing.

use crate::{
    api::target_group::{EcsTargetGroupSpec, HealthCheckProtocol, ProtocolVersion, TargetGroupProtocol},
    ecs::{task_containers::HealthBudget, violation::Violations},
};

use super::is_http;

/// A check of targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetCheck {
    /// What is asked.
    pub kind: CheckKind,
    /// The port; `None` for the one that gets the traffic.
    pub port: Option<u16>,
    /// Seconds between two checks.
    pub interval: u32,
    /// Seconds after which a check has failed.
    pub timeout: u32,
    /// Failures in a row that make a target unhealthy.
    pub unhealthy_threshold: u32,
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// For a path.
    Http {
        /// The path.
        path: String,
        /// Whether in TLS.
        is_secure: bool,
    },
    /// For the health service of gRPC.
    Grpc,
    /// For a connection.
    Tcp,
}

/// The method of gRPC's own health service.
const GRPC_HEALTH: &str = "/grpc.health.v1.Health/Check";

/// Health check port that means the port of the traffic.
const TRAFFIC_PORT: &str = "traffic-port";

impl TargetCheck {
    /// How long a target may fail it.
    #[must_use]
    pub fn budget(&self) -> HealthBudget {
        HealthBudget {
            interval: self.interval,
            timeout: self.timeout,
            retries: self.unhealthy_threshold,
            start_period: 0,
        }
    }
}

/// Reads the members that begin with `healthCheck`, and those that go with them.
pub(super) fn check(
    spec: &EcsTargetGroupSpec,
    protocol: TargetGroupProtocol,
    violations: &mut Violations,
) -> TargetCheck {
    let default = if is_http(protocol) { HealthCheckProtocol::Http } else { HealthCheckProtocol::Tcp };
    let asked = spec.health_check_protocol.unwrap_or(default);
    check_members(spec, protocol, asked, violations);
    check_matcher(spec, violations);
    let interval = seconds(spec.health_check_interval_seconds, 30);
    let timeout = seconds(spec.health_check_timeout_seconds, default_timeout(protocol, asked).min(interval - 1));
    let message = format_args!("Health check timeout must be less than the interval, which is {interval} s.");
    violations.require(timeout < interval, "TG04", "spec.healthCheckTimeoutSeconds", message);
    TargetCheck {
        kind: kind(spec, asked),
        port: port(spec, violations),
        interval,
        timeout,
        unhealthy_threshold: seconds(spec.unhealthy_threshold_count, 2),
    }
}

fn seconds(given: Option<i32>, default: u32) -> u32 {
    given.and_then(|given| u32::try_from(given).ok()).unwrap_or(default).max(1)
}

fn default_timeout(protocol: TargetGroupProtocol, asked: HealthCheckProtocol) -> u32 {
    match asked {
        _ if is_http(protocol) => 5,
        HealthCheckProtocol::Http => 6,
        HealthCheckProtocol::Https | HealthCheckProtocol::Tcp => 10,
    }
}

fn kind(spec: &EcsTargetGroupSpec, asked: HealthCheckProtocol) -> CheckKind {
    let path = spec.health_check_path.as_deref();
    match asked {
        HealthCheckProtocol::Tcp => CheckKind::Tcp,
        _ if spec.protocol_version == Some(ProtocolVersion::Grpc) => {
            if path == Some(GRPC_HEALTH) {
                CheckKind::Grpc
            } else {
                CheckKind::Tcp
            }
        }
        asked => {
            CheckKind::Http { path: path.unwrap_or("/").to_owned(), is_secure: asked == HealthCheckProtocol::Https }
        }
    }
}

fn port(spec: &EcsTargetGroupSpec, violations: &mut Violations) -> Option<u16> {
    let given = spec.health_check_port.as_deref().filter(|port| *port != TRAFFIC_PORT)?;
    let port = number(given).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let message = format_args!("healthCheckPort is a port from 1 to 65535, or {TRAFFIC_PORT}.");
    violations.require(port.is_some(), "TG05", "spec.healthCheckPort", message);
    port
}

fn check_members(
    spec: &EcsTargetGroupSpec,
    protocol: TargetGroupProtocol,
    asked: HealthCheckProtocol,
    violations: &mut Violations,
) {
    let message = "Health checks cannot be disabled for tasks: take it out.";
    violations.require(spec.health_check_enabled != Some(false), "TG08", "spec.healthCheckEnabled", message);
    let message =
        "A target group with protocol HTTP or HTTPS is not checked by TCP: choose HTTP or HTTPS, or take it out.";
    let fits = !(is_http(protocol) && asked == HealthCheckProtocol::Tcp);
    violations.require(fits, "TG06", "spec.healthCheckProtocol", message);
    let asks_for_a_path = asked != HealthCheckProtocol::Tcp;
    for (given, member) in [(spec.health_check_path.is_some(), "healthCheckPath"), (spec.matcher.is_some(), "matcher")]
    {
        let message = "Only a health check by HTTP or HTTPS has it: take it out, or set healthCheckProtocol.";
        violations.require(asks_for_a_path || !given, "TG06", format_args!("spec.{member}"), message);
    }
    let is_path = spec.health_check_path.as_deref().is_none_or(|path| path.starts_with('/'));
    violations.require(is_path, "TG06", "spec.healthCheckPath", "A path begins with /.");
}

/// The kubelet takes any code from 200 to 399 (TG03).
fn check_matcher(spec: &EcsTargetGroupSpec, violations: &mut Violations) {
    let matcher = spec.matcher.clone().unwrap_or_default();
    let is_grpc = spec.protocol_version == Some(ProtocolVersion::Grpc);
    if let Some(codes) = &matcher.http_code {
        let ranges: Option<Vec<_>> = codes.split(',').map(range).collect();
        let message = "The kubelet takes codes from 200 to 399 for healthy, and no others: write codes of these, as in \"200,202\" or \"200-399\".";
        let fits = ranges.is_some_and(|ranges| ranges.iter().all(|(first, last)| *first >= 200 && *last <= 399));
        violations.require(fits && !is_grpc, "TG03", "spec.matcher.httpCode", message);
    }
    if let Some(codes) = &matcher.grpc_code {
        let is_list = codes.split(',').all(|codes| range(codes).is_some_and(|(_, last)| last <= 99));
        let message = "grpcCode goes with protocolVersion GRPC, and has codes from 0 to 99, as in \"0\" or \"0-99\".";
        violations.require(is_list && is_grpc, "TG03", "spec.matcher.grpcCode", message);
    }
}

/// First and last code of a range; the same for a single one.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// A number in digits alone.
pub(super) fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Whether only the codes that the kubelet takes for healthy are named, and all of them.
#[must_use]
pub fn takes_what_the_kubelet_takes(codes: &str) -> bool {
    range(codes) == Some((200, 399))
}
