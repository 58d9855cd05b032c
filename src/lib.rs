//! ecs-operator runs Amazon ECS concepts on Kubernetes. This file is the map.
//!
//! ```text
//!            +--------- pure: no client, no clock, no tokio ---------+
//!            |                                                       |
//!   observe  ->  validate  ->  translate / decide  ->  apply  ->  report
//!   kube_io      ecs           translate  decide       kube_io    kube_io
//! ```
//!
//! Each layer may use what stands to its left:
//! `api -> ecs -> translate, decide -> kube_io -> controllers -> operator`; `cli` has the commands of people, which need
//! no operator. `supervisor` stands beside them: what runs in front of the processes of a task decides by it, and knows nothing of
//! the rest.

pub mod api;
pub mod cli;
pub mod controllers;
pub mod decide;
pub mod ecs;
pub mod kube_io;
pub mod operator;
pub mod supervisor;
pub mod translate;
