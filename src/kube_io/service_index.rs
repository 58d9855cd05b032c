//! Which objects belong to a service, by the label that says so. Each report of each Pod asks for them, and looking through all
//! objects every time would cost more the more services there are.

use std::collections::{BTreeMap, BTreeSet};

use kube::{Resource, ResourceExt};

use crate::translate::labels;

/// Namespace and name.
type Name = (String, String);

/// Names of objects, by the Namespace and the name of their service's objects.
#[derive(Debug, Default)]
pub struct ServiceIndex {
    of_service: BTreeMap<Name, BTreeSet<String>>,
    services: BTreeMap<Name, String>,
}

impl ServiceIndex {
    /// Notes an object as it is now.
    pub fn put<K: Resource>(&mut self, object: &K) {
        self.remove(object);
        let Some(service) = object.labels().get(labels::SERVICE) else { return };
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        self.of_service.entry((namespace.clone(), service.clone())).or_default().insert(name.clone());
        self.services.insert((namespace, name), service.clone());
    }

    /// Forgets an object.
    pub fn remove<K: Resource>(&mut self, object: &K) {
        let key = (object.namespace().unwrap_or_default(), object.name_any());
        let Some(service) = self.services.remove(&key) else { return };
        let (namespace, name) = key;
        let of_service = (namespace, service);
        if let Some(names) = self.of_service.get_mut(&of_service) {
            names.remove(&name);
            if names.is_empty() {
                self.of_service.remove(&of_service);
            }
        }
    }

    /// Names of the objects of a service, sorted.
    #[must_use]
    pub fn names(&self, namespace: &str, service: &str) -> Vec<String> {
        let names = self.of_service.get(&(namespace.to_owned(), service.to_owned()));
        names.into_iter().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn object(name: &str, service: Option<&str>) -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.namespace = Some("ecs-default".into());
        object.metadata.name = Some(name.into());
        object.metadata.labels =
            service.map(|service| [(labels::SERVICE.to_owned(), service.to_owned())].into_iter().collect());
        object
    }

    #[test]
    fn an_object_is_found_where_its_label_says() {
        let mut index = ServiceIndex::default();
        for object in [object("b", Some("web")), object("a", Some("web")), object("c", Some("api")), object("d", None)]
        {
            index.put(&object);
        }
        assert_eq!(index.names("ecs-default", "web"), ["a", "b"]);
        assert_eq!(index.names("ecs-other", "web"), [""; 0]);
        index.put(&object("a", Some("api")));
        assert_eq!(index.names("ecs-default", "api"), ["a", "c"]);
        index.put(&object("c", None));
        index.remove(&object("a", Some("api")));
        index.remove(&object("b", Some("web")));
        assert!(index.of_service.is_empty() && index.services.is_empty(), "{index:?}");
    }
}
