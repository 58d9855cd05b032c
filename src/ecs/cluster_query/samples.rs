//! Random queries and nodes for property tests, and a plain reading of which node a query selects.

use std::collections::BTreeMap;

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::select,
};

use super::{Comparison, Condition, Operator, Query, Subject, Term};

/// The attributes of a node.
pub(crate) type Node = BTreeMap<String, String>;

/// Attributes that exist on Kubernetes, and others whose names fit into a label or do not.
const ATTRIBUTES: [&str; 5] = ["ecs.availability-zone", "ecs.cpu-architecture", "Rack_1", "stack/tier", "generation"];

/// Few, so that values of queries and of nodes are often the same.
const VALUES: [&str; 4] = ["1", "2", "x86_64", ""];

const NUMBERS: [&str; 2] = ["1", "2"];

/// How many queries and nodes a test tries: what differs for a single bound alone is rarely met.
pub(crate) const CASES: u32 = 2048;

const PIECES: [&str; 30] = [
    "attribute:",
    "a",
    "task:group",
    "agentVersion",
    " ",
    "  ",
    "\n",
    "==",
    "!=",
    "=~",
    "!~",
    ">",
    ">=",
    "in",
    "!in",
    "exists",
    "!exists",
    "(",
    ")",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "and ",
    "or ",
    "not ",
    "!",
    "&&",
    "ä",
];

/// A piece of a text that may be a query.
pub(crate) fn piece() -> impl Strategy<Value = &'static str> {
    select(PIECES.as_slice())
}

/// The attributes of a node, of which some are missing.
pub(crate) fn node() -> impl Strategy<Value = Node> {
    btree_map(
        select(ATTRIBUTES.as_slice()).prop_map(String::from),
        select(VALUES.as_slice()).prop_map(String::from),
        0..6,
    )
}

/// Any query.
pub(crate) fn query() -> impl Strategy<Value = Query> {
    compound(subject().prop_flat_map(|subject| {
        let condition = select(subject.operators()).prop_flat_map(|operator| condition(operator, value(), value()));
        (Just(subject), condition)
    }))
}

/// A query over the attributes of [`node`].
pub(crate) fn attribute_query() -> impl Strategy<Value = Query> {
    let operators: Vec<_> = Operator::ALL.into_iter().filter(|operator| !is_pattern(*operator)).collect();
    let value = || select(VALUES.as_slice()).prop_map(String::from);
    let number = || select(NUMBERS.as_slice()).prop_map(String::from);
    let condition = select(operators).prop_flat_map(move |operator| condition(operator, value(), number()));
    compound((select(ATTRIBUTES.as_slice()).prop_map(|name| Subject::Attribute(name.into())), condition))
}

fn is_pattern(operator: Operator) -> bool {
    matches!(operator, Operator::Compare(Comparison::Matches | Comparison::NotMatches))
}

fn compound(term: impl Strategy<Value = (Subject, Condition)> + 'static) -> impl Strategy<Value = Query> {
    let term = term.prop_map(|(subject, condition)| Query::Term(Term { subject, condition }));
    term.prop_recursive(4, 12, 3, |query| {
        prop_oneof![
            query.clone().prop_map(|query| Query::Not(Box::new(query))),
            vec(query.clone(), 2..4).prop_map(Query::And),
            vec(query, 2..4).prop_map(Query::Or),
        ]
    })
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        3 => r"[A-Za-z0-9_./\\-]{1,20}".prop_map(Subject::Attribute),
        1 => Just(Subject::AgentConnected),
        1 => Just(Subject::AgentVersion),
        1 => Just(Subject::Ec2InstanceId),
        1 => Just(Subject::RegisteredAt),
        1 => Just(Subject::RunningTasksCount),
        1 => Just(Subject::TaskGroup),
    ]
}

/// A value that can be written: the language has no escapes.
fn value() -> impl Strategy<Value = String> {
    let any = any::<String>().prop_filter("both kinds of quotes", |text| !(text.contains('"') && text.contains('\'')));
    prop_oneof![3 => any, 1 => piece().prop_map(String::from), 1 => select(["and", "or", "not"].as_slice()).prop_map(String::from)]
}

fn condition(
    operator: Operator,
    value: impl Strategy<Value = String> + 'static,
    bound: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<Condition> {
    use Comparison::{Equals, Matches, NotEquals, NotMatches};
    match operator {
        Operator::Exists => Just(Condition::Exists).boxed(),
        Operator::NotExists => Just(Condition::NotExists).boxed(),
        Operator::In => vec(value, 1..4).prop_map(Condition::In).boxed(),
        Operator::NotIn => vec(value, 1..4).prop_map(Condition::NotIn).boxed(),
        Operator::Compare(comparison @ (Equals | NotEquals | Matches | NotMatches)) => {
            value.prop_map(move |value| Condition::Compare(comparison, value)).boxed()
        }
        Operator::Compare(order) => bound.prop_map(move |bound| Condition::Compare(order, bound)).boxed(),
    }
}

/// Whether a query over attributes selects a node.
pub(crate) fn selects(query: &Query, node: &Node) -> bool {
    truth(query, node) == Some(true)
}

/// `None` is neither true nor false, and so is what it would decide.
fn truth(query: &Query, node: &Node) -> Option<bool> {
    let decided = |operands: &[Query], deciding: bool| {
        let truths: Vec<_> = operands.iter().map(|operand| truth(operand, node)).collect();
        if truths.contains(&Some(deciding)) {
            Some(deciding)
        } else if truths.contains(&None) {
            None
        } else {
            Some(!deciding)
        }
    };
    match query {
        Query::Term(term) => holds(term, node),
        Query::Not(operand) => truth(operand, node).map(|truth| !truth),
        Query::And(operands) => decided(operands, false),
        Query::Or(operands) => decided(operands, true),
    }
}

/// Whether a term holds; an order of what is no number is neither true nor false.
pub(crate) fn holds(term: &Term, node: &Node) -> Option<bool> {
    let Subject::Attribute(name) = &term.subject else { return None };
    let value = node.get(name);
    let is_one_of = |values: &[String]| value.is_some_and(|value| values.contains(value));
    match &term.condition {
        Condition::Exists => Some(value.is_some()),
        Condition::NotExists => Some(value.is_none()),
        Condition::In(values) => Some(is_one_of(values)),
        Condition::NotIn(values) => Some(!is_one_of(values)),
        Condition::Compare(Comparison::Equals, wanted) => Some(value == Some(wanted)),
        Condition::Compare(Comparison::NotEquals, unwanted) => Some(value != Some(unwanted)),
        Condition::Compare(order, bound) => in_order(value?.parse().ok()?, *order, bound.parse().ok()?),
    }
}

fn in_order(value: i64, order: Comparison, bound: i64) -> Option<bool> {
    match order {
        Comparison::GreaterThan => Some(value > bound),
        Comparison::GreaterThanEqual => Some(value >= bound),
        Comparison::LessThan => Some(value < bound),
        Comparison::LessThanEqual => Some(value <= bound),
        _ => None,
    }
}
