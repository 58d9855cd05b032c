//! Which revisions of a family may go: inactive ones that nothing uses, beyond a number that is kept.

/// How many inactive revisions that nothing uses are kept, unless the task definition says otherwise.
pub const DEFAULT_LIMIT: usize = 20;

/// What matters of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetainedRevision {
    /// Its number.
    pub number: i64,
    /// Whether it has been deregistered.
    pub inactive: bool,
    /// Whether a service names or runs it, or its TaskDefinition compares its content with it.
    pub in_use: bool,
}

/// Numbers of the revisions that may go, the oldest ones first.
#[must_use]
pub fn obsolete(revisions: &[RetainedRevision], limit: usize) -> Vec<i64> {
    let mut unused: Vec<_> = revisions
        .iter()
        .filter(|revision| revision.inactive && !revision.in_use)
        .map(|revision| revision.number)
        .collect();
    unused.sort_unstable();
    unused.truncate(unused.len().saturating_sub(limit));
    unused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_inactive_ones_that_nothing_uses_go_and_the_oldest_first() {
        let revision = |number, inactive, in_use| RetainedRevision { number, inactive, in_use };
        let revisions = [
            revision(5, true, false),
            revision(1, true, false),
            revision(2, false, false),
            revision(3, true, true),
            revision(4, true, false),
        ];
        assert_eq!(obsolete(&revisions, 1), [1, 4]);
        assert_eq!(obsolete(&revisions, 0), [1, 4, 5]);
        assert_eq!(obsolete(&revisions, 3), [0; 0]);
    }
}
