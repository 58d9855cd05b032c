//! Whether a task may run: it keeps the rules, and what it names exists. Pure.

use std::sync::Arc;

use crate::{
    api::{cluster::EcsCluster, security_group::EcsSecurityGroup, task::EcsTask, task_status::EcsTaskStatus},
    controllers::{
        cluster::{Holder, holder},
        refusal::Refusal,
        revision_lookup::{self, Found, Places},
        role::Roles,
        security_group,
    },
    decide::conditions::reason,
    ecs::{
        network_configuration::Groups,
        role::RolesOfTask,
        subnet::Location,
        task::{self, Task},
        task_definition::TaskDefinition,
        task_definition_reference::TaskDefinitionReference,
        violation::{self, Violation},
    },
    translate::names,
};

/// What the operator has seen of what is around a task.
pub(super) struct Around {
    pub(super) namespace: String,
    pub(super) clusters: Vec<Arc<EcsCluster>>,
    pub(super) places: Places,
    pub(super) security_groups: Vec<Arc<EcsSecurityGroup>>,
    pub(super) roles: Roles,
}

/// A task that may run.
pub(super) struct Accepted {
    pub(super) cluster: Holder,
    pub(super) task: Task,
    pub(super) revision: i64,
    /// With the overrides of the task.
    pub(super) task_definition: TaskDefinition,
    pub(super) roles: RolesOfTask,
    pub(super) groups: Groups,
    pub(super) location: Location,
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
    let task_definition = revision_lookup::checked(&revision, task.spec.overrides.as_ref())?;
    task::check_network(&checked, task_definition.network_mode).map_err(|violation| invalid(&[violation]))?;
    let default = names::DEFAULT_SECURITY_GROUP.to_owned();
    let groups = Groups::of(&checked.security_groups, default, task_definition.network_mode);
    security_group::check_named(&groups, &around.security_groups, &around.namespace)?;
    let location = cluster.locate(&checked.subnets)?;
    let roles = around.roles.of_task(&task_definition, &around.namespace)?;
    Ok(Accepted { cluster, task: checked, revision: revision.number, task_definition, roles, groups, location })
}
