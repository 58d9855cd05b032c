//! Why an object is not accepted.

/// Why an object is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For machines: one of `decide::conditions::reason`.
    pub reason: &'static str,
    /// For people: it names the field and the way out.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(reason: &'static str, message: &impl ToString) -> Self {
        Self { reason, message: message.to_string() }
    }
}
