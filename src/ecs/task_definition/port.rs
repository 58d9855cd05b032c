//! Checked port mappings, and the rules that ports of one task keep among each other (TD16-TD18, OP01, OP15).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    api::{
        port_mapping::{ApplicationProtocol, PortMapping, TransportProtocol},
        register_task_definition::NetworkMode,
    },
    ecs::violation::Violations,
};

/// A port that a container listens on.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// 1 to 65535.
    pub container_port: u16,
    /// A fixed port on the node; only with network mode `bridge` or none given.
    pub host_port: Option<u16>,
    /// TCP or UDP.
    pub protocol: TransportProtocol,
    /// The name that the user gave; a port of a range has its number behind it.
    pub name: Option<String>,
    /// What is spoken on it.
    pub app_protocol: Option<ApplicationProtocol>,
}

/// The ports of one task so far: a Pod has one port space for all its containers.
#[derive(Debug, Default)]
pub struct PortSpace {
    taken: BTreeSet<u16>,
    host_ports: BTreeSet<(u16, TransportProtocol)>,
    names: BTreeSet<String>,
}

/// Most ports of a task: Kubernetes knows no ranges, so each port of a range is one.
const MOST_PORTS: usize = 100;

impl PortSpace {
    /// Checks a mapping against its own rules and the mappings already checked. A range gives all its ports.
    pub fn check(
        &mut self,
        mapping: &PortMapping,
        path: &str,
        network_mode: Option<NetworkMode>,
        violations: &mut Violations,
    ) -> Vec<Port> {
        let Some((first, last)) = range(mapping, path, network_mode, violations) else { return Vec::new() };
        if self.taken.len() + usize::from(last - first) >= MOST_PORTS {
            let message = format_args!(
                "A task has at most {MOST_PORTS} ports here, because Kubernetes has no ranges of ports: make the range smaller."
            );
            violations.add("OP15", path, message);
            return Vec::new();
        }
        self.check_name(mapping, path, violations);
        let host_port = host_port(mapping, first, path, network_mode, violations);
        let protocol = mapping.protocol.unwrap_or_default();
        if let Some(host_port) = host_port
            && !self.host_ports.insert((host_port, protocol))
        {
            let message = format_args!("host port is used multiple times in task: {host_port}.");
            violations.add("TD16", format_args!("{path}.hostPort"), message);
        }
        let taken: Vec<_> = (first..=last).filter(|port| !self.taken.insert(*port)).collect();
        if let Some(port) = taken.first() {
            // In bridge mode ECS gives each container a network of its own; containers of a Pod share one.
            let member = if mapping.container_port.is_some() { "containerPort" } else { "containerPortRange" };
            let message = format_args!(
                "container port is used multiple times in task: {port}. Containers of a task share one network here: give each its own port."
            );
            violations.add("OP01", format_args!("{path}.{member}"), message);
        }
        let named = |port| match &mapping.name {
            Some(name) if first != last => Some(format!("{name}-{port}")),
            name => name.clone(),
        };
        // A port of a range may have the name that another mapping was given.
        let of_range = (first..=last).filter(|_| first != last).filter_map(named);
        for name in of_range.filter(|name| !self.names.insert(name.clone())).collect::<Vec<_>>() {
            violations.add("TD18", format_args!("{path}.name"), format!("port mapping name is already used: {name}"));
        }
        let port = |container_port| Port {
            container_port,
            host_port,
            protocol,
            name: named(container_port),
            app_protocol: mapping.app_protocol,
        };
        (first..=last).map(port).collect()
    }

    fn check_name(&mut self, mapping: &PortMapping, path: &str, violations: &mut Violations) {
        if let Some(name) = &mapping.name {
            let message =
                "A port mapping has a name of up to 64 lower-case letters, digits, - and _, not beginning with -.";
            violations.require(is_port_name(name), "TD18", format_args!("{path}.name"), message);
            let message = format_args!("port mapping name is already used: {name}");
            violations.require(self.names.insert(name.clone()), "TD18", format_args!("{path}.name"), message);
        }
        if mapping.app_protocol.is_some()
            && (mapping.name.is_none() || mapping.protocol == Some(TransportProtocol::Udp))
        {
            let message = "appProtocol needs a name and the protocol tcp.";
            violations.add("TD18", format_args!("{path}.appProtocol"), message);
        }
    }
}

/// First and last port of a mapping; the same for a single one.
fn range(
    mapping: &PortMapping,
    path: &str,
    network_mode: Option<NetworkMode>,
    violations: &mut Violations,
) -> Option<(u16, u16)> {
    match (&mapping.container_port, &mapping.container_port_range) {
        (Some(_), Some(_)) => {
            violations.add(
                "TD16",
                format_args!("{path}.containerPortRange"),
                "cannot specify both single port and port range",
            );
            None
        }
        (Some(port), None) => {
            let port = port_number(*port);
            let message = "containerPort is a port from 1 to 65535.";
            violations.require(port.is_some(), "TD16", format_args!("{path}.containerPort"), message);
            port.map(|port| (port, port))
        }
        (None, Some(text)) => {
            let path = format!("{path}.containerPortRange");
            if matches!(network_mode, Some(NetworkMode::Host | NetworkMode::None)) {
                let message = "A containerPortRange needs network mode awsvpc or bridge: name single ports.";
                violations.add("TD16", &path, message);
            }
            let range = parse_range(text);
            let message =
                format_args!("Invalid 'containerPortRange' setting {text:?}: write first-last, such as 8000-8010.");
            violations.require(range.is_some(), "TD16", path, message);
            range
        }
        (None, None) => {
            let message = "containerPort is required: give a port from 1 to 65535.";
            violations.add("TD16", format_args!("{path}.containerPort"), message);
            None
        }
    }
}

fn parse_range(text: &str) -> Option<(u16, u16)> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let (first, last) = text.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first > 0 && first < last).then_some((first, last))
}

/// The port that has to be opened on the node, if any.
fn host_port(
    mapping: &PortMapping,
    container_port: u16,
    path: &str,
    network_mode: Option<NetworkMode>,
    violations: &mut Violations,
) -> Option<u16> {
    let path = format!("{path}.hostPort");
    let given = mapping.host_port?;
    if !(0..=65535).contains(&given) {
        violations.add("TD16", path, "hostPort is a port from 0 to 65535.");
        return None;
    }
    let fixed = port_number(given);
    let mode = match network_mode {
        Some(NetworkMode::Awsvpc) => "awsvpc",
        Some(NetworkMode::Host) => "host",
        Some(NetworkMode::None) => return None,
        // A range has no fixed ports on the node.
        Some(NetworkMode::Bridge) | None => return fixed.filter(|_| mapping.container_port.is_some()),
    };
    let message =
        format_args!("When networkMode={mode}, the host ports and container ports in port mappings must match.");
    violations.require(fixed == Some(container_port), "TD17", path, message);
    None
}

/// Whether a port mapping can have a name: 1 to 64 lower-case letters, digits, `-` and `_`, not beginning with `-`.
#[must_use]
pub fn is_port_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(is_inner) && !name.starts_with('-')
}

/// The number of a port, from 1 to 65535.
#[must_use]
pub fn port_number(port: i32) -> Option<u16> {
    u16::try_from(port).ok().filter(|port| *port > 0)
}
