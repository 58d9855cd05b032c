//! What the operator has seen of a service's task and of what is around it. Reads caches only, and no more of them than is
//! asked for: each report of each Pod comes here.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::{
        service::{EcsService, SchedulingStrategy},
        task::{DesiredStatus, EcsTask},
    },
    controllers::{context::Context, service::name_of, task::Seen},
    decide::{
        quick_ends::QuickEnds,
        service_task::{ServiceTask, Surroundings, Wish},
        task_stop::Stop,
    },
    kube_io::{pod::Pod, workload::Workload},
    translate::{labels, task_record::RecordedPod},
};

/// What the operator has seen.
pub(super) struct Observed {
    pub(super) namespace: String,
    pub(super) task_id: String,
    pub(super) record: Option<Arc<EcsTask>>,
    pub(super) is_namespace_terminating: bool,
    pub(super) seen: Seen,
    /// How the last run of an essential container ended that was started again while this process watched.
    restarted: Option<Stop>,
    /// Name of the service's objects.
    workload: String,
    service: Option<Arc<EcsService>>,
    service_name: String,
    deployment: i64,
}

/// What was seen; `None` when the Pod is no task of a service: one that only looks so has neither a service nor a record.
pub(super) fn observe(pod: Arc<Pod>, is_gone: bool, context: &Context) -> Option<Observed> {
    let (deployment, task_id) = (pod.deployment()?, pod.service_task_id()?);
    let namespace = pod.namespace()?;
    let workload = pod.labels().get(labels::SERVICE)?.clone();
    let service = context.service_of(&namespace, &workload);
    // What is noted of its end is forgotten when the record has all: so this comes first.
    let seen = Seen::of(pod, is_gone, context);
    let record = context.caches.tasks.get(&namespace, &task_id);
    if service.is_none() && record.is_none() {
        return None;
    }
    let has_restarted = context.stops.has_restarted(seen.uid(), seen.essential_restarts());
    Some(Observed {
        is_namespace_terminating: context.is_terminating(&namespace),
        restarted: has_restarted.then(|| seen.facts(&context.now()).essential_restart()).flatten(),
        // The name that a service has in ECS goes with it; what is left is that of its objects.
        service_name: service.as_ref().map_or_else(|| workload.clone(), |service| name_of(service)),
        namespace,
        task_id,
        record,
        seen,
        workload,
        service,
        deployment,
    })
}

impl Observed {
    /// The task, for the decision about its Pod. `quick_ends` are those from [`Self::quick_ends`].
    pub(super) fn task<'a>(&'a self, quick_ends: &'a QuickEnds, now: &'a Time) -> ServiceTask<'a> {
        ServiceTask {
            task: self.seen.facts(now),
            wish: self.wish(),
            restarted: self.restarted.as_ref(),
            created_at: self.seen.pod.metadata.creation_timestamp.as_ref(),
            quick_ends,
            is_delayed_by_kubernetes: self.is_of_daemon_set(),
        }
    }

    /// The quick ends of its deployment up to now.
    pub(super) fn quick_ends(&self) -> QuickEnds {
        let status = self.service.as_ref().and_then(|service| service.status.as_ref());
        let deployments = status.map(|status| &status.deployments[..]).unwrap_or_default();
        let shown = deployments.iter().find(|deployment| deployment.id == self.deployment_id());
        shown.map(QuickEnds::of).unwrap_or_default()
    }

    fn is_of_daemon_set(&self) -> bool {
        self.seen.pod.owner_references().iter().any(|owner| owner.kind == "DaemonSet")
    }

    fn wish(&self) -> Wish<'_> {
        match &self.record {
            Some(record) if record.metadata.deletion_timestamp.is_some() => Wish::Delete,
            Some(record) if record.spec.desired_status == Some(DesiredStatus::Stopped) => {
                Wish::Stop(record.spec.reason.as_deref())
            }
            _ => Wish::Run,
        }
    }

    /// What is around a Pod that somebody deletes.
    pub(super) fn surroundings(&self, context: &Context, now: &Time) -> Surroundings<'_> {
        let caches = &context.caches;
        let scheduling = if self.is_of_daemon_set() { SchedulingStrategy::Daemon } else { SchedulingStrategy::Replica };
        let workload = Workload::find(caches, &self.namespace, &self.workload, scheduling);
        let is_live = |pod: &Arc<Pod>| {
            pod.deployment() == Some(self.deployment) && pod.observed_task().is_some_and(|task| task.counts())
        };
        let pods = caches.pods.of_service(&self.namespace, &self.workload);
        let live: Vec<_> = pods.into_iter().filter(is_live).collect();
        let asked_at = self.seen.facts(now).deletion.map(|deletion| deletion.asked_at());
        let is_younger = |pod: &Arc<Pod>| {
            let created = pod.metadata.creation_timestamp.as_ref();
            created.zip(asked_at.as_ref()).is_some_and(|(created, asked)| created.0 >= asked.0)
        };
        let service = self.service.as_ref().filter(|service| service.metadata.deletion_timestamp.is_none());
        // The workload may be behind, or have fewer for a while; only it counts the nodes.
        let told = workload.as_ref().map(Workload::desired_count);
        let counted = service.and_then(|service| service.spec.desired_count);
        let counted = counted.and_then(|count| u32::try_from(count).ok());
        let desired = counted.into_iter().chain(told).min().unwrap_or(0);
        Surroundings {
            deployment_id: self.deployment_id(),
            is_current: workload.and_then(|it| it.snapshot()) == Some(self.deployment) && service.is_some(),
            live: live.len(),
            desired: usize::try_from(desired).unwrap_or(0),
            is_replaced: live.iter().any(is_younger),
        }
    }

    fn deployment_id(&self) -> &str {
        self.seen.pod.annotations().get(labels::DEPLOYMENT_ID).map(String::as_str).unwrap_or_default()
    }

    /// What goes into the record.
    pub(super) fn recorded(&self) -> RecordedPod<'_> {
        RecordedPod {
            namespace: &self.namespace,
            name: self.seen.pod.metadata.name.as_deref().unwrap_or_default(),
            uid: self.seen.uid(),
            labels: self.seen.pod.labels(),
            annotations: self.seen.pod.annotations(),
            service_name: &self.service_name,
            deployment_id: self.deployment_id(),
        }
    }
}
