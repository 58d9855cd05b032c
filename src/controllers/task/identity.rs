//! What never changes of a task, from its EcsTask.

use kube::ResourceExt;

use crate::{
    api::task::EcsTask,
    controllers::{cluster::name_of, context::Context},
    decide::task_status::Identity,
    ecs::{task::group_or_family, task_definition_reference::TaskDefinitionReference},
    translate::{labels, names},
};

/// The identity of a record: it is named after its task.
pub(super) fn of_record(record: &EcsTask, context: &Context) -> Identity {
    let (family, revision) = revision_of(&record.spec.task_definition);
    let namespace = record.namespace().unwrap_or_default();
    // The record may outlive its cluster, whose name is a label then.
    let cluster = context.cluster_of(&namespace).map(|cluster| name_of(&cluster));
    let cluster = cluster.or_else(|| record.labels().get(labels::CLUSTER).cloned()).unwrap_or_default();
    identity(&record.name_any(), &cluster, &family, revision, record, context)
}

/// The family and the number of a revision that was resolved.
pub(super) fn revision_of(reference: &str) -> (String, i64) {
    let reference = TaskDefinitionReference::parse(reference).ok();
    reference.map_or((String::new(), 0), |reference| (reference.family, reference.revision.unwrap_or_default()))
}

/// The identity of a task that runs by itself.
pub(super) fn of_task(task: &EcsTask, cluster: &str, family: &str, revision: i64, context: &Context) -> Identity {
    let task_id = names::task_id(&task.uid().unwrap_or_default());
    identity(&task_id, cluster, family, revision, task, context)
}

fn identity(task_id: &str, cluster: &str, family: &str, revision: i64, task: &EcsTask, context: &Context) -> Identity {
    Identity {
        task_id: task_id.into(),
        task_arn: context.arns.task(cluster, task_id),
        cluster_arn: context.arns.cluster(cluster),
        task_definition_arn: context.arns.task_definition(family, revision),
        task_definition_revision: format!("{family}:{revision}"),
        group: group_or_family(task.spec.group.as_deref(), family),
        created_at: task.metadata.creation_timestamp.clone(),
    }
}
