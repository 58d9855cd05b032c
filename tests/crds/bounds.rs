//! What the schemas take and refuse: a value inside and one outside of each bound.

use serde_json::{Value, json};

use crate::{
    connection::block_on,
    specs::{container, port, revision, rule, service, task},
    with_namespace, would_create,
};

/// A spec that is accepted, and one that is refused with words that name the field.
struct Bound {
    kind: &'static str,
    accepted: Vec<Value>,
    refused: Vec<(Value, &'static str)>,
}

fn task_definition_bounds() -> Bound {
    let long = "x".repeat(256);
    Bound {
        kind: "TaskDefinition",
        accepted: vec![
            json!({}),
            json!({"family": "Web_1-a", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"]}),
            json!({"cpu": 256, "memory": 512}),
            json!({"cpu": "256", "memory": "0.5 GB"}),
            json!({"family": null, "networkMode": null, "cpu": null, "memory": null, "requiresCompatibilities": null, "containerDefinitions": null}),
            json!({"containerDefinitions": [{"name": "image-comes-later"}]}),
            container("image", Value::Null),
            container("portMappings", Value::Null),
            container("environment", json!([{"name": "A", "value": null}, {"name": "A", "value": "twice"}])),
            container("memory", json!(6)),
            container("name", json!("x".repeat(255))),
            port(
                json!({"containerPort": 65535, "hostPort": 0, "protocol": "udp", "appProtocol": "grpc", "name": "a_b-1"}),
            ),
            container(
                "linuxParameters",
                json!({"capabilities": {"add": ["SYS_PTRACE"], "drop": null}, "tmpfs": null, "swappiness": 100, "maxSwap": 0}),
            ),
            container(
                "healthCheck",
                json!({"command": ["CMD", "true"], "interval": 300, "timeout": 60, "retries": 10, "startPeriod": null}),
            ),
            container("ulimits", json!([{"name": "nofile", "softLimit": 1, "hardLimit": 1}])),
            container("secrets", json!([{"name": "A", "valueFrom": "a"}, {"name": "B", "valueFrom": "a"}])),
            container("restartPolicy", json!({"enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60})),
            container(
                "logConfiguration",
                json!({"logDriver": "awslogs", "options": {"awslogs-group": "g"}, "secretOptions": null}),
            ),
            container("resourceRequirements", json!([{"type": "GPU", "value": "ALL"}])),
            json!({"volumes": [{"name": "v", "host": null, "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}}]}),
            json!({"pidMode": "task", "ipcMode": null, "ephemeralStorage": {"sizeInGiB": 21}, "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": null}}),
            json!({"kubernetes": {"revisionHistoryLimit": 0, "nodeSelector": {"disk": "ssd"}, "securityContext": {"fsGroup": 0}, "terminationGracePeriodSeconds": 86400}}),
            port(json!({"containerPort": 1, "hostPort": null, "protocol": null, "appProtocol": null, "name": null})),
        ],
        refused: vec![
            (json!({"family": "we b"}), "spec.family"),
            (json!({"family": ""}), "spec.family"),
            (json!({"family": long}), "spec.family"),
            (json!({"networkMode": "vpc"}), "spec.networkMode"),
            (json!({"requiresCompatibilities": ["LAMBDA"]}), "spec.requiresCompatibilities"),
            (json!({"cpu": 1.5}), "spec.cpu"),
            (json!({"containerDefinitions": [{"image": "nginx"}]}), "name"),
            (json!({"containerDefinitions": [{"name": "a"}, {"name": "a"}]}), "Duplicate value"),
            (json!({"containerDefinitons": []}), "unknown field \"spec.containerDefinitons\""),
            (container("imgae", json!("nginx")), "unknown field \"spec.containerDefinitions[0].imgae\""),
            (container("name", json!("a b")), "spec.containerDefinitions[0].name"),
            (container("name", json!("x".repeat(256))), "spec.containerDefinitions[0].name"),
            (container("cpu", json!(-1)), "spec.containerDefinitions[0].cpu"),
            (container("cpu", json!("256")), "spec.containerDefinitions[0].cpu"),
            (container("memory", json!(5)), "spec.containerDefinitions[0].memory"),
            (container("memoryReservation", json!(5)), "spec.containerDefinitions[0].memoryReservation"),
            (
                json!({"containerDefinitions": (0..11).map(|i| json!({"name": format!("c{i}")})).collect::<Vec<_>>()}),
                "spec.containerDefinitions",
            ),
            (container("healthCheck", json!({"interval": 30})), "healthCheck.command"),
            (container("healthCheck", json!({"command": ["CMD"], "interval": 4})), "healthCheck.interval"),
            (container("healthCheck", json!({"command": ["CMD"], "retries": 11})), "healthCheck.retries"),
            (container("healthCheck", json!({"command": "true"})), "healthCheck.command"),
            (container("stopTimeout", json!(1)), "stopTimeout"),
            (container("linuxParameters", json!({"swappiness": 101})), "swappiness"),
            (container("ulimits", json!([{"name": "files", "softLimit": 1, "hardLimit": 1}])), "ulimits[0].name"),
            (
                container(
                    "ulimits",
                    json!([{"name": "core", "softLimit": 1, "hardLimit": 1}, {"name": "core", "softLimit": 1, "hardLimit": 1}]),
                ),
                "Duplicate value",
            ),
            (
                container("secrets", json!([{"name": "A", "valueFrom": "a"}, {"name": "A", "valueFrom": "b"}])),
                "Duplicate value",
            ),
            (container("dependsOn", json!([{"containerName": "a", "condition": "STARTED"}])), "condition"),
            (container("logConfiguration", json!({"logDriver": "none"})), "logDriver"),
            (container("essential", json!("true")), "essential"),
            (container("restartPolicy", json!({"enabled": true, "restartAttemptPeriod": 59})), "restartAttemptPeriod"),
            (json!({"volumes": [{"host": {}}]}), "name"),
            (json!({"volumes": [{"name": "v"}, {"name": "v"}]}), "Duplicate value"),
            (json!({"ephemeralStorage": {"sizeInGiB": 20}}), "sizeInGiB"),
            (json!({"pidMode": "pod"}), "spec.pidMode"),
            (json!({"runtimePlatform": {"cpuArchitecture": "amd64"}}), "cpuArchitecture"),
            (json!({"kubernetes": {"revisionHistoryLimit": -1}}), "revisionHistoryLimit"),
            (port(json!({"containerPort": 0})), "containerPort"),
            (port(json!({"containerPort": 65536})), "containerPort"),
            (port(json!({"containerPort": 80, "hostPort": -1})), "hostPort"),
            (port(json!({"containerPort": 80, "hostPort": 65536})), "hostPort"),
            (port(json!({"containerPort": 80, "protocol": "sctp"})), "protocol"),
            (port(json!({"containerPort": 80, "appProtocol": "spdy"})), "appProtocol"),
            (port(json!({"containerPort": 80, "name": "Upper"})), "name"),
        ],
    }
}

fn service_bounds() -> Bound {
    let percent = |maximum: i32, minimum: i32| {
        service("deploymentConfiguration", json!({"maximumPercent": maximum, "minimumHealthyPercent": minimum}))
    };
    let awsvpc =
        |member: &str, value: Value| service("networkConfiguration", json!({"awsvpcConfiguration": {member: value}}));
    let deployments = |member: &str, value: Value| service("deploymentConfiguration", json!({member: value}));
    let breaker = |threshold: Value| {
        let breaker = json!({"enable": true, "rollback": true, "thresholdConfiguration": threshold});
        deployments("deploymentCircuitBreaker", breaker)
    };
    Bound {
        kind: "EcsService",
        accepted: vec![
            service("schedulingStrategy", json!("DAEMON")),
            service("healthCheckGracePeriodSeconds", json!(0)),
            service("healthCheckGracePeriodSeconds", json!(i32::MAX)),
            deployments("bakeTimeInMinutes", json!(1440)),
            deployments(
                "deploymentCircuitBreaker",
                json!({"enable": false, "rollback": false, "resetOnHealthyTask": null}),
            ),
            breaker(json!({"type": "COUNT", "value": 1})),
            deployments("strategy", json!("BLUE_GREEN")),
            deployments("alarms", json!({"alarmNames": ["a"], "enable": true, "rollback": true})),
            deployments(
                "earlySuccessCriteria",
                json!({"enable": true, "healthyPercent": 100, "sourceServiceRevisionCleanup": "DEFERRED"}),
            ),
            deployments(
                "lifecycleHooks",
                json!([{"hookTargetArn": "a", "roleArn": "b", "lifecycleStages": ["PRE_SCALE_UP"]}]),
            ),
            deployments("linearConfiguration", json!({"stepPercent": 3.5, "stepBakeTimeInMinutes": 6})),
            deployments("canaryConfiguration", json!({"canaryPercent": 0.1, "canaryBakeTimeInMinutes": 0})),
            service("desiredCount", json!(0)),
            service("schedulingStrategy", json!("REPLICA")),
            service("serviceName", json!("Web_1")),
            percent(100, 0),
            percent(10000, 100),
            awsvpc("assignPublicIp", json!("DISABLED")),
            awsvpc("assignPublicIp", Value::Null),
            awsvpc("securityGroups", Value::Null),
            awsvpc("securityGroups", json!(["a", "b", "c", "d", "e"])),
            service("kubernetes", json!({"minReadySeconds": 3600, "preStopSeconds": 120})),
            json!({"taskDefinition": "web", "cluster": null, "serviceName": null, "desiredCount": null, "schedulingStrategy": null,
                "networkConfiguration": null, "deploymentConfiguration": null, "forceNewDeployment": null, "kubernetes": null}),
        ],
        refused: vec![
            (json!({}), "taskDefinition"),
            (json!({"taskDefinition": null}), "taskDefinition"),
            (json!({"taskDefinition": ""}), "spec.taskDefinition"),
            (service("serviceName", json!("a.b")), "spec.serviceName"),
            (service("desiredCount", json!(-1)), "spec.desiredCount"),
            (service("schedulingStrategy", json!("DAEMONS")), "spec.schedulingStrategy"),
            (service("healthCheckGracePeriodSeconds", json!(-1)), "healthCheckGracePeriodSeconds"),
            (deployments("bakeTimeInMinutes", json!(1441)), "bakeTimeInMinutes"),
            (deployments("deploymentCircuitBreaker", json!({"enable": true})), "rollback"),
            (breaker(json!({"type": "COUNT", "value": 0})), "thresholdConfiguration.value"),
            (breaker(json!({"type": "PERCENT", "value": 1})), "thresholdConfiguration.type"),
            (breaker(json!({"value": 1})), "type"),
            (deployments("strategy", json!("RECREATE")), "strategy"),
            (deployments("earlySuccessCriteria", json!({"enable": true, "healthyPercent": 101})), "healthyPercent"),
            (deployments("linearConfiguration", json!({"stepPercent": 2})), "stepPercent"),
            (service("desiredcount", json!(1)), "unknown field \"spec.desiredcount\""),
            (service("forceNewDeployment", json!("x".repeat(256))), "spec.forceNewDeployment"),
            (percent(99, 50), "maximumPercent"),
            (percent(10001, 50), "maximumPercent"),
            (percent(200, 101), "minimumHealthyPercent"),
            (percent(200, -1), "minimumHealthyPercent"),
            (awsvpc("assignPublicIp", json!("YES")), "assignPublicIp"),
            (awsvpc("securityGroups", json!(["a", "b", "c", "d", "e", "f"])), "securityGroups"),
            (awsvpc("subnets", json!(vec!["s"; 17])), "subnets"),
            (service("kubernetes", json!({"minReadySeconds": 3601})), "minReadySeconds"),
            (service("kubernetes", json!({"preStopSeconds": 121})), "preStopSeconds"),
        ],
    }
}

fn task_bounds() -> Bound {
    let overrides = |container: Value| task("overrides", json!({"containerOverrides": [container]}));
    Bound {
        kind: "EcsTask",
        accepted: vec![
            json!({"taskDefinition": "web", "cluster": null, "count": null, "overrides": null, "group": null, "startedBy": null,
                "networkConfiguration": null, "desiredStatus": null, "reason": null, "tags": null, "kubernetes": null}),
            task("count", json!(1)),
            task("group", json!("g".repeat(255))),
            task("startedBy", json!("s".repeat(128))),
            task("reason", json!("r".repeat(255))),
            task("desiredStatus", json!("STOPPED")),
            task("kubernetes", json!({"ttlSecondsAfterStopped": 0})),
            overrides(
                json!({"name": "web", "command": ["a"], "environment": [{"name": "A", "value": ""}], "cpu": 256, "memory": 512}),
            ),
            task(
                "overrides",
                json!({"cpu": "256", "memory": 512, "taskRoleArn": "r", "ephemeralStorage": {"sizeInGiB": 21}}),
            ),
        ],
        refused: vec![
            (json!({}), "taskDefinition"),
            (task("count", json!(2)), "spec.count"),
            (task("count", json!(0)), "spec.count"),
            (task("group", json!("")), "spec.group"),
            (task("group", json!("g".repeat(256))), "spec.group"),
            (task("startedBy", json!("s".repeat(129))), "spec.startedBy"),
            (task("reason", json!("r".repeat(256))), "spec.reason"),
            (task("desiredStatus", json!("stopped")), "spec.desiredStatus"),
            (task("kubernetes", json!({"ttlSecondsAfterStopped": -1})), "ttlSecondsAfterStopped"),
            (task("overides", json!({})), "unknown field \"spec.overides\""),
            (overrides(json!({"name": "web", "image": "other"})), "unknown field"),
        ],
    }
}

fn target_group_bounds() -> Bound {
    let member = |member: &str, value: Value| json!({ member: value });
    Bound {
        kind: "EcsTargetGroup",
        accepted: vec![
            json!({}),
            json!({"name": null, "protocol": null, "matcher": null, "attributes": null, "kubernetes": null}),
            member("name", json!("Web-1")),
            json!({"protocol": "TCP_UDP", "port": 65535, "targetType": "ip", "vpcId": "vpc-1"}),
            json!({"healthCheckIntervalSeconds": 300, "healthCheckTimeoutSeconds": 120, "unhealthyThresholdCount": 10}),
            json!({"kubernetes": {"loadBalancer": "application", "gateway": {"name": "edge"}, "hostnames": ["a", "*.b"]}}),
            member("attributes", json!([{"key": "a", "value": null}, {"key": "b"}])),
        ],
        refused: vec![
            (member("name", json!("x".repeat(33))), "spec.name"),
            (member("name", json!("a-")), "spec.name"),
            (member("protocol", json!("GENEVE")), "spec.protocol"),
            (member("targetType", json!("lambda")), "spec.targetType"),
            (member("port", json!(0)), "spec.port"),
            (member("healthCheckIntervalSeconds", json!(4)), "spec.healthCheckIntervalSeconds"),
            (member("healthyThresholdCount", json!(1)), "spec.healthyThresholdCount"),
            (member("attributes", json!([{"key": "a"}, {"key": "a"}])), "spec.attributes[1]"),
            (member("kubernetes", json!({"loadBalancer": "classic"})), "spec.kubernetes.loadBalancer"),
            (member("kubernetes", json!({"path": "a"})), "spec.kubernetes.path"),
            (member("ipAddressType", json!("ipv4")), "unknown field \"spec.ipAddressType\""),
        ],
    }
}

fn other_bounds() -> [Bound; 3] {
    let cluster = |name: &str| json!({"kubernetes": {"namespace": name}});
    [
        Bound {
            kind: "EcsCluster",
            accepted: vec![
                json!({}),
                json!({"clusterName": null, "kubernetes": null}),
                json!({"clusterName": "Prod_1", "kubernetes": {"namespace": null, "podSecurity": null}}),
                json!({"kubernetes": {"podSecurity": "privileged"}}),
                json!({"kubernetes": {"stoppedTaskRetention": "90m"}}),
                cluster(&"x".repeat(63)),
            ],
            refused: vec![
                (json!({"clusterName": "a.b"}), "spec.clusterName"),
                (json!({"clusterName": ""}), "spec.clusterName"),
                (json!({"clustername": "a"}), "unknown field \"spec.clustername\""),
                (json!({"kubernetes": {"podSecurity": "Baseline"}}), "podSecurity"),
                (json!({"kubernetes": {"stoppedTaskRetention": "1w"}}), "stoppedTaskRetention"),
                (cluster("Upper"), "spec.kubernetes.namespace"),
                (cluster("-a"), "spec.kubernetes.namespace"),
                (cluster(&"x".repeat(64)), "spec.kubernetes.namespace"),
            ],
        },
        Bound {
            kind: "EcsSecurityGroup",
            accepted: vec![
                json!({}),
                json!({"description": null, "ingress": null, "egress": null}),
                json!({"ingress": [], "egress": []}),
                rule("toPort", json!(65535)),
                rule("ipProtocol", json!("-1")),
                // Refused by the operator, with a sentence.
                rule("ipProtocol", json!("icmp")),
                rule("prefixListId", json!("pl-1")),
                rule("cidrIp", Value::Null),
                json!({"ingress": vec![json!({"ipProtocol": "udp", "fromPort": 0}); 200]}),
            ],
            refused: vec![
                (rule("ipProtocol", json!("esp")), "ipProtocol"),
                (rule("ipProtocol", json!(-1)), "ipProtocol"),
                (json!({"ingress": [{"fromPort": 80}]}), "ipProtocol"),
                (rule("fromPort", json!(-2)), "fromPort"),
                (rule("toPort", json!(65536)), "toPort"),
                (rule("cidr", json!("10.0.0.0/8")), "unknown field \"spec.ingress[0].cidr\""),
                (json!({"description": "x".repeat(256)}), "spec.description"),
                (json!({"egress": vec![json!({"ipProtocol": "-1"}); 201]}), "spec.egress"),
            ],
        },
        Bound {
            kind: "TaskDefinitionRevision",
            accepted: vec![
                revision("revision", json!(1)),
                revision("revision", json!(2_147_483_647)),
                revision("state", json!("Inactive")),
            ],
            refused: vec![
                (revision("revision", json!(0)), "spec.revision"),
                (revision("revision", json!(2_147_483_648_i64)), "spec.revision"),
                (revision("state", json!("ACTIVE")), "spec.state"),
                (revision("family", json!("")), "spec.family"),
                (json!({"family": "web", "revision": 1, "state": "Active"}), "definition"),
            ],
        },
    ]
}

#[test]
fn every_bound_of_the_schemas_accepts_and_refuses() {
    block_on(with_namespace("bounds", async |client, namespace| {
        let mut wrong = Vec::new();
        let bounds = [task_definition_bounds(), service_bounds(), task_bounds(), target_group_bounds()];
        for bound in bounds.into_iter().chain(other_bounds()) {
            for spec in bound.accepted {
                if let Err(message) = would_create(&client, &namespace, bound.kind, &spec).await {
                    wrong.push(format!("{} {spec} was refused: {message}", bound.kind));
                }
            }
            for (spec, words) in bound.refused {
                match would_create(&client, &namespace, bound.kind, &spec).await {
                    Ok(()) => wrong.push(format!("{} {spec} was accepted", bound.kind)),
                    Err(message) if message.contains(words) => {}
                    Err(message) => wrong.push(format!("{} {spec}: {words} is not named in: {message}", bound.kind)),
                }
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }));
}
