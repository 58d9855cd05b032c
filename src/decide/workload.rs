//! What the workload of a service says of itself, and when the service is steady with it.

use super::{
    deployment::Template,
    task::{ObservedTask, TaskCounts, count},
};

/// What the workload says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkloadState {
    /// Its status speaks of its newest spec.
    pub is_observed: bool,
    /// It was told to replace no task by one of another template.
    pub is_paused: bool,
    /// Number of the snapshot that it was last given; `None` when there is no workload of the service.
    pub template: Option<i64>,
    /// Tasks that it is to have by now, old ones included.
    pub told: i32,
    /// Tasks that it may have by its newest spec, old ones included.
    pub most: i32,
    /// Tasks, old ones included.
    pub total: i32,
    /// Tasks of the newest template.
    pub updated: i32,
    /// Tasks that count as healthy.
    pub available: i32,
    /// Tasks that go on where none would be started now, as on a node that got a taint. They are not among the others.
    pub beyond: i32,
}

/// The same with respect to the template that it is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkloadProgress {
    /// Its status speaks of its newest spec, and that is the wanted one.
    pub observed: bool,
    /// Tasks, old ones included.
    pub total: i32,
    /// Tasks of the newest template.
    pub updated: i32,
    /// Tasks that count as healthy.
    pub available: i32,
    /// Tasks that go on where none would be started now, as on a node that got a taint. They are not among the others.
    pub beyond: i32,
}

impl WorkloadState {
    /// How far it is with a template.
    #[must_use]
    pub fn progress(self, template: Template) -> WorkloadProgress {
        let Self { is_observed, template: applied, total, updated, available, beyond, .. } = self;
        let observed = is_observed && applied == Some(template.running());
        WorkloadProgress { observed, total, updated, available, beyond }
    }
}

/// Whether a service has come to rest: as many healthy tasks as desired, all of the newest deployment.
#[must_use]
pub fn is_steady(desired: i32, template: Template, tasks: &[ObservedTask], workload: WorkloadProgress) -> bool {
    matches!(template, Template::Wanted(_))
        && workload
            == WorkloadProgress { observed: true, total: desired, updated: desired, available: desired, ..workload }
        && count(tasks) == TaskCounts { running: desired + workload.beyond, pending: 0 }
        && tasks.iter().all(|task| task.deployment == template.newest() || !task.counts())
}
