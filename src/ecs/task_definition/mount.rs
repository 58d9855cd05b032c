//! Where containers see volumes: their own mount points, those of other containers, memory file systems and files
//! (TD28, TD30, OP18).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::{container_definition::ContainerDefinition, task_definition_kubernetes::ContainerFile},
    ecs::{secret_reference::SecretReference, violation::Violations},
};

use super::{
    environment::check_reference,
    size::{MebiBytes, mebibytes},
    volume::{Volume, has_parent, is_absolute},
};

/// A volume in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Index of the volume.
    pub volume: usize,
    /// Absolute path in the container.
    pub path: String,
    /// Whether the container cannot write to it.
    pub read_only: bool,
}

/// A memory file system in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryFileSystem {
    /// Absolute path in the container.
    pub path: String,
    /// Its size; `None` for as much memory as the container has.
    pub size: Option<MebiBytes>,
    /// Whether the container cannot write to it.
    pub read_only: bool,
}

/// A file in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Absolute path in the container.
    pub path: String,
    /// What is in it.
    pub content: FileContent,
    /// Permissions, from 0 to 0o777.
    pub mode: Option<i32>,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileContent {
    /// A text.
    Text(String),
    /// The value of a secret.
    Secret(SecretReference),
}

/// Checks the mount points of every container, those that they take from others included.
#[must_use]
pub fn check(
    containers: &[ContainerDefinition],
    volumes: &[Volume],
    path: &str,
    violations: &mut Violations,
) -> Vec<Vec<Mount>> {
    let own: Vec<_> = containers
        .iter()
        .enumerate()
        .map(|(index, container)| own_mounts(container, volumes, &format!("{path}[{index}].mountPoints"), violations))
        .collect();
    let sources: Vec<_> = containers
        .iter()
        .enumerate()
        .map(|(index, container)| sources(container, containers, &format!("{path}[{index}].volumesFrom"), violations))
        .collect();
    (0..containers.len())
        .map(|index| {
            let mut mounts = BTreeMap::new();
            collect(index, false, &own, &sources, &mut BTreeSet::new(), &mut mounts);
            let mut mounts: Vec<_> = mounts.into_values().collect();
            // In the user's order, the own ones first.
            mounts.sort_by_key(|(order, _)| *order);
            mounts.into_iter().map(|(_, mount)| mount).collect()
        })
        .collect()
}

fn own_mounts(
    container: &ContainerDefinition,
    volumes: &[Volume],
    path: &str,
    violations: &mut Violations,
) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for (index, given) in container.mount_points.iter().flatten().enumerate() {
        let path = format!("{path}[{index}]");
        let name = given.source_volume.as_deref().unwrap_or_default();
        let volume = volumes.iter().position(|volume| volume.name == name);
        violations.require(
            volume.is_some(),
            "TD28",
            format_args!("{path}.sourceVolume"),
            format!("Unknown volume '{name}': add it to volumes, or correct sourceVolume."),
        );
        let target = given.container_path.as_deref().unwrap_or_default();
        check_path(target, &format!("{path}.containerPath"), violations);
        let is_first = mounts.iter().all(|mount: &Mount| mount.path != target);
        let message = format_args!("There is more than one mount at {target}: give each a path of its own.");
        violations.require(is_first, "OP18", format_args!("{path}.containerPath"), message);
        if let Some(volume) = volume {
            mounts.push(Mount { volume, path: target.to_owned(), read_only: given.read_only == Some(true) });
        }
    }
    mounts
}

fn check_path(target: &str, path: &str, violations: &mut Violations) {
    let message = format_args!("{target:?} is no absolute path in the container.");
    violations.require(is_absolute(target) && !has_parent(target), "TD28", path, message);
}

/// Indexes of the containers whose mounts a container takes, and whether it cannot write to them.
fn sources(
    container: &ContainerDefinition,
    containers: &[ContainerDefinition],
    path: &str,
    violations: &mut Violations,
) -> Vec<(usize, bool)> {
    let mut sources = Vec::new();
    for (index, given) in container.volumes_from.iter().flatten().enumerate() {
        let name = given.source_container.as_deref().unwrap_or_default();
        let source = containers.iter().position(|other| other.name == name);
        let message = format_args!("Unknown container '{name}': name one of spec.containerDefinitions.");
        violations.require(source.is_some(), "TD30", format_args!("{path}[{index}].sourceContainer"), message);
        sources.extend(source.map(|source| (source, given.read_only == Some(true))));
    }
    sources
}

type MountsByPath = BTreeMap<String, (usize, Mount)>;

/// Adds the mounts of a container and of those it takes from. At one path the nearest one wins, as in Docker.
fn collect(
    index: usize,
    read_only: bool,
    own: &[Vec<Mount>],
    sources: &[Vec<(usize, bool)>],
    seen: &mut BTreeSet<usize>,
    mounts: &mut MountsByPath,
) {
    if !seen.insert(index) {
        return;
    }
    for mount in &own[index] {
        let order = mounts.len();
        let inherited = Mount { read_only: mount.read_only || read_only, ..mount.clone() };
        mounts.entry(mount.path.clone()).or_insert((order, inherited));
    }
    for (source, source_read_only) in &sources[index] {
        collect(*source, read_only || *source_read_only, own, sources, seen, mounts);
    }
}

/// Checks the memory file systems of a container: `tmpfs` and `/dev/shm`.
#[must_use]
pub fn check_memory(
    definition: &ContainerDefinition,
    path: &str,
    violations: &mut Violations,
) -> Vec<MemoryFileSystem> {
    let Some(linux) = &definition.linux_parameters else { return Vec::new() };
    let path = format!("{path}.linuxParameters");
    let mut found = Vec::new();
    let shared = linux.shared_memory_size.unwrap_or(0);
    violations.require(
        shared >= 0,
        "TD40",
        format_args!("{path}.sharedMemorySize"),
        "sharedMemorySize is at least 0 MiB.",
    );
    if let Some(size) = mebibytes(shared) {
        found.push(MemoryFileSystem { path: "/dev/shm".into(), size: Some(size), read_only: false });
    }
    for (index, tmpfs) in linux.tmpfs.iter().flatten().enumerate() {
        let path = format!("{path}.tmpfs[{index}]");
        check_path(&tmpfs.container_path, &format!("{path}.containerPath"), violations);
        let size = mebibytes(tmpfs.size);
        violations.require(
            size.is_some(),
            "TD40",
            format_args!("{path}.size"),
            "The size of a tmpfs is at least 1 MiB.",
        );
        let read_only = tmpfs.mount_options.iter().flatten().any(|option| option == "ro");
        found.push(MemoryFileSystem { path: tmpfs.container_path.clone(), size, read_only });
    }
    found
}

/// Checks the files of a container.
#[must_use]
pub fn check_files(definition: &ContainerDefinition, path: &str, violations: &mut Violations) -> Vec<File> {
    let given = definition.kubernetes.iter().flat_map(|kubernetes| kubernetes.files.iter().flatten());
    let mut files = Vec::new();
    for (index, file) in given.enumerate() {
        let path = format!("{path}.kubernetes.files[{index}]");
        let message =
            format_args!("{:?} is no path of a file: it begins with /, names a file, and has no .. in it.", file.path);
        let is_file = file.path.starts_with('/') && !file.path.ends_with('/') && !has_parent(&file.path);
        violations.require(is_file, "OP17", format_args!("{path}.path"), message);
        let message = "A file has permissions from 0 to 0777.";
        let mode_is_valid = file.mode.is_none_or(|mode| (0..=0o777).contains(&mode));
        violations.require(mode_is_valid, "OP17", format_args!("{path}.mode"), message);
        if let Some(content) = content(file, &path, violations) {
            files.push(File { path: file.path.clone(), content, mode: file.mode });
        }
    }
    files
}

fn content(file: &ContainerFile, path: &str, violations: &mut Violations) -> Option<FileContent> {
    match (&file.text, &file.value_from) {
        (Some(text), None) => Some(FileContent::Text(text.clone())),
        (None, Some(reference)) => {
            check_reference(reference, format_args!("{path}.valueFrom"), violations).map(FileContent::Secret)
        }
        _ => {
            violations.add("OP17", path, "Give one of text and valueFrom.");
            None
        }
    }
}

/// Checks that no two things of a container are at one path (OP18): Kubernetes takes each path once.
pub fn check_paths<'a>(paths: impl Iterator<Item = &'a str>, path: &str, violations: &mut Violations) {
    let mut taken = BTreeSet::new();
    for each in paths {
        let trimmed = if each.len() > 1 { each.trim_end_matches(['/', '\\']) } else { each };
        let message = format_args!("There is more than one mount at {each}: give each a path of its own.");
        violations.require(taken.insert(trimmed), "OP18", path, message);
    }
}
