//! What Kubernetes calls the things that a document names, where the report tells it: objects that stand for things of AWS, and
//! what has to be called otherwise. All other names of what the operator makes are in `translate::names`.

use super::{
    arn::last_segment,
    hash::short_hash,
    slug::{HASH_DIGITS, slug},
};

/// Longest DNS label: namespaces, containers, label values.
const LABEL: usize = 63;

/// Longest name of a port.
const PORT: usize = 15;

/// Longest name of most objects of Kubernetes.
const OBJECT: usize = 253;

/// The ServiceAccount of a role. Its prefix keeps task definitions off ServiceAccounts that were not made for them.
#[must_use]
pub fn service_account(role: &str) -> String {
    format!("ecs-role-{}", slug(role, 200))
}

/// The Secret that stands for a secret of Secrets Manager or a parameter of SSM.
#[must_use]
pub fn secret(name: &str) -> String {
    slug(name, OBJECT)
}

/// The ConfigMap that stands for a file of environment variables: bucket and key of an object in S3.
#[must_use]
pub fn environment_file(object: &str) -> String {
    slug(object, OBJECT)
}

/// The PersistentVolumeClaim that stands for a file system or access point.
#[must_use]
pub fn claim(id: &str) -> String {
    slug(id, OBJECT)
}

/// The object that stands for a credential specification: `credentialspec:ARN`, a path or an ARN, of which the last part counts.
#[must_use]
pub fn credential_spec(given: &str) -> String {
    let arn = given.find("arn:").map_or(given, |at| &given[at..]);
    let last = last_segment(arn).rsplit(['/', '\\', ':']).next().unwrap_or_default();
    slug(last.trim_end_matches(".json"), OBJECT)
}

/// The Namespace of a cluster that names none: `ecs-default`.
#[must_use]
pub fn namespace(cluster: &str) -> String {
    format!("ecs-{}", slug(cluster, LABEL - "ecs-".len()))
}

/// A value of one of our labels.
#[must_use]
pub fn label_value(text: &str) -> String {
    slug(text, LABEL)
}

/// The host name of a task.
#[must_use]
pub fn hostname(name: &str) -> String {
    slug(name, LABEL)
}

/// A volume of a task.
#[must_use]
pub fn volume(name: &str) -> String {
    slug(name, LABEL)
}

/// A container.
#[must_use]
pub fn container(name: &str) -> String {
    slug(name, LABEL)
}

/// A port of a container: at most 15 characters, at least one letter, no `--`.
#[must_use]
pub fn container_port(name: &str) -> String {
    let slugged = slug(name, PORT);
    if slugged.contains("--") || !slugged.contains(|character: char| character.is_ascii_lowercase()) {
        format!("port-{}", short_hash(name, HASH_DIGITS))
    } else {
        slugged
    }
}

/// The port of a container that a target group sends traffic to, where it has no name of its own: the same for every number.
#[must_use]
pub fn target_port(target_group: &str) -> String {
    format!("tg-{}", short_hash(target_group, HASH_DIGITS))
}

/// A port of a Service: its own name, else `tcp-80`. A name that a port without one could have, such as `tcp-81`, gets a
/// hash, unless it is the one that this port would have.
#[must_use]
pub fn service_port(name: Option<&str>, protocol: &str, port: u16) -> String {
    let unnamed = format!("{}-{port}", protocol.to_ascii_lowercase());
    match name {
        None => unnamed,
        Some(name) if name != unnamed && is_name_of_unnamed(name) => {
            format!("{name}-{}", short_hash(name, HASH_DIGITS))
        }
        Some(name) => slug(name, LABEL),
    }
}

fn is_name_of_unnamed(name: &str) -> bool {
    let number = ["tcp-", "udp-"].iter().find_map(|protocol| name.strip_prefix(protocol));
    number.is_some_and(|number| number.parse::<u16>().is_ok())
}

/// Whether an object of Kubernetes can have a name: up to 253 lower-case letters, digits, `-` and dots.
#[must_use]
pub fn is_object_name(text: &str) -> bool {
    text.len() <= OBJECT && text.split('.').all(is_name_part)
}

/// Whether a Namespace can have a name: up to 63 lower-case letters, digits and `-`.
#[must_use]
pub fn is_label(text: &str) -> bool {
    text.len() <= LABEL && is_name_part(text)
}

fn is_name_part(part: &str) -> bool {
    let is_end = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    bytes.iter().all(|byte| is_end(byte) || *byte == b'-')
        && bytes.first().is_some_and(is_end)
        && bytes.last().is_some_and(is_end)
}

/// A name of a label, with what may stand before the slash.
#[must_use]
pub fn is_label_name(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    !name.is_empty() && is_label_value(name) && prefix.is_none_or(is_object_name)
}

/// A value of a label, which may be empty.
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let is_end = |end: Option<&u8>| end.is_none_or(u8::is_ascii_alphanumeric);
    text.len() <= 63 && bytes.iter().all(is_inner) && is_end(bytes.first()) && is_end(bytes.last())
}
