//! What becomes of each field of a service. A member of CreateService that EcsService does not have yet is Refused: whoever
//! builds it changes its row.

use crate::ecs::{
    arn::last_segment,
    deployment_configuration::{ALARMS, LIFECYCLE_HOOKS, STRATEGY},
    service_connect, target_group,
};

use super::{
    field::Field,
    row::{Row, approximated, ignored, mapped, refused},
};

const NODES: &str = "What tasks run on is not chosen by it yet: take it out. kubernetes.nodeSelector of the task definition chooses nodes.";
const TAGS: &str = "Services have no tags yet: take it out, and label the EcsService in its metadata.";

const BREAKER: &str =
    "The operator counts the failed tasks: while it is away none is counted, and no deployment is rolled back.";
const EARLY_SUCCESS: &str = "It says when a deployment is completed. The Deployment starts the rest of its tasks all the same, and keeps as many healthy as minimumHealthyPercent wants.";
pub(super) const SUBNETS: &str = "They choose nodes, as spec.subnets of the EcsCluster said when the deployment was started, and not addresses. Over the zones of several, tasks are spread as evenly as the nodes allow.";
const ONE_READINESS: &str =
    "A task is ready or not: one that fails the check of one target group gets no traffic from the others either.";
const UNASKED: &str = "The container has a check of its own, or that of an earlier target group: that tells whether its tasks are healthy.";
const TWO_GROUPS: &str = "Deployments do not move traffic from one target group to another yet: take it out.";
const REGISTRY_ID: &str = "The ARN tells the id of the registry and not its name: the headless Service is called by that id. Write the name in place of the ARN.";
const REGISTRY: &str = "It becomes a headless Service of that name, and Cloud Map knows nothing of it: tasks are found at NAME.NAMESPACE.svc, and SRV records at _PORT._PROTOCOL below that.";
const NO_PROXY: &str = "There is no proxy: Kubernetes spreads connections over the tasks, and neither repeats requests nor counts them. In the tasks of a service that takes part, the names of the namespace are hosts with the addresses of Services.";
const NAMESPACE_ID: &str = "The ARN tells the id of the namespace and not its name: default names end with that id. Write the name in place of the ARN.";
const HOSTS: &str = "As in ECS, tasks know the names that were there when their deployment was started. A name belongs to one service, also with another port. Where a service is deleted its address is free until it is made again: should another Service get it, clients need a new deployment.";
const NO_LOGS: &str = "There is no proxy that would write logs.";
const OFF: &str = "It has no effect while it is not enabled.";

const DAEMON: &str = "It becomes a DaemonSet, which counts the nodes that its tasks may run on. Where Kubernetes refuses to make their Pods only the events of the DaemonSet tell.";

/// One that is switched off asks for nothing.
fn is_enabled(field: &Field<'_>) -> bool {
    field.value["enable"] == true
}

pub(super) const ROWS: &[Row] = &[
    mapped("cluster"),
    approximated(
        "serviceName",
        "It is the name in ARNs and events; objects of Kubernetes are named after the EcsService.",
    ),
    mapped("taskDefinition"),
    refused(
        "availabilityZoneRebalancing",
        "Running tasks are not moved from zone to zone: take it out. New ones are spread by Kubernetes.",
    ),
    approximated("loadBalancers", ONE_READINESS)
        .when("several", |field| field.value.as_array().is_some_and(|list| list.len() > 1)),
    mapped("loadBalancers"),
    approximated("loadBalancers[].targetGroupArn", UNASKED).when("another check tells of its health", |field| {
        let name = target_group::named_by(field.text());
        field.situation.unasked_target_groups.iter().any(|unasked| unasked == name)
    }),
    mapped("loadBalancers[].targetGroupArn"),
    refused(
        "loadBalancers[].loadBalancerName",
        "There are no Classic Load Balancers: make an EcsTargetGroup, and name it in targetGroupArn.",
    ),
    mapped("loadBalancers[].containerName"),
    mapped("loadBalancers[].containerPort"),
    refused("loadBalancers[].advancedConfiguration", TWO_GROUPS),
    mapped("serviceRegistries"),
    approximated("serviceRegistries[].registryArn", REGISTRY_ID)
        .when("it ends with an id of Cloud Map", |field| last_segment(field.text()).starts_with("srv-")),
    approximated("serviceRegistries[].registryArn", REGISTRY),
    mapped("serviceRegistries[].port"),
    mapped("serviceRegistries[].containerName"),
    mapped("serviceRegistries[].containerPort"),
    mapped("desiredCount"),
    refused("clientToken", "Applying an object twice makes no second service: take it out."),
    refused("launchType", NODES),
    refused("capacityProviderStrategy", NODES),
    refused("platformVersion", "There are no versions of Fargate here: take it out."),
    refused("role", "No role is needed to register tasks with a load balancer: take it out."),
    mapped("deploymentConfiguration"),
    approximated("deploymentConfiguration.deploymentCircuitBreaker", BREAKER),
    approximated("deploymentConfiguration.deploymentCircuitBreaker.enable", BREAKER),
    approximated("deploymentConfiguration.deploymentCircuitBreaker.rollback", BREAKER),
    approximated("deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask", BREAKER),
    approximated("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration", BREAKER),
    approximated("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.type", BREAKER),
    approximated("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.value", BREAKER),
    approximated(
        "deploymentConfiguration.maximumPercent",
        "Kubernetes does not count tasks that are being stopped: until they have ended more may live than it allows.",
    ),
    approximated(
        "deploymentConfiguration.minimumHealthyPercent",
        "When a service is scaled in during a deployment, and a healthy task ends in the same second, Kubernetes may take one too many. Until enough tasks are healthy more may be left than maximumPercent allows.",
    ),
    refused("deploymentConfiguration.alarms", ALARMS).when("they are enabled", is_enabled),
    ignored("deploymentConfiguration.alarms", OFF),
    ignored("deploymentConfiguration.alarms.alarmNames", OFF),
    ignored("deploymentConfiguration.alarms.rollback", OFF),
    ignored("deploymentConfiguration.alarms.enable", OFF),
    refused("deploymentConfiguration.strategy", STRATEGY).when("it is not ROLLING", |field| field.text() != "ROLLING"),
    mapped("deploymentConfiguration.strategy"),
    approximated(
        "deploymentConfiguration.bakeTimeInMinutes",
        "No alarm is looked at in that time: a deployment is completed once the service is steady after it.",
    ),
    refused("deploymentConfiguration.lifecycleHooks", LIFECYCLE_HOOKS),
    refused("deploymentConfiguration.linearConfiguration", STRATEGY),
    refused("deploymentConfiguration.linearConfiguration.stepPercent", STRATEGY),
    refused("deploymentConfiguration.linearConfiguration.stepBakeTimeInMinutes", STRATEGY),
    refused("deploymentConfiguration.canaryConfiguration", STRATEGY),
    refused("deploymentConfiguration.canaryConfiguration.canaryPercent", STRATEGY),
    refused("deploymentConfiguration.canaryConfiguration.canaryBakeTimeInMinutes", STRATEGY),
    approximated("deploymentConfiguration.earlySuccessCriteria", EARLY_SUCCESS).when("they are enabled", is_enabled),
    ignored("deploymentConfiguration.earlySuccessCriteria", OFF),
    approximated("deploymentConfiguration.earlySuccessCriteria.enable", EARLY_SUCCESS),
    approximated("deploymentConfiguration.earlySuccessCriteria.healthyPercent", EARLY_SUCCESS),
    approximated("deploymentConfiguration.earlySuccessCriteria.sourceServiceRevisionCleanup", EARLY_SUCCESS),
    refused(
        "placementConstraints",
        "A service has no constraints of its own yet: write them into placementConstraints of the task definition.",
    ),
    refused("placementStrategy", "Tasks are placed by the scheduler of Kubernetes, which spreads them: take it out."),
    mapped("networkConfiguration"),
    mapped("networkConfiguration.awsvpcConfiguration"),
    approximated("networkConfiguration.awsvpcConfiguration.subnets", SUBNETS)
        .when("the cluster has subnets", |field| field.situation.cluster_has_subnets),
    ignored(
        "networkConfiguration.awsvpcConfiguration.subnets",
        "The cluster has no subnets (spec.subnets of the EcsCluster): the tasks run on any node.",
    ),
    mapped("networkConfiguration.awsvpcConfiguration.securityGroups"),
    ignored(
        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        "Pods have no public addresses: put a Service of type LoadBalancer or a Gateway in front of the service.",
    ),
    approximated(
        "healthCheckGracePeriodSeconds",
        "A task that fails its health checks is not replaced in that time, and gets no traffic.",
    ),
    approximated("schedulingStrategy", DAEMON).when("it is DAEMON", |field| field.text() == "DAEMON"),
    mapped("schedulingStrategy"),
    refused(
        "deploymentController",
        "Deployments are those of ECS, by the operator, and there is no other controller: take it out.",
    ),
    refused("tags", TAGS),
    refused("enableECSManagedTags", TAGS),
    refused("propagateTags", TAGS),
    refused("enableExecuteCommand", "kubectl exec needs no switch: take it out."),
    approximated("serviceConnectConfiguration", NO_PROXY).when("it is enabled", |field| field.value["enabled"] == true),
    ignored("serviceConnectConfiguration", OFF),
    mapped("serviceConnectConfiguration.enabled"),
    approximated("serviceConnectConfiguration.namespace", NAMESPACE_ID)
        .when("it ends with an id of Cloud Map", |field| last_segment(field.text()).starts_with("ns-")),
    approximated("serviceConnectConfiguration.namespace", service_connect::NAMESPACE),
    mapped("serviceConnectConfiguration.services"),
    mapped("serviceConnectConfiguration.services[].portName"),
    mapped("serviceConnectConfiguration.services[].discoveryName"),
    mapped("serviceConnectConfiguration.services[].clientAliases"),
    mapped("serviceConnectConfiguration.services[].clientAliases[].port"),
    approximated("serviceConnectConfiguration.services[].clientAliases[].dnsName", HOSTS),
    ignored(
        "serviceConnectConfiguration.services[].clientAliases[].testTrafficRules",
        "Deployments are rolling: there is no test traffic.",
    ),
    ignored(
        "serviceConnectConfiguration.services[].ingressPortOverride",
        "There is no proxy that would listen on it: what clients send gets to the port of the container.",
    ),
    ignored(
        "serviceConnectConfiguration.services[].timeout",
        "There is no proxy that would end a request: client and server set their own limits.",
    ),
    refused("serviceConnectConfiguration.services[].tls", service_connect::TLS)
        .when("Service Connect is enabled", |field| field.document()["serviceConnectConfiguration"]["enabled"] == true),
    ignored("serviceConnectConfiguration.services[].tls", OFF),
    ignored("serviceConnectConfiguration.logConfiguration", NO_LOGS),
    ignored("serviceConnectConfiguration.accessLogConfiguration", NO_LOGS),
    ignored("serviceConnectConfiguration.containerConfigurations", "There is no container of a proxy."),
    refused(
        "volumeConfigurations",
        "A service configures no volumes yet: say in kubernetes.volumes of the task definition what stands behind the volume.",
    ),
    refused(
        "vpcLatticeConfigurations",
        "There is no VPC Lattice here: take it out, and point an HTTPRoute at the service.",
    ),
    refused(
        "gatewayConnectors",
        "There are no gateways of ECS here: take it out, and point an HTTPRoute at the service.",
    ),
    refused("monitoring", "Metrics are those of the Kubernetes cluster, in its own resolution: take it out."),
    approximated("forceNewDeployment", "It is a text instead of a switch: each new value starts one deployment."),
    mapped("kubernetes"),
    mapped("kubernetes.minReadySeconds"),
    mapped("kubernetes.preStopSeconds"),
];
