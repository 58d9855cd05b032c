//! Fourth step: the Service, and the HTTPRoute where there is a Gateway API.

use std::fmt::Debug;

use k8s_openapi::api::core::v1::Service;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::{
    controllers::context::Context,
    kube_io::{
        apply::{Force, apply as apply_object, delete_if_there},
        error::Error,
        gateway::Gateway,
    },
    translate::{
        http_route::{HttpRoute, ParentReference},
        names,
        owner::Ownership,
    },
};

use super::observe::Observed;

/// What stands in front of the targets.
#[derive(Clone, Debug)]
pub(super) enum Front {
    /// The Service alone.
    Service,
    /// An HTTPRoute as well, and its Gateway where that is there.
    Route(Box<HttpRoute>, Option<Reached>),
    /// There is no Gateway API.
    Missing,
}

/// Where a Gateway is reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reached {
    /// A host or an address, and the port.
    pub(super) address: Option<String>,
}

pub(super) async fn apply(
    observed: &Observed,
    service: &Service,
    route: Option<&HttpRoute>,
    context: &Context,
) -> Result<Front, Error> {
    let services: Api<Service> = context.api(&observed.namespace);
    let ownership = |found: &Service| observed.owner.ownership(found);
    let found = observed.service.as_deref();
    apply_object(&services, service, found, ownership, Force::Yes, &wanted_by(observed)).await?;
    if let Some(route) = route {
        return apply_route(observed, route, context).await;
    }
    delete_route(observed, context).await?;
    Ok(Front::Service)
}

/// Routes are not watched: their kind may not be there. So each look asks.
async fn apply_route(observed: &Observed, route: &HttpRoute, context: &Context) -> Result<Front, Error> {
    let routes: Api<HttpRoute> = context.api(&observed.namespace);
    let name = names::target_group(&observed.name);
    let found = read(&routes, &name).await?;
    let ownership = |found: &HttpRoute| observed.owner.ownership(found);
    match apply_object(&routes, route, found.as_ref(), ownership, Force::Yes, &wanted_by(observed)).await {
        Ok(_) => {}
        Err(error) if error.is_of_nothing_there() => return Ok(Front::Missing),
        Err(error) => return Err(error),
    }
    let reached = match route.spec.parent_refs.first() {
        Some(parent) => reached(observed, parent, route.spec.hostnames.first(), context).await?,
        None => None,
    };
    Ok(Front::Route(Box::new(found.unwrap_or_else(|| route.clone())), reached))
}

async fn reached(
    observed: &Observed,
    parent: &ParentReference,
    hostname: Option<&String>,
    context: &Context,
) -> Result<Option<Reached>, Error> {
    let namespace = parent.namespace.as_deref().unwrap_or(&observed.namespace);
    let gateway = read(&context.api::<Gateway>(namespace), &parent.name).await?;
    let address = |gateway: &Gateway| gateway.address(parent.section_name.as_deref(), hostname.map(String::as_str));
    Ok(gateway.map(|gateway| Reached { address: address(&gateway) }))
}

/// One that was an application load balancer before has a route still.
async fn delete_route(observed: &Observed, context: &Context) -> Result<(), Error> {
    let status = observed.group.status.as_ref();
    let Some(name) = status.and_then(|status| status.http_route.as_deref()) else { return Ok(()) };
    let routes: Api<HttpRoute> = context.api(&observed.namespace);
    let found = read(&routes, name).await?;
    match found.filter(|found| observed.owner.ownership(found) == Ownership::Ours) {
        Some(found) => delete_if_there(&routes, name, found.uid()).await,
        None => Ok(()),
    }
}

/// An object, unless it or its kind is not there.
async fn read<K>(api: &Api<K>, name: &str) -> Result<Option<K>, Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    match api.get(name).await.map_err(|error| Error::request(format!("read {} {name}", K::kind(&())), error)) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_of_nothing_there() => Ok(None),
        Err(error) => Err(error),
    }
}

fn wanted_by(observed: &Observed) -> String {
    format!("EcsTargetGroup {}", observed.name)
}
