//! What becomes of each field of a cluster.

use super::row::{Row, mapped};

pub(super) const ROWS: &[Row] =
    &[mapped("clusterName"), mapped("kubernetes"), mapped("kubernetes.namespace"), mapped("kubernetes.podSecurity")];
