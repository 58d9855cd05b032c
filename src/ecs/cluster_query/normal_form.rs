//! A query as its alternatives: any of them is enough, and all terms of one must hold. Negations go into the operators.

use super::{Query, Term};

/// Most alternatives of a query: their number grows with the power of its `or`s.
pub const MOST_ALTERNATIVES: usize = 32;

/// Terms that must all hold.
pub type Alternative = Vec<Term>;

/// A query has more alternatives than can be written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {MOST_ALTERNATIVES} alternatives when each or inside an and is written out")]
pub struct TooManyAlternatives;

impl Query {
    /// The alternatives of the query.
    ///
    /// # Errors
    /// When there are more than [`MOST_ALTERNATIVES`].
    pub fn alternatives(&self) -> Result<Vec<Alternative>, TooManyAlternatives> {
        alternatives(self, false)
    }

    /// The parts of the query that are joined by `and`, each as its alternatives.
    ///
    /// # Errors
    /// When one of them has more than [`MOST_ALTERNATIVES`].
    pub fn conjuncts(&self) -> Result<Vec<Vec<Alternative>>, TooManyAlternatives> {
        conjuncts(self, false)
    }
}

/// Every alternative of one side together with every one of the other: both sides must hold.
///
/// # Errors
/// When there are more than [`MOST_ALTERNATIVES`].
pub fn product<T: Clone>(left: &[Vec<T>], right: &[Vec<T>]) -> Result<Vec<Vec<T>>, TooManyAlternatives> {
    if left.len().saturating_mul(right.len()) > MOST_ALTERNATIVES {
        return Err(TooManyAlternatives);
    }
    Ok(left.iter().flat_map(|one| right.iter().map(move |other| [one.as_slice(), other].concat())).collect())
}

fn alternatives(query: &Query, negated: bool) -> Result<Vec<Alternative>, TooManyAlternatives> {
    conjuncts(query, negated)?.iter().try_fold(vec![Vec::new()], |before, conjunct| product(&before, conjunct))
}

fn conjuncts(query: &Query, negated: bool) -> Result<Vec<Vec<Alternative>>, TooManyAlternatives> {
    match (query, negated) {
        (Query::Term(term), false) => Ok(vec![vec![vec![term.clone()]]]),
        (Query::Term(term), true) => Ok(vec![vec![vec![term.negation()]]]),
        (Query::Not(operand), _) => conjuncts(operand, !negated),
        (Query::And(operands), false) | (Query::Or(operands), true) => {
            operands.iter().try_fold(Vec::new(), |mut all, operand| {
                all.extend(conjuncts(operand, negated)?);
                Ok(all)
            })
        }
        (Query::Or(operands), false) | (Query::And(operands), true) => Ok(vec![sum(operands, negated)?]),
    }
}

fn sum(operands: &[Query], negated: bool) -> Result<Vec<Alternative>, TooManyAlternatives> {
    let mut sum = Vec::new();
    for operand in operands {
        sum.extend(alternatives(operand, negated)?);
        if sum.len() > MOST_ALTERNATIVES {
            return Err(TooManyAlternatives);
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::cluster_query::samples::{self, holds, selects};
    use proptest::prelude::*;

    fn printed(text: &str) -> Result<Vec<String>, TooManyAlternatives> {
        let print =
            |alternative: &Alternative| alternative.iter().map(Term::to_string).collect::<Vec<_>>().join(" and ");
        Query::parse(text).unwrap().alternatives().map(|alternatives| alternatives.iter().map(print).collect())
    }

    #[test]
    fn alternatives_have_no_negations_and_no_parentheses() {
        for (text, expected) in [
            ("attribute:a == 1", vec!["attribute:a == 1"]),
            ("not attribute:a == 1", vec!["attribute:a != 1"]),
            ("not not attribute:a =~ x", vec!["attribute:a =~ x"]),
            (
                "attribute:a exists and (attribute:b > 1 or attribute:c in [x])",
                vec!["attribute:a exists and attribute:b > 1", "attribute:a exists and attribute:c in [x]"],
            ),
            (
                "not (attribute:a exists and (attribute:b > 1 or attribute:c in [x]))",
                vec!["attribute:a not_exists", "attribute:b <= 1 and attribute:c not_in [x]"],
            ),
        ] {
            assert_eq!(printed(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn as_many_alternatives_as_can_be_written_out() {
        let choice = "(attribute:a exists or attribute:b exists)";
        let choices = |count| vec![choice; count].join(" and ");
        assert_eq!(printed(&choices(5)).unwrap().len(), 32);
        assert_eq!(printed(&choices(6)), Err(TooManyAlternatives));
        assert_eq!(
            printed(&format!("not ({})", vec!["attribute:a exists"; 33].join(" and "))),
            Err(TooManyAlternatives)
        );
        assert_eq!(printed(&choices(40)), Err(TooManyAlternatives), "in no time");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(samples::CASES))]

        #[test]
        fn the_alternatives_select_what_the_query_selects(query in samples::attribute_query(), node in samples::node()) {
            if let Ok(alternatives) = query.alternatives() {
                let any = alternatives.iter().any(|terms| terms.iter().all(|term| holds(term, &node) == Some(true)));
                prop_assert_eq!(any, selects(&query, &node), "{} {:?}", query, node);
            }
        }
    }
}
