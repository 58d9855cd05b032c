//! Every name that the operator generates. ECS allows 255 characters, upper case and `_`; Kubernetes mostly 63 lower-case
//! ones. A name that fits stays as it is; one that does not is cut and gets a hash of the original.

use crate::{
    api::GROUP,
    ecs::{
        hash::short_hash,
        slug::{HASH_DIGITS, slug},
    },
};

pub use crate::ecs::object_names::{
    claim, container, container_port, credential_spec, environment_file, hostname, label_value, namespace, secret,
    service_account, service_port, volume,
};

/// The EcsSecurityGroup of the tasks of a cluster that name none.
pub const DEFAULT_SECURITY_GROUP: &str = "default";

/// The ServiceAccount of the tasks that have no task role.
pub const NO_ROLE: &str = "ecs-no-role";

/// Longest DNS label: namespaces, containers, label values.
const LABEL: usize = 63;

/// Longest name of what becomes a label or the prefix of other names (a Deployment's Pods).
const PREFIX: usize = 52;

/// An object that stands for a family.
#[must_use]
pub fn object(family: &str) -> String {
    slug(family, PREFIX)
}

/// The TaskDefinitionRevision of a family: `web.3`.
#[must_use]
pub fn revision(family: &str, revision: i64) -> String {
    format!("{}.{revision}", slug(family, 230))
}

/// The entry of a family in the ConfigMap of revision numbers, whose keys have at most 253 characters.
#[must_use]
pub fn revision_number_key(family: &str) -> String {
    if family.len() <= 253 { family.into() } else { slug(family, 253) }
}

/// The Deployment, the Service and the security group of an EcsService: its own name where that is a DNS label. A
/// Service's name has to begin with a letter.
#[must_use]
pub fn workload(service_object: &str) -> String {
    if service_object.starts_with(|first: char| first.is_ascii_lowercase()) {
        slug(service_object, PREFIX)
    } else {
        let cut = slug(service_object, PREFIX - "s-".len() - HASH_DIGITS - 1);
        format!("s-{cut}-{}", short_hash(service_object, HASH_DIGITS))
    }
}

/// The Pod of an EcsTask, and the value of the label by which it is found: the EcsTask's own name where that is a DNS label,
/// because a Pod's name is its host name as well. A Deployment names its Pods itself; a Pod that has the name already belongs
/// to somebody else and is told from the task's by its owner.
#[must_use]
pub fn task_pod(task_object: &str) -> String {
    slug(task_object, LABEL)
}

/// The snapshot of a service's deployment: `web-1`.
#[must_use]
pub fn snapshot(service_object: &str, number: i64) -> String {
    format!("{}-{number}", workload(service_object))
}

/// The id of a task in ECS's form: the UID of what stands for it, without dashes.
#[must_use]
pub fn task_id(uid: &str) -> String {
    uid.replace('-', "")
}

/// The NetworkPolicy of a security group.
#[must_use]
pub fn network_policy(security_group: &str) -> String {
    format!("ecs-security-group-{}", slug(security_group, 200))
}

/// The NetworkPolicy that cuts off the tasks of a service in network mode `none`.
#[must_use]
pub fn isolation_policy(service_object: &str) -> String {
    format!("ecs-network-mode-none-{}", workload(service_object))
}

/// The same for a task that runs by itself. No workload's name has the dot.
#[must_use]
pub fn isolation_policy_of_task(task_object: &str) -> String {
    format!("ecs-network-mode-none-task.{}", task_pod(task_object))
}

/// How the label begins that Pods of a security group carry, and that of a target group.
const SECURITY_GROUP: &str = "security-group.";
const TARGET_GROUP: &str = "target-group.";

/// The label that Pods of a security group carry; the part behind the slash has at most 63 characters.
#[must_use]
pub fn security_group_label(security_group: &str) -> String {
    format!("{GROUP}/{SECURITY_GROUP}{}", slug(security_group, LABEL - SECURITY_GROUP.len()))
}

/// Whether it is one of either.
#[must_use]
pub fn is_label_of_group(label: &str) -> bool {
    let name = label.strip_prefix(GROUP).and_then(|label| label.strip_prefix('/'));
    name.is_some_and(|name| name.starts_with(SECURITY_GROUP) || name.starts_with(TARGET_GROUP))
}

/// The label that Pods carry which are registered with a target group; the part behind the slash has at most 63 characters.
#[must_use]
pub fn target_group_label(target_group: &str) -> String {
    format!("{GROUP}/{TARGET_GROUP}{}", slug(target_group, LABEL - TARGET_GROUP.len()))
}

/// The Service and the HTTPRoute of a target group. A service of the same name has a Service as well.
#[must_use]
pub fn target_group(target_group: &str) -> String {
    const NAME: &str = "tg-";
    format!("{NAME}{}", slug(target_group, LABEL - NAME.len()))
}

/// The Service of an endpoint of Service Connect. A service has one of a name in each namespace, another service may have it in another.
#[must_use]
pub fn endpoint(service_object: &str, namespace: &str, dns_name: &str) -> String {
    const NAME: &str = "sc-";
    let cut = slug(&dns_name.replace('.', "-"), LABEL - NAME.len() - HASH_DIGITS - 1);
    format!("{NAME}{cut}-{}", short_hash(&format!("{service_object}/{namespace}/{dns_name}"), HASH_DIGITS))
}

/// The label of a node that stands for an attribute of a container instance: `attr.ecs-operator.dev/rack`. Where the name
/// of the attribute cannot be the name of a label, its slug is.
#[must_use]
pub fn attribute_label(attribute: &str) -> String {
    let is_end = |character: char| character.is_ascii_alphanumeric();
    let fits = attribute.len() <= LABEL
        && attribute.starts_with(is_end)
        && attribute.ends_with(is_end)
        && attribute.chars().all(|character| is_end(character) || "-_.".contains(character));
    let name = if fits { attribute.into() } else { slug(attribute, LABEL) };
    format!("attr.{GROUP}/{name}")
}

/// What a volume is made for that only one container sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeOf {
    /// A memory file system.
    Memory,
    /// A device of the node.
    Device,
    /// A file.
    File,
}

/// The n-th volume of its kind that only one container sees.
#[must_use]
pub fn volume_of(container: &str, of: VolumeOf, index: usize) -> String {
    let of = match of {
        VolumeOf::Memory => "memory",
        VolumeOf::Device => "device",
        VolumeOf::File => "file",
    };
    format!("ecs-{of}-{index}-{}", slug(container, 48))
}

/// The folder of a node that stands for a Docker volume which stays there.
#[must_use]
pub fn shared_volume_path(volume: &str) -> String {
    format!("/var/lib/ecs-operator/volumes/{volume}")
}

/// The annotation of a Pod with the text of a container's n-th file.
#[must_use]
pub fn file_annotation(container: &str, index: usize) -> String {
    format!("{GROUP}/file.{}.{index}", slug(container, 52))
}

/// The annotation of a Pod with the Docker labels of a container, in JSON.
#[must_use]
pub fn docker_labels_annotation(container: &str) -> String {
    format!("{GROUP}/docker-labels.{}", slug(container, 49))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Longest name of a port.
    const PORT: usize = 15;

    fn is_dns_label(text: &str) -> bool {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    }

    #[test]
    fn names_that_fit_stay_and_others_get_a_hash() {
        assert_eq!(slug("web-1", 63), "web-1");
        assert_eq!(slug("Web_1", 63), format!("web-1-{}", short_hash("Web_1", 8)));
        assert_eq!(slug("___", 63), short_hash("___", 8));
        assert_eq!(namespace("default"), "ecs-default");
        assert_eq!(revision("web", 3), "web.3");
        assert_eq!(workload("web"), "web");
        assert!(workload("1web").starts_with("s-1web"));
        assert_eq!(task_pod("migrate-1"), "migrate-1");
        assert_eq!(task_pod("migrate.1"), format!("migrate-1-{}", short_hash("migrate.1", 8)));
        assert_eq!(task_id("5f0c1c5e-0d5b-4f6b-9a35-2f1f4ad1a0d1"), "5f0c1c5e0d5b4f6b9a352f1f4ad1a0d1");
        assert_eq!(isolation_policy_of_task("migrate"), "ecs-network-mode-none-task.migrate");
        assert_eq!(security_group_label("web"), "ecs-operator.dev/security-group.web");
        assert_eq!(target_group_label("web"), "ecs-operator.dev/target-group.web");
        assert_eq!(target_group("web"), "tg-web");
        assert_eq!(attribute_label("Rack_1.a"), "attr.ecs-operator.dev/Rack_1.a");
        assert_eq!(attribute_label("_a"), format!("attr.ecs-operator.dev/a-{}", short_hash("_a", 8)));
        assert_eq!(service_port(None, "TCP", 80), "tcp-80");
        assert_eq!(service_port(Some("tcp-80"), "TCP", 80), "tcp-80");
        assert_eq!(service_port(Some("tcp-81"), "TCP", 80), format!("tcp-81-{}", short_hash("tcp-81", 8)));
    }

    proptest! {
        #[test]
        fn generated_names_are_valid(text in "[A-Za-z0-9_.-]{1,255}") {
            for (name, longest) in [
                (slug(&text, LABEL), LABEL), (namespace(&text), LABEL), (workload(&text), PREFIX), (task_pod(&text), LABEL),
                (container(&text), LABEL), (container_port(&text), PORT), (service_port(Some(&text), "TCP", 80), LABEL),
                (network_policy(&text), 253), (isolation_policy(&text), 253), (service_account(&text), 253),
                (secret(&text), 253), (volume(&text), LABEL), (target_group(&text), LABEL), (endpoint("web", "shop", &text), LABEL), (volume_of(&text, VolumeOf::Device, 49), LABEL), (revision_number_key(&text).to_lowercase().replace(['_', '.'], "x").trim_matches('-').to_owned() + "x", 254),
            ] {
                prop_assert!(is_dns_label(&name) && name.len() <= longest, "{name}");
            }
            prop_assert!(workload(&text).starts_with(|first: char| first.is_ascii_lowercase()));
            prop_assert!(container_port(&text).contains(|character: char| character.is_ascii_lowercase()));
            prop_assert!(!container_port(&text).contains("--"));
            prop_assert!(security_group_label(&text).split_once('/').unwrap().1.len() <= 63);
            prop_assert!(target_group_label(&text).split_once('/').unwrap().1.len() <= 63);
            let attribute = attribute_label(&text).to_lowercase().replace(['_', '.'], "x");
            prop_assert!(is_dns_label(attribute.split_once('/').unwrap().1) && attribute.len() <= 63 + 22, "{attribute}");
            for annotation in [file_annotation(&text, 49), docker_labels_annotation(&text)] {
                prop_assert!(annotation.split_once('/').unwrap().1.len() <= 63, "{annotation}");
            }
        }

        #[test]
        fn names_that_differ_keep_differing(one in "[A-Za-z0-9_-]{1,80}", other in "[A-Za-z0-9_-]{1,80}") {
            prop_assume!(one != other);
            prop_assert_ne!(slug(&one, LABEL), slug(&other, LABEL));
            prop_assert_ne!(workload(&one), workload(&other));
            prop_assert_ne!(isolation_policy_of_task(&one), isolation_policy_of_task(&other));
            prop_assert_ne!(isolation_policy_of_task(&one), isolation_policy(&format!("task-{one}")));
        }
    }
}
