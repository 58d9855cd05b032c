//! An EcsTask, or a task definition that runs by itself -> its Pod and what has to be there before, as the controller makes
//! them.

use crate::{
    api::{
        cluster::{EcsCluster, EcsClusterSpec},
        register_task_definition::NetworkMode,
        task::{DesiredStatus, EcsTask, EcsTaskSpec},
    },
    ecs::{
        self, field_outcomes, network_configuration::Groups, task::Task, task_definition::TaskDefinition,
        task_overrides, violation::Violation,
    },
    translate::{
        names, network_policy,
        owner::Owner,
        security_group,
        task_pod::{TaskPod, task_pod},
    },
};

use super::{
    Rendering,
    around::Around,
    input::{Content, Input},
    objects::{Registered, found, is_accepted, is_of_cluster, metadata, policy_of, refuse, typed},
};

pub(super) fn named(input: &Input, spec: &EcsTaskSpec, around: &Around<'_>, rendering: &mut Rendering) {
    rendering.tell(&input.label, field_outcomes::of_task(spec, &input.namespace, around.has_subnets(&input.namespace)));
    let checked = ecs::task::check(spec);
    let violations = checked.as_ref().err().cloned().unwrap_or_default();
    let is_accepted = is_accepted(input, violations, rendering);
    let is_of_cluster = is_of_cluster(input, spec.cluster.as_deref(), around, rendering);
    let Some(task) = checked.ok().filter(|_| is_accepted && is_of_cluster) else { return };
    if let Some(found) = found(&task.task_definition, input, "task", around, rendering) {
        run(input, spec, &task, found, around, rendering);
    }
}

/// A task definition that nothing among the documents runs, as a task of its name.
pub(super) fn made_up(registered: &Registered<'_>, around: &Around<'_>, rendering: &mut Rendering) {
    let family = &registered.checked.family;
    let task_definition = format!("{family}:{}", registered.revision);
    let spec = EcsTaskSpec { task_definition, ..Default::default() };
    match ecs::task::check(&spec) {
        Ok(task) => {
            let input = Input { name: names::object(family), ..registered.input.clone() };
            run(&input, &spec, &task, registered, around, rendering);
        }
        Err(violations) => refuse(&registered.input.label, &violations, rendering),
    }
}

fn run(
    input: &Input,
    spec: &EcsTaskSpec,
    task: &Task,
    registered: &Registered<'_>,
    around: &Around<'_>,
    rendering: &mut Rendering,
) {
    let definition = match overridden(spec, registered) {
        Ok(definition) => definition,
        Err(violations) => return refuse(&input.label, &violations, rendering),
    };
    if let Err(violation) = ecs::task::check_network(task, definition.network_mode) {
        return refuse(&input.label, &[violation], rendering);
    }
    // A task that is to be stopped before it has run never runs.
    if task.desired_status == DesiredStatus::Stopped {
        return;
    }
    let namespace = &input.namespace;
    let location = match around.locate(namespace, &task.subnets) {
        Ok(location) => location,
        Err(violations) => return refuse(&input.label, &violations, rendering),
    };
    let cluster_object = &around.cluster_of(namespace, spec.cluster.as_deref());
    let default = names::DEFAULT_SECURITY_GROUP.to_owned();
    let groups = Groups::of(&task.security_groups, default, definition.network_mode);
    if let Groups::Unnamed(_) = &groups {
        default_group(input, cluster_object, around, rendering);
    }
    if definition.network_mode == Some(NetworkMode::None) {
        let metadata = metadata(&input.name, Some(namespace));
        let owner = Owner::of(&EcsTask { metadata, spec: spec.clone(), status: None });
        rendering.objects.push(typed(&network_policy::isolation_of_task(namespace, &input.name, &owner)));
    }
    let pod = task_pod(TaskPod {
        name: &input.name,
        namespace,
        arns: &around.surroundings.arns,
        cluster_object,
        task_definition: &definition,
        roles: &around.roles_of(namespace, &definition),
        revision: registered.revision,
        group: &task.group(&definition.family),
        security_groups: groups.names(),
        location: &location,
        version: around.surroundings.version,
    });
    rendering.objects.push(typed(&pod));
}

/// The definition that a task runs.
fn overridden(spec: &EcsTaskSpec, registered: &Registered<'_>) -> Result<TaskDefinition, Vec<Violation>> {
    match (&spec.overrides, &registered.input.content) {
        (Some(overrides), Content::TaskDefinition { definition, .. }) => {
            task_overrides::check(definition, overrides, &registered.checked.family)
        }
        _ => Ok(registered.checked.clone()),
    }
}

/// The policy of the group that tasks have which name none: one for all of a cluster, as long as nobody has written the group.
fn default_group(input: &Input, cluster_object: &str, around: &Around<'_>, rendering: &mut Rendering) {
    if around.has_group(&input.namespace, names::DEFAULT_SECURITY_GROUP) {
        return;
    }
    let metadata = metadata(cluster_object, None);
    let owner = Owner::of(&EcsCluster { metadata, spec: EcsClusterSpec::default(), status: None });
    let group = security_group::default_group(&input.namespace, cluster_object, &owner);
    let mut of_group = Rendering::default();
    policy_of(&group, &input.namespace, &input.label, around, &mut of_group);
    let is_new = |policy: &_| !rendering.objects.contains(policy);
    let new: Vec<_> = of_group.objects.into_iter().filter(is_new).collect();
    rendering.objects.extend(new);
    rendering.report.extend(of_group.report);
}
