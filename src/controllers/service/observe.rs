//! First step: what the operator has seen of a service and of all that matters to it. Reads caches only.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::{
    api::{
        apps::v1::ControllerRevision, core::v1::Service, networking::v1::NetworkPolicy, policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;

use crate::{
    api::{
        cluster::EcsCluster,
        security_group::EcsSecurityGroup,
        service::EcsService,
        service_status::{EcsServiceStatus, ServiceDeployment},
        task::EcsTask,
        task_status::EcsTaskStatus,
    },
    controllers::{
        context::Context, earlier_ends::earlier_ends, revision_lookup::Places, role::Roles, service_task::is_record,
        target_group::TargetGroups, task::Seen,
    },
    decide::{
        conditions::{READY, STALLED, is_true, reason},
        elapsed::left,
        rollout::Rollout,
        scheduled_task::ScheduledTask,
        start_throttle::EndedTask,
        task::ObservedTask,
        workload::{self, Share, WorkloadState},
    },
    ecs::{
        service_connect::KnownEndpoint,
        target::{Target, unasked},
    },
    kube_io::{pod::Pod, replica_set::ReplicaSet, workload::Workload},
    translate::{
        labels, names,
        owner::{Owner, Ownership},
        snapshot::{Snapshot, SnapshotContent, deployment_id},
    },
};

use super::service_connect::known_endpoints;

/// What the operator has seen.
pub(super) struct Observed {
    pub(super) service: Arc<EcsService>,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) owner: Owner,
    pub(super) status: EcsServiceStatus,
    /// Clusters that claim the Namespace.
    pub(super) clusters: Vec<Arc<EcsCluster>>,
    pub(super) namespace_terminating: bool,
    pub(super) places: Places,
    pub(super) security_groups: Vec<Arc<EcsSecurityGroup>>,
    pub(super) roles: Roles,
    pub(super) target_groups: TargetGroups,
    pub(super) workload: Option<Workload>,
    /// What its tasks are divided into, where it is a Deployment.
    pub(super) shares: Vec<Share>,
    /// What keeps its Deployment from going on.
    pub(super) stuck: Option<Arc<ReplicaSet>>,
    pub(super) kubernetes_service: Option<Arc<Service>>,
    /// Its other Services: those of registries and endpoints that it names, or named.
    pub(super) other_services: Vec<Arc<Service>>,
    /// The endpoints of Service Connect that it could reach, where it takes part.
    pub(super) endpoints: Vec<KnownEndpoint>,
    /// Names of other EcsServices that a registry of this one could have.
    pub(super) names_of_others: HashMap<String, NameOfAnother>,
    pub(super) isolation: Option<Arc<NetworkPolicy>>,
    pub(super) snapshots: Vec<StoredSnapshot>,
    /// All tasks, those that are being stopped as well.
    pub(super) tasks: Vec<ObservedTask>,
    /// Those that nobody stops, the oldest first.
    pub(super) live_tasks: Vec<ScheduledTask>,
    /// Their Pods, by their ids.
    pub(super) live_pods: HashMap<String, Seen>,
    /// Whether one of them is further than its record: there is news of it that is to be told.
    pub(super) awaits_records: bool,
    /// Tasks that have stopped by themselves, the newest end first.
    pub(super) earlier_ends: Vec<EndedTask>,
    /// Those that are being stopped: their deployments, and what is left of their time for it.
    pub(super) stopping_tasks: Vec<(i64, Duration)>,
    /// Ids of those that are being stopped, until their end is recorded.
    pub(super) departing_tasks: Vec<String>,
    pub(super) budget: Option<Arc<PodDisruptionBudget>>,
}

/// The name of another EcsService, and whether that needs it: one without ports, or that was never accepted, has no Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameOfAnother {
    Unneeded,
    Needed,
}

/// A snapshot, and when it was stored.
pub(super) struct StoredSnapshot {
    pub(super) snapshot: Snapshot,
    pub(super) object: String,
    pub(super) created_at: Option<Time>,
    /// How far the deployment is.
    pub(super) rollout: Rollout,
    /// What its annotation says of that.
    pub(super) kept: Option<String>,
    /// What its annotation says of the service that was accepted last.
    pub(super) last_accepted: Option<String>,
}

impl Observed {
    /// Number of the snapshot that the workload was last given.
    pub(super) fn applied_snapshot(&self) -> Option<i64> {
        self.own_workload()?.snapshot()
    }

    /// Numbers of deployments that are or were in use.
    pub(super) fn used_numbers(&self) -> impl Iterator<Item = i64> {
        let there = self.tasks.iter().map(|task| task.deployment);
        let ended = self.earlier_ends.iter().map(|task| task.deployment);
        self.applied_snapshot().into_iter().chain(there).chain(ended)
    }

    /// The workload, where it is the service's own.
    pub(super) fn own_workload(&self) -> Option<&Workload> {
        self.workload.as_ref().filter(|workload| self.owner.ownership_by(workload.metadata()) == Ownership::Ours)
    }

    /// What the workload says. Of one that is somebody else's only that it is not the service's.
    pub(super) fn workload_state(&self) -> WorkloadState {
        self.own_workload().map(Workload::state).unwrap_or_default()
    }

    /// Whether the tasks of a deployment leave their endpoints before they stop.
    pub(super) fn drains(&self, number: i64) -> bool {
        self.content(number).is_some_and(SnapshotContent::drains)
    }

    /// What the tasks of a deployment are to target groups.
    pub(super) fn targets(&self, number: i64) -> &[Target] {
        self.content(number).map(|content| &content.targets[..]).unwrap_or_default()
    }

    /// Names of the target groups of the newest deployment whose checks do not tell if its tasks are healthy.
    pub(super) fn unasked_target_groups(&self) -> Vec<String> {
        let targets = self.newest_snapshot().map(|newest| &newest.content.targets[..]).unwrap_or_default();
        unasked(targets)
    }

    fn content(&self, number: i64) -> Option<&SnapshotContent> {
        let stored = self.snapshots.iter().find(|stored| stored.snapshot.number == number);
        stored.map(|stored| &stored.snapshot.content)
    }

    /// Whether the last status says that it has what it is to have.
    pub(super) fn is_at_rest(&self) -> bool {
        is_true(&self.status.conditions, READY)
    }

    /// The id of a deployment.
    pub(super) fn deployment_id(&self, number: i64) -> String {
        deployment_id(&self.owner.uid, number)
    }

    /// What the last status says of a deployment.
    pub(super) fn shown(&self, number: i64) -> Option<&ServiceDeployment> {
        let id = self.deployment_id(number);
        self.status.deployments.iter().find(|deployment| deployment.id == id)
    }

    /// What the last deployment was started with.
    pub(super) fn newest_snapshot(&self) -> Option<&Snapshot> {
        self.newest_stored().map(|stored| &stored.snapshot)
    }

    pub(super) fn newest_stored(&self) -> Option<&StoredSnapshot> {
        self.snapshots.iter().max_by_key(|stored| stored.snapshot.number)
    }

    /// The security group that is named after the service, whoever made it.
    pub(super) fn own_group(&self) -> Option<&Arc<EcsSecurityGroup>> {
        let name = names::workload(&self.name);
        self.security_groups.iter().find(|group| group.name_any() == name)
    }
}

pub(super) fn observe(service: Arc<EcsService>, context: &Context) -> Observed {
    let caches = &context.caches;
    let (namespace, name) = (service.namespace().unwrap_or_default(), service.name_any());
    let workload = names::workload(&name);
    let owner = Owner::of(&*service);
    // By their owner, not by a label, which somebody may have taken off.
    let snapshots = caches.snapshots.in_namespace(&namespace);
    let pods = caches.pods.of_service(&namespace, &workload);
    let departed = context.departed_pods.of_service(&namespace, &workload);
    let records = caches.tasks.of_service(&namespace, &workload);
    let status = service.status.clone().unwrap_or_default();
    let live = LiveTasks::among(&pods, context);
    let all_pods = [&pods[..], &departed].concat();
    let scheduling = service.spec.scheduling_strategy.unwrap_or_default();
    let found = Workload::find(caches, &namespace, &workload, scheduling);
    let replica_sets = caches.replica_sets.of_service(&namespace, &workload);
    let shares = shares(&replica_sets);
    let snapshots: Vec<_> = snapshots
        .iter()
        .filter(|stored| owner.controls(&***stored))
        .filter_map(|stored| StoredSnapshot::read(stored, &owner, &status))
        .collect();
    Observed {
        clusters: context.clusters_of(&namespace),
        namespace_terminating: context.is_terminating(&namespace),
        places: Places::of(&namespace, context),
        security_groups: caches.security_groups.in_namespace(&namespace),
        roles: Roles::of(&namespace, context),
        target_groups: TargetGroups::of(&namespace, context),
        stuck: stuck(&replica_sets, &shares, found.as_ref()),
        workload: found,
        shares,
        kubernetes_service: caches.kubernetes_services.get(&namespace, &workload),
        other_services: other_services(caches.kubernetes_services.of_service(&namespace, &workload), &workload),
        endpoints: known_endpoints(&service, &namespace, context),
        names_of_others: names_of_others(&service, &snapshots, &namespace, context),
        isolation: caches.network_policies.get(&namespace, &names::isolation_policy(&name)),
        snapshots,
        tasks: pods.iter().filter_map(|pod| pod.observed_task()).collect(),
        stopping_tasks: stopping_tasks(&pods, &context.now()),
        departing_tasks: departing_tasks(&all_pods, &records, &live.pods),
        live_tasks: live.oldest_first,
        awaits_records: live.awaits_records,
        earlier_ends: earlier_ends(&records, &all_pods, context),
        live_pods: live.pods,
        budget: caches.budgets.get(&namespace, &workload),
        status,
        service,
        namespace,
        name,
        owner,
    }
}

/// The names of others, where this one has a registry or has tasks that are found by one.
fn names_of_others(
    service: &EcsService,
    snapshots: &[StoredSnapshot],
    namespace: &str,
    context: &Context,
) -> HashMap<String, NameOfAnother> {
    let names_one = service.spec.service_registries.as_ref().is_some_and(|list| !list.is_empty());
    if !names_one && !snapshots.iter().any(|stored| stored.snapshot.content.registry.is_some()) {
        return HashMap::new();
    }
    let mut others = context.caches.services.in_namespace(namespace);
    others.retain(|other| other.name_any() != service.name_any());
    let name = |other: &Arc<EcsService>| {
        let need = if lacks_a_name(other) { NameOfAnother::Needed } else { NameOfAnother::Unneeded };
        (names::workload(&other.name_any()), need)
    };
    others.iter().map(name).collect()
}

/// Whether a service says that somebody has what has to have its name.
pub(super) fn lacks_a_name(service: &EcsService) -> bool {
    let conditions = service.status.iter().flat_map(|status| &status.conditions);
    conditions.into_iter().any(|it| it.type_ == STALLED && it.status == "True" && it.reason == reason::FOREIGN_OBJECT)
}

fn other_services(services: Vec<Arc<Service>>, workload: &str) -> Vec<Arc<Service>> {
    services.into_iter().filter(|service| service.name_any() != workload).collect()
}

fn shares(replica_sets: &[Arc<ReplicaSet>]) -> Vec<Share> {
    replica_sets.iter().filter_map(|replica_set| replica_set.share()).filter(|share| share.replicas > 0).collect()
}

fn stuck(replica_sets: &[Arc<ReplicaSet>], shares: &[Share], workload: Option<&Workload>) -> Option<Arc<ReplicaSet>> {
    let workload = workload.filter(|workload| workload.state().is_observed)?;
    let number = workload::stuck(shares, workload.desired_count())?;
    let is_it = |share: Share| share.deployment == number && share.replicas > 0;
    replica_sets.iter().find(|replica_set| replica_set.share().is_some_and(is_it)).cloned()
}

/// The tasks that nobody stops.
struct LiveTasks {
    oldest_first: Vec<ScheduledTask>,
    pods: HashMap<String, Seen>,
    awaits_records: bool,
}

impl LiveTasks {
    /// Those among a service's Pods.
    fn among(pods: &[Arc<Pod>], context: &Context) -> Self {
        let now = context.now();
        let mut live = Self { oldest_first: Vec::new(), pods: HashMap::new(), awaits_records: false };
        for pod in pods.iter().filter(|pod| !pod.is_deleted() && !pod.status.has_ended()) {
            let Some((id, deployment)) = pod.service_task_id().zip(pod.deployment()) else { continue };
            let seen = Seen::of(Arc::clone(pod), false, context);
            let created_at = pod.metadata.creation_timestamp.as_ref();
            let record = context.caches.tasks.get(&pod.namespace().unwrap_or_default(), &id);
            let recorded_start = record.as_ref().and_then(|record| record.status.as_ref()?.started_at.as_ref());
            let facts = seen.facts(&now);
            let becomes_target = !pod.targets.is_empty() && facts.progress().started_at.is_some();
            live.awaits_records |= record.is_none() || becomes_target && recorded_start.is_none();
            live.oldest_first.push(ScheduledTask::of(id.clone(), deployment, &facts, created_at, recorded_start));
            live.pods.insert(id, seen);
        }
        live.oldest_first.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        live
    }
}

/// Time beyond its own in which a Pod that is deleted should be gone.
const LAST_STEPS: Duration = Duration::from_secs(30);

fn stopping_tasks(pods: &[Arc<Pod>], now: &Time) -> Vec<(i64, Duration)> {
    let stopping = pods.iter().filter_map(|pod| pod.deployment().zip(pod.metadata.deletion_timestamp.as_ref()));
    stopping.map(|(deployment, deadline)| (deployment, left(deadline, LAST_STEPS, now))).collect()
}

/// The tasks that are neither live nor recorded as stopped: their Pods are on their way out, or gone a moment ago.
fn departing_tasks(pods: &[Arc<Pod>], records: &[Arc<EcsTask>], live: &HashMap<String, Seen>) -> Vec<String> {
    let has_stopped = |record: &EcsTask| record.status.as_ref().is_some_and(EcsTaskStatus::has_stopped);
    let records = records.iter().filter(|record| is_record(record));
    let (stopped, unstopped): (Vec<_>, Vec<_>) = records.partition(|record| has_stopped(record));
    let stopped: HashSet<_> = stopped.iter().map(|record| record.name_any()).collect();
    let known = unstopped.iter().map(|record| record.name_any());
    let there: BTreeSet<_> = pods.iter().filter_map(|pod| pod.service_task_id()).chain(known).collect();
    there.into_iter().filter(|id| !live.contains_key(id) && !stopped.contains(id)).collect()
}

impl StoredSnapshot {
    /// Reads a ControllerRevision of a service; `None` when it is none of ours.
    fn read(stored: &ControllerRevision, owner: &Owner, status: &EcsServiceStatus) -> Option<Self> {
        let snapshot = Snapshot::read(stored)?;
        let id = snapshot.deployment_id(&owner.uid);
        let shown = status.deployments.iter().find(|deployment| deployment.id == id);
        let annotation = |name: &str| stored.annotations().get(name).map(String::as_str);
        let kept = annotation(labels::ROLLOUT);
        Some(Self {
            kept: kept.map(str::to_owned),
            last_accepted: annotation(labels::LAST_ACCEPTED).map(str::to_owned),
            rollout: Rollout::read(kept, shown.map(|deployment| deployment.rollout_state)),
            snapshot,
            object: stored.name_any(),
            created_at: stored.metadata.creation_timestamp.clone(),
        })
    }
}
