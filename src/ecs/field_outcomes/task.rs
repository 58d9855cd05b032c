//! What becomes of each field of a task that somebody runs by itself. A member of RunTask that EcsTask does not have yet is
//! Refused: whoever builds it changes its row. Of what an override puts into the task definition the same is told as of the
//! member of the definition.

use super::{
    container_definition::{ENVIRONMENT_FILE, NOT_FETCHED, SHARED_GPU},
    row::{Row, approximated, ignored, mapped, refused},
    service::SUBNETS,
    task_definition::{EXECUTION_ROLE, STORAGE, TASK_ROLE},
};

const NODES: &str = "What a task runs on is not chosen by it yet: take it out. kubernetes.nodeSelector of the task definition chooses nodes.";
const TAGS: &str = "Only the tags of the EcsTask itself are kept: take it out.";
const RETENTION: &str = "ECS forgets a stopped task after about an hour; here an EcsTask stays until somebody deletes it, or for as long as this says.";
const KEPT: &str = "It stays in the EcsTask; nothing is listed by it.";

pub(super) const ROWS: &[Row] = &[
    mapped("cluster"),
    mapped("taskDefinition"),
    mapped("count"),
    mapped("overrides"),
    mapped("overrides.containerOverrides"),
    mapped("overrides.containerOverrides[].name"),
    mapped("overrides.containerOverrides[].command"),
    mapped("overrides.containerOverrides[].environment"),
    mapped("overrides.containerOverrides[].environment[].name"),
    mapped("overrides.containerOverrides[].environment[].value"),
    mapped("overrides.containerOverrides[].environmentFiles"),
    approximated("overrides.containerOverrides[].environmentFiles[].value", ENVIRONMENT_FILE),
    approximated("overrides.containerOverrides[].environmentFiles[].type", NOT_FETCHED),
    mapped("overrides.containerOverrides[].cpu"),
    mapped("overrides.containerOverrides[].memory"),
    mapped("overrides.containerOverrides[].memoryReservation"),
    mapped("overrides.containerOverrides[].resourceRequirements"),
    mapped("overrides.containerOverrides[].resourceRequirements[].type"),
    mapped("overrides.containerOverrides[].resourceRequirements[].value"),
    approximated("overrides.containerOverrides[].resourceRequirements[].sharingStrategy", SHARED_GPU),
    mapped("overrides.containerOverrides[].resourceRequirements[].sharingStrategy.nvidiaMps"),
    mapped("overrides.containerOverrides[].resourceRequirements[].sharingStrategy.nvidiaMps.memory"),
    mapped("overrides.containerOverrides[].resourceRequirements[].sharingStrategy.nvidiaMps.maxComputePercent"),
    mapped("overrides.cpu"),
    mapped("overrides.memory"),
    approximated("overrides.taskRoleArn", TASK_ROLE),
    approximated("overrides.executionRoleArn", EXECUTION_ROLE),
    approximated("overrides.ephemeralStorage", STORAGE),
    mapped("overrides.ephemeralStorage.sizeInGiB"),
    refused("overrides.inferenceAcceleratorOverrides", "Elastic Inference is retired: take it out."),
    mapped("group"),
    approximated("startedBy", KEPT),
    mapped("networkConfiguration"),
    mapped("networkConfiguration.awsvpcConfiguration"),
    approximated("networkConfiguration.awsvpcConfiguration.subnets", SUBNETS)
        .when("the cluster has subnets", |field| field.situation.cluster_has_subnets),
    ignored(
        "networkConfiguration.awsvpcConfiguration.subnets",
        "The cluster has no subnets (spec.subnets of the EcsCluster): the task runs on any node.",
    ),
    mapped("networkConfiguration.awsvpcConfiguration.securityGroups"),
    ignored(
        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        "Pods have no public addresses: the task reaches the internet as its node does.",
    ),
    mapped("desiredStatus"),
    approximated("reason", "It is told as stoppedReason of a task that desiredStatus stops, and has no effect before."),
    approximated("tags", "They stay in the EcsTask; its Pod does not carry them."),
    approximated("tags[].key", KEPT),
    approximated("tags[].value", KEPT),
    refused("launchType", NODES),
    refused("capacityProviderStrategy", NODES),
    refused("platformVersion", "There are no versions of Fargate here: take it out."),
    refused(
        "placementConstraints",
        "A task has no constraints of its own yet: write them into placementConstraints of the task definition.",
    ),
    refused("placementStrategy", "Tasks are placed by the scheduler of Kubernetes: take it out."),
    refused("propagateTags", TAGS),
    refused("enableECSManagedTags", TAGS),
    refused("enableExecuteCommand", "kubectl exec needs no switch: take it out."),
    refused("referenceId", "Nothing refers to it here: take it out."),
    refused("clientToken", "Applying an EcsTask twice runs no second task: take it out."),
    refused(
        "volumeConfigurations",
        "A task configures no volumes yet: say in kubernetes.volumes of the task definition what stands behind the volume.",
    ),
    approximated("kubernetes", RETENTION),
    approximated("kubernetes.ttlSecondsAfterStopped", RETENTION),
];
