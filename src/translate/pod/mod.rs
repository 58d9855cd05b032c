//! A task definition -> the Pod of a task, in a service or by itself. Each area of the Pod has a file of its own; labels and
//! names of the workload around it are not decided here.

pub mod container;
pub mod environment;
pub mod literal;
pub mod network;
pub mod platform;
pub mod probe;
pub mod security;
pub mod size;
pub mod volume;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LocalObjectReference, PodSpec};
use serde::Serialize;

use crate::{
    api::{
        register_task_definition::NetworkMode,
        runtime::{IpcMode, PidMode},
    },
    ecs::{
        arn::ArnScope,
        kubernetes_version::KubernetesVersion,
        role::RolesOfTask,
        subnet::Location,
        target::Target,
        task_containers::{self, RunningContainer},
        task_definition::{TaskDefinition, layout::Layout},
    },
};

use super::{
    labels::{self, Labels},
    location, names, placement,
};

/// What the Pod of a task is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Region and account.
    pub arns: &'a ArnScope,
    /// What runs.
    pub task_definition: &'a TaskDefinition,
    /// What its roles bring.
    pub roles: &'a RolesOfTask,
    /// What runs it.
    pub runs: Runs,
    /// Where it runs.
    pub location: &'a Location,
    /// What selects the tasks that it is spread with.
    pub spread_with: &'a Labels,
    /// What the Kubernetes cluster can do.
    pub version: KubernetesVersion,
}

/// What runs a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// In a service: a Deployment's Pod, whose containers are started again when they end.
    InService {
        /// Seconds between the withdrawal from endpoints and SIGTERM.
        pre_stop_seconds: u32,
    },
    /// By itself: a Pod that is started once.
    Alone,
}

/// Renders the Pod of a task.
#[must_use]
pub fn spec(task: Task<'_>) -> PodSpec {
    let definition = task.task_definition;
    let layout = Layout::of(&definition.containers);
    let pre_stop_seconds = pre_stop_seconds(task);
    let host_network = definition.network_mode == Some(NetworkMode::Host);
    let on_windows = definition.platform.is_windows();
    PodSpec {
        init_containers: some(layout.init.iter().map(|place| container::init(task, *place)).collect()),
        containers: layout.regular.iter().map(|index| container::regular(task, *index, pre_stop_seconds)).collect(),
        restart_policy: (task.runs == Runs::Alone).then(|| "Never".into()),
        volumes: some(volume::volumes(task)),
        resources: if on_windows { None } else { size::of_task(definition) },
        service_account_name: Some(
            definition.task_role.as_deref().map_or_else(|| names::NO_ROLE.into(), names::service_account),
        ),
        image_pull_secrets: some(pull_secrets(task)),
        security_context: security::of_task(definition),
        host_network: host_network.then_some(true),
        host_pid: (definition.pid_mode == Some(PidMode::Host)).then_some(true),
        host_ipc: (definition.ipc_mode == Some(IpcMode::Host)).then_some(true),
        share_process_namespace: shares_processes(definition).then_some(true),
        hostname: definition.names.hostname.as_deref().map(names::hostname),
        host_aliases: some(network::host_aliases(definition)),
        dns_policy: network::dns_policy(definition, host_network),
        dns_config: network::dns_config(definition),
        node_selector: Some(platform::node_selector(definition)).filter(|selector| !selector.is_empty()),
        affinity: placement::affinity(&definition.placement, task.location),
        topology_spread_constraints: location::spread(task.location, task.spread_with),
        os: platform::operating_system(definition),
        runtime_class_name: definition.kubernetes.runtime_class_name.clone(),
        // A role says itself whether its tasks get a token.
        automount_service_account_token: definition.task_role.is_none().then_some(false),
        // A task sees no variables of its neighbours' Services.
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(i64::from(grace_seconds(definition, &layout, pre_stop_seconds))),
        ..Default::default()
    }
}

/// Annotations of the Pod: which revision it runs, what it needs to have beside it, and what Kubernetes has no field for.
#[must_use]
pub fn annotations(task: Task<'_>, revision: i64) -> Labels {
    let definition = task.task_definition;
    let mut annotations = volume::texts(definition);
    annotations.insert(labels::TASK_DEFINITION.into(), task.arns.task_definition(&definition.family, revision));
    let restarts = task.runs == Runs::Alone && task.version.has_container_restart_policies();
    annotations.insert(labels::CONTAINERS.into(), json(&task_containers::of(definition, restarts, names::container)));
    if !definition.targets.is_empty() {
        annotations.insert(labels::TARGETS.into(), json(&definition.targets));
    }
    let originals = container::original_names(definition);
    if !originals.is_empty() {
        annotations.insert(labels::ORIGINAL_NAMES.into(), json(&originals));
    }
    for container in definition.containers.iter().filter(|container| !container.docker_labels.is_empty()) {
        annotations.insert(names::docker_labels_annotation(&container.name), json(&container.docker_labels));
    }
    annotations
}

/// What the annotations of a Pod say of its task's containers; none where they say nothing that can be read.
#[must_use]
pub fn running_containers(annotations: &BTreeMap<String, String>) -> Vec<RunningContainer> {
    let text = annotations.get(labels::CONTAINERS);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// What the annotations of a Pod say of target groups; nothing where they say nothing that can be read.
#[must_use]
pub fn targets(annotations: &BTreeMap<String, String>) -> Vec<Target> {
    let text = annotations.get(labels::TARGETS);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Without ports nobody has to be told that the task goes away.
fn pre_stop_seconds(task: Task<'_>) -> u32 {
    let definition = task.task_definition;
    match task.runs {
        Runs::InService { pre_stop_seconds } if !definition.ports().is_empty() => {
            pre_stop_seconds.max(definition.deregistration_delay.unwrap_or(0))
        }
        Runs::InService { .. } | Runs::Alone => 0,
    }
}

/// Seconds between SIGTERM and SIGKILL of a container on ECS.
const STOP_TIMEOUT_SECONDS: u32 = 30;

/// ECS counts the stop timeout from SIGTERM on, and the kubelet from the sleep before that: where somebody has asked for a delay, it
/// comes on top.
fn grace_seconds(definition: &TaskDefinition, layout: &Layout, pre_stop_seconds: u32) -> u32 {
    let stop = stop_seconds(definition, layout);
    let given = definition.kubernetes.termination_grace_period_seconds.and_then(|seconds| u32::try_from(seconds).ok());
    let whole = given.unwrap_or(stop);
    match definition.deregistration_delay {
        Some(_) => whole.max(pre_stop_seconds.saturating_add(stop)),
        None => whole.max(pre_stop_seconds.saturating_add(1)),
    }
}

/// The regular containers stop together, then the sidecars one after the other.
fn stop_seconds(definition: &TaskDefinition, layout: &Layout) -> u32 {
    let stop = |index: usize| definition.containers[index].stop_timeout.unwrap_or(STOP_TIMEOUT_SECONDS);
    let regular = layout.regular.iter().map(|index| stop(*index)).max().unwrap_or(STOP_TIMEOUT_SECONDS);
    layout.sidecars().map(stop).fold(regular, u32::saturating_add)
}

/// The first process of a shared process namespace reaps what the others leave behind.
fn shares_processes(definition: &TaskDefinition) -> bool {
    let reaps = definition.containers.iter().any(|container| container.init_process);
    definition.pid_mode == Some(PidMode::Task) || (reaps && definition.pid_mode != Some(PidMode::Host))
}

/// Those of the containers, then those of the execution role.
fn pull_secrets(task: Task<'_>) -> Vec<LocalObjectReference> {
    let containers = task.task_definition.containers.iter();
    let own = containers.filter_map(|container| container.pull_secret.as_ref());
    let own = own.map(|secret| task.roles.secret_entry(secret).secret);
    let mut references: Vec<LocalObjectReference> = Vec::new();
    for name in own.chain(task.roles.pull_secrets.iter().cloned()) {
        let reference = LocalObjectReference { name };
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    references
}

/// A list, if there is something in it.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
