//! Server-side apply that never takes an object over: a first apply can only create, later ones carry the object's uid.
//! What is there already as it should be is not written again.

use std::fmt::Debug;

use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions, PropagationPolicy},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{ecs::hash::short_hash, translate::owner::Ownership};

use super::{
    apply_request::{self, Part},
    error::{Error, api_status},
};

/// The operator as the owner of fields.
pub const FIELD_MANAGER: &str = "ecs-operator";

/// Annotation with a hash of what was applied last: it tells when a field is not wanted any more.
pub const APPLIED: &str = "ecs-operator.dev/applied";

/// What an apply did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The object was made.
    Created,
    /// It was changed.
    Changed,
    /// It was as it should be.
    Unchanged,
}

/// How to write over what others have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// Our value wins.
    Yes,
    /// A field that somebody else has changed stays as it is, and so does the whole object.
    No,
}

/// Makes an object as it is wanted, or changes it to be so. `observed` is what the cache has of it, `ownership` tells
/// whose an object of the name is, `wanted_by` what needs it.
///
/// # Errors
/// When an object of the name is not ours, or the API server refuses or cannot be reached.
pub async fn apply<K, D>(
    api: &Api<K>,
    desired: &D,
    observed: Option<&K>,
    ownership: impl Fn(&K) -> Ownership,
    force: Force,
    wanted_by: &str,
) -> Result<Applied, Error>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + Debug,
    D: Serialize,
{
    let body = Body::new::<K>(desired);
    if let Some(observed) = observed {
        return change(api, body, observed, ownership, force, wanted_by).await;
    }
    match create(api, &body).await {
        Ok(()) => Ok(Applied::Created),
        Err(Error::Request { source, .. }) if api_status(&source).is_some_and(|status| status.code == 409) => {
            // The cache is behind, or the object is somebody else's and carries no label of ours.
            let found = api.get(&body.name).await.map_err(|error| Error::request(body.action("read"), error))?;
            change(api, body, &found, ownership, force, wanted_by).await
        }
        Err(error) => Err(error),
    }
}

/// Makes an object unless there is one of its name, whoever made it.
///
/// # Errors
/// When the API server refuses or cannot be reached.
pub async fn create_if_absent<K, D>(api: &Api<K>, desired: &D) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
    D: Serialize,
{
    match create(api, &Body::new::<K>(desired)).await {
        Err(Error::Request { source, .. }) if api_status(&source).is_some_and(|status| status.code == 409) => Ok(()),
        result => result,
    }
}

/// Deletes an object; one that has gone, or is another by now, is fine.
///
/// # Errors
/// When the API server refuses or cannot be reached.
pub async fn delete_if_there<K>(api: &Api<K>, name: &str, uid: Option<String>) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let parameters = DeleteParams {
        preconditions: uid.map(|uid| Preconditions { uid: Some(uid), resource_version: None }),
        propagation_policy: Some(PropagationPolicy::Background),
        ..Default::default()
    };
    match api.delete(name, &parameters).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(|status| matches!(status.code, 404 | 409)) => Ok(()),
        Err(error) => Err(Error::request(format!("delete {} {name}", K::kind(&())), error)),
    }
}

async fn change<K>(
    api: &Api<K>,
    mut body: Body,
    observed: &K,
    ownership: impl Fn(&K) -> Ownership,
    force: Force,
    wanted_by: &str,
) -> Result<Applied, Error>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + Debug,
{
    match ownership(observed) {
        Ownership::Ours => {}
        Ownership::Remnant => {
            return Err(Error::Remnant { kind: body.kind, name: body.name, wanted_by: wanted_by.into() });
        }
        Ownership::Foreign => {
            return Err(Error::Foreign { kind: body.kind, name: body.name, wanted_by: wanted_by.into() });
        }
    }
    let observed_value = serde_json::to_value(observed).unwrap_or_default();
    if holds(&body.value, &observed_value) {
        return Ok(Applied::Unchanged);
    }
    body.value["metadata"]["uid"] = observed.uid().unwrap_or_default().into();
    let mut sent = send(api, &body, force).await;
    if force == Force::Yes && has_foreign_ports(&body, &sent) {
        take_off_ports(api, &body).await?;
        sent = send(api, &body, force).await;
    }
    match sent {
        // What others have added to it may stay: the API server sees no difference then.
        Ok(written) if written.resource_version() == observed.resource_version() => Ok(Applied::Unchanged),
        Ok(_) => Ok(Applied::Changed),
        Err(Error::Request { source, .. }) if api_status(&source).is_some_and(|status| status.code == 409) => {
            if force == Force::No && is_field_conflict(&source) {
                return Ok(Applied::Unchanged);
            }
            Err(Error::Stale { what: body.action("object") })
        }
        Err(error) => Err(error),
    }
}

/// Whether a Service has ports that are not wanted, which an apply leaves to whoever has added them. It is refused where one of them
/// has the name of a wanted one.
fn has_foreign_ports<K: Serialize>(body: &Body, sent: &Result<K, Error>) -> bool {
    let Some(wanted) = body.ports() else { return false };
    match sent {
        Ok(written) => {
            let written = serde_json::to_value(written).unwrap_or_default();
            written["spec"]["ports"].as_array().is_some_and(|ports| ports.len() > wanted.len())
        }
        Err(Error::Request { source, .. }) => api_status(source).is_some_and(kube::core::Status::is_invalid),
        Err(_) => false,
    }
}

/// Leaves no ports but the wanted ones.
async fn take_off_ports<K>(api: &Api<K>, body: &Body) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let metadata = json!({"uid": body.value["metadata"]["uid"]});
    let patch = json!({"metadata": metadata, "spec": {"ports": body.ports()}});
    match api.patch(&body.name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(|status| matches!(status.code, 404 | 409)) => {
            Err(Error::Stale { what: body.action("object") })
        }
        Err(error) => Err(Error::request(body.action("correct the ports of"), error)),
    }
}

/// Makes an object, and never changes one: an apply of this resource version is a conflict when there is one.
async fn create<K>(api: &Api<K>, body: &Body) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let mut creating = body.clone();
    creating.value["metadata"]["resourceVersion"] = "1".into();
    send(api, &creating, Force::Yes).await.map(|_| ())
}

async fn send<K>(api: &Api<K>, body: &Body, force: Force) -> Result<K, Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let parameters = PatchParams { force: force == Force::Yes, ..PatchParams::apply(FIELD_MANAGER) };
    apply_request::send(api, &body.name, Part::Object, &parameters, &body.value)
        .await
        .map_err(|error| Error::request(body.action("apply"), error))
}

/// An object on its way to the API server.
#[derive(Clone, Debug)]
struct Body {
    kind: String,
    name: String,
    value: Value,
}

impl Body {
    fn new<K: Resource<DynamicType = ()>>(desired: &impl Serialize) -> Self {
        let mut value = serde_json::to_value(desired).unwrap_or_default();
        value["apiVersion"] = K::api_version(&()).into();
        value["kind"] = K::kind(&()).into();
        if let Some(members) = value.as_object_mut() {
            members.remove("status");
        }
        let hash = short_hash(&value.to_string(), 16);
        value["metadata"]["annotations"][APPLIED] = hash.into();
        let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Self { kind: K::kind(&()).into_owned(), name, value }
    }

    /// The ports of a Service.
    fn ports(&self) -> Option<&Vec<Value>> {
        self.value["spec"]["ports"].as_array().filter(|_| self.kind == "Service")
    }

    fn action(&self, verb: &str) -> String {
        format!("{verb} {} {}", self.kind, self.name)
    }
}

/// Members that are whole or not at all: something that somebody adds to a selector makes another one of it.
const WHOLE: [&str; 4] = ["selector", "podSelector", "namespaceSelector", "nodeSelector"];

/// Whether every value of the wanted object stands in the observed one. What is empty may be absent.
fn holds(wanted: &Value, observed: &Value) -> bool {
    match (wanted, observed) {
        (Value::Object(wanted), _) => wanted.iter().all(|(name, value)| match observed.get(name) {
            None => is_empty(value),
            Some(observed) if WHOLE.contains(&name.as_str()) => holds(value, observed) && holds(observed, value),
            Some(observed) => holds(value, observed),
        }),
        (Value::Array(wanted), Value::Array(observed)) => {
            wanted.len() == observed.len()
                && wanted.iter().zip(observed).all(|(wanted, observed)| holds(wanted, observed))
        }
        (wanted, observed) => wanted == observed,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
    }
}

fn is_field_conflict(error: &kube::Error) -> bool {
    api_status(error)
        .and_then(|status| status.details.as_ref())
        .is_some_and(|details| details.causes.iter().any(|cause| cause.reason == "FieldManagerConflict"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_fills_in_is_no_difference() {
        let wanted = json!({"spec": {"ports": [{"port": 80}], "env": [{"name": "A", "value": ""}], "labels": {}}});
        let observed = json!({"spec": {"ports": [{"port": 80, "protocol": "TCP"}], "env": [{"name": "A"}], "clusterIP": "10.0.0.1"}});
        assert!(holds(&wanted, &observed));
    }

    #[test]
    fn what_somebody_adds_to_a_selector_is_a_difference() {
        let policy = |labels: Value| json!({"spec": {"podSelector": {"matchLabels": labels}}});
        assert!(!holds(&policy(json!({"a": "1"})), &policy(json!({"a": "1", "b": "2"}))));
        assert!(holds(&policy(json!({"a": "1"})), &policy(json!({"a": "1"}))));
        assert!(!holds(&json!({"selector": {"a": "1"}}), &json!({"selector": {"a": "1", "b": "2"}})));
    }

    #[test]
    fn a_value_that_somebody_changed_is_a_difference() {
        assert!(!holds(&json!({"replicas": 2}), &json!({"replicas": 3})));
        assert!(!holds(&json!({"ports": [1]}), &json!({"ports": [1, 2]})));
        assert!(!holds(&json!({"a": {"b": 1}}), &json!({})));
        assert!(!holds(&json!({"a": {"b": 1}}), &json!({"a": "x"})));
    }
}
