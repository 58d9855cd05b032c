//! Every name that the operator generates. ECS allows 255 characters, upper case and `_`; Kubernetes mostly 63 lower-case
//! ones. A name that fits stays as it is; one that does not is cut and gets a hash of the original.

use crate::ecs::content_hash::short_hash;

/// Longest DNS label: namespaces, containers, label values.
const LABEL: usize = 63;

/// Longest name of what becomes a label or the prefix of other names (a Deployment's Pods).
const PREFIX: usize = 52;

/// Longest name of a port.
const PORT: usize = 15;

const HASH_DIGITS: usize = 8;

/// A lower-case DNS label of at most `longest` characters for any text; texts that differ keep differing.
#[must_use]
pub fn slug(text: &str, longest: usize) -> String {
    let replaced: String = text
        .chars()
        .map(|character| match character.to_ascii_lowercase() {
            lower @ ('a'..='z' | '0'..='9' | '-') => lower,
            _ => '-',
        })
        .collect();
    let trimmed = replaced.trim_matches('-');
    if trimmed == text && text.len() <= longest {
        return text.into();
    }
    let kept: String = trimmed.chars().take(longest.saturating_sub(HASH_DIGITS + 1)).collect();
    let kept = kept.trim_end_matches('-');
    let hash = short_hash(text, HASH_DIGITS);
    if kept.is_empty() { hash } else { format!("{kept}-{hash}") }
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

/// The snapshot of a service's deployment: `web-1`.
#[must_use]
pub fn snapshot(service_object: &str, number: i64) -> String {
    format!("{}-{number}", workload(service_object))
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

/// The label that Pods of a security group carry; the part behind the slash has at most 63 characters.
#[must_use]
pub fn security_group_label(security_group: &str) -> String {
    const NAME: &str = "security-group.";
    format!("{}/{NAME}{}", crate::api::GROUP, slug(security_group, LABEL - NAME.len()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        assert_eq!(security_group_label("web"), "ecs-operator.dev/security-group.web");
        assert_eq!(service_port(None, "TCP", 80), "tcp-80");
        assert_eq!(service_port(Some("tcp-80"), "TCP", 80), "tcp-80");
        assert_eq!(service_port(Some("tcp-81"), "TCP", 80), format!("tcp-81-{}", short_hash("tcp-81", 8)));
    }

    proptest! {
        #[test]
        fn generated_names_are_valid(text in "[A-Za-z0-9_.-]{1,255}") {
            for (name, longest) in [
                (slug(&text, LABEL), LABEL), (namespace(&text), LABEL), (workload(&text), PREFIX),
                (container(&text), LABEL), (container_port(&text), PORT), (service_port(Some(&text), "TCP", 80), LABEL),
                (network_policy(&text), 253), (isolation_policy(&text), 253), (revision_number_key(&text).to_lowercase().replace(['_', '.'], "x").trim_matches('-').to_owned() + "x", 254),
            ] {
                prop_assert!(is_dns_label(&name) && name.len() <= longest, "{name}");
            }
            prop_assert!(workload(&text).starts_with(|first: char| first.is_ascii_lowercase()));
            prop_assert!(container_port(&text).contains(|character: char| character.is_ascii_lowercase()));
            prop_assert!(!container_port(&text).contains("--"));
            prop_assert!(security_group_label(&text).split_once('/').unwrap().1.len() <= 63);
        }

        #[test]
        fn names_that_differ_keep_differing(one in "[A-Za-z0-9_-]{1,80}", other in "[A-Za-z0-9_-]{1,80}") {
            prop_assume!(one != other);
            prop_assert_ne!(slug(&one, LABEL), slug(&other, LABEL));
            prop_assert_ne!(workload(&one), workload(&other));
        }
    }
}
