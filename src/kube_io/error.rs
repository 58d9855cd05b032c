//! What can go wrong between the operator and the API server.

use kube::core::Status;

use crate::{api::task_definition_revision::LARGEST_REVISION, translate::labels};

use super::permissions::REVISION_NUMBERS;

/// A failed exchange with the API server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A request failed.
    #[error("cannot {action}: {}", explain(source))]
    Request {
        /// What was tried, with kind and name.
        action: String,
        /// Why it failed.
        source: Box<kube::Error>,
    },
    /// An object of the name that is needed belongs to somebody else. It is never taken over.
    #[error(
        "{kind} {name} exists and belongs to somebody else; delete or rename it, or choose another name for {wanted_by}"
    )]
    Foreign {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// What needs the name.
        wanted_by: String,
    },
    /// An object of the name that is needed is left of an earlier object of ours, and about to be deleted with it.
    #[error(
        "{kind} {name} is left of an earlier {wanted_by}; it is waited for until the garbage collector has deleted it"
    )]
    Remnant {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// What needs the name.
        wanted_by: String,
    },
    /// An object of ours has lost the label by which it is watched.
    #[error(
        "{kind} {name} has lost its label {}, so the operator does not see it: kubectl label {kind} {name} {}={}",
        labels::MANAGED_BY,
        labels::MANAGED_BY,
        labels::OPERATOR
    )]
    Hidden {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// The highest number of a family cannot be read. It is not guessed: a number would be given twice.
    #[error(
        "ConfigMap {REVISION_NUMBERS}, entry {entry}: {problem}; restore it, with the highest number that the family was given: {{\"revision\":N}}"
    )]
    UnreadableNumber {
        /// The entry of the family.
        entry: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A family has had its largest number, or somebody has written so.
    #[error(
        "no number up to {LARGEST_REVISION} is left for family {family}: ConfigMap {REVISION_NUMBERS}, entry {entry}, or a TaskDefinitionRevision of the family has the largest. Delete a revision of that number that was made by hand and restore the entry, with the highest number that the family was given: {{\"revision\":N}}; or choose another family in spec.family"
    )]
    NoNumberLeft {
        /// The family.
        family: String,
        /// Its entry.
        entry: String,
    },
    /// Somebody else was faster; the next look will show it.
    #[error("{what} has changed in the meantime")]
    Stale {
        /// What has changed.
        what: String,
    },
}

impl Error {
    /// A failed request.
    pub fn request(action: impl Into<String>, source: kube::Error) -> Self {
        Self::Request { action: action.into(), source: Box::new(source) }
    }

    /// What the API server said, when it has refused a request for what is in it: trying the same again will not help.
    #[must_use]
    pub fn refusal(&self) -> Option<&Status> {
        match self {
            Self::Request { source, .. } => {
                api_status(source).filter(|status| status.is_invalid() || status.is_forbidden() || status.code == 400)
            }
            Self::Foreign { .. }
            | Self::Remnant { .. }
            | Self::Hidden { .. }
            | Self::UnreadableNumber { .. }
            | Self::NoNumberLeft { .. }
            | Self::Stale { .. } => None,
        }
    }

    /// Whether the API server does not even know the kind: it answers so in plain text, and with a Status where only the object
    /// is not there.
    #[must_use]
    pub fn is_of_unknown_kind(&self) -> bool {
        let is_it = |status: &Status| status.code == 404 && status.reason != "NotFound";
        matches!(self, Self::Request { source, .. } if api_status(source).is_some_and(is_it))
    }

    /// A fixed word for metrics.
    #[must_use]
    pub fn metric_label(&self) -> &'static str {
        match self {
            Self::Request { source, .. } => match api_status(source).map(|status| status.code) {
                Some(409) => "conflict",
                Some(429) => "too_many_requests",
                Some(400..=499) => "refused",
                Some(_) => "api_server_error",
                None => "connection",
            },
            Self::Foreign { .. } => "foreign_object",
            Self::Remnant { .. } => "remnant",
            Self::Hidden { .. } => "hidden_object",
            Self::UnreadableNumber { .. } | Self::NoNumberLeft { .. } => "revision_number",
            Self::Stale { .. } => "stale",
        }
    }
}

/// What went wrong, in a line for people: what the API server says, or the error and what caused it.
#[must_use]
pub fn explain(error: &kube::Error) -> String {
    match error {
        // What kube prints has the whole status behind the message.
        kube::Error::Api(status) => format!("{} ({})", status.message, status.reason),
        error => chain(error),
    }
}

/// The error and what caused it. A cause that the error has printed already is left out.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text.replace('\n', " ")
}

/// What the API server answered, when it did.
#[must_use]
pub fn api_status(error: &kube::Error) -> Option<&Status> {
    match error {
        kube::Error::Api(status) => Some(status),
        _ => None,
    }
}

/// Whether an object that was named by its uid is gone: there is none, or a later one of its name.
pub(super) fn is_gone(status: &Status) -> bool {
    let other_uid = || status.message.contains("uid mismatch") || status.message.contains("metadata.uid");
    status.is_not_found() || (matches!(status.code, 409 | 422) && other_uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_api_server_is_one_line() {
        let status = kube::core::Status::failure("leases is forbidden", "Forbidden").boxed();
        assert_eq!(explain(&kube::Error::Api(status)), "leases is forbidden (Forbidden)");
    }

    #[test]
    fn a_refused_request_is_told_in_the_servers_words() {
        let status = kube::core::Status::failure("leases is forbidden", "Forbidden").boxed();
        let error = Error::request("write Lease x", kube::Error::Api(status));
        assert_eq!(error.to_string(), "cannot write Lease x: leases is forbidden (Forbidden)");
    }

    #[test]
    fn errors_of_numbers_name_the_config_map_the_entry_and_the_way_out() {
        let unreadable = Error::UnreadableNumber { entry: "web".into(), problem: "expected value".into() };
        let used_up = Error::NoNumberLeft { family: "web".into(), entry: "web".into() };
        for error in [unreadable, used_up] {
            let text = error.to_string();
            for words in ["ConfigMap ecs-operator-revision-numbers, entry web", "restore", r#"{"revision":N}"#] {
                assert!(text.contains(words), "{text}");
            }
            assert_eq!(error.metric_label(), "revision_number");
            assert!(error.refusal().is_none());
        }
    }
}
