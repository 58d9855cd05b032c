//! Whether a task definition has to be registered again, and under which number. Numbers are never reused: the highest of
//! each family is recorded, with what it was given to, before the revision is created.

use serde::{Deserialize, Serialize};

use crate::api::task_definition_revision::LARGEST_REVISION;

/// What matters of a revision that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRevision {
    /// Its number.
    pub number: i64,
    /// Hash of its content.
    pub content: String,
    /// UID of the TaskDefinition that it came from.
    pub task_definition_uid: String,
}

impl ObservedRevision {
    /// What is known of a revision's name that somebody else has taken: its number cannot be given.
    #[must_use]
    pub fn of_somebody(number: i64) -> Self {
        Self { number, content: String::new(), task_definition_uid: String::new() }
    }
}

/// The highest number of a family. While its revision is being created it says for what: that survives a crash, and makes
/// two operators who race for a number get the same one for the same content.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NumberClaim {
    /// The number.
    pub revision: i64,
    /// What the number is for, until the revision exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// The content that a number was given to.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// Hash of the content.
    pub content: String,
    /// UID of the TaskDefinition.
    pub task_definition_uid: String,
}

impl NumberClaim {
    /// Whether the number is one that can have been given, or none yet.
    #[must_use]
    pub fn is_in_bounds(&self) -> bool {
        (0..=LARGEST_REVISION).contains(&self.revision)
    }

    /// The claim once its revision exists: from then on the number belongs to nobody.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { revision: self.revision, pending: None }
    }
}

/// What to do with the content of a task definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The newest revision that came from it has this content.
    Current(i64),
    /// A new revision is due.
    Due,
}

/// Compares the content with the newest revision, in whatever state, that came from the same TaskDefinition. Going back to
/// an old content is a new revision, as on ECS.
#[must_use]
pub fn registration(content: &str, task_definition_uid: &str, revisions: &[ObservedRevision]) -> Registration {
    revisions
        .iter()
        .filter(|revision| revision.task_definition_uid == task_definition_uid)
        .max_by_key(|revision| revision.number)
        .filter(|newest| newest.content == content)
        .map_or(Registration::Due, |newest| Registration::Current(newest.number))
}

/// The claim for new content: the last claim itself when it was made for this content and its revision was never created,
/// else the next number above all that are known; `None` when there is no number left.
///
/// `last` must have been read before `revisions`, or a revision that was created in between is counted as missing.
#[must_use]
pub fn claim(
    content: &str,
    task_definition_uid: &str,
    last: Option<&NumberClaim>,
    revisions: &[ObservedRevision],
) -> Option<NumberClaim> {
    let pending = Some(Pending { content: content.into(), task_definition_uid: task_definition_uid.into() });
    let highest = revisions.iter().map(|revision| revision.number).max().unwrap_or(0);
    match last {
        Some(last) if last.revision > highest && last.pending == pending => Some(last.clone()),
        last => {
            let next = last.map_or(0, |last| last.revision).max(highest).checked_add(1)?;
            Some(NumberClaim { revision: next, pending }).filter(NumberClaim::is_in_bounds)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn revision(number: i64, content: &str, uid: &str) -> ObservedRevision {
        ObservedRevision { number, content: content.into(), task_definition_uid: uid.into() }
    }

    fn claim(content: &str, uid: &str, last: Option<&NumberClaim>, revisions: &[ObservedRevision]) -> NumberClaim {
        super::claim(content, uid, last, revisions).unwrap()
    }

    #[test]
    fn equal_content_is_no_new_revision_and_old_content_is() {
        let revisions = [revision(1, "a", "u"), revision(2, "b", "u"), revision(3, "a", "other")];
        assert_eq!(registration("b", "u", &revisions), Registration::Current(2));
        assert_eq!(registration("a", "u", &revisions), Registration::Due);
        assert_eq!(registration("a", "new", &revisions), Registration::Due);
        assert_eq!(registration("a", "u", &[]), Registration::Due);
    }

    #[test]
    fn a_claim_that_was_not_used_is_used_by_its_content_only() {
        let pending = Some(Pending { content: "b".into(), task_definition_uid: "u".into() });
        let last = NumberClaim { revision: 2, pending };
        assert_eq!(claim("b", "u", Some(&last), &[revision(1, "a", "u")]).revision, 2);
        assert_eq!(claim("c", "u", Some(&last), &[revision(1, "a", "u")]).revision, 3);
        assert_eq!(claim("b", "v", Some(&last), &[revision(1, "a", "u")]).revision, 3);
    }

    #[test]
    fn a_number_whose_name_somebody_has_taken_is_passed_over() {
        let first = claim("a", "u", None, &[]);
        assert_eq!(claim("a", "u", Some(&first), &[ObservedRevision::of_somebody(first.revision)]).revision, 2);
    }

    #[test]
    fn numbers_go_on_after_everything_was_deleted() {
        let last = claim("a", "u", Some(&NumberClaim { revision: 6, pending: None }), &[]);
        assert_eq!(last.revision, 7);
        assert_eq!(claim("a", "u", Some(&last.settled()), &[]).revision, 8);
    }

    #[test]
    fn there_is_no_number_above_the_largest() {
        let settled = |revision: i64| NumberClaim { revision, pending: None };
        let before = settled(LARGEST_REVISION - 1);
        assert_eq!(claim("a", "u", Some(&before), &[]).revision, LARGEST_REVISION);
        for number in [LARGEST_REVISION, LARGEST_REVISION + 1, i64::MAX] {
            assert_eq!(super::claim("a", "u", Some(&settled(number)), &[]), None);
            assert_eq!(super::claim("a", "u", None, &[revision(number, "b", "u")]), None);
        }
        // A claim for the largest one is still used.
        let last = claim("a", "u", Some(&before), &[]);
        assert_eq!(super::claim("a", "u", Some(&last), &[]), Some(last));
        assert!(settled(0).is_in_bounds() && settled(LARGEST_REVISION).is_in_bounds());
        assert!(!settled(-1).is_in_bounds() && !settled(i64::MAX).is_in_bounds());
    }

    proptest! {
        /// Any sequence of edits, with operators that crash between the claim and the creation, and revisions that vanish.
        #[test]
        fn no_number_is_ever_given_twice(steps in proptest::collection::vec((0_u8..4, any::<bool>(), any::<bool>()), 1..60)) {
            let mut last: Option<NumberClaim> = None;
            let mut revisions: Vec<ObservedRevision> = Vec::new();
            let mut given = std::collections::BTreeSet::new();
            for (content, crash, wipe) in steps {
                let content = content.to_string();
                if wipe { revisions.clear(); }
                if registration(&content, "u", &revisions) == Registration::Due {
                    let claimed = claim(&content, "u", last.as_ref(), &revisions);
                    prop_assert!(last.as_ref().is_none_or(|last| claimed.revision >= last.revision));
                    last = Some(claimed.clone());
                    if !crash {
                        prop_assert!(given.insert(claimed.revision), "{} again", claimed.revision);
                        last = Some(claimed.settled());
                        revisions.push(revision(claimed.revision, &content, "u"));
                    }
                }
            }
        }
    }
}
