//! The endpoints that are there: who may have which name, and what the tasks of a service know of them.

use std::{collections::BTreeMap, net::IpAddr};

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
        let of_name = |known: &&KnownEndpoint| known.name.dns_name == endpoint.dns_name;
        let mine = here().filter(of_name).find(|known| known.owner == *owner);
        let is_earlier = |known: &&KnownEndpoint| mine.is_none_or(|mine| known.opened < mine.opened);
        let shares = |known: &&KnownEndpoint| {
            let has = |name: &String| known.name.discovery_names.contains(name);
            of_name(known) || endpoint.discovery_names.iter().any(has)
        };
        if let Some(other) = here().find(|known| known.owner != *owner && shares(known) && is_earlier(known)) {
            let EndpointName { dns_name, discovery_names, namespace } = &other.name;
            let (cluster, service) = &other.owner;
            let message = format!(
                "EcsService {cluster}/{service} is reached as {} and {dns_name} in the namespace {namespace} already: choose other names for {} and {}.",
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
    let own = &mut definition.names.hosts;
    for (name, endpoint) in hosts {
        if !own.iter().any(|(_, known)| known == name) {
            own.push((endpoint.address, name.to_owned()));
        }
    }
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
        assert!(
            refused(&[mine.clone(), known(("ns", "other"), "x", "http", 1)]),
            "the discovery name is another one's"
        );
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
