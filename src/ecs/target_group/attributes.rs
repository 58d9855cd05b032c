//! Attributes of a target group, those that have an effect here (TG07). What becomes of the others is told by `field_outcomes`.

use crate::{
    api::target_group::{LoadBalancerKind, TargetGroupAttribute},
    ecs::violation::Violations,
};

/// Seconds for which a target that leaves keeps its connections.
pub const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";
/// Whether targets see the addresses of clients.
pub const PRESERVE_CLIENT_IP: &str = "preserve_client_ip.enabled";
/// Whether a client keeps its target.
pub const STICKINESS: &str = "stickiness.enabled";
/// What a client is known by.
pub const STICKINESS_TYPE: &str = "stickiness.type";

const ADDRESSES_ALONE: &str =
    "Clients are known by their addresses alone here: set stickiness.type to source_ip, or take stickiness out.";
const NO_COOKIES: &str = "An application load balancer keeps no client at its target here: take stickiness out, or configure it at the Gateway.";

/// Most seconds of a deregistration delay.
const LONGEST_DELAY: u32 = 3600;

/// What the attributes say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) deregistration_delay: Option<u32>,
    pub(super) preserves_client_ip: bool,
    pub(super) sticks_to_source_ip: bool,
}

/// Reads them.
pub(super) fn check(
    given: &[TargetGroupAttribute],
    load_balancer: LoadBalancerKind,
    violations: &mut Violations,
) -> Attributes {
    let mut attributes = Attributes::default();
    let value_of = |key: &str| given.iter().find(|attribute| attribute.key == key).and_then(|it| it.value.as_deref());
    for (index, TargetGroupAttribute { key, value }) in given.iter().enumerate() {
        let (path, value) = (format!("spec.attributes[{index}].value"), value.as_deref().unwrap_or_default());
        match key.as_str() {
            DEREGISTRATION_DELAY => {
                let delay = super::health::number(value).filter(|seconds| *seconds <= LONGEST_DELAY);
                let message = format_args!("{DEREGISTRATION_DELAY} is a number of seconds from 0 to {LONGEST_DELAY}.");
                violations.require(delay.is_some(), "TG07", path, message);
                attributes.deregistration_delay = delay;
            }
            PRESERVE_CLIENT_IP => attributes.preserves_client_ip = switch(key, value, &path, violations),
            STICKINESS if switch(key, value, &path, violations) => {
                let by_source = value_of(STICKINESS_TYPE) == Some("source_ip");
                let (holds, message) = match load_balancer {
                    LoadBalancerKind::Application => (false, NO_COOKIES),
                    LoadBalancerKind::Internal | LoadBalancerKind::Network => (by_source, ADDRESSES_ALONE),
                };
                violations.require(holds, "TG07", path, message);
                attributes.sticks_to_source_ip = holds;
            }
            _ => {}
        }
    }
    attributes
}

fn switch(key: &str, value: &str, path: &str, violations: &mut Violations) -> bool {
    violations.require(
        ["true", "false"].contains(&value),
        "TG07",
        path,
        format_args!("{key} is \"true\" or \"false\"."),
    );
    value == "true"
}
