//! Tests that have the cluster for themselves and start, stop and break operators.
