//! What becomes of each field of a container definition.

use serde_json::Value;

use crate::ecs::{object_names, secret_reference::SecretReference, task_definition::health_check::has_no_keyword};

use super::row::{Field, PRIVILEGED, Row, approximated, ignored, mapped};

const OUTPUT: &str = "The container's output goes to its node, where kubectl logs and log agents read it.";
const ULIMITS: &str = "Kubernetes has no limits of this kind: those of the node's container runtime hold.";
const RESTARTED: &str =
    "A container of a service is started again whatever it says; one of a task by itself where Kubernetes can (1.35).";
const SWAP: &str = "Swap is a matter of the node.";
const WHOLE_TASK: &str = "It holds for the whole task.";
const ROUTER: &str = "Log routers of ECS are told this by its agent; here the container has to be configured itself.";

pub(super) const ROWS: &[Row] = &[
    mapped("containerDefinitions[].name"),
    mapped("containerDefinitions[].image"),
    mapped("containerDefinitions[].repositoryCredentials"),
    approximated(
        "containerDefinitions[].repositoryCredentials.credentialsParameter",
        "Images of the task are pulled with the Secret {} of the Namespace, which has to be there and of the type kubernetes.io/dockerconfigjson.",
    )
    .named(secret),
    mapped("containerDefinitions[].cpu"),
    mapped("containerDefinitions[].memory"),
    mapped("containerDefinitions[].memoryReservation"),
    approximated(
        "containerDefinitions[].links",
        "The containers of a task share one network: the names lead to the task itself. The variables of links are not set.",
    ),
    mapped("containerDefinitions[].portMappings"),
    mapped("containerDefinitions[].portMappings[].containerPort"),
    approximated("containerDefinitions[].portMappings[].containerPortRange", "Each port of the range is opened by itself."),
    approximated(
        "containerDefinitions[].portMappings[].hostPort",
        "No port of the node is opened: clients use the Service.",
    )
    .when(|field| *field.value == 0),
    ignored("containerDefinitions[].portMappings[].hostPort", "A range has no fixed ports on the node.")
        .when(|field| field.parent()["containerPortRange"].is_string()),
    ignored("containerDefinitions[].portMappings[].hostPort", "A task without a network has no ports on the node.")
        .when(|field| field.document()["networkMode"] == "none"),
    mapped("containerDefinitions[].portMappings[].hostPort")
        .when(|field| matches!(field.document()["networkMode"].as_str(), Some("awsvpc" | "host"))),
    approximated("containerDefinitions[].portMappings[].hostPort", PRIVILEGED),
    mapped("containerDefinitions[].portMappings[].protocol"),
    mapped("containerDefinitions[].portMappings[].name"),
    mapped("containerDefinitions[].portMappings[].appProtocol"),
    mapped("containerDefinitions[].essential").when(|field| is_waited_for(field, &["COMPLETE", "SUCCESS"])),
    approximated(
        "containerDefinitions[].essential",
        "A container of a service that ends is started again in the same Pod; ECS would replace the task when it is essential, and leave it stopped when it is not.",
    ),
    approximated(
        "containerDefinitions[].restartPolicy",
        RESTARTED,
    ),
    approximated("containerDefinitions[].restartPolicy.enabled", RESTARTED),
    approximated("containerDefinitions[].restartPolicy.ignoredExitCodes", RESTARTED),
    ignored(
        "containerDefinitions[].restartPolicy.restartAttemptPeriod",
        "Kubernetes waits before it starts a container again, longer each time, whatever time it ran.",
    ),
    mapped("containerDefinitions[].entryPoint"),
    mapped("containerDefinitions[].command"),
    mapped("containerDefinitions[].environment"),
    mapped("containerDefinitions[].environment[].name"),
    mapped("containerDefinitions[].environment[].value"),
    mapped("containerDefinitions[].environmentFiles"),
    approximated(
        "containerDefinitions[].environmentFiles[].value",
        "The variables are those of the ConfigMap {} of the Namespace, which has to be there: kubectl create configmap {} --from-env-file=FILE.",
    )
    .named(config_map),
    approximated("containerDefinitions[].environmentFiles[].type", "The operator fetches nothing from S3."),
    mapped("containerDefinitions[].secrets"),
    mapped("containerDefinitions[].secrets[].name"),
    approximated(
        "containerDefinitions[].secrets[].valueFrom",
        "The value is that of {} in the Namespace, which has to be there; versions are not told apart.",
    )
    .named(secret_and_key),
    mapped("containerDefinitions[].mountPoints"),
    mapped("containerDefinitions[].mountPoints[].sourceVolume"),
    mapped("containerDefinitions[].mountPoints[].containerPath"),
    mapped("containerDefinitions[].mountPoints[].readOnly"),
    approximated(
        "containerDefinitions[].volumesFrom",
        "Volumes that the other container's image declares are not among them.",
    ),
    mapped("containerDefinitions[].volumesFrom[].sourceContainer"),
    mapped("containerDefinitions[].volumesFrom[].readOnly"),
    mapped("containerDefinitions[].linuxParameters"),
    mapped("containerDefinitions[].linuxParameters.capabilities"),
    approximated("containerDefinitions[].linuxParameters.capabilities.add", PRIVILEGED).when(goes_beyond_baseline),
    mapped("containerDefinitions[].linuxParameters.capabilities.add"),
    mapped("containerDefinitions[].linuxParameters.capabilities.drop"),
    approximated("containerDefinitions[].linuxParameters.devices", "The privileged container sees all devices of its node."),
    mapped("containerDefinitions[].linuxParameters.devices[].hostPath"),
    mapped("containerDefinitions[].linuxParameters.devices[].containerPath"),
    ignored(
        "containerDefinitions[].linuxParameters.devices[].permissions",
        "A privileged container may do everything with a device.",
    ),
    mapped("containerDefinitions[].linuxParameters.initProcessEnabled").when(|field| *field.value == false),
    approximated(
        "containerDefinitions[].linuxParameters.initProcessEnabled",
        "The Pod's first process reaps what others leave behind, and the containers of the task see each other's processes.",
    ),
    mapped("containerDefinitions[].linuxParameters.sharedMemorySize"),
    mapped("containerDefinitions[].linuxParameters.tmpfs"),
    mapped("containerDefinitions[].linuxParameters.tmpfs[].containerPath"),
    mapped("containerDefinitions[].linuxParameters.tmpfs[].size"),
    approximated("containerDefinitions[].linuxParameters.tmpfs[].mountOptions", "Of the options only ro is taken over."),
    ignored("containerDefinitions[].linuxParameters.maxSwap", SWAP),
    ignored("containerDefinitions[].linuxParameters.swappiness", SWAP),
    mapped("containerDefinitions[].dependsOn"),
    mapped("containerDefinitions[].dependsOn[].containerName"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container runs to its end before this one starts, and has to succeed: one that fails is tried again in a service, and ends a task by itself.",
    )
    .when(|field| field.text() == "COMPLETE"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container runs to its end before this one starts, and containers that run to their end do so one after the other. Before Kubernetes 1.35 one of a service that fails is started again, instead of failing the task.",
    )
    .when(|field| field.text() == "SUCCESS"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container is a sidecar: it is stopped after the others, and is started again when it ends or does not become healthy in time.",
    )
    .when(|field| field.text() == "HEALTHY"),
    approximated(
        "containerDefinitions[].dependsOn[].condition",
        "The other container is a sidecar: it is stopped after the others, and started again when it ends. An essential one before one that is not is a regular container that is started first.",
    ),
    approximated(
        "containerDefinitions[].startTimeout",
        "The startup probe gives the container this time to become healthy, or that of its health check if it is longer; then it is started again.",
    )
    .when(|field| is_waited_for(field, &["HEALTHY"])),
    ignored("containerDefinitions[].startTimeout", "Kubernetes does not limit the time in which a container starts or ends."),
    ignored(
        "containerDefinitions[].stopTimeout",
        "kubernetes.terminationGracePeriodSeconds is the stop time of the whole task.",
    )
    .when(|field| field.document()["kubernetes"]["terminationGracePeriodSeconds"].is_number()),
    approximated(
        "containerDefinitions[].stopTimeout",
        "A Pod has one stop time: the longest of its regular containers, and those of its sidecars added. In a service the time in which traffic ends is a part of it.",
    ),
    mapped("containerDefinitions[].versionConsistency").when(|field| field.text() == "disabled"),
    approximated(
        "containerDefinitions[].versionConsistency",
        "Each node resolves the tag of an image when it pulls it: name a digest to run the same everywhere.",
    ),
    approximated("containerDefinitions[].hostname", WHOLE_TASK),
    ignored("containerDefinitions[].user", "kubernetes.securityContext.runAsUser is used instead.")
        .when(|field| field.element()["kubernetes"]["securityContext"]["runAsUser"].is_number()),
    mapped("containerDefinitions[].user"),
    mapped("containerDefinitions[].workingDirectory"),
    mapped("containerDefinitions[].disableNetworking"),
    approximated("containerDefinitions[].privileged", PRIVILEGED).when(|field| *field.value == true),
    mapped("containerDefinitions[].privileged"),
    mapped("containerDefinitions[].readonlyRootFilesystem"),
    approximated("containerDefinitions[].dnsServers", WHOLE_TASK),
    approximated("containerDefinitions[].dnsSearchDomains", WHOLE_TASK),
    approximated("containerDefinitions[].extraHosts", WHOLE_TASK),
    mapped("containerDefinitions[].extraHosts[].hostname"),
    mapped("containerDefinitions[].extraHosts[].ipAddress"),
    mapped("containerDefinitions[].dockerSecurityOptions"),
    mapped("containerDefinitions[].interactive"),
    mapped("containerDefinitions[].pseudoTerminal"),
    approximated("containerDefinitions[].dockerLabels", "They are an annotation of the Pod, in JSON: containers have no labels."),
    ignored("containerDefinitions[].ulimits", ULIMITS),
    ignored("containerDefinitions[].ulimits[].name", ULIMITS),
    ignored("containerDefinitions[].ulimits[].softLimit", ULIMITS),
    ignored("containerDefinitions[].ulimits[].hardLimit", ULIMITS),
    approximated("containerDefinitions[].logConfiguration", OUTPUT).when(|field| field.value["logDriver"] == "json-file"),
    ignored("containerDefinitions[].logConfiguration", OUTPUT),
    approximated("containerDefinitions[].logConfiguration.logDriver", "The files have the form of the node's container runtime.")
        .when(|field| field.text() == "json-file"),
    ignored("containerDefinitions[].logConfiguration.logDriver", OUTPUT),
    ignored("containerDefinitions[].logConfiguration.options", OUTPUT),
    ignored("containerDefinitions[].logConfiguration.secretOptions", OUTPUT),
    ignored("containerDefinitions[].logConfiguration.secretOptions[].name", OUTPUT),
    ignored("containerDefinitions[].logConfiguration.secretOptions[].valueFrom", OUTPUT),
    ignored(
        "containerDefinitions[].healthCheck",
        "A container that runs to its end before others start has no health check in Kubernetes.",
    )
    .when(|field| is_waited_for(field, &["COMPLETE", "SUCCESS"])),
    ignored("containerDefinitions[].healthCheck", "kubernetes.readinessProbe is asked instead.")
        .when(|field| field.element()["kubernetes"]["readinessProbe"].is_object() && !is_waited_for(field, &["HEALTHY"])),
    approximated(
        "containerDefinitions[].healthCheck",
        "It is a readiness probe: a container that fails it gets no traffic, and its task is not replaced yet.",
    ),
    approximated("containerDefinitions[].healthCheck.command", "It begins neither with CMD nor with CMD-SHELL, and is run as with CMD.")
        .when(lacks_keyword),
    mapped("containerDefinitions[].healthCheck.command"),
    mapped("containerDefinitions[].healthCheck.interval"),
    mapped("containerDefinitions[].healthCheck.timeout"),
    mapped("containerDefinitions[].healthCheck.retries"),
    mapped("containerDefinitions[].healthCheck.startPeriod").when(|field| is_waited_for(field, &["HEALTHY"])),
    approximated(
        "containerDefinitions[].healthCheck.startPeriod",
        "A container that is not healthy yet gets no traffic, and nothing else happens to it.",
    ),
    approximated(
        "containerDefinitions[].systemControls",
        "They hold for the whole task, and the kubelet and the Namespace (kubernetes.podSecurity of the EcsCluster) have to allow those that Kubernetes calls unsafe.",
    ),
    mapped("containerDefinitions[].systemControls[].namespace"),
    mapped("containerDefinitions[].systemControls[].value"),
    mapped("containerDefinitions[].resourceRequirements"),
    mapped("containerDefinitions[].resourceRequirements[].type"),
    mapped("containerDefinitions[].resourceRequirements[].value"),
    approximated(
        "containerDefinitions[].resourceRequirements[].sharingStrategy",
        "The node needs NVIDIA's device plugin with MPS; nobody looks at the free memory of a GPU.",
    ),
    mapped("containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps"),
    mapped("containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps.memory"),
    mapped("containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps.maxComputePercent"),
    approximated(
        "containerDefinitions[].firelensConfiguration",
        "The log router starts before the other containers and is stopped after them; their output does not flow to it.",
    ),
    ignored("containerDefinitions[].firelensConfiguration.type", ROUTER),
    ignored("containerDefinitions[].firelensConfiguration.options", ROUTER),
    approximated("containerDefinitions[].credentialSpecs", "It is the GMSACredentialSpec of its name in the Kubernetes cluster."),
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
    approximated(
        "containerDefinitions[].kubernetes.files[].valueFrom",
        "The content is that of {} in the Namespace, which has to be there.",
    )
    .named(secret_and_key),
    mapped("containerDefinitions[].kubernetes.files[].mode"),
];

/// Capabilities that the Pod Security level baseline lets a container add.
const OF_BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn goes_beyond_baseline(field: &Field<'_>) -> bool {
    let names = field.value.as_array().into_iter().flatten();
    names.filter_map(Value::as_str).any(|name| !OF_BASELINE.contains(&name))
}

fn secret(field: &Field<'_>) -> String {
    SecretReference::parse(field.text())
        .map_or_else(|_| field.text().into(), |secret| object_names::secret(&secret.name))
}

fn secret_and_key(field: &Field<'_>) -> String {
    let entry = SecretReference::parse(field.text()).map(|secret| secret.entry()).unwrap_or_default();
    format!("the entry {entry} of the Secret {}", secret(field))
}

fn config_map(field: &Field<'_>) -> String {
    let object = field.text().split_once(":s3:::").map_or(field.text(), |(_, object)| object);
    object_names::environment_file(object)
}

/// Whether another container waits for the one that the field is in, with one of these conditions.
fn is_waited_for(field: &Field<'_>, conditions: &[&str]) -> bool {
    let name = &field.element()["name"];
    let containers = field.document()["containerDefinitions"].as_array().into_iter().flatten();
    let waits = |dependency: &Value| {
        dependency["containerName"] == *name && conditions.iter().any(|condition| dependency["condition"] == *condition)
    };
    containers.flat_map(|container| container["dependsOn"].as_array().into_iter().flatten()).any(waits)
}

fn lacks_keyword(field: &Field<'_>) -> bool {
    let words = field.value.as_array().into_iter().flatten();
    has_no_keyword(&words.filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>())
}
