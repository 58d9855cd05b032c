//! The endpoints that are there: who may have which name, and what the tasks of a service know of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::ecs::{
    task_definition::TaskDefinition,
    violation::{Violation, Violations},
};

use super::{Endpoint, EndpointName, NamedPort, NamedServiceConnect, PATH, ServiceConnect};

/// An endpoint that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEndpoint {
    /// What it is called.
    pub name: EndpointName,
    /// Whose it is: a Namespace and the name of an EcsService.
    pub owner: (String, String),
    /// Its address.
    pub address: IpAddr,
    /// When it was opened, in seconds since 1970, and its UID: of two of a name the first one has it.
    pub opened: (i64, String),
}

/// Checks that nobody had the names of a service before it has them. `owner` is the service.
///
/// # Errors
/// For each that somebody did (SV36).
pub fn check_names(
    named: &NamedServiceConnect,
    service_connect: &ServiceConnect,
    owner: &(String, String),
    known: &[KnownEndpoint],
) -> Result<(), Vec<Violation>> {
    let mut violations = Violations::new();
    let here: Vec<_> = known.iter().filter(|known| known.name.namespace == service_connect.namespace).collect();
    for (index, NamedPort { discovery_name, .. }) in named.ports.iter().enumerate() {
        let is_of_port = |endpoint: &&Endpoint| endpoint.discovery_names.contains(discovery_name);
        let Some(Endpoint { dns_name, .. }) = service_connect.endpoints.iter().find(is_of_port) else { continue };
        let is_named = |known: &KnownEndpoint| known.name.dns_name == *dns_name;
        let mine = here.iter().copied().find(|known| known.owner == *owner && is_named(known));
        let path = format!("{PATH}.services[{index}]");
        if let Some(other) = earlier(&here, owner, mine, is_named) {
            let message = format_args!("Clients use {dns_name} for {other} already, {ONE_SERVICE}.");
            violations.add("SV36", format_args!("{path}.clientAliases[0].dnsName"), message);
        }
        let is_discovered = |known: &KnownEndpoint| known.name.discovery_names.contains(discovery_name);
        if let Some(other) = earlier(&here, owner, mine, is_discovered) {
            let message = format_args!(
                "{discovery_name} is a discovery name of {other} already, {ONE_SERVICE}. Without one it is portName."
            );
            violations.add("SV36", format_args!("{path}.discoveryName"), message);
        }
    }
    violations.or(())
}

const ONE_SERVICE: &str = "and a name belongs to one service here: choose another one";

/// Whoever had a name before the owner. Of what is not its own yet another one is always earlier.
fn earlier(
    here: &[&KnownEndpoint],
    owner: &(String, String),
    mine: Option<&KnownEndpoint>,
    has: impl Fn(&KnownEndpoint) -> bool,
) -> Option<String> {
    let is_earlier = |known: &KnownEndpoint| mine.is_none_or(|mine| !has(mine) || known.opened < mine.opened);
    let other = here.iter().find(|known| known.owner != *owner && has(known) && is_earlier(known))?;
    let (namespace, service) = &other.owner;
    Some(format!("EcsService {namespace}/{service} in the namespace {}", other.name.namespace))
}

/// A task definition as a service runs it that takes part: its tasks find the names of the namespace among their hosts. Of two endpoints of
/// a name the one of the own Kubernetes Namespace is found, then the one that was opened first. A host of the task definition stays.
#[must_use]
pub fn connect(
    mut definition: TaskDefinition,
    service_connect: ServiceConnect,
    owner: &(String, String),
    known: &[KnownEndpoint],
) -> TaskDefinition {
    let mut hosts: BTreeMap<&str, &KnownEndpoint> = BTreeMap::new();
    let rank = |known: &KnownEndpoint| (known.owner.0 != owner.0, known.opened.clone());
    // A name that the service gives up with this deployment is not one to know.
    let stays = |known: &KnownEndpoint| {
        known.owner != *owner || service_connect.endpoints.iter().any(|own| own.dns_name == known.name.dns_name)
    };
    let here = known.iter().filter(|known| known.name.namespace == service_connect.namespace);
    for endpoint in here.filter(|known| stays(known)) {
        let found = hosts.entry(&endpoint.name.dns_name).or_insert(endpoint);
        if rank(endpoint) < rank(found) {
            *found = endpoint;
        }
    }
    let own: BTreeSet<_> = definition.names.hosts.iter().map(|(_, name)| name.clone()).collect();
    let others = hosts.into_iter().filter(|(name, _)| !own.contains(*name));
    definition.names.hosts.extend(others.map(|(name, endpoint)| (endpoint.address, name.to_owned())));
    definition.service_connect = Some(service_connect);
    definition
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            check,
            tests::{definition, of},
        },
        *,
    };
    use serde_json::json;

    fn known(owner: (&str, &str), dns_name: &str, discovery_name: &str, opened: i64) -> KnownEndpoint {
        let name = EndpointName {
            namespace: "shop".into(),
            dns_name: dns_name.into(),
            discovery_names: vec![discovery_name.into()],
        };
        let address = IpAddr::from([10, 0, 0, u8::try_from(opened).unwrap()]);
        KnownEndpoint { name, owner: (owner.0.into(), owner.1.into()), address, opened: (opened, String::new()) }
    }

    #[test]
    fn the_first_one_has_a_name() {
        let services = json!([{"portName": "http"}]);
        let named = check(Some(&serde_json::from_value(json!({"enabled": true, "services": services})).unwrap()));
        let (named, wanted) = (named.unwrap().unwrap(), of(&services).unwrap());
        let me = ("ns".to_owned(), "me".to_owned());
        let refused = |known: &[KnownEndpoint]| {
            let broken = check_names(&named, &wanted, &me, known).err().unwrap_or_default();
            broken.iter().map(|it| it.path.rsplit('.').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let free = [""; 0];
        let mine = known(("ns", "me"), "http.shop", "http", 2);
        let other = |opened| known(("ns", "other"), "http.shop", "x", opened);
        assert_eq!(refused(&[]), free);
        assert_eq!(refused(&[other(1)]), ["dnsName"], "one that is to be opened comes last");
        assert_eq!(refused(&[mine.clone(), other(1)]), ["dnsName"]);
        assert_eq!(refused(&[mine.clone(), other(3)]), free);
        let discovered = |opened| known(("ns", "other"), "x", "http", opened);
        assert_eq!(refused(&[mine.clone(), discovered(1)]), ["discoveryName"]);
        assert_eq!(refused(&[mine.clone(), discovered(3)]), free);
        let named_otherwise = known(("ns", "me"), "http.shop", "old", 2);
        assert_eq!(refused(&[named_otherwise, discovered(3)]), ["discoveryName"], "it gets that only now");
        let elsewhere = KnownEndpoint { name: EndpointName { namespace: "pay".into(), ..other(1).name }, ..other(1) };
        assert_eq!(refused(&[elsewhere]), free);
    }

    #[test]
    fn tasks_find_the_names_of_their_namespace() {
        let mut definition = definition();
        let own = (IpAddr::from([1, 2, 3, 4]), "own".to_owned());
        definition.names.hosts.push(own.clone());
        let wanted = of(&json!([{"portName": "http", "clientAliases": [{"port": 80, "dnsName": "mine"}]}])).unwrap();
        let elsewhere = KnownEndpoint {
            name: EndpointName { namespace: "pay".into(), ..known(("ns", "a"), "a", "a", 1).name },
            ..known(("ns", "a"), "a", "a", 1)
        };
        let all = [
            elsewhere,
            known(("ns", "own"), "own", "own", 2),
            known(("other", "b"), "b", "b", 3),
            known(("ns", "b"), "b", "b", 4),
            known(("ns", "b2"), "b", "b2", 5),
            known(("ns", "me"), "mine", "http", 6),
            known(("ns", "me"), "given-up", "old", 7),
        ];
        let connected = connect(definition, wanted.clone(), &("ns".into(), "me".into()), &all);
        let host = |last: u8, name: &str| (IpAddr::from([10, 0, 0, last]), name.to_owned());
        assert_eq!(connected.names.hosts, [own, host(4, "b"), host(6, "mine")]);
        assert_eq!(connected.service_connect, Some(wanted));
    }
}
