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

/// Where a check writes down what it finds: every broken rule, not only the first one.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Nothing found yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes down a broken rule.
    pub fn add(&mut self, rule: &'static str, path: impl fmt::Display, message: impl fmt::Display) {
        self.0.push(Violation::new(rule, path.to_string(), message.to_string()));
    }

    /// Writes down a broken rule unless something holds. Most rules are kept: give path and message by `format_args!`, so that
    /// their texts are made for those that are broken only.
    pub fn require(&mut self, holds: bool, rule: &'static str, path: impl fmt::Display, message: impl fmt::Display) {
        if !holds {
            self.add(rule, path, message);
        }
    }

    /// Whether every rule is kept so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A value, if every rule is kept.
    ///
    /// # Errors
    /// Every broken rule.
    pub fn or<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

impl From<Violations> for Vec<Violation> {
    fn from(violations: Violations) -> Self {
        violations.0
    }
}

impl Extend<Violation> for Violations {
    fn extend<I: IntoIterator<Item = Violation>>(&mut self, violations: I) {
        self.0.extend(violations);
    }
}
