//! What a supervisor tells the others of its container: one small document, of which each has its own and reads the others'. Times
//! are those since the boot of the node, which all containers of it share and nobody can set.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far a container is, as its supervisor tells it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// When its process was started first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Duration>,
    /// Whether it has been healthy once.
    #[serde(default)]
    pub has_been_healthy: bool,
    /// How it ended, when it is not started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why it was not started, when it never is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether the task ends with that.
    #[serde(default)]
    pub ends_task: bool,
}

impl State {
    /// Whether nothing of it runs any more, or ever will.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.exit_code.is_some() || self.failure.is_some()
    }
}
