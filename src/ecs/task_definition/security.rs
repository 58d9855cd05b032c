//! As whom a container runs, and what confines it: user, `dockerSecurityOptions`, the security context (OP03, OP04, OP16).

use crate::{
    api::{container_definition::ContainerDefinition, task_definition_kubernetes::ContainerSecurityContext},
    ecs::violation::Violations,
};

/// As whom a container runs, and what confines it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// User id of its first process.
    pub user: Option<i64>,
    /// Group id of its first process.
    pub group: Option<i64>,
    /// User name on Windows.
    pub windows_user: Option<String>,
    /// Whether it has the rights of the node's root.
    pub privileged: bool,
    /// Whether it cannot write to its own file system.
    pub read_only_root: bool,
    /// Whether a process cannot gain more rights than its parent; `None` for the runtime's default.
    pub privilege_escalation: Option<bool>,
    /// Its AppArmor profile.
    pub app_armor: Option<String>,
    /// Its SELinux label.
    pub se_linux: SeLinux,
    /// Its credential specification, on Windows.
    pub credential_spec: Option<String>,
}

/// An SELinux label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeLinux {
    /// `label:user:...`
    pub user: Option<String>,
    /// `label:role:...`
    pub role: Option<String>,
    /// `label:type:...`
    pub type_: Option<String>,
    /// `label:level:...`
    pub level: Option<String>,
}

/// Checks as whom a container runs, and what confines it.
#[must_use]
pub fn check(
    definition: &ContainerDefinition,
    path: &str,
    on_windows: bool,
    violations: &mut Violations,
) -> Confinement {
    let context = definition.kubernetes.as_ref().and_then(|kubernetes| kubernetes.security_context.clone());
    let context = context.unwrap_or_default();
    let mut confinement = Confinement {
        privileged: definition.privileged == Some(true),
        read_only_root: definition.readonly_root_filesystem == Some(true),
        privilege_escalation: context.allow_privilege_escalation,
        ..Confinement::default()
    };
    check_user(definition, &context, path, on_windows, &mut confinement, violations);
    for (index, option) in definition.docker_security_options.iter().flatten().enumerate() {
        let known = read_option(option, &mut confinement);
        let message = format_args!(
            "{option:?} has no counterpart: no-new-privileges, apparmor:PROFILE, label:user|role|type|level:VALUE and credentialspec:VALUE have."
        );
        violations.require(known, "OP04", format_args!("{path}.dockerSecurityOptions[{index}]"), message);
    }
    let specs = definition.credential_specs.as_deref().unwrap_or_default();
    let message = "A container has at most one credential specification.";
    violations.require(specs.len() <= 1, "OP04", format_args!("{path}.credentialSpecs"), message);
    confinement.credential_spec = confinement.credential_spec.or_else(|| specs.first().cloned());
    check_platform(definition, &confinement, path, on_windows, violations);
    confinement
}

fn check_user(
    definition: &ContainerDefinition,
    context: &ContainerSecurityContext,
    path: &str,
    on_windows: bool,
    confinement: &mut Confinement,
    violations: &mut Violations,
) {
    let given = definition.user.as_deref().filter(|user| !user.is_empty());
    if on_windows {
        let message = format_args!(
            "{:?} is no user of Windows: write NAME or DOMAIN\\NAME, with none of \" / : ; | = , + * ? < > @ [ ] in it.",
            given.unwrap_or_default()
        );
        violations.require(given.is_none_or(is_windows_user), "OP03", format_args!("{path}.user"), message);
        confinement.windows_user = given.map(str::to_owned);
        return;
    }
    let (user, group) = given.map_or((Id::Image, Id::Image), read_user);
    let is_known =
        (user != Id::Name || context.run_as_user.is_some()) && (group != Id::Name || context.run_as_group.is_some());
    let message = format_args!(
        "{:?} would have to be looked up in the image: write uid or uid:gid, or set kubernetes.securityContext.runAsUser (and runAsGroup) of the container.",
        given.unwrap_or_default()
    );
    violations.require(is_known, "OP03", format_args!("{path}.user"), message);
    confinement.user = context.run_as_user.or(user.number());
    confinement.group = context.run_as_group.or(group.number());
}

/// Whether Kubernetes takes it as runAsUserName.
fn is_windows_user(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_odd = |character: char| character.is_control() || r#""/:;|=,+*?<>@[]\"#.contains(character);
        !part.trim_matches(['.', ' ']).is_empty() && !part.contains(is_odd)
    };
    let (domain, name) = text.split_once('\\').map_or((None, text), |(domain, name)| (Some(domain), name));
    is_part(name) && name.len() <= 104 && domain.is_none_or(|domain| is_part(domain) && domain.len() <= 255)
}

/// A user or group as the user wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    /// Nothing: that of the image.
    Image,
    /// A number, or root, which is 0 everywhere.
    Number(i64),
    /// Any other name.
    Name,
}

impl Id {
    fn read(text: &str) -> Self {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<i64>() {
            Ok(number) if is_number && number <= 0x7fff_ffff => Self::Number(number),
            _ if text == "root" => Self::Number(0),
            _ => Self::Name,
        }
    }

    fn number(self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Image | Self::Name => None,
        }
    }
}

/// Reads `uid` and `uid:gid`.
fn read_user(text: &str) -> (Id, Id) {
    match text.split_once(':') {
        Some((user, group)) => (Id::read(user), Id::read(group)),
        None => (Id::read(text), Id::Image),
    }
}

/// Reads an option of Docker; whether it is known.
fn read_option(option: &str, confinement: &mut Confinement) -> bool {
    let (name, value) = option.split_once([':', '=']).unwrap_or((option, ""));
    match (name, value) {
        ("no-new-privileges", "" | "true") => confinement.privilege_escalation = Some(false),
        ("no-new-privileges", "false") => {}
        ("apparmor", profile) if !profile.is_empty() => confinement.app_armor = Some(profile.to_owned()),
        ("credentialspec", spec) if !spec.is_empty() => confinement.credential_spec = Some(spec.to_owned()),
        ("label", label) => return read_label(label, &mut confinement.se_linux),
        _ => return false,
    }
    true
}

fn read_label(label: &str, se_linux: &mut SeLinux) -> bool {
    let Some((member, value)) = label.split_once([':', '=']) else { return false };
    let member = match member {
        "user" => &mut se_linux.user,
        "role" => &mut se_linux.role,
        "type" => &mut se_linux.type_,
        "level" => &mut se_linux.level,
        _ => return false,
    };
    *member = Some(value.to_owned());
    !value.is_empty()
}

/// What Kubernetes takes on one operating system only, and what excludes each other there.
fn check_platform(
    definition: &ContainerDefinition,
    confinement: &Confinement,
    path: &str,
    on_windows: bool,
    violations: &mut Violations,
) {
    if !on_windows {
        let message = "Credential specifications need a Windows runtimePlatform: gMSA has no counterpart on Linux.";
        violations.require(
            confinement.credential_spec.is_none(),
            "OP04",
            format_args!("{path}.credentialSpecs"),
            message,
        );
        let message = "A privileged container may gain any right: remove privileged, or what forbids it to gain more (no-new-privileges, allowPrivilegeEscalation).";
        let excludes = confinement.privilege_escalation == Some(false) && confinement.privileged;
        violations.require(!excludes, "OP16", format_args!("{path}.privileged"), message);
        return;
    }
    let context = definition.kubernetes.as_ref().and_then(|kubernetes| kubernetes.security_context.as_ref());
    for (given, member) in [
        (confinement.privileged, "privileged"),
        (confinement.read_only_root, "readonlyRootFilesystem"),
        (confinement.app_armor.is_some() || confinement.se_linux != SeLinux::default(), "dockerSecurityOptions"),
        (confinement.privilege_escalation.is_some(), "dockerSecurityOptions"),
        (context.is_some(), "kubernetes.securityContext"),
        (definition.system_controls.as_ref().is_some_and(|controls| !controls.is_empty()), "systemControls"),
    ] {
        let message = format_args!("{member} needs Linux: remove it, or choose another runtimePlatform.");
        violations.require(!given, "OP16", format_args!("{path}.{member}"), message);
    }
}
