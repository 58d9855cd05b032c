//! EcsTargetGroup -> its Service, and its HTTPRoute.

use crate::{
    api::target_group::{EcsTargetGroup, EcsTargetGroupSpec},
    ecs::{self, field_outcomes, target_port::TargetPort},
    translate::{
        owner::Owner,
        target_group::{LoadBalancer, http_route, service},
    },
};

use super::{
    Rendering,
    around::Around,
    input::Input,
    objects::{is_accepted, metadata, typed},
};

pub(super) fn target_group(input: &Input, spec: &EcsTargetGroupSpec, around: &Around<'_>, rendering: &mut Rendering) {
    rendering.tell(&input.label, field_outcomes::of_target_group(spec));
    let checked = ecs::target_group::check(spec, &input.name);
    if !is_accepted(input, checked.as_ref().err().cloned().unwrap_or_default(), rendering) {
        return;
    }
    let Ok(group) = checked else { return };
    let metadata = metadata(&input.name, Some(&input.namespace));
    let owner = Owner::of(&EcsTargetGroup { metadata, spec: spec.clone(), status: None });
    let load_balancer = LoadBalancer {
        namespace: &input.namespace,
        object: &input.name,
        owner: &owner,
        group: &group,
        kubernetes: &spec.kubernetes.clone().unwrap_or_default(),
        target_port: &TargetPort::Number(around.port_of(&input.namespace, &group.name).unwrap_or(group.port)),
    };
    rendering.objects.push(typed(&service(load_balancer)));
    rendering.objects.extend(http_route(load_balancer).map(|route| typed(&route)));
}
