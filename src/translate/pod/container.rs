//! A container definition -> a container of a Pod. The place where a container's process is chosen.

use k8s_openapi::api::core::v1::{
    Container as KubernetesContainer, ContainerPort, ContainerRestartRule, ContainerRestartRuleOnExitCodes, Lifecycle,
    LifecycleHandler, SleepAction,
};

use crate::{
    api::{port_mapping::TransportProtocol, task_definition_kubernetes::ImagePullPolicy},
    ecs::task_definition::{
        TaskDefinition, container::Container, health_check::RestartPolicy, layout::Place, port::Port,
    },
};

use super::{
    super::{labels::Labels, names},
    Runs, Task, environment,
    literal::literals,
    probe, security, size, some, volume,
};

/// A container that runs for as long as its task.
#[must_use]
pub fn regular(task: Task<'_>, index: usize, pre_stop_seconds: u32) -> KubernetesContainer {
    let container = &task.task_definition.containers[index];
    let sleep =
        LifecycleHandler { sleep: Some(SleepAction { seconds: i64::from(pre_stop_seconds) }), ..Default::default() };
    let (restart_policy, restart_policy_rules) = restart(task, container);
    KubernetesContainer {
        readiness_probe: probe::readiness(container),
        lifecycle: (pre_stop_seconds > 0).then(|| Lifecycle { pre_stop: Some(sleep), ..Default::default() }),
        restart_policy,
        restart_policy_rules,
        ..process(task, index)
    }
}

/// A container that starts before the regular ones.
#[must_use]
pub fn init(task: Task<'_>, place: Place) -> KubernetesContainer {
    match place {
        Place::Job { index, must_succeed } => KubernetesContainer {
            // Where it can be said, a job that must succeed fails its task as on ECS, instead of being tried again. Where only
            // its end is waited for, trying again is nearer to going on.
            restart_policy: (must_succeed && task.runs != Runs::Alone && task.version.has_container_restart_policies())
                .then(|| "Never".into()),
            ..process(task, index)
        },
        Place::Sidecar { index, until_healthy } => {
            let container = &task.task_definition.containers[index];
            KubernetesContainer {
                restart_policy: Some("Always".into()),
                startup_probe: until_healthy.then(|| probe::startup(container)).flatten(),
                readiness_probe: probe::readiness(container),
                ..process(task, index)
            }
        }
    }
}

/// What a container runs, and on what.
fn process(task: Task<'_>, index: usize) -> KubernetesContainer {
    let definition = task.task_definition;
    let container = &definition.containers[index];
    KubernetesContainer {
        name: names::container(&container.name),
        image: Some(container.image.clone()),
        image_pull_policy: container.kubernetes.image_pull_policy.map(|policy| {
            match policy {
                ImagePullPolicy::Always => "Always",
                ImagePullPolicy::IfNotPresent => "IfNotPresent",
                ImagePullPolicy::Never => "Never",
            }
            .into()
        }),
        // In ECS's words an entry point is what Kubernetes calls a command, and a command its arguments.
        command: container.entry_point.as_deref().map(literals),
        args: container.command.as_deref().map(literals),
        working_dir: container.working_directory.clone(),
        env: Some(environment::variables(container, task)),
        env_from: some(environment::files(container)),
        ports: some(container.ports.iter().map(|each| port(each, definition)).collect()),
        resources: size::of_container(index, definition),
        volume_mounts: some(volume::mounts(container, definition)),
        security_context: security::of_container(container),
        stdin: container.interactive.then_some(true),
        tty: container.pseudo_terminal.then_some(true),
        ..Default::default()
    }
}

/// Whether a container of a task by itself is started again. In a service all are.
fn restart(task: Task<'_>, container: &Container) -> (Option<String>, Option<Vec<ContainerRestartRule>>) {
    match &container.restart_policy {
        Some(policy) if task.runs == Runs::Alone && task.version.has_container_restart_policies() => {
            if policy.ignored_exit_codes.is_empty() {
                (Some("Always".into()), None)
            } else {
                (Some("Never".into()), Some(vec![restart_rule(policy)]))
            }
        }
        _ => (None, None),
    }
}

fn restart_rule(policy: &RestartPolicy) -> ContainerRestartRule {
    ContainerRestartRule {
        action: "Restart".into(),
        exit_codes: Some(ContainerRestartRuleOnExitCodes {
            operator: "NotIn".into(),
            values: Some(policy.ignored_exit_codes.clone()),
        }),
    }
}

/// Kubernetes's name of a protocol.
#[must_use]
pub fn protocol(protocol: TransportProtocol) -> &'static str {
    match protocol {
        TransportProtocol::Tcp => "TCP",
        TransportProtocol::Udp => "UDP",
    }
}

/// A port that a target group sends traffic to has a name in any case: the group's Service finds it by that while its number changes.
fn port(port: &Port, definition: &TaskDefinition) -> ContainerPort {
    let of_target = definition.targets.iter().find(|target| target.container_port == port.container_port);
    let of_target = of_target.map(|target| target.port_name.clone());
    ContainerPort {
        container_port: i32::from(port.container_port),
        host_port: port.host_port.map(i32::from),
        name: port.name.as_deref().map(names::container_port).or(of_target),
        protocol: Some(protocol(port.protocol).into()),
        ..Default::default()
    }
}

/// Original names of the containers, ports and volumes that Kubernetes took another name for.
#[must_use]
pub fn original_names(definition: &TaskDefinition) -> Labels {
    let names = definition.containers.iter().map(|container| (names::container(&container.name), &container.name));
    let ports = definition
        .containers
        .iter()
        .flat_map(|container| &container.ports)
        .filter_map(|port| port.name.as_ref())
        .map(|name| (names::container_port(name), name));
    let volumes = definition.volumes.iter().map(|volume| (names::volume(&volume.name), &volume.name));
    names
        .chain(ports)
        .chain(volumes)
        .filter(|(name, original)| name != *original)
        .map(|(name, original)| (name, original.clone()))
        .collect()
}
