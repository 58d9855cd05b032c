//! The scheduling gate of the Pod of a task by itself. The API server binds no Pod to a node that still has one.

use k8s_openapi::api::core::v1::Pod as CorePod;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::translate::task_pod::RECORDED_GATE;

use super::{
    error::{Error, api_status, is_gone},
    pod::Pod,
};

/// Lets a Pod be scheduled. One that has gone needs that no more, and the uid keeps it off a later one of the same name.
///
/// # Errors
/// When the API server refuses or cannot be reached.
pub async fn lift(api: &Api<CorePod>, pod: &Pod) -> Result<(), Error> {
    let name = pod.name_any();
    // Gates that others have put on it stay.
    let patch = json!({
        "metadata": { "uid": pod.uid() },
        "spec": { "schedulingGates": [{ "name": RECORDED_GATE, "$patch": "delete" }] },
    });
    match api.patch(&name, &PatchParams::default(), &Patch::Strategic(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(is_gone) => Ok(()),
        Err(error) => Err(Error::request(format!("lift the scheduling gate of Pod {name}"), error)),
    }
}
