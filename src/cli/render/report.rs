//! The report of `render`: which object, which field, what became of it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::api::field_report::{FieldOutcome, Outcome};

/// What became of one field of one object.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Entry {
    /// `TaskDefinition/web`, or the name of the file where it is not known what is in it.
    pub object: String,
    /// The field and its outcome.
    #[serde(flatten)]
    pub outcome: FieldOutcome,
}

impl Entry {
    pub(super) fn refused(object: &str, path: impl Into<String>, detail: impl Into<String>) -> Self {
        let outcome = FieldOutcome { path: path.into(), outcome: Outcome::Refused, detail: detail.into() };
        Self { object: object.into(), outcome }
    }
}

/// The report for people: what differs, object by object, and how many fields do not.
pub(super) fn text(report: &[Entry]) -> String {
    let mut text = String::new();
    let mut objects: Vec<&str> = Vec::new();
    for entry in report {
        if !objects.contains(&entry.object.as_str()) {
            objects.push(&entry.object);
        }
    }
    for object in objects {
        let of_object = || report.iter().filter(|entry| entry.object == object).map(|entry| &entry.outcome);
        let count = |outcome| of_object().filter(|each| each.outcome == outcome).count();
        let _ = writeln!(
            text,
            "{object}: {} fields mapped, {} approximated, {} ignored, {} refused",
            count(Outcome::Mapped),
            count(Outcome::Approximated),
            count(Outcome::Ignored),
            count(Outcome::Refused)
        );
        let outcomes: Vec<_> = of_object().cloned().collect();
        for each in crate::ecs::field_outcomes::differences(&outcomes) {
            let outcome = format!("{:?}", each.outcome);
            let _ = writeln!(text, "  {outcome:<12}  {}  {}", each.path, each.detail);
        }
    }
    text
}
