//! What a deployment of a service was started with, kept in a ControllerRevision: reconciling applies what was rendered
//! then, not what would be rendered now, so that an upgrade of the operator or a change around it restarts no task.

use k8s_openapi::{
    api::{apps::v1::ControllerRevision, core::v1::PodTemplateSpec},
    apimachinery::pkg::runtime::RawExtension,
};
use kube::api::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    api::register_task_definition::NetworkMode,
    ecs::{
        hash::decimal_id,
        role::RolesOfTask,
        service_connect::ServiceConnect,
        service_registry::Registry,
        target::Target,
        task_definition::{TaskDefinition, port::Port},
    },
};

use super::{labels, names, owner::Owner, secret_needs::SecretNeeds};

/// One deployment of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Counts the deployments of the service, from 1.
    pub number: i64,
    /// The rest, as it is stored.
    pub content: SnapshotContent,
}

/// What is stored of a deployment.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotContent {
    /// The values that start a deployment when one of them changes.
    pub trigger: Trigger,
    /// The ports that its tasks listen on.
    pub ports: Vec<Port>,
    /// What its tasks are to target groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// The name under which its tasks are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<Registry>,
    /// What its tasks are in a namespace of Service Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect: Option<ServiceConnect>,
    /// The network mode of its tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<NetworkMode>,
    /// What its tasks need of Secrets.
    #[serde(flatten)]
    pub secret_needs: SecretNeeds,
    /// Whether something tells if its tasks are healthy. A snapshot that does not say was stored before that mattered.
    #[serde(default = "checks_health_when_unsaid")]
    pub checks_health: bool,
    /// The rendered Pod template, as it was sent.
    pub template: Value,
}

impl SnapshotContent {
    /// Whether its tasks leave their endpoints before they stop.
    #[must_use]
    pub fn drains(&self) -> bool {
        let containers = self.template.pointer("/spec/containers").and_then(Value::as_array);
        containers.into_iter().flatten().any(|container| !container["lifecycle"]["preStop"].is_null())
    }
}

fn checks_health_when_unsaid() -> bool {
    true
}

/// The values of a service that start a deployment when one of them changes.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// The family of the revision.
    pub family: String,
    /// The revision.
    pub revision: i64,
    /// The Namespace of the revision, where it is not the service's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `networkConfiguration` as the service has it.
    pub network_configuration: Value,
    /// `loadBalancers` as the service has it; null where it has none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub load_balancers: Value,
    /// The EcsTargetGroups that have the names in it: one that is made again under another name is another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<String>,
    /// `serviceRegistries` as the service has it; null where it has none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub service_registries: Value,
    /// `serviceConnectConfiguration` as the service has it; null where it is not enabled.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub service_connect: Value,
    /// `forceNewDeployment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_new_deployment: Option<String>,
    /// `kubernetes.preStopSeconds`.
    pub pre_stop_seconds: u32,
}

impl Snapshot {
    /// A new deployment with a freshly rendered template.
    #[must_use]
    pub fn new(
        number: i64,
        trigger: Trigger,
        (definition, roles): (&TaskDefinition, &RolesOfTask),
        template: &PodTemplateSpec,
    ) -> Self {
        let template = serde_json::to_value(template).unwrap_or_default();
        let content = SnapshotContent {
            trigger,
            ports: definition.ports(),
            targets: definition.targets.clone(),
            registry: definition.registry.clone(),
            service_connect: definition.service_connect.clone(),
            network_mode: definition.network_mode,
            secret_needs: SecretNeeds::of(definition, roles),
            checks_health: definition.checks_health(),
            template,
        };
        Self { number, content }
    }

    /// Reads a ControllerRevision; `None` when it is none of ours.
    #[must_use]
    pub fn read(revision: &ControllerRevision) -> Option<Self> {
        let RawExtension(data) = revision.data.as_ref()?;
        let content = serde_json::from_value(data.clone()).ok()?;
        Some(Self { number: revision.revision, content })
    }

    /// The ControllerRevision. Its labels are none that a workload selects by: the DaemonSet controller would take it
    /// for its own.
    #[must_use]
    pub fn controller_revision(&self, namespace: &str, service_object: &str, owner: &Owner) -> ControllerRevision {
        let mut snapshot_labels = labels::managed();
        snapshot_labels.insert(labels::SNAPSHOT_OF.into(), names::workload(service_object));
        ControllerRevision {
            metadata: ObjectMeta {
                name: Some(names::snapshot(service_object, self.number)),
                namespace: Some(namespace.into()),
                labels: Some(snapshot_labels),
                owner_references: Some(vec![owner.reference()]),
                ..Default::default()
            },
            revision: self.number,
            data: serde_json::to_value(&self.content).ok().map(RawExtension),
        }
    }

    /// Name of the ServiceAccount that its tasks run as.
    #[must_use]
    pub fn service_account(&self) -> Option<&str> {
        self.content.template.pointer("/spec/serviceAccountName").and_then(Value::as_str)
    }

    /// The id of the deployment in ECS's form: `ecs-svc/` and a number.
    #[must_use]
    pub fn deployment_id(&self, service_uid: &str) -> String {
        deployment_id(service_uid, self.number)
    }
}

/// The id of a service's deployment in ECS's form.
#[must_use]
pub fn deployment_id(service_uid: &str, number: i64) -> String {
    format!("ecs-svc/{:019}", decimal_id(&format!("{service_uid}/{number}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_snapshot_from_before_health_was_kept_goes_on_as_it_is() {
        let trigger = json!({"family": "web", "revision": 1, "networkConfiguration": null, "preStopSeconds": 5});
        let stored = json!({"trigger": trigger, "ports": [], "template": {}});
        let content: SnapshotContent = serde_json::from_value(stored).unwrap();
        assert!(content.checks_health);
        let again: SnapshotContent =
            serde_json::from_value(serde_json::to_value(SnapshotContent { checks_health: false, ..content }).unwrap())
                .unwrap();
        assert!(!again.checks_health);
    }
}
