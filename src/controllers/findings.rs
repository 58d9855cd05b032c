//! What objects say of the one object that is made for each of them.

use crate::{
    decide::conditions::{ACCEPTED, Finding, READY, reason},
    kube_io::error::Error,
};

/// What is said of an accepted object: why it is, and what came of applying the object that is made for it.
#[must_use]
pub fn applied(accepted: &str, ready: &str, result: &Result<(), Error>) -> Vec<Finding> {
    let accepted = Finding::holds(ACCEPTED, reason::ACCEPTED, accepted);
    let ready = match result {
        Ok(()) => Finding::holds(READY, reason::AVAILABLE, ready),
        Err(error @ Error::Foreign { .. }) => Finding::fails(READY, reason::FOREIGN_OBJECT, error.to_string()),
        Err(error) => Finding::fails(READY, reason::WAITING, error.to_string()),
    };
    vec![accepted, ready]
}

/// The same of one that is deleted and still used.
#[must_use]
pub fn deletion_waits(mut findings: Vec<Finding>, message: String) -> Vec<Finding> {
    findings.retain(|finding| finding.type_ != READY);
    findings.push(Finding::fails(READY, reason::DELETION_WAITS, message));
    findings
}
