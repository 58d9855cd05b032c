//! A checked service, and the rules that it keeps by itself and with its task definition (SV02-SV16).

use crate::api::{
    register_task_definition::NetworkMode,
    service::{EcsServiceSpec, NetworkConfiguration},
};

use super::{
    deployment_limits::DeploymentPercentages,
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
    /// How many tasks; `None` when the operator has to write the number.
    pub desired_count: Option<u32>,
    /// How a deployment may move.
    pub percentages: DeploymentPercentages,
    /// The security groups that it names; empty means one of its own.
    pub security_groups: Vec<String>,
    /// Whether it has a network configuration, which only awsvpc allows.
    pub has_network_configuration: bool,
    /// The token that starts a deployment.
    pub force_new_deployment: Option<String>,
    /// Seconds for which a task must be ready before it counts.
    pub min_ready_seconds: u32,
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
    let percentages = percentages(spec, &mut violations);
    let security_groups = security_groups(spec.network_configuration.as_ref(), &mut violations);
    match (task_definition, desired_count) {
        (Ok(task_definition), Ok(desired_count)) if violations.is_empty() => Ok(Service {
            name: name.into(),
            task_definition,
            desired_count,
            percentages,
            security_groups,
            has_network_configuration: awsvpc(spec.network_configuration.as_ref()).is_some(),
            force_new_deployment: spec.force_new_deployment.clone().filter(|token| !token.is_empty()),
            min_ready_seconds: kubernetes_seconds(spec, |kubernetes| kubernetes.min_ready_seconds).unwrap_or(0),
            pre_stop_seconds: kubernetes_seconds(spec, |kubernetes| kubernetes.pre_stop_seconds)
                .unwrap_or(DEFAULT_PRE_STOP_SECONDS),
        }),
        _ => Err(violations),
    }
}

/// Checks a service against the network mode of the task definition that it runs (SV06).
///
/// A service without a network configuration is accepted in awsvpc, unlike on ECS (SV05): the pod network has no
/// subnets to choose from.
///
/// # Errors
/// When it has a network configuration that the mode does not allow.
pub fn check_network(service: &Service, network_mode: Option<NetworkMode>) -> Result<(), Violation> {
    if service.has_network_configuration && network_mode != Some(NetworkMode::Awsvpc) {
        let message = "Network Configuration is not valid for the given networkMode of this task definition. Remove it, or set networkMode to awsvpc in the task definition.";
        return Err(Violation::new("SV06", "spec.networkConfiguration", message));
    }
    Ok(())
}

fn percentages(spec: &EcsServiceSpec, violations: &mut Vec<Violation>) -> DeploymentPercentages {
    const PATH: &str = "spec.deploymentConfiguration";
    let default = DeploymentPercentages::default();
    let Some(configuration) = &spec.deployment_configuration else { return default };
    let value = |given: Option<i32>, default| given.map_or(Some(default), |given| u32::try_from(given).ok());
    let maximum = value(configuration.maximum_percent, default.maximum).filter(|percent| *percent >= 100);
    if maximum.is_none() {
        let message = "maximumPercent must be at least 100";
        violations.push(Violation::new("SV14", format!("{PATH}.maximumPercent"), message));
    }
    let minimum_healthy =
        value(configuration.minimum_healthy_percent, default.minimum_healthy).filter(|percent| *percent <= 100);
    if minimum_healthy.is_none() {
        let message = "minimumHealthyPercent must be at least 0 and at most 100";
        violations.push(Violation::new("SV15", format!("{PATH}.minimumHealthyPercent"), message));
    }
    if (maximum, minimum_healthy) == (Some(100), Some(100)) {
        let message = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments";
        violations.push(Violation::new("SV16", PATH, message));
    }
    DeploymentPercentages {
        maximum: maximum.unwrap_or(default.maximum),
        minimum_healthy: minimum_healthy.unwrap_or(default.minimum_healthy),
    }
}

fn security_groups(network: Option<&NetworkConfiguration>, violations: &mut Vec<Violation>) -> Vec<String> {
    const PATH: &str = "spec.networkConfiguration.awsvpcConfiguration.securityGroups";
    let mut groups = Vec::new();
    for (index, group) in
        awsvpc(network).into_iter().flat_map(|awsvpc| awsvpc.security_groups.iter().flatten()).enumerate()
    {
        if group.is_empty() {
            violations.push(Violation::new(
                "SV07",
                format!("{PATH}[{index}]"),
                "A security group has a name: give one, or remove the entry.",
            ));
        } else if !groups.contains(group) {
            groups.push(group.clone());
        }
    }
    if groups.len() > 5 {
        violations.push(Violation::new("SV07", PATH, "securityGroups can have at most 5 items."));
    }
    groups
}

fn awsvpc(network: Option<&NetworkConfiguration>) -> Option<&crate::api::service::AwsVpcConfiguration> {
    network.and_then(|network| network.awsvpc_configuration.as_ref())
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
        assert_eq!(service.pre_stop_seconds, 5);
    }

    #[test]
    fn every_broken_rule_is_told() {
        let percent = |maximum: i32, minimum: i32| json!({"taskDefinition": "web", "deploymentConfiguration": {"maximumPercent": maximum, "minimumHealthyPercent": minimum}});
        let groups = |groups: Value| json!({"taskDefinition": "web", "networkConfiguration": {"awsvpcConfiguration": {"securityGroups": groups}}});
        for (document, rules) in [
            (json!({"taskDefinition": "web", "serviceName": "a.b"}), vec!["SV02"]),
            (json!({"taskDefinition": "web:x"}), vec!["SV03"]),
            (json!({"taskDefinition": "web", "desiredCount": -1}), vec!["SV10"]),
            (json!({"taskDefinition": "web", "desiredCount": 100_001}), vec!["SV10"]),
            (percent(99, 50), vec!["SV14"]),
            (percent(200, 101), vec!["SV15"]),
            (percent(100, 100), vec!["SV16"]),
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
