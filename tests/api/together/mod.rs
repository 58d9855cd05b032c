//! Tests that share one operator, each in a Namespace of its own.

mod cluster;
mod crash_loops;
mod daemon;
mod deployment;
mod random_documents;
mod revisions;
mod role;
mod rollout;
mod security_group;
mod service;
pub mod service_connect;
mod service_registry;
mod subnet;
mod tampering;
mod target_group;
mod task;
mod task_definition;
mod task_records;
mod trouble;
