//! What every controller holds.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, channel::mpsc};
use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{Api, Client, Resource, ResourceExt, core::NamespaceResourceScope, runtime::reflector::ObjectRef};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    api::{
        cluster::EcsCluster, field_report::FieldOutcome, service::EcsService, task::EcsTask,
        task_definition::TaskDefinition, task_status::EcsTaskStatus,
    },
    decide::task_retention::DEFAULT_RETENTION,
    ecs::{
        arn::ArnScope,
        cluster::retention,
        field_outcomes,
        kubernetes_version::{self, KubernetesVersion},
    },
    kube_io::{
        cache::{Cache, Cached},
        caches::Caches,
        departed_pods::DepartedPods,
        error::Error,
        events::{Events, Severity},
        pod::Pod,
        status,
        status_pace::StatusPace,
    },
    translate::{names, owner::Owner},
};

use super::{
    Settings, cluster::namespace_of, metrics::Metrics, registrar::SettledNamespaces, stops::Stops,
    task_changes::TaskChanges, told_events::ToldEvents, triggers::LastSeen, turns::Turns,
};

/// What every controller holds.
pub struct Context {
    /// The connection to the API server.
    pub client: Client,
    /// What the operator has seen.
    pub caches: Arc<Caches>,
    /// What can be set from outside.
    pub settings: Settings,
    /// Region and account.
    pub arns: ArnScope,
    /// Where Events are told.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// Whose turn it is to register in each Namespace.
    pub turns: Turns<ObjectRef<TaskDefinition>>,
    /// Where no claim is left that an earlier process has made.
    pub settled: SettledNamespaces,
    /// Pods that are gone and whose end is not written down yet.
    pub departed_pods: DepartedPods,
    /// Why Pods are being ended.
    pub stops: Stops,
    /// Tasks of services that no event has told of yet.
    pub task_changes: TaskChanges,
    /// What services have told.
    pub told_events: ToldEvents,
    /// When statuses were written.
    status_pace: StatusPace,
}

impl Context {
    pub(super) fn new(
        client: Client,
        caches: Arc<Caches>,
        settings: Settings,
        instance: String,
        metrics: Metrics,
    ) -> Self {
        let arns = ArnScope { region: settings.region.clone(), account_id: settings.account_id.clone() };
        let events = Events::new(client.clone(), instance);
        Self {
            client,
            caches,
            settings,
            arns,
            events,
            metrics,
            turns: Turns::default(),
            settled: SettledNamespaces::default(),
            departed_pods: DepartedPods::default(),
            stops: Stops::default(),
            task_changes: TaskChanges::default(),
            told_events: ToldEvents::default(),
            status_pace: StatusPace::default(),
        }
    }

    /// The objects of one kind in a Namespace.
    #[must_use]
    pub fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The cluster whose Namespace it is, or that claims it.
    #[must_use]
    pub fn cluster_of(&self, namespace: &str) -> Option<Arc<EcsCluster>> {
        self.caches.clusters.store.find(|cluster| namespace_of(cluster) == namespace)
    }

    /// The clusters that claim a Namespace.
    #[must_use]
    pub fn clusters_of(&self, namespace: &str) -> Vec<Arc<EcsCluster>> {
        self.caches.clusters.store.state_filter(|cluster| namespace_of(cluster) == namespace)
    }

    /// How long the records of stopped tasks are kept.
    #[must_use]
    pub fn stopped_task_retention(&self, namespace: &str) -> Duration {
        let cluster = self.cluster_of(namespace);
        let kubernetes = cluster.as_ref().and_then(|cluster| cluster.spec.kubernetes.as_ref());
        let given = kubernetes.and_then(|kubernetes| kubernetes.stopped_task_retention.as_deref());
        given.and_then(retention).unwrap_or(DEFAULT_RETENTION)
    }

    /// The service whose objects have a name.
    #[must_use]
    pub fn service_of(&self, namespace: &str, workload: &str) -> Option<Arc<EcsService>> {
        let by_name = self.caches.services.get(namespace, workload);
        by_name.or_else(|| {
            let services = self.caches.services.in_namespace(namespace).into_iter();
            services.into_iter().find(|service| names::workload(&service.name_any()) == workload)
        })
    }

    /// Whether the EcsTask that a Pod belongs to is there and does not know of its end.
    #[must_use]
    pub fn awaits_end(&self, pod: &Pod) -> bool {
        let namespace = pod.namespace().unwrap_or_default();
        let has_stopped = |task: &EcsTask| task.status.as_ref().is_some_and(EcsTaskStatus::has_stopped);
        let is_owner = |task: &EcsTask| {
            Owner::of(task).controls(pod) && task.metadata.deletion_timestamp.is_none() && !has_stopped(task)
        };
        self.caches.tasks.in_namespace(&namespace).iter().any(|task| is_owner(task))
    }

    /// Forgets a Pod whose end is written down.
    pub(super) fn forget(&self, pod: &Pod) {
        self.departed_pods.forget(pod);
        self.stops.forget(pod.metadata.uid.as_deref().unwrap_or_default());
    }

    /// Whether a cluster's Namespace is being deleted: nothing new is written in it then.
    #[must_use]
    pub fn is_terminating(&self, namespace: &str) -> bool {
        let found = self.caches.namespaces.store.get(&ObjectRef::new(namespace));
        found.is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_some())
    }

    /// What the Kubernetes cluster can do: as much as its oldest kubelet. The API server is never older.
    #[must_use]
    pub fn kubernetes_version(&self) -> KubernetesVersion {
        let kubelets = self.caches.nodes.store.state();
        let oldest = kubelets.iter().filter_map(|node| node.kubelet_version()).min();
        oldest.unwrap_or(kubernetes_version::LEAST)
    }

    /// How long the status of an object need not be written: its counts alone may wait for what follows.
    pub(super) fn time_for_status<K: Resource, S: Serialize>(&self, object: &K, old: &S, new: &S) -> Duration {
        let uid = object.meta().uid.as_deref().unwrap_or_default();
        if status::says_the_same_but_for_counts(old, new) {
            self.status_pace.left(uid, Instant::now())
        } else {
            Duration::ZERO
        }
    }

    /// Writes the status of an object that is as it was seen.
    pub(super) async fn write_status<K, S>(&self, api: &Api<K>, object: &K, status: &S) -> Result<(), Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
        S: Serialize,
    {
        status::write(api, object, status).await?;
        self.status_pace.written(object.meta().uid.as_deref().unwrap_or_default(), Instant::now());
        Ok(())
    }

    /// Tells of the fields of an object that are ignored now and were not before.
    pub(super) async fn tell_newly_ignored<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        before: &[FieldOutcome],
        now: &[FieldOutcome],
    ) {
        for note in field_outcomes::newly_ignored(before, now) {
            self.events.tell(object, Severity::Warning, "FieldIgnored", &note).await;
        }
    }

    /// Now, for decisions.
    #[must_use]
    pub fn now(&self) -> Time {
        Time(Timestamp::now())
    }

    /// Tells of objects that no controller can hold, because they cannot be read; until it is dropped.
    pub(super) async fn tell_of_undecodable_objects(&self) {
        futures::join!(
            tell_of_undecodable(&self.caches.clusters, &self.events),
            tell_of_undecodable(&self.caches.task_definitions, &self.events),
            tell_of_undecodable(&self.caches.revisions, &self.events),
            tell_of_undecodable(&self.caches.services, &self.events),
            tell_of_undecodable(&self.caches.tasks, &self.events),
            tell_of_undecodable(&self.caches.roles, &self.events),
            tell_of_undecodable(&self.caches.security_groups, &self.events),
            tell_of_undecodable(&self.caches.target_groups, &self.events),
        );
    }
}

async fn tell_of_undecodable<K: Cached + Resource<DynamicType = ()>>(cache: &Cache<K>, events: &Events) {
    let (sender, mut receiver) = mpsc::unbounded();
    cache.feed_undecodable(sender);
    let told = LastSeen::new();
    while let Some((object, error)) = receiver.next().await {
        let reference = ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            ..object.into()
        };
        // A new list brings the same error again.
        if told.has_changed(reference.uid.as_deref().unwrap_or_default(), error.clone()) {
            let note = format!(
                "The object cannot be read and is left as it is: {error}. Correct it with kubectl edit or apply it again."
            );
            events.tell_of(reference, Severity::Warning, "Undecodable", &note).await;
        }
    }
}
