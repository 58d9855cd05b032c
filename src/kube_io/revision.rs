//! A TaskDefinitionRevision with its definition as text: thousands are held in memory, and few are read. What is asked of
//! each of them at every look is worked out once, when it is received.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use kube::{Resource, ResourceExt, api::ObjectMeta, core::NamespaceResourceScope};
use serde::Deserialize;

use crate::{
    api::{
        register_task_definition::{Compatibility, RegisterTaskDefinition},
        task_definition_revision::{RevisionState, TaskDefinitionRevision, TaskDefinitionRevisionStatus},
    },
    decide::registration::ObservedRevision,
    ecs::{compatibilities::compatibilities, content_hash::content_hash, role, task_definition_lookup::Registered},
    translate::labels,
};

/// A revision.
#[derive(Deserialize, Clone, Debug)]
#[serde(try_from = "TaskDefinitionRevision")]
pub struct Revision {
    /// Metadata without managed fields and annotations.
    pub metadata: ObjectMeta,
    /// The family.
    pub family: String,
    /// The number within the family.
    pub number: i64,
    /// Whether it can be named by new services.
    pub state: RevisionState,
    /// What was reported of it.
    pub status: Option<TaskDefinitionRevisionStatus>,
    /// Hash of its content.
    pub content: String,
    /// Launch types that its content allows.
    pub compatibilities: Vec<Compatibility>,
    /// Names of the roles that its tasks have.
    pub roles: BTreeSet<String>,
    /// How many old revisions it says to keep.
    pub history_limit: Option<i32>,
    /// The definition in JSON.
    definition: Arc<str>,
}

/// A revision with only its number, which can be read whatever its definition is.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "TaskDefinitionRevision")]
pub struct NumberedRevision {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What is read of it.
    pub spec: RevisionNumber,
}

/// The number of a revision.
#[derive(Deserialize, Clone, Debug)]
pub struct RevisionNumber {
    /// The family.
    pub family: String,
    /// The number within the family.
    pub revision: i64,
}

/// By hand, because the derived one gives a kind that cannot be a label of metrics.
impl Resource for Revision {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(dynamic_type: &()) -> Cow<'_, str> {
        TaskDefinitionRevision::kind(dynamic_type)
    }

    fn group(dynamic_type: &()) -> Cow<'_, str> {
        TaskDefinitionRevision::group(dynamic_type)
    }

    fn version(dynamic_type: &()) -> Cow<'_, str> {
        TaskDefinitionRevision::version(dynamic_type)
    }

    fn plural(dynamic_type: &()) -> Cow<'_, str> {
        TaskDefinitionRevision::plural(dynamic_type)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl TryFrom<TaskDefinitionRevision> for Revision {
    type Error = serde_json::Error;

    fn try_from(revision: TaskDefinitionRevision) -> Result<Self, Self::Error> {
        let TaskDefinitionRevision { mut metadata, spec, status } = revision;
        metadata.managed_fields = None;
        // Whoever applies a revision with kubectl leaves all of it in there a second time.
        metadata.annotations = None;
        Ok(Self {
            content: content_hash(&spec.definition, &spec.family),
            compatibilities: compatibilities(&spec.definition),
            roles: role::named_by(&spec.definition),
            history_limit: spec.definition.kubernetes.as_ref().and_then(|members| members.revision_history_limit),
            definition: serde_json::to_string(&spec.definition)?.into(),
            metadata,
            family: spec.family,
            number: spec.revision,
            state: spec.state,
            status,
        })
    }
}

impl Revision {
    /// The definition.
    ///
    /// # Errors
    /// When the text cannot be read, which was written when the definition had been.
    pub fn definition(&self) -> Result<RegisterTaskDefinition, serde_json::Error> {
        serde_json::from_str(&self.definition)
    }

    /// UID of the TaskDefinition that it came from; nothing when it was made by hand.
    #[must_use]
    pub fn task_definition_uid(&self) -> Option<&str> {
        self.labels().get(labels::TASK_DEFINITION_UID).map(String::as_str)
    }

    /// What matters of it for numbers.
    #[must_use]
    pub fn observed(&self) -> ObservedRevision {
        ObservedRevision {
            number: self.number,
            content: self.content.clone(),
            task_definition_uid: self.task_definition_uid().unwrap_or_default().into(),
        }
    }
}

impl Registered for Revision {
    fn family(&self) -> &str {
        &self.family
    }

    fn number(&self) -> i64 {
        self.number
    }

    fn state(&self) -> RevisionState {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::DeserializeGuard;
    use serde_json::{Value, json};

    fn document(definition: &Value) -> Value {
        json!({
            "apiVersion": "ecs-operator.dev/v1alpha1",
            "kind": "TaskDefinitionRevision",
            "metadata": {
                "name": "web.3", "namespace": "n", "uid": "u", "labels": {"ecs-operator.dev/task-definition-uid": "t"},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
                "managedFields": [{"manager": "m"}],
            },
            "spec": {"family": "web", "revision": 3, "state": "Inactive", "definition": definition},
            "status": {"status": "INACTIVE"},
        })
    }

    fn read(document: &Value) -> DeserializeGuard<Revision> {
        serde_json::from_str(&document.to_string()).unwrap()
    }

    #[test]
    fn what_is_held_is_what_the_object_says() {
        let definition = json!({
            "networkMode": "awsvpc",
            "containerDefinitions": [{"name": "a", "image": "i", "environment": [{"name": "A", "value": "ä\"\n"}]}],
            "kubernetes": {"revisionHistoryLimit": 3},
        });
        let typed: RegisterTaskDefinition = serde_json::from_value(definition.clone()).unwrap();
        let revision = read(&document(&definition)).0.unwrap();
        assert_eq!(revision.definition().unwrap(), typed);
        assert_eq!(revision.content, content_hash(&typed, "web"));
        assert_eq!(revision.compatibilities, compatibilities(&typed));
        assert_eq!((revision.family.as_str(), revision.number, revision.history_limit), ("web", 3, Some(3)));
        assert_eq!((revision.state, revision.task_definition_uid()), (RevisionState::Inactive, Some("t")));
        assert_eq!(revision.status.as_ref().and_then(|status| status.status.as_deref()), Some("INACTIVE"));
        assert!(matches!(Revision::kind(&()), Cow::Borrowed("TaskDefinitionRevision")));
        assert_eq!(Revision::api_version(&()), "ecs-operator.dev/v1alpha1");
        assert!(revision.metadata.managed_fields.is_none() && revision.metadata.annotations.is_none());
    }

    #[test]
    fn one_whose_definition_cannot_be_read_is_told_by_its_name() {
        for definition in [json!({"networkMode": "vpc"}), json!({"containerDefinitions": [{}]}), json!("web")] {
            let invalid = read(&document(&definition)).0.unwrap_err();
            assert_eq!((invalid.metadata.name.as_deref(), invalid.metadata.uid.as_deref()), (Some("web.3"), Some("u")));
            assert!(!invalid.error.is_empty());
        }
    }
}
