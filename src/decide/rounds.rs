//! How often something has happened to the tasks of a deployment in a row, in rounds: what happens to tasks together has happened
//! once. The count is kept in the status, so that neither the number of tasks nor the end of their records changes it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// A number of rounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rounds {
    /// How many.
    pub count: u32,
    /// When the last one was counted. Tasks that were made before belong to it or to an earlier one.
    pub last: Option<Time>,
}

impl Rounds {
    /// What a status says.
    #[must_use]
    pub fn of(count: i32, last: Option<&Time>) -> Self {
        Self { count: u32::try_from(count).unwrap_or(0), last: last.cloned() }
    }

    /// The count for a status.
    #[must_use]
    pub fn shown_count(&self) -> i32 {
        i32::try_from(self.count).unwrap_or(i32::MAX)
    }

    /// Whether what happens to a task that was made then belongs to a round that is not counted yet.
    #[must_use]
    pub fn is_of_next(&self, created_at: Option<&Time>) -> bool {
        match (created_at, &self.last) {
            (Some(created_at), Some(last)) => created_at.0 > last.0,
            _ => true,
        }
    }

    /// The count with what happens to a task that was made then.
    #[must_use]
    pub fn with(&self, created_at: Option<&Time>) -> u32 {
        self.count.saturating_add(u32::from(self.is_of_next(created_at))).max(1)
    }

    /// None in a row any more.
    #[must_use]
    pub fn ended(&self) -> Self {
        Self { count: 0, last: self.last.clone() }
    }

    /// One more.
    #[must_use]
    pub fn one_more(&self, now: &Time) -> Self {
        Self { count: self.count.saturating_add(1), last: Some(now.clone()) }
    }
}
