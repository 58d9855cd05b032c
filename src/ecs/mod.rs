//! The rules of ECS: references, sizes, validation, defaults, arithmetic, and what becomes of each field. Pure. No object of
//! Kubernetes is made here: what becomes of a checked value is `translate`, what is done over time is `decide`.

pub mod arn;
pub mod circuit_breaker;
pub mod cluster;
pub mod cluster_query;
pub mod compatibilities;
pub mod connection;
pub mod content_hash;
pub mod deployment_configuration;
pub mod deployment_limits;
pub mod early_success;
pub mod field_outcomes;
pub mod hash;
pub mod kubernetes_version;
pub mod network_configuration;
pub mod normalise;
pub mod object_names;
pub mod placement;
pub mod role;
pub mod secret_reference;
pub mod security_group;
pub mod service;
pub mod service_registry;
pub mod slug;
pub mod subnet;
pub mod target;
pub mod target_group;
pub mod target_port;
pub mod task;
pub mod task_containers;
pub mod task_definition;
pub mod task_definition_lookup;
pub mod task_definition_reference;
pub mod task_overrides;
pub mod violation;
pub mod vpc;
