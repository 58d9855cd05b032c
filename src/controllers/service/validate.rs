//! Second step: whether the service keeps the rules and what it names exists. Pure.

use std::sync::Arc;

use kube::ResourceExt;

use crate::{
    api::register_task_definition::NetworkMode,
    controllers::cluster::name_of,
    decide::conditions::{ACCEPTED, is_true, reason},
    ecs::{
        cluster::{self, Claim},
        service::{self, Service},
        task_definition::{self, TaskDefinition},
        task_definition_lookup::{self, LookupError},
        violation,
    },
    kube_io::revision::Revision,
    translate::names,
};

use super::observe::Observed;

/// A service that may run.
pub(super) struct Accepted {
    /// The cluster's name in ECS.
    pub(super) cluster_name: String,
    /// The EcsCluster's name.
    pub(super) cluster_object: String,
    pub(super) service: Service,
    /// The revision that its reference means now.
    pub(super) revision: i64,
    pub(super) task_definition: TaskDefinition,
    /// Where the revision is, if not in the service's Namespace.
    pub(super) shared_namespace: Option<String>,
    pub(super) groups: Groups,
}

/// The security groups of a service's tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// One of its own, of this name.
    Own(String),
    /// Those that it names.
    Named(Vec<String>),
    /// None acts: network mode `none` is cut off by a policy of its own, `host` by nothing.
    None,
}

impl Groups {
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Own(name) => std::slice::from_ref(name),
            Self::Named(names) => names,
            Self::None => &[],
        }
    }
}

/// Why a service may not run.
pub(super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Refusal {
    fn new(reason: &'static str, message: &impl ToString) -> Self {
        Self { reason, message: message.to_string() }
    }
}

pub(super) fn validate(observed: &Observed) -> Result<Accepted, Refusal> {
    let spec = &observed.service.spec;
    let service = service::check(spec, &observed.name)
        .map_err(|violations| Refusal::new(reason::INVALID, &violation::summary(&violations)))?;
    let claims = claims(observed);
    let cluster_name = cluster::of_namespace(&observed.namespace, &claims, spec.cluster.as_deref())
        .map_err(|error| Refusal::new(reason::CLUSTER_NOT_FOUND, &error))?
        .to_owned();
    let holder = observed.clusters.iter().find(|cluster| name_of(cluster) == cluster_name);
    let cluster_object = holder.map(|cluster| cluster.name_any()).unwrap_or_default();
    let Resolved { revision, task_definition, shared_namespace } = resolve(observed, &service)?;
    service::check_network(&service, task_definition.network_mode)
        .map_err(|violation| Refusal::new(reason::INVALID, &violation))?;
    let groups = groups(observed, &service, task_definition.network_mode)?;
    Ok(Accepted { cluster_name, cluster_object, service, revision, task_definition, shared_namespace, groups })
}

fn claims(observed: &Observed) -> Vec<Claim> {
    let clusters = observed.clusters.iter();
    clusters
        .map(|cluster| {
            let status = cluster.status.clone().unwrap_or_default();
            Claim {
                cluster: name_of(cluster),
                holds: is_true(&status.conditions, ACCEPTED) && status.namespace.as_ref() == Some(&observed.namespace),
                deleting: cluster.metadata.deletion_timestamp.is_some(),
            }
        })
        .collect()
}

/// The revision that a service means: of its own Namespace, else of the shared one.
struct Resolved {
    revision: i64,
    task_definition: TaskDefinition,
    shared_namespace: Option<String>,
}

fn resolve(observed: &Observed, service: &Service) -> Result<Resolved, Refusal> {
    let running = observed.applied_snapshot().and_then(|number| {
        let stored = observed.snapshots.iter().find(|stored| stored.snapshot.number == number)?;
        Some(&stored.snapshot.content.trigger)
    });
    let look = |revisions: &[Arc<Revision>], namespace: Option<&String>| {
        let running = running.filter(|trigger| trigger.namespace.as_ref() == namespace);
        let running = running.map(|trigger| (trigger.family.as_str(), trigger.revision));
        task_definition_lookup::resolve(&service.task_definition, revisions, running)
            .map(|found| (Arc::clone(found), namespace.cloned()))
    };
    let found = match (look(&observed.revisions, None), &observed.shared) {
        (Err(LookupError::NotFound(_)), Some((namespace, revisions))) => look(revisions, Some(namespace)),
        (found, _) => found,
    };
    let (found, shared_namespace) = found.map_err(|error| {
        let reason = match error {
            LookupError::NotFound(_) => reason::TASK_DEFINITION_NOT_FOUND,
            LookupError::Inactive(_) => reason::TASK_DEFINITION_INACTIVE,
        };
        Refusal::new(reason, &error)
    })?;
    let invalid = |problem: &str| {
        Refusal::new(reason::INVALID, &format!("Task definition {}:{}: {problem}", found.family, found.number))
    };
    let definition = found.definition().map_err(|error| invalid(&error.to_string()))?;
    let task_definition = task_definition::check(&definition, &found.family)
        .map_err(|violations| invalid(&violation::summary(&violations)))?;
    Ok(Resolved { revision: found.number, task_definition, shared_namespace })
}

fn groups(observed: &Observed, service: &Service, mode: Option<NetworkMode>) -> Result<Groups, Refusal> {
    if matches!(mode, Some(NetworkMode::None | NetworkMode::Host)) {
        return Ok(Groups::None);
    }
    if service.security_groups.is_empty() {
        return Ok(Groups::Own(names::workload(&observed.name)));
    }
    let exists = |name: &String| observed.security_groups.iter().any(|group| group.name_any() == *name);
    if let Some(missing) = service.security_groups.iter().find(|name| !exists(name)) {
        let message = format!(
            "The security group '{missing}' does not exist. Make an EcsSecurityGroup of that name in Namespace {}, or correct spec.networkConfiguration.awsvpcConfiguration.securityGroups.",
            observed.namespace
        );
        return Err(Refusal::new(reason::SECURITY_GROUP_NOT_FOUND, &message));
    }
    Ok(Groups::Named(service.security_groups.clone()))
}
