//! A checked task that somebody runs by itself: the rules of RunTask that it keeps alone and with its task definition (RT01,
//! SV03, SV06, SV07). Its overrides have `task_overrides`.

use crate::api::{
    register_task_definition::NetworkMode,
    task::{DesiredStatus, EcsTaskSpec},
};

use super::{
    network_configuration::{self, Named},
    task_definition::platform::check_tags,
    task_definition_reference::TaskDefinitionReference,
    violation::{Violation, Violations},
};

/// What the group of a service's tasks begins with.
const OF_SERVICES: &str = "service:";

/// Most characters of a group, and of the reason of a stop.
const MOST_CHARACTERS: usize = 255;

/// Most characters of `startedBy`.
const MOST_OF_STARTED_BY: usize = 128;

/// A task that ECS would run, as far as the task alone can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What it runs.
    pub task_definition: TaskDefinitionReference,
    /// Its group, if it names one.
    group: Option<String>,
    /// Who started it.
    pub started_by: Option<String>,
    /// The security groups that it names; empty means the default one of its cluster.
    pub security_groups: Vec<String>,
    /// Ids of the subnets that it names; empty means any node.
    pub subnets: Vec<String>,
    /// Whether it has a network configuration, which only awsvpc allows.
    pub has_network_configuration: bool,
    /// Whether it is to run.
    pub desired_status: DesiredStatus,
    /// Why it is to stop, if somebody said so.
    pub reason: Option<String>,
    /// Seconds after its stop in which it is deleted; `None` for never.
    pub ttl_seconds_after_stopped: Option<u32>,
}

impl Task {
    /// Its group.
    #[must_use]
    pub fn group(&self, family: &str) -> String {
        group_or_family(self.group.as_deref(), family)
    }
}

/// The group of a task. One that names none is in that of its family.
#[must_use]
pub fn group_or_family(named: Option<&str>, family: &str) -> String {
    named.map_or_else(|| format!("family:{family}"), str::to_owned)
}

/// The group of a service's tasks.
#[must_use]
pub fn group_of_service(service_name: &str) -> String {
    format!("{OF_SERVICES}{service_name}")
}

/// Checks what the task alone can tell. The record of a service's task, which the operator writes, is none to check.
///
/// # Errors
/// Every rule that the task breaks.
pub fn check(spec: &EcsTaskSpec) -> Result<Task, Vec<Violation>> {
    let mut violations = Violations::new();
    let task_definition = TaskDefinitionReference::parse(&spec.task_definition)
        .map_err(|error| violations.add("SV03", "spec.taskDefinition", error.to_string()));
    let message = "An EcsTask is one task: remove count, and make an EcsTask for each.";
    violations.require(spec.count.is_none_or(|count| count == 1), "RT01", "spec.count", message);
    if let Some(group) = &spec.group {
        check_group(group, &mut violations);
    }
    check_length(spec.started_by.as_ref(), MOST_OF_STARTED_BY, "startedBy", &mut violations);
    check_length(spec.reason.as_ref(), MOST_CHARACTERS, "reason", &mut violations);
    let network = spec.network_configuration.as_ref();
    let Named { subnets, security_groups } = network_configuration::check(network).unwrap_or_else(|broken| {
        violations.extend(broken);
        Named::default()
    });
    check_tags(spec.tags.as_deref().unwrap_or_default(), "spec.tags", &mut violations);
    let Ok(task_definition) = task_definition else { return Err(violations.into()) };
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let ttl = spec.kubernetes.as_ref().and_then(|kubernetes| kubernetes.ttl_seconds_after_stopped);
    violations.or(Task {
        task_definition,
        group: spec.group.clone(),
        started_by: given(&spec.started_by),
        security_groups,
        subnets,
        has_network_configuration: network_configuration::is_given(network),
        desired_status: spec.desired_status.unwrap_or(DesiredStatus::Running),
        reason: given(&spec.reason),
        ttl_seconds_after_stopped: ttl.and_then(|seconds| u32::try_from(seconds).ok()),
    })
}

/// Checks a task against the network mode of the task definition that it runs (SV06).
///
/// # Errors
/// When it has a network configuration that the mode does not allow.
pub fn check_network(task: &Task, network_mode: Option<NetworkMode>) -> Result<(), Violation> {
    network_configuration::check_mode(task.has_network_configuration, network_mode)
}

fn check_group(group: &str, violations: &mut Violations) {
    const PATH: &str = "spec.group";
    let message = format!("A group has 1 to {MOST_CHARACTERS} characters. Remove it for family: and the family.");
    violations.require((1..=MOST_CHARACTERS).contains(&group.chars().count()), "RT01", PATH, message);
    let message =
        format!("A group that begins with {OF_SERVICES} is that of a service, which starts its tasks itself.");
    violations.require(!group.starts_with(OF_SERVICES), "RT01", PATH, message);
}

fn check_length(text: Option<&String>, most: usize, member: &str, violations: &mut Violations) {
    let fits = text.is_none_or(|text| text.chars().count() <= most);
    let message = format!("{member} has at most {most} characters.");
    violations.require(fits, "RT01", format!("spec.{member}"), message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(more: &Value) -> Result<Task, Vec<String>> {
        let mut document = json!({"taskDefinition": "web:3"});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let spec = serde_json::from_value(document).unwrap();
        check(&spec).map_err(|violations| {
            violations.into_iter().map(|violation| format!("{} {}", violation.rule, violation.path)).collect()
        })
    }

    #[test]
    fn defaults_are_those_of_ecs() {
        let task = checked(&json!({"startedBy": "", "reason": ""})).unwrap();
        assert_eq!(task.task_definition, TaskDefinitionReference { family: "web".into(), revision: Some(3) });
        assert_eq!(task.group("web"), "family:web");
        assert_eq!((task.started_by, task.reason), (None, None));
        assert_eq!(task.desired_status, DesiredStatus::Running);
        assert!(task.security_groups.is_empty() && !task.has_network_configuration);
    }

    #[test]
    fn what_is_given_is_kept() {
        let task = checked(&json!({
            "count": 1, "group": "nightly", "startedBy": "cron", "desiredStatus": "STOPPED", "reason": "No longer needed",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["a"], "securityGroups": ["jobs"]}},
            "tags": [{"key": "team", "value": "a"}], "kubernetes": {"ttlSecondsAfterStopped": 60},
        }))
        .unwrap();
        assert_eq!(task.group("web"), "nightly");
        assert_eq!(task.started_by.as_deref(), Some("cron"));
        assert_eq!((task.desired_status, task.reason.as_deref()), (DesiredStatus::Stopped, Some("No longer needed")));
        assert_eq!(task.security_groups, ["jobs"]);
        assert_eq!(task.ttl_seconds_after_stopped, Some(60));
        assert_eq!(check_network(&task, Some(NetworkMode::Awsvpc)), Ok(()));
        assert_eq!(check_network(&task, None).unwrap_err().rule, "SV06");
    }

    #[test]
    fn every_broken_rule_is_told() {
        let awsvpc =
            |member: &str, names: Value| json!({"networkConfiguration": {"awsvpcConfiguration": {member: names}}});
        for (more, told) in [
            (json!({"taskDefinition": "web:x"}), "SV03 spec.taskDefinition"),
            (json!({"count": 0}), "RT01 spec.count"),
            (json!({"count": 2}), "RT01 spec.count"),
            (json!({"group": ""}), "RT01 spec.group"),
            (json!({"group": "g".repeat(256)}), "RT01 spec.group"),
            (json!({"group": "service:web"}), "RT01 spec.group"),
            (json!({"startedBy": "s".repeat(129)}), "RT01 spec.startedBy"),
            (json!({"desiredStatus": "STOPPED", "reason": "r".repeat(256)}), "RT01 spec.reason"),
            (
                awsvpc("securityGroups", json!(["a", "b", "c", "d", "e", "f"])),
                "SV07 spec.networkConfiguration.awsvpcConfiguration.securityGroups",
            ),
            (awsvpc("subnets", json!([""])), "SV07 spec.networkConfiguration.awsvpcConfiguration.subnets[0]"),
            (json!({"tags": [{"key": "aws:a"}]}), "TD45 spec.tags[0].key"),
        ] {
            assert_eq!(checked(&more), Err(vec![told.to_owned()]), "{more}");
        }
        // All of them at once.
        let both = checked(&json!({"taskDefinition": "", "count": 3, "group": "service:"})).unwrap_err();
        assert_eq!(both, ["SV03 spec.taskDefinition", "RT01 spec.count", "RT01 spec.group"]);
        let longest = json!({"group": "ü".repeat(255), "startedBy": "ü".repeat(128), "reason": "ü".repeat(255)});
        assert!(checked(&longest).is_ok());
    }

    #[test]
    fn a_service_has_a_group_of_its_own() {
        assert_eq!(group_of_service("web"), "service:web");
    }
}
