//! The rules of what ECS does not have, where no other file has them (OP17). They are those of the schema, which is asked only
//! where a definition comes through an API server.

use crate::{
    api::{
        register_task_definition::RegisterTaskDefinition,
        task_definition_kubernetes::{
            ContainerKubernetes, ReadinessProbe, SeccompProfile, SeccompProfileType, TaskDefinitionKubernetes,
        },
    },
    ecs::{
        object_names::{is_label_name, is_label_value, is_object_name},
        violation::Violations,
    },
};

/// Highest id of a user or group.
const HIGHEST_ID: i64 = 0x7fff_ffff;

/// Most seconds of a stop time.
const LONGEST_STOP: i32 = 86_400;

/// Checks the `kubernetes` keys of a task definition and its containers.
pub(super) fn check(definition: &RegisterTaskDefinition, violations: &mut Violations) {
    if let Some(kubernetes) = &definition.kubernetes {
        check_task(kubernetes, "spec.kubernetes", violations);
    }
    for (index, container) in definition.container_definitions.iter().flatten().enumerate() {
        if let Some(kubernetes) = &container.kubernetes {
            check_container(kubernetes, &format!("spec.containerDefinitions[{index}].kubernetes"), violations);
        }
    }
}

fn check_task(kubernetes: &TaskDefinitionKubernetes, path: &str, violations: &mut Violations) {
    let in_range = kubernetes.termination_grace_period_seconds.is_none_or(|time| (1..=LONGEST_STOP).contains(&time));
    let message = format_args!("A stop time is from 1 to {LONGEST_STOP} seconds.");
    violations.require(in_range, "OP17", format_args!("{path}.terminationGracePeriodSeconds"), message);
    for (name, value) in kubernetes.node_selector.iter().flatten() {
        let message = format_args!("{name:?} with the value {value:?} is no label that a node could have.");
        let is_label = is_label_name(name) && is_label_value(value);
        violations.require(is_label, "OP17", format_args!("{path}.nodeSelector"), message);
    }
    check_name(kubernetes.runtime_class_name.as_deref(), &format!("{path}.runtimeClassName"), violations);
    for (index, volume) in kubernetes.volumes.iter().flatten().enumerate() {
        let path = format!("{path}.volumes[{index}]");
        let claim = volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.as_str());
        check_name(claim, &format!("{path}.persistentVolumeClaim.claimName"), violations);
        let class = volume.ephemeral.as_ref().and_then(|ephemeral| ephemeral.storage_class_name.as_deref());
        check_name(class, &format!("{path}.ephemeral.storageClassName"), violations);
        let has_server = volume.nfs.as_ref().is_none_or(|nfs| !nfs.server.is_empty());
        violations.require(
            has_server,
            "OP17",
            format_args!("{path}.nfs.server"),
            "Give the name or address of the server.",
        );
    }
    if let Some(context) = &kubernetes.security_context {
        let path = format!("{path}.securityContext");
        check_id(context.fs_group, &format!("{path}.fsGroup"), violations);
        for (index, group) in context.supplemental_groups.iter().flatten().enumerate() {
            check_id(Some(*group), &format!("{path}.supplementalGroups[{index}]"), violations);
        }
        check_profile(context.seccomp_profile.as_ref(), &path, violations);
    }
}

fn check_container(kubernetes: &ContainerKubernetes, path: &str, violations: &mut Violations) {
    if let Some(probe) = &kubernetes.readiness_probe {
        check_probe(probe, &format!("{path}.readinessProbe"), violations);
    }
    if let Some(context) = &kubernetes.security_context {
        let path = format!("{path}.securityContext");
        check_id(context.run_as_user, &format!("{path}.runAsUser"), violations);
        check_id(context.run_as_group, &format!("{path}.runAsGroup"), violations);
        check_profile(context.seccomp_profile.as_ref(), &path, violations);
    }
}

fn check_probe(probe: &ReadinessProbe, path: &str, violations: &mut Violations) {
    let given = [probe.exec.is_some(), probe.http_get.is_some(), probe.tcp_socket.is_some(), probe.grpc.is_some()];
    let one = given.into_iter().filter(|given| *given).count() == 1;
    violations.require(one, "OP17", path, "Give one of exec, httpGet, tcpSocket and grpc.");
    let has_command = probe.exec.as_ref().is_none_or(|exec| !exec.command.is_empty());
    violations.require(has_command, "OP17", format_args!("{path}.exec.command"), "Give a program, and its arguments.");
    for (port, member) in [
        (probe.http_get.as_ref().map(|http| http.port), "httpGet"),
        (probe.tcp_socket.as_ref().map(|tcp| tcp.port), "tcpSocket"),
        (probe.grpc.as_ref().map(|grpc| grpc.port), "grpc"),
    ] {
        let is_port = port.is_none_or(|port| (1..=65535).contains(&port));
        violations.require(is_port, "OP17", format_args!("{path}.{member}.port"), "The port is from 1 to 65535.");
    }
    for (number, least, member) in [
        (probe.initial_delay_seconds, 0, "initialDelaySeconds"),
        (probe.period_seconds, 1, "periodSeconds"),
        (probe.timeout_seconds, 1, "timeoutSeconds"),
        (probe.success_threshold, 1, "successThreshold"),
        (probe.failure_threshold, 1, "failureThreshold"),
    ] {
        let enough = number.is_none_or(|number| number >= least);
        violations.require(enough, "OP17", format_args!("{path}.{member}"), format!("It is at least {least}."));
    }
}

fn check_id(id: Option<i64>, path: &str, violations: &mut Violations) {
    let in_range = id.is_none_or(|id| (0..=HIGHEST_ID).contains(&id));
    violations.require(in_range, "OP17", path, format!("An id is from 0 to {HIGHEST_ID}."));
}

fn check_profile(profile: Option<&SeccompProfile>, path: &str, violations: &mut Violations) {
    let Some(profile) = profile else { return };
    let is_local = profile.type_ == SeccompProfileType::Localhost;
    let has_name = profile.localhost_profile.as_ref().is_some_and(|name| !name.is_empty());
    let message = "localhostProfile goes with the type Localhost, and only with it.";
    let path = format!("{path}.seccompProfile.localhostProfile");
    violations.require(is_local == has_name && is_local == profile.localhost_profile.is_some(), "OP17", &path, message);
    let name = profile.localhost_profile.as_deref().unwrap_or_default();
    let is_below = !name.starts_with('/') && name.split('/').all(|part| part != "..");
    let message =
        "localhostProfile is a path below the kubelet's directory of profiles: no / at its beginning and no .. in it.";
    violations.require(is_below, "OP17", &path, message);
}

/// Checks the name of an object of Kubernetes.
fn check_name(name: Option<&str>, path: &str, violations: &mut Violations) {
    let message = "An object of Kubernetes has a name of up to 253 lower-case letters, digits, - and dots.";
    violations.require(name.is_none_or(is_object_name), "OP17", path, message);
}
