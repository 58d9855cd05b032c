//! What a container finds in its environment: variables, files of variables, secrets. Data only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An environment variable.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KeyValuePair {
    /// Name of the variable: printable ASCII characters without `=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,

    /// Its value. Default: the empty string. `$(NAME)` in it is passed on as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A file of environment variables. The operator fetches nothing: its variables are those of a ConfigMap, whose name the
/// status tells. `kubectl create configmap NAME --from-env-file=FILE` makes one.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentFile {
    /// ARN of the object in S3; it ends in `.env`.
    pub value: String,

    /// `s3`.
    #[serde(rename = "type")]
    pub type_: EnvironmentFileType,
}

/// Where a file of environment variables is kept.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentFileType {
    S3,
}

/// An environment variable (or an option of a log driver) whose value is a secret.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Name of the variable.
    #[schemars(length(min = 1))]
    pub name: String,

    /// Name or ARN of a secret of Secrets Manager (an ARN may go on with `:json-key:version-stage:version-id`) or of a
    /// parameter of SSM. It becomes the Secret of the Namespace that is named after it, and of that the entry `json-key`, or
    /// `value` where none is given. The kubelet reads it, never the operator.
    #[schemars(length(min = 1, max = 4096))]
    pub value_from: String,
}
