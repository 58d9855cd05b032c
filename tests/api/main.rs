//! The controllers against a real API server, in the test's own process. Needs `ECS_OPERATOR_TEST_KUBECONFIG`.
//!
//! One operator runs over the cluster at a time: the tests of `together` share one, each in a Namespace of its own, and
//! those of `alone` have the cluster for themselves and do to their operators whatever they like.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

mod alone;
mod connection;
mod front;
mod operator;
mod pods;
mod rollouts;
mod scene;
mod together;
mod turns;
