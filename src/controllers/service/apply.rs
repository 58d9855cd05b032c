//! Fourth step: carries the plan out, in the order in which things need each other.

use std::{fmt::Debug, time::Duration};

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, DaemonSet, Deployment},
    core::v1::{Pod, Service},
    networking::v1::NetworkPolicy,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    api::{
        security_group::EcsSecurityGroup,
        service::{EcsService, SchedulingStrategy},
        service_status::RolloutState,
    },
    controllers::{context::Context, driver::Outcome, task::Seen},
    decide::{elapsed::left, rollout::Rollout, service_scheduler::TaskStop, unhealthy::is_unhealthy_stop},
    kube_io::{
        apply::{Applied, Force, apply as apply_object, delete_if_there},
        apply_request::create_as_go_writes_it,
        error::{Error, api_status},
        finalizer, replica_set, scale,
        workload::Workload,
    },
    translate::{kubernetes_service::endpoint_name, labels, names, owner::Ownership, snapshot::Snapshot},
};

use super::{
    observe::{Observed, StoredSnapshot},
    plan::Plan,
    service_connect::addresses_that_clients_know,
    services::endpoints_of,
    validate::{Accepted, Target},
};

/// What has been done to the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is as it should be and was so before.
    Unchanged,
    /// It was made or changed just now.
    Changed,
    /// It waits for something.
    Waiting,
}

/// Writes into the service itself what it lacks: the finalizer, because nothing is made for a service that could vanish
/// without being drained, and its count. Whether it did: the change brings the service back here.
pub(super) async fn complete(observed: &Observed, plan: &Plan, context: &Context) -> Result<bool, Error> {
    let services: Api<EcsService> = context.api(&observed.namespace);
    if !finalizer::is_set(&*observed.service, finalizer::SERVICE) {
        finalizer::add(&services, &*observed.service, finalizer::SERVICE).await?;
    } else if plan.write_desired_count {
        scale::write_desired_count(&services, &observed.service, plan.desired_count).await?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

pub(super) async fn apply(observed: &Observed, plan: &Plan, context: &Context) -> Result<Progress, Error> {
    refuse_if_rollout_is_behind(observed, plan, context).await?;
    apply_surroundings(observed, plan, context).await?;
    if let Some(snapshot) = &plan.new_snapshot {
        store_snapshot(observed, snapshot, plan, context).await?;
    }
    keep_decision(observed, plan, context).await?;
    let waits = plan.obstacle.is_some();
    let startable = plan.workload.as_ref().filter(|_| !waits || observed.applied_snapshot().is_some());
    let Some(workload) = startable else { return Ok(Progress::Waiting) };
    let applied = apply_workload(observed, plan.scheduling, workload, context).await?;
    if let Some(stuck) = &observed.stuck {
        replica_set::note_desired(&context.api(&observed.namespace), stuck).await?;
    }
    for obsolete in &plan.obsolete_snapshots {
        delete_if_there(&context.api::<ControllerRevision>(&observed.namespace), obsolete, None).await?;
    }
    Ok(match applied {
        _ if waits => Progress::Waiting,
        Applied::Unchanged => Progress::Unchanged,
        Applied::Created | Applied::Changed => Progress::Changed,
    })
}

async fn apply_workload(
    observed: &Observed,
    scheduling: SchedulingStrategy,
    wanted: &Value,
    context: &Context,
) -> Result<Applied, Error> {
    match (scheduling, &observed.workload) {
        (SchedulingStrategy::Replica, Some(Workload::Deployment(found))) => {
            apply_as::<Deployment>(observed, wanted, Some(found), context).await
        }
        (SchedulingStrategy::Replica, _) => apply_as::<Deployment>(observed, wanted, None, context).await,
        (SchedulingStrategy::Daemon, Some(Workload::DaemonSet(found))) => {
            apply_as::<DaemonSet>(observed, wanted, Some(found), context).await
        }
        (SchedulingStrategy::Daemon, _) => apply_as::<DaemonSet>(observed, wanted, None, context).await,
    }
}

async fn apply_as<K>(
    observed: &Observed,
    wanted: &Value,
    found: Option<&K>,
    context: &Context,
) -> Result<Applied, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Serialize + DeserializeOwned + Clone + Debug,
{
    let ownership = |found: &K| observed.owner.ownership(found);
    apply_object(&context.api(&observed.namespace), wanted, found, ownership, Force::Yes, &wanted_by(observed)).await
}

async fn apply_surroundings(observed: &Observed, plan: &Plan, context: &Context) -> Result<(), Error> {
    let (namespace, wanted_by) = (&observed.namespace, wanted_by(observed));
    if let Some(group) = &plan.own_group {
        let api: Api<EcsSecurityGroup> = context.api(namespace);
        let found = observed.own_group().map(|group| &**group);
        // A rule that its users have refined is theirs. A group that appeared since is theirs altogether.
        match apply_object(&api, group, found, |found| observed.owner.ownership(found), Force::No, &wanted_by).await {
            Ok(_) | Err(Error::Foreign { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(policy) = &plan.isolation {
        let api: Api<NetworkPolicy> = context.api(namespace);
        let ownership = |found: &NetworkPolicy| observed.owner.ownership(found);
        apply_object(&api, policy, observed.isolation.as_deref(), ownership, Force::Yes, &wanted_by).await?;
    }
    // A budget of its users is as good.
    match keep(plan.budget.as_ref(), observed.budget.as_deref(), observed, context).await {
        Ok(()) | Err(Error::Foreign { .. } | Error::Hidden { .. }) => {}
        Err(error) => return Err(error),
    }
    keep(plan.kubernetes_service.as_ref(), observed.kubernetes_service.as_deref(), observed, context).await
}

/// Deletes the names under which tasks are found that no deployment with tasks has any more, and makes the others: one that
/// somebody else has keeps none of them back.
///
/// # Errors
/// The first that was met.
pub(super) async fn keep_other_services(
    observed: &Observed,
    wanted: &[Service],
    context: &Context,
) -> Result<(), Error> {
    let is_wanted = |name: &str| wanted.iter().any(|service| service.name_any() == name);
    let mut result = Ok(());
    for obsolete in observed.other_services.iter().filter(|service| !is_wanted(&service.name_any())) {
        result = result.and(keep(None, Some(&**obsolete), observed, context).await);
    }
    let of_name = |name: &str| observed.other_services.iter().find(|service| service.name_any() == name);
    for service in wanted {
        let found = of_name(&service.name_any()).map(|found| &**found);
        result = result.and(keep(Some(service), found, observed, context).await);
    }
    result
}

/// Time after which everybody has seen who has opened an endpoint: of several in the same second the order is by their UIDs.
const SETTLES: Duration = Duration::from_secs(2);

/// Opens the endpoints of a deployment that is to start, whose tasks are told their addresses. What to wait for before it does.
pub(super) async fn open_endpoints(
    observed: &Observed,
    accepted: &Accepted,
    context: &Context,
) -> Result<Option<Outcome>, Error> {
    let Target::New(_, runs) = &accepted.target else { return Ok(None) };
    // Nothing is made for a service that could vanish without being drained.
    if !finalizer::is_set(&*observed.service, finalizer::SERVICE) {
        return Ok(None);
    }
    let Some(starts) = &runs.task_definition.service_connect else { return Ok(None) };
    let mut endpoints = endpoints_of(observed, accepted, starts);
    let there: Vec<_> = observed.other_services.iter().filter(|found| observed.owner.controls(&***found)).collect();
    let find = |endpoint: &Service| there.iter().find(|found| found.metadata.name == endpoint.metadata.name);
    let opened = endpoints.iter().filter_map(|endpoint| find(endpoint)?.creation_timestamp());
    let settles_in = opened.max().map_or(Duration::ZERO, |opened| left(&opened, SETTLES, &context.now()));
    endpoints.retain(|endpoint| find(endpoint).is_none());
    // They bring the service back here, and wait with it until nobody can come before them.
    if endpoints.is_empty() {
        return Ok((!settles_in.is_zero()).then_some(Outcome::Wait(settles_in)));
    }
    let known = addresses_that_clients_know(&starts.namespace, &observed.namespace, &context.caches);
    let mut has_opened = false;
    for endpoint in &endpoints {
        let known = endpoint_name(endpoint).and_then(|name| known.get(&name.dns_name));
        match open(endpoint, known, observed, context).await {
            // It is told with the others, and the tasks go without.
            Err(Error::Foreign { .. } | Error::Hidden { .. }) => {}
            result => {
                result?;
                has_opened = true;
            }
        }
    }
    Ok(if has_opened { Some(Outcome::Done) } else { (!settles_in.is_zero()).then_some(Outcome::Wait(settles_in)) })
}

/// Opens an endpoint at the address that clients know it by, as far as that is free.
async fn open(endpoint: &Service, known: Option<&String>, observed: &Observed, context: &Context) -> Result<(), Error> {
    let is_free = |address: &&String| !observed.endpoints.iter().any(|other| other.address.to_string() == **address);
    if let Some(address) = known.filter(is_free) {
        let mut there = endpoint.clone();
        there.spec.get_or_insert_default().cluster_ip = Some(address.clone());
        match keep(Some(&there), None, observed, context).await {
            // Somebody else has got it.
            Err(error) if error.refusal().is_some() => {}
            result => return result,
        }
    }
    keep(Some(endpoint), None, observed, context).await
}

/// Closes what was opened for the first deployment of a service that is refused before that starts: another one has got the name.
pub(super) async fn close_unused_endpoints(observed: &Observed, context: &Context) -> Result<(), Error> {
    let is_unknown = observed.snapshots.is_empty() && observed.workload.is_none();
    if !is_unknown || observed.other_services.is_empty() {
        return Ok(());
    }
    // The cache may be behind a start.
    refuse_if_stored(observed, 1, &context.api(&observed.namespace)).await?;
    keep_other_services(observed, &[], context).await
}

/// Applies what is wanted, or deletes what the service has of it and needs no more.
async fn keep<K>(wanted: Option<&K>, found: Option<&K>, observed: &Observed, context: &Context) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Serialize + DeserializeOwned + Clone + Debug,
{
    let (api, owner) = (context.api::<K>(&observed.namespace), &observed.owner);
    match (wanted, found) {
        (Some(wanted), found) => {
            let ownership = |found: &K| owner.ownership(found);
            apply_object(&api, wanted, found, ownership, Force::Yes, &wanted_by(observed)).await.map(|_| ())
        }
        (None, Some(found)) if owner.controls(found) => delete_if_there(&api, &found.name_any(), found.uid()).await,
        (None, _) => Ok(()),
    }
}

/// Keeps on the newest snapshot how far its deployment is, and what was accepted of the service: before the workload is changed, so
/// that a decision is carried out by whoever comes next.
async fn keep_decision(observed: &Observed, plan: &Plan, context: &Context) -> Result<(), Error> {
    let newest = observed.snapshots.iter().find(|stored| stored.snapshot.number == plan.newest);
    let Some(newest) = newest else { return Ok(()) };
    let (kept, accepted) = (plan.decision.rollout.kept(), &plan.last_accepted);
    // What has not changed may be newer than the cache.
    let rollout = (newest.kept != kept).then(|| (labels::ROLLOUT.to_owned(), json!(kept)));
    let last_accepted =
        (newest.last_accepted != *accepted).then(|| (labels::LAST_ACCEPTED.to_owned(), json!(accepted)));
    let annotations: Map<_, _> = rollout.into_iter().chain(last_accepted).collect();
    if annotations.is_empty() {
        return Ok(());
    }
    let patch = json!({ "metadata": { "annotations": annotations } });
    let api: Api<ControllerRevision> = context.api(&observed.namespace);
    let what = || format!("ControllerRevision {}", newest.object);
    match api.patch_metadata(&newest.object, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(|status| status.code == 404) => Err(Error::Stale { what: what() }),
        Err(error) => Err(Error::request(format!("write the rollout of {}", what()), error)),
    }
}

/// The status has a deployment fail of which the snapshot in the cache does not: somebody has changed that, or the cache is behind.
/// In the second case the next look knows what was decided, and what is decided now would start it again.
async fn refuse_if_rollout_is_behind(observed: &Observed, plan: &Plan, context: &Context) -> Result<(), Error> {
    let newest = observed.snapshots.iter().find(|stored| stored.snapshot.number == plan.newest);
    let has_failed = observed.shown(plan.newest).is_some_and(|shown| shown.rollout_state == RolloutState::Failed);
    let goes_on = |stored: &&StoredSnapshot| matches!(stored.rollout, Rollout::InProgress { .. });
    let Some(newest) = newest.filter(goes_on).filter(|_| has_failed) else { return Ok(()) };
    let what = format!("ControllerRevision {}", newest.object);
    let api: Api<ControllerRevision> = context.api(&observed.namespace);
    let found = api.get_opt(&newest.object).await.map_err(|error| Error::request(format!("read {what}"), error))?;
    let kept = found.as_ref().and_then(|found| found.annotations().get(labels::ROLLOUT));
    if kept == newest.kept.as_ref() { Ok(()) } else { Err(Error::Stale { what }) }
}

/// Notes why tasks are stopped: before the workload is changed, for which Kubernetes may take one of them by itself. One that was
/// to be stopped and was not is well again.
pub(super) fn note_stops(observed: &Observed, plan: &Plan, context: &Context) {
    let is_stopped = |id: &String| plan.decision.stops.iter().any(|stop| stop.id == *id);
    for (_, pod) in observed.live_pods.iter().filter(|(id, _)| !is_stopped(id)) {
        context.stops.withdraw(pod.uid(), is_unhealthy_stop);
    }
    for TaskStop { id, stop, deletes } in &plan.decision.stops {
        let Some(pod) = observed.live_pods.get(id) else { continue };
        pod.note_stop(stop, context);
        if !deletes {
            // Kubernetes does, when it replaces the deployment.
            context.stops.carry_out(pod.uid());
        }
    }
}

/// Stops the tasks that are replaced. Their failures have been counted and told before.
pub(super) async fn replace(observed: &Observed, plan: &Plan, context: &Context) -> Result<(), Error> {
    let pods: Api<Pod> = context.api(&observed.namespace);
    let deleted = plan.decision.stops.iter().filter(|stop| stop.deletes);
    for Seen { pod, .. } in deleted.filter_map(|stop| observed.live_pods.get(&stop.id)) {
        context.stops.carry_out(pod.metadata.uid.as_deref().unwrap_or_default());
        delete_if_there(&pods, &pod.name_any(), pod.uid()).await?;
    }
    Ok(())
}

/// Stores a new deployment. When the cache was behind, there may be one of this number already: the next look shows it.
/// One that is not the service's is told.
async fn store_snapshot(observed: &Observed, snapshot: &Snapshot, plan: &Plan, context: &Context) -> Result<(), Error> {
    let api: Api<ControllerRevision> = context.api(&observed.namespace);
    refuse_if_behind(observed, &api).await?;
    let mut object = snapshot.controller_revision(&observed.namespace, &observed.name, &observed.owner);
    object.annotations_mut().extend(plan.last_accepted.iter().map(|last| (labels::LAST_ACCEPTED.into(), last.clone())));
    let Err(refused) = create_as_go_writes_it(&api, &object).await else { return Ok(()) };
    let name = object.name_any();
    if api_status(&refused).is_none_or(|status| status.code != 409) {
        return Err(Error::request(format!("store ControllerRevision {name}"), refused));
    }
    let found = api.get_opt(&name).await;
    let found = found.map_err(|error| Error::request(format!("read ControllerRevision {name}"), error))?;
    let is_hidden = found.as_ref().is_some_and(|found| !found.labels().contains_key(labels::MANAGED_BY));
    let (kind, wanted_by) = ("ControllerRevision".to_owned(), wanted_by(observed));
    Err(match found.map(|found| observed.owner.ownership(&found)) {
        Some(Ownership::Foreign) => Error::Foreign { kind, name, wanted_by },
        Some(Ownership::Remnant) => Error::Remnant { kind, name, wanted_by },
        Some(Ownership::Ours) if is_hidden => Error::Hidden { kind, name },
        Some(Ownership::Ours) | None => Error::Stale { what: format!("{kind} {name}") },
    })
}

/// The workload has a deployment that the cache has no snapshot of: somebody has deleted that, or the cache is behind. In the
/// second case the next look knows what was started last, and a new deployment now would be one too many.
async fn refuse_if_behind(observed: &Observed, api: &Api<ControllerRevision>) -> Result<(), Error> {
    let newest = observed.newest_snapshot().map(|newest| newest.number);
    match observed.applied_snapshot().filter(|applied| Some(*applied) > newest) {
        Some(applied) => refuse_if_stored(observed, applied, api).await,
        None => Ok(()),
    }
}

/// A snapshot that the cache does not have is there.
async fn refuse_if_stored(observed: &Observed, number: i64, api: &Api<ControllerRevision>) -> Result<(), Error> {
    let name = names::snapshot(&observed.name, number);
    let found = api.get_opt(&name).await;
    let found = found.map_err(|error| Error::request(format!("read ControllerRevision {name}"), error))?;
    let is_ours = found.is_some_and(|found| observed.owner.controls(&found));
    if is_ours { Err(Error::Stale { what: format!("ControllerRevision {name}") }) } else { Ok(()) }
}

fn wanted_by(observed: &Observed) -> String {
    format!("EcsService {}", observed.name)
}
