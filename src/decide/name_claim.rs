//! Who has a family: two TaskDefinitions of one Namespace may not register revisions of the same.

/// A TaskDefinition that claims a family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FamilyClaim {
    /// When it was created, in seconds since 1970; an earlier one wins.
    pub created: i64,
    /// Whether it has not got the family yet: of two of the same second the one that has it keeps it.
    pub newcomer: bool,
    /// Decides between two newcomers of the same second.
    pub uid: String,
    /// The object's name.
    pub name: String,
}

/// The claim that has the family: the oldest.
#[must_use]
pub fn holder(claims: impl IntoIterator<Item = FamilyClaim>) -> Option<FamilyClaim> {
    claims.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_has_the_family() {
        let claim = |created, newcomer, uid: &str| FamilyClaim { created, newcomer, uid: uid.into(), name: uid.into() };
        assert_eq!(holder([claim(2, false, "a"), claim(1, true, "c"), claim(1, true, "b")]).unwrap().uid, "b");
        assert_eq!(holder([claim(1, false, "c"), claim(1, true, "b")]).unwrap().uid, "c");
        assert_eq!(holder([]), None);
    }
}
