//! EcsRole -> ServiceAccount.

use crate::{
    api::role::{EcsRole, EcsRoleSpec},
    ecs,
    translate::{owner::Owner, service_account},
};

use super::{
    Rendering,
    input::Input,
    objects::{is_accepted, metadata, typed},
};

pub(super) fn role(input: &Input, spec: &EcsRoleSpec, rendering: &mut Rendering) {
    let violations = ecs::role::check(spec, &input.name).err().unwrap_or_default();
    if !is_accepted(input, violations, rendering) {
        return;
    }
    let metadata = metadata(&input.name, Some(&input.namespace));
    let owner = Owner::of(&EcsRole { metadata, spec: spec.clone(), status: None });
    let name = ecs::role::name(spec, &input.name);
    rendering.objects.push(typed(&service_account::of_role(&input.namespace, name, spec, &owner)));
}
