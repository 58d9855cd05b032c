//! What the operator has seen of a service's task and of what is around it. Reads caches only.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::{
        service::EcsService,
        task::{DesiredStatus, EcsTask},
    },
    controllers::{context::Context, service::name_of, task::Seen, task_ends::earlier_ends},
    decide::{
        service_task::{ServiceTask, Surroundings, Wish},
        start_throttle::TaskEnd,
        task_stop::Stop,
    },
    kube_io::pod::Pod,
    translate::{labels, task_record::RecordedPod},
};

/// What the operator has seen.
pub(super) struct Observed {
    pub(super) namespace: String,
    pub(super) task_id: String,
    pub(super) record: Option<Arc<EcsTask>>,
    service_name: String,
    pub(super) is_namespace_terminating: bool,
    pub(super) seen: Seen,
    /// How the last run of an essential container ended that was started again while this process watched.
    restarted: Option<Stop>,
    service: Option<Arc<EcsService>>,
    /// The Pods of the same deployment that nobody deletes.
    live: Vec<Arc<Pod>>,
    is_current: bool,
    earlier_ends: Vec<TaskEnd>,
}

/// What was seen; `None` when the Pod is no task of a service.
pub(super) fn observe(pod: Arc<Pod>, is_gone: bool, context: &Context) -> Option<Observed> {
    let caches = &context.caches;
    let (deployment, task_id) = (pod.deployment()?, pod.service_task_id()?);
    let namespace = pod.namespace()?;
    let workload = pod.labels().get(labels::SERVICE)?.clone();
    let records = caches.tasks.labelled(&namespace, labels::SERVICE, &workload);
    let applied = caches.deployments.get(&namespace, &workload);
    let applied = applied.and_then(|deployment| deployment.labels().get(labels::DEPLOYMENT)?.parse::<i64>().ok());
    let pods = caches.pods.labelled(&namespace, labels::SERVICE, &workload);
    let is_live = |other: &Arc<Pod>| {
        other.deployment() == Some(deployment) && other.observed_task().is_some_and(|task| task.counts())
    };
    let service = context.service_of(&namespace, &workload);
    let seen = Seen::of(pod, is_gone, context);
    let restarts = seen.essential_restarts();
    let has_restarted = context.stops.has_restarted(seen.uid(), restarts);
    Some(Observed {
        record: caches.tasks.get(&namespace, &task_id),
        is_namespace_terminating: context.is_terminating(&namespace),
        restarted: has_restarted.then(|| seen.facts(&context.now()).essential_restart()).flatten(),
        // The name that a service has in ECS goes with it; what is left is that of its objects.
        service_name: service.as_ref().map_or(workload, |service| name_of(service)),
        service,
        live: pods.into_iter().filter(is_live).collect(),
        is_current: applied == Some(deployment),
        earlier_ends: earlier_ends(&records)
            .into_iter()
            .filter(|(of, _)| *of == deployment)
            .map(|(_, end)| end)
            .collect(),
        namespace,
        task_id,
        seen,
    })
}

impl Observed {
    /// The task, for the decision about its Pod.
    pub(super) fn task<'a>(&'a self, now: &'a Time) -> ServiceTask<'a> {
        ServiceTask {
            task: self.seen.facts(now),
            wish: self.wish(),
            restarted: self.restarted.as_ref(),
            earlier_ends: &self.earlier_ends,
        }
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

    /// Whether the service is there. Pods that only look like those of a service are nobody's tasks.
    pub(super) fn has_service(&self) -> bool {
        self.service.is_some()
    }

    /// What is around a Pod that somebody deletes.
    pub(super) fn surroundings(&self) -> Surroundings<'_> {
        let asked_at = self.seen.pod.deletion_asked_at();
        let is_younger = |pod: &Arc<Pod>| {
            let created = pod.metadata.creation_timestamp.as_ref();
            created.zip(asked_at.as_ref()).is_some_and(|(created, asked)| created.0 >= asked.0)
        };
        let service = self.service.as_ref().filter(|service| service.metadata.deletion_timestamp.is_none());
        let desired = service.and_then(|service| service.spec.desired_count).unwrap_or(0);
        Surroundings {
            deployment_id: self.deployment_id(),
            is_current: self.is_current && service.is_some(),
            live: self.live.len(),
            desired: usize::try_from(desired).unwrap_or(0),
            is_replaced: self.live.iter().any(is_younger),
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
