//! Health checks -> probes. Never a liveness probe: ECS replaces a task that is not healthy, it does not restart a container.

use k8s_openapi::{
    api::core::v1::{ExecAction, GRPCAction, HTTPGetAction, Probe, TCPSocketAction},
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    api::task_definition_kubernetes::{HttpScheme, ReadinessProbe},
    ecs::{
        target::CheckedTarget,
        target_group::CheckKind,
        task_definition::{container::Container, health_check::HealthCheck},
    },
};

use super::literal::literals;

/// Whether the container takes traffic: its own readiness probe, else its health check, else that of a target group.
#[must_use]
pub fn readiness(container: &Container) -> Option<Probe> {
    let of_health_check = || container.health_check.as_ref().map(|check| of_health_check(check, check.retries));
    let of_target = || container.target.as_ref().map(of_target);
    container.kubernetes.readiness_probe.as_ref().map(of_kubernetes).or_else(of_health_check).or_else(of_target)
}

/// Whether the container is healthy, for those that wait for it. When the time for that is over it is killed, so the time
/// is all that ECS would give it: the start period and the failures that count then, or its `startTimeout` if that is longer.
#[must_use]
pub fn startup(container: &Container) -> Option<Probe> {
    let check = container.health_check.as_ref()?;
    let until_unhealthy = check.start_period + check.retries * check.interval;
    let budget = until_unhealthy.max(container.start_timeout.unwrap_or(0));
    Some(of_health_check(check, budget.div_ceil(check.interval)))
}

fn of_health_check(check: &HealthCheck, failures: u32) -> Probe {
    Probe {
        exec: Some(ExecAction { command: Some(literals(&check.command)) }),
        // Docker waits one interval before the first check.
        initial_delay_seconds: Some(seconds(check.interval)),
        period_seconds: Some(seconds(check.interval)),
        timeout_seconds: Some(seconds(check.timeout)),
        failure_threshold: Some(seconds(failures.max(1))),
        ..Default::default()
    }
}

/// A target that was registered is healthy after one check that passes, so one is enough.
fn of_target(target: &CheckedTarget) -> Probe {
    let check = &target.check;
    let port = i32::from(target.checked_port());
    let scheme = |is_secure: bool| if is_secure { "HTTPS" } else { "HTTP" };
    let asked = match &check.kind {
        CheckKind::Http { path, is_secure } => Probe {
            http_get: Some(HTTPGetAction {
                path: Some(path.clone()),
                port: IntOrString::Int(port),
                scheme: Some(scheme(*is_secure).into()),
                ..Default::default()
            }),
            ..Default::default()
        },
        CheckKind::Grpc => Probe { grpc: Some(GRPCAction { port, service: None }), ..Default::default() },
        CheckKind::Tcp => Probe {
            tcp_socket: Some(TCPSocketAction { port: IntOrString::Int(port), host: None }),
            ..Default::default()
        },
    };
    Probe {
        period_seconds: Some(seconds(check.interval)),
        timeout_seconds: Some(seconds(check.timeout)),
        failure_threshold: Some(seconds(check.unhealthy_threshold)),
        ..asked
    }
}

fn of_kubernetes(probe: &ReadinessProbe) -> Probe {
    Probe {
        exec: probe.exec.as_ref().map(|exec| ExecAction { command: Some(literals(&exec.command)) }),
        http_get: probe.http_get.as_ref().map(|http| HTTPGetAction {
            path: http.path.clone(),
            port: IntOrString::Int(http.port),
            scheme: http.scheme.map(|scheme| match scheme {
                HttpScheme::Http => "HTTP".into(),
                HttpScheme::Https => "HTTPS".into(),
            }),
            ..Default::default()
        }),
        tcp_socket: probe
            .tcp_socket
            .as_ref()
            .map(|tcp| TCPSocketAction { port: IntOrString::Int(tcp.port), host: None }),
        grpc: probe.grpc.as_ref().map(|grpc| GRPCAction { port: grpc.port, service: grpc.service.clone() }),
        initial_delay_seconds: probe.initial_delay_seconds,
        period_seconds: probe.period_seconds,
        timeout_seconds: probe.timeout_seconds,
        success_threshold: probe.success_threshold,
        failure_threshold: probe.failure_threshold,
        ..Default::default()
    }
}

fn seconds(seconds: u32) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}
