//! How a service names a task definition: `web`, `web:3`, or the ARN of either.

use std::fmt;

/// A family, with a revision or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDefinitionReference {
    /// The family.
    pub family: String,
    /// The pinned revision; `None` means the newest active one.
    pub revision: Option<i64>,
}

/// Why a reference cannot be read. The texts are ECS's (TR02, SV03).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// The part behind the colon is not a number from 1.
    #[error("Invalid revision number. Number: {0}. Write family, family:revision or the ARN of either.")]
    Revision(String),
    /// The family is empty or has a character that no family can have.
    #[error("Family contains invalid characters: {0:?}. Write family, family:revision or the ARN of either.")]
    Family(String),
}

impl TaskDefinitionReference {
    /// Reads a reference.
    ///
    /// # Errors
    /// When the family or the revision cannot be one.
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        let name = match text.strip_prefix("arn:") {
            Some(arn) => arn.split_once(":task-definition/").map_or(text, |(_, name)| name),
            None => text,
        };
        let (family, revision) = match name.split_once(':') {
            Some((family, revision)) => (family, Some(parse_revision(revision)?)),
            None => (name, None),
        };
        if !is_family(family) {
            return Err(InvalidReference::Family(family.into()));
        }
        Ok(Self { family: family.into(), revision })
    }

    /// Whether it can mean this revision: the pinned one, or any of the family.
    #[must_use]
    pub fn means(&self, family: &str, revision: i64) -> bool {
        self.family == family && self.revision.is_none_or(|pinned| pinned == revision)
    }
}

/// Whether a text can be a family: `[A-Za-z0-9_-]{1,255}` (TD01).
#[must_use]
pub fn is_family(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn parse_revision(text: &str) -> Result<i64, InvalidReference> {
    let valid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    valid
        .then(|| text.parse().ok())
        .flatten()
        .filter(|revision| *revision > 0)
        .ok_or_else(|| InvalidReference::Revision(text.into()))
}

impl fmt::Display for TaskDefinitionReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision {
            Some(revision) => write!(f, "{}:{revision}", self.family),
            None => f.write_str(&self.family),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_ways_to_name_a_task_definition() {
        for (text, family, revision) in [
            ("web", "web", None),
            ("web:3", "web", Some(3)),
            ("arn:aws:ecs:us-east-1:123456789012:task-definition/Web_1:12", "Web_1", Some(12)),
            ("arn:aws:ecs:us-east-1:123456789012:task-definition/web", "web", None),
        ] {
            let reference = TaskDefinitionReference::parse(text).unwrap();
            assert_eq!((reference.family.as_str(), reference.revision), (family, revision), "{text}");
        }
    }

    #[test]
    fn what_is_no_reference() {
        for text in ["", ":3", "web:", "web:0", "web:-1", "web:x", "web:3:4", "we b", "arn:aws:ecs:x:y:cluster/web"] {
            assert!(TaskDefinitionReference::parse(text).is_err(), "{text}");
        }
    }
}
