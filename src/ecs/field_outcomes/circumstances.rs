//! What an outcome depends on beside the document: who runs the task, and on which Kubernetes.

use std::fmt;

use crate::ecs::{
    kubernetes_version::{self, KubernetesVersion},
    task_definition::layout::Layout,
};

use super::secret_uses::SecretUses;

/// Who runs a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// A service, which keeps a number of tasks running.
    Service,
    /// Nobody: the task runs by itself, once.
    Task,
}

impl Workload {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Service, Self::Task];
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "in a service",
            Self::Task => "task by itself",
        })
    }
}

/// For what a report is made.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Who runs the task definition; `None` tells of both where they differ.
    pub workload: Option<Workload>,
    /// What the Kubernetes cluster can do.
    pub version: KubernetesVersion,
    /// The Namespace of the document.
    pub namespace: &'a str,
}

/// For what the report of a service is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceCircumstances<'a> {
    /// Whether its cluster says what its subnets are.
    pub cluster_has_subnets: bool,
    /// Names of the target groups whose checks do not tell if its tasks are healthy.
    pub unasked_target_groups: &'a [String],
}

/// What one walk over a document knows of it as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation<'a> {
    pub(super) workload: Workload,
    pub(super) version: KubernetesVersion,
    pub(super) namespace: &'a str,
    /// The order of the containers; `None` where there is none, because a rule is broken or because the document is none of a task.
    pub(super) layout: Option<&'a Layout>,
    /// The Secrets that the document names.
    pub(super) secrets: &'a SecretUses,
    /// Whether the cluster says what its subnets are.
    pub(super) cluster_has_subnets: bool,
    /// Names of the target groups whose checks tell nothing.
    pub(super) unasked_target_groups: &'a [String],
}

impl<'a> Situation<'a> {
    /// Of a document that runs nothing.
    pub(super) fn of_no_task(secrets: &'a SecretUses) -> Self {
        Self {
            workload: Workload::Service,
            version: kubernetes_version::LEAST,
            namespace: "",
            layout: None,
            secrets,
            cluster_has_subnets: false,
            unasked_target_groups: &[],
        }
    }
}
