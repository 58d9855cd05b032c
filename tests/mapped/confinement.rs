//! Pairs for the fields of a container definition: what confines it, its health and order.

use serde_json::json;

use super::{Pair, around::*, pair};

pub(super) fn pairs() -> Vec<Pair> {
    [of_what_confines(), of_security_contexts(), of_health_and_order(), of_probes()].into_iter().flatten().collect()
}

fn of_what_confines() -> Vec<Pair> {
    vec![
        pair("containerDefinitions[].linuxParameters", none(), json!(null), json!({"sharedMemorySize": 64})),
        pair("containerDefinitions[].linuxParameters.capabilities", none(), json!(null), json!({"add": ["NET_ADMIN"]})),
        pair("containerDefinitions[].linuxParameters.capabilities.add", none(), json!(["CHOWN"]), json!(["KILL"])),
        pair("containerDefinitions[].linuxParameters.capabilities.drop", none(), json!(["NET_RAW"]), json!(["ALL"])),
        pair("containerDefinitions[].linuxParameters.initProcessEnabled", none(), json!(false), json!(true)),
        pair(
            "containerDefinitions[].linuxParameters.devices[].hostPath",
            a(
                &json!({"privileged": true, "linuxParameters": {"devices": [{"hostPath": "/dev/fuse", "containerPath": "/dev/one"}]}}),
            ),
            json!("/dev/fuse"),
            json!("/dev/sda"),
        ),
        pair(
            "containerDefinitions[].linuxParameters.devices[].containerPath",
            a(&json!({"privileged": true, "linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}]}})),
            json!(null),
            json!("/dev/one"),
        ),
        pair("containerDefinitions[].privileged", none(), json!(false), json!(true)),
        pair("containerDefinitions[].readonlyRootFilesystem", none(), json!(false), json!(true)),
        pair(
            "containerDefinitions[].dockerSecurityOptions",
            none(),
            json!(["no-new-privileges"]),
            json!(["apparmor:profile"]),
        ),
        pair(
            "containerDefinitions[].systemControls[].namespace",
            a(&json!({"systemControls": [{"namespace": "net.core.somaxconn", "value": "1"}]})),
            json!("net.core.somaxconn"),
            json!("net.ipv4.tcp_syncookies"),
        ),
        pair(
            "containerDefinitions[].systemControls[].value",
            a(&json!({"systemControls": [{"namespace": "net.core.somaxconn", "value": "1"}]})),
            json!("1"),
            json!("2"),
        ),
        pair(
            "containerDefinitions[].resourceRequirements",
            none(),
            json!(null),
            json!([{"type": "GPU", "value": "1"}]),
        ),
        pair(
            "containerDefinitions[].resourceRequirements[].type",
            a(&json!({"resourceRequirements": [{"type": "GPU", "value": "1"}]})),
            json!("GPU"),
            json!("NeuronDevice"),
        ),
        pair(
            "containerDefinitions[].resourceRequirements[].value",
            a(&json!({"resourceRequirements": [{"type": "GPU", "value": "1"}]})),
            json!("1"),
            json!("2"),
        ),
        pair(
            "containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps",
            a(&json!({"resourceRequirements": [{"type": "GPU"}]})),
            json!({"memory": 1}),
            json!(null),
        ),
        pair(
            "containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps.memory",
            a(&json!({"resourceRequirements": [{"type": "GPU"}]})),
            json!(1),
            json!(2),
        ),
        pair(
            "containerDefinitions[].resourceRequirements[].sharingStrategy.nvidiaMps.maxComputePercent",
            a(&json!({"resourceRequirements": [{"type": "GPU", "sharingStrategy": {"nvidiaMps": {"memory": 1}}}]})),
            json!(null),
            json!(50),
        ),
    ]
}

fn of_security_contexts() -> Vec<Pair> {
    vec![
        pair("containerDefinitions[].kubernetes.securityContext", none(), json!(null), json!({"runAsUser": 1})),
        pair("containerDefinitions[].kubernetes.securityContext.runAsUser", none(), json!(1), json!(2)),
        pair("containerDefinitions[].kubernetes.securityContext.runAsGroup", none(), json!(1), json!(2)),
        pair("containerDefinitions[].kubernetes.securityContext.runAsNonRoot", none(), json!(null), json!(true)),
        pair(
            "containerDefinitions[].kubernetes.securityContext.allowPrivilegeEscalation",
            none(),
            json!(null),
            json!(false),
        ),
        pair(
            "containerDefinitions[].kubernetes.securityContext.seccompProfile",
            none(),
            json!(null),
            json!({"type": "RuntimeDefault"}),
        ),
        pair(
            "containerDefinitions[].kubernetes.securityContext.seccompProfile.type",
            none(),
            json!("RuntimeDefault"),
            json!("Unconfined"),
        ),
        pair(
            "containerDefinitions[].kubernetes.securityContext.seccompProfile.localhostProfile",
            a(
                &json!({"kubernetes": {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "one"}}}}),
            ),
            json!("one"),
            json!("two"),
        ),
    ]
}

fn of_health_and_order() -> Vec<Pair> {
    let policy = json!({"enabled": true, "ignoredExitCodes": [1]});
    vec![
        pair("containerDefinitions[].essential", others(), json!(false), json!(true)),
        pair("containerDefinitions[].restartPolicy", none(), json!(null), policy.clone()),
        pair(
            "containerDefinitions[].restartPolicy.enabled",
            a(&json!({"restartPolicy": policy})),
            json!(false),
            json!(true),
        ),
        pair(
            "containerDefinitions[].restartPolicy.ignoredExitCodes",
            a(&json!({"restartPolicy": policy})),
            json!([1]),
            json!([2]),
        ),
        pair("containerDefinitions[].stopTimeout", none(), json!(10), json!(20)),
        pair(
            "containerDefinitions[].dependsOn",
            others(),
            json!(null),
            json!([{"containerName": "b", "condition": "START"}]),
        ),
        pair(
            "containerDefinitions[].dependsOn[].containerName",
            with(others(), &json!({"dependsOn": [{"containerName": "b", "condition": "START"}]})),
            json!("b"),
            json!("c"),
        ),
        pair(
            "containerDefinitions[].healthCheck.command",
            none(),
            json!(["CMD", "true"]),
            json!(["CMD-SHELL", "true"]),
        ),
        pair(
            "containerDefinitions[].healthCheck.interval",
            a(&json!({"healthCheck": {"command": ["CMD", "true"]}})),
            json!(10),
            json!(20),
        ),
        pair(
            "containerDefinitions[].healthCheck.timeout",
            a(&json!({"healthCheck": {"command": ["CMD", "true"]}})),
            json!(10),
            json!(20),
        ),
        pair(
            "containerDefinitions[].healthCheck.retries",
            a(&json!({"healthCheck": {"command": ["CMD", "true"]}})),
            json!(2),
            json!(3),
        ),
        pair(
            "containerDefinitions[].healthCheck.startPeriod",
            with(waiting("HEALTHY"), &json!({"healthCheck": {"command": ["CMD", "true"]}})),
            json!(0),
            json!(60),
        ),
    ]
}

fn of_probes() -> Vec<Pair> {
    vec![
        pair(
            "containerDefinitions[].kubernetes.readinessProbe",
            none(),
            json!(null),
            json!({"tcpSocket": {"port": 80}}),
        ),
        pair(
            "containerDefinitions[].kubernetes.readinessProbe.exec",
            none(),
            json!({"command": ["true"]}),
            json!(null),
        ),
        pair(
            "containerDefinitions[].kubernetes.readinessProbe.exec.command",
            none(),
            json!(["true"]),
            json!(["false"]),
        ),
        pair("containerDefinitions[].kubernetes.readinessProbe.httpGet", none(), json!({"port": 80}), json!(null)),
        pair("containerDefinitions[].kubernetes.readinessProbe.httpGet.port", none(), json!(80), json!(81)),
        pair(
            "containerDefinitions[].kubernetes.readinessProbe.httpGet.path",
            a(&json!({"kubernetes": {"readinessProbe": {"httpGet": {"port": 80}}}})),
            json!("/one"),
            json!("/two"),
        ),
        pair(
            "containerDefinitions[].kubernetes.readinessProbe.httpGet.scheme",
            a(&json!({"kubernetes": {"readinessProbe": {"httpGet": {"port": 80}}}})),
            json!("HTTP"),
            json!("HTTPS"),
        ),
        pair("containerDefinitions[].kubernetes.readinessProbe.tcpSocket", none(), json!({"port": 80}), json!(null)),
        pair("containerDefinitions[].kubernetes.readinessProbe.tcpSocket.port", none(), json!(80), json!(81)),
        pair("containerDefinitions[].kubernetes.readinessProbe.grpc", none(), json!({"port": 80}), json!(null)),
        pair("containerDefinitions[].kubernetes.readinessProbe.grpc.port", none(), json!(80), json!(81)),
        pair(
            "containerDefinitions[].kubernetes.readinessProbe.grpc.service",
            a(&json!({"kubernetes": {"readinessProbe": {"grpc": {"port": 80}}}})),
            json!("one"),
            json!("two"),
        ),
        pair("containerDefinitions[].kubernetes.readinessProbe.initialDelaySeconds", a(&probe()), json!(1), json!(2)),
        pair("containerDefinitions[].kubernetes.readinessProbe.periodSeconds", a(&probe()), json!(1), json!(2)),
        pair("containerDefinitions[].kubernetes.readinessProbe.timeoutSeconds", a(&probe()), json!(1), json!(2)),
        pair("containerDefinitions[].kubernetes.readinessProbe.successThreshold", a(&probe()), json!(1), json!(2)),
        pair("containerDefinitions[].kubernetes.readinessProbe.failureThreshold", a(&probe()), json!(1), json!(2)),
    ]
}
