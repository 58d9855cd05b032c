//! Names and addresses of a task: links, host name, extra hosts, DNS (TD19, TD20, OP02, OP04, OP09). A Pod has one set of
//! them for all its containers.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    api::{
        container_definition::ContainerDefinition,
        register_task_definition::{NetworkMode, RegisterTaskDefinition},
    },
    ecs::violation::Violations,
};

/// Names and addresses of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Its host name.
    pub hostname: Option<String>,
    /// Addresses and the host names that stand for them, in the order in which they were given.
    pub hosts: Vec<(IpAddr, String)>,
    /// Its DNS servers.
    pub dns_servers: Vec<IpAddr>,
    /// Its search domains.
    pub dns_search_domains: Vec<String>,
}

/// Most DNS servers and search domains of a Pod.
const MOST_SERVERS: usize = 3;
const MOST_SEARCH_DOMAINS: usize = 32;

/// Most characters of all search domains together.
const LONGEST_SEARCH_LIST: usize = 2048;

/// Checks the names and addresses of a task.
#[must_use]
pub fn check(definition: &RegisterTaskDefinition, path: &str, violations: &mut Violations) -> Names {
    let containers = definition.container_definitions.as_deref().unwrap_or_default();
    let mut names = Names::default();
    let has_links = !matches!(definition.network_mode, Some(NetworkMode::Host | NetworkMode::None));
    let links = if has_links { links(containers) } else { Vec::new() };
    for (index, container) in containers.iter().enumerate() {
        let path = format!("{path}[{index}]");
        check_mode(container, definition.network_mode, &path, violations);
        check_hostname(container, &path, &mut names, violations);
        check_links(container, containers, definition.network_mode, &path, &mut names, violations);
        let is_in_cycle = has_links && links_back(index, &links);
        let message = "Container links should not have a cycle";
        violations.require(!is_in_cycle, "TD20", format_args!("{path}.links"), message);
        check_extra_hosts(container, &path, &mut names, violations);
        check_dns(container, &path, &mut names, violations);
    }
    let message = format_args!(
        "A task has at most {MOST_SERVERS} DNS servers and {MOST_SEARCH_DOMAINS} search domains, those of all its containers together."
    );
    let length: usize = names.dns_search_domains.iter().map(|domain| domain.len() + 1).sum();
    let few = names.dns_servers.len() <= MOST_SERVERS
        && names.dns_search_domains.len() <= MOST_SEARCH_DOMAINS
        && length <= LONGEST_SEARCH_LIST;
    violations.require(few, "OP09", path, message);
    names
}

/// What awsvpc does not have (TD19), and what no mode has here.
fn check_mode(container: &ContainerDefinition, mode: Option<NetworkMode>, path: &str, violations: &mut Violations) {
    let isolated = container.disable_networking == Some(true);
    if mode == Some(NetworkMode::Awsvpc) {
        let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        let has_hosts = container.extra_hosts.as_ref().is_some_and(|hosts| !hosts.is_empty());
        let has_hostname = container.hostname.as_ref().is_some_and(|hostname| !hostname.is_empty());
        for (given, member, message) in [
            (some(&container.links), "links", "Links are not supported when networkMode=awsvpc"),
            (has_hostname, "hostname", "hostname is not supported on container when networkMode=awsvpc"),
            (has_hosts, "extraHosts", "Extra hosts are not supported on container when networkMode=awsvpc"),
            (
                some(&container.dns_servers),
                "dnsServers",
                "DNS servers are not supported on container when networkMode=awsvpc",
            ),
            (
                some(&container.dns_search_domains),
                "dnsSearchDomains",
                "DNS search domains are not supported on container when networkMode=awsvpc",
            ),
            (isolated, "disableNetworking", "Disable Networking is not supported on container when networkMode=awsvpc"),
        ] {
            violations.require(!given, "TD19", format_args!("{path}.{member}"), message);
        }
    } else {
        let message =
            "The containers of a task share one network here: set networkMode to none to cut the whole task off.";
        violations.require(!isolated, "OP04", format_args!("{path}.disableNetworking"), message);
    }
}

fn check_hostname(container: &ContainerDefinition, path: &str, names: &mut Names, violations: &mut Violations) {
    let Some(hostname) = container.hostname.as_ref().filter(|hostname| !hostname.is_empty()) else { return };
    let message = format_args!(
        "The containers of a task share one host name here, and another one is {:?}: give one.",
        names.hostname.as_deref().unwrap_or_default()
    );
    let same = names.hostname.as_ref().is_none_or(|other| other == hostname);
    violations.require(same, "OP02", format_args!("{path}.hostname"), message);
    names.hostname = Some(hostname.clone());
}

/// A link is another container's name and an alias: both lead to the task itself.
fn check_links(
    container: &ContainerDefinition,
    containers: &[ContainerDefinition],
    mode: Option<NetworkMode>,
    path: &str,
    names: &mut Names,
    violations: &mut Violations,
) {
    let path = format!("{path}.links");
    let links = container.links.as_deref().unwrap_or_default();
    if matches!(mode, Some(NetworkMode::Host | NetworkMode::None)) {
        violations.require(links.is_empty(), "TD20", &path, "Links are only supported when networkMode=bridge");
        return;
    }
    for (index, link) in links.iter().enumerate() {
        let (target, alias) = link.split_once(':').unwrap_or((link, link));
        let exists = target != container.name && containers.iter().any(|other| other.name == target);
        let message =
            format_args!("Link {link:?} names no other container of the task: write its name, or name:alias.");
        violations.require(exists, "TD20", format_args!("{path}[{index}]"), message);
        let message = format_args!(
            "{alias:?} cannot be a host name in Kubernetes, which has no _ in it: give the link another alias, such as {target}:ALIAS."
        );
        violations.require(host_name(alias).is_some(), "OP04", format_args!("{path}[{index}]"), message);
        for name in [alias, target].into_iter().filter_map(host_name) {
            add_host(IpAddr::from([127, 0, 0, 1]), name, &format!("{path}[{index}]"), names, violations);
        }
    }
}

/// The containers that each container links to, by their indexes. Made once for all: a document that breaks the rule of ten
/// containers may have a thousand.
fn links(containers: &[ContainerDefinition]) -> Vec<Vec<usize>> {
    let indexes: BTreeMap<_, _> =
        containers.iter().enumerate().map(|(index, each)| (each.name.as_str(), index)).collect();
    let target = |link: &String| indexes.get(link.split_once(':').map_or(link.as_str(), |(target, _)| target)).copied();
    containers.iter().map(|container| container.links.iter().flatten().filter_map(target).collect()).collect()
}

/// Whether the links of a container lead back to it.
fn links_back(index: usize, links: &[Vec<usize>]) -> bool {
    let mut seen = vec![false; links.len()];
    let mut next = links[index].clone();
    while let Some(current) = next.pop() {
        if !std::mem::replace(&mut seen[current], true) {
            next.extend(&links[current]);
        }
    }
    seen[index]
}

fn check_extra_hosts(container: &ContainerDefinition, path: &str, names: &mut Names, violations: &mut Violations) {
    for (index, host) in container.extra_hosts.iter().flatten().enumerate() {
        let path = format!("{path}.extraHosts[{index}]");
        let name = host_name(&host.hostname);
        let message = format_args!("{:?} is no host name: use letters, digits, - and dots.", host.hostname);
        violations.require(name.is_some(), "OP04", format_args!("{path}.hostname"), message);
        let address: Option<IpAddr> = host.ip_address.parse().ok();
        let message = format_args!("{:?} is no address: write one like 10.0.0.1.", host.ip_address);
        violations.require(address.is_some(), "OP04", format_args!("{path}.ipAddress"), message);
        if let (Some(name), Some(address)) = (name, address) {
            add_host(address, name, &format!("{path}.ipAddress"), names, violations);
        }
    }
}

fn add_host(address: IpAddr, name: String, path: &str, names: &mut Names, violations: &mut Violations) {
    let same = names.hosts.iter().all(|(other, known)| *known != name || *other == address);
    let message =
        format_args!("The containers of a task share their hosts here, and {name} has two addresses: give one.");
    violations.require(same, "OP02", path, message);
    if !names.hosts.contains(&(address, name.clone())) {
        names.hosts.push((address, name));
    }
}

fn check_dns(container: &ContainerDefinition, path: &str, names: &mut Names, violations: &mut Violations) {
    for (index, server) in container.dns_servers.iter().flatten().enumerate() {
        let address: Option<IpAddr> = server.parse().ok();
        let message = format_args!("{server:?} is no address of a DNS server: write one like 10.0.0.2.");
        violations.require(address.is_some(), "OP04", format_args!("{path}.dnsServers[{index}]"), message);
        names.dns_servers.extend(address.filter(|address| !names.dns_servers.contains(address)));
    }
    for (index, domain) in container.dns_search_domains.iter().flatten().enumerate() {
        let name = host_name(domain.trim_end_matches('.'));
        let message = format_args!("{domain:?} is no domain: use letters, digits, - and dots.");
        violations.require(name.is_some(), "OP04", format_args!("{path}.dnsSearchDomains[{index}]"), message);
        names.dns_search_domains.extend(name.filter(|name| !names.dns_search_domains.contains(name)));
    }
}

/// A name as DNS knows it, in lower case; `None` where it has other characters.
fn host_name(text: &str) -> Option<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (text.len() <= 253 && text.split('.').all(label)).then(|| text.to_ascii_lowercase())
}
