//! What a query asks of the attributes of a node, as far as the labels of a Kubernetes node can answer it.

use crate::ecs::cluster_query::{Comparison, Condition, Subject, Term};

/// Most characters of a label's value.
const LONGEST_LABEL_VALUE: usize = 63;

/// What to do instead where Kubernetes cannot answer.
const WAY_OUT: &str = "compare attributes with == or in, or use spec.kubernetes.nodeSelector";

/// What is asked of an attribute of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTerm {
    /// The name of the attribute.
    pub attribute: String,
    /// What must hold for it.
    pub condition: NodeCondition,
}

/// What must hold for an attribute. Every value can be the value of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeCondition {
    /// The node has the attribute.
    Exists,
    /// The node does not have it.
    NotExists,
    /// It is one of these.
    In(Vec<String>),
    /// It is none of these, or not there.
    NotIn(Vec<String>),
    /// It is a greater whole number than this one, which is at least 0.
    Above(i64),
    /// It is a smaller whole number than this one, which is at least 0.
    Below(i64),
}

/// Checks a term; the error says what cannot be answered and what to do instead.
pub(super) fn node_term(term: &Term) -> Result<NodeTerm, String> {
    let Subject::Attribute(attribute) = &term.subject else {
        return Err(format!("{} cannot be asked of Kubernetes nodes yet: {WAY_OUT}.", term.subject));
    };
    let condition = match &term.condition {
        Condition::Exists => NodeCondition::Exists,
        Condition::NotExists => NodeCondition::NotExists,
        Condition::In(values) => NodeCondition::In(label_values(values)?),
        Condition::NotIn(values) => NodeCondition::NotIn(label_values(values)?),
        Condition::Compare(Comparison::Equals, value) => NodeCondition::In(label_values(std::slice::from_ref(value))?),
        Condition::Compare(Comparison::NotEquals, value) => {
            NodeCondition::NotIn(label_values(std::slice::from_ref(value))?)
        }
        Condition::Compare(comparison, value) => compare(*comparison, value).ok_or_else(|| cannot_compare(term))?,
    };
    Ok(NodeTerm { attribute: attribute.clone(), condition })
}

fn label_values(values: &[String]) -> Result<Vec<String>, String> {
    match values.iter().find(|value| !is_label_value(value)) {
        None => Ok(values.to_vec()),
        Some(value) => Err(format!(
            "{value:?} cannot be the value of a node's label: it has up to {LONGEST_LABEL_VALUE} letters, digits, -, _ and . and begins and ends with a letter or digit."
        )),
    }
}

fn is_label_value(value: &str) -> bool {
    let is_end = |character: char| character.is_ascii_alphanumeric();
    value.len() <= LONGEST_LABEL_VALUE
        && value.chars().all(|character| is_end(character) || "-_.".contains(character))
        && value.chars().next().is_none_or(is_end)
        && value.chars().next_back().is_none_or(is_end)
}

/// The bound as Kubernetes takes it: below 0 it would not be the value of a label.
fn compare(comparison: Comparison, value: &str) -> Option<NodeCondition> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let bound: i64 = value.parse().ok().filter(|_| digits)?;
    match comparison {
        Comparison::GreaterThan => Some(NodeCondition::Above(bound)),
        Comparison::GreaterThanEqual => bound.checked_sub(1).filter(|bound| *bound >= 0).map(NodeCondition::Above),
        Comparison::LessThan => Some(NodeCondition::Below(bound)),
        Comparison::LessThanEqual => bound.checked_add(1).map(NodeCondition::Below),
        Comparison::Equals | Comparison::NotEquals | Comparison::Matches | Comparison::NotMatches => None,
    }
}

fn cannot_compare(term: &Term) -> String {
    match &term.condition {
        Condition::Compare(Comparison::Matches | Comparison::NotMatches, _) => {
            format!("The regular expressions of =~ and !~ cannot be asked of Kubernetes nodes yet: {WAY_OUT}.")
        }
        _ => format!(
            "{term} cannot be asked of Kubernetes nodes: compare with a whole number from 0 on (from 1 on with >=), or {WAY_OUT}."
        ),
    }
}
