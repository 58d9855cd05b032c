//! A checked service, and the rules that it keeps by itself and with its task definition (SV02-SV39).

use std::time::Duration;

use crate::api::{
    register_task_definition::NetworkMode,
    service::{EcsServiceSpec, SchedulingStrategy},
};

use super::{
    circuit_breaker::DeploymentCircuitBreaker,
    deployment_configuration,
    deployment_limits::DeploymentPercentages,
    early_success::EarlySuccess,
    network_configuration::{self, Named},
    service_connect::{self, NamedServiceConnect},
    service_registry::{self, NamedRegistry},
    target::{self, NamedTarget},
    task_definition_reference::{TaskDefinitionReference, is_family},
    violation::Violation,
};

/// Seconds between the withdrawal of a task from its endpoints and SIGTERM, unless the service says otherwise.
const DEFAULT_PRE_STOP_SECONDS: u32 = 5;

/// Most tasks of a service: beyond any quota of ECS, and within what Kubernetes counts with.
const MOST_TASKS: u32 = 100_000;

/// A service that ECS would create, as far as the service alone can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in ECS.
    pub name: String,
    /// What it runs.
    pub task_definition: TaskDefinitionReference,
    /// Whether it has a number of tasks or one on each node.
    pub scheduling: SchedulingStrategy,
    /// How many tasks; `None` when the operator has to write the number, or counts nodes.
    pub desired_count: Option<u32>,
    /// How a deployment may move.
    pub percentages: DeploymentPercentages,
    /// What ends a deployment when tasks fail; `None` when nothing does.
    pub circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// When a deployment has taken over before all its tasks are healthy; `None` when it has not before.
    pub early_success: Option<EarlySuccess>,
    /// How long a deployment has to be steady before it is completed.
    pub bake_time: Duration,
    /// Time after the start of a task in which it is not replaced for failing its health checks.
    pub health_check_grace_period: Duration,
    /// The security groups that it names; empty means one of its own.
    pub security_groups: Vec<String>,
    /// Ids of the subnets that it names; empty means any node.
    pub subnets: Vec<String>,
    /// The target groups that its tasks are registered with.
    pub targets: Vec<NamedTarget>,
    /// The name under which its tasks are found one by one.
    pub registry: Option<NamedRegistry>,
    /// The names under which its tasks and others reach each other.
    pub service_connect: Option<NamedServiceConnect>,
    /// Whether it has a network configuration, which only awsvpc allows.
    pub has_network_configuration: bool,
    /// The token that starts a deployment.
    pub force_new_deployment: Option<String>,
    /// Seconds for which a task must be ready before it counts; `None` for ECS's time, which depends on what it runs.
    pub min_ready_seconds: Option<u32>,
    /// Seconds before SIGTERM.
    pub pre_stop_seconds: u32,
}

/// Checks what the service alone can tell. `object_name` is the name when the spec gives none.
///
/// # Errors
/// Every rule that the service breaks.
pub fn check(spec: &EcsServiceSpec, object_name: &str) -> Result<Service, Vec<Violation>> {
    let mut violations = Vec::new();
    let name = spec.service_name.as_deref().unwrap_or(object_name);
    if !is_family(name) {
        let message = "Invalid service name: use up to 255 letters, digits, - and _. It is the object's name when spec.serviceName is absent.";
        violations.push(Violation::new("SV02", "spec.serviceName", message));
    }
    let task_definition = TaskDefinitionReference::parse(&spec.task_definition);
    if let Err(error) = &task_definition {
        violations.push(Violation::new("SV03", "spec.taskDefinition", error.to_string()));
    }
    let desired_count = spec.desired_count.map(u32::try_from).transpose();
    if desired_count.is_err() {
        let message = "DesiredCount can not be lesser than 0";
        violations.push(Violation::new("SV10", "spec.desiredCount", message));
    }
    if desired_count.is_ok_and(|count| count.is_some_and(|count| count > MOST_TASKS)) {
        let message = format!("DesiredCount can not be greater than {MOST_TASKS}");
        violations.push(Violation::new("SV10", "spec.desiredCount", message));
    }
    let scheduling = spec.scheduling_strategy.unwrap_or_default();
    if scheduling == SchedulingStrategy::Daemon {
        check_daemon(spec, &mut violations);
    }
    let deployments =
        deployment_configuration::check(spec.deployment_configuration.as_ref(), scheduling, &mut violations);
    let health_check_grace_period = health_check_grace_period(spec, &mut violations);
    let network = spec.network_configuration.as_ref();
    let Named { subnets, security_groups } = network_configuration::check(network).unwrap_or_else(|broken| {
        violations.extend(broken);
        Named::default()
    });
    let load_balancers = spec.load_balancers.as_deref().unwrap_or_default();
    let targets = target::check(load_balancers).unwrap_or_else(|broken| {
        violations.extend(broken);
        Vec::new()
    });
    let registries = spec.service_registries.as_deref().unwrap_or_default();
    let registry = service_registry::check(registries, object_name).unwrap_or_else(|broken| {
        violations.extend(broken);
        None
    });
    let service_connect =
        service_connect::check(spec.service_connect_configuration.as_ref()).unwrap_or_else(|broken| {
            violations.extend(broken);
            None
        });
    match (task_definition, desired_count) {
        (Ok(task_definition), Ok(desired_count)) if violations.is_empty() => Ok(Service {
            name: name.into(),
            task_definition,
            scheduling,
            desired_count,
            percentages: deployments.percentages,
            circuit_breaker: deployments.circuit_breaker,
            early_success: deployments.early_success,
            bake_time: deployments.bake_time,
            health_check_grace_period,
            security_groups,
            subnets,
            targets,
            registry,
            service_connect,
            has_network_configuration: network_configuration::is_given(network),
            force_new_deployment: spec.force_new_deployment.clone().filter(|token| !token.is_empty()),
            min_ready_seconds: kubernetes_seconds(spec, |kubernetes| kubernetes.min_ready_seconds),
            pre_stop_seconds: kubernetes_seconds(spec, |kubernetes| kubernetes.pre_stop_seconds)
                .unwrap_or(DEFAULT_PRE_STOP_SECONDS),
        }),
        _ => Err(violations),
    }
}

/// Checks a service against the network mode of the task definition that it runs (SV06).
///
/// # Errors
/// When it has a network configuration that the mode does not allow.
pub fn check_network(service: &Service, network_mode: Option<NetworkMode>) -> Result<(), Violation> {
    network_configuration::check_mode(service.has_network_configuration, network_mode)
}

/// What a DAEMON service may not have (SV11, SV13).
fn check_daemon(spec: &EcsServiceSpec, violations: &mut Vec<Violation>) {
    if spec.desired_count.is_some() {
        let message = "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again";
        violations.push(Violation::new("SV11", "spec.desiredCount", message));
    }
    let maximum = spec.deployment_configuration.as_ref().and_then(|configuration| configuration.maximum_percent);
    if maximum.is_some_and(|maximum| maximum > 100) {
        let message = "The daemon scheduling strategy does not support values above 100 for maximumPercent. Change the value and try again";
        violations.push(Violation::new("SV13", "spec.deploymentConfiguration.maximumPercent", message));
    }
}

fn health_check_grace_period(spec: &EcsServiceSpec, violations: &mut Vec<Violation>) -> Duration {
    let seconds = spec.health_check_grace_period_seconds.unwrap_or(0);
    let checked = u64::try_from(seconds);
    if checked.is_err() {
        let message = "healthCheckGracePeriodSeconds must be at least 0";
        violations.push(Violation::new("SV39", "spec.healthCheckGracePeriodSeconds", message));
    }
    Duration::from_secs(checked.unwrap_or(0))
}

fn kubernetes_seconds(
    spec: &EcsServiceSpec,
    member: impl Fn(&crate::api::service::EcsServiceKubernetes) -> Option<i32>,
) -> Option<u32> {
    spec.kubernetes.as_ref().and_then(member).and_then(|seconds| u32::try_from(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(document: Value) -> Result<Service, Vec<&'static str>> {
        let spec: EcsServiceSpec = serde_json::from_value(document).unwrap();
        check(&spec, "web").map_err(|violations| violations.into_iter().map(|violation| violation.rule).collect())
    }

    #[test]
    fn defaults_are_those_of_ecs() {
        let service = checked(json!({"taskDefinition": "web"})).unwrap();
        assert_eq!(service.name, "web");
        assert_eq!(service.desired_count, None);
        assert_eq!(service.percentages, DeploymentPercentages { maximum: 200, minimum_healthy: 100 });
        assert_eq!((service.pre_stop_seconds, service.min_ready_seconds), (5, None));
        assert_eq!((service.circuit_breaker, service.bake_time), (None, Duration::ZERO));
        assert_eq!(service.health_check_grace_period, Duration::ZERO);
    }

    #[test]
    fn every_broken_rule_is_told() {
        let with = |member: &str, value: Value| json!({"taskDefinition": "web", member: value});
        let groups = |groups: Value| json!({"taskDefinition": "web", "networkConfiguration": {"awsvpcConfiguration": {"securityGroups": groups}}});
        for (document, rules) in [
            (json!({"taskDefinition": "web", "serviceName": "a.b"}), vec!["SV02"]),
            (json!({"taskDefinition": "web:x"}), vec!["SV03"]),
            (json!({"taskDefinition": "web", "desiredCount": -1}), vec!["SV10"]),
            (json!({"taskDefinition": "web", "desiredCount": 100_001}), vec!["SV10"]),
            (
                json!({"taskDefinition": "web", "schedulingStrategy": "DAEMON", "desiredCount": 0,
                "deploymentConfiguration": {"maximumPercent": 200}}),
                vec!["SV11", "SV13"],
            ),
            (with("deploymentConfiguration", json!({"maximumPercent": 99})), vec!["SV14"]),
            (with("healthCheckGracePeriodSeconds", json!(-1)), vec!["SV39"]),
            (groups(json!([""])), vec!["SV07"]),
            (groups(json!(["a", "b", "c", "d", "e", "f"])), vec!["SV07"]),
        ] {
            assert_eq!(checked(document.clone()), Err(rules), "{document}");
        }
    }

    #[test]
    fn a_network_configuration_needs_awsvpc() {
        let service =
            checked(json!({"taskDefinition": "web", "networkConfiguration": {"awsvpcConfiguration": {}}})).unwrap();
        assert_eq!(check_network(&service, Some(NetworkMode::Awsvpc)), Ok(()));
        assert_eq!(check_network(&service, None).unwrap_err().rule, "SV06");
    }
}
