//! Third step: which objects a service needs, and which deployment of it runs. Pure.

use std::{sync::Arc, time::Duration};

use k8s_openapi::{
    api::{core::v1::Service, networking::v1::NetworkPolicy, policy::v1::PodDisruptionBudget},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;
use serde_json::Value;

use crate::{
    api::{register_task_definition::NetworkMode, security_group::EcsSecurityGroup, service::SchedulingStrategy},
    controllers::{secret_access::ASK_AGAIN, security_group::first_unready},
    decide::{
        deployment::{self, Template},
        rollout::{Rollout, roll_back_target},
        service_scheduler::{Decision, KnownDeployment, Rules, SchedulerFacts, decide},
        service_status::{DeploymentFacts, unable_to_start_message},
    },
    ecs::{
        arn::ArnScope,
        kubernetes_version::KubernetesVersion,
        network_configuration::{self, Groups},
        service_connect::ServiceConnect,
        task_definition::port::Port,
    },
    kube_io::workload::Workload,
    translate::{
        kubernetes_service::cluster_ip_service,
        labels, names, network_policy,
        owner::Ownership,
        pod_disruption_budget::{Budget, pod_disruption_budget},
        pod_template::{TaskTemplate, pod_template},
        security_group,
        service_workload::{ServiceWorkload, service_workload},
        snapshot::Snapshot,
    },
};

use super::{
    due::deployment_due,
    observe::{Observed, StoredSnapshot},
    services,
    validate::{Accepted, Runs, Target},
};

/// What is to be there.
pub(super) struct Plan {
    pub(super) scheduling: SchedulingStrategy,
    /// How many tasks.
    pub(super) desired_count: u32,
    /// Whether the number has to be written into the spec.
    pub(super) write_desired_count: bool,
    pub(super) own_group: Option<EcsSecurityGroup>,
    pub(super) isolation: Option<NetworkPolicy>,
    pub(super) kubernetes_service: Option<Service>,
    /// Services by whose names tasks are found beside its own.
    pub(super) other_services: Vec<Service>,
    pub(super) budget: Option<PodDisruptionBudget>,
    /// Number of the newest deployment.
    pub(super) newest: i64,
    /// A deployment that starts now.
    pub(super) new_snapshot: Option<Snapshot>,
    /// What is kept of the service as it was accepted last.
    pub(super) last_accepted: Option<String>,
    pub(super) decision: Decision,
    /// Why no task may start yet.
    pub(super) obstacle: Option<Obstacle>,
    /// How a deployment that is started now would differ from the one that runs.
    pub(super) due: Option<String>,
    /// `None` when somebody has deleted the snapshot that runs: the workload stays as it is.
    pub(super) workload: Option<Value>,
    /// All deployments that there are snapshots of.
    pub(super) deployments: Vec<DeploymentFacts>,
    /// Names of ControllerRevisions that are not needed any more.
    pub(super) obsolete_snapshots: Vec<String>,
}

/// Why no task may start yet.
pub(super) enum Obstacle {
    /// Something that they need is not ready.
    Unready(String),
    /// Their execution role may not do what it has to.
    Denied(String),
}

/// What a deployment is rendered with that is not the service's.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Why its execution role may not do what it has to.
    pub(super) denied: Option<&'a str>,
    pub(super) arns: &'a ArnScope,
    pub(super) version: KubernetesVersion,
    pub(super) now: &'a Time,
}

pub(super) fn plan(observed: &Observed, accepted: &Accepted, surroundings: Surroundings<'_>) -> Plan {
    let service = &accepted.service;
    let desired_count = desired_count(observed, accepted);
    let (newest, new_snapshot) = match &accepted.target {
        Target::Existing(number, _) => (*number, None),
        Target::New(number, runs) => (*number, Some(snapshot_of(observed, accepted, surroundings, *number, runs))),
    };
    let stored = observed.snapshots.iter().map(|stored| &stored.snapshot);
    let snapshots: Vec<_> = stored.chain(&new_snapshot).collect();
    let snapshot = |number: i64| snapshots.iter().copied().find(|snapshot| snapshot.number == number);
    let obstacles = obstacles(observed, &snapshots, newest, surroundings.denied);
    let unready: Vec<_> = obstacles.iter().map(|(number, _)| *number).collect();
    let mut decision = schedule(observed, accepted, (newest, desired_count), &unready, surroundings.now);
    let obstacle = obstacle_of(&decision, obstacles);
    if let Some(Obstacle::Denied(denied)) = &obstacle {
        decision.messages.push(unable_to_start_message(&service.name, denied));
        decision.look_in(ASK_AGAIN);
    }
    let wanted = snapshot(decision.template.newest());
    let ports = services::open_ports(observed, wanted, decision.template);
    let workload = ServiceWorkload {
        namespace: &observed.namespace,
        cluster_object: &accepted.cluster_object,
        service_object: &observed.name,
        owner: &observed.owner,
        scheduling: service.scheduling,
        desired_count: decision.replicas,
        limits: decision.limits,
        min_ready_seconds: service.min_ready_seconds,
        is_paused: decision.is_paused,
    };
    Plan {
        scheduling: service.scheduling,
        desired_count,
        write_desired_count: service.scheduling == SchedulingStrategy::Replica && service.desired_count.is_none(),
        own_group: own_group(observed, accepted, &ports),
        isolation: wanted
            .filter(|wanted| wanted.content.network_mode == Some(NetworkMode::None))
            .map(|_| network_policy::isolation(&observed.namespace, &observed.name, &observed.owner)),
        kubernetes_service: cluster_ip_service(
            &observed.namespace,
            &accepted.cluster_object,
            &observed.name,
            &observed.owner,
            &ports,
        ),
        other_services: services::others(
            observed,
            accepted,
            (&in_use(observed, &snapshots, newest, &decision), wanted),
            decision.template,
        ),
        budget: budget(observed, accepted, desired_count),
        due: deployment_due(observed, accepted, surroundings, &decision),
        obstacle,
        workload: snapshot(decision.template.running()).map(|snapshot| service_workload(workload, snapshot)),
        obsolete_snapshots: obsolete_snapshots(observed, newest, decision.template.running()),
        deployments: deployment_facts(observed, new_snapshot.as_ref(), surroundings),
        decision,
        newest,
        new_snapshot,
        last_accepted: accepted.kept.clone(),
    }
}

/// What keeps tasks of deployments from starting that do not run yet.
fn obstacles(observed: &Observed, snapshots: &[&Snapshot], newest: i64, denied: Option<&str>) -> Vec<(i64, Obstacle)> {
    let others = snapshots.iter().filter(|snapshot| observed.applied_snapshot() != Some(snapshot.number));
    let obstacle = |snapshot: &Snapshot| {
        let unready = waiting_for(observed, snapshot).map(Obstacle::Unready);
        let denied = denied.filter(|_| snapshot.number == newest);
        unready.or_else(|| denied.map(|denied| Obstacle::Denied(denied.into())))
    };
    others.filter_map(|snapshot| Some((snapshot.number, obstacle(snapshot)?))).collect()
}

/// What keeps the deployment that is to run from starting, where nothing else does.
fn obstacle_of(decision: &Decision, obstacles: Vec<(i64, Obstacle)>) -> Option<Obstacle> {
    let is_held = matches!(decision.template, Template::Held { .. });
    if decision.course.is_stopped() || (is_held && decision.is_blocked) {
        return None;
    }
    let waiting = decision.template.newest();
    obstacles.into_iter().find(|(number, _)| *number == waiting).map(|(_, obstacle)| obstacle)
}

/// Asks the service scheduler.
fn schedule(
    observed: &Observed,
    accepted: &Accepted,
    (newest, desired): (i64, u32),
    unready: &[i64],
    now: &Time,
) -> Decision {
    let service = &accepted.service;
    let in_progress = Rollout::default();
    let new = KnownDeployment { number: newest, rollout: &in_progress, shown: None };
    let mut deployments: Vec<_> = observed.snapshots.iter().map(|stored| known(observed, stored)).collect();
    deployments.extend((!deployments.iter().any(|stored| stored.number == newest)).then_some(new));
    let workload = observed.own_workload();
    let stop = observed.service.annotations().get(labels::STOP_DEPLOYMENT);
    decide(&SchedulerFacts {
        service: &service.name,
        desired,
        rules: Rules {
            percentages: service.percentages,
            circuit_breaker: service.circuit_breaker,
            early_success: service.early_success,
            bake_time: service.bake_time,
            health_check_grace_period: service.health_check_grace_period,
            min_ready: Duration::from_secs(workload.map_or(0, Workload::min_ready_seconds)),
        },
        newest,
        deployments: &deployments,
        workload: observed.workload_state(),
        replicas: workload.map(Workload::desired_count),
        shares: &observed.shares,
        all_tasks: &observed.tasks,
        tasks: &observed.live_tasks,
        ended: &observed.earlier_ends,
        stopping: &observed.stopping_tasks,
        departing: &observed.departing_tasks,
        is_to_stop: stop.is_some_and(|id| *id == observed.deployment_id(newest)),
        unready,
        is_daemon: service.scheduling == SchedulingStrategy::Daemon,
        now,
    })
}

fn known<'a>(observed: &'a Observed, stored: &'a StoredSnapshot) -> KnownDeployment<'a> {
    let number = stored.snapshot.number;
    KnownDeployment { number, rollout: &stored.rollout, shown: observed.shown(number) }
}

fn desired_count(observed: &Observed, accepted: &Accepted) -> u32 {
    if accepted.service.scheduling == SchedulingStrategy::Daemon {
        // As many as there are nodes for them, once Kubernetes has counted.
        return observed.own_workload().map_or(0, Workload::desired_count);
    }
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
                discovery_names: snapshot
                    .content
                    .service_connect
                    .iter()
                    .flat_map(ServiceConnect::discovery_names)
                    .collect(),
                created_at: created_at.unwrap_or_else(|| surroundings.now.clone()),
            }
        })
        .collect()
}

/// Drains leave the tasks of a DaemonSet alone.
fn budget(observed: &Observed, accepted: &Accepted, desired_count: u32) -> Option<PodDisruptionBudget> {
    let is_replica = accepted.service.scheduling == SchedulingStrategy::Replica;
    is_replica.then_some(())?;
    pod_disruption_budget(Budget {
        namespace: &observed.namespace,
        cluster_object: &accepted.cluster_object,
        service_object: &observed.name,
        owner: &observed.owner,
        desired_count,
        percentages: accepted.service.percentages,
    })
}

/// A deployment that is started now.
pub(super) fn snapshot_of(
    observed: &Observed,
    accepted: &Accepted,
    surroundings: Surroundings<'_>,
    number: i64,
    runs: &Runs,
) -> Snapshot {
    let Runs { task_definition, roles, location } = runs;
    let template = pod_template(TaskTemplate {
        arns: surroundings.arns,
        version: surroundings.version,
        cluster_object: &accepted.cluster_object,
        service_object: &observed.name,
        service_name: &accepted.service.name,
        task_definition,
        roles,
        revision: accepted.trigger.revision,
        deployment: number,
        deployment_id: &observed.deployment_id(number),
        security_groups: accepted.groups.names(),
        location,
        pre_stop_seconds: accepted.service.pre_stop_seconds,
    });
    Snapshot::new(number, accepted.trigger.clone(), (task_definition, roles), &template)
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

/// No task starts before the policies of its groups are there.
fn waiting_for(observed: &Observed, starts: &Snapshot) -> Option<String> {
    if let Some(role) = starts.service_account().and_then(|account| observed.roles.unready(account)) {
        let name = role.name_any();
        return Some(format!("Tasks start when EcsRole {name} is Ready: its ServiceAccount has to be there."));
    }
    let groups = groups(observed, starts);
    let missing = first_unready(&groups, &observed.security_groups)?;
    Some(format!("Tasks start when EcsSecurityGroup {missing} is Ready: no task runs before its rules are enforced."))
}

/// The groups of a deployment: those that it was started with, which may be others than the service names now.
fn groups(observed: &Observed, snapshot: &Snapshot) -> Groups {
    let configuration = serde_json::from_value(snapshot.content.trigger.network_configuration.clone()).ok().flatten();
    let named = network_configuration::check(configuration.as_ref()).unwrap_or_default();
    Groups::of(&named.security_groups, names::workload(&observed.name), snapshot.content.network_mode)
}

/// The deployment that runs again if the newest fails.
fn way_back(observed: &Observed, newest: i64) -> Option<i64> {
    let history: Vec<_> =
        observed.snapshots.iter().map(|stored| (stored.snapshot.number, stored.rollout.clone())).collect();
    roll_back_target(newest, &history)
}

/// The deployments that have tasks, are to have some or may have some again.
fn in_use<'a>(observed: &Observed, snapshots: &[&'a Snapshot], newest: i64, decision: &Decision) -> Vec<&'a Snapshot> {
    let goes_on = matches!(decision.rollout, Rollout::InProgress { .. });
    let way_back = way_back(observed, newest).filter(|_| goes_on);
    let runs = [decision.template.newest(), decision.template.running()];
    let is_used = |number: i64| {
        runs.contains(&number)
            || (goes_on && number == newest)
            || way_back == Some(number)
            || observed.tasks.iter().any(|task| task.deployment == number)
    };
    snapshots.iter().copied().filter(|snapshot| is_used(snapshot.number)).collect()
}

/// Old snapshots that nothing needs: no task, and no way back from a deployment that may fail.
fn obsolete_snapshots(observed: &Observed, newest: i64, running: i64) -> Vec<String> {
    let numbers: Vec<_> = observed.snapshots.iter().map(|stored| stored.snapshot.number).collect();
    let tasks = observed.tasks.iter().map(|task| task.deployment);
    let in_use: Vec<_> = tasks.chain([newest, running]).chain(way_back(observed, newest)).collect();
    let obsolete = deployment::obsolete(&numbers, &in_use);
    let stored = observed.snapshots.iter().filter(|stored| obsolete.contains(&stored.snapshot.number));
    stored.map(|stored| stored.object.clone()).collect()
}
