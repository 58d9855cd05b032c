//! All traffic with the API server. What is written is decided elsewhere.

pub mod permissions;
