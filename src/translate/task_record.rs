//! A Pod of a service -> the EcsTask that records its task: what ran, for which deployment. What becomes of the task is its
//! status, and not written here.

use kube::api::ObjectMeta;

use crate::{
    api::task::{EcsTask, EcsTaskSpec},
    ecs::{task::group_of_service, task_definition_reference::TaskDefinitionReference},
};

use super::{
    labels::{self, Labels},
    names,
};

/// What a record is made from: the metadata of a Pod, and what is known of its service.
#[derive(Clone, Copy, Debug)]
pub struct RecordedPod<'a> {
    /// The Namespace.
    pub namespace: &'a str,
    /// Name of the Pod.
    pub name: &'a str,
    /// Its UID.
    pub uid: &'a str,
    /// Its labels.
    pub labels: &'a Labels,
    /// Its annotations.
    pub annotations: &'a Labels,
    /// Name of the service as ECS shows it.
    pub service_name: &'a str,
    /// Id of the deployment that started it.
    pub deployment_id: &'a str,
}

/// Labels of a Pod that its record has as well: users and the operator look for records by them.
const KEPT: [&str; 5] = [labels::CLUSTER, labels::SERVICE, labels::DEPLOYMENT, labels::FAMILY, labels::REVISION];

/// Renders the record of a service's task. Nothing owns it: it outlives the Pod and the service. The finalizer holds it until
/// its task has stopped.
#[must_use]
pub fn record(pod: RecordedPod<'_>, finalizer: &str) -> EcsTask {
    let mut record_labels = labels::managed();
    let kept = KEPT.iter().filter_map(|name| pod.labels.get_key_value(*name));
    record_labels.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    EcsTask {
        metadata: ObjectMeta {
            name: Some(names::task_id(pod.uid)),
            namespace: Some(pod.namespace.into()),
            labels: Some(record_labels),
            annotations: Some(Labels::from([(labels::POD.into(), pod.name.into())])),
            finalizers: Some(vec![finalizer.into()]),
            ..Default::default()
        },
        spec: EcsTaskSpec {
            task_definition: task_definition(pod),
            group: Some(group_of_service(pod.service_name)),
            started_by: Some(pod.deployment_id.into()),
            ..Default::default()
        },
        status: None,
    }
}

/// `family:revision`. The annotation has the family as ECS writes it; its label may have another form.
fn task_definition(pod: RecordedPod<'_>) -> String {
    let annotated = pod.annotations.get(labels::TASK_DEFINITION);
    let reference = annotated.and_then(|arn| TaskDefinitionReference::parse(arn).ok());
    reference.map_or_else(
        || {
            let label = |name: &str| pod.labels.get(name).map(String::as_str).unwrap_or_default();
            format!("{}:{}", label(labels::FAMILY), label(labels::REVISION))
        },
        |reference| reference.to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::task;

    fn labels_of(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn recorded(annotations: &Labels) -> EcsTask {
        let labels = labels_of(&[
            (labels::MANAGED_BY, labels::OPERATOR),
            (labels::CLUSTER, "shop"),
            (labels::SERVICE, "web"),
            (labels::DEPLOYMENT, "2"),
            (labels::FAMILY, "web-1-0123abcd"),
            (labels::REVISION, "3"),
            (labels::TASK_GROUP, "service-web-0123abcd"),
            ("pod-template-hash", "5d9c"),
        ]);
        let pod = RecordedPod {
            namespace: "ecs-shop",
            name: "web-5d9c-x2x4v",
            uid: "5f0c1c5e-0d5b-4f6b-9a35-2f1f4ad1a0d1",
            labels: &labels,
            annotations,
            service_name: "Web",
            deployment_id: "ecs-svc/0000000000000000001",
        };
        record(pod, "ecs-operator.dev/task")
    }

    #[test]
    fn a_record_is_named_after_its_task_and_owned_by_nobody() {
        let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/Web_1:3";
        let record = recorded(&labels_of(&[(labels::TASK_DEFINITION, arn)]));
        let metadata = record.metadata;
        assert_eq!(metadata.name.as_deref(), Some("5f0c1c5e0d5b4f6b9a352f1f4ad1a0d1"));
        assert_eq!(metadata.namespace.as_deref(), Some("ecs-shop"));
        assert_eq!(metadata.owner_references, None);
        assert_eq!(metadata.finalizers, Some(vec!["ecs-operator.dev/task".to_owned()]));
        assert_eq!(metadata.annotations, Some(labels_of(&[(labels::POD, "web-5d9c-x2x4v")])));
        let expected = labels_of(&[
            (labels::MANAGED_BY, labels::OPERATOR),
            (labels::CLUSTER, "shop"),
            (labels::SERVICE, "web"),
            (labels::DEPLOYMENT, "2"),
            (labels::FAMILY, "web-1-0123abcd"),
            (labels::REVISION, "3"),
        ]);
        assert_eq!(metadata.labels, Some(expected));
        assert_eq!(record.spec.task_definition, "Web_1:3");
        assert_eq!(record.spec.group.as_deref(), Some("service:Web"));
        assert_eq!(record.spec.started_by.as_deref(), Some("ecs-svc/0000000000000000001"));
    }

    #[test]
    fn a_pod_whose_annotation_is_gone_is_recorded_by_its_labels() {
        assert_eq!(recorded(&Labels::new()).spec.task_definition, "web-1-0123abcd:3");
        assert_eq!(recorded(&labels_of(&[(labels::TASK_DEFINITION, "")])).spec.task_definition, "web-1-0123abcd:3");
    }

    #[test]
    fn nobody_can_run_a_task_that_looks_like_a_record() {
        assert_eq!(task::check(&recorded(&Labels::new()).spec).unwrap_err()[0].path, "spec.group");
    }
}
