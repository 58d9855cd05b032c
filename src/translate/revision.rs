//! TaskDefinition -> TaskDefinitionRevision.

use kube::api::ObjectMeta;

use crate::api::{
    register_task_definition::RegisterTaskDefinition,
    task_definition_revision::{RevisionState, TaskDefinitionRevision, TaskDefinitionRevisionSpec},
};

use super::{labels, names};

/// A revision. It has no owner: it outlives the TaskDefinition, and is found by that one's UID.
#[must_use]
pub fn revision(
    namespace: &str,
    task_definition_uid: &str,
    number: i64,
    normalised: RegisterTaskDefinition,
) -> TaskDefinitionRevision {
    let family = normalised.family.clone().unwrap_or_default();
    let mut labels = labels::managed();
    labels.insert(labels::FAMILY.into(), names::label_value(&family));
    labels.insert(labels::TASK_DEFINITION_UID.into(), task_definition_uid.into());
    let metadata = ObjectMeta {
        name: Some(names::revision(&family, number)),
        namespace: Some(namespace.into()),
        labels: Some(labels),
        ..Default::default()
    };
    let spec =
        TaskDefinitionRevisionSpec { family, revision: number, state: RevisionState::Active, definition: normalised };
    TaskDefinitionRevision { metadata, spec, status: None }
}
