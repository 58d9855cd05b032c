//! Second step: whether the service keeps the rules and what it names exists. Pure.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{register_task_definition::NetworkMode, service::EcsService},
    controllers::{
        cluster::{Holder, holder},
        refusal::Refusal,
        revision_lookup::{Found, checked, refusal},
        security_group,
    },
    decide::{
        conditions::reason,
        deployment::{self, Wanted},
    },
    ecs::{
        network_configuration::Groups,
        role::RolesOfTask,
        service::{self, Service},
        service_registry::{self, Registry},
        subnet::Location,
        task_definition::TaskDefinition,
        task_definition_lookup::LookupError,
        violation,
    },
    kube_io::revision::Revision,
    translate::{names, secret_needs::SecretNeeds, snapshot::Trigger},
};

use super::{
    last_accepted,
    observe::{NameOfAnother, Observed},
    service_connect::{self, takes_part},
};

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
    /// What is kept of it.
    pub(super) kept: Option<String>,
}

/// The deployment that the service is to run.
pub(super) enum Target {
    /// One that was started already and has a snapshot of this number, with what it would run if it was started now, where that is
    /// known: its revision may be gone since.
    Existing(i64, Option<Result<Box<Runs>, Refusal>>),
    /// A new one.
    New(i64, Box<Runs>),
}

/// What a deployment runs, and where.
pub(super) struct Runs {
    pub(super) task_definition: TaskDefinition,
    pub(super) roles: RolesOfTask,
    pub(super) location: Location,
}

impl Accepted {
    /// What the deployment that is to start needs of Secrets; `None` when it has started.
    pub(super) fn secret_needs(&self, observed: &Observed) -> Option<SecretNeeds> {
        match &self.target {
            Target::New(_, runs) => Some(SecretNeeds::of(&runs.task_definition, &runs.roles)),
            Target::Existing(number, _) if observed.applied_snapshot() == Some(*number) => None,
            Target::Existing(number, _) => {
                let stored = observed.snapshots.iter().find(|stored| stored.snapshot.number == *number)?;
                Some(stored.snapshot.content.secret_needs.clone())
            }
        }
    }
}

pub(super) fn validate(observed: &Observed) -> Result<Accepted, Refusal> {
    let spec = &observed.service.spec;
    let service = service::check(spec, &observed.name)
        .map_err(|violations| Refusal::new(reason::INVALID, &violation::summary(&violations)))?;
    let cluster = holder(&observed.namespace, &observed.clusters, spec.cluster.as_deref())
        .map_err(|error| Refusal::new(reason::CLUSTER_NOT_FOUND, &error))?;
    let named = named_revision(observed, &service)?;
    let trigger = trigger(observed, &service, &named);
    let (target, network_mode) = target(observed, &trigger, named, (&service, &cluster))?;
    service::check_network(&service, network_mode).map_err(|violation| Refusal::new(reason::INVALID, &violation))?;
    let groups = Groups::of(&service.security_groups, names::workload(&observed.name), network_mode);
    security_group::check_named(&groups, &observed.security_groups, &observed.namespace)?;
    let Holder { name: cluster_name, object: cluster_object, .. } = cluster;
    let kept = last_accepted::kept(spec, &cluster_name, &cluster_object);
    Ok(Accepted { cluster_name, cluster_object, service, trigger, target, groups, kept })
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

/// Looks for the revision; what runs already is known from its snapshot.
fn named_revision(observed: &Observed, service: &Service) -> Result<Named, Refusal> {
    let reference = &service.task_definition;
    let running = observed.newest_snapshot().map(|newest| &newest.content.trigger);
    let running = running.filter(|trigger| reference.means(&trigger.family, trigger.revision));
    let error = match observed.places.find(reference, running) {
        Ok(Found { revision, namespace }) => {
            let (family, number) = (revision.family.clone(), revision.number);
            return Ok(Named { family, number, namespace, revision: Ok(revision) });
        }
        Err(error) => error,
    };
    match (running, &error) {
        (Some(running), LookupError::NotFound(_)) => Ok(Named {
            family: running.family.clone(),
            number: running.revision,
            namespace: running.namespace.clone(),
            revision: Err(refusal(&error)),
        }),
        _ => Err(refusal(&error)),
    }
}

fn trigger(observed: &Observed, service: &Service, named: &Named) -> Trigger {
    Trigger {
        family: named.family.clone(),
        revision: named.number,
        namespace: named.namespace.clone(),
        network_configuration: serde_json::to_value(&observed.service.spec.network_configuration).unwrap_or_default(),
        load_balancers: unless_empty(observed.service.spec.load_balancers.as_ref()),
        target_groups: target_groups(observed, service),
        service_registries: unless_empty(observed.service.spec.service_registries.as_ref()),
        service_connect: service_connect(&observed.service),
        force_new_deployment: service.force_new_deployment.clone(),
        pre_stop_seconds: service.pre_stop_seconds,
    }
}

/// One that takes no part starts nothing, whatever else it says.
fn service_connect(service: &EcsService) -> Value {
    let given = service.spec.service_connect_configuration.as_ref().filter(|_| takes_part(service));
    given.and_then(|given| serde_json::to_value(given).ok()).unwrap_or_default()
}

/// While one is missing, what runs keeps those that it has. What was started before they were kept goes on as it is.
fn target_groups(observed: &Observed, service: &Service) -> Vec<String> {
    let before = observed.newest_snapshot().map(|newest| &newest.content.trigger);
    let is_unknown = |before: &&Trigger| before.target_groups.is_empty() && !before.load_balancers.is_null();
    if before.is_some_and(|before| is_unknown(&before)) {
        return Vec::new();
    }
    let now = observed.target_groups.objects(&service.targets);
    now.or_else(|| before.map(|before| before.target_groups.clone())).unwrap_or_default()
}

/// The name of an EcsService is its own, whoever came first: nobody gets it as that of a registry, and who has it gives it up when it
/// is needed.
fn check_registry(observed: &Observed, service: &Service, from: NameOfAnother) -> Result<(), Refusal> {
    let of_another = |name: &str| observed.names_of_others.get(name).is_some_and(|another| *another >= from);
    let Some(named) = service.registry.as_ref().filter(|named| of_another(&named.name)) else {
        return Ok(());
    };
    let message = format!(
        "spec.serviceRegistries[0].registryArn: {} is the name of another EcsService, whose tasks are found by it: choose another name. [SV33]",
        named.name
    );
    Err(Refusal::new(reason::INVALID, &message))
}

fn registry(service: &Service, definition: &TaskDefinition) -> Result<Option<Registry>, Refusal> {
    let of_tasks = service.registry.as_ref().map(|named| service_registry::of_tasks(named, definition)).transpose();
    of_tasks.map_err(|violation| Refusal::new(reason::INVALID, &violation))
}

/// An empty list is the same as none.
fn unless_empty<T: Serialize>(list: Option<&Vec<T>>) -> Value {
    list.filter(|list| !list.is_empty()).and_then(|list| serde_json::to_value(list).ok()).unwrap_or_default()
}

/// The deployment that the values ask for, and the network mode of its tasks. One that was started already needs no
/// revision and no subnets: its snapshot knows all. Its target groups have to be there, or nobody reaches it.
fn target(
    observed: &Observed,
    trigger: &Trigger,
    named: Named,
    (service, cluster): (&Service, &Holder),
) -> Result<(Target, Option<NetworkMode>), Refusal> {
    let newest = observed.newest_snapshot();
    let wanted = deployment::wanted(
        trigger,
        newest.map(|newest| (newest.number, &newest.content.trigger)),
        observed.used_numbers(),
    );
    let runs = |named: Named| runs(observed, service, &*named.revision?, cluster);
    match wanted {
        Wanted::Existing(number) => {
            check_registry(observed, service, NameOfAnother::Needed)?;
            observed.target_groups.check_there(&service.targets)?;
            // Whoever is on the way has other worries.
            let now = observed.is_at_rest().then(|| runs(named).map(Box::new));
            let network_mode = newest.and_then(|snapshot| snapshot.content.network_mode);
            Ok((Target::Existing(number, now), network_mode))
        }
        Wanted::New(number) => {
            check_registry(observed, service, NameOfAnother::Unneeded)?;
            let runs = runs(named)?;
            let network_mode = runs.task_definition.network_mode;
            Ok((Target::New(number, Box::new(runs)), network_mode))
        }
    }
}

/// What a deployment runs that is started now.
fn runs(observed: &Observed, service: &Service, revision: &Revision, cluster: &Holder) -> Result<Runs, Refusal> {
    let checked = checked(revision, None)?;
    let before = observed.newest_snapshot().map(|newest| &newest.content.targets[..]).unwrap_or_default();
    let mut task_definition = observed.target_groups.register(checked, &service.targets, before)?;
    task_definition.registry = registry(service, &task_definition)?;
    let task_definition = service_connect::connect(observed, service, cluster, task_definition)?;
    let roles = observed.roles.of_task(&task_definition, &observed.namespace)?;
    Ok(Runs { task_definition, roles, location: cluster.locate(&service.subnets)? })
}
