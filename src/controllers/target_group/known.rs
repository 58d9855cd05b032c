//! The target groups of a Namespace, as services look for them.

use std::sync::Arc;

use kube::ResourceExt;

use crate::{
    controllers::{context::Context, refusal::Refusal},
    decide::conditions::reason,
    ecs::{
        arn::ArnScope,
        target::{self, KnownTargetGroup, NamedTarget, Target},
        task_definition::TaskDefinition,
        violation::{self, Violation},
    },
    kube_io::caches::Caches,
};

use super::observe;

/// The target groups of a Namespace.
pub struct TargetGroups {
    caches: Arc<Caches>,
    namespace: String,
    arns: ArnScope,
}

impl TargetGroups {
    /// What the operator has seen of them.
    #[must_use]
    pub fn of(namespace: &str, context: &Context) -> Self {
        Self { caches: Arc::clone(&context.caches), namespace: namespace.into(), arns: context.arns.clone() }
    }

    /// A task definition as a service runs it that registers its tasks. One that is being deleted waits for those that it has `before`,
    /// and takes no others.
    ///
    /// # Errors
    /// When a target group is not there, or does not go with the task definition.
    pub fn register(
        &self,
        definition: TaskDefinition,
        named: &[NamedTarget],
        before: &[Target],
    ) -> Result<TaskDefinition, Refusal> {
        let has = |object: &str| before.iter().any(|target| target.target_group == object);
        let find = |name: &str| {
            let known = self.find(name)?;
            Some(KnownTargetGroup { is_deleted: known.is_deleted && !has(&known.object), ..known })
        };
        target::register(definition, named, find).map_err(|violations| refusal(&violations))
    }

    /// Checks that the target groups of tasks that run are there still, be it that they wait for those.
    ///
    /// # Errors
    /// When one is not.
    pub fn check_there(&self, named: &[NamedTarget]) -> Result<(), Refusal> {
        target::check_there(named, |name| self.object(name).is_some()).map_err(|violations| refusal(&violations))
    }

    /// The EcsTargetGroups that have the names, in their order; `None` while one is missing.
    #[must_use]
    pub fn objects(&self, named: &[NamedTarget]) -> Option<Vec<String>> {
        named.iter().map(|named| self.object(&named.target_group)).collect()
    }

    /// The EcsTargetGroup that has a name. Each look at a service asks for it, and no look needs more that starts nothing.
    fn object(&self, name: &str) -> Option<String> {
        observe::holder(&self.namespace, name, &self.caches).map(|holder| holder.name)
    }

    fn find(&self, name: &str) -> Option<KnownTargetGroup> {
        let group = self.caches.target_groups.get(&self.namespace, &self.object(name)?)?;
        let arn = self.arns.target_group(name, group.metadata.uid.as_deref().unwrap_or_default());
        let known = KnownTargetGroup::of(&group.spec, &group.name_any(), arn);
        Some(KnownTargetGroup { is_deleted: group.metadata.deletion_timestamp.is_some(), ..known })
    }
}

fn refusal(violations: &[Violation]) -> Refusal {
    let is_lack = violations.iter().all(|violation| violation.rule == "SV31");
    let reason = if is_lack { reason::TARGET_GROUP_NOT_FOUND } else { reason::INVALID };
    Refusal::new(reason, &violation::summary(violations))
}
