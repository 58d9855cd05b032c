//! What becomes of each field of a container definition. Its order and health have `container_order`, what ECS does not have
//! `container_kubernetes`.

use serde_json::Value;

use crate::ecs::object_names;

use super::{
    circumstances::Workload::{Service, Task},
    field::Field,
    placeholders::{port_name, service_port},
    row::{PRIVILEGED, Row, approximated, ignored, mapped},
    secret_uses::Namesake,
};

const OUTPUT: &str = "The container's output goes to its node, where kubectl logs and log agents read it.";
const ULIMITS: &str = "Kubernetes has no limits of this kind: those of the node's container runtime hold.";
const SWAP: &str = "Swap is a matter of the node.";
const WHOLE_TASK: &str = "It holds for the whole task.";
const ROUTER: &str = "Log routers of ECS are told this by its agent; here the container has to be configured itself.";

pub(super) const ENVIRONMENT_FILE: &str = "The variables are those of the ConfigMap {config map}, which has to be there: kubectl -n {namespace} create configmap {config map} --from-env-file=FILE";
pub(super) const NOT_FETCHED: &str = "The operator fetches nothing from S3.";
pub(super) const SHARED_GPU: &str =
    "The node needs NVIDIA's device plugin with MPS; nobody looks at the free memory of a GPU.";

/// What two fields say that name two secrets which are one Secret here.
pub(super) const SAME_ENTRY: &str = "{other} names another secret, and both are the entry {entry} of the Secret {secret}: they have one value. Give one of the two secrets another name.";
pub(super) const SAME_SECRET: &str =
    "{other} names another secret, and both are the Secret {secret}, of which this is the entry {entry}.";

pub(super) const ROWS: &[Row] = &[
    approximated("containerDefinitions[].name", "It is called {container} in Kubernetes; the annotation ecs-operator.dev/original-names keeps its own name.")
        .when("it is no DNS label", |field| object_names::container(field.text()) != field.text()),
    mapped("containerDefinitions[].name"),
    mapped("containerDefinitions[].image"),
    mapped("containerDefinitions[].repositoryCredentials"),
    approximated(
        "containerDefinitions[].repositoryCredentials.credentialsParameter",
        "Images of the task are pulled with the Secret {secret}, unless the EcsRole of executionRoleArn lists another one in its secrets. The Secret has to be there: kubectl -n {namespace} create secret docker-registry {secret} --docker-server=SERVER --docker-username=USER --docker-password=PASSWORD",
    ),
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
    .of(Service)
    .when("it is 0", |field| *field.value == 0),
    approximated(
        "containerDefinitions[].portMappings[].hostPort",
        "No port of the node is opened: clients use the address of the Pod.",
    )
    .of(Task)
    .when("it is 0", |field| *field.value == 0),
    ignored("containerDefinitions[].portMappings[].hostPort", "A range has no fixed ports on the node.")
        .when("beside containerPortRange", |field| field.parent()["containerPortRange"].is_string()),
    ignored("containerDefinitions[].portMappings[].hostPort", "A task without a network has no ports on the node.")
        .when("networkMode is none", |field| field.document()["networkMode"] == "none"),
    mapped("containerDefinitions[].portMappings[].hostPort").when("networkMode is awsvpc or host", |field| {
        matches!(field.document()["networkMode"].as_str(), Some("awsvpc" | "host"))
    }),
    approximated("containerDefinitions[].portMappings[].hostPort", PRIVILEGED),
    mapped("containerDefinitions[].portMappings[].protocol"),
    approximated(
        "containerDefinitions[].portMappings[].name",
        "It is called {port} in the Pod and {service port} in the Service; the annotation ecs-operator.dev/original-names keeps its own name.",
    )
    .of(Service)
    .when("Kubernetes cannot have it as it is", |field| {
        let name = port_name(field);
        object_names::container_port(&name) != name || service_port(field) != name
    }),
    approximated("containerDefinitions[].portMappings[].name", "It is called {port} in the Pod; the annotation ecs-operator.dev/original-names keeps its own name.")
        .of(Task)
        .when("Kubernetes cannot have it as it is", |field| {
            let name = port_name(field);
            object_names::container_port(&name) != name
        }),
    mapped("containerDefinitions[].portMappings[].name"),
    mapped("containerDefinitions[].portMappings[].appProtocol").of(Service),
    ignored(
        "containerDefinitions[].portMappings[].appProtocol",
        "Only a Service says what is spoken on a port, and a task by itself has none.",
    )
    .of(Task),
    mapped("containerDefinitions[].entryPoint"),
    mapped("containerDefinitions[].command"),
    mapped("containerDefinitions[].environment"),
    mapped("containerDefinitions[].environment[].name"),
    mapped("containerDefinitions[].environment[].value"),
    mapped("containerDefinitions[].environmentFiles"),
    approximated("containerDefinitions[].environmentFiles[].value", ENVIRONMENT_FILE),
    approximated("containerDefinitions[].environmentFiles[].type", NOT_FETCHED),
    mapped("containerDefinitions[].secrets"),
    mapped("containerDefinitions[].secrets[].name"),
    approximated("containerDefinitions[].secrets[].valueFrom", SAME_ENTRY)
        .when("an earlier field names another secret of this name", is_same_entry_of_another),
    approximated("containerDefinitions[].secrets[].valueFrom", SAME_SECRET)
        .when("an earlier field names another secret of this name, and another entry of it", is_same_secret_as_another),
    approximated(
        "containerDefinitions[].secrets[].valueFrom",
        "The value is that of the entry {entry} of the Secret {secret}, whatever the version, unless the EcsRole of executionRoleArn lists another one in its secrets. The Secret has to be there: kubectl -n {namespace} create secret generic {secret} {literals}",
    )
    .when("no earlier field names the secret", is_first_use),
    approximated(
        "containerDefinitions[].secrets[].valueFrom",
        "The value is that of the entry {entry} of the Secret {secret}, whatever the version, unless the EcsRole of executionRoleArn lists another one in its secrets. The Secret has to be there.",
    ),
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
    approximated("containerDefinitions[].linuxParameters.capabilities.add", PRIVILEGED).when("the Pod Security level baseline forbids one of them", goes_beyond_baseline),
    mapped("containerDefinitions[].linuxParameters.capabilities.add"),
    mapped("containerDefinitions[].linuxParameters.capabilities.drop"),
    approximated("containerDefinitions[].linuxParameters.devices", "The privileged container sees all devices of its node."),
    mapped("containerDefinitions[].linuxParameters.devices[].hostPath"),
    mapped("containerDefinitions[].linuxParameters.devices[].containerPath"),
    ignored(
        "containerDefinitions[].linuxParameters.devices[].permissions",
        "A privileged container may do everything with a device.",
    ),
    mapped("containerDefinitions[].linuxParameters.initProcessEnabled").when("it is false", |field| *field.value == false),
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
    mapped("containerDefinitions[].versionConsistency").when("it is disabled", |field| field.text() == "disabled"),
    approximated(
        "containerDefinitions[].versionConsistency",
        "Each node resolves the tag of an image when it pulls it: name a digest to run the same everywhere.",
    ),
    approximated("containerDefinitions[].hostname", "It is {hostname}, and holds for the whole task.")
        .when("it is no DNS label", |field| object_names::hostname(field.text()) != field.text()),
    approximated("containerDefinitions[].hostname", WHOLE_TASK),
    ignored("containerDefinitions[].user", "kubernetes.securityContext.runAsUser is used instead.")
        .when("beside kubernetes.securityContext.runAsUser", |field| {
            field.element()["kubernetes"]["securityContext"]["runAsUser"].is_number()
        }),
    mapped("containerDefinitions[].user"),
    mapped("containerDefinitions[].workingDirectory"),
    mapped("containerDefinitions[].disableNetworking"),
    approximated("containerDefinitions[].privileged", PRIVILEGED).when("it is true", |field| *field.value == true),
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
    approximated("containerDefinitions[].logConfiguration", OUTPUT).when("logDriver is json-file", |field| field.value["logDriver"] == "json-file"),
    ignored("containerDefinitions[].logConfiguration", OUTPUT),
    approximated("containerDefinitions[].logConfiguration.logDriver", "The files have the form of the node's container runtime.")
        .when("it is json-file", |field| field.text() == "json-file"),
    ignored("containerDefinitions[].logConfiguration.logDriver", OUTPUT),
    ignored("containerDefinitions[].logConfiguration.options", OUTPUT),
    ignored("containerDefinitions[].logConfiguration.secretOptions", OUTPUT),
    ignored("containerDefinitions[].logConfiguration.secretOptions[].name", OUTPUT),
    ignored("containerDefinitions[].logConfiguration.secretOptions[].valueFrom", OUTPUT),
    approximated(
        "containerDefinitions[].systemControls",
        "They hold for the whole task, and the kubelet and the Namespace (kubernetes.podSecurity of the EcsCluster) have to allow those that Kubernetes calls unsafe.",
    ),
    mapped("containerDefinitions[].systemControls[].namespace"),
    mapped("containerDefinitions[].systemControls[].value"),
    mapped("containerDefinitions[].resourceRequirements"),
    mapped("containerDefinitions[].resourceRequirements[].type"),
    mapped("containerDefinitions[].resourceRequirements[].value"),
    approximated("containerDefinitions[].resourceRequirements[].sharingStrategy", SHARED_GPU),
    mapped("containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps"),
    mapped("containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps.memory"),
    mapped("containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps.maxComputePercent"),
    approximated(
        "containerDefinitions[].firelensConfiguration",
        "The log router starts before the other containers and is stopped after them; their output does not flow to it.",
    ),
    ignored("containerDefinitions[].firelensConfiguration.type", ROUTER),
    ignored("containerDefinitions[].firelensConfiguration.options", ROUTER),
    approximated("containerDefinitions[].credentialSpecs", "It is the GMSACredentialSpec {credential spec} of the Kubernetes cluster, which has to be there."),
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

pub(super) fn is_first_use(field: &Field<'_>) -> bool {
    field.situation.secrets.of(&field.path).is_some_and(|of| of.is_first)
}

pub(super) fn is_same_entry_of_another(field: &Field<'_>) -> bool {
    namesake(field).is_some_and(|namesake| namesake.has_same_entry)
}

pub(super) fn is_same_secret_as_another(field: &Field<'_>) -> bool {
    namesake(field).is_some()
}

fn namesake<'a>(field: &Field<'a>) -> Option<&'a Namesake> {
    field.situation.secrets.of(&field.path).and_then(|of| of.namesake.as_ref())
}
