//! Tests that share one operator, each in a Namespace of its own.

mod cluster;
mod deployment;
mod random_documents;
mod revisions;
mod security_group;
mod service;
mod tampering;
mod task_definition;
mod trouble;
