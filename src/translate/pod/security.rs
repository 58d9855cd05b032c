//! As whom the containers of a Pod run, and what confines them.

use k8s_openapi::api::core::v1::{
    AppArmorProfile, Capabilities, PodSecurityContext, SELinuxOptions, SeccompProfile as KubernetesSeccompProfile,
    SecurityContext, Sysctl, WindowsSecurityContextOptions,
};

use crate::{
    api::task_definition_kubernetes::{SeccompProfile, SeccompProfileType},
    ecs::task_definition::{TaskDefinition, container::Container, security::Confinement},
};

use super::super::names;

/// What holds for the whole Pod: kernel parameters, and what the user asks for.
#[must_use]
pub fn of_task(definition: &TaskDefinition) -> Option<PodSecurityContext> {
    let given = definition.kubernetes.security_context.clone().unwrap_or_default();
    let sysctls: Vec<_> = definition
        .system_controls
        .iter()
        .map(|(name, value)| Sysctl { name: name.clone(), value: value.clone() })
        .collect();
    let context = PodSecurityContext {
        fs_group: given.fs_group,
        supplemental_groups: given.supplemental_groups.filter(|groups| !groups.is_empty()),
        run_as_non_root: given.run_as_non_root,
        seccomp_profile: given.seccomp_profile.as_ref().map(seccomp),
        sysctls: (!sysctls.is_empty()).then_some(sysctls),
        ..Default::default()
    };
    (context != PodSecurityContext::default()).then_some(context)
}

/// What holds for one container.
#[must_use]
pub fn of_container(container: &Container) -> Option<SecurityContext> {
    let confinement = &container.confinement;
    let given = container.kubernetes.security_context.clone().unwrap_or_default();
    let context = SecurityContext {
        run_as_user: confinement.user,
        run_as_group: confinement.group,
        run_as_non_root: given.run_as_non_root,
        privileged: confinement.privileged.then_some(true),
        read_only_root_filesystem: confinement.read_only_root.then_some(true),
        allow_privilege_escalation: confinement.privilege_escalation,
        capabilities: capabilities(container),
        app_armor_profile: confinement.app_armor.as_deref().map(app_armor),
        se_linux_options: se_linux(confinement),
        seccomp_profile: given.seccomp_profile.as_ref().map(seccomp),
        windows_options: windows(confinement),
        ..Default::default()
    };
    (context != SecurityContext::default()).then_some(context)
}

fn capabilities(container: &Container) -> Option<Capabilities> {
    let some = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
    let capabilities =
        Capabilities { add: some(&container.capabilities.add), drop: some(&container.capabilities.drop) };
    (capabilities != Capabilities::default()).then_some(capabilities)
}

fn app_armor(profile: &str) -> AppArmorProfile {
    match profile {
        "unconfined" => AppArmorProfile { type_: "Unconfined".into(), localhost_profile: None },
        name => AppArmorProfile { type_: "Localhost".into(), localhost_profile: Some(name.to_owned()) },
    }
}

fn se_linux(confinement: &Confinement) -> Option<SELinuxOptions> {
    let label = confinement.se_linux.clone();
    let options = SELinuxOptions { user: label.user, role: label.role, type_: label.type_, level: label.level };
    (options != SELinuxOptions::default()).then_some(options)
}

fn windows(confinement: &Confinement) -> Option<WindowsSecurityContextOptions> {
    let options = WindowsSecurityContextOptions {
        run_as_user_name: confinement.windows_user.clone(),
        gmsa_credential_spec_name: confinement.credential_spec.as_deref().map(names::credential_spec),
        ..Default::default()
    };
    (options != WindowsSecurityContextOptions::default()).then_some(options)
}

fn seccomp(profile: &SeccompProfile) -> KubernetesSeccompProfile {
    let type_ = match profile.type_ {
        SeccompProfileType::RuntimeDefault => "RuntimeDefault",
        SeccompProfileType::Unconfined => "Unconfined",
        SeccompProfileType::Localhost => "Localhost",
    };
    KubernetesSeccompProfile { type_: type_.into(), localhost_profile: profile.localhost_profile.clone() }
}
