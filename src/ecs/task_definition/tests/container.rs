//! Rules of one container and its ports.

use super::*;

#[test]
fn rules_of_one_container() {
    let check = |members: Value| {
        let mut check = json!({"command": ["CMD", "true"]});
        check.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        container(json!({"healthCheck": check}))
    };
    for (rule, path, document) in [
        ("TD06", "name", container(json!({"name": "a b"}))),
        ("TD08", "image", container(json!({"image": null}))),
        ("TD08", "image", container(json!({"image": ":latest"}))),
        ("TD08", "image", container(json!({"image": "i@sha256:12"}))),
        ("TD10", "memory", container(json!({"memory": null}))),
        ("TD11", "memory", container(json!({"memoryReservation": 65}))),
        ("TD06", "name", container(json!({"name": ""}))),
        ("TD06", "name", container(json!({"name": "x".repeat(256)}))),
        ("TD14", "memory", container(json!({"memory": 5}))),
        ("TD14", "memory", container(json!({"memory": 0}))),
        ("TD14", "memoryReservation", container(json!({"memoryReservation": 5}))),
        ("TD26", "healthCheck.interval", check(json!({"interval": 301}))),
        ("TD26", "healthCheck.timeout", check(json!({"timeout": 1}))),
        ("TD26", "healthCheck.retries", check(json!({"retries": 11}))),
        ("TD26", "healthCheck.startPeriod", check(json!({"startPeriod": -1}))),
        (
            "TD27",
            "restartPolicy.restartAttemptPeriod",
            container(json!({"restartPolicy": {"enabled": true, "restartAttemptPeriod": 1801}})),
        ),
        (
            "TD34",
            "secrets[1].name",
            container(json!({"secrets": [{"name": "A", "valueFrom": "s"}, {"name": "A", "valueFrom": "t"}]})),
        ),
        (
            "TD35",
            "logConfiguration.options",
            container(
                json!({"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r", "awslogs-groop": "g"}}}),
            ),
        ),
        (
            "TD39",
            "ulimits[1].name",
            container(
                json!({"ulimits": [{"name": "core", "softLimit": 1, "hardLimit": 1}, {"name": "core", "softLimit": 1, "hardLimit": 1}]}),
            ),
        ),
        (
            "TD40",
            "linuxParameters.swappiness",
            container(json!({"linuxParameters": {"swappiness": 101, "maxSwap": 1}})),
        ),
        ("TD40", "linuxParameters.maxSwap", container(json!({"linuxParameters": {"maxSwap": -1}}))),
        (
            "TD42",
            "resourceRequirements[0]",
            container(json!({"resourceRequirements": [{"type": "GPU", "value": "1", "sharingStrategy": {}}]})),
        ),
        (
            "TD42",
            "resourceRequirements[0].sharingStrategy.nvidiaMps.maxComputePercent",
            container(
                json!({"resourceRequirements": [{"type": "GPU", "sharingStrategy": {"nvidiaMps": {"memory": 1, "maxComputePercent": 101}}}]}),
            ),
        ),
        (
            "TD42",
            "resourceRequirements[0].sharingStrategy.nvidiaMps.memory",
            container(
                json!({"resourceRequirements": [{"type": "GPU", "sharingStrategy": {"nvidiaMps": {"memory": 0}}}]}),
            ),
        ),
        ("OP17", "kubernetes.files[0].path", container(json!({"kubernetes": {"files": [{"path": "/", "text": ""}]}}))),
        (
            "OP17",
            "kubernetes.files[0].path",
            container(json!({"kubernetes": {"files": [{"path": "C:\\a", "text": ""}]}})),
        ),
        ("TD14", "cpu", container(json!({"cpu": -1}))),
        ("TD25", "startTimeout", container(json!({"startTimeout": 1}))),
        ("TD25", "stopTimeout", container(json!({"stopTimeout": 1}))),
        ("TD26", "healthCheck.command", check(json!({"command": []}))),
        ("TD26", "healthCheck.command", check(json!({"command": ["CMD-SHELL"]}))),
        ("TD26", "healthCheck.interval", check(json!({"interval": 4}))),
        ("TD26", "healthCheck.timeout", check(json!({"timeout": 61}))),
        ("TD26", "healthCheck.retries", check(json!({"retries": 0}))),
        ("TD26", "healthCheck.startPeriod", check(json!({"startPeriod": 301}))),
        (
            "TD27",
            "restartPolicy.restartAttemptPeriod",
            container(json!({"restartPolicy": {"enabled": true, "restartAttemptPeriod": 59}})),
        ),
        (
            "TD27",
            "restartPolicy.ignoredExitCodes",
            container(json!({"restartPolicy": {"enabled": true, "ignoredExitCodes": vec![1; 51]}})),
        ),
        (
            "TD32",
            "environmentFiles",
            container(json!({"environmentFiles": vec![json!({"type": "s3", "value": "arn:aws:s3:::b/k.env"}); 11]})),
        ),
        (
            "TD32",
            "environmentFiles[0].value",
            container(json!({"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/k.txt"}]})),
        ),
        ("TD33", "secrets", container(json!({"secrets": [{"name": "A", "valueFrom": "s"}]}))),
        (
            "TD34",
            "secrets[0].name",
            container(json!({"environment": [{"name": "A"}], "secrets": [{"name": "A", "valueFrom": "s"}]})),
        ),
        ("TD34", "secrets[0].valueFrom", container(json!({"secrets": [{"name": "A", "valueFrom": "arn:aws:s3:::b"}]}))),
        (
            "TD35",
            "logConfiguration.options",
            container(json!({"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}})),
        ),
        ("TD36", "logConfiguration.logDriver", container(json!({"logConfiguration": {"logDriver": "awsfirelens"}}))),
        (
            "TD39",
            "ulimits[0].softLimit",
            container(json!({"ulimits": [{"name": "nofile", "softLimit": 2, "hardLimit": 1}]})),
        ),
        ("TD40", "linuxParameters.swappiness", container(json!({"linuxParameters": {"swappiness": 60}}))),
        (
            "TD40",
            "linuxParameters.capabilities.add[0]",
            container(json!({"linuxParameters": {"capabilities": {"add": ["CAP_NET_ADMIN"]}}})),
        ),
        (
            "TD40",
            "linuxParameters.tmpfs[0].size",
            container(json!({"linuxParameters": {"tmpfs": [{"containerPath": "/t", "size": 0}]}})),
        ),
        (
            "TD42",
            "resourceRequirements[0].value",
            container(json!({"resourceRequirements": [{"type": "GPU", "value": "0"}]})),
        ),
        (
            "TD42",
            "resourceRequirements[0]",
            container(
                json!({"resourceRequirements": [{"type": "GPU", "value": "1", "sharingStrategy": {"nvidiaMps": {"memory": 1}}}]}),
            ),
        ),
        ("OP03", "user", container(json!({"user": "nginx"}))),
        (
            "OP04",
            "resourceRequirements[0].value",
            container(json!({"resourceRequirements": [{"type": "GPU", "value": "ALL"}]})),
        ),
        (
            "OP04",
            "resourceRequirements[0].type",
            container(json!({"resourceRequirements": [{"type": "InferenceAccelerator", "value": "d"}]})),
        ),
        (
            "OP04",
            "linuxParameters.devices",
            container(json!({"linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}]}})),
        ),
        ("OP04", "disableNetworking", container(json!({"disableNetworking": true}))),
        ("OP04", "dockerSecurityOptions[0]", container(json!({"dockerSecurityOptions": ["seccomp:x"]}))),
        ("OP04", "credentialSpecs", container(json!({"credentialSpecs": ["credentialspec:arn:aws:s3:::b/k"]}))),
        ("OP12", "environment[0].name", container(json!({"environment": [{"name": "A=B"}]}))),
        ("OP16", "privileged", container(json!({"privileged": true, "dockerSecurityOptions": ["no-new-privileges"]}))),
        ("TD08", "image", container(json!({"image": "nginx:${VERSION}"}))),
        (
            "OP17",
            "kubernetes.securityContext.seccompProfile.localhostProfile",
            container(
                json!({"kubernetes": {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "a/../../b"}}}}),
            ),
        ),
        ("OP17", "kubernetes.files[0]", container(json!({"kubernetes": {"files": [{"path": "/a"}]}}))),
    ] {
        assert_broken(rule, &format!("{C}[].{path}"), document);
    }
    assert_accepted(container(json!({
        "user": "root:0", "startTimeout": 2, "stopTimeout": 600, "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": -1}],
        "healthCheck": {"command": ["curl", "-f", "http://localhost/"], "interval": 5, "startPeriod": 300},
        "restartPolicy": {"enabled": true, "ignoredExitCodes": [0, 143], "restartAttemptPeriod": 1800},
        "linuxParameters": {"maxSwap": 0, "swappiness": 0, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}},
        "dockerSecurityOptions": ["no-new-privileges", "apparmor:p", "label:type:t"],
        "resourceRequirements": [{"type": "GPU", "sharingStrategy": {"nvidiaMps": {"memory": 512}}}],
        "kubernetes": {"files": [{"path": "/a", "text": ""}]}})));
}

#[test]
fn rules_of_ports() {
    let ports =
        |mode: Value, mappings: Value| with_container(json!({"networkMode": mode}), json!({"portMappings": mappings}));
    for (rule, path, document) in [
        ("TD16", "[0].containerPort", ports(json!(null), json!([{}]))),
        ("TD16", "[0].containerPort", ports(json!(null), json!([{"containerPort": 65536}]))),
        (
            "TD16",
            "[0].containerPortRange",
            ports(json!(null), json!([{"containerPort": 1, "containerPortRange": "1-2"}])),
        ),
        ("TD16", "[0].containerPortRange", ports(json!(null), json!([{"containerPortRange": "20-10"}]))),
        ("TD16", "[0].containerPortRange", ports(json!("host"), json!([{"containerPortRange": "10-20"}]))),
        ("TD16", "[0].hostPort", ports(json!(null), json!([{"containerPort": 1, "hostPort": -1}]))),
        (
            "TD16",
            "[1].hostPort",
            ports(json!(null), json!([{"containerPort": 1, "hostPort": 9}, {"containerPort": 2, "hostPort": 9}])),
        ),
        ("TD17", "[0].hostPort", ports(json!("awsvpc"), json!([{"containerPort": 80, "hostPort": 8080}]))),
        ("TD17", "[0].hostPort", ports(json!("host"), json!([{"containerPort": 80, "hostPort": 8080}]))),
        ("TD16", "[0].containerPort", ports(json!(null), json!([{"containerPort": 0}]))),
        ("TD16", "[0].containerPortRange", ports(json!("awsvpc"), json!([{"containerPortRange": "80"}]))),
        ("TD16", "[0].hostPort", ports(json!(null), json!([{"containerPort": 1, "hostPort": 65536}]))),
        (
            "TD18",
            "[0].appProtocol",
            ports(json!(null), json!([{"containerPort": 80, "name": "x", "appProtocol": "http", "protocol": "udp"}])),
        ),
        ("TD18", "[0].name", ports(json!(null), json!([{"containerPort": 80, "name": "x".repeat(65)}]))),
        ("TD18", "[0].appProtocol", ports(json!(null), json!([{"containerPort": 80, "appProtocol": "http"}]))),
        ("TD18", "[0].name", ports(json!(null), json!([{"containerPort": 80, "name": "-x"}]))),
        (
            "TD18",
            "[1].name",
            ports(json!(null), json!([{"containerPort": 80, "name": "x"}, {"containerPort": 81, "name": "x"}])),
        ),
        (
            "OP01",
            "[1].containerPort",
            ports(json!(null), json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "udp"}])),
        ),
        (
            "OP01",
            "[1].containerPortRange",
            ports(json!(null), json!([{"containerPort": 80}, {"containerPortRange": "79-81"}])),
        ),
        ("OP15", "[0]", ports(json!(null), json!([{"containerPortRange": "1000-1100"}]))),
    ] {
        assert_broken(rule, &format!("{C}[].portMappings{path}"), document);
    }
    let port = json!({"portMappings": [{"containerPort": 80}]});
    assert_broken("OP01", "containerDefinitions[1].portMappings[0].containerPort", two(port.clone(), port));
    assert_accepted(ports(json!("awsvpc"), json!([{"containerPortRange": "1000-1099", "name": "x"}])));
    assert_accepted(ports(
        json!("bridge"),
        json!([{"containerPort": 80, "hostPort": 0}, {"containerPort": 81, "hostPort": 8080}]),
    ));
}
