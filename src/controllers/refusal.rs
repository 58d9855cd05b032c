//! Why an object is not accepted.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::decide::{conditions::reason, elapsed::left};

/// Time in which what an object names may come after it: `kubectl apply` of a folder goes by file names.
const COMES_TOGETHER: Duration = Duration::from_secs(3);

/// Why an object is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For machines: one of `decide::conditions::reason`.
    pub reason: &'static str,
    /// For people: it names the field and the way out.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(reason: &'static str, message: &impl ToString) -> Self {
        Self { reason, message: message.to_string() }
    }

    /// What is left of the time before it is told of a new object that only lacks what it names.
    #[must_use]
    pub fn may_pass_in(&self, created_at: Option<&Time>, now: &Time) -> Option<Duration> {
        let is_lack = matches!(
            self.reason,
            reason::CLUSTER_NOT_FOUND
                | reason::TASK_DEFINITION_NOT_FOUND
                | reason::SECURITY_GROUP_NOT_FOUND
                | reason::SUBNET_NOT_FOUND
                | reason::TARGET_GROUP_NOT_FOUND
                | reason::ROLE_NOT_FOUND
        );
        let left = created_at.map(|created_at| left(created_at, COMES_TOGETHER, now));
        left.filter(|left| is_lack && !left.is_zero())
    }
}
