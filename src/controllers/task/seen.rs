//! The Pod of a task as it was seen, with what this process knows of its end.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::task_status::StopCode,
    controllers::{context::Context, stops::Noted},
    decide::{
        task_events::{ChangeKind, TaskChange},
        task_progress::{Deletion, TaskFacts, TaskProgress},
        task_status::SeenPod,
        task_stop::Stop,
    },
    kube_io::pod::Pod,
    translate::labels,
};

/// The Pod of a task.
pub struct Seen {
    /// The Pod, or the last that was seen of it.
    pub pod: Arc<Pod>,
    /// Whether it is gone.
    pub is_gone: bool,
    /// What this process knows of its end.
    noted: Option<Noted>,
}

impl Seen {
    /// A Pod, and whether it is gone.
    #[must_use]
    pub fn of(pod: Arc<Pod>, is_gone: bool, context: &Context) -> Self {
        let noted = pod.metadata.uid.as_deref().and_then(|uid| context.stops.of(uid));
        Self { pod, is_gone, noted }
    }

    /// Why it is being ended, as far as this process knows.
    #[must_use]
    pub fn stop(&self) -> Option<&Stop> {
        self.noted.as_ref().map(|noted| &noted.stop)
    }

    /// Notes why it is being ended, since when, and how its containers are now: Kubernetes moves the time of a deletion when the
    /// Pod goes. A stop by the service scheduler is told by the service.
    pub fn note_stop(&self, stop: &Stop, context: &Context) {
        let now = context.now();
        let facts = self.facts(&now);
        let is_by_scheduler = stop.code == StopCode::ServiceSchedulerInitiated;
        let at = facts.deletion.map_or_else(|| now.clone(), |deletion| deletion.asked_at());
        let is_first =
            context.stops.note(self.uid(), Noted { stop: stop.clone(), at, containers: facts.at_stop(stop) });
        if is_first {
            tracing::info!(pod = %self.pod.name_any(), code = ?stop.code, reason = %stop.reason, "task stops");
        }
        let has_run = is_first && facts.progress().started_at.is_some();
        if has_run && !self.pod.targets.is_empty() {
            self.note_change(ChangeKind::Deregistered, context);
        }
        if is_first && is_by_scheduler {
            self.note_change(if has_run { ChangeKind::RunningStopped } else { ChangeKind::PendingStopped }, context);
        }
    }

    /// Notes what its service is to tell of it. Whether it was not noted before.
    pub fn note_change(&self, kind: ChangeKind, context: &Context) -> bool {
        let Some((namespace, workload, change)) = self.change(kind) else { return false };
        let is_told = context.service_of(&namespace, &workload).is_some();
        is_told && context.task_changes.note(&namespace, &workload, change)
    }

    /// Takes back what its service was to tell of it.
    pub fn withdraw_change(&self, kind: ChangeKind, context: &Context) {
        if let Some((namespace, workload, change)) = self.change(kind) {
            context.task_changes.forget(&namespace, &workload, &[change]);
        }
    }

    /// A change of it, with the Namespace and the workload of its service.
    fn change(&self, kind: ChangeKind) -> Option<(String, String, TaskChange)> {
        let (id, deployment) = (self.pod.service_task_id()?, self.pod.deployment()?);
        Some((
            self.pod.namespace()?,
            self.pod.labels().get(labels::SERVICE)?.clone(),
            TaskChange { id, deployment, kind },
        ))
    }

    /// The UID of the Pod.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.pod.metadata.uid.as_deref().unwrap_or_default()
    }

    /// How often its essential containers were started again in their place.
    #[must_use]
    pub fn essential_restarts(&self) -> i32 {
        let essential = self.pod.containers.iter().filter(|container| container.essential);
        essential.filter_map(|container| self.pod.status.container(container.in_pod())).map(|it| it.restart_count).sum()
    }

    /// When a node was found for it; before that, when it was made.
    #[must_use]
    pub fn placed_at(&self) -> Option<&Time> {
        self.pod.status.placed_at().or(self.pod.metadata.creation_timestamp.as_ref())
    }

    /// What decisions need of it.
    #[must_use]
    pub fn facts<'a>(&'a self, now: &'a Time) -> TaskFacts<'a> {
        let metadata = &self.pod.metadata;
        let deletion = metadata.deletion_timestamp.as_ref().map(|timestamp| Deletion {
            timestamp,
            grace_seconds: metadata.deletion_grace_period_seconds.unwrap_or(0),
        });
        TaskFacts {
            pod_name: metadata.name.as_deref().unwrap_or_default(),
            containers: &self.pod.containers,
            status: &self.pod.status,
            is_scheduled: self.pod.spec.node_name.is_some(),
            deletion,
            is_gone: self.is_gone,
            runs_alone: self.pod.labels().contains_key(labels::TASK),
            now,
        }
    }

    /// What a status needs of it.
    #[must_use]
    pub fn pod<'a>(&'a self, now: &'a Time, progress: &'a TaskProgress, stop: Option<&'a Stop>) -> SeenPod<'a> {
        SeenPod {
            task: self.facts(now),
            progress,
            uid: self.uid(),
            node: self.pod.spec.node_name.as_deref(),
            stop,
            stopping_at: self.noted.as_ref().map(|noted| &noted.at),
            at_stop: self.noted.as_ref().map(|noted| &noted.containers[..]).unwrap_or_default(),
        }
    }
}
