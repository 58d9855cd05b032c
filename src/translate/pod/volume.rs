//! Volumes of a Pod, and where its containers see them: those of the task definition, memory file systems, devices, files of
//! texts and secrets.

use k8s_openapi::{
    api::core::v1::{
        DownwardAPIVolumeFile, DownwardAPIVolumeSource, EmptyDirVolumeSource, EphemeralVolumeSource,
        HostPathVolumeSource, KeyToPath, NFSVolumeSource, ObjectFieldSelector, PersistentVolumeClaimSpec,
        PersistentVolumeClaimTemplate, PersistentVolumeClaimVolumeSource, SecretVolumeSource, Volume, VolumeMount,
        VolumeResourceRequirements,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use crate::ecs::{
    role::{RolesOfTask, SecretEntry},
    task_definition::{
        TaskDefinition,
        container::Container,
        linux::Device,
        mount::{File, FileContent, MemoryFileSystem},
        volume::{Volume as TaskVolume, VolumeSource},
    },
};

use super::{
    super::{
        labels::Labels,
        names::{self, VolumeOf},
    },
    Task, size,
};

/// All volumes of a task's Pod. One that no container sees is left out: nothing would tell it from none.
#[must_use]
pub fn volumes(task: Task<'_>) -> Vec<Volume> {
    let definition = task.task_definition;
    let is_mounted = |index: usize| {
        definition.containers.iter().flat_map(|container| &container.mounts).any(|mount| mount.volume == index)
    };
    let of_task = definition.volumes.iter().enumerate().filter(|(index, _)| is_mounted(*index));
    of_task
        .map(|(_, volume)| of_task_definition(volume))
        .chain(definition.containers.iter().flat_map(|container| of_container(container, task.roles)))
        .collect()
}

/// Where a container sees volumes.
#[must_use]
pub fn mounts(container: &Container, definition: &TaskDefinition) -> Vec<VolumeMount> {
    let of_task = container.mounts.iter().map(|mount| {
        let volume = &definition.volumes[mount.volume];
        VolumeMount {
            name: names::volume(&volume.name),
            mount_path: mount.path.clone(),
            sub_path: volume.sub_path.clone(),
            read_only: mount.read_only.then_some(true),
            ..Default::default()
        }
    });
    let mount = |of: VolumeOf, index: usize, path: &str| VolumeMount {
        name: names::volume_of(&container.name, of, index),
        mount_path: path.to_owned(),
        ..Default::default()
    };
    let of_memory = container.memory_file_systems.iter().enumerate().map(|(index, memory)| VolumeMount {
        read_only: memory.read_only.then_some(true),
        ..mount(VolumeOf::Memory, index, &memory.path)
    });
    let of_devices = container
        .devices
        .iter()
        .enumerate()
        .map(|(index, device)| mount(VolumeOf::Device, index, &device.container_path));
    // As a sub path a file does not hide what else is in its folder.
    let of_files = container.files.iter().enumerate().map(|(index, file)| VolumeMount {
        sub_path: Some(FILE.into()),
        read_only: Some(true),
        ..mount(VolumeOf::File, index, &file.path)
    });
    of_task.chain(of_memory).chain(of_devices).chain(of_files).collect()
}

/// Texts of files, as annotations of the Pod: so they are kept with it, and no ConfigMap has to be.
#[must_use]
pub fn texts(definition: &TaskDefinition) -> Labels {
    let of_container = |container: &Container| {
        let files = container.files.iter().enumerate();
        let texts = files.filter_map(|(index, file)| match &file.content {
            FileContent::Text(text) => Some((names::file_annotation(&container.name, index), text.clone())),
            FileContent::Secret(_) => None,
        });
        texts.collect::<Vec<_>>()
    };
    definition.containers.iter().flat_map(of_container).collect()
}

/// Name of a file in the volume that is made for it.
const FILE: &str = "file";

fn of_task_definition(volume: &TaskVolume) -> Volume {
    let name = names::volume(&volume.name);
    match &volume.source {
        VolumeSource::Empty => Volume { name, empty_dir: Some(EmptyDirVolumeSource::default()), ..Default::default() },
        // As on ECS: a file or a socket is mounted as it is, and what does not exist becomes a directory.
        VolumeSource::Host { path } => host_path(name, path, None),
        VolumeSource::Shared { autoprovision } => {
            let type_ = if *autoprovision { "DirectoryOrCreate" } else { "Directory" };
            host_path(name, &names::shared_volume_path(&volume.name), Some(type_))
        }
        VolumeSource::ClaimFor(id) => claim(name, names::claim(id), false),
        VolumeSource::Claim { name: claim_name, read_only } => claim(name, claim_name.clone(), *read_only),
        VolumeSource::Ephemeral { size, class } => ephemeral(name, *size, class.clone()),
        VolumeSource::Nfs { server, path } => Volume {
            name,
            nfs: Some(NFSVolumeSource { server: server.clone(), path: path.clone(), read_only: None }),
            ..Default::default()
        },
    }
}

fn host_path(name: String, path: &str, type_: Option<&str>) -> Volume {
    let host_path = HostPathVolumeSource { path: path.to_owned(), type_: type_.map(str::to_owned) };
    Volume { name, host_path: Some(host_path), ..Default::default() }
}

fn claim(name: String, claim_name: String, read_only: bool) -> Volume {
    let source = PersistentVolumeClaimVolumeSource { claim_name, read_only: read_only.then_some(true) };
    Volume { name, persistent_volume_claim: Some(source), ..Default::default() }
}

fn ephemeral(name: String, gibibytes: u32, storage_class_name: Option<String>) -> Volume {
    let size = Quantity(format!("{gibibytes}Gi"));
    let spec = PersistentVolumeClaimSpec {
        access_modes: Some(vec!["ReadWriteOnce".into()]),
        resources: Some(VolumeResourceRequirements {
            requests: Some([("storage".into(), size)].into()),
            ..Default::default()
        }),
        storage_class_name,
        ..Default::default()
    };
    let template = PersistentVolumeClaimTemplate { metadata: None, spec };
    Volume {
        name,
        ephemeral: Some(EphemeralVolumeSource { volume_claim_template: Some(template) }),
        ..Default::default()
    }
}

/// The volumes that only one container sees.
fn of_container(container: &Container, roles: &RolesOfTask) -> Vec<Volume> {
    let name = |of: VolumeOf, index: usize| names::volume_of(&container.name, of, index);
    let memory = container.memory_file_systems.iter().enumerate();
    let memory = memory.map(|(index, memory)| of_memory(name(VolumeOf::Memory, index), memory));
    let devices = container.devices.iter().enumerate();
    let devices = devices.map(|(index, device)| of_device(name(VolumeOf::Device, index), device));
    let files = container.files.iter().enumerate();
    let files = files.map(|(index, file)| of_file(name(VolumeOf::File, index), container, (index, file), roles));
    memory.chain(devices).chain(files).collect()
}

fn of_memory(name: String, memory: &MemoryFileSystem) -> Volume {
    let empty_dir = EmptyDirVolumeSource { medium: Some("Memory".into()), size_limit: memory.size.map(size::memory) };
    Volume { name, empty_dir: Some(empty_dir), ..Default::default() }
}

fn of_device(name: String, device: &Device) -> Volume {
    let host_path = HostPathVolumeSource { path: device.host_path.clone(), type_: None };
    Volume { name, host_path: Some(host_path), ..Default::default() }
}

fn of_file(name: String, container: &Container, (index, file): (usize, &File), roles: &RolesOfTask) -> Volume {
    match &file.content {
        FileContent::Text(_) => {
            let annotation = names::file_annotation(&container.name, index);
            let item = DownwardAPIVolumeFile {
                path: FILE.into(),
                field_ref: Some(ObjectFieldSelector {
                    api_version: None,
                    field_path: format!("metadata.annotations['{annotation}']"),
                }),
                mode: file.mode,
                ..Default::default()
            };
            let source = DownwardAPIVolumeSource { items: Some(vec![item]), ..Default::default() };
            Volume { name, downward_api: Some(source), ..Default::default() }
        }
        FileContent::Secret(secret) => {
            let SecretEntry { secret, entry } = roles.secret_entry(secret);
            let item = KeyToPath { key: entry, path: FILE.into(), mode: file.mode };
            let source =
                SecretVolumeSource { secret_name: Some(secret), items: Some(vec![item]), ..Default::default() };
            Volume { name, secret: Some(source), ..Default::default() }
        }
    }
}
