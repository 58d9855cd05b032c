//! A deleted service: DRAINING until its tasks are gone.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, ResourceExt};

use crate::{
    api::service::EcsService,
    controllers::{context::Context, driver::Outcome},
    kube_io::{apply::delete_if_there, error::Error, finalizer},
};

use super::{observe::Observed, report};

pub(super) async fn drain(observed: &Observed, context: &Context) -> Result<Outcome, Error> {
    if !finalizer::is_set(&*observed.service, finalizer::SERVICE) {
        return Ok(Outcome::Done);
    }
    let services: Api<EcsService> = context.api(&observed.namespace);
    // In a Namespace that is being deleted everything goes without us.
    if observed.namespace_terminating {
        finalizer::remove(&services, &observed.service, finalizer::SERVICE).await?;
        return Ok(Outcome::Done);
    }
    let deployment = observed.deployment.as_ref().filter(|deployment| observed.owner.controls(&***deployment));
    if let Some(deployment) = deployment.filter(|deployment| deployment.metadata.deletion_timestamp.is_none()) {
        let deployments: Api<Deployment> = context.api(&observed.namespace);
        delete_if_there(&deployments, &deployment.name_any(), deployment.uid()).await?;
    }
    if deployment.is_none() && observed.tasks.is_empty() {
        finalizer::remove(&services, &observed.service, finalizer::SERVICE).await?;
        return Ok(Outcome::Done);
    }
    report::draining(observed, context).await?;
    Ok(Outcome::Done)
}
