//! Rules of the task as a whole, of its platform and of Fargate.

use super::*;

#[test]
fn rules_of_the_task_as_a_whole() {
    let many: Vec<_> = (0..11).map(|i| json!({"name": format!("c{i}"), "image": "i", "memory": 6})).collect();
    for (rule, path, document) in [
        ("TD01", "family", document(json!({"family": "we b"}))),
        ("TD01", "family", document(json!({"family": " "}))),
        ("TD01", "family", document(json!({"family": "x".repeat(256)}))),
        ("TD02", C, json!({})),
        ("TD03", C, json!({"containerDefinitions": many})),
        ("TD04", "", container(json!({"environment": [{"name": "A", "value": "x".repeat(MOST_BYTES)}]}))),
        ("TD05", "cpu", document(json!({"cpu": "one"}))),
        ("TD05", "cpu", document(json!({"cpu": ""}))),
        ("TD05", "memory", document(json!({"memory": "1 vCPU"}))),
        ("TD05", "memory", document(json!({"memory": 0}))),
        (
            "TD43",
            "placementConstraints",
            document(
                json!({"placementConstraints": vec![json!({"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}); 11]}),
            ),
        ),
        ("TD44", "taskRoleArn", document(json!({"taskRoleArn": "arn:aws:iam::ACCOUNT_ID:role/web"}))),
        ("TD44", "taskRoleArn", document(json!({"taskRoleArn": "x".repeat(65)}))),
        (
            "TD45",
            "tags",
            document(json!({"tags": (0..51).map(|i| json!({"key": format!("k{i}")})).collect::<Vec<_>>()})),
        ),
        ("TD45", "tags[0]", document(json!({"tags": [{"key": "k", "value": "v".repeat(257)}]}))),
        ("TD45", "tags[0]", document(json!({"tags": [{"key": "k?"}]}))),
        ("TD09", C, container(json!({"essential": false}))),
        ("TD12", "containerDefinitions[].memory", document(json!({"memory": "63"}))),
        ("TD13", "cpu", with_container(json!({"cpu": 256}), json!({"cpu": 257}))),
        ("TD37", "proxyConfiguration", document(json!({"proxyConfiguration": {"containerName": "a"}}))),
        (
            "TD37",
            "proxyConfiguration.containerName",
            document(json!({"proxyConfiguration": {"containerName": "envoy"}})),
        ),
        ("TD37", "proxyConfiguration.properties", document(json!({"proxyConfiguration": {"containerName": "a"}}))),
        (
            "TD38",
            "inferenceAccelerators",
            document(json!({"inferenceAccelerators": [{"deviceName": "d", "deviceType": "t"}]})),
        ),
        (
            "TD43",
            "placementConstraints[0].expression",
            document(json!({"placementConstraints": [{"type": "memberOf", "expression": "x"}]})),
        ),
        (
            "TD43",
            "placementConstraints[0].type",
            document(json!({"placementConstraints": [{"expression": "attribute:a == b"}]})),
        ),
        ("TD44", "taskRoleArn", document(json!({"taskRoleArn": "<role>"}))),
        ("TD44", "executionRoleArn", document(json!({"executionRoleArn": "arn:aws:iam::123456789012:user/me"}))),
        ("TD45", "tags[0]", document(json!({"tags": [{"value": "v"}]}))),
        ("TD45", "tags[0].key", document(json!({"tags": [{"key": "AWS:x"}]}))),
        ("TD45", "tags[1].key", document(json!({"tags": [{"key": "x"}, {"key": "x"}]}))),
        (
            "TD46",
            "trustedExecutionConfiguration.attestationPolicy",
            document(json!({"trustedExecutionConfiguration": {"isolationMode": "CONFIDENTIAL_SANDBOX"}})),
        ),
        (
            "OP04",
            "trustedExecutionConfiguration.isolationMode",
            document(json!({"trustedExecutionConfiguration": {"isolationMode": "ISOLATED_SANDBOX"}})),
        ),
        ("OP13", "containerDefinitions[].command[0]", container(json!({"command": ["a\0"]}))),
        (
            "OP16",
            "pidMode",
            document(
                json!({"pidMode": "task", "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}),
            ),
        ),
    ] {
        assert_broken(rule, path, document);
    }
    let over = json!([{"name": "a", "image": "i", "memory": 40}, {"name": "b", "image": "i", "memory": 40}]);
    assert_broken("TD12", "memory", json!({"memory": "64", "containerDefinitions": over}));
    assert_accepted(document(json!({
        "cpu": "1 vCPU", "memory": "0.5GB", "taskRoleArn": "", "tags": [{"key": "a", "value": ""}],
        "executionRoleArn": "arn:aws:iam::123456789012:role/path/ecsTaskExecutionRole",
        "kubernetes": {"runtimeClassName": "kata"}, "trustedExecutionConfiguration": {"isolationMode": "ISOLATED_SANDBOX"},
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}]})));
}

#[test]
fn rules_of_windows() {
    let windows = json!({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_FULL"}});
    for (rule, member, value) in [
        ("TD40", "linuxParameters", json!({"initProcessEnabled": true})),
        ("OP03", "user", json!("1000:1000")),
        ("OP16", "privileged", json!(true)),
        ("OP16", "readonlyRootFilesystem", json!(true)),
        ("OP16", "systemControls", json!([{"namespace": "net.core.somaxconn", "value": "1"}])),
        ("OP16", "kubernetes.securityContext", json!(null)),
    ] {
        let members = if value.is_null() {
            json!({"kubernetes": {"securityContext": {"runAsUser": 1}}})
        } else {
            json!({member: value})
        };
        assert_broken(rule, &format!("{C}[].{member}"), with_container(windows.clone(), members));
    }
    assert_accepted(with_container(
        windows,
        json!({"user": "ContainerUser", "credentialSpecs": ["credentialspec:arn:aws:s3:::b/k.json"]}),
    ));
}

#[test]
fn rules_of_fargate() {
    for (rule, path, document) in [
        ("TF01", "networkMode", fargate(json!({"networkMode": "bridge"}))),
        ("TF02", "cpu", fargate(json!({"cpu": null}))),
        ("TF03", "memory", fargate(json!({"memory": null}))),
        ("TF04", "cpu", fargate(json!({"memory": "4096"}))),
        ("TF05", "cpu", fargate(json!({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2019_CORE"}}))),
        ("TF06", "containerDefinitions[].stopTimeout", fargate_container(json!({"stopTimeout": 121}))),
        (
            "TF07",
            "containerDefinitions[].logConfiguration.logDriver",
            fargate_container(json!({"logConfiguration": {"logDriver": "json-file"}})),
        ),
        ("TF08", "executionRoleArn", fargate_container(json!({"logConfiguration": {"logDriver": "awslogs"}}))),
        (
            "TF09",
            "containerDefinitions[].logConfiguration.options",
            fargate_container(json!({"logConfiguration": {"logDriver": "awslogs"}})),
        ),
        ("TF10", "containerDefinitions[].privileged", fargate_container(json!({"privileged": true}))),
        (
            "TF11",
            "containerDefinitions[].linuxParameters.capabilities.add[0]",
            fargate_container(json!({"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}})),
        ),
        (
            "TF12",
            "containerDefinitions[].linuxParameters.devices",
            fargate_container(json!({"linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}]}})),
        ),
        (
            "TF12",
            "containerDefinitions[].linuxParameters.maxSwap",
            fargate_container(json!({"linuxParameters": {"maxSwap": 1}})),
        ),
        (
            "TF12",
            "containerDefinitions[].linuxParameters.swappiness",
            fargate_container(json!({"linuxParameters": {"swappiness": 1}})),
        ),
        (
            "TF12",
            "containerDefinitions[].linuxParameters.sharedMemorySize",
            fargate_container(json!({"linuxParameters": {"sharedMemorySize": 1}})),
        ),
        (
            "TF12",
            "containerDefinitions[].dockerSecurityOptions",
            fargate_container(json!({"dockerSecurityOptions": ["no-new-privileges"]})),
        ),
        (
            "TF12",
            "containerDefinitions[].resourceRequirements",
            fargate_container(json!({"resourceRequirements": [{"type": "GPU", "value": "1"}]})),
        ),
        ("TF12", "ipcMode", fargate(json!({"ipcMode": "task"}))),
        (
            "TF12",
            "placementConstraints",
            fargate(json!({"placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}]})),
        ),
        (
            "TF12",
            "volumes[0].dockerVolumeConfiguration",
            fargate(json!({"volumes": [{"name": "v", "dockerVolumeConfiguration": {}}]})),
        ),
        (
            "TF12",
            "volumes[0].host.sourcePath",
            fargate(json!({"volumes": [{"name": "v", "host": {"sourcePath": "/v"}}]})),
        ),
        ("TF13", "pidMode", fargate(json!({"pidMode": "host"}))),
        (
            "TF05",
            "cpu",
            fargate(
                json!({"cpu": "8192", "memory": "16384", "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}),
            ),
        ),
        // TF16: with FARGATE among others its rules hold as well.
        (
            "TF01",
            "networkMode",
            document(json!({"requiresCompatibilities": ["EC2", "FARGATE"], "networkMode": "host"})),
        ),
        ("TF14", "ephemeralStorage.sizeInGiB", fargate(json!({"ephemeralStorage": {"sizeInGiB": 20}}))),
        ("TF14", "ephemeralStorage.sizeInGiB", fargate(json!({"ephemeralStorage": {"sizeInGiB": 201}}))),
        ("TF15", "ephemeralStorage", document(json!({"ephemeralStorage": {"sizeInGiB": 21}}))),
        ("TF01", "networkMode", document(json!({"requiresCompatibilities": ["EC2", "FARGATE"]}))),
    ] {
        assert_broken(rule, path, document);
    }
    let log = json!({"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p"}});
    let mut accepted = fargate_container(
        json!({"stopTimeout": 120, "logConfiguration": log, "linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"]}}}),
    );
    accepted["executionRoleArn"] = json!("ecsTaskExecutionRole");
    accepted["pidMode"] = json!("task");
    accepted["ephemeralStorage"] = json!({"sizeInGiB": 200});
    assert_accepted(accepted);
}

#[test]
fn all_violations_are_told_at_once() {
    let document =
        json!({"cpu": "x", "memory": "y", "containerDefinitions": [{"name": "a"}, {"name": "a", "image": "i"}]});
    let rules: Vec<_> = broken(document).into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(rules, ["TD05", "TD05", "TD08", "TD07"]);
}

#[test]
fn sizes_that_are_missing_are_told_with_the_rest() {
    let containers = json!([{"name": "a", "image": "", "memory": -1}, {"name": "b", "image": "i"}]);
    let broken = broken(json!({ "containerDefinitions": containers }));
    let paths: Vec<_> =
        broken.iter().map(|(rule, path)| format!("{rule} {}", path.trim_start_matches("spec."))).collect();
    let at = |rule: &str, index: usize, member: &str| format!("{rule} containerDefinitions[{index}].{member}");
    assert_eq!(paths, [at("TD14", 0, "memory"), at("TD08", 0, "image"), at("TD10", 1, "memory")]);
}

#[test]
fn devices_have_paths_of_their_own() {
    let devices = |devices: Value| container(json!({"privileged": true, "linuxParameters": {"devices": devices}}));
    assert_broken(
        "TD40",
        &format!("{C}[].linuxParameters.devices[0].hostPath"),
        devices(json!([{"hostPath": "fuse"}])),
    );
    let twice = json!([{"hostPath": "/dev/a"}, {"hostPath": "/dev/b", "containerPath": "/dev/a"}]);
    assert_broken("OP18", &format!("{C}[]."), devices(twice));
    assert_accepted(devices(json!([{"hostPath": "/dev/a"}, {"hostPath": "/dev/a", "containerPath": "/dev/b"}])));
}

#[test]
fn what_ecs_does_not_have() {
    let probe = |probe: Value| json!({"kubernetes": {"readinessProbe": probe}});
    let profile = |profile: Value| json!({"kubernetes": {"securityContext": {"seccompProfile": profile}}});
    for (path, members) in [
        ("readinessProbe", probe(json!({}))),
        ("readinessProbe", probe(json!({"exec": {"command": ["true"]}, "grpc": {"port": 80}}))),
        ("readinessProbe.exec.command", probe(json!({"exec": {"command": []}}))),
        ("readinessProbe.tcpSocket.port", probe(json!({"tcpSocket": {"port": 0}}))),
        ("readinessProbe.periodSeconds", probe(json!({"tcpSocket": {"port": 80}, "periodSeconds": 0}))),
        ("securityContext.runAsUser", json!({"kubernetes": {"securityContext": {"runAsUser": -1}}})),
        ("securityContext.seccompProfile.localhostProfile", profile(json!({"type": "Localhost"}))),
        (
            "securityContext.seccompProfile.localhostProfile",
            profile(json!({"type": "Unconfined", "localhostProfile": "a"})),
        ),
    ] {
        assert_broken("OP17", &format!("{C}[].kubernetes.{path}"), container(members));
    }
    let volumes = |entries: Value| json!({"volumes": [{"name": "v"}], "kubernetes": {"volumes": entries}});
    let nfs = json!({"name": "v", "nfs": {"server": "s", "path": "/"}});
    for (path, members) in [
        ("terminationGracePeriodSeconds", json!({"kubernetes": {"terminationGracePeriodSeconds": 0}})),
        ("runtimeClassName", json!({"kubernetes": {"runtimeClassName": "Kata"}})),
        ("runtimeClassName", json!({"kubernetes": {"runtimeClassName": "a..b"}})),
        ("nodeSelector", json!({"kubernetes": {"nodeSelector": {"disk": "s s d"}}})),
        ("nodeSelector", json!({"kubernetes": {"nodeSelector": {"Example.com/disk": "ssd"}}})),
        ("securityContext.fsGroup", json!({"kubernetes": {"securityContext": {"fsGroup": -1}}})),
        (
            "securityContext.supplementalGroups[0]",
            json!({"kubernetes": {"securityContext": {"supplementalGroups": [-1]}}}),
        ),
        (
            "volumes[0].persistentVolumeClaim.claimName",
            volumes(json!([{"name": "v", "persistentVolumeClaim": {"claimName": ""}}])),
        ),
        (
            "volumes[0].ephemeral.storageClassName",
            volumes(json!([{"name": "v", "ephemeral": {"sizeInGib": 1, "storageClassName": "-"}}])),
        ),
        ("volumes[0].nfs.server", volumes(json!([{"name": "v", "nfs": {"server": "", "path": "/"}}]))),
        ("volumes[1].name", volumes(json!([nfs, nfs]))),
    ] {
        assert_broken("OP17", &format!("kubernetes.{path}"), document(members));
    }
    let selector = json!({"example.com/Disk_1": "", "disk": "SSD.1"});
    assert_accepted(document(json!({"kubernetes": {"nodeSelector": selector, "runtimeClassName": "a.b-1"}})));
}

#[test]
fn the_shell_of_a_health_check_is_that_of_the_platform() {
    let health_check = json!({"healthCheck": {"command": ["CMD-SHELL", "exit 0"]}});
    let windows = json!({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}});
    for (document, shell) in [
        (container(health_check.clone()), vec!["/bin/sh", "-c", "exit 0"]),
        (with_container(windows, health_check), vec!["cmd", "/S", "/C", "exit 0"]),
    ] {
        let definition: RegisterTaskDefinition = serde_json::from_value(document).unwrap();
        let checked = check(&definition, "web").unwrap();
        assert_eq!(checked.containers[0].health_check.as_ref().unwrap().command, shell);
    }
}

#[test]
fn mounts_of_other_containers_come_along() {
    let document = json!({
        "volumes": [{"name": "v"}, {"name": "w"}],
        "containerDefinitions": [
            {"name": "a", "image": "i", "memory": 64, "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]},
            {"name": "b", "image": "i", "memory": 64, "volumesFrom": [{"sourceContainer": "a", "readOnly": true}],
             "mountPoints": [{"sourceVolume": "w", "containerPath": "/w"}]},
            {"name": "c", "image": "i", "memory": 64, "volumesFrom": [{"sourceContainer": "b"}],
             "mountPoints": [{"sourceVolume": "w", "containerPath": "/v"}]}]});
    let definition: RegisterTaskDefinition = serde_json::from_value(document).unwrap();
    let checked = check(&definition, "web").unwrap();
    let mounts = |index: usize| {
        let mounts = checked.containers[index].mounts.iter();
        mounts.map(|mount| (mount.volume, mount.path.clone(), mount.read_only)).collect::<Vec<_>>()
    };
    assert_eq!(mounts(1), [(1, "/w".into(), false), (0, "/v".into(), true)]);
    assert_eq!(mounts(2), [(1, "/v".into(), false), (1, "/w".into(), false)]);
}

#[test]
fn messages_name_what_is_wrong_and_what_would_be_right() {
    let log = |options: Value| {
        let mut all = json!({"awslogs-group": "g", "awslogs-region": "r"});
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        container(json!({"logConfiguration": {"logDriver": "awslogs", "options": all}}))
    };
    let two = json!([{"name": "a", "image": "i", "memory": 40}, {"name": "b", "image": "i", "memory": 40}]);
    for (document, words) in [
        (document(json!({"family": ""})), "Family can not be blank"),
        (document(json!({"memory": "63"})), "64 MiB > 63 MiB"),
        (json!({"memory": "64", "containerDefinitions": two}), "80 MiB > 64 MiB"),
        (with_container(json!({"cpu": 256}), json!({"cpu": 257})), "257 > 256"),
        (log(json!({"awslogs-groop": "g"})), "disallows options: awslogs-groop."),
        (
            container(json!({"logConfiguration": {"logDriver": "awslogs"}})),
            "requires options: awslogs-region, awslogs-group",
        ),
        (
            document(json!({"taskRoleArn": "arn:aws:iam::1234:role/web"})),
            "\"1234\" in arn:aws:iam::1234:role/web is no account",
        ),
        (fargate(json!({"memory": "4096"})), "With 256 CPU the memory is 512, 1024 or 2048."),
        (fargate(json!({"cpu": "300"})), "The CPU on Linux is one of 256, 512"),
    ] {
        let definition: RegisterTaskDefinition = serde_json::from_value(document).unwrap();
        let violations = check(&definition, "web").unwrap_err();
        assert!(violations.iter().any(|violation| violation.message.contains(words)), "{words}: {violations:?}");
    }
    assert_accepted(log(json!({"mode": "non-blocking", "max-buffer-size": "25m", "awslogs-create-group": "true"})));
    assert_accepted(document(
        json!({"taskRoleArn": "arn:aws-cn:iam::123456789012:role/path/web", "executionRoleArn": "web"}),
    ));
}

/// TD15, TD47 and TD48 are the types': another word cannot be read. All of theirs are accepted.
#[test]
fn every_word_of_the_enumerations_is_accepted() {
    for mode in ["bridge", "host", "awsvpc", "none"] {
        assert_accepted(document(json!({"networkMode": mode})));
    }
    for launch_type in ["EC2", "EXTERNAL", "MANAGED_INSTANCES"] {
        assert_accepted(document(json!({"requiresCompatibilities": [launch_type]})));
    }
    for system in ["LINUX", "WINDOWS_SERVER_2016_FULL", "WINDOWS_SERVER_2025_CORE"] {
        for processor in ["X86_64", "ARM64"] {
            let platform = json!({"operatingSystemFamily": system, "cpuArchitecture": processor});
            assert_accepted(document(json!({"runtimePlatform": platform})));
        }
    }
    for (member, word) in [("networkMode", "overlay"), ("requiresCompatibilities", "LAMBDA"), ("pidMode", "pod")] {
        let document = document(json!({member: word}));
        assert!(serde_json::from_value::<RegisterTaskDefinition>(document).is_err(), "{member} {word}");
    }
}
