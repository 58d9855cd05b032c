//! Where the tasks of a cluster run: in its region, and on the nodes of the subnets that they name. How nodes are found by that is
//! `translate::location`'s.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::cluster::{EcsClusterSpec, Subnet as Declared};

use super::{
    object_names::{is_label_name, is_label_value},
    violation::Violation,
};

const PATH: &str = "spec.networkConfiguration.awsvpcConfiguration.subnets";

/// Where a task runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The region of its nodes; any, where there is none.
    pub region: Option<String>,
    /// Its node is in one of these subnets; in any, where there are none.
    pub subnets: Vec<Subnet>,
}

/// The nodes of a subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subnet {
    /// Their availability zone.
    pub zone: Option<String>,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
}

impl Location {
    /// The availability zones of its subnets.
    #[must_use]
    pub fn zones(&self) -> BTreeSet<&str> {
        self.subnets.iter().filter_map(|subnet| subnet.zone.as_deref()).collect()
    }
}

/// Whether a cluster says what its subnets are. Where it does not, their ids mean nothing.
#[must_use]
pub fn are_declared(cluster: &EcsClusterSpec) -> bool {
    cluster.subnets.as_ref().is_some_and(|subnets| !subnets.is_empty())
}

/// Where a task of a cluster runs that names these subnets.
///
/// # Errors
/// For each one that the cluster does not have (SV07), or has with labels that no node could have (OP17).
pub fn locate(cluster: &EcsClusterSpec, named: &[String]) -> Result<Location, Vec<Violation>> {
    let declared = cluster.subnets.as_deref().unwrap_or_default();
    let region = cluster.region.clone();
    if declared.is_empty() {
        return Ok(Location { region, subnets: Vec::new() });
    }
    let (mut subnets, mut violations) = (Vec::new(), Vec::new());
    for id in named {
        match declared.iter().find(|subnet| subnet.id == *id).map(Subnet::of) {
            Some(found) if found.has_labels_of_nodes() => subnets.push(found),
            Some(_) => violations.push(has_no_nodes(id)),
            None => violations.push(does_not_exist(id, declared)),
        }
    }
    if violations.is_empty() { Ok(Location { region, subnets }) } else { Err(violations) }
}

impl Subnet {
    fn of(declared: &Declared) -> Self {
        Self { zone: declared.availability_zone.clone(), labels: declared.node_selector.clone().unwrap_or_default() }
    }

    /// The schema cannot ask that of the names. The cluster is accepted all the same: only who names the subnet has to wait.
    fn has_labels_of_nodes(&self) -> bool {
        self.labels.iter().all(|(name, value)| is_label_name(name) && is_label_value(value))
    }
}

fn has_no_nodes(id: &str) -> Violation {
    let message = format!(
        "The nodeSelector of subnet '{id}' has a name or value that no label of a node could have: correct spec.subnets of the EcsCluster."
    );
    Violation::new("OP17", PATH, message)
}

fn does_not_exist(id: &str, declared: &[Declared]) -> Violation {
    let ids: Vec<_> = declared.iter().map(|subnet| subnet.id.as_str()).collect();
    let message = format!(
        "The subnet ID '{id}' does not exist. The cluster has {}: name one of them, or add it to spec.subnets of the EcsCluster.",
        ids.join(", ")
    );
    Violation::new("SV07", PATH, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn located(cluster: Value, named: &[&str]) -> Result<Location, Vec<String>> {
        let cluster = serde_json::from_value(cluster).unwrap();
        let named: Vec<_> = named.iter().map(|id| (*id).to_owned()).collect();
        locate(&cluster, &named)
            .map_err(|violations| violations.into_iter().map(|violation| violation.message).collect())
    }

    fn cluster() -> Value {
        json!({"region": "eu-central-1", "subnets": [
            {"id": "subnet-a", "availabilityZone": "eu-central-1a"},
            {"id": "subnet-b", "availabilityZone": "eu-central-1b", "nodeSelector": {"pool": "private"}},
            {"id": "subnet-c"},
        ]})
    }

    #[test]
    fn named_subnets_are_those_of_the_cluster() {
        let location = located(cluster(), &["subnet-b", "subnet-a"]).unwrap();
        let [b, a] = location.subnets.as_slice() else { panic!("{location:?}") };
        assert_eq!((a.zone.as_deref(), a.labels.len()), (Some("eu-central-1a"), 0));
        assert_eq!((b.zone.as_deref(), b.labels["pool"].as_str()), (Some("eu-central-1b"), "private"));
        assert_eq!(location.zones(), BTreeSet::from(["eu-central-1a", "eu-central-1b"]));
        assert_eq!(location.region.as_deref(), Some("eu-central-1"));
        assert_eq!(located(cluster(), &["subnet-c"]).unwrap().subnets, [Subnet::default()]);
    }

    #[test]
    fn who_names_none_or_has_a_cluster_without_any_runs_anywhere() {
        assert_eq!(located(cluster(), &[]).unwrap().subnets, []);
        assert_eq!(located(json!({}), &["subnet-a"]), Ok(Location::default()));
        assert_eq!(located(json!({"subnets": []}), &["subnet-a"]), Ok(Location::default()));
    }

    #[test]
    fn labels_that_no_node_could_have_are_told_to_who_names_the_subnet() {
        let cluster = json!({"subnets": [{"id": "a", "nodeSelector": {"no label": "x"}}, {"id": "b"}]});
        assert!(located(cluster.clone(), &["b"]).is_ok());
        assert!(located(cluster, &["a", "b"]).unwrap_err()[0].starts_with("The nodeSelector of subnet 'a' has"));
    }

    #[test]
    fn each_unknown_subnet_is_told_with_those_that_there_are() {
        let told = located(cluster(), &["subnet-x", "subnet-a", "subnet-y"]).unwrap_err();
        let begin =
            |id: &str| format!("The subnet ID '{id}' does not exist. The cluster has subnet-a, subnet-b, subnet-c:");
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with(&begin("subnet-x")) && told[1].starts_with(&begin("subnet-y")), "{told:?}");
    }
}
