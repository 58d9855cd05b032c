//! How often something has happened to the tasks of a deployment in a row, in rounds: what happens to tasks together has happened
//! once. The count is kept in the status, so that neither the number of tasks nor the end of their records changes it.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::SignedDuration};

use super::elapsed::since;

/// So soon after something has happened to a task it is seen, and the task in its place made. Times have whole seconds.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(2);

/// A number of rounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rounds {
    /// How many.
    pub count: u32,
    /// Tasks that were made up to then belong to those that are counted.
    pub up_to: Option<Time>,
}

impl Rounds {
    /// What a status says.
    #[must_use]
    pub fn of(count: i32, up_to: Option<&Time>) -> Self {
        Self { count: u32::try_from(count).unwrap_or(0), up_to: up_to.cloned() }
    }

    /// The count for a status.
    #[must_use]
    pub fn shown_count(&self) -> i32 {
        i32::try_from(self.count).unwrap_or(i32::MAX)
    }

    /// Whether what happens to a task that was made then belongs to a round that is not counted yet.
    #[must_use]
    pub fn is_of_next(&self, created_at: Option<&Time>) -> bool {
        match (created_at, &self.up_to) {
            (Some(created_at), Some(up_to)) => created_at.0 > up_to.0,
            _ => true,
        }
    }

    /// Whether a moment is later than the last round.
    #[must_use]
    pub fn is_before(&self, moment: &Time) -> bool {
        self.up_to
            .as_ref()
            .is_none_or(|up_to| since(up_to, moment) > Duration::try_from(SEEN_WITHIN).unwrap_or_default())
    }

    /// The count with what happens to a task that was made then.
    #[must_use]
    pub fn with(&self, created_at: Option<&Time>) -> u32 {
        self.count.saturating_add(u32::from(self.is_of_next(created_at))).max(1)
    }

    /// None in a row any more.
    #[must_use]
    pub fn ended(&self) -> Self {
        Self { count: 0, up_to: self.up_to.clone() }
    }

    /// One more, which has happened just now to tasks that were made then. All that are older belong to it too, but not the ones in
    /// their place, which may be there already.
    #[must_use]
    pub fn one_more<'a>(&self, made: impl IntoIterator<Item = Option<&'a Time>>, now: &Time) -> Self {
        let older = now.0.checked_sub(SEEN_WITHIN).ok();
        let made = made.into_iter().flatten().map(|made| made.0);
        Self { count: self.count.saturating_add(1), up_to: made.chain(older).max().map(Time) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn the_task_in_the_place_of_another_is_of_the_next_round_and_one_beside_it_is_not() {
        let once = Rounds::default().one_more([Some(&at(10))], &at(70));
        assert_eq!((once.count, &once.up_to), (1, &Some(at(68))));
        assert!(!once.is_of_next(Some(&at(10))) && !once.is_of_next(Some(&at(60))) && once.is_of_next(Some(&at(70))));
        let at_once = Rounds::default().one_more([Some(&at(70))], &at(70));
        assert!(!at_once.is_of_next(Some(&at(70))), "what is counted is counted once");
        assert_eq!((once.with(Some(&at(10))), once.with(Some(&at(70)))), (1, 2));
    }

    #[test]
    fn only_what_happens_after_a_round_ends_it() {
        let once = Rounds::default().one_more([Some(&at(10))], &at(70));
        assert!(!once.is_before(&at(70)) && once.is_before(&at(71)));
        assert_eq!(once.ended().count, 0);
    }
}
