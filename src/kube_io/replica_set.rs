//! A ReplicaSet with only the fields that are used: what it was told by its Deployment.

use k8s_openapi::api::apps::v1::ReplicaSet as CoreReplicaSet;
use kube::{
    Api, Resource, ResourceExt,
    api::{ObjectMeta, Patch, PatchParams},
};
use serde::Deserialize;
use serde_json::json;

use crate::{decide::workload::Share, translate::labels};

use super::error::{Error, api_status, is_gone};

/// What the Deployment was to have when it told the ReplicaSet how many Pods to have. Kubernetes divides by these.
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";

/// A ReplicaSet.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "CoreReplicaSet")]
pub struct ReplicaSet {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What it is to be.
    #[serde(default)]
    pub spec: ReplicaSetSpec,
}

/// What a ReplicaSet is to be.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct ReplicaSetSpec {
    /// How many Pods it is to have.
    pub replicas: u32,
}

impl ReplicaSet {
    /// Its share of the tasks of a service; `None` when it is not of a deployment of one.
    #[must_use]
    pub fn share(&self) -> Option<Share> {
        let annotation = |name: &str| self.annotations().get(name)?.parse().ok();
        Some(Share {
            deployment: self.labels().get(labels::DEPLOYMENT)?.parse().ok()?,
            replicas: self.spec.replicas,
            of: annotation(DESIRED).zip(annotation(MOST)),
        })
    }
}

/// Notes on the only ReplicaSet of a Deployment, which has as many Pods as it is to have, that it was told so by that number.
///
/// # Errors
/// When the API server refuses or cannot be reached.
pub async fn note_desired(api: &Api<CoreReplicaSet>, replica_set: &ReplicaSet) -> Result<(), Error> {
    let name = replica_set.name_any();
    let annotations = json!({ (DESIRED): replica_set.spec.replicas.to_string() });
    let patch = json!({ "metadata": { "uid": replica_set.uid(), "annotations": annotations } });
    match api.patch_metadata(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(is_gone) => Ok(()),
        Err(error) => Err(Error::request(format!("annotate ReplicaSet {name}"), error)),
    }
}
