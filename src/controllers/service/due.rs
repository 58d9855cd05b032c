//! Whether a deployment is due: what runs is what was rendered when it was started, and a newer operator or changed surroundings
//! would render something else. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{decide::service_scheduler::Decision, translate::difference::paths_that_differ};

use super::{
    observe::Observed,
    plan::{Surroundings, snapshot_of},
    service_connect::hosts,
    validate::{Accepted, Target},
};

/// Most paths that are told.
const MOST_PATHS: usize = 5;

/// How a deployment that is started now would differ from the one that runs, or why it would not start; `None` where it would not differ,
/// or nobody knows.
pub(super) fn deployment_due(
    observed: &Observed,
    accepted: &Accepted,
    surroundings: Surroundings<'_>,
    decision: &Decision,
) -> Option<String> {
    let Target::Existing(number, Some(runs)) = &accepted.target else { return None };
    let stored = observed.snapshots.iter().find(|stored| stored.snapshot.number == *number)?;
    // One that has failed is not what runs.
    if decision.template.running() != *number {
        return None;
    }
    let runs = match runs {
        Ok(runs) => runs,
        Err(refusal) => return Some(format!("A deployment that is started now would be refused: {}", refusal.message)),
    };
    let now = snapshot_of(observed, accepted, surroundings, *number, runs);
    let paths = paths_that_differ(&stored.snapshot.content.template, &now.content.template, MOST_PATHS);
    (!paths.is_empty()).then(|| {
        format!(
            "A deployment that is started now differs in {}: a new value of spec.forceNewDeployment starts one.{}",
            paths.join(", "),
            hosts_that_differ(&stored.snapshot.content.template, &now.content.template)
        )
    })
}

/// The names of Service Connect that the tasks know otherwise than those of a new deployment would.
fn hosts_that_differ(then: &Value, now: &Value) -> String {
    let (then, now) = (hosts(then), hosts(now));
    let of = |what: &str, differs: &dyn Fn(&&String) -> bool| {
        let names: BTreeSet<_> =
            then.keys().chain(now.keys()).filter(|name| differs(name)).map(String::as_str).collect();
        let told: Vec<_> = names.into_iter().take(MOST_PATHS).collect();
        if told.is_empty() { String::new() } else { format!(" {what}: {}.", told.join(", ")) }
    };
    [
        of("They do not know yet", &|name| !then.contains_key(*name)),
        of("They know at an address that is gone", &|name| {
            then.get(*name).zip(now.get(*name)).is_some_and(|(then, now)| then != now)
        }),
        of("They know what is gone", &|name| !now.contains_key(*name)),
    ]
    .concat()
}
