//! The endpoints that are there: who may have which name, and what the tasks of a service know of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::ecs::{task_definition::TaskDefinition, violation::Violation};

use super::{EndpointName, PATH, ServiceConnect};

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
/// When somebody did (SV36).
pub fn check_names(
    service_connect: &ServiceConnect,
    owner: &(String, String),
    known: &[KnownEndpoint],
) -> Result<(), Violation> {
    let here = || known.iter().filter(|known| known.name.namespace == service_connect.namespace);
    for endpoint in &service_connect.endpoints {
        let of_name = |known: &KnownEndpoint| known.name.dns_name == endpoint.dns_name;
        let mine = here().filter(|known| of_name(known)).find(|known| known.owner == *owner);
        // Of what is not mine yet another one is always earlier.
        let is_earlier = |known: &KnownEndpoint, has: &dyn Fn(&KnownEndpoint) -> bool| {
            has(known) && mine.is_none_or(|mine| !has(mine) || known.opened < mine.opened)
        };
        let is_in_the_way = |known: &KnownEndpoint| {
            let mut discovery_names = endpoint.discovery_names.iter();
            is_earlier(known, &of_name)
                || discovery_names.any(|name| is_earlier(known, &|known| known.name.discovery_names.contains(name)))
        };
        if let Some(other) = here().find(|known| known.owner != *owner && is_in_the_way(known)) {
            let EndpointName { dns_name, discovery_names, namespace } = &other.name;
            let (owner_namespace, service) = &other.owner;
            let message = format!(
                "EcsService {owner_namespace}/{service} is reached as {} and {dns_name} in the namespace {namespace} already, and a name belongs to one service here: choose others for {} and {}.",
                discovery_names.join(", "),
                endpoint.discovery_names.join(", "),
                endpoint.dns_name,
            );
            return Err(Violation::new("SV36", format!("{PATH}.services"), message));
        }
    }
    Ok(())
}

/// A task definition as a service runs it that takes part: its tasks find the names of the namespace among their hosts. Of two endpoints of
/// a name the one of the own Kubernetes Namespace is found, then the one that was opened first. A host of the task definition stays.
#[must_use]
pub fn connect(
    mut definition: TaskDefinition,
    service_connect: ServiceConnect,
    own_namespace: &str,
    known: &[KnownEndpoint],
) -> TaskDefinition {
    let mut hosts: BTreeMap<&str, &KnownEndpoint> = BTreeMap::new();
    let rank = |known: &KnownEndpoint| (known.owner.0 != own_namespace, known.opened.clone());
    for endpoint in known.iter().filter(|known| known.name.namespace == service_connect.namespace) {
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
        super::tests::{definition, of},
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
        let wanted = of(&json!([{"portName": "http"}])).unwrap();
        let me = ("ns".to_owned(), "me".to_owned());
        let refused = |known: &[KnownEndpoint]| check_names(&wanted, &me, known).is_err();
        let mine = known(("ns", "me"), "http.shop", "http", 2);
        let other = |opened| known(("ns", "other"), "http.shop", "x", opened);
        assert!(!refused(&[]) && refused(&[other(1)]), "one that is to be opened comes last");
        assert!(refused(&[mine.clone(), other(1)]) && !refused(&[mine.clone(), other(3)]));
        let discovered = |opened| known(("ns", "other"), "x", "http", opened);
        assert!(refused(&[mine.clone(), discovered(1)]) && !refused(&[mine.clone(), discovered(3)]));
        let named_otherwise = known(("ns", "me"), "http.shop", "old", 2);
        assert!(refused(&[named_otherwise, discovered(3)]), "it gets its discovery name only now");
        let elsewhere = KnownEndpoint { name: EndpointName { namespace: "pay".into(), ..other(1).name }, ..other(1) };
        assert!(!refused(&[elsewhere]));
    }

    #[test]
    fn tasks_find_the_names_of_their_namespace() {
        let mut definition = definition();
        let own = (IpAddr::from([1, 2, 3, 4]), "own".to_owned());
        definition.names.hosts.push(own.clone());
        let wanted = of(&json!([])).unwrap();
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
        ];
        let connected = connect(definition, wanted.clone(), "ns", &all);
        assert_eq!(connected.names.hosts, [own, (IpAddr::from([10, 0, 0, 4]), "b".to_owned())]);
        assert_eq!(connected.service_connect, Some(wanted));
    }
}
