//! First step: what the operator has seen of a target group, of its targets and of the services that name it. Reads caches only.

use std::sync::Arc;

use k8s_openapi::{api::core::v1::Service, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::ResourceExt;

use crate::{
    api::{service::EcsService, target_group::EcsTargetGroup},
    controllers::context::Context,
    decide::name_claim::{self, NameClaim},
    ecs::{target_group::named_by, target_port::KnownTarget, task_definition::port::port_number},
    kube_io::{caches::Caches, pod::Pod},
    translate::{names, owner::Owner},
};

use super::name_of;

/// What the operator has seen.
pub(super) struct Observed {
    pub(super) group: Arc<EcsTargetGroup>,
    pub(super) namespace: String,
    /// Name of the object.
    pub(super) name: String,
    pub(super) owner: Owner,
    /// Which of those that claim the name has it.
    pub(super) holder: Option<NameClaim>,
    pub(super) service: Option<Arc<Service>>,
    /// The Pods that are registered: they are there and are not being stopped.
    pods: Vec<Arc<Pod>>,
    /// The port that a service names, where it has no Pods yet.
    pub(super) wanted_port: Option<u16>,
    /// A service or a Pod that uses it, when it is being deleted.
    pub(super) used_by: Option<String>,
}

/// How many targets there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) registered: i32,
    pub(super) healthy: i32,
}

impl Observed {
    /// What the Pods say.
    pub(super) fn targets(&self) -> Vec<KnownTarget<'_>> {
        let of_this = self.pods.iter().flat_map(|pod| {
            let created = pod.metadata.creation_timestamp.as_ref().map_or(0, |created| created.0.as_second());
            let is_ready = pod.status.holds("Ready").is_some();
            pod.targets.iter().map(move |target| KnownTarget { target, is_ready, created })
        });
        of_this.filter(|known| known.target.target_group == self.name).collect()
    }

    /// Another target group that has the name.
    pub(super) fn other_holder(&self) -> Option<&NameClaim> {
        self.holder.as_ref().filter(|holder| holder.uid != self.owner.uid)
    }

    pub(super) fn counts(&self) -> Counts {
        let registered = self.pods.iter().filter(|pod| !pod.status.pod_ips.is_empty());
        let healthy = registered.clone().filter(|pod| pod.status.holds("Ready").is_some());
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Counts { registered: number(registered.count()), healthy: number(healthy.count()) }
    }
}

pub(super) fn observe(group: Arc<EcsTargetGroup>, context: &Context) -> Observed {
    let (namespace, name) = (group.namespace().unwrap_or_default(), group.name_any());
    let caches = &context.caches;
    let target_group = name_of(&group).to_owned();
    let holder = holder(&namespace, &target_group, caches);
    // Who names the name means the one that has it.
    let is_meant = holder.as_ref().is_some_and(|holder| Some(&holder.uid) == group.metadata.uid.as_ref());
    let mut labelled = caches.pods.labelled(&namespace, &names::target_group_label(&name), "true");
    labelled.retain(|pod| is_task(pod, caches));
    let mut users = caches.services.in_namespace(&namespace);
    users.retain(|service| is_meant && names(service, &target_group));
    let is_deleted = group.metadata.deletion_timestamp.is_some();
    Observed {
        used_by: is_deleted.then(|| user(users.iter().filter(|user| runs(user)), &labelled)).flatten(),
        wanted_port: users.iter().find_map(|service| port(service, &target_group)),
        pods: labelled.into_iter().filter(|pod| !pod.is_deleted() && !pod.status.has_ended()).collect(),
        service: caches.kubernetes_services.get(&namespace, &names::target_group(&name)),
        holder,
        owner: Owner::of(&*group),
        group,
        namespace,
        name,
    }
}

/// Whether a Pod belongs to the workload of a service. Whoever may only make Pods could say of one that it is a target, and where
/// all others are reached.
fn is_task(pod: &Pod, caches: &Caches) -> bool {
    let namespace = pod.namespace().unwrap_or_default();
    let is_there = |owner: &OwnerReference| {
        let replica_set = caches.replica_sets.get(&namespace, &owner.name).and_then(|it| it.uid());
        let daemon_set = caches.daemon_sets.get(&namespace, &owner.name).and_then(|it| it.uid());
        owner.controller == Some(true) && [replica_set, daemon_set].contains(&Some(owner.uid.clone()))
    };
    pod.deployment().is_some() && pod.owner_references().iter().any(is_there)
}

/// Whether a service was ever accepted: one that was not runs nothing that would lose its target group.
fn runs(service: &EcsService) -> bool {
    service.status.as_ref().is_some_and(|status| !status.deployments.is_empty())
}

fn user<'a>(mut services: impl Iterator<Item = &'a Arc<EcsService>>, pods: &[Arc<Pod>]) -> Option<String> {
    let service = services.next().map(|service| format!("EcsService {}", service.name_any()));
    service.or_else(|| pods.first().map(|pod| format!("Pod {}", pod.name_any())))
}

/// Whether a service names a target group.
pub(super) fn names(service: &EcsService, target_group: &str) -> bool {
    named(service, target_group).is_some()
}

fn named<'a>(service: &'a EcsService, target_group: &str) -> Option<&'a crate::api::load_balancer::LoadBalancer> {
    let mut load_balancers = service.spec.load_balancers.iter().flatten();
    load_balancers.find(|each| each.target_group_arn.as_deref().is_some_and(|given| named_by(given) == target_group))
}

fn port(service: &EcsService, target_group: &str) -> Option<u16> {
    named(service, target_group)?.container_port.and_then(port_number)
}

/// Which target group has a name.
pub(super) fn holder(namespace: &str, target_group: &str, caches: &Caches) -> Option<NameClaim> {
    let groups = caches.target_groups.in_namespace(namespace);
    let claimants = groups.iter().filter(|group| name_of(group) == target_group);
    name_claim::holder(claimants.map(|group| claim(group, caches)))
}

fn claim(group: &EcsTargetGroup, caches: &Caches) -> NameClaim {
    let service =
        caches.kubernetes_services.get(&group.namespace().unwrap_or_default(), &names::target_group(&group.name_any()));
    NameClaim::of(group, !service.is_some_and(|service| Owner::of(group).controls(&*service)))
}
