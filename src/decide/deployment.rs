//! Which deployment of a service runs: the newest snapshot, a new one, or the one before while ECS could not deploy.

use crate::ecs::deployment_limits::DeploymentLimits;

/// The deployment that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The newest snapshot was started with the same values.
    Existing(i64),
    /// A value has changed: a new deployment, of this number.
    New(i64),
}

/// Compares the values that start a deployment with those of the newest snapshot, which is known by its number. `used` are the
/// numbers that workload and tasks have: none is given again when its snapshot has been deleted.
#[must_use]
pub fn wanted<T: PartialEq>(trigger: &T, newest: Option<(i64, &T)>, used: impl IntoIterator<Item = i64>) -> Wanted {
    match newest {
        Some((number, started)) if started == trigger => Wanted::Existing(number),
        newest => {
            let highest = newest.map(|(number, _)| number).into_iter().chain(used).max();
            Wanted::New(highest.unwrap_or(0).saturating_add(1))
        }
    }
}

/// The snapshot whose template the workload gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// That of the wanted deployment.
    Wanted(i64),
    /// That of another one: the percentages allow neither to start nor to stop a task, or nodes refuse the tasks of the wanted one.
    Held {
        /// What runs.
        running: i64,
        /// What would run.
        waiting: i64,
    },
}

impl Template {
    /// Number of the deployment whose template the workload gets.
    #[must_use]
    pub fn running(self) -> i64 {
        match self {
            Self::Wanted(number) | Self::Held { running: number, .. } => number,
        }
    }

    /// Number of the deployment that is wanted.
    #[must_use]
    pub fn newest(self) -> i64 {
        match self {
            Self::Wanted(number) | Self::Held { waiting: number, .. } => number,
        }
    }
}

/// Decides which template the workload gets. `applied` is the number of the snapshot that it has; `None` when there is no
/// workload yet: the first tasks of a service may start whatever the percentages say.
#[must_use]
pub fn template(wanted: i64, applied: Option<i64>, limits: DeploymentLimits) -> Template {
    match applied {
        Some(running) if running != wanted && limits == DeploymentLimits::Blocked => {
            Template::Held { running, waiting: wanted }
        }
        _ => Template::Wanted(wanted),
    }
}

/// How many old snapshots are kept besides those in use.
const HISTORY: usize = 10;

/// Numbers of the snapshots that may go: not in use and not among the newest.
#[must_use]
pub fn obsolete(numbers: &[i64], in_use: &[i64]) -> Vec<i64> {
    let mut newest_first = numbers.to_vec();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    newest_first.into_iter().skip(HISTORY).filter(|number| !in_use.contains(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_starts_when_a_value_changes() {
        let newest = Some((2, &"b"));
        assert_eq!(wanted(&"b", newest, [2]), Wanted::Existing(2));
        assert_eq!(wanted(&"a", newest, [2]), Wanted::New(3), "also when it ran before");
        assert_eq!(wanted(&"a", None, []), Wanted::New(1));
        assert_eq!(wanted(&"a", newest, [3, 5, 1]), Wanted::New(6), "the snapshots were deleted");
    }

    #[test]
    fn a_blocked_deployment_leaves_the_old_template() {
        let rolling = DeploymentLimits::Rolling { surge: 1, unavailable: 0 };
        assert_eq!(template(2, Some(1), rolling), Template::Wanted(2));
        assert_eq!(template(2, Some(1), DeploymentLimits::Blocked), Template::Held { running: 1, waiting: 2 });
        assert_eq!(template(2, Some(2), DeploymentLimits::Blocked), Template::Wanted(2));
        assert_eq!(template(1, None, DeploymentLimits::Blocked), Template::Wanted(1));
    }

    #[test]
    fn snapshots_in_use_and_the_newest_stay() {
        let numbers: Vec<i64> = (1..=14).collect();
        assert_eq!(obsolete(&numbers, &[2]), [4, 3, 1]);
        assert_eq!(obsolete(&[1, 2], &[]), [0; 0]);
    }
}
