//! Third step: which objects a service needs, and which deployment of it runs. Pure.

use std::sync::Arc;

use k8s_openapi::{
    api::{core::v1::Service, networking::v1::NetworkPolicy, policy::v1::PodDisruptionBudget},
    apimachinery::pkg::apis::meta::v1::Time,
};
use serde_json::Value;

use crate::{
    api::{register_task_definition::NetworkMode, security_group::EcsSecurityGroup},
    controllers::security_group::first_unready,
    decide::{
        deployment::{self, Template},
        rollout::{Course, roll_back_target},
        service_status::{DeploymentFacts, ServiceFacts, WorkloadProgress, is_steady},
    },
    ecs::{
        arn::ArnScope,
        kubernetes_version::KubernetesVersion,
        network_configuration::Groups,
        task_definition::{TaskDefinition, port::Port},
    },
    translate::{
        deployment::{Workload, deployment as render_deployment, paused},
        kubernetes_service::cluster_ip_service,
        network_policy,
        owner::Ownership,
        pod_disruption_budget::{Budget, pod_disruption_budget},
        pod_template::{TaskTemplate, pod_template},
        security_group,
        snapshot::Snapshot,
    },
};

use super::{
    observe::Observed,
    rollout::{self, Around, Replacements, RolloutPlan},
    validate::{Accepted, Target},
};

/// What is to be there.
pub(super) struct Plan {
    /// How many tasks.
    pub(super) desired_count: u32,
    /// Whether the number has to be written into the spec.
    pub(super) write_desired_count: bool,
    pub(super) own_group: Option<EcsSecurityGroup>,
    pub(super) isolation: Option<NetworkPolicy>,
    pub(super) kubernetes_service: Option<Service>,
    pub(super) budget: Option<PodDisruptionBudget>,
    /// A deployment that starts now.
    pub(super) new_snapshot: Option<Snapshot>,
    pub(super) template: Template,
    pub(super) rollout: RolloutPlan,
    pub(super) replacements: Replacements,
    /// Why no task may start yet.
    pub(super) waiting_for: Option<String>,
    /// `None` when somebody has deleted the snapshot that runs: the workload stays as it is.
    pub(super) deployment: Option<Value>,
    /// All deployments that there are snapshots of.
    pub(super) deployments: Vec<DeploymentFacts>,
    /// Names of ControllerRevisions that are not needed any more.
    pub(super) obsolete_snapshots: Vec<String>,
}

/// What a deployment is rendered with that is not the service's.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) arns: &'a ArnScope,
    pub(super) version: KubernetesVersion,
    pub(super) now: &'a Time,
}

pub(super) fn plan(observed: &Observed, accepted: &Accepted, surroundings: Surroundings<'_>) -> Plan {
    let service = &accepted.service;
    let desired_count = desired_count(observed, accepted);
    let limits = service.percentages.limits(desired_count);
    let (newest, new_snapshot) = match &accepted.target {
        Target::Existing(number) => (*number, None),
        Target::New { number, task_definition } => {
            (*number, Some(new_snapshot(observed, accepted, surroundings, *number, task_definition)))
        }
    };
    let stored = observed.snapshots.iter().map(|stored| &stored.snapshot);
    let snapshots: Vec<_> = stored.chain(&new_snapshot).collect();
    let snapshot = |number: i64| snapshots.iter().copied().find(|snapshot| snapshot.number == number);
    let deployments = deployment_facts(observed, new_snapshot.as_ref(), surroundings);
    let applied = observed.applied_snapshot();
    let is_steady = |course: Course| {
        let template = course.template(applied, limits);
        is_steady(&service_facts(observed, accepted, desired_count, template, &deployments, surroundings.now))
    };
    let around = Around { newest, desired: desired_count, is_steady: &is_steady, now: surroundings.now };
    let rollout = rollout::plan(observed, accepted, &around);
    let replacements = rollout::replacements(observed, accepted, &rollout, desired_count, surroundings.now);
    let template = rollout.course.template(applied, limits);
    let (wanted, running) = match template {
        Template::Wanted(number) => (number, number),
        Template::Held { running, waiting } => (waiting, running),
    };
    let ports = open_ports(observed, snapshot(wanted), template);
    let waiting_for = waiting_for(observed, accepted, running);
    // What runs already goes on, and can be scaled, while the new deployment waits.
    let running = if waiting_for.is_some() { applied.unwrap_or(running) } else { running };
    let workload = Workload {
        namespace: &observed.namespace,
        cluster_object: &accepted.cluster_object,
        service_object: &observed.name,
        owner: &observed.owner,
        desired_count: rollout.course.replicas(desired_count, observed.replicas()) + replacements.extra,
        limits,
        min_ready_seconds: service.min_ready_seconds,
    };
    let network_mode = snapshot(wanted).and_then(|snapshot| snapshot.content.network_mode);
    let deployment = snapshot(running).map(|snapshot| render_deployment(workload, snapshot));
    Plan {
        desired_count,
        write_desired_count: service.desired_count.is_none(),
        own_group: own_group(observed, accepted, &ports),
        isolation: (network_mode == Some(NetworkMode::None))
            .then(|| network_policy::isolation(&observed.namespace, &observed.name, &observed.owner)),
        kubernetes_service: cluster_ip_service(
            &observed.namespace,
            &accepted.cluster_object,
            &observed.name,
            &observed.owner,
            &ports,
        ),
        budget: budget(observed, accepted, desired_count),
        waiting_for,
        deployment: if rollout.course.is_stopped() { deployment.map(paused) } else { deployment },
        obsolete_snapshots: obsolete_snapshots(observed, newest, running),
        rollout,
        replacements,
        new_snapshot,
        template,
        deployments,
    }
}

fn desired_count(observed: &Observed, accepted: &Accepted) -> u32 {
    let last_count = u32::try_from(observed.status.desired_count).unwrap_or(0);
    // A service that was never accepted has a status as well, but the count in it means nothing.
    let known = observed.status.task_definition_revision.is_some();
    accepted.service.desired_count.unwrap_or(if known { last_count } else { 1 })
}

fn deployment_facts(
    observed: &Observed,
    new_snapshot: Option<&Snapshot>,
    surroundings: Surroundings<'_>,
) -> Vec<DeploymentFacts> {
    let stored = observed.snapshots.iter().map(|stored| (&stored.snapshot, stored.created_at.clone()));
    stored
        .chain(new_snapshot.map(|snapshot| (snapshot, None)))
        .map(|(snapshot, created_at)| {
            let trigger = &snapshot.content.trigger;
            DeploymentFacts {
                number: snapshot.number,
                id: observed.deployment_id(snapshot.number),
                task_definition: surroundings.arns.task_definition(&trigger.family, trigger.revision),
                created_at: created_at.unwrap_or_else(|| surroundings.now.clone()),
            }
        })
        .collect()
}

/// What the status is made of, as long as the workload is not changed.
pub(super) fn service_facts<'a>(
    observed: &'a Observed,
    accepted: &'a Accepted,
    desired_count: u32,
    template: Template,
    deployments: &'a [DeploymentFacts],
    now: &'a Time,
) -> ServiceFacts<'a> {
    ServiceFacts {
        name: &accepted.service.name,
        desired_count: i32::try_from(desired_count).unwrap_or(i32::MAX),
        deployments,
        template,
        tasks: &observed.tasks,
        workload: progress(observed, template),
        refused_pods: observed.refused_pods(),
        before: &observed.status.deployments,
        now,
    }
}

fn progress(observed: &Observed, template: Template) -> WorkloadProgress {
    let Some(deployment) = &observed.deployment else { return WorkloadProgress::default() };
    let status = deployment.status.clone().unwrap_or_default();
    let speaks_of_newest = status.observed_generation >= deployment.metadata.generation;
    let template = match template {
        Template::Wanted(number) => number,
        Template::Held { running, .. } => running,
    };
    WorkloadProgress {
        observed: speaks_of_newest && observed.applied_snapshot() == Some(template),
        total: status.replicas.unwrap_or(0),
        updated: status.updated_replicas.unwrap_or(0),
        available: status.available_replicas.unwrap_or(0),
    }
}

fn budget(observed: &Observed, accepted: &Accepted, desired_count: u32) -> Option<PodDisruptionBudget> {
    pod_disruption_budget(Budget {
        namespace: &observed.namespace,
        cluster_object: &accepted.cluster_object,
        service_object: &observed.name,
        owner: &observed.owner,
        desired_count,
        percentages: accepted.service.percentages,
    })
}

fn new_snapshot(
    observed: &Observed,
    accepted: &Accepted,
    surroundings: Surroundings<'_>,
    number: i64,
    task_definition: &TaskDefinition,
) -> Snapshot {
    let template = pod_template(TaskTemplate {
        arns: surroundings.arns,
        version: surroundings.version,
        cluster_object: &accepted.cluster_object,
        service_object: &observed.name,
        task_definition,
        revision: accepted.trigger.revision,
        deployment: number,
        deployment_id: &observed.deployment_id(number),
        security_groups: accepted.groups.names(),
        pre_stop_seconds: accepted.service.pre_stop_seconds,
    });
    Snapshot::new(number, accepted.trigger.clone(), task_definition, &template)
}

/// The service's own group is made and kept by the operator; a group of that name which somebody else made is taken as it is.
fn own_group(observed: &Observed, accepted: &Accepted, ports: &[Port]) -> Option<EcsSecurityGroup> {
    let foreign = |group: &Arc<EcsSecurityGroup>| observed.owner.ownership(&**group) == Ownership::Foreign;
    let made_by_others = observed.own_group().is_some_and(foreign);
    (matches!(accepted.groups, Groups::Unnamed(_)) && !made_by_others).then(|| {
        security_group::of_service(
            &observed.namespace,
            &accepted.cluster_object,
            &observed.name,
            &observed.owner,
            ports,
        )
    })
}

/// No task starts before the policies of its groups are there. What runs already is not held up.
fn waiting_for(observed: &Observed, accepted: &Accepted, running: i64) -> Option<String> {
    if observed.applied_snapshot() == Some(running) {
        return None;
    }
    let missing = first_unready(&accepted.groups, &observed.security_groups)?;
    Some(format!("Tasks start when EcsSecurityGroup {missing} is Ready: no task runs before its rules are enforced."))
}

/// The ports of the wanted deployment, and those that tasks of earlier deployments still listen on: they serve until they
/// are replaced. While a deployment is held, only what runs counts.
fn open_ports(observed: &Observed, wanted: Option<&Snapshot>, template: Template) -> Vec<Port> {
    let mut ports: Vec<Port> = match template {
        Template::Wanted(_) => wanted.map(|snapshot| snapshot.content.ports.clone()).unwrap_or_default(),
        Template::Held { .. } => Vec::new(),
    };
    let in_use = |number: i64| {
        observed.applied_snapshot() == Some(number) || observed.tasks.iter().any(|task| task.deployment == number)
    };
    let mut stored: Vec<_> = observed.snapshots.iter().filter(|stored| in_use(stored.snapshot.number)).collect();
    stored.sort_by_key(|stored| std::cmp::Reverse(stored.snapshot.number));
    for mut port in stored.iter().flat_map(|stored| stored.snapshot.content.ports.clone()) {
        // The name goes with the newest port that has it.
        port.name.take_if(|name| ports.iter().any(|known| known.name.as_ref() == Some(name)));
        if !ports.iter().any(|known| known.container_port == port.container_port) {
            ports.push(port);
        }
    }
    ports
}

/// Old snapshots that nothing needs: no task, and no way back from a deployment that may fail.
fn obsolete_snapshots(observed: &Observed, newest: i64, running: i64) -> Vec<String> {
    let numbers: Vec<_> = observed.snapshots.iter().map(|stored| stored.snapshot.number).collect();
    let tasks = observed.tasks.iter().map(|task| task.deployment);
    let in_use: Vec<_> = tasks.chain([newest, running]).chain(roll_back_target(newest, &observed.history())).collect();
    let obsolete = deployment::obsolete(&numbers, &in_use);
    let stored = observed.snapshots.iter().filter(|stored| obsolete.contains(&stored.snapshot.number));
    stored.map(|stored| stored.object.clone()).collect()
}
