//! Pairs for the fields of a task definition, its containers apart.

use serde_json::{Value, json};

use super::{Pair, pair};

/// A volume that the first container mounts.
fn volume(members: &Value) -> Value {
    let mut volume = json!({"name": "data"});
    super::merge(&mut volume, members);
    json!({"volumes": [volume], "containerDefinitions": [{"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}]})
}

/// The same with something of Kubernetes behind it.
fn replaced(members: &Value) -> Value {
    let mut document = volume(&json!({}));
    let mut entry = json!({"name": "data"});
    super::merge(&mut entry, members);
    super::merge(&mut document, &json!({"kubernetes": {"volumes": [entry]}}));
    document
}

pub(super) fn pairs() -> Vec<Pair> {
    [of_the_task(), of_volumes(), of_kubernetes()].into_iter().flatten().collect()
}

fn of_the_task() -> Vec<Pair> {
    let none = || json!({});
    let fargate =
        json!({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"});
    let two = json!([{"name": "a", "image": "i", "memory": 64}, {"name": "b", "image": "i", "memory": 64}]);
    let constraint = json!({"type": "memberOf", "expression": "attribute:rack == a"});
    let in_rack = json!({"placementConstraints": [constraint]});
    vec![
        pair("family", none(), json!("web"), json!("api")),
        // Without a mode a port of the node may differ from the container's.
        pair(
            "networkMode",
            json!({"containerDefinitions": [{"portMappings": [{"containerPort": 80, "hostPort": 8080}]}]}),
            json!(null),
            json!("awsvpc"),
        ),
        pair("containerDefinitions", none(), json!([{"name": "a", "image": "i", "memory": 64}]), two),
        pair("placementConstraints", none(), json!(null), json!([constraint])),
        pair("placementConstraints[].type", in_rack.clone(), json!("memberOf"), json!(null)),
        pair("placementConstraints[].expression", in_rack, json!("attribute:rack == a"), json!("attribute:rack == b")),
        pair("cpu", none(), json!("256"), json!("512")),
        pair("memory", none(), json!("128"), json!("256")),
        pair("enableFaultInjection", none(), json!(false), json!(true)),
        pair("pidMode", none(), json!("task"), json!("host")),
        pair("ipcMode", none(), json!("task"), json!("host")),
        pair("ephemeralStorage.sizeInGiB", fargate, json!(21), json!(22)),
        pair("runtimePlatform", none(), json!(null), json!({"cpuArchitecture": "ARM64"})),
        pair("runtimePlatform.cpuArchitecture", none(), json!("X86_64"), json!("ARM64")),
        pair("runtimePlatform.operatingSystemFamily", none(), json!(null), json!("LINUX")),
        pair(
            "trustedExecutionConfiguration",
            none(),
            json!({"isolationMode": "SHARED"}),
            json!({"isolationMode": "ISOLATED_SANDBOX"}),
        ),
        pair("trustedExecutionConfiguration.isolationMode", none(), json!("SHARED"), json!("ISOLATED_SANDBOX")),
    ]
}

fn of_volumes() -> Vec<Pair> {
    let shared = volume(&json!({"dockerVolumeConfiguration": {"scope": "shared"}}));
    let efs = volume(&json!({"efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}}));
    let s3 = volume(&json!({"s3filesVolumeConfiguration": {"fileSystemArn": "arn:aws:s3files:r:1:file-system/fs-1"}}));
    let authorization = json!({"credentialsParameter": "secret", "domain": "example.com"});
    let fsx = json!({"fileSystemId": "fs-1", "rootDirectory": "one", "authorizationConfig": authorization});
    let windows = {
        let mut document = volume(&json!({}));
        super::merge(&mut document, &json!({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}));
        document
    };
    let mut fsx_on_windows = windows.clone();
    super::merge(&mut fsx_on_windows, &json!({"volumes": [{"fsxWindowsFileServerVolumeConfiguration": fsx}]}));
    let efs_configuration = json!({"fileSystemId": "fs-1"});
    let s3_configuration = json!({"fileSystemArn": "arn:aws:s3files:r:1:file-system/fs-1"});
    vec![
        pair(
            "volumes",
            volume(&json!({})),
            json!([{"name": "data"}]),
            json!([{"name": "data", "host": {"sourcePath": "/srv"}}]),
        ),
        pair("volumes[].name", volume(&json!({})), json!("data"), json!("other")),
        pair("volumes[].host", volume(&json!({})), json!(null), json!({"sourcePath": "/srv"})),
        pair(
            "volumes[].dockerVolumeConfiguration",
            volume(&json!({})),
            json!({"scope": "task"}),
            json!({"scope": "shared"}),
        ),
        pair("volumes[].dockerVolumeConfiguration.scope", volume(&json!({})), json!("task"), json!("shared")),
        pair("volumes[].dockerVolumeConfiguration.autoprovision", shared.clone(), json!(false), json!(true)),
        pair("volumes[].dockerVolumeConfiguration.driver", shared, json!("local"), json!("rexray/ebs")),
        pair("volumes[].efsVolumeConfiguration", volume(&json!({})), json!(null), efs_configuration),
        pair("volumes[].efsVolumeConfiguration.rootDirectory", efs.clone(), json!("/"), json!("/web")),
        pair(
            "volumes[].efsVolumeConfiguration.authorizationConfig",
            efs,
            json!(null),
            json!({"accessPointId": "fsap-1"}),
        ),
        pair("volumes[].s3filesVolumeConfiguration", volume(&json!({})), json!(null), s3_configuration),
        pair("volumes[].s3filesVolumeConfiguration.rootDirectory", s3, json!("/"), json!("/web")),
        pair("volumes[].fsxWindowsFileServerVolumeConfiguration", windows, json!(null), fsx),
        pair(
            "volumes[].fsxWindowsFileServerVolumeConfiguration.rootDirectory",
            fsx_on_windows,
            json!("one"),
            json!("two"),
        ),
    ]
}

fn of_kubernetes() -> Vec<Pair> {
    let none = || json!({});
    let localhost = json!({"type": "Localhost", "localhostProfile": "one.json"});
    let with_profile = json!({"kubernetes": {"securityContext": {"seccompProfile": localhost}}});
    let nfs = json!({"server": "one", "path": "/one"});
    let of_nfs = replaced(&json!({"nfs": nfs}));
    let claim = json!({"claimName": "one"});
    let of_claim = replaced(&json!({"persistentVolumeClaim": claim}));
    let disk = json!({"sizeInGib": 1});
    let of_disk = replaced(&json!({"ephemeral": disk}));
    vec![
        pair("kubernetes", none(), json!(null), json!({"nodeSelector": {"disk": "ssd"}})),
        pair("kubernetes.terminationGracePeriodSeconds", none(), json!(60), json!(600)),
        pair("kubernetes.nodeSelector", none(), json!(null), json!({"disk": "ssd"})),
        pair("kubernetes.runtimeClassName", none(), json!(null), json!("kata")),
        pair("kubernetes.securityContext", none(), json!(null), json!({"fsGroup": 1})),
        pair("kubernetes.securityContext.fsGroup", none(), json!(1), json!(2)),
        pair("kubernetes.securityContext.supplementalGroups", none(), json!([1]), json!([2])),
        pair("kubernetes.securityContext.runAsNonRoot", none(), json!(null), json!(true)),
        pair("kubernetes.securityContext.seccompProfile", none(), json!(null), json!({"type": "RuntimeDefault"})),
        pair("kubernetes.securityContext.seccompProfile.type", none(), json!("RuntimeDefault"), json!("Unconfined")),
        pair(
            "kubernetes.securityContext.seccompProfile.localhostProfile",
            with_profile,
            json!("one.json"),
            json!("two.json"),
        ),
        pair("kubernetes.volumes", volume(&none()), json!(null), json!([{"name": "data", "nfs": nfs}])),
        pair("kubernetes.volumes[].name", of_nfs.clone(), json!("data"), json!("gone")),
        pair("kubernetes.volumes[].persistentVolumeClaim", replaced(&none()), claim, json!(null)),
        pair("kubernetes.volumes[].persistentVolumeClaim.claimName", of_claim.clone(), json!("one"), json!("two")),
        pair("kubernetes.volumes[].persistentVolumeClaim.readOnly", of_claim, json!(null), json!(true)),
        pair("kubernetes.volumes[].ephemeral", replaced(&none()), disk, json!(null)),
        pair("kubernetes.volumes[].ephemeral.sizeInGib", of_disk.clone(), json!(1), json!(2)),
        pair("kubernetes.volumes[].ephemeral.storageClassName", of_disk, json!(null), json!("fast")),
        pair("kubernetes.volumes[].nfs", replaced(&none()), nfs, json!(null)),
        pair("kubernetes.volumes[].nfs.server", of_nfs.clone(), json!("one"), json!("two")),
        pair("kubernetes.volumes[].nfs.path", of_nfs, json!("/one"), json!("/two")),
    ]
}
