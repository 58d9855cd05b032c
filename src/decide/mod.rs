//! What to do over time: pure functions of what was observed, with `now` as an argument. They return decisions; the
//! controllers carry them out.

pub mod cluster;
pub mod conditions;
pub mod deployment;
pub mod family;
pub mod registration;
pub mod revision_retention;
pub mod service_status;
pub mod task;
