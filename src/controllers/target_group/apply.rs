//! Fourth step: the Service, and the HTTPRoute where there is a Gateway API.

use std::fmt::Debug;

use k8s_openapi::{api::core::v1::Service, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::{
    controllers::context::Context,
    kube_io::{
        apply::{Applied, Force, apply as apply_object, delete_if_there},
        error::Error,
        gateway::Gateway,
    },
    translate::{
        http_route::{HttpRoute, ParentStatus},
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
    /// An HTTPRoute as well.
    Route {
        /// Name of its Gateway.
        gateway: String,
        /// Whether that has taken it.
        taken: Taken,
        /// Whether it was made or changed just now: its Gateway is about to answer.
        is_new: bool,
    },
    /// There is no Gateway API.
    Missing,
}

/// Whether a Gateway has taken an HTTPRoute.
#[derive(Clone, Debug)]
pub(super) enum Taken {
    /// It has.
    Yes {
        /// Where the Gateway is reached, where it says so.
        address: Option<String>,
    },
    /// It says why not.
    No {
        /// In its own words.
        why: String,
    },
    /// It has said nothing of the route as it is now.
    NotYet,
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
    let found = match read(&routes, &name).await {
        Err(error) if error.is_of_unknown_kind() => return Ok(Front::Missing),
        found => found?,
    };
    let ownership = |found: &HttpRoute| observed.owner.ownership(found);
    let applied = apply_object(&routes, route, found.as_ref(), ownership, Force::Yes, &wanted_by(observed)).await?;
    // What was said of it before is not said of what it is now.
    let said = found.filter(|_| applied == Applied::Unchanged).map(|found| taken(&found, route));
    let taken = match said.unwrap_or(Taken::NotYet) {
        Taken::Yes { .. } => Taken::Yes { address: address(observed, route, context).await? },
        other => other,
    };
    let gateway = route.spec.parent_refs.first().map(|parent| parent.name.clone()).unwrap_or_default();
    Ok(Front::Route { gateway, taken, is_new: applied != Applied::Unchanged })
}

/// What the Gateway that a route names says of it as it is now.
fn taken(found: &HttpRoute, wanted: &HttpRoute) -> Taken {
    let is_named = |parent: &&ParentStatus| wanted.spec.parent_refs.iter().any(|it| it.is_same(&parent.parent_ref));
    let parent = found.status.iter().flat_map(|status| &status.parents).find(is_named);
    let conditions = parent.map(|parent| &parent.conditions[..]).unwrap_or_default();
    let is_of_now = |condition: &&Condition| {
        condition.observed_generation.is_none() || condition.observed_generation >= found.metadata.generation
    };
    let said = |type_: &str| conditions.iter().filter(is_of_now).find(|condition| condition.type_ == type_);
    let refused = [said("Accepted"), said("ResolvedRefs")].into_iter().flatten().find(|it| it.status == "False");
    match (refused, said("Accepted")) {
        (Some(refused), _) => Taken::No { why: format!("{} ({}).", refused.message, refused.reason) },
        (None, Some(accepted)) if accepted.status == "True" => Taken::Yes { address: None },
        _ => Taken::NotYet,
    }
}

/// Where a Gateway that has taken a route is reached.
async fn address(observed: &Observed, route: &HttpRoute, context: &Context) -> Result<Option<String>, Error> {
    let Some(parent) = route.spec.parent_refs.first() else { return Ok(None) };
    let namespace = parent.namespace.as_deref().unwrap_or(&observed.namespace);
    let gateway = read(&context.api::<Gateway>(namespace), &parent.name).await?;
    let plain = route.spec.hostnames.iter().find(|hostname| !hostname.starts_with('*'));
    Ok(gateway.and_then(|gateway| gateway.address(parent.section_name.as_deref(), plain.map(String::as_str))))
}

/// One that was an application load balancer before has a route still.
async fn delete_route(observed: &Observed, context: &Context) -> Result<(), Error> {
    let status = observed.group.status.as_ref();
    if status.is_none_or(|status| status.http_route.is_none()) {
        return Ok(());
    }
    let name = &names::target_group(&observed.name);
    let routes: Api<HttpRoute> = context.api(&observed.namespace);
    let found = match read(&routes, name).await {
        Err(error) if error.is_of_unknown_kind() => None,
        found => found?,
    };
    match found.filter(|found| observed.owner.ownership(found) == Ownership::Ours) {
        Some(found) => delete_if_there(&routes, name, found.uid()).await,
        None => Ok(()),
    }
}

async fn read<K>(api: &Api<K>, name: &str) -> Result<Option<K>, Error>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    api.get_opt(name).await.map_err(|error| Error::request(format!("read {} {name}", K::kind(&())), error))
}

fn wanted_by(observed: &Observed) -> String {
    format!("EcsTargetGroup {}", observed.name)
}
