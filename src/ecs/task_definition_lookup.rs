//! Which revision a reference means right now (SV03, TR09).

use std::sync::Arc;

use crate::api::task_definition_revision::RevisionState;

use super::task_definition_reference::TaskDefinitionReference;

/// Why a reference means no revision that can be run. The texts begin with ECS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No such family, or no such revision of it.
    #[error(
        "TaskDefinition not found. There is no revision of {0:?} in this Namespace: apply a TaskDefinition for it, see why one that is there is not Accepted, or correct spec.taskDefinition."
    )]
    NotFound(String),
    /// It has been deregistered.
    #[error(
        "TaskDefinition is inactive. {0:?} has been deregistered: name an active revision in spec.taskDefinition, or register a new one."
    )]
    Inactive(String),
}

/// A revision, as far as it matters here.
pub trait Registered {
    /// Its family.
    fn family(&self) -> &str;
    /// Its number within the family.
    fn number(&self) -> i64;
    /// Whether it can be named by new services.
    fn state(&self) -> RevisionState;
}

impl<R: Registered> Registered for Arc<R> {
    fn family(&self) -> &str {
        (**self).family()
    }

    fn number(&self) -> i64 {
        (**self).number()
    }

    fn state(&self) -> RevisionState {
        (**self).state()
    }
}

/// Finds the revision that a reference means: the pinned one, else the newest active one of the family.
///
/// `running` is the family and revision that the service runs already: an inactive revision may go on where it is.
///
/// # Errors
/// When there is no such revision, or none that is active.
pub fn resolve<'a, R: Registered>(
    reference: &TaskDefinitionReference,
    revisions: impl IntoIterator<Item = &'a R>,
    running: Option<(&str, i64)>,
) -> Result<&'a R, LookupError> {
    let candidates: Vec<_> =
        revisions.into_iter().filter(|revision| reference.means(revision.family(), revision.number())).collect();
    let newest = |state: RevisionState| {
        candidates
            .iter()
            .filter(move |revision| revision.state() == state)
            .max_by_key(|revision| revision.number())
            .copied()
    };
    let going_on =
        || candidates.iter().find(|revision| running == Some((revision.family(), revision.number()))).copied();
    newest(RevisionState::Active).or_else(going_on).ok_or_else(|| match newest(RevisionState::Inactive) {
        Some(_) => LookupError::Inactive(reference.to_string()),
        None => LookupError::NotFound(reference.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known(&'static str, i64, RevisionState);

    impl Registered for Known {
        fn family(&self) -> &str {
            self.0
        }

        fn number(&self) -> i64 {
            self.1
        }

        fn state(&self) -> RevisionState {
            self.2
        }
    }

    #[test]
    fn a_family_means_its_newest_active_revision() {
        use RevisionState::{Active, Inactive};
        let revisions = [
            Known("web", 9, Active),
            Known("web", 10, Active),
            Known("web", 11, Inactive),
            Known("old", 1, Inactive),
            Known("api", 12, Active),
        ];
        let find = |text: &str, running| {
            resolve(&TaskDefinitionReference::parse(text).unwrap(), &revisions, running).map(Known::number)
        };
        assert_eq!(find("web", None), Ok(10));
        assert_eq!(find("web:9", None), Ok(9));
        assert_eq!(find("web:11", None), Err(LookupError::Inactive("web:11".into())));
        assert_eq!(find("web:11", Some(("web", 11))), Ok(11));
        assert_eq!(find("web:12", None), Err(LookupError::NotFound("web:12".into())));
        assert_eq!(find("none", None), Err(LookupError::NotFound("none".into())));
        assert_eq!(find("old", None), Err(LookupError::Inactive("old".into())));
        assert_eq!(find("old", Some(("old", 1))), Ok(1));
    }
}
