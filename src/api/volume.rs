//! Volumes of a task and how containers mount them: data only.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A volume of a task. It has one source; without one it is an empty folder that lives as long as the task.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("(has(self.host) ? 1 : 0) + (has(self.dockerVolumeConfiguration) ? 1 : 0) + (has(self.efsVolumeConfiguration) ? 1 : 0) + (has(self.s3filesVolumeConfiguration) ? 1 : 0) + (has(self.fsxWindowsFileServerVolumeConfiguration) ? 1 : 0) + (has(self.configuredAtLaunch) && self.configuredAtLaunch ? 1 : 0) <= 1").message("a volume has one source: keep one of host, dockerVolumeConfiguration, efsVolumeConfiguration, s3filesVolumeConfiguration, fsxWindowsFileServerVolumeConfiguration and configuredAtLaunch"))]
pub struct Volume {
    /// Name of the volume, up to 255 letters, digits, `-` and `_`, unique in the task definition.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub name: String,

    /// A folder of the node, or an empty one where no path is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostVolumeProperties>,

    /// A Docker volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_volume_configuration: Option<DockerVolumeConfiguration>,

    /// A file system of EFS: a PersistentVolumeClaim of the Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efs_volume_configuration: Option<EfsVolumeConfiguration>,

    /// A file system of S3 Files: a PersistentVolumeClaim of the Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3files_volume_configuration: Option<S3FilesVolumeConfiguration>,

    /// A file system of FSx for Windows File Server: a PersistentVolumeClaim of the Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fsx_windows_file_server_volume_configuration: Option<FsxWindowsFileServerVolumeConfiguration>,

    /// Whether services and tasks bring the volume. It needs an entry of its name in `kubernetes.volumes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured_at_launch: Option<bool>,
}

/// A folder of the node.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HostVolumeProperties {
    /// Path on the node; it is made when it is missing. Default: an empty folder that lives as long as the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_path: Option<String>,
}

/// A Docker volume.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DockerVolumeConfiguration {
    /// `task` (default): it lives as long as the task. `shared`: it stays on its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<VolumeScope>,

    /// Whether a shared volume is made when it is missing. Default: false, and the task does not start then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoprovision: Option<bool>,

    /// `local` (default). Another driver needs an entry of the volume's name in `kubernetes.volumes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,

    /// Options of the driver. They need an entry of the volume's name in `kubernetes.volumes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver_opts: Option<BTreeMap<String, String>>,

    /// Labels of the Docker volume: ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
}

/// How long a Docker volume lives.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum VolumeScope {
    #[default]
    Task,
    Shared,
}

/// A file system of EFS.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EfsVolumeConfiguration {
    /// Id of the file system. It names the PersistentVolumeClaim, unless there is an access point or an entry of the volume's
    /// name in `kubernetes.volumes`.
    #[schemars(length(min = 1, max = 255))]
    pub file_system_id: String,

    /// Folder of the file system. Default: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<String>,

    /// Whether the traffic is encrypted: what the PersistentVolume's driver does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transit_encryption: Option<Switch>,

    /// Port of the encrypted traffic: ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub transit_encryption_port: Option<i32>,

    /// Who is let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_config: Option<EfsAuthorizationConfig>,
}

/// Who is let in to a file system of EFS.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EfsAuthorizationConfig {
    /// Id of an access point. It names the PersistentVolumeClaim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_point_id: Option<String>,

    /// Whether the task role is asked for: ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam: Option<Switch>,
}

/// On or off, in ECS's words.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Switch {
    Enabled,
    Disabled,
}

/// A file system of S3 Files.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct S3FilesVolumeConfiguration {
    /// ARN of the file system. Its last part names the PersistentVolumeClaim, unless there is an access point or an entry of the
    /// volume's name in `kubernetes.volumes`.
    #[schemars(length(min = 1, max = 2048))]
    pub file_system_arn: String,

    /// Folder of the file system. Default: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<String>,

    /// Port of the encrypted traffic: ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub transit_encryption_port: Option<i32>,

    /// ARN of an access point. Its last part names the PersistentVolumeClaim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_point_arn: Option<String>,
}

/// A file system of FSx for Windows File Server.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FsxWindowsFileServerVolumeConfiguration {
    /// Id of the file system. It names the PersistentVolumeClaim, unless there is an entry of the volume's name in
    /// `kubernetes.volumes`.
    #[schemars(length(min = 1, max = 255))]
    pub file_system_id: String,

    /// Folder of the file system.
    pub root_directory: String,

    /// Who is let in: what the PersistentVolume's driver does.
    pub authorization_config: FsxWindowsFileServerAuthorizationConfig,
}

/// Who is let in to a file system of FSx.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FsxWindowsFileServerAuthorizationConfig {
    /// ARN of a secret with user name and password.
    pub credentials_parameter: String,
    /// The Active Directory domain.
    pub domain: String,
}

/// Where a container sees a volume.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MountPoint {
    /// Name of the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_volume: Option<String>,

    /// Absolute path in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_path: Option<String>,

    /// Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}

/// Another container whose mounts this one gets too.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct VolumeFrom {
    /// Name of the other container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_container: Option<String>,

    /// Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}
