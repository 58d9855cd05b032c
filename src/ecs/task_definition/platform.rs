//! What a task runs on (TD40, TD46, TD48, OP04, OP16), and the rules of what stands beside its containers: the proxy
//! (TD37), accelerators (TD38), tags (TD45).

use std::collections::BTreeSet;

use crate::{
    api::{
        register_task_definition::RegisterTaskDefinition,
        runtime::{CpuArchitecture, IsolationMode, OperatingSystemFamily, ProxyConfiguration, Tag},
    },
    ecs::violation::Violations,
};

/// What a task runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// `None` for any.
    pub architecture: Option<CpuArchitecture>,
    /// `None` for Linux that was not asked for by name.
    pub operating_system: Option<OperatingSystemFamily>,
}

impl Platform {
    /// Whether it is a Windows.
    #[must_use]
    pub fn is_windows(self) -> bool {
        !matches!(self.operating_system, None | Some(OperatingSystemFamily::Linux))
    }
}

/// Reads what a task runs on, and checks what goes with it.
#[must_use]
pub fn check(definition: &RegisterTaskDefinition, violations: &mut Violations) -> Platform {
    let given = definition.runtime_platform.clone().unwrap_or_default();
    let platform = Platform { architecture: given.cpu_architecture, operating_system: given.operating_system_family };
    check_isolation(definition, violations);
    if platform.is_windows() {
        check_windows(definition, violations);
    }
    let accelerators = definition.inference_accelerators.as_deref().unwrap_or_default();
    let message = "Unsupported field 'inferenceAccelerators'";
    violations.require(accelerators.is_empty(), "TD38", "spec.inferenceAccelerators", message);
    platform
}

fn check_isolation(definition: &RegisterTaskDefinition, violations: &mut Violations) {
    const PATH: &str = "spec.trustedExecutionConfiguration";
    let Some(given) = &definition.trusted_execution_configuration else { return };
    let message = "The isolation mode CONFIDENTIAL_SANDBOX needs an attestationPolicy.";
    let has_policy = given.isolation_mode != IsolationMode::ConfidentialSandbox || given.attestation_policy.is_some();
    violations.require(has_policy, "TD46", format_args!("{PATH}.attestationPolicy"), message);
    let runtime_class = definition.kubernetes.as_ref().and_then(|kubernetes| kubernetes.runtime_class_name.as_ref());
    let message = "A sandbox is a RuntimeClass of the Kubernetes cluster: name it in spec.kubernetes.runtimeClassName.";
    let has_class = given.isolation_mode == IsolationMode::Shared || runtime_class.is_some();
    violations.require(has_class, "OP04", format_args!("{PATH}.isolationMode"), message);
}

/// What a Pod on Windows does not have.
fn check_windows(definition: &RegisterTaskDefinition, violations: &mut Violations) {
    let security = definition.kubernetes.as_ref().and_then(|kubernetes| kubernetes.security_context.as_ref());
    for (given, member) in [
        (definition.pid_mode.is_some(), "pidMode"),
        (definition.ipc_mode.is_some(), "ipcMode"),
        (security.is_some(), "kubernetes.securityContext"),
    ] {
        let message = format_args!("{member} needs Linux: remove it, or choose another runtimePlatform.");
        violations.require(!given, "OP16", format_args!("spec.{member}"), message);
    }
    for (index, container) in definition.container_definitions.iter().flatten().enumerate() {
        let path = format!("spec.containerDefinitions[{index}].linuxParameters");
        let message = "linuxParameters are not supported on Windows.";
        violations.require(container.linux_parameters.is_none(), "TD40", path, message);
    }
}

/// Checks the proxy of App Mesh (TD37).
pub fn check_proxy(
    proxy: &ProxyConfiguration,
    is_container: impl Fn(&str) -> bool,
    is_awsvpc: bool,
    violations: &mut Violations,
) {
    const PATH: &str = "spec.proxyConfiguration";
    violations.require(is_awsvpc, "TD37", PATH, "A proxyConfiguration needs networkMode=awsvpc.");
    let message = format_args!("Unknown container '{}': name one of spec.containerDefinitions.", proxy.container_name);
    violations.require(is_container(&proxy.container_name), "TD37", format_args!("{PATH}.containerName"), message);
    let has = |name: &str| proxy.properties.iter().flatten().any(|property| property.name.as_deref() == Some(name));
    let mut missing: Vec<_> = ["AppPorts", "EgressIgnoredIPs", "ProxyEgressPort", "ProxyIngressPort"]
        .into_iter()
        .filter(|name| !has(name))
        .collect();
    if !has("IgnoredUID") && !has("IgnoredGID") {
        missing.push("IgnoredUID or IgnoredGID");
    }
    let message = format_args!("Properties of the proxy are missing: {}", missing.join(", "));
    violations.require(missing.is_empty(), "TD37", format_args!("{PATH}.properties"), message);
}

/// Most tags of an object.
const MOST_TAGS: usize = 50;

/// Checks tags (TD45).
pub fn check_tags(tags: &[Tag], path: &str, violations: &mut Violations) {
    violations.require(
        tags.len() <= MOST_TAGS,
        "TD45",
        path,
        format!("There are at most {MOST_TAGS} tags, not {}.", tags.len()),
    );
    let mut keys = BTreeSet::new();
    let valid =
        |text: &str| text.chars().all(|character| character.is_alphanumeric() || " _.:/=+-@".contains(character));
    for (index, tag) in tags.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let (key, value) = (tag.key.as_deref().unwrap_or_default(), tag.value.as_deref().unwrap_or_default());
        let in_bounds = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
        let message = "A tag has a key of 1 to 128 and a value of up to 256 letters, digits, spaces and _.:/=+-@.";
        violations.require(in_bounds && valid(key) && valid(value), "TD45", &path, message);
        let message = "Keys of tags cannot begin with aws:, which AWS keeps for itself.";
        violations.require(!key.to_ascii_lowercase().starts_with("aws:"), "TD45", format_args!("{path}.key"), message);
        violations.require(
            keys.insert(key),
            "TD45",
            format_args!("{path}.key"),
            format!("Tag {key:?} is there twice."),
        );
    }
}
