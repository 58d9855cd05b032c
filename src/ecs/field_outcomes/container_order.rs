//! What becomes of the fields that say in which order the containers of a task start and end, and of their health. Much of it
//! depends on who runs the task: the containers of a service are started again, those of a task by itself are not.

use crate::ecs::{
    kubernetes_version::CONTAINER_RESTART_POLICIES,
    task_definition::{health_check::has_no_keyword, layout::Place},
};

use super::{
    circumstances::Workload::{Service, Task},
    field::Field,
    row::{Row, approximated, ignored, mapped},
};

const JOB: &str = "others wait for its COMPLETE or SUCCESS";
const SIDECAR: &str = "others wait for its START or HEALTHY";
const PROBED: &str = "others wait for its HEALTHY";
const OF_JOB: &str = "The condition with which others wait for its end decides whether it is started again.";
const OF_SIDECAR: &str = "It is a sidecar, which is started again whenever it ends.";
const OF_SERVICE: &str = "A container of a service is started again whenever it ends.";
const OF_TASK: &str = "Before Kubernetes 1.35 no container of a task by itself is started again.";
const STOP: &str = "A Pod has one stop time: the longest of its regular containers, and those of its sidecars added.";
const STOP_WITH_PORTS: &str = "A Pod has one stop time: the longest of its regular containers, and those of its sidecars added. The time in which traffic ends is a part of it, unless a target group says how long that is.";

pub(super) const ROWS: &[Row] = &[
    mapped("containerDefinitions[].essential").when(JOB, is_job),
    mapped("containerDefinitions[].essential").of(Task).when("it is false", |field| *field.value == false),
    mapped("containerDefinitions[].essential").of(Task).when("no regular container is beside it", is_only_regular),
    approximated(
        "containerDefinitions[].essential",
        "The operator stops the other containers when it ends; while no operator runs they go on.",
    )
    .of(Task),
    approximated(
        "containerDefinitions[].essential",
        "It is started again when it ends; ECS would leave it stopped. The task gets no traffic until it runs.",
    )
    .of(Service)
    .when("it is false", |field| *field.value == false),
    approximated(
        "containerDefinitions[].essential",
        "The operator replaces the task when it ends; while no operator runs it is started again in its Pod.",
    )
    .of(Service),
    ignored("containerDefinitions[].restartPolicy", OF_JOB).when(JOB, is_job),
    approximated("containerDefinitions[].restartPolicy", OF_SIDECAR).when(SIDECAR, is_sidecar),
    approximated("containerDefinitions[].restartPolicy", OF_SERVICE).of(Service),
    mapped("containerDefinitions[].restartPolicy")
        .of(Task)
        .when("enabled is false", |field| field.value["enabled"] == false),
    mapped("containerDefinitions[].restartPolicy").of(Task).from(CONTAINER_RESTART_POLICIES),
    ignored("containerDefinitions[].restartPolicy", OF_TASK).of(Task).before(CONTAINER_RESTART_POLICIES),
    approximated("containerDefinitions[].restartPolicy.enabled", OF_SIDECAR).when(SIDECAR, is_sidecar),
    approximated("containerDefinitions[].restartPolicy.enabled", OF_SERVICE).of(Service),
    mapped("containerDefinitions[].restartPolicy.enabled").of(Task),
    approximated("containerDefinitions[].restartPolicy.ignoredExitCodes", OF_SIDECAR).when(SIDECAR, is_sidecar),
    approximated("containerDefinitions[].restartPolicy.ignoredExitCodes", OF_SERVICE).of(Service),
    ignored("containerDefinitions[].restartPolicy.ignoredExitCodes", "The policy is not enabled.")
        .of(Task)
        .when("enabled is false", |field| field.parent()["enabled"] == false),
    mapped("containerDefinitions[].restartPolicy.ignoredExitCodes").of(Task),
    ignored(
        "containerDefinitions[].restartPolicy.restartAttemptPeriod",
        "Kubernetes waits before it starts a container again, longer each time, whatever time it ran.",
    ),
    mapped("containerDefinitions[].dependsOn"),
    mapped("containerDefinitions[].dependsOn[].containerName"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container runs to its end before this one starts, because others wait for its end.",
    )
    .when("it is START or HEALTHY, and others wait for COMPLETE or SUCCESS of the container", |field| {
        matches!(field.text(), "START" | "HEALTHY") && matches!(target(field), Some(Place::Job { .. }))
    }),
    approximated("containerDefinitions[].dependsOn[].condition", "The other container runs to its end before this one starts. One that fails ends the task; ECS would go on.")
        .of(Service)
        .from(CONTAINER_RESTART_POLICIES)
        .when("it is COMPLETE, and others wait for SUCCESS of the container", |field| {
            field.text() == "COMPLETE" && matches!(target(field), Some(Place::Job { must_succeed: true, .. }))
        }),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container runs to its end before this one starts. One that fails is tried again until it succeeds; ECS would go on.",
    )
    .of(Service)
    .when("it is COMPLETE", |field| field.text() == "COMPLETE"),
    approximated("containerDefinitions[].dependsOn[].condition", "The other container runs to its end before this one starts. One that fails ends the task; ECS would go on.")
        .of(Task)
        .when("it is COMPLETE", |field| field.text() == "COMPLETE"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container runs to its end before this one starts. One that fails is tried again until it succeeds; ECS would end the task.",
    )
    .of(Service)
    .before(CONTAINER_RESTART_POLICIES)
    .when("it is SUCCESS", |field| field.text() == "SUCCESS"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container runs to its end before this one starts. Those that run to their end do so one after the other.",
    )
    .when("it is SUCCESS", |field| field.text() == "SUCCESS"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container is a sidecar: it is stopped after the others, and is started again when it ends or does not become healthy in time.",
    )
    .when("it is HEALTHY", |field| field.text() == "HEALTHY"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container is a regular one that is started first; all regular containers are stopped together.",
    )
    .when("the other container is essential, and those that wait for its START are not", |field| {
        field.is_regular(&field.parent()["containerName"])
    }),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container is a sidecar: it is stopped after the others, and started again when it ends.",
    ),
    approximated(
        "containerDefinitions[].startTimeout",
        "The startup probe gives the container this time to become healthy, or that of its health check if it is longer; then it is started again.",
    )
    .when(PROBED, is_probed),
    ignored("containerDefinitions[].startTimeout", "Kubernetes does not limit the time in which a container starts or ends."),
    ignored(
        "containerDefinitions[].stopTimeout",
        "kubernetes.terminationGracePeriodSeconds is the stop time of the whole task.",
    )
    .when("beside kubernetes.terminationGracePeriodSeconds", |field| {
        field.document()["kubernetes"]["terminationGracePeriodSeconds"].is_number()
    }),
    ignored("containerDefinitions[].stopTimeout", "The stop time of a Pod is that of the containers which go on.")
        .when(JOB, is_job),
    approximated("containerDefinitions[].stopTimeout", STOP_WITH_PORTS)
        .of(Service)
        .when("a container has ports", has_ports),
    mapped("containerDefinitions[].stopTimeout").when("no other container goes on beside it", goes_on_alone),
    approximated("containerDefinitions[].stopTimeout", STOP),
    ignored(
        "containerDefinitions[].healthCheck",
        "A container that runs to its end before others start has no health check in Kubernetes.",
    )
    .when(JOB, is_job),
    ignored("containerDefinitions[].healthCheck", "kubernetes.readinessProbe is asked instead.")
        .when("beside kubernetes.readinessProbe; nobody waits for its HEALTHY", |field| {
            has_readiness_probe(field) && !is_probed(field)
        }),
    approximated(
        "containerDefinitions[].healthCheck",
        "It is a startup probe, for those that wait for it; kubernetes.readinessProbe is asked from then on.",
    )
    .when("beside kubernetes.readinessProbe", has_readiness_probe),
    approximated(
        "containerDefinitions[].healthCheck",
        "It is a readiness probe: a task that fails it gets no traffic, and the operator replaces it. The first check may come one interval later than on ECS.",
    )
    .of(Service),
    approximated("containerDefinitions[].healthCheck", "It is a readiness probe: the EcsTask tells whether it is healthy, and the Pod whether it is ready. The first check may come one interval later than on ECS.")
        .of(Task),
    approximated("containerDefinitions[].healthCheck.command", "It begins neither with CMD nor with CMD-SHELL, and is run as with CMD.")
        .when("it begins with another word", lacks_keyword),
    mapped("containerDefinitions[].healthCheck.command"),
    mapped("containerDefinitions[].healthCheck.interval"),
    mapped("containerDefinitions[].healthCheck.timeout"),
    mapped("containerDefinitions[].healthCheck.retries"),
    mapped("containerDefinitions[].healthCheck.startPeriod").when(PROBED, is_probed),
    approximated(
        "containerDefinitions[].healthCheck.startPeriod",
        "A container that is not healthy yet gets no traffic. Failures in this time do not make it unhealthy.",
    )
    .of(Service),
    approximated(
        "containerDefinitions[].healthCheck.startPeriod",
        "A container that is not healthy yet is not ready. Failures in this time do not make it unhealthy.",
    )
    .of(Task),
];

fn is_job(field: &Field<'_>) -> bool {
    matches!(field.place(), Some(Place::Job { .. }))
}

fn is_sidecar(field: &Field<'_>) -> bool {
    matches!(field.place(), Some(Place::Sidecar { .. }))
}

/// Whether it has a startup probe.
fn is_probed(field: &Field<'_>) -> bool {
    matches!(field.place(), Some(Place::Sidecar { until_healthy: true, .. }))
}

/// Where the container stands that this one waits for.
fn target(field: &Field<'_>) -> Option<Place> {
    field.place_of(&field.parent()["containerName"])
}

/// Whether the task ends with this container.
fn is_only_regular(field: &Field<'_>) -> bool {
    field.is_regular(&field.element()["name"]) && field.situation.layout.is_some_and(|layout| layout.regular.len() == 1)
}

fn goes_on_alone(field: &Field<'_>) -> bool {
    is_only_regular(field) && field.situation.layout.is_some_and(|layout| layout.sidecars().next().is_none())
}

fn has_ports(field: &Field<'_>) -> bool {
    let containers = field.document()["containerDefinitions"].as_array().into_iter().flatten();
    containers.filter_map(|container| container["portMappings"].as_array()).any(|mappings| !mappings.is_empty())
}

fn has_readiness_probe(field: &Field<'_>) -> bool {
    field.element()["kubernetes"]["readinessProbe"].is_object()
}

fn lacks_keyword(field: &Field<'_>) -> bool {
    let words = field.value.as_array().into_iter().flatten();
    has_no_keyword(&words.filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>())
}
