//! Names and addresses of a Pod: hosts and DNS.

use std::{collections::HashMap, net::IpAddr};

use k8s_openapi::api::core::v1::{HostAlias, PodDNSConfig};

use crate::ecs::task_definition::TaskDefinition;

/// Host names of the task and what they stand for, an entry for each address.
#[must_use]
pub fn host_aliases(definition: &TaskDefinition) -> Vec<HostAlias> {
    let mut by_address: Vec<(IpAddr, Vec<String>)> = Vec::new();
    let mut places: HashMap<IpAddr, usize> = HashMap::new();
    for (address, name) in &definition.names.hosts {
        let place = *places.entry(*address).or_insert(by_address.len());
        match by_address.get_mut(place) {
            Some((_, names)) => names.push(name.clone()),
            None => by_address.push((*address, vec![name.clone()])),
        }
    }
    by_address
        .into_iter()
        .map(|(address, names)| HostAlias { ip: address.to_string(), hostnames: Some(names) })
        .collect()
}

/// DNS servers of a task stand instead of the cluster's; on the node's network the cluster's have to be asked for.
#[must_use]
pub fn dns_policy(definition: &TaskDefinition, host_network: bool) -> Option<String> {
    if !definition.names.dns_servers.is_empty() {
        return Some("None".into());
    }
    host_network.then(|| "ClusterFirstWithHostNet".into())
}

/// DNS servers and search domains.
#[must_use]
pub fn dns_config(definition: &TaskDefinition) -> Option<PodDNSConfig> {
    let names = &definition.names;
    let servers: Vec<_> = names.dns_servers.iter().map(ToString::to_string).collect();
    let config = PodDNSConfig {
        nameservers: (!servers.is_empty()).then_some(servers),
        searches: (!names.dns_search_domains.is_empty()).then(|| names.dns_search_domains.clone()),
        ..Default::default()
    };
    (config != PodDNSConfig::default()).then_some(config)
}
