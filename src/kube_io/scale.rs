//! The scale subresource: the only field of a spec that the operator ever writes.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::api::service::EcsService;

use super::error::{Error, api_status};

/// Writes `desiredCount` of a service that has none. Server-side apply does not work on this subresource.
///
/// # Errors
/// When the service has changed since it was seen, or the API server cannot be reached.
pub async fn write_desired_count(api: &Api<EcsService>, service: &EcsService, count: u32) -> Result<(), Error> {
    let name = service.name_any();
    let patch = json!({ "metadata": { "resourceVersion": service.resource_version() }, "spec": { "replicas": count } });
    match api.patch_scale(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(|status| status.code == 409 || status.is_not_found()) => {
            Err(Error::Stale { what: format!("EcsService {name}") })
        }
        Err(error) => Err(Error::request(format!("write desiredCount of EcsService {name}"), error)),
    }
}
