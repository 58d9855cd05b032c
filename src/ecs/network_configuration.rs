//! `networkConfiguration` of services and tasks: the rules that it keeps by itself (SV07) and with the network mode of the
//! task definition (SV06). What the subnets are is `subnet`'s.

use crate::api::{
    register_task_definition::NetworkMode,
    service::{AwsVpcConfiguration, NetworkConfiguration},
};

use super::violation::{Violation, Violations};

const PATH: &str = "spec.networkConfiguration.awsvpcConfiguration";

/// Most security groups of a task.
const MOST_SECURITY_GROUPS: usize = 5;

/// Most subnets of a task.
const MOST_SUBNETS: usize = 16;

/// What a network configuration names, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Ids of subnets.
    pub subnets: Vec<String>,
    /// Names of security groups.
    pub security_groups: Vec<String>,
}

/// Checks a network configuration.
///
/// No subnets are fine, unlike on ECS: any node will do then.
///
/// # Errors
/// Every rule that it breaks.
pub fn check(network: Option<&NetworkConfiguration>) -> Result<Named, Vec<Violation>> {
    let mut violations = Violations::new();
    let subnets = names(network, |awsvpc| awsvpc.subnets.as_ref());
    let message = format!("subnets can have at most {MOST_SUBNETS} items.");
    violations.require(subnets.len() <= MOST_SUBNETS, "SV07", format!("{PATH}.subnets"), message);
    check_names(&subnets, "subnets", "A subnet", &mut violations);
    let given = names(network, |awsvpc| awsvpc.security_groups.as_ref());
    check_names(&given, "securityGroups", "A security group", &mut violations);
    let groups = once(given);
    let message = format!("securityGroups can have at most {MOST_SECURITY_GROUPS} items.");
    violations.require(groups.len() <= MOST_SECURITY_GROUPS, "SV07", format!("{PATH}.securityGroups"), message);
    violations.or(Named { subnets: once(subnets), security_groups: groups })
}

fn once(names: Vec<&String>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        if !known.contains(name) {
            known.push(name.clone());
        }
    }
    known
}

/// The security groups that hold for a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// That of a task which names none: its service's own, or the default one of its cluster.
    Unnamed(String),
    /// Those that it names.
    Named(Vec<String>),
    /// None acts: network mode `none` is cut off by a policy of its own, `host` by nothing.
    None,
}

impl Groups {
    /// The groups of a task that names some, or none. `unnamed` is the one that it has then.
    #[must_use]
    pub fn of(named: &[String], unnamed: String, network_mode: Option<NetworkMode>) -> Self {
        match network_mode {
            Some(NetworkMode::None | NetworkMode::Host) => Self::None,
            _ if named.is_empty() => Self::Unnamed(unnamed),
            _ => Self::Named(named.to_vec()),
        }
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::Unnamed(name) => std::slice::from_ref(name),
            Self::Named(names) => names,
            Self::None => &[],
        }
    }
}

/// Whether there is something in it: an empty one is the same as none.
#[must_use]
pub fn is_given(network: Option<&NetworkConfiguration>) -> bool {
    network.is_some_and(|network| network.awsvpc_configuration.is_some())
}

/// Checks whether a network mode allows a network configuration (SV06).
///
/// One that is missing is accepted in awsvpc, unlike on ECS (SV05): the pod network has no subnets to choose from.
///
/// # Errors
/// When there is one that the mode does not allow.
pub fn check_mode(is_given: bool, network_mode: Option<NetworkMode>) -> Result<(), Violation> {
    if is_given && network_mode != Some(NetworkMode::Awsvpc) {
        let message = "Network Configuration is not valid for the given networkMode of this task definition. Remove it, or set networkMode to awsvpc in the task definition.";
        return Err(Violation::new("SV06", "spec.networkConfiguration", message));
    }
    Ok(())
}

fn names(
    network: Option<&NetworkConfiguration>,
    member: impl Fn(&AwsVpcConfiguration) -> Option<&Vec<String>>,
) -> Vec<&String> {
    let awsvpc = network.and_then(|network| network.awsvpc_configuration.as_ref());
    awsvpc.and_then(member).into_iter().flatten().collect()
}

fn check_names(names: &[&String], member: &str, what: &str, violations: &mut Violations) {
    for (index, name) in names.iter().enumerate() {
        let message = format!("{what} has a name: give one, or remove the entry.");
        violations.require(!name.is_empty(), "SV07", format!("{PATH}.{member}[{index}]"), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(awsvpc: &Value) -> Result<Named, Vec<String>> {
        let network = serde_json::from_value(json!({ "awsvpcConfiguration": awsvpc })).unwrap();
        check(Some(&network)).map_err(|violations| {
            let told = violations.into_iter().map(|violation| format!("{} {}", violation.rule, violation.path));
            told.collect()
        })
    }

    #[test]
    fn groups_and_subnets_are_named_once_each() {
        assert_eq!(check(None), Ok(Named::default()));
        assert_eq!(checked(&json!({"subnets": []})), Ok(Named::default()));
        let groups = checked(&json!({"securityGroups": ["a", "b", "a"]})).unwrap().security_groups;
        assert_eq!(groups, ["a", "b"]);
        assert_eq!(
            checked(&json!({"securityGroups": ["a", "b", "c", "d", "e", "a"]})).unwrap().security_groups.len(),
            5
        );
        assert_eq!(checked(&json!({"subnets": ["b", "a", "b"]})).unwrap().subnets, ["b", "a"]);
    }

    #[test]
    fn bounds_and_empty_names_are_told() {
        let many = |count: usize| (0..count).map(|index| format!("n-{index}")).collect::<Vec<_>>();
        for (awsvpc, told) in [
            (json!({"securityGroups": many(6)}), "securityGroups"),
            (json!({"securityGroups": ["a", ""]}), "securityGroups[1]"),
            (json!({"subnets": many(17)}), "subnets"),
            (json!({"subnets": [""]}), "subnets[0]"),
        ] {
            let told = vec![format!("SV07 {PATH}.{told}")];
            assert_eq!(checked(&awsvpc), Err(told), "{awsvpc}");
        }
        assert!(checked(&json!({"subnets": many(16)})).is_ok());
    }

    #[test]
    fn only_awsvpc_allows_one() {
        for (given, mode, is_allowed) in [
            (true, Some(NetworkMode::Awsvpc), true),
            (false, Some(NetworkMode::Awsvpc), true),
            (false, None, true),
            (true, None, false),
            (true, Some(NetworkMode::Bridge), false),
            (true, Some(NetworkMode::None), false),
        ] {
            assert_eq!(check_mode(given, mode).is_ok(), is_allowed, "{given} {mode:?}");
        }
    }
}
