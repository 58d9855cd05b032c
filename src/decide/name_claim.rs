//! Who has a name that two objects of one Namespace may not have: the family of TaskDefinitions, the name of a role.

/// An object that claims a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameClaim {
    /// When it was created, in seconds since 1970; an earlier one wins.
    pub created: i64,
    /// Whether it has not got the name yet: of two of the same second the one that has it keeps it.
    pub newcomer: bool,
    /// Decides between two newcomers of the same second.
    pub uid: String,
    /// The object's name.
    pub name: String,
}

/// The claim that has the name: the oldest.
#[must_use]
pub fn holder(claims: impl IntoIterator<Item = NameClaim>) -> Option<NameClaim> {
    claims.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_has_the_name() {
        let claim = |created, newcomer, uid: &str| NameClaim { created, newcomer, uid: uid.into(), name: uid.into() };
        assert_eq!(holder([claim(2, false, "a"), claim(1, true, "c"), claim(1, true, "b")]).unwrap().uid, "b");
        assert_eq!(holder([claim(1, false, "c"), claim(1, true, "b")]).unwrap().uid, "c");
        assert_eq!(holder([]), None);
    }
}
