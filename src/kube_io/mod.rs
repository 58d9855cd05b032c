//! All traffic with the API server. What is written is decided elsewhere; here is how it is read and written.

pub mod access;
pub mod apply;
pub mod apply_request;
pub mod cache;
pub mod caches;
pub mod departed_pods;
pub mod error;
pub mod events;
pub mod finalizer;
pub mod gateway;
pub mod label_index;
pub mod node;
pub mod permissions;
pub mod pod;
pub mod replica_set;
pub mod revision;
pub mod revision_numbers;
pub mod scale;
pub mod scheduling_gate;
pub mod status;
pub mod status_pace;
pub mod workload;
