//! EcsService -> Deployment or DaemonSet, its security group, its Service. The five steps are one file each; draining a deleted
//! service is another.

mod apply;
mod drain;
mod due;
mod last_accepted;
mod observe;
mod plan;
mod report;
mod service_connect;
mod services;
mod validate;

use std::{pin::pin, sync::Arc, time::Duration};

use futures::{
    Future,
    future::{Shared, select},
};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use kube::{ResourceExt, runtime::reflector::ObjectRef};

use crate::{
    api::{
        cluster::EcsCluster, role::EcsRole, security_group::EcsSecurityGroup, service::EcsService,
        target_group::EcsTargetGroup, task::EcsTask,
    },
    decide::conditions::{ACCEPTED, READY, is_true, reason},
    ecs::{arn::last_segment, task_definition_reference::TaskDefinitionReference},
    kube_io::{caches::Caches, error::Error, pod::Pod, replica_set::ReplicaSet, revision::Revision},
    translate::{labels, names},
};

use super::{
    cluster::namespace_of,
    context::Context,
    driver::{Driver, Outcome},
    refusal::Refusal,
    revision_lookup, secret_access, target_group,
    triggers::{LastSeen, Triggers},
    vpc::follow_networks,
};

use observe::Observed;
use service_connect::takes_part;
use validate::Accepted;

/// Reconciles services until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = &context.caches;
    let (triggers, receiver) = Triggers::of(&caches.services);
    triggers.owner_of(&caches.deployments);
    triggers.owner_of(&caches.daemon_sets);
    triggers.owner_of(&caches.kubernetes_services);
    triggers.owner_of(&caches.network_policies);
    triggers.owner_of(&caches.snapshots);
    triggers.owner_of(&caches.budgets);
    let all = Arc::clone(context);
    triggers.from(&caches.pods, move |pod: &Pod| service_of(&all, pod));
    let all = Arc::clone(context);
    triggers.from(&caches.tasks, move |task: &EcsTask| service_of(&all, task));
    // Also one that somebody has taken the owner off.
    let all = Arc::clone(context);
    triggers.from(&caches.deployments, move |deployment: &Deployment| service_of(&all, deployment));
    let all = Arc::clone(context);
    triggers.from(&caches.daemon_sets, move |daemon_set: &DaemonSet| service_of(&all, daemon_set));
    let all = Arc::clone(context);
    let last_share = LastSeen::new();
    // What its Pods do, they tell themselves.
    triggers.from(&caches.replica_sets, move |replica_set: &ReplicaSet| {
        let has_changed = last_share.has_changed(&replica_set.uid().unwrap_or_default(), replica_set.share());
        if has_changed { service_of(&all, replica_set) } else { Vec::new() }
    });
    let endpoints = service_connect::follow_endpoints(&triggers, caches);
    // A service that needs its name takes it back from the registry of another one, which may have it again when that is gone.
    let (all, needs) = (Arc::clone(caches), LastSeen::new());
    triggers.from(&caches.services, move |service: &EcsService| {
        let is_gone = all.services.store.get(&ObjectRef::from_obj(service)).is_none();
        let is_news = needs.has_changed(&service.uid().unwrap_or_default(), observe::lacks_a_name(service));
        if !is_news && !is_gone {
            return Vec::new();
        }
        let name = names::workload(&service.name_any());
        services_in(&all, &service.namespace().unwrap_or_default(), |other| is_found_as(other, &name))
    });
    let all = Arc::clone(caches);
    let shared = context.settings.shared_namespace.clone();
    triggers.from(&caches.revisions, move |revision: &Revision| services_of_family(&all, revision, shared.as_deref()));
    let all = Arc::clone(caches);
    triggers.from(&caches.security_groups, move |group: &EcsSecurityGroup| {
        // What is to run may have groups that the service does not name any more.
        let concerns = |service: &EcsService| uses(service, &group.name_any()) || !is_ready(service);
        services_in(&all, &group.namespace().unwrap_or_default(), concerns)
    });
    let all = Arc::clone(caches);
    // Whoever has come to rest has what it needs, but a change of that may make a deployment due.
    let roles = LastSeen::new();
    triggers.from(&caches.roles, move |role: &EcsRole| {
        let is_changed = roles.is_another(&role.uid().unwrap_or_default(), role.metadata.generation);
        services_in(&all, &role.namespace().unwrap_or_default(), |service| is_changed || !is_ready(service))
    });
    let all = Arc::clone(caches);
    let accepted_before = LastSeen::new();
    triggers.from(&caches.target_groups, move |group: &EcsTargetGroup| {
        let accepted = is_true(&group.status.clone().unwrap_or_default().conditions, ACCEPTED);
        // Its counts change with each task, and it is not missed before it is gone.
        let digest = (group.metadata.generation, accepted, group.metadata.deletion_timestamp.is_some());
        let is_gone = all.target_groups.store.get(&ObjectRef::from_obj(group)).is_none();
        if !accepted_before.has_changed(&group.uid().unwrap_or_default(), digest) && !is_gone {
            return Vec::new();
        }
        let concerns = |service: &EcsService| target_group::is_named_by(group, service) || !is_ready(service);
        services_in(&all, &group.namespace().unwrap_or_default(), concerns)
    });
    let all = Arc::clone(caches);
    let last_seen = LastSeen::new();
    triggers.from(&caches.clusters, move |cluster: &EcsCluster| {
        let accepted = is_true(&cluster.status.clone().unwrap_or_default().conditions, ACCEPTED);
        let spec = &cluster.spec;
        let places = (spec.region.clone(), spec.subnets.clone(), spec.service_connect_defaults.clone());
        let digest = (accepted, cluster.metadata.deletion_timestamp.is_some(), places);
        let gone = all.clusters.store.get(&ObjectRef::from_obj(cluster)).is_none();
        // The counts of a cluster change with each task; its services do not mind.
        if last_seen.has_changed(&cluster.uid().unwrap_or_default(), digest) || gone {
            services_in(&all, &namespace_of(cluster), |_| true)
        } else {
            Vec::new()
        }
    });
    // Whoever is in the network of a cluster may reach its services now, or not any more.
    follow_networks(&triggers, caches, |caches| {
        let services = caches.services.store.state_filter(takes_part);
        services.iter().map(|service| ObjectRef::from_obj(&**service)).collect()
    });
    let driver = Driver { store: caches.services.store.clone(), triggers: receiver };
    let reconciled = pin!(driver.run(context, stop, reconcile));
    select(reconciled, pin!(endpoints)).await;
}

async fn reconcile(service: Arc<EcsService>, context: Arc<Context>) -> Result<Outcome, Error> {
    let observed = observe::observe(service, &context);
    if observed.service.metadata.deletion_timestamp.is_some() {
        return drain::drain(&observed, &context).await;
    }
    if observed.namespace_terminating {
        return Ok(Outcome::Done);
    }
    if let Some(left) = waits_for_registration(&observed, &context) {
        return Ok(Outcome::Wait(left));
    }
    match validate::validate(&observed) {
        Ok(accepted) => match apply::open_endpoints(&observed, &accepted, &context).await {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => go_on(&observed, &accepted, None, &context).await,
            Err(error) if error.refusal().is_some() => {
                let refusal = Refusal::new(reason::REFUSED_BY_API_SERVER, &error);
                refused(&observed, &refusal, &context).await.and(Err(error))
            }
            Err(error) => Err(error),
        },
        Err(refusal) => {
            let created_at = observed.service.metadata.creation_timestamp.as_ref();
            if let Some(left) = refusal.may_pass_in(created_at, &context.now()) {
                return Ok(Outcome::Wait(left));
            }
            refused(&observed, &refusal, &context).await
        }
    }
}

/// One that is refused goes on as it was accepted last.
async fn refused(observed: &Observed, refusal: &Refusal, context: &Context) -> Result<Outcome, Error> {
    let Some(accepted) = last_accepted::read(observed) else {
        apply::close_unused_endpoints(observed, context).await?;
        return report::refused(observed, refusal, context).await;
    };
    go_on(observed, &accepted, Some(refusal), context).await
}

/// With the service as it is, or as it was accepted last before it was refused.
async fn go_on(
    observed: &Observed,
    accepted: &Accepted,
    refusal: Option<&Refusal>,
    context: &Context,
) -> Result<Outcome, Error> {
    let now = context.now();
    let version = context.kubernetes_version();
    let denied = match accepted.secret_needs(observed) {
        Some(needs) => secret_access::refusal(&needs, &observed.namespace, context).await,
        None => None,
    };
    let surroundings = plan::Surroundings { denied: denied.as_deref(), arns: &context.arns, version, now: &now };
    let plan = plan::plan(observed, accepted, surroundings);
    if refusal.is_none() && apply::complete(observed, &plan, context).await? {
        return Ok(Outcome::Done);
    }
    apply::note_stops(observed, &plan, context);
    let applied = apply::apply(observed, &plan, context).await;
    if let Err(Error::Stale { .. }) = applied {
        return applied.map(|_| Outcome::Done);
    }
    // A name that somebody else has keeps nothing else from going on.
    let others = apply::keep_other_services(observed, &plan.other_services, context).await;
    if let Err(Error::Stale { .. }) = others {
        return others.map(|()| Outcome::Done);
    }
    let results = report::Results { applied: &applied, others: &others };
    let told = report::applied(observed, accepted, &plan, (results, refusal), context).await?;
    applied?;
    apply::replace(observed, &plan, context).await?;
    match (plan.decision.look_after.map_or(Outcome::Done, Outcome::Wait).or_sooner(told), others) {
        (Outcome::Done, Err(error)) => Err(error),
        (outcome, _) => Ok(outcome),
    }
}

/// A service that has no deployment yet starts with what was applied beside it.
fn waits_for_registration(observed: &Observed, context: &Context) -> Option<Duration> {
    if observed.newest_snapshot().is_some() {
        return None;
    }
    let created_at = observed.service.metadata.creation_timestamp.as_ref();
    let task_definition = &observed.service.spec.task_definition;
    revision_lookup::waits_for_registration(task_definition, &observed.namespace, created_at, context)
}

fn services_in(caches: &Caches, namespace: &str, wanted: impl Fn(&EcsService) -> bool) -> Vec<ObjectRef<EcsService>> {
    let services = caches.services.in_namespace(namespace).into_iter();
    services.filter(|service| wanted(service)).map(|service| ObjectRef::from_obj(&*service)).collect()
}

fn is_ready(service: &EcsService) -> bool {
    service.status.as_ref().is_some_and(|status| is_true(&status.conditions, READY))
}

/// Whether the registry of a service has a name.
fn is_found_as(service: &EcsService, name: &str) -> bool {
    let mut registries = service.spec.service_registries.iter().flatten();
    registries.any(|registry| registry.registry_arn.as_deref().is_some_and(|given| last_segment(given) == name))
}

/// The name of a service in ECS.
#[must_use]
pub fn name_of(service: &EcsService) -> String {
    service.spec.service_name.clone().unwrap_or_else(|| service.name_any())
}

/// Whether a service names a security group, or has it as its own.
#[must_use]
pub fn uses(service: &EcsService, group: &str) -> bool {
    let awsvpc = service.spec.network_configuration.as_ref().and_then(|network| network.awsvpc_configuration.as_ref());
    let named = awsvpc.and_then(|awsvpc| awsvpc.security_groups.as_deref()).unwrap_or_default();
    if named.is_empty() {
        names::workload(&service.name_any()) == group
    } else {
        named.iter().any(|name| name == group)
    }
}

/// The services that may run a revision: of its Namespace, or of all when it is in the shared one.
fn services_of_family(caches: &Caches, revision: &Revision, shared: Option<&str>) -> Vec<ObjectRef<EcsService>> {
    let namespace = revision.namespace().unwrap_or_default();
    let is_near =
        |service: &EcsService| shared == Some(&namespace) || service.metadata.namespace.as_deref() == Some(&namespace);
    let names_it = |service: &EcsService| {
        TaskDefinitionReference::parse(&service.spec.task_definition)
            .is_ok_and(|reference| reference.family == revision.family)
    };
    let services = caches.services.store.state_filter(|service| is_near(service) && names_it(service));
    services.iter().map(|service| ObjectRef::from_obj(&**service)).collect()
}

/// An object carries the name of the service's objects as a label, which nearly always is the service's own.
fn service_of<K: ResourceExt>(context: &Context, object: &K) -> Vec<ObjectRef<EcsService>> {
    let Some(workload) = object.labels().get(labels::SERVICE) else { return Vec::new() };
    let service = context.service_of(&object.namespace().unwrap_or_default(), workload);
    service.iter().map(|service| ObjectRef::from_obj(&**service)).collect()
}
