//! EcsCluster -> Namespace.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ObjectMeta;

use crate::api::cluster::PodSecurityLevel;

use super::{labels, names, owner::Owner};

/// A Namespace that is made for a cluster: it belongs to the cluster and goes with it.
#[must_use]
pub fn made(name: &str, cluster_object: &str, owner: &Owner, level: PodSecurityLevel) -> Namespace {
    let level = match level {
        PodSecurityLevel::Privileged => "privileged",
        PodSecurityLevel::Baseline => "baseline",
        PodSecurityLevel::Restricted => "restricted",
    };
    let mut namespace = adopted(name, cluster_object);
    namespace.metadata.owner_references = Some(vec![owner.reference()]);
    let labels = namespace.metadata.labels.get_or_insert_default();
    labels.extend(labels::managed());
    labels.insert("pod-security.kubernetes.io/enforce".into(), level.into());
    namespace
}

/// What is written on a Namespace that was there before the cluster: whose it is, and nothing else.
#[must_use]
pub fn adopted(name: &str, cluster_object: &str) -> Namespace {
    let cluster = [(labels::CLUSTER.into(), names::label_value(cluster_object))];
    Namespace {
        metadata: ObjectMeta { name: Some(name.into()), labels: Some(cluster.into()), ..Default::default() },
        ..Default::default()
    }
}
