//! The cluster query language of ECS: `attribute:rack in [a, b] and not (task:group == database)`. `parser` reads it,
//! `normal_form` writes out its alternatives; what Kubernetes can make of a query is `placement`.

mod normal_form;
mod operator;
mod parser;
#[cfg(test)]
pub(crate) mod samples;
mod subject;
mod syntax_error;

use std::fmt;

pub use normal_form::{Alternative, MOST_ALTERNATIVES, TooManyAlternatives, product};
pub use operator::{Comparison, Operator};
pub use subject::Subject;
pub use syntax_error::{Expected, SyntaxError};

/// A query: what selects container instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// One comparison.
    Term(Term),
    /// What the other does not select.
    Not(Box<Query>),
    /// What all of them select; at least two.
    And(Vec<Query>),
    /// What any of them selects; at least two.
    Or(Vec<Query>),
}

/// A subject and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The member of the container instance.
    pub subject: Subject,
    /// What must hold for it.
    pub condition: Condition,
}

/// An operator with its argument. Values stay as they are written; who compares them reads them as numbers or dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `exists`
    Exists,
    /// `not_exists`
    NotExists,
    /// `in [a, b]`, with at least one value.
    In(Vec<String>),
    /// `not_in [a, b]`, with at least one value.
    NotIn(Vec<String>),
    /// An operator with one value.
    Compare(Comparison, String),
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// Where the text leaves the language, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        parser::parse(text)
    }
}

impl Term {
    /// The term that selects what this one does not.
    #[must_use]
    pub fn negation(&self) -> Self {
        Self { subject: self.subject.clone(), condition: self.condition.negation() }
    }
}

impl Condition {
    /// The operator without its argument.
    #[must_use]
    pub fn operator(&self) -> Operator {
        match self {
            Self::Exists => Operator::Exists,
            Self::NotExists => Operator::NotExists,
            Self::In(_) => Operator::In,
            Self::NotIn(_) => Operator::NotIn,
            Self::Compare(comparison, _) => Operator::Compare(*comparison),
        }
    }

    /// The condition that holds where this one does not.
    #[must_use]
    pub fn negation(&self) -> Self {
        match self.clone() {
            Self::Exists => Self::NotExists,
            Self::NotExists => Self::Exists,
            Self::In(values) => Self::NotIn(values),
            Self::NotIn(values) => Self::In(values),
            Self::Compare(comparison, value) => Self::Compare(comparison.negation(), value),
        }
    }
}

impl fmt::Display for Query {
    /// Writes the query so that it reads back as the same one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Term(term) => write!(f, "{term}"),
            Self::Not(operand) => {
                f.write_str("not ")?;
                write_operand(f, operand)
            }
            Self::And(operands) => write_operands(f, operands, " and "),
            Self::Or(operands) => write_operands(f, operands, " or "),
        }
    }
}

fn write_operands(f: &mut fmt::Formatter<'_>, operands: &[Query], connective: &str) -> fmt::Result {
    for (index, operand) in operands.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { connective })?;
        write_operand(f, operand)?;
    }
    Ok(())
}

fn write_operand(f: &mut fmt::Formatter<'_>, operand: &Query) -> fmt::Result {
    match operand {
        Query::Term(_) | Query::Not(_) => write!(f, "{operand}"),
        Query::And(_) | Query::Or(_) => write!(f, "({operand})"),
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.condition.operator())?;
        match &self.condition {
            Condition::Exists | Condition::NotExists => Ok(()),
            Condition::In(values) | Condition::NotIn(values) => {
                write!(f, " [{}]", values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", "))
            }
            Condition::Compare(_, value) => write!(f, " {}", quoted(value)),
        }
    }
}

/// The value as it reads back. There are no escapes in the language, so a value has at most one kind of quotes.
fn quoted(value: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.:/@+".contains(character);
    if !value.is_empty() && value.chars().all(plain) && !parser::is_connective(value) {
        value.into()
    } else if value.contains('\'') {
        format!("\"{value}\"")
    } else {
        format!("'{value}'")
    }
}
