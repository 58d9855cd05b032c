//! Third step: which objects a service needs, and which deployment of it runs. Pure.

use std::sync::Arc;

use k8s_openapi::api::{core::v1::Service, networking::v1::NetworkPolicy};
use kube::ResourceExt;
use serde_json::Value;

use crate::{
    api::{register_task_definition::NetworkMode, security_group::EcsSecurityGroup},
    decide::{
        conditions::{READY, is_true},
        deployment::{self, Template},
    },
    ecs::{
        arn::ArnScope,
        kubernetes_version::KubernetesVersion,
        task_definition::{TaskDefinition, port::Port},
    },
    translate::{
        deployment::{Workload, deployment as render_deployment},
        kubernetes_service::cluster_ip_service,
        network_policy,
        owner::Ownership,
        pod_template::{TaskTemplate, pod_template},
        security_group,
        snapshot::Snapshot,
    },
};

use super::{
    observe::Observed,
    validate::{Accepted, Groups, Target},
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
    /// A deployment that starts now.
    pub(super) new_snapshot: Option<Snapshot>,
    pub(super) template: Template,
    /// Why no task may start yet.
    pub(super) waiting_for: Option<String>,
    pub(super) deployment: Value,
    /// Names of ControllerRevisions that are not needed any more.
    pub(super) obsolete_snapshots: Vec<String>,
}

/// What a deployment is rendered with that is not the service's.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) arns: &'a ArnScope,
    pub(super) version: KubernetesVersion,
}

pub(super) fn plan(observed: &Observed, accepted: &Accepted, surroundings: Surroundings<'_>) -> Plan {
    let service = &accepted.service;
    let last_count = u32::try_from(observed.status.desired_count).unwrap_or(0);
    // A service that was never accepted has a status as well, but the count in it means nothing.
    let known = observed.status.task_definition_revision.is_some();
    let desired_count = service.desired_count.unwrap_or(if known { last_count } else { 1 });
    let limits = service.percentages.limits(desired_count);

    let (wanted, new_snapshot) = match &accepted.target {
        Target::Existing(number) => (*number, None),
        Target::New { number, task_definition } => {
            (*number, Some(new_snapshot(observed, accepted, surroundings, *number, task_definition)))
        }
    };
    let stored = observed.snapshots.iter().map(|stored| &stored.snapshot);
    let snapshots: Vec<_> = stored.chain(&new_snapshot).collect();
    let snapshot = |number: i64| snapshots.iter().copied().find(|snapshot| snapshot.number == number);
    let template = deployment::template(wanted, observed.applied_snapshot(), limits);
    let running = match template {
        Template::Wanted(number) => number,
        Template::Held { running, .. } => running,
    };
    let ports = open_ports(observed, snapshot(wanted), template);
    let waiting_for = waiting_for(observed, accepted, running);
    // What runs already goes on, and can be scaled, while the new deployment waits.
    let running = if waiting_for.is_some() { observed.applied_snapshot().unwrap_or(running) } else { running };
    let workload = Workload {
        namespace: &observed.namespace,
        cluster_object: &accepted.cluster_object,
        service_object: &observed.name,
        owner: &observed.owner,
        desired_count,
        limits,
        min_ready_seconds: service.min_ready_seconds,
    };
    let network_mode = snapshot(wanted).and_then(|snapshot| snapshot.content.network_mode);
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
        waiting_for,
        deployment: snapshot(running).map(|snapshot| render_deployment(workload, snapshot)).unwrap_or_default(),
        obsolete_snapshots: obsolete_snapshots(observed, wanted, running),
        new_snapshot,
        template,
    }
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
        security_groups: accepted.groups.names(),
        pre_stop_seconds: accepted.service.pre_stop_seconds,
    });
    Snapshot::new(number, accepted.trigger.clone(), task_definition, &template)
}

/// The service's own group is made and kept by the operator; a group of that name which somebody else made is taken as it is.
fn own_group(observed: &Observed, accepted: &Accepted, ports: &[Port]) -> Option<EcsSecurityGroup> {
    let foreign = |group: &Arc<EcsSecurityGroup>| observed.owner.ownership(&**group) == Ownership::Foreign;
    let made_by_others = observed.own_group().is_some_and(foreign);
    (matches!(accepted.groups, Groups::Own(_)) && !made_by_others).then(|| {
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
    let ready = |name: &String| {
        let found = observed.security_groups.iter().find(|group| group.name_any() == *name);
        found.is_some_and(|group| {
            let status = group.status.clone().unwrap_or_default();
            status.observed_generation == group.metadata.generation && is_true(&status.conditions, READY)
        })
    };
    let missing = accepted.groups.names().iter().find(|name| !ready(name))?;
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

fn obsolete_snapshots(observed: &Observed, wanted: i64, running: i64) -> Vec<String> {
    let numbers: Vec<_> = observed.snapshots.iter().map(|stored| stored.snapshot.number).collect();
    let tasks = observed.tasks.iter().map(|task| task.deployment);
    let in_use: Vec<_> = tasks.chain([wanted, running]).collect();
    let obsolete = deployment::obsolete(&numbers, &in_use);
    let stored = observed.snapshots.iter().filter(|stored| obsolete.contains(&stored.snapshot.number));
    stored.map(|stored| stored.object.clone()).collect()
}
