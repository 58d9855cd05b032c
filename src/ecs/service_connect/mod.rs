//! `serviceConnectConfiguration` of a service: the names under which its tasks are reached in a namespace, and what becomes of the names
//! that others have there (SV36, OP04).

mod known;

use serde::{Deserialize, Serialize};

use crate::api::{
    register_task_definition::NetworkMode,
    service_connect::{ServiceConnectConfiguration, ServiceConnectService},
};

use super::{
    arn::last_segment,
    object_names::is_object_name,
    task_definition::{
        TaskDefinition,
        port::{Port, is_port_name, port_number},
    },
    violation::{Violation, Violations},
};

pub use known::{KnownEndpoint, check_names, connect};

const PATH: &str = "spec.serviceConnectConfiguration";

/// What is said of namespaces.
pub const NAMESPACE: &str =
    "It exists by being named, for the clusters of one VPC together, and Cloud Map knows nothing of it.";

/// What is said of encryption between proxies.
pub const TLS: &str = "There is no proxy that encrypts: remove tls, and let the tasks speak TLS themselves.";

/// What a service says of itself, where it takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedServiceConnect {
    namespace: Option<String>,
    ports: Vec<NamedPort>,
}

/// A port that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedPort {
    port_name: String,
    discovery_name: String,
    dns_name: Option<String>,
    alias_port: Option<u16>,
}

/// What the tasks of a deployment are in a namespace of Service Connect.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConnect {
    /// The namespace.
    pub namespace: String,
    /// The names under which they are reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

/// A name under which tasks are reached.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// The name that clients use.
    pub dns_name: String,
    /// The names in the namespace that it stands for.
    pub discovery_names: Vec<String>,
    /// Its ports.
    pub ports: Vec<EndpointPort>,
}

/// A port of an endpoint.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct EndpointPort {
    /// The port that clients use.
    pub port: u16,
    /// The port of the task.
    pub target: Port,
}

impl ServiceConnect {
    /// The names in the namespace under which its tasks are reached.
    pub fn discovery_names(&self) -> impl Iterator<Item = String> {
        self.endpoints.iter().flat_map(|endpoint| endpoint.discovery_names.iter().cloned())
    }

    /// Its endpoints as they are called, with their ports.
    pub fn named(&self) -> impl Iterator<Item = (EndpointName, &[EndpointPort])> {
        self.endpoints.iter().map(|endpoint| {
            let (dns_name, discovery_names) = (endpoint.dns_name.clone(), endpoint.discovery_names.clone());
            (EndpointName { namespace: self.namespace.clone(), dns_name, discovery_names }, &endpoint.ports[..])
        })
    }
}

impl EndpointPort {
    /// Whether clients could not tell it from another one.
    #[must_use]
    pub fn clashes(&self, other: &Self) -> bool {
        self.port == other.port && self.target.protocol == other.target.protocol
    }
}

impl EndpointName {
    /// Whether a service could have it: it is written into the hosts of other tasks.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        is_dns_name(&self.dns_name)
    }

    /// Whether both are one endpoint of a service: the rest of what it is called may change.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.dns_name == other.dns_name
    }
}

/// What an endpoint that is there is called.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct EndpointName {
    /// The namespace of Service Connect.
    pub namespace: String,
    /// The name that clients use.
    pub dns_name: String,
    /// The names in the namespace that it stands for.
    pub discovery_names: Vec<String>,
}

/// Checks what `serviceConnectConfiguration` says by itself. One that is not enabled says nothing.
///
/// # Errors
/// Every rule that it breaks.
pub fn check(given: Option<&ServiceConnectConfiguration>) -> Result<Option<NamedServiceConnect>, Vec<Violation>> {
    let Some(given) = given.filter(|given| given.enabled) else { return Ok(None) };
    let mut violations = Violations::new();
    let mut ports: Vec<NamedPort> = Vec::new();
    for (index, service) in given.services.iter().flatten().enumerate() {
        let path = format!("{PATH}.services[{index}]");
        let port = check_service(service, &path, &mut violations);
        let is_twin = ports.iter().any(|other| other.discovery_name == port.discovery_name);
        let message = format_args!("The discovery name {} is given twice: choose another one.", port.discovery_name);
        violations.require(!is_twin, "SV36", format_args!("{path}.discoveryName"), message);
        ports.push(port);
    }
    let namespace = unless_empty(given.namespace.as_ref()).map(|given| last_segment(&given).to_owned());
    violations.or(Some(NamedServiceConnect { namespace, ports }))
}

fn check_service(service: &ServiceConnectService, path: &str, violations: &mut Violations) -> NamedPort {
    let message = "Name a port mapping of the task definition.";
    violations.require(!service.port_name.is_empty(), "SV36", format_args!("{path}.portName"), message);
    let discovery_name = unless_empty(service.discovery_name.as_ref());
    // What it is by default has the same alphabet.
    let is_valid = discovery_name.as_deref().is_none_or(is_port_name);
    let message = "A discovery name has up to 64 lower-case letters, digits, - and _, and does not begin with -.";
    violations.require(is_valid, "SV36", format_args!("{path}.discoveryName"), message);
    violations.require(service.tls.is_none(), "OP04", format_args!("{path}.tls"), TLS);
    let aliases = service.client_aliases.as_deref().unwrap_or_default();
    let message = format_args!("{} clientAliases exceeds the max limit of 1", aliases.len());
    violations.require(aliases.len() <= 1, "SV36", format_args!("{path}.clientAliases"), message);
    let alias = aliases.first();
    let alias_port = alias.and_then(|alias| port_number(alias.port));
    let message = "Give the port that clients use, from 1 to 65535.";
    let is_port = alias.is_none() || alias_port.is_some();
    violations.require(is_port, "SV36", format_args!("{path}.clientAliases[0].port"), message);
    let dns_name = alias.and_then(|alias| unless_empty(alias.dns_name.as_ref()));
    let is_valid = dns_name.as_deref().is_none_or(is_dns_name);
    violations.require(is_valid, "SV36", format_args!("{path}.clientAliases[0].dnsName"), INVALID_NAME);
    NamedPort {
        discovery_name: discovery_name.unwrap_or_else(|| service.port_name.clone()),
        port_name: service.port_name.clone(),
        dns_name,
        alias_port,
    }
}

const INVALID_NAME: &str = "The DNS name that you provided is invalid: hosts of Kubernetes have up to 127 lower-case letters, digits, - and dots, with a letter or digit at both ends of each part, and no address or name of the node or of Kubernetes itself (localhost, kubernetes, NAME.svc, NAME.cluster.local) can be one.";

/// Kubernetes writes no other into the hosts of a Pod.
fn is_dns_name(name: &str) -> bool {
    name.len() <= 127 && is_object_name(name) && !is_reserved(name)
}

/// Names that lead somewhere else, with or without Service Connect.
fn is_reserved(name: &str) -> bool {
    let is_below = |domain: &str| name == domain || name.strip_suffix(domain).is_some_and(|it| it.ends_with('.'));
    let is_of_api_server = ["kubernetes", "kubernetes.default"].contains(&name);
    // What ends with a number is read as an address, whole or not.
    let is_address = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    is_of_api_server
        || is_address
        || name.starts_with("ip6-")
        || ["localhost", "svc", "cluster.local"].into_iter().any(is_below)
}

fn is_namespace(name: &str) -> bool {
    name.len() <= 1024 && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"/".contains(&byte))
}

fn unless_empty(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

/// What the tasks of a deployment are. `default_namespace` is that of the cluster.
///
/// # Errors
/// Every rule that it breaks with its task definition and its cluster.
pub fn of_tasks(
    named: &NamedServiceConnect,
    default_namespace: Option<&str>,
    definition: &TaskDefinition,
) -> Result<ServiceConnect, Vec<Violation>> {
    let mut violations = Violations::new();
    let default_namespace = default_namespace.filter(|name| !name.is_empty()).map(last_segment);
    let Some(namespace) = named.namespace.as_deref().or(default_namespace) else {
        let message = "Namespace is missing: give one here, or in serviceConnectDefaults of the EcsCluster.";
        violations.add("SV36", format_args!("{PATH}.namespace"), message);
        return Err(violations.into());
    };
    let message = "A namespace has up to 1024 characters, without spaces, <, >, \" and /.";
    violations.require(is_namespace(namespace), "SV36", format_args!("{PATH}.namespace"), message);
    let has_no_network = definition.network_mode == Some(NetworkMode::None);
    let message = "Nobody reaches tasks of the network mode none: take services out, or choose another mode.";
    violations.require(!has_no_network || named.ports.is_empty(), "SV36", format_args!("{PATH}.services"), message);
    let mut endpoints: Vec<Endpoint> = Vec::new();
    let ports = definition.ports();
    for (index, named) in named.ports.iter().enumerate() {
        let path = format!("{PATH}.services[{index}]");
        let Some(target) = ports.iter().find(|port| port.name.as_ref() == Some(&named.port_name)) else {
            let message = format_args!(
                "portName({}) does not refer to any named PortMapping in the container definitions: {}.",
                named.port_name,
                named_ports(&definition.family, &ports)
            );
            violations.add("SV36", format_args!("{path}.portName"), message);
            continue;
        };
        let dns_name = named.dns_name.clone().unwrap_or_else(|| format!("{}.{namespace}", named.discovery_name));
        if !is_dns_name(&dns_name) {
            let message = format_args!("Clients would use {dns_name}, which is no DNS name: give one here in dnsName.");
            violations.add("SV36", format_args!("{path}.clientAliases"), message);
        }
        let port = EndpointPort { port: named.alias_port.unwrap_or(target.container_port), target: target.clone() };
        let is_taken = !add(&mut endpoints, &dns_name, &named.discovery_name, port);
        if is_taken {
            let message = format_args!("Port and name of the client are those of an earlier entry: choose others.");
            violations.add("SV36", format_args!("{path}.clientAliases"), message);
        }
    }
    violations.or(ServiceConnect { namespace: namespace.into(), endpoints })
}

fn named_ports(family: &str, ports: &[Port]) -> String {
    let names: Vec<_> = ports.iter().filter_map(|port| port.name.as_deref()).collect();
    if names.is_empty() {
        return format!("{family} names none, so give the portMapping a name");
    }
    format!("{family} names {}", names.join(", "))
}

/// Adds a port to the endpoint of a name. Whether it was free there.
fn add(endpoints: &mut Vec<Endpoint>, dns_name: &str, discovery_name: &str, port: EndpointPort) -> bool {
    let Some(endpoint) = endpoints.iter_mut().find(|endpoint| endpoint.dns_name == dns_name) else {
        let discovery_names = vec![discovery_name.to_owned()];
        endpoints.push(Endpoint { dns_name: dns_name.into(), discovery_names, ports: vec![port] });
        return true;
    };
    if endpoint.ports.iter().any(|other| other.clashes(&port)) {
        return false;
    }
    endpoint.discovery_names.push(discovery_name.to_owned());
    endpoint.ports.push(port);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::task_definition;
    use serde_json::{Value, json};

    pub(super) fn definition() -> TaskDefinition {
        let port = |name: Option<&str>, port: u16| json!({"name": name, "containerPort": port});
        let ports = [port(Some("http"), 8080), port(Some("ad_min"), 9000), port(None, 9001)];
        let document =
            json!({"containerDefinitions": [{"name": "a", "image": "i", "memory": 64, "portMappings": ports}]});
        task_definition::check(&serde_json::from_value(document).unwrap(), "web").unwrap()
    }

    pub(super) fn of(services: &Value) -> Result<ServiceConnect, Vec<String>> {
        let given = serde_json::from_value(json!({"enabled": true, "services": services})).unwrap();
        let paths = |broken: Vec<Violation>| broken.into_iter().map(|it| it.path).collect::<Vec<_>>();
        let named = check(Some(&given)).map_err(paths)?.unwrap();
        of_tasks(&named, Some("shop"), &definition()).map_err(paths)
    }

    #[test]
    fn names_and_ports_have_the_defaults_of_ecs() {
        let endpoint = |services: Value| {
            let endpoint = of(&services).unwrap().endpoints.remove(0);
            (endpoint.dns_name, endpoint.discovery_names.join(" "), endpoint.ports[0].port)
        };
        assert_eq!(endpoint(json!([{"portName": "http"}])), ("http.shop".into(), "http".into(), 8080));
        let named = json!([{"portName": "http", "discoveryName": "web", "clientAliases": [{"port": 80}]}]);
        assert_eq!(endpoint(named), ("web.shop".into(), "web".into(), 80));
        let aliased = json!([{"portName": "http", "clientAliases": [{"port": 80, "dnsName": "web"}]}]);
        assert_eq!(endpoint(aliased), ("web".into(), "http".into(), 80));
    }

    #[test]
    fn a_name_may_have_several_ports() {
        let alias = |port: u16| json!([{"port": port, "dnsName": "web"}]);
        let services = json!([{"portName": "http", "clientAliases": alias(80)}, {"portName": "ad_min", "clientAliases": alias(81)}]);
        let [endpoint] = &of(&services).unwrap().endpoints[..] else { panic!() };
        assert_eq!(endpoint.discovery_names, ["http", "ad_min"]);
        assert_eq!(endpoint.ports.iter().map(|port| port.port).collect::<Vec<_>>(), [80, 81]);
    }

    #[test]
    fn one_that_is_not_enabled_says_nothing_and_one_without_a_namespace_is_refused() {
        let named = |document: Value| check(Some(&serde_json::from_value(document).unwrap()));
        assert_eq!(named(json!({"enabled": false, "services": [{"portName": ""}]})), Ok(None));
        let none = named(json!({"enabled": true})).unwrap().unwrap();
        for default in [None, Some("")] {
            assert!(
                of_tasks(&none, default, &definition()).unwrap_err()[0].message.starts_with("Namespace is missing")
            );
        }
        let odd = named(json!({"enabled": true, "namespace": "shop/"})).unwrap().unwrap();
        assert_eq!(of_tasks(&odd, None, &definition()).unwrap_err()[0].path, format!("{PATH}.namespace"));
        let own = named(json!({"enabled": true, "namespace": "pay"})).unwrap().unwrap();
        assert_eq!(of_tasks(&own, Some("shop"), &definition()).unwrap().namespace, "pay");
    }

    #[test]
    fn every_broken_rule_is_told() {
        let alias = |port: u32, name: &str| json!({"port": port, "dnsName": name});
        for (service, path) in [
            (json!({"portName": ""}), "portName"),
            (json!({"portName": "https"}), "portName"),
            (json!({"portName": "http", "discoveryName": "Web"}), "discoveryName"),
            (json!({"portName": "ad_min"}), "clientAliases"),
            (json!({"portName": "http", "clientAliases": [alias(80, "a"), alias(81, "a")]}), "clientAliases"),
            (json!({"portName": "http", "clientAliases": [alias(0, "a")]}), "clientAliases[0].port"),
            (json!({"portName": "http", "clientAliases": [alias(80, "a_b")]}), "clientAliases[0].dnsName"),
            (json!({"portName": "http", "clientAliases": [alias(80, "localhost")]}), "clientAliases[0].dnsName"),
            (json!({"portName": "http", "clientAliases": [alias(80, "10.0.0.1")]}), "clientAliases[0].dnsName"),
            (json!({"portName": "http", "clientAliases": [alias(80, "a.b.svc")]}), "clientAliases[0].dnsName"),
            (json!({"portName": "http", "tls": {}}), "tls"),
        ] {
            assert_eq!(of(&json!([service])), Err(vec![format!("{PATH}.services[0].{path}")]), "{service}");
        }
        let twins = json!([{"portName": "http"}, {"portName": "http"}]);
        assert_eq!(of(&twins), Err(vec![format!("{PATH}.services[1].discoveryName")]));
        let twins = json!([{"portName": "http", "clientAliases": [alias(80, "a")]},
            {"portName": "ad_min", "clientAliases": [alias(80, "a")]}]);
        assert_eq!(of(&twins), Err(vec![format!("{PATH}.services[1].clientAliases")]));
    }
}
