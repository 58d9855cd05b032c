//! The HTTPRoute of the Gateway API, with only the members that a target group needs. The kind is not Kubernetes's own: it may not
//! be installed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// Which requests at which Gateway go to which Service.
#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "gateway.networking.k8s.io",
    version = "v1",
    kind = "HTTPRoute",
    root = "HttpRoute",
    plural = "httproutes",
    namespaced,
    schema = "disabled",
    status = "HttpRouteStatus"
)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteSpec {
    /// The Gateways.
    #[serde(default)]
    pub parent_refs: Vec<ParentReference>,
    /// Host names; empty means all of the Gateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<String>,
    /// What becomes of requests.
    #[serde(default)]
    pub rules: Vec<HttpRouteRule>,
}

/// A Gateway, or one of its listeners.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ParentReference {
    /// `gateway.networking.k8s.io`.
    pub group: String,
    /// `Gateway`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its Namespace, where that is not the route's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
}

impl ParentReference {
    /// Whether a status speaks of it. What it leaves out, the status may fill in.
    #[must_use]
    pub fn is_same(&self, told: &Self) -> bool {
        let agrees = |wanted: &Option<String>, told: &Option<String>| wanted.is_none() || wanted == told;
        self.name == told.name
            && agrees(&self.namespace, &told.namespace)
            && agrees(&self.section_name, &told.section_name)
    }
}

/// What becomes of some requests.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRouteRule {
    /// Of which.
    pub matches: Vec<HttpRouteMatch>,
    /// Where they go.
    pub backend_refs: Vec<BackendReference>,
}

/// Which requests.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default)]
pub struct HttpRouteMatch {
    /// Those with a path.
    pub path: HttpPathMatch,
}

/// Which paths.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default)]
pub struct HttpPathMatch {
    /// `PathPrefix`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The beginning.
    pub value: String,
}

/// A Service.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default)]
pub struct BackendReference {
    /// `Service`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: i32,
}

/// What Gateways say of a route.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default)]
pub struct HttpRouteStatus {
    /// Each.
    pub parents: Vec<ParentStatus>,
}

/// What one Gateway says of a route.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ParentStatus {
    /// Which.
    pub parent_ref: ParentReference,
    /// `Accepted` and `ResolvedRefs`.
    pub conditions: Vec<Condition>,
}
