//! Whether a deployment is due: what runs is what was rendered when it was started, and a newer operator or changed surroundings
//! would render something else. Pure.

use crate::{decide::service_scheduler::Decision, translate::difference::paths_that_differ};

use super::{
    observe::Observed,
    plan::{Surroundings, snapshot_of},
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
            "A deployment that is started now differs in {}: a new value of spec.forceNewDeployment starts one.",
            paths.join(", ")
        )
    })
}
