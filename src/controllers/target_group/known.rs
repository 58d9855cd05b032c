//! The target groups of a Namespace, as services look for them.

use std::sync::Arc;

use kube::ResourceExt;

use crate::{
    api::target_group::EcsTargetGroup,
    controllers::{context::Context, refusal::Refusal},
    decide::conditions::{ACCEPTED, is_true, reason},
    ecs::{
        arn::ArnScope,
        target::{self, KnownTargetGroup, NamedTarget},
        task_definition::TaskDefinition,
        violation::{self, Violation},
    },
};

use super::name_of;

/// The target groups of a Namespace.
pub struct TargetGroups {
    groups: Vec<Arc<EcsTargetGroup>>,
    arns: ArnScope,
}

impl TargetGroups {
    /// What the operator has seen of them.
    #[must_use]
    pub fn of(namespace: &str, context: &Context) -> Self {
        Self { groups: context.caches.target_groups.in_namespace(namespace), arns: context.arns.clone() }
    }

    /// A task definition as a service runs it that registers its tasks.
    ///
    /// # Errors
    /// When a target group is not there, or does not go with the task definition.
    pub fn register(&self, definition: TaskDefinition, named: &[NamedTarget]) -> Result<TaskDefinition, Refusal> {
        target::register(definition, named, |name| self.find(name)).map_err(|violations| refusal(&violations))
    }

    /// Checks that the target groups of tasks that run are there still, be it that they wait for those.
    ///
    /// # Errors
    /// When one is not.
    pub fn check_there(&self, named: &[NamedTarget]) -> Result<(), Refusal> {
        let exists = |name: &str| self.groups.iter().any(|group| name_of(group) == name);
        target::check_there(named, exists).map_err(|violations| refusal(&violations))
    }

    /// Of several of a name the one that is accepted has it. No new task is registered with one that is being deleted.
    fn find(&self, name: &str) -> Option<KnownTargetGroup> {
        let stays = |group: &&Arc<EcsTargetGroup>| group.metadata.deletion_timestamp.is_none();
        let of_name = self.groups.iter().filter(stays).filter(|group| name_of(group) == name);
        let group = of_name.min_by_key(|group| !is_accepted(group))?;
        let arn = self.arns.target_group(name, group.metadata.uid.as_deref().unwrap_or_default());
        Some(KnownTargetGroup::of(&group.spec, &group.name_any(), arn))
    }
}

fn refusal(violations: &[Violation]) -> Refusal {
    let is_lack = violations.iter().all(|violation| violation.rule == "SV31");
    let reason = if is_lack { reason::TARGET_GROUP_NOT_FOUND } else { reason::INVALID };
    Refusal::new(reason, &violation::summary(violations))
}

fn is_accepted(group: &EcsTargetGroup) -> bool {
    group.status.as_ref().is_some_and(|status| is_true(&status.conditions, ACCEPTED))
}
