//! What a query asks of the groups of the tasks that run on a node.

use crate::ecs::cluster_query::{Alternative, Comparison, Condition, Subject, Term};

/// What is asked of the groups of the tasks on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskGroupTerm {
    /// A task of one of these groups runs there.
    Beside(Vec<String>),
    /// No task of these groups runs there.
    Apart(Vec<String>),
}

/// A Pod's affinities to other Pods must all hold, so a choice is possible only among groups.
pub(super) fn task_groups(alternatives: &[Alternative]) -> Result<TaskGroupTerm, String> {
    let mut terms = Vec::new();
    for alternative in alternatives {
        match alternative.as_slice() {
            [Term { subject: Subject::TaskGroup, condition }] => terms.push(task_group(condition)?),
            _ => return Err(cannot_choose()),
        }
    }
    if let [only] = terms.as_slice() {
        return Ok(only.clone());
    }
    let mut groups = Vec::new();
    for term in terms {
        match term {
            TaskGroupTerm::Beside(more) => groups.extend(more),
            TaskGroupTerm::Apart(_) => return Err(cannot_choose()),
        }
    }
    Ok(TaskGroupTerm::Beside(groups))
}

fn cannot_choose() -> String {
    "With or, task:group can only be joined with other task:group == terms on Kubernetes: join it with and to the rest of the expression.".into()
}

fn task_group(condition: &Condition) -> Result<TaskGroupTerm, String> {
    match condition {
        Condition::Compare(Comparison::Equals, group) => Ok(TaskGroupTerm::Beside(vec![group.clone()])),
        Condition::Compare(Comparison::NotEquals, group) => Ok(TaskGroupTerm::Apart(vec![group.clone()])),
        Condition::In(groups) => Ok(TaskGroupTerm::Beside(groups.clone())),
        Condition::NotIn(groups) => Ok(TaskGroupTerm::Apart(groups.clone())),
        _ => Err(format!(
            "task:group {} cannot be asked on Kubernetes: name the groups with ==, !=, in or not_in.",
            condition.operator()
        )),
    }
}
