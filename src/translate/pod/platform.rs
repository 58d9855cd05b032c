//! What the node of a task must be: operating system, processor, and the labels that the user asks for.

use k8s_openapi::api::core::v1::PodOS;

use crate::{
    api::runtime::{CpuArchitecture, OperatingSystemFamily},
    ecs::task_definition::TaskDefinition,
};

use super::super::labels::Labels;

/// Labels that the node must have.
#[must_use]
pub fn node_selector(definition: &TaskDefinition) -> Labels {
    let mut selector = Labels::new();
    let architecture = definition.platform.architecture.or_else(|| {
        // What Fargate runs on unless it is told otherwise.
        definition.runs_on_fargate().then_some(CpuArchitecture::X8664)
    });
    if let Some(architecture) = architecture {
        let name = match architecture {
            CpuArchitecture::X8664 => "amd64",
            CpuArchitecture::Arm64 => "arm64",
        };
        selector.insert("kubernetes.io/arch".into(), name.into());
    }
    if let Some(family) = definition.platform.operating_system {
        selector.insert("kubernetes.io/os".into(), os(definition).into());
        if let Some(build) = windows_build(family) {
            selector.insert("node.kubernetes.io/windows-build".into(), build.into());
        }
    }
    selector.extend(definition.kubernetes.node_selector.clone().unwrap_or_default());
    selector
}

/// The operating system, where one was asked for.
#[must_use]
pub fn operating_system(definition: &TaskDefinition) -> Option<PodOS> {
    definition.platform.operating_system.map(|_| PodOS { name: os(definition).into() })
}

fn os(definition: &TaskDefinition) -> &'static str {
    if definition.platform.is_windows() { "windows" } else { "linux" }
}

/// The build of a Windows, as its nodes are labelled. Core and Full have the same.
fn windows_build(family: OperatingSystemFamily) -> Option<&'static str> {
    use OperatingSystemFamily as Family;
    match family {
        Family::Linux => None,
        Family::WindowsServer2016Full => Some("10.0.14393"),
        Family::WindowsServer2019Full | Family::WindowsServer2019Core => Some("10.0.17763"),
        Family::WindowsServer2004Core => Some("10.0.19041"),
        Family::WindowsServer20h2Core => Some("10.0.19042"),
        Family::WindowsServer2022Full | Family::WindowsServer2022Core => Some("10.0.20348"),
        Family::WindowsServer2025Full | Family::WindowsServer2025Core => Some("10.0.26100"),
    }
}
