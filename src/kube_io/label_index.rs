//! Which objects have a label that they are looked up by. Each report of each Pod asks for some of them, and looking through all
//! objects every time would cost more the more there are.

use std::collections::{BTreeMap, BTreeSet};

use kube::{Resource, ResourceExt};

use crate::translate::labels;

/// Namespace and name.
type Name = (String, String);

/// Namespace, label and value.
type Label = (String, String, String);

/// Names of objects, by their labels.
#[derive(Debug, Default)]
pub struct LabelIndex {
    names: BTreeMap<Label, BTreeSet<String>>,
    labels: BTreeMap<Name, Vec<Label>>,
}

impl LabelIndex {
    /// Notes an object as it is now.
    pub fn put<K: Resource>(&mut self, object: &K) {
        self.remove(object);
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let looked_up = object.labels().iter().filter(|(label, _)| labels::is_looked_up(label));
        let labels: Vec<_> =
            looked_up.map(|(label, value)| (namespace.clone(), label.clone(), value.clone())).collect();
        for label in &labels {
            self.names.entry(label.clone()).or_default().insert(name.clone());
        }
        if !labels.is_empty() {
            self.labels.insert((namespace, name), labels);
        }
    }

    /// Forgets an object.
    pub fn remove<K: Resource>(&mut self, object: &K) {
        let name = object.name_any();
        let key = (object.namespace().unwrap_or_default(), name.clone());
        for label in self.labels.remove(&key).unwrap_or_default() {
            if let Some(names) = self.names.get_mut(&label) {
                names.remove(&name);
                if names.is_empty() {
                    self.names.remove(&label);
                }
            }
        }
    }

    /// Names of the objects of a Namespace that have a label, sorted.
    #[must_use]
    pub fn names(&self, namespace: &str, label: &str, value: &str) -> Vec<String> {
        let names = self.names.get(&(namespace.to_owned(), label.to_owned(), value.to_owned()));
        names.into_iter().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::names;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn object(name: &str, service: Option<&str>) -> ConfigMap {
        let group = names::target_group_label("front");
        let mut labels = labels::managed();
        labels.extend(service.map(|service| (labels::SERVICE.to_owned(), service.to_owned())));
        labels.extend(service.map(|_| (group, "true".to_owned())));
        let mut object = ConfigMap::default();
        object.metadata.namespace = Some("ecs-default".into());
        object.metadata.name = Some(name.into());
        object.metadata.labels = Some(labels);
        object
    }

    #[test]
    fn an_object_is_found_where_its_label_says() {
        let mut index = LabelIndex::default();
        for object in [object("b", Some("web")), object("a", Some("web")), object("c", Some("api")), object("d", None)]
        {
            index.put(&object);
        }
        assert_eq!(index.names("ecs-default", labels::SERVICE, "web"), ["a", "b"]);
        assert_eq!(index.names("ecs-default", &names::target_group_label("front"), "true"), ["a", "b", "c"]);
        assert_eq!(index.names("ecs-other", labels::SERVICE, "web"), [""; 0]);
        index.put(&object("a", Some("api")));
        assert_eq!(index.names("ecs-default", labels::SERVICE, "api"), ["a", "c"]);
        index.put(&object("c", None));
        index.remove(&object("a", Some("api")));
        index.remove(&object("b", Some("web")));
        assert!(index.names.is_empty() && index.labels.is_empty(), "{index:?}");
    }
}
