//! `serviceRegistries` of a service: under which name its tasks are found, and which of their ports are told (SV33).

use serde::{Deserialize, Serialize};

use crate::api::service_registry::ServiceRegistry;

use super::{
    arn::last_segment,
    object_names::is_label,
    task_definition::{
        TaskDefinition,
        port::{Port, port_number},
    },
    violation::{Violation, Violations},
};

const PATH: &str = "spec.serviceRegistries";

/// Longest name that becomes that of a Service as it is.
const LONGEST_NAME: usize = 52;

/// A registry that a service names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRegistry {
    /// The name under which tasks are found.
    pub name: String,
    /// The container of the port, where it is named.
    pub container: Option<String>,
    /// The only port that is told; `None` for all.
    pub port: Option<u16>,
}

/// A registry of the tasks of a deployment.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// The name under which they are found.
    pub name: String,
    /// Their ports that are told.
    pub ports: Vec<Port>,
}

/// Checks what `serviceRegistries` says by itself. `own_name` is how the service's tasks are found anyway.
///
/// # Errors
/// Every rule that it breaks.
pub fn check(registries: &[ServiceRegistry], own_name: &str) -> Result<Option<NamedRegistry>, Vec<Violation>> {
    let mut violations = Violations::new();
    violations.require(registries.len() <= 1, "SV33", PATH, "service registries can have at most 1 items");
    let Some(registry) = registries.first() else { return violations.or(None) };
    let path = format!("{PATH}[0]");
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let name = given(&registry.registry_arn).map(|given| last_segment(&given).to_owned()).unwrap_or_default();
    let message = "give the name under which tasks are to be found.";
    violations.require(!name.is_empty(), "SV33", format_args!("{path}.registryArn"), message);
    let is_kept = is_label(&name) && name.len() <= LONGEST_NAME && name.starts_with(|it: char| it.is_ascii_lowercase());
    let message = format_args!(
        "A name under which tasks are found has up to {LONGEST_NAME} lower-case letters, digits and -, and begins with a letter."
    );
    violations.require(name.is_empty() || is_kept, "SV33", format_args!("{path}.registryArn"), message);
    let message = format_args!(
        "The service is found as {own_name} anyway, by one address for all its tasks: choose another name."
    );
    violations.require(name != own_name, "SV33", format_args!("{path}.registryArn"), message);
    let (port, container_port) = (registry.port.and_then(port_number), registry.container_port.and_then(port_number));
    let agree = port.is_none() || container_port.is_none() || port == container_port;
    let message = "port and containerPort are different ones: give one of them.";
    violations.require(agree, "SV33", format_args!("{path}.port"), message);
    let container = given(&registry.container_name);
    let message = "containerName goes with a containerPort: give both or none.";
    let is_whole = container.is_some() == container_port.is_some();
    violations.require(is_whole, "SV33", format_args!("{path}.containerName"), message);
    violations.or(Some(NamedRegistry { name, container, port: container_port.or(port) }))
}

/// The registry of the tasks of a deployment.
///
/// # Errors
/// When the task definition has no such container or port.
pub fn of_tasks(named: &NamedRegistry, definition: &TaskDefinition) -> Result<Registry, Violation> {
    let path = |member: &str| format!("{PATH}[0].{member}");
    let container = named.container.as_ref();
    let is_it = |name: &str| container.is_none_or(|container| container == name);
    let mut containers = definition.containers.iter().filter(|container| is_it(&container.name)).peekable();
    if let Some(name) = container.filter(|_| containers.peek().is_none()) {
        let message = format!("The container {name} does not exist in the task definition.");
        return Err(Violation::new("SV33", path("containerName"), message));
    }
    let ports = containers.flat_map(|container| container.ports.clone());
    let ports: Vec<_> = ports.filter(|port| named.port.is_none_or(|wanted| wanted == port.container_port)).collect();
    match named.port.filter(|_| ports.is_empty()) {
        Some(port) => {
            let member = if container.is_some() { "containerPort" } else { "port" };
            let message = format!("The task definition has no container port {port} there.");
            Err(Violation::new("SV33", path(member), message))
        }
        None => Ok(Registry { name: named.name.clone(), ports }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::task_definition;
    use serde_json::{Value, json};

    fn registry(registries: Value) -> Result<Option<Registry>, Vec<String>> {
        let container = |name: &str, port: u16| json!({"name": name, "image": "i", "memory": 64, "portMappings": [{"containerPort": port}]});
        let document = json!({"containerDefinitions": [container("a", 80), container("b", 81)]});
        let definition = task_definition::check(&serde_json::from_value(document).unwrap(), "web").unwrap();
        let registries: Vec<ServiceRegistry> = serde_json::from_value(registries).unwrap();
        let named =
            check(&registries, "web").map_err(|broken| broken.into_iter().map(|it| it.path).collect::<Vec<_>>())?;
        named.map(|named| of_tasks(&named, &definition)).transpose().map_err(|broken| vec![broken.path])
    }

    #[test]
    fn a_registry_tells_all_ports_or_one() {
        let ports = |registries: Value| {
            let found = registry(registries).unwrap().unwrap();
            (found.name, found.ports.iter().map(|port| port.container_port).collect::<Vec<_>>())
        };
        assert_eq!(registry(json!([])), Ok(None));
        let arn = "arn:aws:servicediscovery:us-east-1:000000000000:service/orders";
        assert_eq!(ports(json!([{"registryArn": arn}])), ("orders".into(), vec![80, 81]));
        assert_eq!(ports(json!([{"registryArn": "orders", "port": 81}])).1, [81]);
        assert_eq!(ports(json!([{"registryArn": "orders", "containerName": "a", "containerPort": 80}])).1, [80]);
    }

    #[test]
    fn every_broken_rule_is_told() {
        for (registries, path) in [
            (json!([{"registryArn": "a"}, {"registryArn": "b"}]), ""),
            (json!([{}]), "[0].registryArn"),
            (json!([{"registryArn": "web"}]), "[0].registryArn"),
            (json!([{"registryArn": "Orders.v1"}]), "[0].registryArn"),
            (json!([{"registryArn": "1a"}]), "[0].registryArn"),
            (json!([{"registryArn": "a", "port": 80, "containerName": "b", "containerPort": 81}]), "[0].port"),
            (json!([{"registryArn": "a", "containerName": "a"}]), "[0].containerName"),
            (json!([{"registryArn": "a", "containerName": "c", "containerPort": 80}]), "[0].containerName"),
            (json!([{"registryArn": "a", "containerName": "a", "containerPort": 81}]), "[0].containerPort"),
            (json!([{"registryArn": "a", "port": 82}]), "[0].port"),
        ] {
            assert_eq!(registry(registries.clone()), Err(vec![format!("{PATH}{path}")]), "{registries}");
        }
    }
}
