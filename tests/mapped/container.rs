//! Pairs for the fields of a container definition: what it runs, its network, its volumes.

use serde_json::json;

use super::{Pair, around::*, pair};

pub(super) fn pairs() -> Vec<Pair> {
    [of_what_runs(), of_network(), of_volumes()].into_iter().flatten().collect()
}

fn of_what_runs() -> Vec<Pair> {
    vec![
        pair("containerDefinitions[].name", none(), json!("a"), json!("b")),
        pair("containerDefinitions[].image", none(), json!("nginx"), json!("httpd")),
        pair(
            "containerDefinitions[].repositoryCredentials",
            none(),
            json!(null),
            json!({"credentialsParameter": "registry"}),
        ),
        pair("containerDefinitions[].cpu", none(), json!(128), json!(256)),
        pair("containerDefinitions[].memory", none(), json!(64), json!(128)),
        pair("containerDefinitions[].memoryReservation", none(), json!(16), json!(32)),
        pair("containerDefinitions[].essential", waiting("SUCCESS"), json!(false), json!(true)),
        pair("containerDefinitions[].versionConsistency", none(), json!("disabled"), json!("enabled")),
        pair("containerDefinitions[].entryPoint", none(), json!(["one"]), json!(["two"])),
        pair("containerDefinitions[].command", none(), json!(["one"]), json!(["two"])),
        pair("containerDefinitions[].environment", none(), json!(null), json!([{"name": "A", "value": "1"}])),
        pair(
            "containerDefinitions[].environment[].name",
            a(&json!({"environment": [{"name": "A", "value": "1"}]})),
            json!("A"),
            json!("B"),
        ),
        pair(
            "containerDefinitions[].environment[].value",
            a(&json!({"environment": [{"name": "A", "value": "1"}]})),
            json!("1"),
            json!("2"),
        ),
        pair(
            "containerDefinitions[].environmentFiles",
            none(),
            json!(null),
            json!([{"value": "arn:aws:s3:::bucket/key.env", "type": "s3"}]),
        ),
        pair("containerDefinitions[].secrets", execution_role(), json!(null), json!([{"name": "A", "valueFrom": "a"}])),
        pair(
            "containerDefinitions[].secrets[].name",
            with(execution_role(), &json!({"secrets": [{"name": "A", "valueFrom": "a"}]})),
            json!("A"),
            json!("B"),
        ),
        pair("containerDefinitions[].user", none(), json!("1"), json!("2")),
        pair("containerDefinitions[].workingDirectory", none(), json!("/one"), json!("/two")),
        pair("containerDefinitions[].interactive", none(), json!(false), json!(true)),
        pair("containerDefinitions[].pseudoTerminal", none(), json!(false), json!(true)),
        pair("containerDefinitions[].kubernetes", none(), json!(null), json!({"imagePullPolicy": "Always"})),
        pair("containerDefinitions[].kubernetes.imagePullPolicy", none(), json!("Always"), json!("Never")),
    ]
}

fn of_network() -> Vec<Pair> {
    vec![
        pair("containerDefinitions[].portMappings", none(), json!(null), json!([{"containerPort": 80}])),
        pair("containerDefinitions[].portMappings[].containerPort", none(), json!(80), json!(81)),
        pair(
            "containerDefinitions[].portMappings[].hostPort",
            json!({"networkMode": "awsvpc", "containerDefinitions": [{"portMappings": [{"containerPort": 80}]}]}),
            json!(80),
            json!(8080),
        ),
        pair(
            "containerDefinitions[].portMappings[].protocol",
            a(&json!({"portMappings": [{"containerPort": 80}]})),
            json!("tcp"),
            json!("udp"),
        ),
        pair(
            "containerDefinitions[].portMappings[].name",
            a(&json!({"portMappings": [{"containerPort": 80}]})),
            json!("one"),
            json!("two"),
        ),
        pair(
            "containerDefinitions[].portMappings[].appProtocol",
            a(&json!({"portMappings": [{"containerPort": 80, "name": "web"}]})),
            json!("http"),
            json!("grpc"),
        ),
        pair("containerDefinitions[].disableNetworking", none(), json!(false), json!(true)),
        pair(
            "containerDefinitions[].extraHosts[].hostname",
            a(&json!({"extraHosts": [{"hostname": "one", "ipAddress": "10.0.0.1"}]})),
            json!("one"),
            json!("two"),
        ),
        pair(
            "containerDefinitions[].extraHosts[].ipAddress",
            a(&json!({"extraHosts": [{"hostname": "one", "ipAddress": "10.0.0.1"}]})),
            json!("10.0.0.1"),
            json!("10.0.0.2"),
        ),
    ]
}

fn of_volumes() -> Vec<Pair> {
    vec![
        pair(
            "containerDefinitions[].mountPoints",
            two_volumes(),
            json!(null),
            json!([{"sourceVolume": "one", "containerPath": "/data"}]),
        ),
        pair(
            "containerDefinitions[].mountPoints[].sourceVolume",
            with(two_volumes(), &json!({"mountPoints": [{"sourceVolume": "one", "containerPath": "/data"}]})),
            json!("one"),
            json!("two"),
        ),
        pair(
            "containerDefinitions[].mountPoints[].containerPath",
            with(two_volumes(), &json!({"mountPoints": [{"sourceVolume": "one", "containerPath": "/data"}]})),
            json!("/data"),
            json!("/other"),
        ),
        pair(
            "containerDefinitions[].mountPoints[].readOnly",
            with(two_volumes(), &json!({"mountPoints": [{"sourceVolume": "one", "containerPath": "/data"}]})),
            json!(false),
            json!(true),
        ),
        pair(
            "containerDefinitions[].volumesFrom[].sourceContainer",
            with(others_with_mounts(), &json!({"volumesFrom": [{"sourceContainer": "b"}]})),
            json!("b"),
            json!("c"),
        ),
        pair(
            "containerDefinitions[].volumesFrom[].readOnly",
            with(others_with_mounts(), &json!({"volumesFrom": [{"sourceContainer": "b"}]})),
            json!(false),
            json!(true),
        ),
        pair("containerDefinitions[].linuxParameters.sharedMemorySize", none(), json!(64), json!(128)),
        pair(
            "containerDefinitions[].linuxParameters.tmpfs",
            none(),
            json!(null),
            json!([{"containerPath": "/tmp", "size": 1}]),
        ),
        pair(
            "containerDefinitions[].linuxParameters.tmpfs[].containerPath",
            a(&json!({"linuxParameters": {"tmpfs": [{"containerPath": "/tmp", "size": 1}]}})),
            json!("/tmp"),
            json!("/run"),
        ),
        pair(
            "containerDefinitions[].linuxParameters.tmpfs[].size",
            a(&json!({"linuxParameters": {"tmpfs": [{"containerPath": "/tmp", "size": 1}]}})),
            json!(1),
            json!(2),
        ),
        pair("containerDefinitions[].kubernetes.files", none(), json!(null), json!([{"path": "/file", "text": "one"}])),
        pair(
            "containerDefinitions[].kubernetes.files[].path",
            a(&json!({"kubernetes": {"files": [{"path": "/file", "text": "one"}]}})),
            json!("/file"),
            json!("/other"),
        ),
        pair(
            "containerDefinitions[].kubernetes.files[].text",
            a(&json!({"kubernetes": {"files": [{"path": "/file", "text": "one"}]}})),
            json!("one"),
            json!("two"),
        ),
        pair(
            "containerDefinitions[].kubernetes.files[].mode",
            a(&json!({"kubernetes": {"files": [{"path": "/file", "text": "one"}]}})),
            json!(256),
            json!(292),
        ),
    ]
}
