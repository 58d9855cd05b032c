//! What was accepted last of a service, kept beside its newest snapshot: by that its tasks are looked after when its spec is not
//! accepted any more. Pure.

use serde::{Deserialize, Serialize};

use crate::{
    api::service::EcsServiceSpec,
    ecs::{network_configuration::Groups, service},
    translate::names,
};

use super::{
    observe::Observed,
    validate::{Accepted, Target},
};

/// What was accepted last.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
struct LastAccepted {
    /// The cluster's name in ECS.
    cluster_name: String,
    /// The EcsCluster's name.
    cluster_object: String,
    /// Without `desiredCount`, which the status tells.
    spec: EcsServiceSpec,
}

/// What is kept of a service that is accepted.
pub(super) fn kept(spec: &EcsServiceSpec, cluster_name: &str, cluster_object: &str) -> Option<String> {
    let last = LastAccepted {
        cluster_name: cluster_name.into(),
        cluster_object: cluster_object.into(),
        spec: EcsServiceSpec { desired_count: None, ..spec.clone() },
    };
    serde_json::to_string(&last).ok()
}

/// The service as it was accepted last, with the deployment that it had then; `None` when it never was, or was so before that was kept.
pub(super) fn read(observed: &Observed) -> Option<Accepted> {
    // Where somebody has deleted the snapshot of what runs, or the cache is behind, what runs stays as it is.
    let is_known = |number: i64| observed.used_numbers().all(|used| used <= number);
    let newest = observed.newest_stored().filter(|newest| is_known(newest.snapshot.number))?;
    let LastAccepted { cluster_name, cluster_object, spec } =
        serde_json::from_str(newest.last_accepted.as_deref()?).ok()?;
    let service = service::check(&spec, &observed.name).ok()?;
    let content = &newest.snapshot.content;
    let groups = Groups::of(&service.security_groups, names::workload(&observed.name), content.network_mode);
    Some(Accepted {
        cluster_name,
        cluster_object,
        service,
        trigger: content.trigger.clone(),
        target: Target::Existing(newest.snapshot.number, None),
        groups,
        kept: newest.last_accepted.clone(),
    })
}
