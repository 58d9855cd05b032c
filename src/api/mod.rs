//! The custom resources: data, schema and CEL rules, one file an area. No behaviour lives here;
//! what a value means is `ecs`, what becomes of it is `translate`.

// A doc comment on a variant changes the form of the whole enum in the schema; ECS's own words need none.
#![allow(missing_docs)]
// Columns of `kubectl get` share types and paths.
#![allow(clippy::duplicated_attributes)]

pub mod cluster;
pub mod container_definition;
pub mod definitions;
pub mod dependency;
pub mod deployment_configuration;
pub mod environment;
pub mod field_report;
pub mod health_check;
pub mod linux_parameters;
pub mod load_balancer;
pub mod logging;
pub mod placement;
pub mod port_mapping;
pub mod register_task_definition;
pub mod resource_requirement;
pub mod role;
pub mod runtime;
pub mod security_group;
pub mod service;
pub mod service_connect;
pub mod service_registry;
pub mod service_status;
pub mod target_group;
pub mod task;
pub mod task_definition;
pub mod task_definition_kubernetes;
pub mod task_definition_revision;
pub mod task_overrides;
pub mod task_status;
pub mod unread;
pub mod volume;

pub use definitions::crds;

/// The API group of every kind, and the prefix of every label, annotation and finalizer.
pub const GROUP: &str = "ecs-operator.dev";

/// The version of every kind.
pub const VERSION: &str = "v1alpha1";
