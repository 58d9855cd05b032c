//! Commands that people run. They need no operator; what they compute is what the operator computes.

pub mod fields;
pub mod render;
