//! A broken rule: which one, at which field, in ECS's words.

use std::fmt;

/// One broken rule of ECS, or of this operator where its id begins with `OP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Id of the rule: `TD09`, `SV16`, ...
    pub rule: &'static str,
    /// The field, from `spec` on.
    pub path: String,
    /// What is wrong, in ECS's words where it has some, and what to do.
    pub message: String,
}

impl Violation {
    /// A broken rule at a field.
    pub fn new(rule: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { rule, path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.path, self.message, self.rule)
    }
}

/// All violations in one line, for a condition or an event.
#[must_use]
pub fn summary(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
