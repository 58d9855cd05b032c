//! Who has a family: two TaskDefinitions of one Namespace may not register revisions of the same.

/// A TaskDefinition that claims a family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FamilyClaim {
    /// When it was created, in seconds since 1970; an earlier one wins.
    pub created: i64,
    /// Decides between two of the same second.
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
        let claim = |created, uid: &str| FamilyClaim { created, uid: uid.into(), name: uid.into() };
        assert_eq!(holder([claim(2, "a"), claim(1, "c"), claim(1, "b")]).unwrap().uid, "b");
        assert_eq!(holder([]), None);
    }
}
