//! Finalizers: only on objects whose deletion has to wait for something.

use std::fmt::Debug;

use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::error::{Error, api_status};

/// Holds an EcsCluster while it has services or tasks.
pub const CLUSTER: &str = "ecs-operator.dev/cluster";

/// Holds an EcsService while it has tasks.
pub const SERVICE: &str = "ecs-operator.dev/service";

/// Holds the record of a service's task until the task has stopped.
pub const TASK: &str = "ecs-operator.dev/task";

/// Holds an EcsSecurityGroup while tasks are protected by it.
pub const SECURITY_GROUP: &str = "ecs-operator.dev/security-group";

/// Holds an EcsTargetGroup while services name it or tasks are registered with it.
pub const TARGET_GROUP: &str = "ecs-operator.dev/target-group";

/// Holds an EcsRole while tasks have it.
pub const ROLE: &str = "ecs-operator.dev/role";

/// Whether an object carries a finalizer.
pub fn is_set<K: Resource>(object: &K, finalizer: &str) -> bool {
    object.finalizers().iter().any(|present| present == finalizer)
}

/// Holds an object for as long as it is used, unless its Namespace goes. Whether it is held by now, so that it goes on; else it was
/// changed, which brings it back, or it is left alone.
///
/// # Errors
/// When the object has changed since it was seen, or the API server cannot be reached.
pub async fn hold<K>(
    api: &Api<K>,
    object: &K,
    finalizer: &str,
    is_used: bool,
    is_terminating: bool,
) -> Result<bool, Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let is_deleted = object.meta().deletion_timestamp.is_some();
    match (is_set(object, finalizer), is_deleted) {
        (true, true) if !is_used || is_terminating => remove(api, object, finalizer).await?,
        (false, false) if !is_terminating => add(api, object, finalizer).await?,
        (is_held, _) => return Ok(is_held && !is_terminating),
    }
    Ok(false)
}

/// Puts a finalizer on an object that is not being deleted.
///
/// # Errors
/// When the object has changed since it was seen, or the API server cannot be reached.
pub async fn add<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let mut finalizers = object.finalizers().to_vec();
    finalizers.push(finalizer.into());
    write(api, object, &finalizers).await
}

/// Takes a finalizer off an object. One that has gone needs no more.
///
/// # Errors
/// When the object has changed since it was seen, or the API server cannot be reached.
pub async fn remove<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let finalizers: Vec<_> = object.finalizers().iter().filter(|present| *present != finalizer).cloned().collect();
    write(api, object, &finalizers).await
}

/// The resource version makes sure that no finalizer of somebody else is lost.
async fn write<K>(api: &Api<K>, object: &K, finalizers: &[String]) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let name = object.name_any();
    let what = || format!("{} {name}", K::kind(&()));
    let patch = json!({ "metadata": { "resourceVersion": object.resource_version(), "finalizers": finalizers } });
    match api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) => match api_status(&error) {
            Some(status) if status.is_not_found() => Ok(()),
            Some(status) if status.code == 409 => Err(Error::Stale { what: what() }),
            _ => Err(Error::request(format!("write the finalizers of {}", what()), error)),
        },
    }
}
