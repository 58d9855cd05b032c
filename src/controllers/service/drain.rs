//! A deleted service: DRAINING until its tasks are gone.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use kube::{Api, ResourceExt};

use crate::{
    api::service::EcsService,
    controllers::{context::Context, driver::Outcome},
    kube_io::{apply::delete_if_there, error::Error, finalizer, workload::Workload},
    translate::{names, owner::Ownership},
};

use super::{observe::Observed, report};

/// The garbage collector's: it takes the owner off all that an object owns, instead of deleting it.
const ORPHAN: &str = "orphan";

/// Whether the tasks belong to a workload that has been taken away from the service.
fn is_orphaned(observed: &Observed) -> bool {
    let is_foreign = |workload: &Workload| observed.owner.ownership_by(workload.metadata()) == Ownership::Foreign;
    observed.workload.as_ref().is_some_and(is_foreign)
}

async fn delete(workload: &Workload, namespace: &str, context: &Context) -> Result<(), Error> {
    match workload {
        Workload::Deployment(deployment) => {
            delete_if_there(&context.api::<Deployment>(namespace), &deployment.name_any(), deployment.uid()).await
        }
        Workload::DaemonSet(daemon_set) => {
            delete_if_there(&context.api::<DaemonSet>(namespace), &daemon_set.name_any(), daemon_set.uid()).await
        }
    }
}

pub(super) async fn drain(observed: &Observed, context: &Context) -> Result<Outcome, Error> {
    if !finalizer::is_set(&*observed.service, finalizer::SERVICE) {
        return Ok(Outcome::Done);
    }
    // In a Namespace that is being deleted everything goes without us. Whoever deletes a service with --cascade=orphan wants its
    // tasks to stay: they are not waited for.
    if observed.namespace_terminating || finalizer::is_set(&*observed.service, ORPHAN) || is_orphaned(observed) {
        release(observed, context).await?;
        return Ok(Outcome::Done);
    }
    let workload = observed.own_workload();
    if let Some(workload) = workload.filter(|workload| workload.metadata().deletion_timestamp.is_none())
        && let Err(error) = delete(workload, &observed.namespace, context).await
    {
        report::draining(observed, Some(&error), context).await?;
        return Err(error);
    }
    if workload.is_none() && observed.tasks.is_empty() {
        release(observed, context).await?;
        return Ok(Outcome::Done);
    }
    report::draining(observed, None, context).await
}

/// Lets the service go, and forgets what only this process knows of it.
async fn release(observed: &Observed, context: &Context) -> Result<(), Error> {
    let name = names::workload(&observed.name);
    let untold = context.task_changes.untold(&observed.namespace, &name);
    context.task_changes.forget(&observed.namespace, &name, &untold);
    context.told_events.forget(&observed.owner.uid);
    let services: Api<EcsService> = context.api(&observed.namespace);
    finalizer::remove(&services, &observed.service, finalizer::SERVICE).await?;
    Ok(())
}
