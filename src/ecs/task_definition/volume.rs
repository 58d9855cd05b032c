//! Checked volumes (TD29, TD31, OP04): what stands behind each of them. How containers mount them is `mount`.

use std::collections::BTreeSet;

use crate::{
    api::{
        task_definition_kubernetes::KubernetesVolume,
        volume::{DockerVolumeConfiguration, EfsVolumeConfiguration, Switch, Volume as VolumeDefinition, VolumeScope},
    },
    ecs::{arn::last_segment, task_definition_reference::is_family, violation::Violations},
};

/// A volume of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Unique in the task definition.
    pub name: String,
    /// What stands behind it.
    pub source: VolumeSource,
    /// The folder in it that is mounted; `None` for all of it.
    pub sub_path: Option<String>,
}

/// What stands behind a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// An empty folder that lives as long as the task.
    Empty,
    /// A folder of the node.
    Host {
        /// Its path.
        path: String,
    },
    /// A Docker volume that stays on its node.
    Shared {
        /// Whether it is made when it is missing.
        autoprovision: bool,
    },
    /// A claim that is named after something of AWS: the id of a file system or access point.
    ClaimFor(String),
    /// A claim that the user names.
    Claim {
        /// Its name.
        name: String,
        /// Whether it cannot be written to.
        read_only: bool,
    },
    /// A volume of its own for each task.
    Ephemeral {
        /// GiB.
        size: u32,
        /// Its class; `None` for the default one.
        class: Option<String>,
    },
    /// A folder of an NFS server.
    Nfs {
        /// Name or address.
        server: String,
        /// Absolute path.
        path: String,
    },
}

/// Checks the volumes of a task definition. `replaced` are the entries of `kubernetes.volumes`.
#[must_use]
pub fn check(
    definitions: &[VolumeDefinition],
    replaced: &[KubernetesVolume],
    violations: &mut Violations,
) -> Vec<Volume> {
    const PATH: &str = "spec.volumes";
    let mut names = BTreeSet::new();
    let mut volumes = Vec::new();
    for (index, definition) in definitions.iter().enumerate() {
        let path = format!("{PATH}[{index}]");
        let message = "A volume has a name of up to 255 letters, digits, - and _.";
        violations.require(is_family(&definition.name), "TD28", format_args!("{path}.name"), message);
        let is_ours =
            ["ecs-memory-", "ecs-device-", "ecs-file-"].iter().any(|prefix| definition.name.starts_with(prefix));
        let message = "Names that begin with ecs-memory-, ecs-device- and ecs-file- are those of volumes that are made for one container: choose another.";
        violations.require(!is_ours, "OP10", format_args!("{path}.name"), message);
        let message = format_args!("Volume names must be unique: '{}' is there twice.", definition.name);
        violations.require(names.insert(&definition.name), "TD28", format_args!("{path}.name"), message);
        check_sources(definition, &path, violations);
        if let Some(efs) = &definition.efs_volume_configuration {
            check_efs(efs, &format!("{path}.efsVolumeConfiguration"), violations);
        }
        let replacement = replaced.iter().position(|each| each.name == definition.name);
        let source = match replacement {
            Some(at) => of_kubernetes(&replaced[at], &format!("spec.kubernetes.volumes[{at}]"), violations),
            None => source(definition, &path, violations),
        };
        let sub_path = sub_path(definition, &path, violations);
        volumes.push(Volume { name: definition.name.clone(), source, sub_path });
    }
    for (index, each) in replaced.iter().enumerate() {
        let path = format!("spec.kubernetes.volumes[{index}].name");
        let message = format_args!("Unknown volume '{}': name one of spec.volumes.", each.name);
        violations.require(names.contains(&each.name), "TD28", &path, message);
        let is_first = replaced[..index].iter().all(|other| other.name != each.name);
        let message = format_args!("Volume names must be unique: '{}' is there twice.", each.name);
        violations.require(is_first, "OP17", path, message);
    }
    let at_launch = definitions.iter().filter(|each| each.configured_at_launch == Some(true)).count();
    let message = "At most one volume can be configured at launch.";
    violations.require(at_launch <= 1, "TD29", PATH, message);
    volumes
}

fn check_sources(definition: &VolumeDefinition, path: &str, violations: &mut Violations) {
    let sources = [
        definition.host.is_some(),
        definition.docker_volume_configuration.is_some(),
        definition.efs_volume_configuration.is_some(),
        definition.s3files_volume_configuration.is_some(),
        definition.fsx_windows_file_server_volume_configuration.is_some(),
        definition.configured_at_launch == Some(true),
    ];
    let message = format_args!("Volume '{}' has more than one source: keep one of them.", definition.name);
    violations.require(sources.into_iter().filter(|given| *given).count() <= 1, "TD29", path, message);
}

/// What a volume is without an entry in `kubernetes.volumes`.
fn source(definition: &VolumeDefinition, path: &str, violations: &mut Violations) -> VolumeSource {
    if let Some(docker) = &definition.docker_volume_configuration {
        return of_docker(docker, &definition.name, &format!("{path}.dockerVolumeConfiguration"), violations);
    }
    if let Some(efs) = &definition.efs_volume_configuration {
        let access_point =
            efs.authorization_config.as_ref().and_then(|authorization| given(authorization.access_point_id.as_ref()));
        let path = format!("{path}.efsVolumeConfiguration.fileSystemId");
        return claim_for(access_point.unwrap_or(&efs.file_system_id), path, violations);
    }
    if let Some(s3) = &definition.s3files_volume_configuration {
        let arn = given(s3.access_point_arn.as_ref()).unwrap_or(&s3.file_system_arn);
        let path = format!("{path}.s3filesVolumeConfiguration.fileSystemArn");
        return claim_for(last_segment(arn), path, violations);
    }
    if let Some(fsx) = &definition.fsx_windows_file_server_volume_configuration {
        let path = format!("{path}.fsxWindowsFileServerVolumeConfiguration.fileSystemId");
        return claim_for(&fsx.file_system_id, path, violations);
    }
    if definition.configured_at_launch == Some(true) {
        let message = format_args!(
            "A volume that is configured at launch needs an entry named '{0}' in spec.kubernetes.volumes, such as {{name: {0}, ephemeral: {{sizeInGib: 10}}}}.",
            definition.name
        );
        violations.add("OP04", format_args!("{path}.configuredAtLaunch"), message);
        return VolumeSource::Empty;
    }
    match definition.host.as_ref().and_then(|host| given(host.source_path.as_ref())) {
        Some(source) => of_host(source, &format!("{path}.host.sourcePath"), violations),
        None => VolumeSource::Empty,
    }
}

fn claim_for(id: &str, path: String, violations: &mut Violations) -> VolumeSource {
    violations.require(!id.is_empty(), "TD31", path, "Name the file system.");
    VolumeSource::ClaimFor(id.to_owned())
}

fn of_host(source: &str, path: &str, violations: &mut Violations) -> VolumeSource {
    let message = format_args!("{source:?} is no absolute path of a node, or has .. in it.");
    violations.require(is_absolute(source) && !has_parent(source), "TD28", path, message);
    VolumeSource::Host { path: source.to_owned() }
}

fn of_docker(docker: &DockerVolumeConfiguration, name: &str, path: &str, violations: &mut Violations) -> VolumeSource {
    let driver = given(docker.driver.as_ref()).unwrap_or("local");
    let has_options = docker.driver_opts.as_ref().is_some_and(|options| !options.is_empty());
    for (refused, member, what) in [
        (driver != "local", "driver", "Volume drivers of Docker"),
        (has_options, "driverOpts", "Options of a volume driver"),
    ] {
        let message = format_args!(
            "{what} do not exist in Kubernetes: say what stands behind the volume in spec.kubernetes.volumes, in an entry named '{name}' with persistentVolumeClaim, ephemeral or nfs."
        );
        violations.require(!refused, "OP04", format_args!("{path}.{member}"), message);
    }
    match docker.scope.unwrap_or_default() {
        VolumeScope::Task => VolumeSource::Empty,
        VolumeScope::Shared => VolumeSource::Shared { autoprovision: docker.autoprovision == Some(true) },
    }
}

fn of_kubernetes(volume: &KubernetesVolume, path: &str, violations: &mut Violations) -> VolumeSource {
    match (&volume.persistent_volume_claim, &volume.ephemeral, &volume.nfs) {
        (Some(claim), None, None) => {
            VolumeSource::Claim { name: claim.claim_name.clone(), read_only: claim.read_only == Some(true) }
        }
        (None, Some(ephemeral), None) => {
            let size = u32::try_from(ephemeral.size_in_gib).unwrap_or(0);
            violations.require(
                size > 0,
                "OP17",
                format_args!("{path}.ephemeral.sizeInGib"),
                "The size is at least 1 GiB.",
            );
            VolumeSource::Ephemeral { size, class: ephemeral.storage_class_name.clone() }
        }
        (None, None, Some(nfs)) => {
            let message = "The path on the server is absolute and has no .. in it.";
            let valid = nfs.path.starts_with('/') && !has_parent(&nfs.path);
            violations.require(valid, "OP17", format_args!("{path}.nfs.path"), message);
            VolumeSource::Nfs { server: nfs.server.clone(), path: nfs.path.clone() }
        }
        _ => {
            violations.add("OP17", path, "Give one of persistentVolumeClaim, ephemeral and nfs.");
            VolumeSource::Empty
        }
    }
}

fn check_efs(efs: &EfsVolumeConfiguration, path: &str, violations: &mut Violations) {
    let encrypted = efs.transit_encryption == Some(Switch::Enabled);
    let authorization = efs.authorization_config.clone().unwrap_or_default();
    let access_point = given(authorization.access_point_id.as_ref());
    let with_iam = authorization.iam == Some(Switch::Enabled);
    let path_of_encryption = format!("{path}.transitEncryption");
    let message = "EFS IAM authorization requires TransitEncryption to be enabled";
    violations.require(encrypted || !with_iam, "TD31", &path_of_encryption, message);
    let message = "An EFS access point requires TransitEncryption to be enabled";
    violations.require(encrypted || access_point.is_none(), "TD31", &path_of_encryption, message);
    let message = "TransitEncryptionPort requires that TransitEncryption is enabled";
    violations.require(encrypted || efs.transit_encryption_port.is_none(), "TD31", path_of_encryption, message);
    let root = given(efs.root_directory.as_ref()).unwrap_or("/");
    let message = "When using an EFS access point, the root directory must either be set to \"/\" or be omitted";
    violations.require(access_point.is_none() || root == "/", "TD31", format_args!("{path}.rootDirectory"), message);
}

/// The folder of a file system, as a path below it.
fn sub_path(definition: &VolumeDefinition, path: &str, violations: &mut Violations) -> Option<String> {
    let efs = definition.efs_volume_configuration.as_ref().and_then(|efs| efs.root_directory.as_deref());
    let s3 = definition.s3files_volume_configuration.as_ref().and_then(|s3| s3.root_directory.as_deref());
    let fsx = definition.fsx_windows_file_server_volume_configuration.as_ref().map(|fsx| fsx.root_directory.as_str());
    let root = efs.or(s3).or(fsx)?;
    let below = root.replace('\\', "/");
    let below = below.trim_matches('/');
    let message = format_args!("{root:?} has .. in it: name the folder itself.");
    violations.require(!has_parent(below), "TD31", format_args!("{path}.rootDirectory"), message);
    (!below.is_empty()).then(|| below.to_owned())
}

/// What is not empty: SDKs print absent members as empty texts.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Whether a path is absolute, on Linux or Windows.
#[must_use]
pub fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes();
    path.starts_with(['/', '\\']) || (drive.len() > 2 && drive[0].is_ascii_alphabetic() && drive[1] == b':')
}

/// Whether a path goes up.
#[must_use]
pub fn has_parent(path: &str) -> bool {
    path.split(['/', '\\']).any(|part| part == "..")
}
