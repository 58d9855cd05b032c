//! Rules of what containers share: names, dependencies, volumes, kernel parameters.

use super::*;

#[test]
fn rules_of_names_and_addresses() {
    let awsvpc = |members: Value| with_container(json!({"networkMode": "awsvpc"}), members);
    for (member, value) in [
        ("links", json!(["b"])),
        ("hostname", json!("h")),
        ("extraHosts", json!([{"hostname": "h", "ipAddress": "10.0.0.1"}])),
        ("dnsServers", json!(["10.0.0.2"])),
        ("dnsSearchDomains", json!(["example.com"])),
        ("disableNetworking", json!(true)),
    ] {
        assert_broken("TD19", &format!("{C}[].{member}"), awsvpc(json!({member: value})));
    }
    for (rule, path, document) in [
        ("TD20", "[].links", with_container(json!({"networkMode": "host"}), json!({"links": ["b"]}))),
        ("TD20", "[].links[0]", container(json!({"links": ["none"]}))),
        ("TD20", "[].links", two(json!({"links": ["b"]}), json!({"links": ["a"]}))),
        ("OP04", "[].links[0]", two(json!({"links": ["b:my_db"]}), json!({}))),
        ("OP02", "[1].hostname", two(json!({"hostname": "x"}), json!({"hostname": "y"}))),
        (
            "OP02",
            "[1].extraHosts[0].ipAddress",
            two(
                json!({"extraHosts": [{"hostname": "h", "ipAddress": "10.0.0.1"}]}),
                json!({"extraHosts": [{"hostname": "H", "ipAddress": "10.0.0.2"}]}),
            ),
        ),
        (
            "OP02",
            "[1].links[0]",
            two(json!({"extraHosts": [{"hostname": "cache", "ipAddress": "10.0.0.1"}]}), json!({"links": ["a:cache"]})),
        ),
        (
            "OP04",
            "[].extraHosts[0].ipAddress",
            container(json!({"extraHosts": [{"hostname": "h", "ipAddress": "host-gateway"}]})),
        ),
        ("OP04", "[].dnsServers[0]", container(json!({"dnsServers": ["dns"]}))),
        ("OP09", "", container(json!({"dnsServers": ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]}))),
    ] {
        assert_broken(rule, &format!("{C}{path}"), document);
    }
    // A container that only leads to a cycle is not in it.
    let mut three = two(json!({"links": ["b"]}), json!({"links": ["c"]}));
    let third = json!({"name": "c", "image": "i", "memory": 64, "links": ["b"]});
    three["containerDefinitions"].as_array_mut().unwrap().push(third);
    let cycles: Vec<_> = broken(three).into_iter().filter(|(rule, _)| *rule == "TD20").map(|(_, path)| path).collect();
    assert_eq!(cycles, ["spec.containerDefinitions[1].links", "spec.containerDefinitions[2].links"]);
    assert_accepted(two(
        json!({"links": ["b:db"], "hostname": "Web_1", "dnsServers": ["::1"]}),
        json!({"hostname": "Web_1"}),
    ));
}

#[test]
fn rules_of_dependencies() {
    let on = |condition: &str| json!({"dependsOn": [{"containerName": "b", "condition": condition}]});
    for (rule, path, document) in [
        ("TD21", "[].dependsOn[0].containerName", container(on("START"))),
        ("TD22", "", container(json!({"dependsOn": [{"containerName": "a", "condition": "START"}]}))),
        ("TD22", "", two(on("START"), json!({"dependsOn": [{"containerName": "a", "condition": "START"}]}))),
        ("TD23", "[].dependsOn[0].condition", two(on("SUCCESS"), json!({}))),
        ("TD23", "[].dependsOn[0].condition", two(on("COMPLETE"), json!({"essential": true}))),
        ("TD24", "[].dependsOn[0].condition", two(on("HEALTHY"), json!({}))),
        ("TD07", "[1].name", two(json!({}), json!({"name": "a"}))),
        (
            "TD36",
            "",
            two(
                json!({"firelensConfiguration": {"type": "fluentbit"}}),
                json!({"firelensConfiguration": {"type": "fluentd"}}),
            ),
        ),
    ] {
        assert_broken(rule, &format!("{C}{path}"), document);
    }
    assert_accepted(two(on("COMPLETE"), json!({"essential": false})));
    assert_accepted(two(on("HEALTHY"), json!({"healthCheck": {"command": ["CMD-SHELL", "true"]}})));
}

#[test]
fn rules_of_volumes() {
    let volumes = |volumes: Value| document(json!({"volumes": volumes}));
    let mounts = |mounts: Value| with_container(json!({"volumes": [{"name": "v"}]}), json!({"mountPoints": mounts}));
    let efs = |efs: Value| volumes(json!([{"name": "v", "efsVolumeConfiguration": efs}]));
    for (rule, path, document) in [
        ("TD28", "volumes[1].name", volumes(json!([{"name": "v"}, {"name": "v"}]))),
        ("TD28", "volumes[0].host.sourcePath", volumes(json!([{"name": "v", "host": {"sourcePath": "../etc"}}]))),
        (
            "TD28",
            "kubernetes.volumes[0].name",
            document(json!({"kubernetes": {"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}})),
        ),
        (
            "TD28",
            "containerDefinitions[].mountPoints[0].sourceVolume",
            mounts(json!([{"sourceVolume": "w", "containerPath": "/a"}])),
        ),
        (
            "TD28",
            "containerDefinitions[].mountPoints[0].containerPath",
            mounts(json!([{"sourceVolume": "v", "containerPath": "a"}])),
        ),
        (
            "OP18",
            "containerDefinitions[].mountPoints[1].containerPath",
            mounts(json!([{"sourceVolume": "v", "containerPath": "/a"}, {"sourceVolume": "v", "containerPath": "/a"}])),
        ),
        ("TD29", "volumes[0]", volumes(json!([{"name": "v", "host": {}, "dockerVolumeConfiguration": {}}]))),
        (
            "TD29",
            "volumes",
            volumes(json!([{"name": "v", "configuredAtLaunch": true}, {"name": "w", "configuredAtLaunch": true}])),
        ),
        (
            "TD30",
            "containerDefinitions[].volumesFrom[0].sourceContainer",
            container(json!({"volumesFrom": [{"sourceContainer": "z"}]})),
        ),
        (
            "TD31",
            "volumes[0].efsVolumeConfiguration.transitEncryption",
            efs(json!({"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}})),
        ),
        (
            "TD31",
            "volumes[0].efsVolumeConfiguration.transitEncryption",
            efs(json!({"fileSystemId": "fs-1", "transitEncryptionPort": 2049})),
        ),
        (
            "TD31",
            "volumes[0].efsVolumeConfiguration.transitEncryption",
            efs(json!({"fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1"}})),
        ),
        ("TD28", "volumes[0].name", volumes(json!([{"name": "a b"}]))),
        (
            "TD31",
            "volumes[0].efsVolumeConfiguration.rootDirectory",
            efs(
                json!({"fileSystemId": "fs-1", "rootDirectory": "/x", "transitEncryption": "ENABLED", "authorizationConfig": {"accessPointId": "fsap-1"}}),
            ),
        ),
        (
            "OP04",
            "volumes[0].dockerVolumeConfiguration.driver",
            volumes(json!([{"name": "v", "dockerVolumeConfiguration": {"driver": "rexray/ebs"}}])),
        ),
        (
            "OP04",
            "volumes[0].dockerVolumeConfiguration.driverOpts",
            volumes(json!([{"name": "v", "dockerVolumeConfiguration": {"driverOpts": {"type": "nfs"}}}])),
        ),
        (
            "TD31",
            "volumes[0].efsVolumeConfiguration.fileSystemId",
            volumes(json!([{"name": "v", "efsVolumeConfiguration": {"fileSystemId": ""}}])),
        ),
        (
            "TD31",
            "volumes[0].s3filesVolumeConfiguration.fileSystemArn",
            volumes(json!([{"name": "v", "s3filesVolumeConfiguration": {"fileSystemArn": ""}}])),
        ),
        ("OP04", "volumes[0].configuredAtLaunch", volumes(json!([{"name": "v", "configuredAtLaunch": true}]))),
        (
            "OP17",
            "kubernetes.volumes[0]",
            document(json!({"volumes": [{"name": "v"}], "kubernetes": {"volumes": [{"name": "v"}]}})),
        ),
    ] {
        assert_broken(rule, path, document);
    }
    assert_accepted(document(json!({
        "volumes": [
            {"name": "v", "configuredAtLaunch": true},
            {"name": "w", "dockerVolumeConfiguration": {"driver": "rexray/ebs", "driverOpts": {"size": "5"}}}],
        "kubernetes": {"volumes": [
            {"name": "v", "ephemeral": {"sizeInGib": 10}},
            {"name": "w", "persistentVolumeClaim": {"claimName": "w"}}]}})));
}

#[test]
fn rules_of_the_kernels_parameters() {
    let controls =
        |task: Value, name: &str| with_container(task, json!({"systemControls": [{"namespace": name, "value": "1"}]}));
    let path = "containerDefinitions[].systemControls[0].namespace";
    assert_broken("TD41", path, controls(json!({}), "vm.swappiness"));
    assert_broken("TD41", path, controls(json!({"networkMode": "host"}), "net.core.somaxconn"));
    assert_broken("TD41", path, controls(json!({"ipcMode": "host"}), "kernel.msgmax"));
    let one = json!({"systemControls": [{"namespace": "net.core.somaxconn", "value": "1"}]});
    let other = json!({"systemControls": [{"namespace": "net.core.somaxconn", "value": "2"}]});
    assert_broken("OP02", "containerDefinitions[1].systemControls[0].value", two(one.clone(), other));
    assert_accepted(two(one.clone(), one));
    // In the IPC namespace of the task there is one of each, also on ECS.
    let ipc = |value: &str| json!({"systemControls": [{"namespace": "kernel.msgmax", "value": value}]});
    let of_task = |first: Value, second: Value| {
        let mut document = two(first, second);
        document["ipcMode"] = json!("task");
        document
    };
    assert_broken("TD41", "containerDefinitions[1].systemControls[0].value", of_task(ipc("1"), ipc("2")));
    assert_accepted(of_task(ipc("1"), ipc("1")));
    assert_accepted(controls(json!({"ipcMode": "none"}), "fs.mqueue.msg_max"));
}
