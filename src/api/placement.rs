//! `placementConstraints`: data only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule for the nodes that a task may run on.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PlacementConstraint {
    /// `memberOf`: the node is one of those that `expression` selects.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<PlacementConstraintType>,

    /// A query in the cluster query language, such as `attribute:ecs.availability-zone in [us-east-1a, us-east-1b]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000))]
    pub expression: Option<String>,
}

/// What a placement constraint asks for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum PlacementConstraintType {
    MemberOf,
}
