//! The operators of the cluster query language: how they are written and which negates which.

use std::fmt;

/// What is between a subject and its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The subject is there.
    Exists,
    /// The subject is not there.
    NotExists,
    /// The subject is one of several values.
    In,
    /// The subject is none of several values.
    NotIn,
    /// The subject against one value.
    Compare(Comparison),
}

/// An operator that takes one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same text.
    Equals,
    /// Another text, or none.
    NotEquals,
    /// A greater number, version or time.
    GreaterThan,
    /// The same or a greater one.
    GreaterThanEqual,
    /// A smaller number, version or time.
    LessThan,
    /// The same or a smaller one.
    LessThanEqual,
    /// A text that a regular expression of Java matches.
    Matches,
    /// A text that it does not match, or none.
    NotMatches,
}

use Comparison::{Equals, GreaterThan, GreaterThanEqual, LessThan, LessThanEqual, Matches, NotEquals, NotMatches};

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 12] = [
        Self::Compare(Equals),
        Self::Compare(NotEquals),
        Self::Compare(GreaterThan),
        Self::Compare(GreaterThanEqual),
        Self::Compare(LessThan),
        Self::Compare(LessThanEqual),
        Self::Exists,
        Self::NotExists,
        Self::In,
        Self::NotIn,
        Self::Compare(Matches),
        Self::Compare(NotMatches),
    ];

    /// The two ways to write the operator; the first is the one that is printed.
    #[must_use]
    pub fn spellings(self) -> (&'static str, &'static str) {
        match self {
            Self::Exists => ("exists", "exists"),
            Self::NotExists => ("not_exists", "!exists"),
            Self::In => ("in", "in"),
            Self::NotIn => ("not_in", "!in"),
            Self::Compare(Equals) => ("==", "equals"),
            Self::Compare(NotEquals) => ("!=", "not_equals"),
            Self::Compare(GreaterThan) => (">", "greater_than"),
            Self::Compare(GreaterThanEqual) => (">=", "greater_than_equal"),
            Self::Compare(LessThan) => ("<", "less_than"),
            Self::Compare(LessThanEqual) => ("<=", "less_than_equal"),
            Self::Compare(Matches) => ("=~", "matches"),
            Self::Compare(NotMatches) => ("!~", "not_matches"),
        }
    }

    /// The operator that is written so.
    #[must_use]
    pub fn spelled(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| {
            let (first, second) = operator.spellings();
            text == first || text == second
        })
    }
}

impl Comparison {
    /// The comparison that holds where this one does not. An order has a meaning only where there is something to
    /// compare: where a number is missing, neither `>` nor `<=` holds.
    #[must_use]
    pub fn negation(self) -> Self {
        match self {
            Equals => NotEquals,
            NotEquals => Equals,
            GreaterThan => LessThanEqual,
            GreaterThanEqual => LessThan,
            LessThan => GreaterThanEqual,
            LessThanEqual => GreaterThan,
            Matches => NotMatches,
            NotMatches => Matches,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spellings().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_of_one_operator() {
        for operator in Operator::ALL {
            let (first, second) = operator.spellings();
            assert_eq!([Operator::spelled(first), Operator::spelled(second)], [Some(operator); 2]);
        }
        assert_eq!(Operator::spelled("="), None);
        assert_eq!(Operator::spelled("EQUALS"), None);
    }

    #[test]
    fn a_negation_of_a_negation_is_the_operator_itself() {
        for operator in Operator::ALL {
            if let Operator::Compare(comparison) = operator {
                assert_ne!(comparison.negation(), comparison);
                assert_eq!(comparison.negation().negation(), comparison);
            }
        }
    }
}
