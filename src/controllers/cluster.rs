//! EcsCluster -> Namespace, made or adopted. A cluster that still holds services or tasks is not deleted.

use std::{sync::Arc, time::Duration};

use futures::{Future, future::Shared};
use k8s_openapi::{
    api::core::v1::{Namespace, ServiceAccount},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::Status,
    runtime::reflector::ObjectRef,
};
use serde_json::json;

use crate::{
    api::cluster::{ClusterState, EcsCluster, EcsClusterSpec, EcsClusterStatus},
    decide::{
        cluster::{self, DeletionDecision, NamespaceDecision, ObservedNamespace},
        conditions::{self, ACCEPTED, Finding, READY, is_true, reason},
        task::{ObservedTask, TaskCounts, count},
    },
    ecs::{
        self,
        cluster::{Claim, NoCluster},
        subnet::{self, Location},
        violation,
    },
    kube_io::{
        apply::{APPLIED, Applied, Force, apply},
        error::{Error, api_status},
        events::Severity,
        finalizer, status,
    },
    translate::{
        labels, names, namespace,
        owner::{Owner, Ownership},
        service_account,
    },
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    refusal::Refusal,
    triggers::Triggers,
};

/// No watch tells of a Namespace that is not ours, so one that is refused is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Reconciles clusters until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = Arc::clone(&context.caches);
    let (triggers, receiver) = Triggers::of(&caches.clusters);
    triggers.owner_of(&caches.namespaces);
    triggers.owner_of(&caches.service_accounts);
    let in_namespace = |namespace: Option<&str>, caches: &crate::kube_io::caches::Caches| {
        let clusters = caches.clusters.store.state().into_iter();
        clusters
            .filter(|cluster| Some(namespace_of(cluster).as_str()) == namespace)
            .map(|cluster| ObjectRef::from_obj(&*cluster))
            .collect::<Vec<_>>()
    };
    let namespaces = Arc::clone(&caches);
    triggers.from(&caches.namespaces, move |each: &Namespace| in_namespace(each.metadata.name.as_deref(), &namespaces));
    let services = Arc::clone(&caches);
    triggers.from(&caches.services, move |each| in_namespace(each.metadata.namespace.as_deref(), &services));
    let pods = Arc::clone(&caches);
    triggers.from(&caches.pods, move |each| in_namespace(each.metadata.namespace.as_deref(), &pods));
    let driver = Driver { store: caches.clusters.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

/// The Namespace that a cluster claims.
#[must_use]
pub fn namespace_of(cluster: &EcsCluster) -> String {
    ecs::cluster::namespace(&cluster.spec, &cluster.name_any())
}

/// The name of a cluster in ECS.
#[must_use]
pub fn name_of(cluster: &EcsCluster) -> String {
    ecs::cluster::name(&cluster.spec, &cluster.name_any()).to_owned()
}

/// The cluster that a Namespace belongs to.
pub struct Holder {
    /// Its name in ECS.
    pub name: String,
    /// Name of the EcsCluster.
    pub object: String,
    /// What its users want of it.
    pub spec: EcsClusterSpec,
}

impl Holder {
    /// Where a task of the cluster runs that names these subnets.
    ///
    /// # Errors
    /// When the cluster does not have one of them.
    pub fn locate(&self, subnets: &[String]) -> Result<Location, Refusal> {
        let location = subnet::locate(&self.spec, subnets);
        location.map_err(|violations| Refusal::new(reason::SUBNET_NOT_FOUND, &violation::summary(&violations)))
    }
}

/// The cluster that a Namespace belongs to, among those that claim it. `named` is the cluster that an object in it names.
///
/// # Errors
/// When there is none, more than one, or another than the named.
pub fn holder(namespace: &str, clusters: &[Arc<EcsCluster>], named: Option<&str>) -> Result<Holder, NoCluster> {
    let claim = |cluster: &Arc<EcsCluster>| {
        let status = cluster.status.clone().unwrap_or_default();
        Claim {
            cluster: name_of(cluster),
            holds: is_true(&status.conditions, ACCEPTED) && status.namespace.as_deref() == Some(namespace),
            deleting: cluster.metadata.deletion_timestamp.is_some(),
        }
    };
    let claims: Vec<_> = clusters.iter().map(claim).collect();
    let name = ecs::cluster::of_namespace(namespace, &claims, named)?.to_owned();
    let holder = clusters.iter().find(|cluster| name_of(cluster) == name);
    let spec = holder.map(|cluster| cluster.spec.clone()).unwrap_or_default();
    Ok(Holder { object: holder.map(|cluster| cluster.name_any()).unwrap_or_default(), name, spec })
}

async fn reconcile(cluster: Arc<EcsCluster>, context: Arc<Context>) -> Result<Outcome, Error> {
    let observed = observe(&cluster, &context).await?;
    if cluster.metadata.deletion_timestamp.is_some() {
        return delete(&cluster, &observed, &context).await;
    }
    if let Err(violation) = ecs::cluster::check_name(&observed.cluster_name) {
        let refused = Verdict::refused(reason::INVALID, &violation.to_string());
        return report(&cluster, &observed, refused, &context).await;
    }
    let decision = decide(&observed);
    let outcome = match decision {
        NamespaceDecision::Refuse { .. } | NamespaceDecision::Wait { .. } => Outcome::Wait(LOOK_AGAIN),
        NamespaceDecision::Make | NamespaceDecision::KeepMade | NamespaceDecision::Adopt => Outcome::Done,
    };
    // The finalizer comes first: nothing is made for a cluster that could vanish without being waited for.
    if (decision == NamespaceDecision::Make || cluster_holds(&decision))
        && !finalizer::is_set(&*cluster, finalizer::CLUSTER)
    {
        // The change brings the cluster back here.
        finalizer::add(&Api::all(context.client.clone()), &*cluster, finalizer::CLUSTER).await?;
        return Ok(Outcome::Done);
    }
    let result = apply_namespace(&cluster, &observed, &decision, &context).await;
    if let Err(Error::Stale { .. }) = result {
        return result.map(|()| outcome);
    }
    let told = report(&cluster, &observed, verdict(&decision, &result), &context).await?;
    result.map(|()| outcome.or_sooner(told))
}

struct Observed {
    object: String,
    cluster_name: String,
    owner: Owner,
    namespace_name: String,
    namespace: Option<Namespace>,
    active_services: usize,
    services: usize,
    counts: TaskCounts,
    tasks: usize,
}

async fn observe(cluster: &EcsCluster, context: &Context) -> Result<Observed, Error> {
    let namespace_name = namespace_of(cluster);
    let caches = &context.caches;
    let namespace = match caches.namespaces.store.get(&ObjectRef::new(&namespace_name)) {
        Some(known) => Some((*known).clone()),
        // The cache holds only Namespaces of clusters; this may be one to be adopted.
        None => Api::<Namespace>::all(context.client.clone())
            .get_opt(&namespace_name)
            .await
            .map_err(|error| Error::request(format!("read Namespace {namespace_name}"), error))?,
    };
    let services = caches.services.in_namespace(&namespace_name);
    let pods = caches.pods.in_namespace(&namespace_name);
    let tasks: Vec<ObservedTask> = pods.iter().filter_map(|pod| pod.running_task()).collect();
    Ok(Observed {
        object: cluster.name_any(),
        cluster_name: name_of(cluster),
        owner: Owner::of(cluster),
        namespace,
        active_services: services.iter().filter(|service| service.metadata.deletion_timestamp.is_none()).count(),
        // One that cannot be read is there all the same.
        services: services.len() + caches.services.undecodable_in(&namespace_name),
        counts: count(&tasks),
        tasks: tasks.len(),
        namespace_name,
    })
}

fn decide(observed: &Observed) -> NamespaceDecision {
    let cluster_label = names::label_value(&observed.object);
    let namespace = observed.namespace.as_ref().map(observed_namespace);
    let name = &observed.namespace_name;
    cluster::namespace(name, &observed.object, &observed.owner.uid, &cluster_label, namespace.as_ref())
}

fn observed_namespace(namespace: &Namespace) -> ObservedNamespace {
    let label = |name: &str| namespace.labels().get(name).cloned();
    // Only another cluster is a rival; what else controls a Namespace may let us in.
    let is_cluster = |owner: &&OwnerReference| owner.controller == Some(true) && owner.kind == EcsCluster::kind(&());
    let owner = namespace.owner_references().iter().find(is_cluster);
    ObservedNamespace {
        terminating: namespace.metadata.deletion_timestamp.is_some(),
        owner_uid: owner.map(|owner| owner.uid.clone()),
        cluster_label: label(labels::CLUSTER),
        adopt_label: label(labels::ADOPT),
    }
}

async fn apply_namespace(
    cluster: &EcsCluster,
    observed: &Observed,
    decision: &NamespaceDecision,
    context: &Context,
) -> Result<(), Error> {
    let level = cluster.spec.kubernetes.as_ref().and_then(|kubernetes| kubernetes.pod_security).unwrap_or_default();
    let made = || namespace::made(&observed.namespace_name, &observed.object, &observed.owner, level);
    let desired = match decision {
        NamespaceDecision::Make | NamespaceDecision::KeepMade => made(),
        NamespaceDecision::Adopt => namespace::adopted(&observed.namespace_name, &observed.object),
        NamespaceDecision::Wait { .. } | NamespaceDecision::Refuse { .. } => return Ok(()),
    };
    let may_be_written = |found: &Namespace| {
        let found = observed_namespace(found);
        let label = names::label_value(&observed.object);
        let verdict =
            cluster::namespace(&observed.namespace_name, &observed.object, &observed.owner.uid, &label, Some(&found));
        if cluster_holds(&verdict) { Ownership::Ours } else { Ownership::Foreign }
    };
    let namespaces: Api<Namespace> = Api::all(context.client.clone());
    let wanted_by = format!("EcsCluster {}", observed.object);
    let applied =
        apply(&namespaces, &desired, observed.namespace.as_ref(), may_be_written, Force::Yes, &wanted_by).await?;
    if applied == Applied::Created {
        let note = format!("Made Namespace {}.", observed.namespace_name);
        context.events.tell(cluster, Severity::Normal, "NamespaceMade", &note).await;
    }
    apply_account(observed, context).await
}

/// What tasks run as that have no task role.
async fn apply_account(observed: &Observed, context: &Context) -> Result<(), Error> {
    let (namespace, owner) = (&observed.namespace_name, &observed.owner);
    let account = service_account::without_rights(namespace, &observed.object, owner);
    let found = context.caches.service_accounts.get(namespace, names::NO_ROLE);
    let ownership = |found: &ServiceAccount| owner.ownership(found);
    let wanted_by = format!("EcsCluster {}", observed.object);
    let api = context.api(namespace);
    apply(&api, &account, found.as_deref(), ownership, Force::Yes, &wanted_by).await.map(|_| ())
}

async fn delete(cluster: &EcsCluster, observed: &Observed, context: &Context) -> Result<Outcome, Error> {
    if !finalizer::is_set(cluster, finalizer::CLUSTER) {
        return Ok(Outcome::Done);
    }
    // A cluster that never got its Namespace has no finalizer. One whose Namespace lost its labels still has what is in it.
    let held = cluster_holds(&decide(observed));
    let lost =
        observed.namespace.as_ref().map(observed_namespace).is_some_and(|namespace| namespace.belongs_to_nobody());
    let terminating =
        observed.namespace.as_ref().is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_some());
    match cluster::deletion(terminating || !(held || lost), observed.services, observed.tasks) {
        DeletionDecision::Wait(message) => {
            let verdict = Verdict {
                state: ClusterState::Deprovisioning,
                findings: vec![Finding::fails(READY, reason::DELETION_WAITS, message)],
            };
            let told = report(cluster, observed, verdict, context).await?;
            // No watch tells of the end of a service that cannot be read.
            return Ok(Outcome::Wait(LOOK_AGAIN).or_sooner(told));
        }
        DeletionDecision::Release => {
            if held && decide(observed) == NamespaceDecision::Adopt {
                give_back(observed, context).await?;
            }
            finalizer::remove(&Api::all(context.client.clone()), cluster, finalizer::CLUSTER).await?;
        }
    }
    Ok(Outcome::Done)
}

fn cluster_holds(decision: &NamespaceDecision) -> bool {
    matches!(decision, NamespaceDecision::KeepMade | NamespaceDecision::Adopt)
}

/// Takes our labels off an adopted Namespace: another cluster may have it then.
async fn give_back(observed: &Observed, context: &Context) -> Result<(), Error> {
    let patch = json!({ "metadata": {
        "labels": { (labels::CLUSTER): null },
        "annotations": { (APPLIED): null },
    } });
    let api: Api<Namespace> = Api::all(context.client.clone());
    match api.patch(&observed.namespace_name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if api_status(&error).is_some_and(Status::is_not_found) => Ok(()),
        Err(error) => Err(Error::request(format!("give Namespace {} back", observed.namespace_name), error)),
    }
}

struct Verdict {
    state: ClusterState,
    findings: Vec<Finding>,
}

impl Verdict {
    fn refused(reason: &'static str, message: &str) -> Self {
        Self { state: ClusterState::Failed, findings: conditions::refused(reason, message).to_vec() }
    }
}

fn verdict(decision: &NamespaceDecision, result: &Result<(), Error>) -> Verdict {
    let accepted =
        Finding::holds(ACCEPTED, reason::ACCEPTED, "The cluster keeps the rules and its Namespace may be used.");
    let waiting = |message: String| Verdict {
        state: ClusterState::Provisioning,
        findings: vec![accepted.clone(), Finding::fails(READY, reason::WAITING, message)],
    };
    match (decision, result) {
        (NamespaceDecision::Refuse { reason, message }, _) => Verdict::refused(reason, message),
        (NamespaceDecision::Wait { message }, _) => waiting(message.clone()),
        (_, Err(error)) => waiting(error.to_string()),
        (_, Ok(())) => Verdict {
            state: ClusterState::Active,
            findings: vec![accepted, Finding::holds(READY, reason::AVAILABLE, "The Namespace is there.")],
        },
    }
}

async fn report(
    cluster: &EcsCluster,
    observed: &Observed,
    verdict: Verdict,
    context: &Context,
) -> Result<Outcome, Error> {
    let old = cluster.status.clone().unwrap_or_default();
    let generation = cluster.metadata.generation;
    let owns = verdict.state != ClusterState::Failed;
    let counts = if owns { observed.counts } else { TaskCounts::default() };
    let services = if owns { observed.active_services } else { 0 };
    let new = EcsClusterStatus {
        status: Some(verdict.state),
        cluster_arn: Some(context.arns.cluster(&observed.cluster_name)),
        namespace: owns.then(|| observed.namespace_name.clone()),
        active_services_count: i32::try_from(services).unwrap_or(i32::MAX),
        running_tasks_count: counts.running,
        pending_tasks_count: counts.pending,
        observed_generation: generation,
        conditions: conditions::merge(&old.conditions, &verdict.findings, generation, &context.now()),
    };
    if status::says_the_same(&old, &new) {
        return Ok(Outcome::Done);
    }
    let left = context.time_for_status(cluster, &old, &new);
    if !left.is_zero() {
        return Ok(Outcome::Wait(left));
    }
    let news = verdict.findings.iter().filter(|finding| !finding.holds && !already_said(&old, finding));
    context.write_status(&Api::all(context.client.clone()), cluster, &new).await?;
    for finding in news.filter(|finding| finding.reason != reason::NOT_ACCEPTED) {
        context.events.tell(cluster, Severity::Warning, finding.reason, &finding.message).await;
    }
    Ok(Outcome::Done)
}

fn already_said(old: &EcsClusterStatus, finding: &Finding) -> bool {
    old.conditions.iter().any(|condition| condition.type_ == finding.type_ && condition.message == finding.message)
}
