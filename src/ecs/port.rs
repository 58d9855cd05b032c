//! Checked port mappings, and the rules that ports of one task keep among each other (TD16-TD18, OP01).

use std::collections::BTreeSet;

use crate::api::{
    port_mapping::{ApplicationProtocol, PortMapping, TransportProtocol},
    task_definition::NetworkMode,
};

use super::violation::Violation;

/// A port that a container listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// 1 to 65535.
    pub container_port: u16,
    /// A fixed port on the node; only with network mode `bridge` or none given.
    pub host_port: Option<u16>,
    /// TCP or UDP.
    pub protocol: TransportProtocol,
    /// The name that the user gave.
    pub name: Option<String>,
    /// What is spoken on it.
    pub app_protocol: Option<ApplicationProtocol>,
}

/// The ports of one task so far: a Pod has one port space for all its containers.
#[derive(Debug, Default)]
pub struct PortSpace {
    taken: BTreeSet<u16>,
    names: BTreeSet<String>,
}

impl PortSpace {
    /// Checks a mapping against its own rules and those already checked.
    ///
    /// # Errors
    /// Every rule that the mapping breaks.
    pub fn check(
        &mut self,
        mapping: &PortMapping,
        path: &str,
        network_mode: Option<NetworkMode>,
    ) -> Result<Port, Vec<Violation>> {
        let mut violations = Vec::new();
        let Some(container_port) = mapping.container_port.and_then(port_number) else {
            let message = "containerPort is required: give a port from 1 to 65535.";
            return Err(vec![Violation::new("TD16", format!("{path}.containerPort"), message)]);
        };
        if !self.taken.insert(container_port) {
            // In bridge mode ECS gives each container a network of its own; containers of a Pod share one.
            let message = format!(
                "container port is used multiple times in task: {container_port}. Containers of a task share one network here: give each its own port."
            );
            violations.push(Violation::new("OP01", format!("{path}.containerPort"), message));
        }
        if let Some(name) = &mapping.name
            && !self.names.insert(name.clone())
        {
            let message = format!("port mapping name is already used: {name}");
            violations.push(Violation::new("TD18", format!("{path}.name"), message));
        }
        if mapping.app_protocol.is_some()
            && (mapping.name.is_none() || mapping.protocol == Some(TransportProtocol::Udp))
        {
            let message = "appProtocol needs a name and the protocol tcp.";
            violations.push(Violation::new("TD18", format!("{path}.appProtocol"), message));
        }
        let host_port = host_port(mapping, container_port, path, network_mode).unwrap_or_else(|violation| {
            violations.push(violation);
            None
        });
        if violations.is_empty() {
            Ok(Port {
                container_port,
                host_port,
                protocol: mapping.protocol.unwrap_or_default(),
                name: mapping.name.clone(),
                app_protocol: mapping.app_protocol,
            })
        } else {
            Err(violations)
        }
    }
}

/// The port that has to be opened on the node, if any.
fn host_port(
    mapping: &PortMapping,
    container_port: u16,
    path: &str,
    network_mode: Option<NetworkMode>,
) -> Result<Option<u16>, Violation> {
    let fixed = mapping.host_port.and_then(port_number);
    let mode = match network_mode {
        Some(NetworkMode::Awsvpc) => "awsvpc",
        Some(NetworkMode::Host) => "host",
        Some(NetworkMode::Bridge | NetworkMode::None) | None => return Ok(fixed),
    };
    if mapping.host_port.is_none() || fixed == Some(container_port) {
        return Ok(None);
    }
    let message = format!("When networkMode={mode}, the host ports and container ports in port mappings must match.");
    Err(Violation::new("TD17", format!("{path}.hostPort"), message))
}

fn port_number(port: i32) -> Option<u16> {
    u16::try_from(port).ok().filter(|port| *port > 0)
}
