//! A deleted service: DRAINING until its tasks are gone.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, ResourceExt};

use crate::{
    api::service::EcsService,
    controllers::{context::Context, driver::Outcome},
    kube_io::{apply::delete_if_there, error::Error, finalizer},
    translate::owner::Ownership,
};

use super::{observe::Observed, report};

/// The garbage collector's: it takes the owner off all that an object owns, instead of deleting it.
const ORPHAN: &str = "orphan";

/// Whether the tasks belong to a Deployment that has been taken away from the service.
fn is_orphaned(observed: &Observed) -> bool {
    observed.deployment.as_ref().is_some_and(|deployment| observed.owner.ownership(&**deployment) == Ownership::Foreign)
}

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
    // Whoever deletes a service with --cascade=orphan wants its tasks to stay: they are not waited for.
    if finalizer::is_set(&*observed.service, ORPHAN) || is_orphaned(observed) {
        finalizer::remove(&services, &observed.service, finalizer::SERVICE).await?;
        return Ok(Outcome::Done);
    }
    let deployment = observed.deployment.as_ref().filter(|deployment| observed.owner.controls(&***deployment));
    if let Some(deployment) = deployment.filter(|deployment| deployment.metadata.deletion_timestamp.is_none()) {
        let deployments: Api<Deployment> = context.api(&observed.namespace);
        if let Err(error) = delete_if_there(&deployments, &deployment.name_any(), deployment.uid()).await {
            report::draining(observed, Some(&error), context).await?;
            return Err(error);
        }
    }
    if deployment.is_none() && observed.tasks.is_empty() {
        finalizer::remove(&services, &observed.service, finalizer::SERVICE).await?;
        return Ok(Outcome::Done);
    }
    report::draining(observed, None, context).await?;
    Ok(Outcome::Done)
}
