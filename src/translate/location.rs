//! Where a task runs -> what its node has to be, and the zones over which it is spread with its like.

use std::collections::BTreeSet;

use k8s_openapi::{
    api::core::v1::{NodeSelectorRequirement, TopologySpreadConstraint},
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};

use crate::ecs::subnet::{Location, Subnet};

use super::labels::Labels;

/// The label of a node with its region.
const REGION: &str = "topology.kubernetes.io/region";

/// The label of a node with its availability zone.
pub const ZONE: &str = "topology.kubernetes.io/zone";

/// The label of a node with its name.
pub const NODE: &str = "kubernetes.io/hostname";

/// The label by which a Deployment tells the Pods of one template.
const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// What holds for a node: all of one of these. Empty: any node will do.
#[must_use]
pub fn alternatives(location: &Location) -> Vec<Vec<NodeSelectorRequirement>> {
    let region = location.region.as_deref().map(|region| is_in(REGION, [region]));
    let with_region = |others: Vec<NodeSelectorRequirement>| region.iter().cloned().chain(others).collect();
    let subnets = of_subnets(&location.subnets);
    match (subnets.is_empty(), &region) {
        (true, None) => Vec::new(),
        (true, Some(_)) => vec![with_region(Vec::new())],
        (false, _) => subnets.into_iter().map(with_region).collect(),
    }
}

/// Subnets that are zones and nothing else are one alternative.
fn of_subnets(subnets: &[Subnet]) -> Vec<Vec<NodeSelectorRequirement>> {
    if subnets.contains(&Subnet::default()) {
        return Vec::new();
    }
    let (zones, others): (Vec<_>, Vec<_>) = subnets.iter().partition(|subnet| subnet.labels.is_empty());
    let zones: BTreeSet<_> = zones.into_iter().filter_map(|subnet| subnet.zone.as_deref()).collect();
    let of_zones = (!zones.is_empty()).then(|| vec![is_in(ZONE, zones)]);
    of_zones.into_iter().chain(others.into_iter().map(of_subnet)).collect()
}

fn of_subnet(subnet: &Subnet) -> Vec<NodeSelectorRequirement> {
    let zone = subnet.zone.as_deref().map(|zone| is_in(ZONE, [zone]));
    zone.into_iter().chain(subnet.labels.iter().map(|(name, value)| is_in(name, [value]))).collect()
}

fn is_in<'a>(
    label: &str,
    values: impl IntoIterator<Item = &'a (impl ToString + ?Sized + 'a)>,
) -> NodeSelectorRequirement {
    NodeSelectorRequirement {
        key: label.into(),
        operator: "In".into(),
        values: Some(values.into_iter().map(ToString::to_string).collect()),
    }
}

/// Spreads tasks over the zones of their subnets, when there are several, as evenly as nodes allow. `others` selects the tasks that are
/// spread with this one; those of one template each by themselves.
#[must_use]
pub fn spread(location: &Location, others: &Labels) -> Option<Vec<TopologySpreadConstraint>> {
    let over = |(label, max_skew): (&str, i32)| TopologySpreadConstraint {
        topology_key: label.into(),
        max_skew,
        when_unsatisfiable: "ScheduleAnyway".into(),
        label_selector: Some(LabelSelector { match_labels: Some(others.clone()), ..Default::default() }),
        match_label_keys: Some(vec![POD_TEMPLATE_HASH.into()]),
        ..Default::default()
    };
    // Who has a constraint of its own has none of the scheduler's defaults: that over nodes is one of them.
    (location.zones().len() > 1).then(|| [(ZONE, 1), (NODE, 3)].map(over).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn subnet(zone: Option<&str>, labels: &[(&str, &str)]) -> Subnet {
        let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Subnet { zone: zone.map(str::to_owned), labels }
    }

    fn rendered(region: Option<&str>, subnets: &[Subnet]) -> Value {
        let location = Location { region: region.map(str::to_owned), subnets: subnets.to_vec() };
        json!(alternatives(&location))
    }

    fn requirement(label: &str, values: &[&str]) -> Value {
        json!({"key": label, "operator": "In", "values": values})
    }

    #[test]
    fn zones_are_one_alternative_and_subnets_with_labels_one_each() {
        assert_eq!(rendered(None, &[]), json!([]));
        let zones = [subnet(Some("b"), &[]), subnet(Some("a"), &[])];
        assert_eq!(rendered(None, &zones), json!([[requirement(ZONE, &["a", "b"])]]));
        let mixed = [subnet(Some("a"), &[]), subnet(Some("b"), &[("pool", "x")]), subnet(None, &[("pool", "y")])];
        assert_eq!(
            rendered(None, &mixed),
            json!([
                [requirement(ZONE, &["a"])],
                [requirement(ZONE, &["b"]), requirement("pool", &["x"])],
                [requirement("pool", &["y"])],
            ])
        );
        assert_eq!(rendered(None, &[subnet(Some("a"), &[]), subnet(None, &[])]), json!([]), "one is all nodes");
    }

    #[test]
    fn the_region_holds_in_each_of_them() {
        let region = requirement(REGION, &["r"]);
        assert_eq!(rendered(Some("r"), &[]), json!([[region]]));
        let subnets = [subnet(Some("a"), &[]), subnet(None, &[("pool", "y")])];
        assert_eq!(
            rendered(Some("r"), &subnets),
            json!([[region, requirement(ZONE, &["a"])], [region, requirement("pool", &["y"])]])
        );
    }

    #[test]
    fn tasks_are_spread_where_there_are_several_zones() {
        let spread_over = |zones: &[&str]| {
            let subnets = zones.iter().map(|zone| subnet(Some(zone), &[])).collect();
            spread(&Location { region: None, subnets }, &Labels::from([("a".into(), "b".into())]))
        };
        assert_eq!((spread_over(&[]), spread_over(&["a"]), spread_over(&["a", "a"])), (None, None, None));
        let constraint = &spread_over(&["a", "b"]).unwrap()[0];
        assert_eq!((constraint.topology_key.as_str(), constraint.max_skew), (ZONE, 1));
        assert_eq!(constraint.label_selector.as_ref().unwrap().match_labels.as_ref().unwrap()["a"], "b");
    }
}
