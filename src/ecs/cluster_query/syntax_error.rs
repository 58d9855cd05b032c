//! Where a text leaves the cluster query language, and what the language has there.

use std::fmt;

use super::{operator::Operator, parser::MOST_NESTED, subject::Subject};

/// Most characters of the text that an error repeats.
const LONGEST_EXCERPT: usize = 20;

/// A text that is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: expected {expected}, found {}", excerpt(.found.as_ref()))]
pub struct SyntaxError {
    /// The position, counted in characters from 1.
    pub column: usize,
    /// What the language has there.
    pub expected: Expected,
    /// How the text goes on there; `None` at its end.
    pub found: Option<String>,
}

/// What the language has at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// What a term begins with.
    Subject,
    /// What follows `attribute:`.
    AttributeName,
    /// What follows a subject.
    OperatorOf(Subject),
    /// The argument of an operator, or one entry of a list.
    Value,
    /// The argument of `in` and `not_in`.
    List,
    /// What follows an entry of a list.
    RestOfList,
    /// The end of a quoted value.
    ClosingQuote(char),
    /// What follows a term in parentheses.
    ClosingParenthesis,
    /// What follows a term.
    End,
    /// Something that is nested less deep.
    LessNesting,
}

impl SyntaxError {
    pub(super) fn new(text: &str, rest: &str, expected: Expected) -> Self {
        let column = text.chars().count().saturating_sub(rest.chars().count()) + 1;
        let excerpt: String =
            rest.chars().take_while(|character| !character.is_whitespace()).take(LONGEST_EXCERPT).collect();
        Self { column, expected, found: (!rest.is_empty()).then_some(excerpt) }
    }
}

fn excerpt(found: Option<&String>) -> String {
    found.map_or("the end".into(), |found| format!("{found:?}"))
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => {
                "a subject (agentConnected, agentVersion, attribute:NAME, ec2InstanceId, registeredAt, runningTasksCount or task:group)"
            }
            Self::AttributeName => "the name of an attribute (up to 128 letters, digits, -, _, ., / and \\)",
            Self::OperatorOf(subject) => {
                let operators = subject.operators().iter().map(Operator::to_string).collect::<Vec<_>>().join(" ");
                return write!(f, "an operator of {subject} ({operators})");
            }
            Self::Value => "a value (with quotes around spaces, brackets, parentheses, \"and\" and \"or\")",
            Self::List => "a list like [a, b]",
            Self::RestOfList => "a comma or ]",
            Self::ClosingQuote(quote) => return write!(f, "a closing {quote}"),
            Self::ClosingParenthesis => "and, or or a closing )",
            Self::End => "and, or or the end",
            Self::LessNesting => return write!(f, "at most {MOST_NESTED} parentheses and negations in each other"),
        })
    }
}
