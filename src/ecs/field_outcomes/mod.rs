//! What becomes of each field that a user can set. Each kind has a table in a file of its own; here the tables are held
//! against a document. A test fails when a field of the model, or a member of ECS's own request, has no row.

mod circumstances;
mod cluster;
mod container_definition;
mod container_kubernetes;
mod container_order;
mod field;
mod placeholders;
mod row;
mod secret_uses;
mod service;
mod target_group;
mod task;
mod task_definition;

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

use crate::api::{
    cluster::EcsClusterSpec,
    field_report::{FieldOutcome, Outcome},
    register_task_definition::RegisterTaskDefinition,
    service::EcsServiceSpec,
    target_group::EcsTargetGroupSpec,
    task::EcsTaskSpec,
};

pub use circumstances::{Circumstances, ServiceCircumstances, Workload};

use super::{
    task_definition::{TaskDefinition, layout::Layout},
    violation::Violation,
};
use circumstances::Situation;
use field::Field;
use row::Row;
use secret_uses::SecretUses;

/// What becomes of each field of a task definition that the user set. `checked` is what it is, or the rules that it breaks.
#[must_use]
pub fn of_task_definition(
    definition: &RegisterTaskDefinition,
    checked: Result<&TaskDefinition, &[Violation]>,
    circumstances: Circumstances<'_>,
) -> Vec<FieldOutcome> {
    let document = serde_json::to_value(definition).unwrap_or_default();
    let layout = checked.ok().map(|checked| Layout::of(&checked.containers));
    let secrets = SecretUses::of_document(&document);
    let Circumstances { version, namespace, .. } = circumstances;
    let run_by = |workload| {
        let of_no_task = Situation::of_no_task(&secrets);
        let situation = Situation { workload, version, namespace, layout: layout.as_ref(), ..of_no_task };
        report(&document, &TASK_DEFINITION, situation)
    };
    let mut outcomes = match circumstances.workload {
        Some(workload) => run_by(workload),
        // Both walk over the same fields.
        None => run_by(Workload::Service).into_iter().zip(run_by(Workload::Task)).map(of_both).collect(),
    };
    refuse(&mut outcomes, checked.err().unwrap_or_default());
    outcomes
}

/// The outcome of a field, where it is not known who runs the task.
fn of_both((in_service, by_itself): (FieldOutcome, FieldOutcome)) -> FieldOutcome {
    if in_service == by_itself {
        return in_service;
    }
    let is_same = in_service.outcome == by_itself.outcome;
    let say = |of: &FieldOutcome| match of.outcome {
        Outcome::Mapped => "Kubernetes does the same.".to_owned(),
        Outcome::Ignored if !is_same => format!("It is ignored. {}", of.detail),
        Outcome::Ignored | Outcome::Approximated | Outcome::Refused => of.detail.clone(),
    };
    let detail = format!("In a service: {} A task by itself: {}", say(&in_service), say(&by_itself));
    let outcome = if is_same { in_service.outcome } else { Outcome::Approximated };
    FieldOutcome { path: in_service.path, outcome, detail }
}

/// The same for a service.
#[must_use]
pub fn of_service(spec: &EcsServiceSpec, circumstances: ServiceCircumstances<'_>) -> Vec<FieldOutcome> {
    let secrets = SecretUses::default();
    let ServiceCircumstances { cluster_has_subnets, unasked_target_groups } = circumstances;
    let of_no_task = Situation::of_no_task(&secrets);
    let situation = Situation { cluster_has_subnets, unasked_target_groups, ..of_no_task };
    report(&serde_json::to_value(spec).unwrap_or_default(), &SERVICE, situation)
}

/// The same for a task that somebody runs by itself. `namespace` is where what it names has to be.
#[must_use]
pub fn of_task(spec: &EcsTaskSpec, namespace: &str, cluster_has_subnets: bool) -> Vec<FieldOutcome> {
    let secrets = SecretUses::default();
    let of_no_task = Situation::of_no_task(&secrets);
    let situation = Situation { workload: Workload::Task, namespace, cluster_has_subnets, ..of_no_task };
    report(&serde_json::to_value(spec).unwrap_or_default(), &TASK, situation)
}

/// The same for a cluster.
#[must_use]
pub fn of_cluster(spec: &EcsClusterSpec) -> Vec<FieldOutcome> {
    let secrets = SecretUses::default();
    report(&serde_json::to_value(spec).unwrap_or_default(), &CLUSTER, Situation::of_no_task(&secrets))
}

/// The same for a target group.
#[must_use]
pub fn of_target_group(spec: &EcsTargetGroupSpec) -> Vec<FieldOutcome> {
    let secrets = SecretUses::default();
    report(&serde_json::to_value(spec).unwrap_or_default(), &TARGET_GROUP, Situation::of_no_task(&secrets))
}

/// What to do about a member of ECS's request that the kind does not have yet. `path` is that of the member in a document.
#[must_use]
pub fn refusal(kind: &str, path: &str) -> Option<&'static str> {
    let rows: &RowsByPath = match kind {
        "EcsCluster" => &CLUSTER,
        "EcsService" => &SERVICE,
        "EcsTask" => &TASK,
        "EcsTargetGroup" => &TARGET_GROUP,
        _ => return None,
    };
    let refused = rows.get(&*pattern(path))?.iter().find(|row| row.outcome == Outcome::Refused)?;
    Some(refused.detail)
}

/// A path with `[]` for each element of a list, as the tables have it.
fn pattern(path: &str) -> String {
    let parts = path.split('[').enumerate().map(|(index, part)| match part.split_once(']') {
        Some((_, rest)) if index > 0 => format!("[]{rest}"),
        _ => part.to_owned(),
    });
    parts.collect()
}

/// Those that are worth telling: what Kubernetes does not do as ECS does. What is ignored is told once, without its members.
#[must_use]
pub fn differences(outcomes: &[FieldOutcome]) -> Vec<FieldOutcome> {
    let mut told: Vec<FieldOutcome> = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.outcome != Outcome::Mapped) {
        let is_member = |other: &FieldOutcome| other.outcome == Outcome::Ignored && is_part(&outcome.path, &other.path);
        if outcome.outcome != Outcome::Ignored || !told.iter().any(is_member) {
            told.push(outcome.clone());
        }
    }
    told
}

/// Whether a field is a part of another one.
fn is_part(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// What has to be told of the fields that are ignored now and were not before.
pub fn newly_ignored<'a>(before: &'a [FieldOutcome], now: &'a [FieldOutcome]) -> impl Iterator<Item = String> + 'a {
    let is_new = |outcome: &&FieldOutcome| outcome.outcome == Outcome::Ignored && !before.contains(outcome);
    now.iter().filter(is_new).map(|outcome| format!("{} is ignored. {}", outcome.path, outcome.detail))
}

/// A row for the documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedRow {
    /// Path below `spec`; `[]` stands for any element of a list.
    pub path: &'static str,
    /// Of which values, workloads and versions it speaks; empty for all.
    pub when: String,
    /// What becomes of the field.
    pub outcome: Outcome,
    /// How it differs, why it is ignored or what to do; words in braces stand for names.
    pub detail: &'static str,
}

/// Every row of the tables, for the documentation, kind by kind.
#[must_use]
pub fn tables() -> [(&'static str, Vec<DescribedRow>); 5] {
    let describe = |row: &Row| DescribedRow {
        path: row.path,
        when: row.describe_when(),
        outcome: row.outcome,
        detail: row.detail,
    };
    [
        ("EcsCluster", cluster::ROWS.iter().map(describe).collect()),
        ("TaskDefinition", task_definition_rows().map(describe).collect()),
        ("EcsService", service::ROWS.iter().map(describe).collect()),
        ("EcsTask", task::ROWS.iter().map(describe).collect()),
        ("EcsTargetGroup", target_group::ROWS.iter().map(describe).collect()),
    ]
}

/// The rows of a kind by their path, in the order of the table.
type RowsByPath = HashMap<&'static str, Vec<&'static Row>>;

static TASK_DEFINITION: LazyLock<RowsByPath> = LazyLock::new(|| by_path(task_definition_rows()));
static CLUSTER: LazyLock<RowsByPath> = LazyLock::new(|| by_path(cluster::ROWS.iter()));
static SERVICE: LazyLock<RowsByPath> = LazyLock::new(|| by_path(service::ROWS.iter()));
static TARGET_GROUP: LazyLock<RowsByPath> = LazyLock::new(|| by_path(target_group::ROWS.iter()));
static TASK: LazyLock<RowsByPath> = LazyLock::new(|| by_path(task::ROWS.iter()));

fn by_path(rows: impl Iterator<Item = &'static Row>) -> RowsByPath {
    let mut by_path = RowsByPath::new();
    for row in rows {
        by_path.entry(row.path).or_default().push(row);
    }
    by_path
}

fn task_definition_rows() -> impl Iterator<Item = &'static Row> {
    task_definition::ROWS
        .iter()
        .chain(container_definition::ROWS)
        .chain(container_order::ROWS)
        .chain(container_kubernetes::ROWS)
}

/// A broken rule is the outcome of its field.
fn refuse(outcomes: &mut Vec<FieldOutcome>, violations: &[Violation]) {
    let mut replaced: Vec<usize> = Vec::new();
    for violation in violations {
        let path = violation.path.strip_prefix("spec.").unwrap_or(&violation.path);
        let detail = format!("{} [{}]", violation.message, violation.rule);
        let refused = FieldOutcome { path: path.into(), outcome: Outcome::Refused, detail };
        // A second broken rule of a field stands beside the first one.
        let place = outcomes.iter().position(|outcome| outcome.path == path).filter(|place| !replaced.contains(place));
        replaced.push(place.unwrap_or(outcomes.len()));
        if let Some(place) = place {
            outcomes[place] = refused;
        } else {
            outcomes.push(refused);
        }
    }
}

fn report(document: &Value, rows: &RowsByPath, situation: Situation<'_>) -> Vec<FieldOutcome> {
    let mut outcomes = Vec::new();
    let mut ignored: Option<FieldOutcome> = None;
    for_each_field(&Field::root(document, situation), "", &mut |field, pattern| {
        // The rows of a field that speak of some values only stand before the one that speaks of all.
        let of_field = rows.get(pattern).map(Vec::as_slice).unwrap_or_default();
        let Some(row) = of_field.iter().find(|row| row.speaks_of(field)) else { return };
        let mut outcome = FieldOutcome { path: field.path.clone(), outcome: row.outcome, detail: row.tell(field) };
        // What is part of something ignored is ignored with it; fields come after what they are part of.
        match ignored.as_ref().filter(|whole| is_part(&outcome.path, &whole.path)) {
            Some(whole) if matches!(outcome.outcome, Outcome::Mapped | Outcome::Approximated) => {
                outcome = FieldOutcome { path: outcome.path, ..whole.clone() };
            }
            None if outcome.outcome == Outcome::Ignored => ignored = Some(outcome.clone()),
            Some(_) | None => {}
        }
        outcomes.push(outcome);
    });
    outcomes
}

/// Walks over every set member of a document, with its path and the pattern that the tables know it by.
fn for_each_field<'a>(field: &Field<'a>, pattern: &str, visit: &mut impl FnMut(&Field<'a>, &str)) {
    match field.value {
        Value::Object(members) if !is_free_form(pattern) => {
            for (name, member) in members.iter().filter(|(name, member)| !is_nothing(name, member)) {
                let separator = if pattern.is_empty() { "" } else { "." };
                let member = field.member(name, member);
                let pattern = format!("{pattern}{separator}{name}");
                visit(&member, &pattern);
                for_each_field(&member, &pattern, visit);
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                for_each_field(&field.entry(index, entry), &format!("{pattern}[]"), visit);
            }
        }
        _ => {}
    }
}

/// Members whose own members are names that the user chooses.
fn is_free_form(pattern: &str) -> bool {
    const FREE_FORM: [&str; 6] = ["options", "dockerLabels", "driverOpts", "labels", "nodeSelector", "annotations"];
    pattern.rsplit('.').next().is_some_and(|name| FREE_FORM.contains(&name))
}

/// An empty list or object is the same as none, and so is an empty text where it is no value of its own.
fn is_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() && name != "value" && name != "text",
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
