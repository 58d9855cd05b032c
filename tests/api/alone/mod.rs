//! Tests that have the cluster for themselves and start, stop and break operators.

mod away;
mod calm;
mod crash;
mod drain;
mod endpoints;
mod faults;
mod outage;
mod race;
mod registration;
mod task_once;
mod task_records;
mod undecodable;
