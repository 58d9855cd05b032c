//! ECS into Kubernetes objects: pure, deterministic, and unable to fail, because what comes in is checked. Whether and
//! when an object is written is `decide`'s and the controllers' part.

pub mod difference;
pub mod http_route;
pub mod kubernetes_service;
pub mod labels;
pub mod location;
pub mod names;
pub mod namespace;
pub mod network_policy;
pub mod owner;
pub mod placement;
pub mod pod;
pub mod pod_disruption_budget;
pub mod pod_template;
pub mod revision;
pub mod secret_needs;
pub mod security_group;
pub mod service_account;
pub mod service_workload;
pub mod snapshot;
pub mod target_group;
pub mod task_pod;
pub mod task_record;
