//! The process: arguments, leader election, health, metrics, shutdown.
