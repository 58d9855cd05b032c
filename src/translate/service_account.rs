//! EcsRole -> ServiceAccount, and the ServiceAccount of tasks without a role.

use k8s_openapi::api::core::v1::{LocalObjectReference, ServiceAccount};
use kube::api::ObjectMeta;

use crate::api::role::EcsRoleSpec;

use super::{labels, names, owner::Owner};

/// Renders the ServiceAccount of a role.
#[must_use]
pub fn of_role(namespace: &str, role_name: &str, spec: &EcsRoleSpec, owner: &Owner) -> ServiceAccount {
    let given = spec.service_account.clone().unwrap_or_default();
    let secrets = spec.image_pull_secrets.iter().flatten();
    let references: Vec<_> = secrets.map(|secret| LocalObjectReference { name: secret.name.clone() }).collect();
    ServiceAccount {
        metadata: ObjectMeta {
            name: Some(names::service_account(role_name)),
            namespace: Some(namespace.into()),
            labels: Some(labels::managed()),
            annotations: given.annotations.filter(|annotations| !annotations.is_empty()),
            owner_references: Some(vec![owner.reference()]),
            ..Default::default()
        },
        automount_service_account_token: Some(given.automount_token.unwrap_or_default()),
        image_pull_secrets: Some(references).filter(|references| !references.is_empty()),
        ..Default::default()
    }
}

/// Renders the ServiceAccount of the tasks of a cluster that have no task role: nobody grants it anything, and no token of it is
/// mounted. The one named `default` may have been granted something for others.
#[must_use]
pub fn without_rights(namespace: &str, cluster_object: &str, owner: &Owner) -> ServiceAccount {
    let mut account_labels = labels::managed();
    account_labels.insert(labels::CLUSTER.into(), names::label_value(cluster_object));
    ServiceAccount {
        metadata: ObjectMeta {
            name: Some(names::NO_ROLE.into()),
            namespace: Some(namespace.into()),
            labels: Some(account_labels),
            owner_references: Some(vec![owner.reference()]),
            ..Default::default()
        },
        automount_service_account_token: Some(false),
        ..Default::default()
    }
}
