//! Placement constraints, and where a task runs -> the affinity of a Pod. Which attribute of ECS is which label of a node is decided here.

use k8s_openapi::{
    api::core::v1::{
        Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm,
        PodAntiAffinity,
    },
    apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement},
};

use crate::ecs::{
    placement::{NodeCondition, NodeTerm, Placement, TaskGroupTerm},
    subnet::Location,
};

use super::{labels, location, names};

/// The attribute whose values have other names on Kubernetes.
const CPU_ARCHITECTURE: &str = "ecs.cpu-architecture";

/// Renders the affinity; none where any node will do.
#[must_use]
pub fn affinity(placement: &Placement, location: &Location) -> Option<Affinity> {
    let pod_terms = |wanted: fn(&TaskGroupTerm) -> Option<&[String]>| {
        let terms: Vec<_> = placement.task_groups.iter().filter_map(wanted).map(of_task_groups).collect();
        (!terms.is_empty()).then_some(terms)
    };
    let affinity = Affinity {
        node_affinity: node_affinity(placement, location),
        pod_affinity: pod_terms(beside).map(|terms| PodAffinity {
            required_during_scheduling_ignored_during_execution: Some(terms),
            ..Default::default()
        }),
        pod_anti_affinity: pod_terms(apart).map(|terms| PodAntiAffinity {
            required_during_scheduling_ignored_during_execution: Some(terms),
            ..Default::default()
        }),
    };
    (affinity != Affinity::default()).then_some(affinity)
}

fn node_affinity(placement: &Placement, location: &Location) -> Option<NodeAffinity> {
    let of_constraints = placement.nodes.iter().map(|terms| terms.iter().map(requirement).collect()).collect();
    let alternatives = both(location::alternatives(location), of_constraints);
    let term = |requirements| NodeSelectorTerm { match_expressions: Some(requirements), match_fields: None };
    (!alternatives.is_empty()).then(|| NodeAffinity {
        required_during_scheduling_ignored_during_execution: Some(NodeSelector {
            node_selector_terms: alternatives.into_iter().map(term).collect(),
        }),
        preferred_during_scheduling_ignored_during_execution: None,
    })
}

/// What fulfils one of each; no alternatives are no demands.
fn both<T: Clone>(left: Vec<Vec<T>>, right: Vec<Vec<T>>) -> Vec<Vec<T>> {
    match (left.is_empty(), right.is_empty()) {
        (true, _) => right,
        (_, true) => left,
        _ => left.iter().flat_map(|left| right.iter().map(|right| [left.as_slice(), right].concat())).collect(),
    }
}

fn requirement(term: &NodeTerm) -> NodeSelectorRequirement {
    let label_values =
        |values: &[String]| Some(values.iter().map(|value| label_value(&term.attribute, value)).collect());
    let (operator, values) = match &term.condition {
        NodeCondition::Exists => ("Exists", None),
        NodeCondition::NotExists => ("DoesNotExist", None),
        NodeCondition::In(values) => ("In", label_values(values)),
        NodeCondition::NotIn(values) => ("NotIn", label_values(values)),
        NodeCondition::Above(bound) => ("Gt", Some(vec![bound.to_string()])),
        NodeCondition::Below(bound) => ("Lt", Some(vec![bound.to_string()])),
    };
    NodeSelectorRequirement { key: label(&term.attribute), operator: operator.into(), values }
}

/// The label of a node that has the value of an attribute.
fn label(attribute: &str) -> String {
    match attribute {
        "ecs.availability-zone" => location::ZONE.into(),
        "ecs.instance-type" => "node.kubernetes.io/instance-type".into(),
        "ecs.os-type" => "kubernetes.io/os".into(),
        CPU_ARCHITECTURE => "kubernetes.io/arch".into(),
        custom => names::attribute_label(custom),
    }
}

fn label_value(attribute: &str, value: &str) -> String {
    match (attribute, value) {
        (CPU_ARCHITECTURE, "x86_64") => "amd64".into(),
        _ => value.into(),
    }
}

fn beside(term: &TaskGroupTerm) -> Option<&[String]> {
    if let TaskGroupTerm::Beside(groups) = term { Some(groups) } else { None }
}

fn apart(term: &TaskGroupTerm) -> Option<&[String]> {
    if let TaskGroupTerm::Apart(groups) = term { Some(groups) } else { None }
}

fn of_task_groups(groups: &[String]) -> PodAffinityTerm {
    PodAffinityTerm {
        label_selector: Some(LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: labels::TASK_GROUP.into(),
                operator: "In".into(),
                values: Some(groups.iter().map(|group| names::label_value(group)).collect()),
            }]),
            ..Default::default()
        }),
        // Tasks are beside each other when they run on one node.
        topology_key: location::NODE.into(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::placement::{PlacementConstraint, PlacementConstraintType},
        ecs::{
            cluster_query::samples::{self, Node},
            placement::check,
            subnet::Subnet,
        },
    };
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn member_of(expression: &str) -> PlacementConstraint {
        PlacementConstraint { type_: Some(PlacementConstraintType::MemberOf), expression: Some(expression.into()) }
    }

    fn rendered(expressions: &[&str]) -> Value {
        let constraints: Vec<_> = expressions.iter().map(|expression| member_of(expression)).collect();
        serde_json::to_value(affinity(&check(&constraints).unwrap(), &Location::default())).unwrap()
    }

    fn of_nodes(terms: &Value) -> Value {
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}})
    }

    #[test]
    fn no_constraint_is_no_affinity() {
        assert_eq!(affinity(&Placement::default(), &Location::default()), None);
    }

    #[test]
    fn attributes_become_labels_of_nodes() {
        let custom = format!("attr.ecs-operator.dev/{}", crate::ecs::slug::slug("stack/tier", 63));
        for (expression, key, operator, values) in [
            ("attribute:ecs.availability-zone in [a, b]", "topology.kubernetes.io/zone", "In", vec!["a", "b"]),
            ("attribute:ecs.instance-type != t2.small", "node.kubernetes.io/instance-type", "NotIn", vec!["t2.small"]),
            ("attribute:ecs.os-type == linux", "kubernetes.io/os", "In", vec!["linux"]),
            ("attribute:ecs.cpu-architecture == x86_64", "kubernetes.io/arch", "In", vec!["amd64"]),
            ("attribute:ecs.cpu-architecture not_in [arm64]", "kubernetes.io/arch", "NotIn", vec!["arm64"]),
            ("attribute:Rack_1 == x86_64", "attr.ecs-operator.dev/Rack_1", "In", vec!["x86_64"]),
            ("attribute:ecs.ami-id == ami-1", "attr.ecs-operator.dev/ecs.ami-id", "In", vec!["ami-1"]),
            ("attribute:generation >= 3", "attr.ecs-operator.dev/generation", "Gt", vec!["2"]),
            ("attribute:generation <= 3", "attr.ecs-operator.dev/generation", "Lt", vec!["4"]),
            ("attribute:stack/tier == b", custom.as_str(), "In", vec!["b"]),
        ] {
            let requirement = json!({"key": key, "operator": operator, "values": values});
            assert_eq!(
                rendered(&[expression]),
                of_nodes(&json!([{"matchExpressions": [requirement]}])),
                "{expression}"
            );
        }
        let there = json!({"key": "attr.ecs-operator.dev/a", "operator": "Exists"});
        let not_there = json!({"key": "attr.ecs-operator.dev/b", "operator": "DoesNotExist"});
        assert_eq!(
            rendered(&["attribute:a exists and attribute:b !exists"]),
            of_nodes(&json!([{"matchExpressions": [there, not_there]}]))
        );
    }

    #[test]
    fn where_the_task_runs_and_its_constraints_hold_both() {
        let subnet = |zone: &str, pool: &str| Subnet {
            zone: Some(zone.into()),
            labels: [("pool".to_owned(), pool.to_owned())].into(),
        };
        let location = Location { region: None, subnets: vec![subnet("a", "x"), subnet("b", "y")] };
        let placement = check(&[member_of("attribute:c exists or attribute:d exists")]).unwrap();
        let affinity = affinity(&placement, &location).unwrap().node_affinity.unwrap();
        let terms = affinity.required_during_scheduling_ignored_during_execution.unwrap().node_selector_terms;
        let keys = |term: &NodeSelectorTerm| {
            let keys = term.match_expressions.iter().flatten().map(|requirement| requirement.key.clone());
            keys.collect::<Vec<_>>()
        };
        let of = |attribute: &str| vec![location::ZONE.to_owned(), "pool".into(), names::attribute_label(attribute)];
        assert_eq!(terms.iter().map(keys).collect::<Vec<_>>(), [of("c"), of("d"), of("c"), of("d")]);
    }

    #[test]
    fn task_groups_become_affinities_to_pods() {
        let of_pods = |groups: &[&str]| {
            let groups: Vec<_> = groups.iter().map(|group| names::label_value(group)).collect();
            let selector = json!({"matchExpressions": [{"key": "ecs-operator.dev/task-group", "operator": "In", "values": groups}]});
            json!({"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"})
        };
        let expressions = ["task:group in [service:web, database]", "task:group == cache", "not task:group == batch"];
        assert_eq!(
            rendered(&expressions),
            json!({
                "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [of_pods(&["service:web", "database"]), of_pods(&["cache"])]},
                "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [of_pods(&["batch"])]},
            })
        );
    }

    /// What the scheduler makes of a node affinity.
    fn schedules(affinity: Option<&Affinity>, node: &Node) -> bool {
        let labels = node.iter().map(|(name, value)| (label(name), value_on_kubernetes(name, value))).collect();
        let Some(required) = affinity.map(|affinity| affinity.node_affinity.clone().unwrap()) else { return true };
        let terms = required.required_during_scheduling_ignored_during_execution.unwrap().node_selector_terms;
        terms.iter().any(|term| term.match_expressions.iter().flatten().all(|requirement| fits(requirement, &labels)))
    }

    fn value_on_kubernetes(name: &str, value: &str) -> String {
        if name == "ecs.cpu-architecture" { value.replace("x86_64", "amd64") } else { value.into() }
    }

    fn fits(requirement: &NodeSelectorRequirement, labels: &Node) -> bool {
        let values = requirement.values.as_deref().unwrap_or_default();
        let value = labels.get(&requirement.key);
        let number = |text: &String| text.parse::<i64>().ok();
        let order = value.and_then(number).zip(values.first().and_then(number));
        match requirement.operator.as_str() {
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "In" => value.is_some_and(|value| values.contains(value)),
            "NotIn" => !value.is_some_and(|value| values.contains(value)),
            "Gt" => order.is_some_and(|(value, bound)| value > bound),
            "Lt" => order.is_some_and(|(value, bound)| value < bound),
            other => panic!("{other}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(samples::CASES))]

        #[test]
        fn the_scheduler_chooses_the_nodes_that_all_queries_select(
            queries in proptest::collection::vec(samples::attribute_query(), 0..3),
            node in samples::node(),
        ) {
            let constraints: Vec<_> = queries.iter().map(|query| member_of(&query.to_string())).collect();
            if let Ok(placement) = check(&constraints) {
                let selected = queries.iter().all(|query| samples::selects(query, &node));
                prop_assert_eq!(schedules(affinity(&placement, &Location::default()).as_ref(), &node), selected, "{:?} {:?}", queries, node);
            }
        }
    }
}
