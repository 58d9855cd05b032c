//! The revision that a service or a task means: of its own Namespace, else of the shared one.

use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::{task_definition::TaskDefinition, task_overrides::TaskOverride},
    decide::{conditions::reason, elapsed::left},
    ecs::{
        task_definition::{self, TaskDefinition as Checked},
        task_definition_lookup::{self, LookupError},
        task_definition_reference::TaskDefinitionReference,
        task_overrides, violation,
    },
    kube_io::revision::Revision,
    translate::{names, snapshot::Trigger},
};

use super::{context::Context, refusal::Refusal, task_definition::family_of};

/// Where revisions are looked for.
pub struct Places {
    /// Those of the object's own Namespace.
    own: Vec<Arc<Revision>>,
    /// The shared Namespace and those in it.
    shared: Option<(String, Vec<Arc<Revision>>)>,
}

/// A revision that was found.
pub struct Found {
    /// The revision.
    pub revision: Arc<Revision>,
    /// Where it is, if not in the object's own Namespace.
    pub namespace: Option<String>,
}

impl Places {
    /// What an object of a Namespace can name.
    #[must_use]
    pub fn of(namespace: &str, context: &Context) -> Self {
        let shared = context.settings.shared_namespace.clone().filter(|shared| shared != namespace);
        let in_namespace = |namespace: &str| context.caches.revisions.in_namespace(namespace);
        Self { own: in_namespace(namespace), shared: shared.map(|shared| (shared.clone(), in_namespace(&shared))) }
    }

    /// Looks for a revision. `running` is what a service runs already: an inactive revision may go on where it is, and a
    /// pinned one is the one that runs, also when another Namespace has one of the same name since.
    ///
    /// # Errors
    /// When there is no such revision, or none that is active.
    pub fn find(&self, reference: &TaskDefinitionReference, running: Option<&Trigger>) -> Result<Found, LookupError> {
        let shared = self.shared.as_ref().map(|(namespace, revisions)| (Some(namespace.clone()), revisions));
        let mut places: Vec<_> = std::iter::once((None, &self.own)).chain(shared).collect();
        if let Some(running) = running.filter(|_| reference.revision.is_some()) {
            places.sort_by_key(|(namespace, _)| *namespace != running.namespace);
        }
        let mut problem = None;
        for (namespace, revisions) in places {
            let running = running.filter(|trigger| trigger.namespace == namespace);
            let running = running.map(|trigger| (trigger.family.as_str(), trigger.revision));
            match task_definition_lookup::resolve(reference, revisions, running) {
                Ok(found) => return Ok(Found { revision: Arc::clone(found), namespace }),
                Err(error @ LookupError::Inactive(_)) => return Err(error),
                Err(error @ LookupError::NotFound(_)) => problem = problem.or(Some(error)),
            }
        }
        Err(problem.unwrap_or_else(|| LookupError::NotFound(reference.to_string())))
    }
}

/// Time for which a new service or task waits for what its family is to mean.
const REGISTRATION_TIME: Duration = Duration::from_secs(10);

/// Time between two looks for the revision of a task definition that was edited.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// After which time a new service or task that names a family is to be looked at again: the task definition was edited, and the
/// revision is not there yet. `created_at` is when the service or task was made.
#[must_use]
pub fn waits_for_registration(
    task_definition: &str,
    namespace: &str,
    created_at: Option<&Time>,
    context: &Context,
) -> Option<Duration> {
    let reference = TaskDefinitionReference::parse(task_definition).ok().filter(|it| it.revision.is_none())?;
    let left = left(created_at?, REGISTRATION_TIME, &context.now());
    let shared = context.settings.shared_namespace.as_deref();
    let is_behind = |definition: &Arc<TaskDefinition>| {
        family_of(definition) == reference.family && is_registered_later(definition, &reference.family, context)
    };
    let mut places = std::iter::once(namespace).chain(shared);
    let waits = places.any(|place| context.caches.task_definitions.in_namespace(place).iter().any(is_behind));
    Some(left.min(LOOK_AGAIN)).filter(|left| waits && !left.is_zero())
}

/// Whether what a task definition says now is not a revision yet, as far as the caches know.
fn is_registered_later(definition: &TaskDefinition, family: &str, context: &Context) -> bool {
    let namespace = definition.namespace().unwrap_or_default();
    let lacks = |number: i64| context.caches.revisions.get(&namespace, &names::revision(family, number)).is_none();
    let status = definition.status.as_ref();
    status.and_then(|status| status.observed_generation) != definition.metadata.generation
        || status.and_then(|status| status.revision).is_some_and(lacks)
}

/// Why nothing runs without the revision.
#[must_use]
pub fn refusal(error: &LookupError) -> Refusal {
    let reason = match error {
        LookupError::NotFound(_) => reason::TASK_DEFINITION_NOT_FOUND,
        LookupError::Inactive(_) => reason::TASK_DEFINITION_INACTIVE,
    };
    Refusal::new(reason, error)
}

/// The checked content of a revision, with what a task overrides of it.
///
/// # Errors
/// When it breaks a rule that was not known when it was registered, or with the overrides, or cannot be read.
pub fn checked(revision: &Revision, overrides: Option<&TaskOverride>) -> Result<Checked, Refusal> {
    let (family, number) = (&revision.family, revision.number);
    let with = if overrides.is_some() { " with spec.overrides" } else { "" };
    let invalid =
        |problem: &str| Refusal::new(reason::INVALID, &format!("Task definition {family}:{number}{with}: {problem}"));
    let definition = revision.definition().map_err(|error| invalid(&error.to_string()))?;
    let checked = match overrides {
        Some(overrides) => task_overrides::check(&definition, overrides, family),
        None => task_definition::check(&definition, family),
    };
    checked.map_err(|violations| invalid(&violation::summary(&violations)))
}
