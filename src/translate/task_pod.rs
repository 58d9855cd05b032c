//! EcsTask -> its Pod: a task that runs by itself. It is started once.

use k8s_openapi::api::core::v1::{Pod, PodSchedulingGate};
use kube::api::ObjectMeta;

use crate::ecs::{
    arn::ArnScope, kubernetes_version::KubernetesVersion, role::RolesOfTask, subnet::Location,
    task_definition::TaskDefinition,
};

use super::{
    labels, names,
    owner::Owner,
    pod::{self, Runs, Task},
};

/// Keeps the Pod of a stored EcsTask from being scheduled until its UID stands in the status of its task.
pub const RECORDED_GATE: &str = "ecs-operator.dev/recorded";

/// What the Pod of a task by itself is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct TaskPod<'a> {
    /// Name of the EcsTask.
    pub name: &'a str,
    /// The Namespace.
    pub namespace: &'a str,
    /// Region and account.
    pub arns: &'a ArnScope,
    /// Name of the EcsCluster.
    pub cluster_object: &'a str,
    /// What runs, with the overrides of the task.
    pub task_definition: &'a TaskDefinition,
    /// What its roles bring.
    pub roles: &'a RolesOfTask,
    /// Its revision.
    pub revision: i64,
    /// The group of the task.
    pub group: &'a str,
    /// Names of the EcsSecurityGroups.
    pub security_groups: &'a [String],
    /// Where the task runs.
    pub location: &'a Location,
    /// What the Kubernetes cluster can do.
    pub version: KubernetesVersion,
}

/// Renders the Pod of a task that is not stored, and so owns nothing.
#[must_use]
pub fn task_pod(task: TaskPod<'_>) -> Pod {
    let definition = task.task_definition;
    let rendered = Task {
        arns: task.arns,
        task_definition: definition,
        roles: task.roles,
        runs: Runs::Alone,
        location: task.location,
        spread_with: &labels::of_task_group(task.group),
        version: task.version,
    };
    let mut pod_labels = labels::managed();
    pod_labels.insert(labels::CLUSTER.into(), names::label_value(task.cluster_object));
    pod_labels.extend(labels::task_selector(task.name));
    labels::add_task(&mut pod_labels, definition, task.revision, task.group, task.security_groups);
    Pod {
        metadata: ObjectMeta {
            name: Some(names::task_pod(task.name)),
            namespace: Some(task.namespace.into()),
            labels: Some(pod_labels),
            annotations: Some(pod::annotations(rendered, task.revision)),
            ..Default::default()
        },
        spec: Some(pod::spec(rendered)),
        status: None,
    }
}

/// Renders the Pod of a stored EcsTask, which owns it. It runs when its gate is lifted, and not before.
#[must_use]
pub fn owned_task_pod(task: TaskPod<'_>, owner: &Owner) -> Pod {
    let mut pod = task_pod(task);
    pod.metadata.owner_references = Some(vec![owner.reference()]);
    let gate = PodSchedulingGate { name: RECORDED_GATE.into() };
    pod.spec.get_or_insert_default().scheduling_gates = Some(vec![gate]);
    pod
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::task::{EcsTask, EcsTaskSpec},
        ecs::{kubernetes_version, task_containers, task_definition},
        translate::{labels::Labels, pod::running_containers},
    };
    use serde_json::{Value, json};

    fn pod(document: Value) -> Pod {
        let definition = task_definition::check(&serde_json::from_value(document).unwrap(), "web").unwrap();
        let mut task = EcsTask::new("migrate.1", EcsTaskSpec::default());
        task.metadata.uid = Some("uid".into());
        let pod = TaskPod {
            name: "migrate.1",
            namespace: "ecs-shop",
            arns: &ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
            cluster_object: "shop",
            task_definition: &definition,
            roles: &RolesOfTask::default(),
            revision: 3,
            group: "family:web",
            security_groups: &["jobs".into()],
            location: &Location::default(),
            version: kubernetes_version::LEAST,
        };
        let pod = owned_task_pod(pod, &Owner::of(&task));
        // What travels with the Pod is what the definition says.
        let annotations = pod.metadata.annotations.clone().unwrap();
        assert_eq!(running_containers(&annotations), task_containers::of(&definition, false, names::container));
        pod
    }

    #[test]
    fn the_pod_belongs_to_its_task_and_is_found_by_its_name() {
        let container =
            json!({"name": "Web_1", "image": "i", "memory": 64, "healthCheck": {"command": ["CMD", "true"]}});
        let pod = pod(json!({"containerDefinitions": [container]}));
        let metadata = &pod.metadata;
        assert_eq!(metadata.name, Some(names::task_pod("migrate.1")));
        let gates = pod.spec.as_ref().unwrap().scheduling_gates.as_ref().unwrap();
        assert_eq!(gates.iter().map(|gate| gate.name.as_str()).collect::<Vec<_>>(), [RECORDED_GATE]);
        let owner = &metadata.owner_references.as_ref().unwrap()[0];
        assert_eq!((owner.kind.as_str(), owner.name.as_str(), owner.uid.as_str()), ("EcsTask", "migrate.1", "uid"));
        let labels = metadata.labels.as_ref().unwrap();
        assert_eq!(labels.get(labels::TASK), metadata.name.as_ref());
        for name in [labels::MANAGED_BY, labels::CLUSTER, labels::FAMILY, labels::REVISION, labels::TASK_GROUP] {
            assert!(labels.contains_key(name), "{name}");
        }
        assert!(labels.contains_key(&names::security_group_label("jobs")));
        assert!(!labels.contains_key(labels::SERVICE) && !labels.contains_key(labels::NETWORK_MODE));
        let containers = running_containers(metadata.annotations.as_ref().unwrap());
        assert_eq!(containers[0].name, "Web_1");
        assert_eq!(containers[0].in_pod(), pod.spec.unwrap().containers[0].name);
    }

    #[test]
    fn a_task_without_a_network_is_labelled() {
        let container = json!({"name": "a", "image": "i", "memory": 64});
        let pod = pod(json!({"networkMode": "none", "containerDefinitions": [container]}));
        assert_eq!(pod.metadata.labels.unwrap()[labels::NETWORK_MODE], "none");
    }

    #[test]
    fn annotations_that_say_nothing_of_containers_are_none() {
        assert_eq!(running_containers(&Labels::new()), []);
        for text in ["", "{}", "[{}]", "null"] {
            assert_eq!(running_containers(&Labels::from([(labels::CONTAINERS.into(), text.into())])), [], "{text}");
        }
    }
}
