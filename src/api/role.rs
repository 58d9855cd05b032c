//! EcsRole: what an IAM role is to tasks, which becomes a ServiceAccount.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A role. As a task role it is what the containers of a task are to the API server and to whatever trusts its tokens; as an
/// execution role it is what images are pulled with.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsRole",
    plural = "ecsroles",
    shortname = "ecsrole",
    category = "ecs",
    namespaced,
    status = "EcsRoleStatus",
    doc = "A role: what the containers of the tasks that name it may do, and what their images are pulled with.",
    printcolumn(name = "Role", type_ = "string", json_path = ".status.roleName"),
    printcolumn(name = "ServiceAccount", type_ = "string", json_path = ".status.serviceAccount"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct EcsRoleSpec {
    /// Name of the role: what `taskRoleArn` and `executionRoleArn` name, by itself or as the last part of an ARN. Default: the
    /// name of this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub role_name: Option<String>,

    /// What the ServiceAccount has beside its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<RoleServiceAccount>,

    /// Secrets of the Namespace with which the kubelet pulls the images of tasks that have this role as their execution role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 20))]
    pub image_pull_secrets: Option<Vec<PullSecret>>,

    /// Which Secrets of the Namespace stand for the secrets of AWS that task definitions with this execution role name. One that is
    /// not listed is the Secret of its own name, in the characters that Kubernetes has for names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["valueFrom".into()]))]
    #[schemars(length(max = 200))]
    pub secrets: Option<Vec<RoleSecret>>,
}

/// What the ServiceAccount of a role has beside its name.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RoleServiceAccount {
    /// Annotations, as those by which a cloud gives its own credentials to the ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,

    /// Whether tasks that have this role as their task role get a token for the API server. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automount_token: Option<bool>,
}

/// A secret of AWS, and the Secret that stands for it.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RoleSecret {
    /// Its name or ARN, as task definitions have it in `valueFrom` or `credentialsParameter`. With a JSON key it is that part of it,
    /// else all of it.
    #[schemars(length(min = 1, max = 2048))]
    pub value_from: String,

    /// The Secret.
    pub secret_key_ref: RoleSecretKey,
}

/// A Secret of the Namespace, and which entry of it is meant.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RoleSecretKey {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,

    /// The entry that holds what `valueFrom` names. Default: the JSON key, or `value` for the whole secret. Parts of a secret that is
    /// listed as a whole are the entries of their JSON keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: Option<String>,
}

/// A Secret with which images are pulled.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PullSecret {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What the operator made of a role.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsRoleStatus {
    /// Name of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,

    /// ARN of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,

    /// Name of the ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,

    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Accepted` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
