//! Checked placement constraints (TD43), reduced to what the labels of nodes and the groups of running tasks can answer
//! (OP14). The language of the expressions is `cluster_query`; the affinity that follows is `translate`'s.

mod node;
mod task_group;

use crate::api::placement::PlacementConstraint;

use super::{
    cluster_query::{self, Alternative, Query, Subject, TooManyAlternatives},
    violation::Violation,
};

pub use node::{NodeCondition, NodeTerm};
pub use task_group::TaskGroupTerm;

/// Most placement constraints of a task definition.
const MOST_CONSTRAINTS: usize = 10;

/// Most characters of an expression.
const LONGEST_EXPRESSION: usize = 2000;

/// Where a task may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The node fulfils all terms of one of these; empty: any node will do.
    pub nodes: Vec<Vec<NodeTerm>>,
    /// What must all be true of the tasks that run on the node.
    pub task_groups: Vec<TaskGroupTerm>,
}

/// Checks the placement constraints of a task definition; all of them must hold.
///
/// # Errors
/// Every constraint that ECS would refuse or Kubernetes cannot keep.
pub fn check(constraints: &[PlacementConstraint]) -> Result<Placement, Vec<Violation>> {
    const PATH: &str = "spec.placementConstraints";
    let mut violations = Vec::new();
    if constraints.len() > MOST_CONSTRAINTS {
        let message =
            format!("A task has at most {MOST_CONSTRAINTS} placement constraints, not {}.", constraints.len());
        violations.push(Violation::new("TD43", PATH, message));
    }
    let mut placement = Placement::default();
    for (index, constraint) in constraints.iter().enumerate() {
        let path = format!("{PATH}[{index}]");
        let checked = check_constraint(constraint, &path)
            .and_then(|other| both(&placement, &other).map_err(|error| vec![too_many_alternatives(error, &path)]));
        match checked {
            Ok(both) => placement = both,
            Err(broken) => violations.extend(broken),
        }
    }
    if violations.is_empty() { Ok(placement) } else { Err(violations) }
}

fn check_constraint(constraint: &PlacementConstraint, path: &str) -> Result<Placement, Vec<Violation>> {
    let mut violations = Vec::new();
    if constraint.type_.is_none() {
        let message = "type is required: a task definition has placement constraints of type memberOf.";
        violations.push(Violation::new("TD43", format!("{path}.type"), message));
    }
    let placement =
        parse(constraint, path).map_err(|violation| vec![violation]).and_then(|query| of_query(&query, path));
    match placement {
        Ok(placement) if violations.is_empty() => Ok(placement),
        Ok(_) => Err(violations),
        Err(broken) => Err(violations.into_iter().chain(broken).collect()),
    }
}

fn parse(constraint: &PlacementConstraint, path: &str) -> Result<Query, Violation> {
    let refuse = |message: String| Violation::new("TD43", format!("{path}.expression"), message);
    let expression = constraint.expression.as_deref().unwrap_or_default();
    if expression.trim().is_empty() {
        return Err(refuse("memberOf expression is required: write one like attribute:rack == a.".into()));
    }
    let length = expression.chars().count();
    if length > LONGEST_EXPRESSION {
        return Err(refuse(format!("An expression has at most {LONGEST_EXPRESSION} characters, not {length}.")));
    }
    Query::parse(expression).map_err(|error| refuse(format!("The expression cannot be read at {error}.")))
}

fn of_query(query: &Query, path: &str) -> Result<Placement, Vec<Violation>> {
    let too_many = |error| vec![too_many_alternatives(error, path)];
    let mut placement = Placement::default();
    let mut messages: Vec<String> = Vec::new();
    for conjunct in query.conjuncts().map_err(too_many)? {
        match of_conjunct(&conjunct) {
            Ok(other) => placement = both(&placement, &other).map_err(too_many)?,
            Err(broken) => messages.extend(broken),
        }
    }
    if messages.is_empty() {
        return Ok(placement);
    }
    let mut violations: Vec<Violation> = Vec::new();
    for message in messages {
        let violation = Violation::new("OP14", format!("{path}.expression"), message);
        // Alternatives repeat terms, and a user repeats subjects.
        if !violations.contains(&violation) {
            violations.push(violation);
        }
    }
    Err(violations)
}

fn of_conjunct(alternatives: &[Alternative]) -> Result<Placement, Vec<String>> {
    if alternatives.iter().flatten().any(|term| term.subject == Subject::TaskGroup) {
        let term = task_group::task_groups(alternatives).map_err(|message| vec![message])?;
        return Ok(Placement { nodes: Vec::new(), task_groups: vec![term] });
    }
    let mut messages = Vec::new();
    let mut checked = |term| node::node_term(term).map_err(|message| messages.push(message)).ok();
    let nodes = alternatives.iter().map(|terms| terms.iter().filter_map(&mut checked).collect()).collect();
    if messages.is_empty() { Ok(Placement { nodes, task_groups: Vec::new() }) } else { Err(messages) }
}

fn too_many_alternatives(error: TooManyAlternatives, path: &str) -> Violation {
    let message = format!("This expression and those before it have {error}: use in instead of or.");
    Violation::new("OP14", format!("{path}.expression"), message)
}

fn both(left: &Placement, right: &Placement) -> Result<Placement, TooManyAlternatives> {
    let nodes = match (left.nodes.is_empty(), right.nodes.is_empty()) {
        (true, _) => right.nodes.clone(),
        (_, true) => left.nodes.clone(),
        _ => cluster_query::product(&left.nodes, &right.nodes)?,
    };
    Ok(Placement { nodes, task_groups: [left.task_groups.as_slice(), &right.task_groups].concat() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::placement::PlacementConstraintType;

    fn member_of(expression: &str) -> PlacementConstraint {
        PlacementConstraint { type_: Some(PlacementConstraintType::MemberOf), expression: Some(expression.into()) }
    }

    fn checked(expressions: &[&str]) -> Result<Placement, Vec<Violation>> {
        check(&expressions.iter().map(|expression| member_of(expression)).collect::<Vec<_>>())
    }

    /// The rules that are broken with the fields, and what is said of the last.
    fn broken(constraints: &[PlacementConstraint]) -> (Vec<(&'static str, String)>, String) {
        let violations = check(constraints).unwrap_err();
        let last = violations.last().unwrap().message.clone();
        (violations.into_iter().map(|violation| (violation.rule, violation.path)).collect(), last)
    }

    fn term(attribute: &str, condition: NodeCondition) -> NodeTerm {
        NodeTerm { attribute: attribute.into(), condition }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_asked_of_attributes() {
        use NodeCondition::{Above, Below, Exists, In, NotExists, NotIn};
        for (condition, expected) in [
            ("== b", In(texts(&["b"]))),
            ("in [b, '']", In(texts(&["b", ""]))),
            ("!= b", NotIn(texts(&["b"]))),
            ("not_in [b, c]", NotIn(texts(&["b", "c"]))),
            ("exists", Exists),
            ("!exists", NotExists),
            ("> 0", Above(0)),
            (">= 1", Above(0)),
            ("< 0", Below(0)),
            ("<= 9", Below(10)),
            ("> 9223372036854775807", Above(i64::MAX)),
        ] {
            let placement = checked(&[&format!("attribute:a {condition}")]).unwrap();
            assert_eq!(placement.nodes, [[term("a", expected)]], "{condition}");
        }
    }

    #[test]
    fn constraints_are_joined_and_their_alternatives_multiplied() {
        let exists = |attribute| term(attribute, NodeCondition::Exists);
        assert_eq!(check(&[]), Ok(Placement::default()));
        let placement = checked(&["attribute:a exists or attribute:b exists", "attribute:c exists"]).unwrap();
        assert_eq!(placement.nodes, [[exists("a"), exists("c")], [exists("b"), exists("c")]]);
        assert_eq!(placement.task_groups, []);
    }

    #[test]
    fn task_groups_stand_beside_what_is_asked_of_nodes() {
        use TaskGroupTerm::{Apart, Beside};
        for (expression, expected) in [
            ("task:group == service:web", vec![Beside(texts(&["service:web"]))]),
            ("task:group in [a, b]", vec![Beside(texts(&["a", "b"]))]),
            ("task:group == a or task:group in [b, c]", vec![Beside(texts(&["a", "b", "c"]))]),
            ("task:group == a and task:group == b", vec![Beside(texts(&["a"])), Beside(texts(&["b"]))]),
            ("not (task:group == a or task:group == b)", vec![Apart(texts(&["a"])), Apart(texts(&["b"]))]),
            ("task:group !in [a, b]", vec![Apart(texts(&["a", "b"]))]),
        ] {
            assert_eq!(checked(&[expression]).unwrap().task_groups, expected, "{expression}");
            let placement = checked(&["attribute:x exists", expression]).unwrap();
            assert_eq!((placement.nodes.len(), placement.task_groups), (1, expected), "{expression}");
        }
        let mixed = checked(&["(attribute:x exists or attribute:y exists) and task:group == a"]).unwrap();
        assert_eq!((mixed.nodes.len(), mixed.task_groups.len()), (2, 1));
    }

    #[test]
    fn what_ecs_refuses() {
        let expression = "spec.placementConstraints[0].expression";
        let refused = |constraint: PlacementConstraint| broken(&[constraint]).0;
        let typeless = PlacementConstraint { type_: None, ..member_of("a") };
        assert_eq!(
            refused(typeless),
            [("TD43", "spec.placementConstraints[0].type".into()), ("TD43", expression.to_owned())]
        );
        assert_eq!(refused(PlacementConstraint { expression: None, ..member_of("") }), [("TD43", expression.into())]);
        assert_eq!(refused(member_of("  ")), [("TD43", expression.into())]);
        let long = format!("attribute:a == '{}'", "x".repeat(LONGEST_EXPRESSION));
        assert_eq!(refused(member_of(&long)), [("TD43", expression.into())]);
        assert_eq!(
            broken(&[member_of("attribute:a exists"), member_of("attribute:a ~ b")]),
            (
                vec![("TD43", "spec.placementConstraints[1].expression".into())],
                "The expression cannot be read at column 13: expected an operator of attribute:a (== != > >= < <= exists not_exists in not_in =~ !~), found \"~\".".into()
            )
        );
        assert_eq!(
            broken(&vec![member_of("attribute:a exists"); 11]).0,
            [("TD43", "spec.placementConstraints".to_owned())]
        );
        assert!(check(&vec![member_of("attribute:a exists"); 10]).is_ok());
    }

    #[test]
    fn what_kubernetes_cannot_answer_is_named_with_the_way_out() {
        for (expression, named) in [
            ("agentConnected == true", "agentConnected cannot be asked"),
            ("agentVersion > 1.0.0", "agentVersion cannot be asked"),
            ("ec2InstanceId in [i-1]", "ec2InstanceId cannot be asked"),
            ("registeredAt > 2018-02-13", "registeredAt cannot be asked"),
            ("not runningTasksCount == 1", "runningTasksCount cannot be asked"),
            ("attribute:a =~ b.*", "regular expressions of =~ and !~"),
            ("not attribute:a =~ b.*", "regular expressions of =~ and !~"),
            ("attribute:a > 1.5", "attribute:a > 1.5 cannot be asked"),
            ("attribute:a > +1", "attribute:a > +1 cannot be asked"),
            ("attribute:a >= 0", "from 1 on with >="),
            ("attribute:a <= 9223372036854775807", "whole number"),
            ("attribute:a == 'b c'", "\"b c\" cannot be the value"),
            ("attribute:a in [b, -c]", "\"-c\" cannot be the value"),
            ("attribute:a == c.", "\"c.\" cannot be the value"),
            ("task:group exists", "task:group exists cannot be asked"),
            ("task:group =~ a", "name the groups"),
            ("task:group == a or attribute:b exists", "With or, task:group"),
            ("task:group != a or task:group != b", "With or, task:group"),
            ("(task:group == a and attribute:b exists) or attribute:c exists", "With or, task:group"),
        ] {
            let (rules, message) = broken(&[member_of(expression)]);
            assert_eq!(rules, [("OP14", "spec.placementConstraints[0].expression".to_owned())], "{expression}");
            assert!(message.contains(named), "{expression}: {message}");
        }
        let long = format!("attribute:a == {}", "b".repeat(64));
        assert_eq!(broken(&[member_of(&long)]).0.len(), 1);
    }

    #[test]
    fn each_thing_that_cannot_be_answered_is_told_once() {
        let expression = "agentVersion > 1.0 and (ec2InstanceId == i-1 or ec2InstanceId == i-2) and attribute:a =~ b";
        assert_eq!(broken(&[member_of(expression), member_of("agentConnected == true")]).0.len(), 4);
    }

    #[test]
    fn constraints_together_have_as_few_alternatives_as_one() {
        let choice = member_of("attribute:a exists or attribute:b exists");
        assert_eq!(check(&vec![choice.clone(); 5]).unwrap().nodes.len(), 32);
        let (rules, message) = broken(&vec![choice; 6]);
        assert_eq!(rules, [("OP14", "spec.placementConstraints[5].expression".to_owned())]);
        assert!(message.contains("more than 32 alternatives"), "{message}");
    }
}
