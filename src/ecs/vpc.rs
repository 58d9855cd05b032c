//! Which clusters share a VPC: rules of security groups may name groups of those, and others are strangers.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::cluster::EcsClusterSpec;

use super::cluster;

/// The clusters of one VPC. By default none but the group's own, which needs no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vpc {
    namespaces: BTreeMap<String, String>,
    all: BTreeSet<String>,
}

impl Vpc {
    /// The clusters among these, given with the names of their EcsClusters, that are in the VPC of the one that has a Namespace.
    #[must_use]
    pub fn of<'a>(namespace: &str, clusters: impl IntoIterator<Item = (&'a EcsClusterSpec, &'a str)> + Clone) -> Self {
        let place = |(spec, object): (&'a EcsClusterSpec, &'a str)| {
            (cluster::name(spec, object).to_owned(), cluster::namespace(spec, object))
        };
        let id = |spec: &'a EcsClusterSpec| spec.vpc.as_ref().map(|vpc| vpc.id.as_str());
        let own = clusters.clone().into_iter().find(|(spec, object)| cluster::namespace(spec, object) == namespace);
        let own_id = own.and_then(|(spec, _)| id(spec));
        let is_near = |(spec, object): &(&'a EcsClusterSpec, &'a str)| {
            cluster::namespace(spec, object) == namespace || (own_id.is_some() && id(spec) == own_id)
        };
        let near: Vec<_> = clusters.into_iter().filter(is_near).map(place).collect();
        let all = near.iter().map(|(_, namespace)| namespace.clone()).collect();
        // A name that two have means none of them.
        let is_one = |(name, _): &&(String, String)| near.iter().filter(|(other, _)| other == name).count() == 1;
        Self { namespaces: near.iter().filter(is_one).cloned().collect(), all }
    }

    /// The Namespaces of its clusters, also of those that share a name.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(String::as_str)
    }

    /// The Namespace of a cluster, if it is in the VPC.
    #[must_use]
    pub fn namespace_of(&self, cluster: &str) -> Option<&str> {
        self.namespaces.get(cluster).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn clusters_of_one_vpc_know_each_other_and_themselves() {
        let spec = |document: Value| serde_json::from_value::<EcsClusterSpec>(document).unwrap();
        let [shop, pay, other, alone] = [
            json!({"vpc": {"id": "vpc-1"}}),
            json!({"vpc": {"id": "vpc-1"}, "clusterName": "Pay_1", "kubernetes": {"namespace": "payments"}}),
            json!({"vpc": {"id": "vpc-2"}}),
            json!({}),
        ]
        .map(spec);
        let clusters = [(&shop, "shop"), (&pay, "pay"), (&other, "other"), (&alone, "alone"), (&alone, "lonely")];
        let vpc = Vpc::of("ecs-shop", clusters);
        assert_eq!((vpc.namespace_of("Pay_1"), vpc.namespace_of("shop")), (Some("payments"), Some("ecs-shop")));
        assert_eq!((vpc.namespace_of("pay"), vpc.namespace_of("other"), vpc.namespace_of("alone")), (None, None, None));
        let twin = Vpc::of("ecs-shop", [(&shop, "shop"), (&pay, "pay"), (&pay, "pay-2")]);
        assert_eq!(twin.namespace_of("Pay_1"), None);
        let none = Vpc::of("ecs-alone", clusters);
        assert_eq!((none.namespace_of("alone"), none.namespace_of("lonely")), (Some("ecs-alone"), None));
    }
}
