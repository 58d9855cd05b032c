//! What becomes of each field of a container definition that ECS does not have.

use super::{
    container_definition::{
        SAME_ENTRY, SAME_SECRET, is_first_use, is_same_entry_of_another, is_same_secret_as_another,
    },
    row::{Row, approximated, mapped},
};

pub(super) const ROWS: &[Row] = &[
    mapped("containerDefinitions[].kubernetes"),
    mapped("containerDefinitions[].kubernetes.imagePullPolicy"),
    mapped("containerDefinitions[].kubernetes.readinessProbe"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.exec"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.exec.command"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.httpGet"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.httpGet.port"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.httpGet.path"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.httpGet.scheme"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.tcpSocket"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.tcpSocket.port"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.grpc"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.grpc.port"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.grpc.service"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.initialDelaySeconds"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.periodSeconds"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.timeoutSeconds"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.successThreshold"),
    mapped("containerDefinitions[].kubernetes.readinessProbe.failureThreshold"),
    mapped("containerDefinitions[].kubernetes.securityContext"),
    mapped("containerDefinitions[].kubernetes.securityContext.runAsUser"),
    mapped("containerDefinitions[].kubernetes.securityContext.runAsGroup"),
    mapped("containerDefinitions[].kubernetes.securityContext.runAsNonRoot"),
    mapped("containerDefinitions[].kubernetes.securityContext.allowPrivilegeEscalation"),
    mapped("containerDefinitions[].kubernetes.securityContext.seccompProfile"),
    mapped("containerDefinitions[].kubernetes.securityContext.seccompProfile.type"),
    mapped("containerDefinitions[].kubernetes.securityContext.seccompProfile.localhostProfile"),
    mapped("containerDefinitions[].kubernetes.files"),
    mapped("containerDefinitions[].kubernetes.files[].path"),
    mapped("containerDefinitions[].kubernetes.files[].text"),
    approximated("containerDefinitions[].kubernetes.files[].valueFrom", SAME_ENTRY)
        .when("an earlier field names another secret of this name", is_same_entry_of_another),
    approximated("containerDefinitions[].kubernetes.files[].valueFrom", SAME_SECRET)
        .when("an earlier field names another secret of this name, and another entry of it", is_same_secret_as_another),
    approximated(
        "containerDefinitions[].kubernetes.files[].valueFrom",
        "The content is that of the entry {entry} of the Secret {secret}, unless the EcsRole of executionRoleArn lists another one in its secrets. The Secret has to be there: kubectl -n {namespace} create secret generic {secret} {literals}",
    )
    .when("no earlier field names the secret", is_first_use),
    approximated(
        "containerDefinitions[].kubernetes.files[].valueFrom",
        "The content is that of the entry {entry} of the Secret {secret}, unless the EcsRole of executionRoleArn lists another one in its secrets. The Secret has to be there.",
    ),
    mapped("containerDefinitions[].kubernetes.files[].mode"),
];
