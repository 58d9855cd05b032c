//! Which clusters share a VPC as far as the operator has seen, and who is to be looked at when that changes. What a VPC is stands in
//! `ecs::vpc`.

use std::sync::Arc;

use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};

use crate::{
    api::cluster::EcsCluster,
    decide::conditions::{ACCEPTED, is_true},
    ecs::vpc::Vpc,
    kube_io::{cache::Cached, caches::Caches},
};

use super::triggers::{LastSeen, Triggers};

/// The clusters that share the VPC of a Namespace's, among those that have got what they claim: anyone could claim the Namespace of another one.
#[must_use]
pub fn vpc_of(namespace: &str, caches: &Caches) -> Vpc {
    let clusters = caches
        .clusters
        .store
        .state_filter(|cluster| cluster.status.as_ref().is_some_and(|status| is_true(&status.conditions, ACCEPTED)));
    let names: Vec<_> = clusters.iter().map(|cluster| cluster.name_any()).collect();
    Vpc::of(namespace, clusters.iter().map(|cluster| &cluster.spec).zip(names.iter().map(String::as_str)))
}

/// Sends what `concerned` finds when a cluster comes, goes or joins a VPC.
pub fn follow_networks<K: Cached + Resource<DynamicType = ()>>(
    triggers: &Triggers<K>,
    caches: &Arc<Caches>,
    concerned: impl Fn(&Caches) -> Vec<ObjectRef<K>> + Send + 'static,
) {
    let (all, networks) = (Arc::clone(caches), LastSeen::new());
    triggers.from(&caches.clusters, move |cluster: &EcsCluster| {
        let is_there = all.clusters.store.get(&ObjectRef::from_obj(cluster)).is_some();
        let is_accepted = cluster.status.as_ref().is_some_and(|status| is_true(&status.conditions, ACCEPTED));
        let network = (is_there && is_accepted, cluster.spec.vpc.clone());
        let is_news = networks.has_changed(&cluster.uid().unwrap_or_default(), network);
        if is_news { concerned(&all) } else { Vec::new() }
    });
}
