//! Conditions: their types and reasons, and how new ones are merged into those that an object has.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The spec keeps the rules, and what it names exists.
pub const ACCEPTED: &str = "Accepted";
/// What the spec asks for is there.
pub const READY: &str = "Ready";
/// The operator is on the way there (kstatus).
pub const RECONCILING: &str = "Reconciling";
/// It will not get there unless something is changed (kstatus).
pub const STALLED: &str = "Stalled";

/// Why a condition has its status. Part of the interface: tools match on them.
pub mod reason {
    /// All rules are kept.
    pub const ACCEPTED: &str = "Accepted";
    /// A field breaks a rule; the message names both.
    pub const INVALID: &str = "Invalid";
    /// The Namespace has no cluster, or not the one that is named.
    pub const CLUSTER_NOT_FOUND: &str = "ClusterNotFound";
    /// The task definition does not exist.
    pub const TASK_DEFINITION_NOT_FOUND: &str = "TaskDefinitionNotFound";
    /// The task definition has been deregistered.
    pub const TASK_DEFINITION_INACTIVE: &str = "TaskDefinitionInactive";
    /// A task by itself does not start, or is down; it is not given up yet.
    pub const TASK_DOES_NOT_RUN: &str = "TaskDoesNotRun";
    /// The cluster has no such subnet.
    pub const SUBNET_NOT_FOUND: &str = "SubnetNotFound";
    /// A target group does not exist, or breaks a rule.
    pub const TARGET_GROUP_NOT_FOUND: &str = "TargetGroupNotFound";
    /// Another EcsTargetGroup has the name.
    pub const TARGET_GROUP_TAKEN: &str = "TargetGroupTaken";
    /// The targets of a target group listen on ports that one Service cannot have together.
    pub const TARGETS_DISAGREE: &str = "TargetsDisagree";
    /// The Gateway API is not installed.
    pub const GATEWAY_API_MISSING: &str = "GatewayApiMissing";
    /// A security group does not exist.
    pub const SECURITY_GROUP_NOT_FOUND: &str = "SecurityGroupNotFound";
    /// What tasks need before they start may not be had.
    pub const RESOURCE_INITIALIZATION_ERROR: &str = "ResourceInitializationError";
    /// There is no such role.
    pub const ROLE_NOT_FOUND: &str = "RoleNotFound";
    /// Another EcsRole has the name.
    pub const ROLE_TAKEN: &str = "RoleTaken";
    /// The content keeps the rules, but could not be registered.
    pub const NOT_REGISTERED: &str = "NotRegistered";
    /// Another TaskDefinition of the Namespace has the family.
    pub const FAMILY_TAKEN: &str = "FamilyTaken";
    /// The Namespace belongs to somebody else.
    pub const NAMESPACE_TAKEN: &str = "NamespaceTaken";
    /// The Namespace is being deleted.
    pub const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";
    /// An object of the name that is needed belongs to somebody else.
    pub const FOREIGN_OBJECT: &str = "ForeignObject";
    /// The API server refused an object.
    pub const REFUSED_BY_API_SERVER: &str = "RefusedByApiServer";
    /// The percentages allow neither to start nor to stop a task.
    pub const DEPLOYMENT_BLOCKED: &str = "DeploymentBlocked";
    /// Kubernetes refuses to make the Pods of tasks: Pod Security, a quota, an admission policy.
    pub const UNABLE_TO_PLACE_TASK: &str = "UnableToPlaceTask";
    /// A deployment is under way, or tasks are started or stopped.
    pub const DEPLOYMENT_IN_PROGRESS: &str = "DeploymentInProgress";
    /// Tasks of a deployment fail to start again and again, and no circuit breaker has ended it.
    pub const TASKS_FAIL_TO_START: &str = "TasksFailToStart";
    /// Task after task of a service ends soon after its start.
    pub const TASKS_END_QUICKLY: &str = "TasksEndQuickly";
    /// The deployment has failed, and nothing runs instead.
    pub const DEPLOYMENT_FAILED: &str = "DeploymentFailed";
    /// The deployment has failed, and an earlier one is on its way back.
    pub const ROLLING_BACK: &str = "RollingBack";
    /// The deployment has failed, and an earlier one runs again.
    pub const ROLLED_BACK: &str = "RolledBack";
    /// As many tasks as desired run, all of the newest deployment.
    pub const STEADY_STATE: &str = "SteadyState";
    /// Something that is needed first is not there yet.
    pub const WAITING: &str = "Waiting";
    /// Done.
    pub const AVAILABLE: &str = "Available";
    /// Nothing has to be done because the spec is not accepted.
    pub const NOT_ACCEPTED: &str = "NotAccepted";
    /// The object is being deleted and waits for what it holds.
    pub const DELETION_WAITS: &str = "DeletionWaits";
}

/// What the operator has to say in one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Type of the condition.
    pub type_: &'static str,
    /// Whether it is true.
    pub holds: bool,
    /// Why, from [`reason`].
    pub reason: &'static str,
    /// Why, for people.
    pub message: String,
}

impl Finding {
    /// The condition is true.
    pub fn holds(type_: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { type_, holds: true, reason, message: message.into() }
    }

    /// The condition is false.
    pub fn fails(type_: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { type_, holds: false, reason, message: message.into() }
    }
}

/// Longest message of a condition that the API server takes.
const LONGEST_MESSAGE: usize = 32_768;

/// Merges findings into the conditions of an object: those of other types stay, and the transition time moves only when
/// the status does.
#[must_use]
pub fn merge(existing: &[Condition], findings: &[Finding], generation: Option<i64>, now: &Time) -> Vec<Condition> {
    let mut merged: Vec<_> = existing
        .iter()
        .filter(|condition| !findings.iter().any(|finding| finding.type_ == condition.type_))
        .cloned()
        .collect();
    for finding in findings {
        let status = if finding.holds { "True" } else { "False" };
        let before = existing.iter().find(|condition| condition.type_ == finding.type_ && condition.status == status);
        merged.push(Condition {
            type_: finding.type_.into(),
            status: status.into(),
            reason: finding.reason.into(),
            message: finding.message.chars().take(LONGEST_MESSAGE).collect(),
            observed_generation: generation,
            last_transition_time: before
                .map_or_else(|| now.clone(), |condition| condition.last_transition_time.clone()),
        });
    }
    merged.sort_by(|a, b| a.type_.cmp(&b.type_));
    merged
}

/// What is said of an object that is not accepted.
#[must_use]
pub fn refused(reason: &'static str, message: &str) -> [Finding; 2] {
    [Finding::fails(ACCEPTED, reason, message), Finding::fails(READY, reason::NOT_ACCEPTED, message)]
}

/// Whether an object is ready as it is now: not only as it was.
#[must_use]
pub fn is_ready(generation: Option<i64>, observed_generation: Option<i64>, conditions: &[Condition]) -> bool {
    observed_generation == generation && is_true(conditions, READY)
}

/// Whether an object has a condition that is true.
#[must_use]
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    conditions.iter().any(|condition| condition.type_ == type_ && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time(k8s_openapi::jiff::Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let first = merge(&[], &[Finding::fails(READY, reason::WAITING, "a")], Some(1), &at(1));
        let second = merge(&first, &[Finding::fails(READY, reason::INVALID, "b")], Some(2), &at(2));
        assert_eq!(second[0].last_transition_time, at(1));
        assert_eq!((second[0].message.as_str(), second[0].observed_generation), ("b", Some(2)));
        let third = merge(&second, &[Finding::holds(READY, reason::AVAILABLE, "c")], Some(2), &at(3));
        assert_eq!(third[0].last_transition_time, at(3));
    }

    #[test]
    fn conditions_of_others_stay() {
        let others = merge(&[], &[Finding::holds("Audited", "ByUser", "")], None, &at(1));
        let merged = merge(&others, &[Finding::holds(READY, reason::AVAILABLE, "")], None, &at(2));
        assert_eq!(merged.len(), 2);
        assert_eq!(merged[0].last_transition_time, at(1));
    }
}
