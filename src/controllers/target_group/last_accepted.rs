//! What was accepted last of a target group, kept on its Service: by that its targets are reached when its spec is not accepted any
//! more. Pure.

use kube::ResourceExt;

use crate::{
    api::target_group::{EcsTargetGroupKubernetes, EcsTargetGroupSpec},
    translate::labels,
};

use super::{Accepted, observe::Observed};

/// What is kept: of a spec that is not accepted what was kept before. Annotations, of which there may be many, are not checked and
/// need not be kept.
pub(super) fn kept(observed: &Observed, is_refused: bool) -> Option<String> {
    if is_refused {
        return before(observed).map(str::to_owned);
    }
    let spec = &observed.group.spec;
    let kubernetes = spec.kubernetes.clone();
    let kubernetes = kubernetes.map(|kubernetes| EcsTargetGroupKubernetes { annotations: None, ..kubernetes });
    serde_json::to_string(&EcsTargetGroupSpec { kubernetes, ..spec.clone() }).ok()
}

/// The target group as it was accepted last; `None` when it never was, when somebody has deleted its Service, and when it has lost its
/// name to another one.
pub(super) fn read(observed: &Observed) -> Option<Accepted> {
    let mut spec: EcsTargetGroupSpec = serde_json::from_str(before(observed)?).ok()?;
    let now = observed.group.spec.kubernetes.as_ref();
    if let Some(annotations) = now.and_then(|kubernetes| kubernetes.annotations.clone()) {
        spec.kubernetes.get_or_insert_default().annotations = Some(annotations);
    }
    observed.other_holder().is_none().then(|| Accepted::of(&spec, &observed.name).ok()).flatten()
}

fn before(observed: &Observed) -> Option<&str> {
    let service = observed.service.as_deref().filter(|service| observed.owner.controls(*service))?;
    service.annotations().get(labels::LAST_ACCEPTED).map(String::as_str)
}
