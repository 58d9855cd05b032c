//! Who has a name that two objects of one Namespace may not have: the family of TaskDefinitions, the name of a role or of a target group.

use kube::ResourceExt;

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

impl NameClaim {
    /// What an object claims. `newcomer` is whether it has not got the name yet.
    #[must_use]
    pub fn of(object: &impl ResourceExt, newcomer: bool) -> Self {
        let created = object.creation_timestamp().map_or(0, |created| created.0.as_second());
        Self { created, newcomer, uid: object.uid().unwrap_or_default(), name: object.name_any() }
    }
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
