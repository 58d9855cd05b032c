//! What becomes of each field of a task definition, its containers apart.

use serde_json::Value;

use crate::ecs::object_names;

use super::{
    field::Field,
    row::{PRIVILEGED, Row, approximated, ignored, mapped, refused},
};

const REPLACED: &str = "kubernetes.volumes says what stands behind the volume.";
const CLAIM: &str = "It is the PersistentVolumeClaim {claim} of the Namespace, which has to be there; kubernetes.volumes can name another one.";
const DRIVER: &str = "What the driver of the PersistentVolume does.";

pub(super) const TASK_ROLE: &str = "The containers run as the ServiceAccount {service account}, that of the EcsRole of this name in the Namespace. It brings no credentials of AWS by itself: the annotations of the EcsRole can.";
pub(super) const EXECUTION_ROLE: &str = "The kubelet pulls images and reads Secrets: with the imagePullSecrets of the EcsRole of this name in the Namespace, and those Secrets that its ServiceAccount {service account} may get.";
pub(super) const STORAGE: &str = "A task that fills more is evicted.";

pub(super) const ROWS: &[Row] = &[
    approximated("family", "It is called {family} in Kubernetes; the annotation ecs-operator.dev/task-definition keeps its own name.")
        .when("it is no DNS label", |field| object_names::label_value(field.text()) != field.text()),
    mapped("family"),
    approximated("taskRoleArn", TASK_ROLE),
    approximated("executionRoleArn", EXECUTION_ROLE),
    approximated("networkMode", "NetworkPolicies do not act in the node's network: no security group holds for these tasks. The Namespace has to allow them: set kubernetes.podSecurity of the EcsCluster to privileged.")
        .when("it is host", |field| field.text() == "host"),
    approximated("networkMode", "The containers of a task share one network and its ports.").when("it is bridge", |field| field.text() == "bridge"),
    approximated("networkMode", "The task has an address, and a NetworkPolicy that lets nothing in or out.")
        .when("it is none", |field| field.text() == "none"),
    mapped("networkMode"),
    mapped("containerDefinitions"),
    mapped("volumes"),
    approximated("volumes[].name", "It is called {volume} in the Pod; the annotation ecs-operator.dev/original-names keeps its own name.")
        .when("it is no DNS label", |field| object_names::volume(field.text()) != field.text()),
    mapped("volumes[].name"),
    mapped("volumes[].host"),
    ignored("volumes[].host.sourcePath", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    approximated("volumes[].host.sourcePath", PRIVILEGED),
    mapped("volumes[].dockerVolumeConfiguration"),
    ignored("volumes[].dockerVolumeConfiguration.scope", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    approximated(
        "volumes[].dockerVolumeConfiguration.scope",
        "It is a folder of the node: /var/lib/ecs-operator/volumes/{folder}. The Namespace's Pod Security level may refuse it.",
    )
    .when("it is shared", |field| field.text() == "shared"),
    mapped("volumes[].dockerVolumeConfiguration.scope"),
    ignored("volumes[].dockerVolumeConfiguration.autoprovision", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    ignored("volumes[].dockerVolumeConfiguration.autoprovision", "A volume that lives as long as its task is always made.")
        .when("scope is not shared", |field| field.parent()["scope"] != "shared"),
    mapped("volumes[].dockerVolumeConfiguration.autoprovision"),
    ignored("volumes[].dockerVolumeConfiguration.driver", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    mapped("volumes[].dockerVolumeConfiguration.driver"),
    ignored("volumes[].dockerVolumeConfiguration.driverOpts", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    refused(
        "volumes[].dockerVolumeConfiguration.driverOpts",
        "Options of a volume driver do not exist in Kubernetes: say in kubernetes.volumes what stands behind the volume.",
    ),
    ignored("volumes[].dockerVolumeConfiguration.labels", "Volumes of a Pod have no labels."),
    mapped("volumes[].efsVolumeConfiguration"),
    ignored("volumes[].efsVolumeConfiguration.fileSystemId", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    ignored("volumes[].efsVolumeConfiguration.fileSystemId", "The access point names the PersistentVolumeClaim.")
        .when("beside accessPointId", |field| field.parent()["authorizationConfig"]["accessPointId"].is_string()),
    approximated("volumes[].efsVolumeConfiguration.fileSystemId", CLAIM),
    mapped("volumes[].efsVolumeConfiguration.rootDirectory"),
    ignored("volumes[].efsVolumeConfiguration.transitEncryption", DRIVER),
    ignored("volumes[].efsVolumeConfiguration.transitEncryptionPort", DRIVER),
    mapped("volumes[].efsVolumeConfiguration.authorizationConfig"),
    ignored("volumes[].efsVolumeConfiguration.authorizationConfig.accessPointId", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    approximated("volumes[].efsVolumeConfiguration.authorizationConfig.accessPointId", CLAIM),
    ignored("volumes[].efsVolumeConfiguration.authorizationConfig.iam", DRIVER),
    mapped("volumes[].s3filesVolumeConfiguration"),
    ignored("volumes[].s3filesVolumeConfiguration.fileSystemArn", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    ignored("volumes[].s3filesVolumeConfiguration.fileSystemArn", "The access point names the PersistentVolumeClaim.")
        .when("beside accessPointArn", |field| field.parent()["accessPointArn"].is_string()),
    approximated("volumes[].s3filesVolumeConfiguration.fileSystemArn", CLAIM),
    mapped("volumes[].s3filesVolumeConfiguration.rootDirectory"),
    ignored("volumes[].s3filesVolumeConfiguration.transitEncryptionPort", DRIVER),
    ignored("volumes[].s3filesVolumeConfiguration.accessPointArn", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    approximated("volumes[].s3filesVolumeConfiguration.accessPointArn", CLAIM),
    mapped("volumes[].fsxWindowsFileServerVolumeConfiguration"),
    ignored("volumes[].fsxWindowsFileServerVolumeConfiguration.fileSystemId", REPLACED).when("kubernetes.volumes has the volume", is_replaced),
    approximated("volumes[].fsxWindowsFileServerVolumeConfiguration.fileSystemId", CLAIM),
    mapped("volumes[].fsxWindowsFileServerVolumeConfiguration.rootDirectory"),
    ignored("volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig", DRIVER),
    ignored("volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.credentialsParameter", DRIVER),
    ignored("volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.domain", DRIVER),
    approximated("volumes[].configuredAtLaunch", REPLACED),
    mapped("placementConstraints"),
    mapped("placementConstraints[].type"),
    approximated(
        "placementConstraints[].expression",
        "Kubernetes looks at the groups of running tasks when it places one, and a group that this task keeps away from keeps away from it as well.",
    )
    .when("it asks for task:group", |field| field.text().contains("task:group")),
    mapped("placementConstraints[].expression"),
    approximated(
        "requiresCompatibilities",
        "Its rules are checked when the task definition is registered. FARGATE alone also asks for amd64, unless runtimePlatform says otherwise; which nodes tasks run on is not chosen by it.",
    ),
    approximated("cpu", "A Pod on Windows has no size of its own: each container may use this much.").when("the task runs on Windows", on_windows),
    mapped("cpu"),
    approximated("memory", "A Pod on Windows has no size of its own: each container without one may use this much.").when("the task runs on Windows", on_windows),
    mapped("memory"),
    approximated("tags", "They are kept with the revision; Pods do not carry them."),
    approximated("tags[].key", "It is kept with the revision."),
    approximated("tags[].value", "It is kept with the revision."),
    approximated("pidMode", PRIVILEGED).when("it is host", |field| field.text() == "host"),
    mapped("pidMode"),
    approximated("ipcMode", "The containers of a Pod share their memory.").when("it is none", |field| field.text() == "none"),
    approximated("ipcMode", PRIVILEGED).when("it is host", |field| field.text() == "host"),
    mapped("ipcMode"),
    ignored("proxyConfiguration", "App Mesh is retired: the container runs, and no traffic is redirected to it."),
    ignored("proxyConfiguration.type", "No traffic is redirected."),
    ignored("proxyConfiguration.containerName", "No traffic is redirected."),
    ignored("proxyConfiguration.properties", "No traffic is redirected."),
    ignored("proxyConfiguration.properties[].name", "No traffic is redirected."),
    ignored("proxyConfiguration.properties[].value", "No traffic is redirected."),
    refused("inferenceAccelerators", "Elastic Inference is retired: remove it."),
    refused("inferenceAccelerators[].deviceName", "Elastic Inference is retired: remove it."),
    refused("inferenceAccelerators[].deviceType", "Elastic Inference is retired: remove it."),
    approximated("ephemeralStorage", STORAGE),
    mapped("ephemeralStorage.sizeInGiB"),
    mapped("runtimePlatform"),
    ignored("runtimePlatform.cpuArchitecture", "kubernetes.nodeSelector names the architecture.")
        .when("kubernetes.nodeSelector has kubernetes.io/arch", |field| field.document()["kubernetes"]["nodeSelector"]["kubernetes.io/arch"].is_string()),
    mapped("runtimePlatform.cpuArchitecture"),
    approximated("runtimePlatform.operatingSystemFamily", "Kubernetes does not tell Full and Core apart.").when("the task runs on Windows", on_windows),
    mapped("runtimePlatform.operatingSystemFamily"),
    mapped("enableFaultInjection").when("it is false", |field| *field.value == false),
    ignored("enableFaultInjection", "Faults are injected by other means: remove it."),
    mapped("trustedExecutionConfiguration"),
    approximated("trustedExecutionConfiguration.isolationMode", "What kubernetes.runtimeClassName names keeps the tasks apart.")
        .when("it is not SHARED", |field| field.text() != "SHARED"),
    mapped("trustedExecutionConfiguration.isolationMode"),
    ignored("trustedExecutionConfiguration.attestationPolicy", "Nothing asks for it: the RuntimeClass has its own."),
    mapped("kubernetes"),
    mapped("kubernetes.terminationGracePeriodSeconds"),
    approximated("kubernetes.revisionHistoryLimit", "It holds for the family, and registers no revision."),
    mapped("kubernetes.nodeSelector"),
    mapped("kubernetes.runtimeClassName"),
    mapped("kubernetes.securityContext"),
    mapped("kubernetes.securityContext.fsGroup"),
    mapped("kubernetes.securityContext.supplementalGroups"),
    mapped("kubernetes.securityContext.runAsNonRoot"),
    mapped("kubernetes.securityContext.seccompProfile"),
    mapped("kubernetes.securityContext.seccompProfile.type"),
    mapped("kubernetes.securityContext.seccompProfile.localhostProfile"),
    mapped("kubernetes.volumes"),
    mapped("kubernetes.volumes[].name"),
    mapped("kubernetes.volumes[].persistentVolumeClaim"),
    mapped("kubernetes.volumes[].persistentVolumeClaim.claimName"),
    mapped("kubernetes.volumes[].persistentVolumeClaim.readOnly"),
    mapped("kubernetes.volumes[].ephemeral"),
    mapped("kubernetes.volumes[].ephemeral.sizeInGib"),
    mapped("kubernetes.volumes[].ephemeral.storageClassName"),
    mapped("kubernetes.volumes[].nfs"),
    mapped("kubernetes.volumes[].nfs.server"),
    mapped("kubernetes.volumes[].nfs.path"),
];

/// Whether `kubernetes.volumes` has an entry for the volume that the field is in.
fn is_replaced(field: &Field<'_>) -> bool {
    let name = &field.element()["name"];
    let entries = field.document()["kubernetes"]["volumes"].as_array();
    entries.is_some_and(|entries| entries.iter().any(|entry| entry["name"] == *name))
}

fn on_windows(field: &Field<'_>) -> bool {
    let family: &Value = &field.document()["runtimePlatform"]["operatingSystemFamily"];
    family.as_str().is_some_and(|family| family.starts_with("WINDOWS"))
}
