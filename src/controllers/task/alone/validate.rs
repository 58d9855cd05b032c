//! Whether a task may run: it keeps the rules, and what it names exists. Pure.

use std::sync::Arc;

use kube::ResourceExt;

use crate::{
    api::{
        cluster::EcsCluster, register_task_definition::NetworkMode, security_group::EcsSecurityGroup, task::EcsTask,
        task_status::EcsTaskStatus,
    },
    controllers::{
        cluster::{Holder, holder},
        refusal::Refusal,
        revision_lookup::{self, Found, Places},
    },
    decide::conditions::reason,
    ecs::{
        task::{self, Task},
        task_definition::TaskDefinition,
        task_definition_reference::TaskDefinitionReference,
        task_overrides,
        violation::{self, Violation},
    },
    kube_io::revision::Revision,
};

/// What the operator has seen of what is around a task.
pub(super) struct Around {
    pub(super) namespace: String,
    pub(super) clusters: Vec<Arc<EcsCluster>>,
    pub(super) places: Places,
    pub(super) security_groups: Vec<Arc<EcsSecurityGroup>>,
}

/// A task that may run.
pub(super) struct Accepted {
    pub(super) cluster: Holder,
    pub(super) task: Task,
    pub(super) revision: i64,
    /// With the overrides of the task.
    pub(super) task_definition: TaskDefinition,
    pub(super) groups: Groups,
}

/// The security groups of a task.
pub(super) enum Groups {
    /// That of its cluster, which is made when it is missing.
    Default,
    /// Those that it names.
    Named(Vec<String>),
    /// None acts: network mode `none` is cut off by a policy of its own, `host` by nothing.
    None,
}

/// `before` is the status that the task has: what its family meant at first it means for good.
pub(super) fn validate(task: &EcsTask, before: &EcsTaskStatus, around: &Around) -> Result<Accepted, Refusal> {
    let invalid = |violations: &[Violation]| Refusal::new(reason::INVALID, &violation::summary(violations));
    let checked = task::check(&task.spec).map_err(|violations| invalid(&violations))?;
    let cluster = holder(&around.namespace, &around.clusters, task.spec.cluster.as_deref())
        .map_err(|error| Refusal::new(reason::CLUSTER_NOT_FOUND, &error))?;
    let resolved = before.task_definition_revision.as_deref().and_then(|it| TaskDefinitionReference::parse(it).ok());
    let reference = resolved.as_ref().unwrap_or(&checked.task_definition);
    let Found { revision, .. } =
        around.places.find(reference, None).map_err(|error| revision_lookup::refusal(&error))?;
    let task_definition = definition(task, &revision)?;
    task::check_network(&checked, task_definition.network_mode).map_err(|violation| invalid(&[violation]))?;
    let groups = groups(&checked, task_definition.network_mode, around)?;
    Ok(Accepted { cluster, task: checked, revision: revision.number, task_definition, groups })
}

/// The definition that the task runs: that of the revision with its overrides.
fn definition(task: &EcsTask, revision: &Revision) -> Result<TaskDefinition, Refusal> {
    let Some(overrides) = &task.spec.overrides else { return revision_lookup::checked(revision) };
    let invalid = |problem: &str| {
        let (family, number) = (&revision.family, revision.number);
        Refusal::new(reason::INVALID, &format!("Task definition {family}:{number} with spec.overrides: {problem}"))
    };
    let definition = revision.definition().map_err(|error| invalid(&error.to_string()))?;
    task_overrides::check(&definition, overrides, &revision.family)
        .map_err(|violations| invalid(&violation::summary(&violations)))
}

fn groups(task: &Task, mode: Option<NetworkMode>, around: &Around) -> Result<Groups, Refusal> {
    if matches!(mode, Some(NetworkMode::None | NetworkMode::Host)) {
        return Ok(Groups::None);
    }
    if task.security_groups.is_empty() {
        return Ok(Groups::Default);
    }
    let exists = |name: &String| around.security_groups.iter().any(|group| group.name_any() == *name);
    match task.security_groups.iter().find(|name| !exists(name)) {
        Some(missing) => {
            let message = format!(
                "The security group '{missing}' does not exist. Make an EcsSecurityGroup of that name in Namespace {}, or correct spec.networkConfiguration.awsvpcConfiguration.securityGroups.",
                around.namespace
            );
            Err(Refusal::new(reason::SECURITY_GROUP_NOT_FOUND, &message))
        }
        None => Ok(Groups::Named(task.security_groups.clone())),
    }
}
