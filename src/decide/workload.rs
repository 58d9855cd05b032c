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
    /// Tasks that it may have by its newest spec, old ones included.
    pub most: u32,
    /// Tasks, old ones included.
    pub total: i32,
    /// Tasks of the newest template.
    pub updated: i32,
    /// Tasks that count as healthy.
    pub available: i32,
    /// Tasks that go on where none would be started now, as on a node that got a taint. They are not among the others.
    pub beyond: i32,
}

/// How many tasks of a deployment of the service there are to be. Kubernetes keeps that in a ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Number of the deployment.
    pub deployment: i64,
    /// How many.
    pub replicas: u32,
    /// How many tasks the workload was to have then, and might have, old ones included.
    pub of: Option<(u32, u32)>,
}

/// The deployment whose ReplicaSet keeps a Deployment from going on, which has carried out that it is to have so many tasks. Kubernetes
/// takes it for one that is being scaled as long as an active ReplicaSet was told by another number, and does not tell the only
/// one anew when it has as many as it is to have.
#[must_use]
pub fn stuck(shares: &[Share], replicas: u32) -> Option<i64> {
    let [only] = shares else { return None };
    let is_told_by_another = only.of.is_some_and(|(desired, _)| desired != replicas);
    (is_told_by_another && only.replicas == replicas).then_some(only.deployment)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_replica_set_that_has_all_and_was_told_by_another_number_is_stuck() {
        let share = |deployment, replicas, desired| Share { deployment, replicas, of: Some((desired, desired + 1)) };
        assert_eq!(stuck(&[share(1, 2, 5)], 2), Some(1));
        assert_eq!(stuck(&[share(1, 2, 2)], 2), None);
        assert_eq!(stuck(&[share(1, 2, 5)], 3), None, "it is scaled, and told by that");
        assert_eq!(stuck(&[share(1, 2, 5), share(2, 1, 5)], 2), None, "all are told their shares");
        assert_eq!(stuck(&[], 0), None);
    }
}
