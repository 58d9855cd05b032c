//! Status writes: one for each reconcile at most, and only when something other than a time has changed.

use std::fmt::Debug;

use kube::{Api, Resource, ResourceExt, api::PatchParams};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    apply_request::{self, Part},
    error::{Error, api_status, is_gone},
};

/// The operator as the owner of statuses.
const FIELD_MANAGER: &str = "ecs-operator-status";

/// Times that are no news by themselves.
const TIMES: [&str; 3] = ["createdAt", "updatedAt", "lastTransitionTime"];

/// How many tasks there are, and the texts that say it.
const COUNTS: [&str; 8] = [
    "runningCount",
    "pendingCount",
    "runningTasksCount",
    "pendingTasksCount",
    "registeredTargets",
    "healthyTargets",
    "events",
    "message",
];

/// Whether two statuses say the same, apart from times.
pub fn says_the_same<S: Serialize>(one: &S, other: &S) -> bool {
    without(one, &[&TIMES]) == without(other, &[&TIMES])
}

/// Whether two statuses say the same, apart from times, counts of tasks and what is told of them.
pub fn says_the_same_but_for_counts<S: Serialize>(one: &S, other: &S) -> bool {
    without(one, &[&TIMES, &COUNTS]) == without(other, &[&TIMES, &COUNTS])
}

fn without<S: Serialize>(status: &S, names: &[&[&str]]) -> Value {
    let mut value = serde_json::to_value(status).unwrap_or_default();
    drop_members(&mut value, &names.concat());
    value
}

/// Writes the status of an object that is as it was seen: what is written was worked out from its last status, and would
/// tell twice, or forget, what came in between. One that has gone in the meantime needs none.
///
/// # Errors
/// When the object has changed since it was seen, or the API server refuses or cannot be reached.
pub async fn write<K, S>(api: &Api<K>, object: &K, status: &S) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
    S: Serialize,
{
    let name = object.name_any();
    // The uid keeps the status off a later object of the same name.
    let body = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": { "name": name, "uid": object.uid(), "resourceVersion": object.resource_version() },
        "status": status,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match apply_request::send(api, &name, Part::Status, &parameters, &body).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(is_gone) => Ok(()),
        Err(error) if api_status(&error).is_some_and(|status| status.code == 409) => {
            Err(Error::Stale { what: format!("{} {name}", K::kind(&())) })
        }
        Err(error) => Err(Error::request(format!("write the status of {} {name}", K::kind(&())), error)),
    }
}

fn drop_members(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|value| drop_members(value, names));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|value| drop_members(value, names)),
        _ => {}
    }
}
