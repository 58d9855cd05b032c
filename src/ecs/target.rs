//! `loadBalancers` of a service: with which target groups its tasks are registered, on which port, and what that makes of the task
//! definition (SV30, SV31).

use serde::{Deserialize, Serialize};

use crate::api::{
    load_balancer::LoadBalancer,
    port_mapping::TransportProtocol,
    target_group::{EcsTargetGroupSpec, TargetGroupProtocol},
};

use super::{
    object_names::{container_port, target_port},
    target_group::{self, TargetCheck, TargetGroup},
    task_definition::{
        TaskDefinition,
        container::Container,
        layout::{Layout, Place},
        port::{Port, port_number},
    },
    violation::{Violation, Violations, summary},
};

const PATH: &str = "spec.loadBalancers";

/// Most target groups of a service.
const MOST_TARGET_GROUPS: usize = 5;

/// A target group that a service names, and where it sends traffic to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTarget {
    /// Name of the target group.
    pub target_group: String,
    /// Name of the container.
    pub container: String,
    /// Its port.
    pub port: u16,
}

/// A target group that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTargetGroup {
    /// Name of the EcsTargetGroup.
    pub object: String,
    /// Its ARN.
    pub arn: String,
    /// Whether it goes: no new task is registered with it.
    pub is_deleted: bool,
    /// What it is, or the rules that it breaks.
    pub checked: Result<TargetGroup, Vec<Violation>>,
}

/// What a task is to a target group. It travels with the Pod.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Name of the EcsTargetGroup.
    pub target_group: String,
    /// ARN of the target group.
    pub arn: String,
    /// The port that gets the traffic.
    pub container_port: u16,
    /// Its name in the Pod.
    #[serde(default)]
    pub port_name: String,
    /// Whether its health check tells if the task is healthy, and not one of the container itself.
    pub is_asked: bool,
}

/// A check of a container by a target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedTarget {
    /// ARN of the target group.
    pub arn: String,
    /// The port that gets the traffic.
    pub container_port: u16,
    /// The check.
    pub check: TargetCheck,
}

impl CheckedTarget {
    /// The port that is checked.
    #[must_use]
    pub fn checked_port(&self) -> u16 {
        self.check.port.unwrap_or(self.container_port)
    }
}

/// Names of the target groups whose checks do not tell if the task is healthy.
#[must_use]
pub fn unasked(targets: &[Target]) -> Vec<String> {
    let unasked = targets.iter().filter(|target| !target.is_asked);
    unasked.map(|target| target_group::named_by(&target.arn).to_owned()).collect()
}

impl KnownTargetGroup {
    /// A target group as it is stored.
    #[must_use]
    pub fn of(spec: &EcsTargetGroupSpec, object: &str, arn: String) -> Self {
        Self { object: object.into(), arn, is_deleted: false, checked: target_group::check(spec, object) }
    }
}

/// Checks what `loadBalancers` says by itself.
///
/// # Errors
/// Every rule that it breaks.
pub fn check(load_balancers: &[LoadBalancer]) -> Result<Vec<NamedTarget>, Vec<Violation>> {
    let mut violations = Violations::new();
    let mut named: Vec<NamedTarget> = Vec::new();
    let message = format_args!("A service has at most {MOST_TARGET_GROUPS} target groups.");
    violations.require(load_balancers.len() <= MOST_TARGET_GROUPS, "SV30", PATH, message);
    for (index, load_balancer) in load_balancers.iter().enumerate() {
        let path = format!("{PATH}[{index}]");
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let target_group = given(&load_balancer.target_group_arn);
        let message = "Name an EcsTargetGroup of this Namespace, by its name or ARN.";
        violations.require(target_group.is_some(), "SV30", format_args!("{path}.targetGroupArn"), message);
        let container = given(&load_balancer.container_name);
        let message = "Name the container that gets the traffic.";
        violations.require(container.is_some(), "SV30", format_args!("{path}.containerName"), message);
        let port = load_balancer.container_port.and_then(port_number);
        let message = "Give the port of the container that gets the traffic, from 1 to 65535.";
        violations.require(port.is_some(), "SV30", format_args!("{path}.containerPort"), message);
        let (Some(target_group), Some(container), Some(port)) = (target_group, container, port) else { continue };
        let target_group = target_group::named_by(&target_group).to_owned();
        let is_twin = named.iter().any(|other| other.target_group == target_group);
        let message = "A service is registered with a target group once here: make another one for another port.";
        violations.require(!is_twin, "SV30", format_args!("{path}.targetGroupArn"), message);
        named.push(NamedTarget { target_group, container, port });
    }
    violations.or(named)
}

/// Checks that the target groups of tasks that run are there still. `exists` tells of one of a name.
///
/// # Errors
/// When one is not (SV31).
pub fn check_there(named: &[NamedTarget], exists: impl Fn(&str) -> bool) -> Result<(), Vec<Violation>> {
    let mut violations = Violations::new();
    for (index, NamedTarget { target_group, .. }) in named.iter().enumerate() {
        let path = format_args!("{PATH}[{index}].targetGroupArn");
        violations.require(exists(target_group), "SV31", path, missing(target_group));
    }
    violations.or(())
}

fn missing(target_group: &str) -> String {
    format!(
        "The target group '{target_group}' does not exist: make an EcsTargetGroup of that name in the Namespace of the service."
    )
}

/// The task definition as a service runs it that registers its tasks with target groups. `find` gives one of a name.
///
/// # Errors
/// Every rule that the service breaks with its task definition and the target groups. One that is not there breaks `SV31`.
pub fn register(
    definition: TaskDefinition,
    named: &[NamedTarget],
    find: impl Fn(&str) -> Option<KnownTargetGroup>,
) -> Result<TaskDefinition, Vec<Violation>> {
    let mut violations = Violations::new();
    let layout = Layout::of(&definition.containers);
    let mut registered = definition;
    for (index, named) in named.iter().enumerate() {
        let path = format!("{PATH}[{index}]");
        let found = found(named, find(&named.target_group), &path, &mut violations);
        let port = port(&registered, named, &path, &mut violations);
        let (Some((known, group)), Some((index, port))) = (found, port) else { continue };
        let is_job = matches!(layout.place(index), Some(Place::Job { .. }));
        let message = "The container ends before the others start, so it takes no traffic: name one that goes on.";
        violations.require(!is_job, "SV30", format_args!("{path}.containerName"), message);
        let message = format_args!(
            "Container port {} has another protocol than target group {}: change one of the two.",
            port.container_port, named.target_group
        );
        violations.require(fits(&group, &port), "SV30", format_args!("{path}.containerPort"), message);
        let container = &mut registered.containers[index];
        let is_asked = container.takes_check();
        if is_asked {
            let (arn, container_port) = (known.arn.clone(), port.container_port);
            container.target = Some(CheckedTarget { arn, container_port, check: group.check });
        }
        registered.deregistration_delay = registered.deregistration_delay.max(group.deregistration_delay);
        let given = registered.targets.iter().find(|target| target.container_port == port.container_port);
        let port_name = given.map(|target| target.port_name.clone()).or(port.name.as_deref().map(container_port));
        let port_name = port_name.unwrap_or_else(|| target_port(&known.object));
        registered.targets.push(Target {
            target_group: known.object,
            arn: known.arn,
            container_port: port.container_port,
            port_name,
            is_asked,
        });
    }
    violations.or(registered)
}

impl Container {
    /// Whether a target group can tell if it is healthy. A container has one readiness probe: its own comes first.
    fn takes_check(&self) -> bool {
        self.health_check.is_none() && self.kubernetes.readiness_probe.is_none() && self.target.is_none()
    }
}

fn found(
    named: &NamedTarget,
    known: Option<KnownTargetGroup>,
    path: &str,
    violations: &mut Violations,
) -> Option<(KnownTargetGroup, TargetGroup)> {
    let path = format!("{path}.targetGroupArn");
    let Some(known) = known else {
        violations.add("SV31", path, missing(&named.target_group));
        return None;
    };
    if known.is_deleted {
        let message = format_args!(
            "EcsTargetGroup {} is being deleted: name another one, or make it again when it is gone.",
            known.object
        );
        violations.add("SV31", path, message);
        return None;
    }
    match known.checked.clone() {
        Ok(group) => Some((known, group)),
        Err(broken) => {
            let message = format_args!("EcsTargetGroup {} is not valid: {}", known.object, summary(&broken));
            violations.add("SV31", path, message);
            None
        }
    }
}

/// The index of the container, and its port.
fn port(
    definition: &TaskDefinition,
    named: &NamedTarget,
    path: &str,
    violations: &mut Violations,
) -> Option<(usize, Port)> {
    let NamedTarget { container: name, port, .. } = named;
    let Some(index) = definition.containers.iter().position(|container| container.name == *name) else {
        let message =
            format_args!("The container {name} does not exist in the task definition: name one of its containers.");
        violations.add("SV30", format_args!("{path}.containerName"), message);
        return None;
    };
    let ports = &definition.containers[index].ports;
    let Some(found) = ports.iter().find(|mapping| mapping.container_port == *port).cloned() else {
        let message = format_args!(
            "The container {name} did not have a container port {port} defined. Name one of its portMappings, or add it there."
        );
        violations.add("SV30", format_args!("{path}.containerPort"), message);
        return None;
    };
    Some((index, found))
}

fn fits(group: &TargetGroup, port: &Port) -> bool {
    match group.protocol {
        TargetGroupProtocol::Udp => port.protocol == TransportProtocol::Udp,
        TargetGroupProtocol::TcpUdp => true,
        TargetGroupProtocol::Http
        | TargetGroupProtocol::Https
        | TargetGroupProtocol::Tcp
        | TargetGroupProtocol::Tls => port.protocol == TransportProtocol::Tcp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::task_definition;
    use serde_json::{Value, json};

    fn definition(container: &Value) -> TaskDefinition {
        let mut whole = json!({"name": "web", "image": "i", "memory": 64, "portMappings": [
            {"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "udp"},
        ]});
        whole.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
        task_definition::check(&serde_json::from_value(json!({"containerDefinitions": [whole]})).unwrap(), "web")
            .unwrap()
    }

    fn group(name: &str) -> Option<KnownTargetGroup> {
        let spec = match name {
            "http" => json!({"attributes": [{"key": "deregistration_delay.timeout_seconds", "value": "20"}]}),
            "dns" => json!({"protocol": "UDP"}),
            "broken" => json!({"healthCheckPort": "x"}),
            _ => return None,
        };
        Some(KnownTargetGroup::of(&serde_json::from_value(spec).unwrap(), name, format!("arn:{name}")))
    }

    fn registered(container: &Value, load_balancers: Value) -> Result<TaskDefinition, Vec<(&'static str, String)>> {
        let load_balancers: Vec<LoadBalancer> = serde_json::from_value(load_balancers).unwrap();
        let short = |broken: Vec<Violation>| broken.into_iter().map(|it| (it.rule, it.path)).collect::<Vec<_>>();
        let named = check(&load_balancers).map_err(short)?;
        register(definition(container), &named, group).map_err(short)
    }

    fn to(group: &str, port: i32) -> Value {
        json!({"targetGroupArn": group, "containerName": "web", "containerPort": port})
    }

    #[test]
    fn a_target_group_checks_the_container_that_has_no_check_of_its_own() {
        let definition = registered(&json!({}), json!([to("http", 80), to("dns", 53)])).unwrap();
        let target = definition.containers[0].target.as_ref().unwrap();
        assert_eq!((target.arn.as_str(), target.checked_port()), ("arn:http", 80));
        assert_eq!(definition.deregistration_delay, Some(20));
        let told: Vec<_> = definition.targets.iter().map(|it| (it.target_group.as_str(), it.is_asked)).collect();
        assert_eq!(told, [("http", true), ("dns", false)]);
        assert_eq!(
            (definition.targets[0].port_name.as_str(), &*definition.targets[1].port_name),
            ("http", &*target_port("dns"))
        );
        assert!(definition.checks_health());
        let own = json!({"healthCheck": {"command": ["CMD", "true"]}});
        let definition = registered(&own, json!([to("http", 80)])).unwrap();
        assert_eq!((definition.containers[0].target.as_ref(), definition.targets[0].is_asked), (None, false));
    }

    #[test]
    fn a_target_that_was_stored_without_the_name_of_its_port_is_read() {
        let stored = json!({"targetGroup": "web", "arn": "arn", "containerPort": 80, "isAsked": true});
        let target: Target = serde_json::from_value(stored).unwrap();
        assert_eq!((target.container_port, target.port_name.as_str()), (80, ""));
    }

    #[test]
    fn every_broken_rule_is_told() {
        for (load_balancers, rule, path) in [
            (json!([to("", 80)]), "SV30", "targetGroupArn"),
            (json!([{"targetGroupArn": "http", "containerPort": 80}]), "SV30", "containerName"),
            (json!([{"targetGroupArn": "http", "containerName": "web"}]), "SV30", "containerPort"),
            (json!([{"targetGroupArn": "http", "containerName": "app", "containerPort": 80}]), "SV30", "containerName"),
            (json!([to("http", 81)]), "SV30", "containerPort"),
            (json!([to("http", 53)]), "SV30", "containerPort"),
            (json!([to("dns", 80)]), "SV30", "containerPort"),
            (json!([to("none", 80)]), "SV31", "targetGroupArn"),
            (json!([to("broken", 80)]), "SV31", "targetGroupArn"),
        ] {
            let told = (rule, format!("spec.loadBalancers[0].{path}"));
            assert_eq!(registered(&json!({}), load_balancers.clone()), Err(vec![told]), "{load_balancers}");
        }
        let twins = registered(&json!({}), json!([to("http", 80), to("arn:a:b:c:d:targetgroup/http/1", 80)]));
        assert_eq!(twins, Err(vec![("SV30", "spec.loadBalancers[1].targetGroupArn".to_owned())]));
        let many: Vec<_> = (0..6).map(|number| to(&format!("g{number}"), 80)).collect();
        let many: Vec<LoadBalancer> = serde_json::from_value(json!(many)).unwrap();
        assert_eq!(check(&many).unwrap_err()[0].path, PATH);
    }
}
