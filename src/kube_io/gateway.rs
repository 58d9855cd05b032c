//! A Gateway of the Gateway API with only the fields that are used: where it is reached. The kind may not be installed.

use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// Its listeners.
#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, Default)]
#[kube(
    group = "gateway.networking.k8s.io",
    version = "v1",
    kind = "Gateway",
    plural = "gateways",
    namespaced,
    schema = "disabled",
    status = "GatewayStatus"
)]
#[serde(default)]
pub struct GatewaySpec {
    /// Each.
    pub listeners: Vec<Listener>,
}

/// A listener of a Gateway.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct Listener {
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: i32,
}

/// What its controller says.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct GatewayStatus {
    /// Its addresses.
    pub addresses: Vec<GatewayAddress>,
}

/// An address of a Gateway.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct GatewayAddress {
    /// An address or a host name.
    pub value: String,
}

/// An address of IPv6 stands in brackets before a port.
#[must_use]
pub fn host_and_port(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl Gateway {
    /// Where it is reached: by a host name of a route, or by its own address.
    #[must_use]
    pub fn address(&self, listener: Option<&str>, hostname: Option<&str>) -> Option<String> {
        let is_it = |known: &&Listener| listener.is_none_or(|name| known.name == name);
        let port = self.spec.listeners.iter().find(is_it).map(|listener| listener.port)?;
        let addresses = self.status.iter().flat_map(|status| &status.addresses);
        let own = || addresses.map(|address| address.value.as_str()).next();
        let host = hostname.or_else(own)?;
        Some(host_and_port(host, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_reached_at_its_listener() {
        let listener = |name: &str, port| Listener { name: name.into(), port };
        let spec = GatewaySpec { listeners: vec![listener("http", 80), listener("https", 443)] };
        let mut gateway = Gateway::new("edge", spec);
        assert_eq!(gateway.address(None, None), None);
        assert_eq!(gateway.address(Some("https"), Some("shop.example")).as_deref(), Some("shop.example:443"));
        let address = GatewayAddress { value: "192.0.2.1".into() };
        gateway.status = Some(GatewayStatus { addresses: vec![address] });
        assert_eq!(gateway.address(None, None).as_deref(), Some("192.0.2.1:80"));
        assert_eq!(gateway.address(Some("other"), None), None);
        assert_eq!(host_and_port("2001:db8::1", 80), "[2001:db8::1]:80");
    }
}
