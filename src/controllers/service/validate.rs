//! Second step: whether the service keeps the rules and what it names exists. Pure.

use std::sync::Arc;

use kube::ResourceExt;

use crate::{
    api::register_task_definition::NetworkMode,
    controllers::cluster::name_of,
    decide::{
        conditions::{ACCEPTED, is_true, reason},
        deployment::{self, Wanted},
    },
    ecs::{
        cluster::{self, Claim},
        service::{self, Service},
        task_definition::{self, TaskDefinition},
        task_definition_lookup::{self, LookupError},
        violation,
    },
    kube_io::revision::Revision,
    translate::{names, snapshot::Trigger},
};

use super::observe::Observed;

/// A service that may run.
pub(super) struct Accepted {
    /// The cluster's name in ECS.
    pub(super) cluster_name: String,
    /// The EcsCluster's name.
    pub(super) cluster_object: String,
    pub(super) service: Service,
    /// The values that its deployment is started with; among them the revision that its reference means now.
    pub(super) trigger: Trigger,
    pub(super) target: Target,
    pub(super) groups: Groups,
}

/// The deployment that the service is to run.
pub(super) enum Target {
    /// One that was started already and has a snapshot of this number. Its revision may be gone since.
    Existing(i64),
    /// A new one, with what it runs.
    New { number: i64, task_definition: Box<TaskDefinition> },
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
    let named = named_revision(observed, &service)?;
    let trigger = trigger(observed, &service, &named);
    let (target, network_mode) = target(observed, &trigger, named)?;
    service::check_network(&service, network_mode).map_err(|violation| Refusal::new(reason::INVALID, &violation))?;
    let groups = groups(observed, &service, network_mode)?;
    Ok(Accepted { cluster_name, cluster_object, service, trigger, target, groups })
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

/// The revision that a service means now.
struct Named {
    family: String,
    number: i64,
    /// Where it is, if not in the service's Namespace.
    namespace: Option<String>,
    /// An error when it is gone and only the deployment that runs it still knows it.
    revision: Result<Arc<Revision>, Refusal>,
}

/// Looks for the revision in the service's Namespace, then in the shared one; what runs already is known from its snapshot.
fn named_revision(observed: &Observed, service: &Service) -> Result<Named, Refusal> {
    let reference = &service.task_definition;
    let running = observed.newest_snapshot().map(|newest| &newest.content.trigger);
    let running = running.filter(|trigger| reference.means(&trigger.family, trigger.revision));
    let own = (None, &observed.revisions);
    let shared = observed.shared.as_ref().map(|(namespace, revisions)| (Some(namespace.clone()), revisions));
    let mut places: Vec<_> = std::iter::once(own).chain(shared).collect();
    // A pinned revision is the one that runs, also when another Namespace has one of the same name since.
    if let Some(running) = running.filter(|_| reference.revision.is_some()) {
        places.sort_by_key(|(namespace, _)| *namespace != running.namespace);
    }
    let mut problem = None;
    for (namespace, revisions) in places {
        let running = running.filter(|trigger| trigger.namespace == namespace);
        let running = running.map(|trigger| (trigger.family.as_str(), trigger.revision));
        match task_definition_lookup::resolve(reference, revisions, running) {
            Ok(found) => {
                let (family, revision) = (found.family.clone(), Ok(Arc::clone(found)));
                return Ok(Named { family, number: found.number, namespace, revision });
            }
            Err(error @ LookupError::Inactive(_)) => {
                return Err(Refusal::new(reason::TASK_DEFINITION_INACTIVE, &error));
            }
            Err(error @ LookupError::NotFound(_)) => problem = problem.or(Some(error)),
        }
    }
    let problem = problem.unwrap_or_else(|| LookupError::NotFound(reference.to_string()));
    let refusal = Refusal::new(reason::TASK_DEFINITION_NOT_FOUND, &problem);
    match running {
        Some(Trigger { family, revision, namespace, .. }) => Ok(Named {
            family: family.clone(),
            number: *revision,
            namespace: namespace.clone(),
            revision: Err(refusal),
        }),
        None => Err(refusal),
    }
}

fn trigger(observed: &Observed, service: &Service, named: &Named) -> Trigger {
    Trigger {
        family: named.family.clone(),
        revision: named.number,
        namespace: named.namespace.clone(),
        network_configuration: serde_json::to_value(&observed.service.spec.network_configuration).unwrap_or_default(),
        force_new_deployment: service.force_new_deployment.clone(),
        pre_stop_seconds: service.pre_stop_seconds,
    }
}

/// The deployment that the values ask for, and the network mode of its tasks. One that was started already needs no
/// revision: its snapshot knows all.
fn target(observed: &Observed, trigger: &Trigger, named: Named) -> Result<(Target, Option<NetworkMode>), Refusal> {
    let newest = observed.newest_snapshot();
    match deployment::wanted(
        trigger,
        newest.map(|newest| (newest.number, &newest.content.trigger)),
        observed.applied_snapshot(),
    ) {
        Wanted::Existing(number) => {
            Ok((Target::Existing(number), newest.and_then(|snapshot| snapshot.content.network_mode)))
        }
        Wanted::New(number) => {
            let task_definition = Box::new(checked(&*named.revision?)?);
            let network_mode = task_definition.network_mode;
            Ok((Target::New { number, task_definition }, network_mode))
        }
    }
}

fn checked(revision: &Revision) -> Result<TaskDefinition, Refusal> {
    let invalid = |problem: &str| {
        Refusal::new(reason::INVALID, &format!("Task definition {}:{}: {problem}", revision.family, revision.number))
    };
    let definition = revision.definition().map_err(|error| invalid(&error.to_string()))?;
    task_definition::check(&definition, &revision.family)
        .map_err(|violations| invalid(&violation::summary(&violations)))
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
