//! The subjects of the cluster query language: what of a container instance a query can ask for, and with which operators.

use std::fmt;

use super::operator::{
    Comparison::{Equals, GreaterThan, GreaterThanEqual, LessThan, LessThanEqual, Matches, NotEquals, NotMatches},
    Operator::{self, Compare, In, NotIn},
};

/// Most characters in the name of an attribute.
const LONGEST_NAME: usize = 128;

/// The operators of what is a word.
const OF_WORDS: &[Operator] = &[Compare(Equals), Compare(NotEquals), In, NotIn, Compare(Matches), Compare(NotMatches)];

/// The operators of what has an order.
const OF_NUMBERS: &[Operator] = &[
    Compare(Equals),
    Compare(NotEquals),
    Compare(GreaterThan),
    Compare(GreaterThanEqual),
    Compare(LessThan),
    Compare(LessThanEqual),
];

/// What a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Whether the agent of the container instance is connected.
    AgentConnected,
    /// The version of the agent.
    AgentVersion,
    /// An attribute, by its name.
    Attribute(String),
    /// The id of the EC2 instance.
    Ec2InstanceId,
    /// When the container instance was registered.
    RegisteredAt,
    /// How many tasks run on it.
    RunningTasksCount,
    /// The groups of the tasks that run on it.
    TaskGroup,
}

impl Subject {
    /// The operators that ECS has for the subject.
    #[must_use]
    pub fn operators(&self) -> &'static [Operator] {
        match self {
            Self::AgentConnected | Self::Ec2InstanceId => OF_WORDS,
            Self::AgentVersion | Self::RegisteredAt | Self::RunningTasksCount => OF_NUMBERS,
            Self::Attribute(_) | Self::TaskGroup => &Operator::ALL,
        }
    }

    /// The subject that is one word of its own, so none of the attributes.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "agentConnected" => Self::AgentConnected,
            "agentVersion" => Self::AgentVersion,
            "ec2InstanceId" => Self::Ec2InstanceId,
            "registeredAt" => Self::RegisteredAt,
            "runningTasksCount" => Self::RunningTasksCount,
            "task:group" => Self::TaskGroup,
            _ => return None,
        })
    }
}

/// Whether a text can name an attribute.
pub(super) fn is_attribute_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_part_of_name)
}

/// Whether a character can be in the name of an attribute.
pub(super) fn is_part_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_./\\".contains(character)
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AgentConnected => "agentConnected",
            Self::AgentVersion => "agentVersion",
            Self::Attribute(name) => return write!(f, "attribute:{name}"),
            Self::Ec2InstanceId => "ec2InstanceId",
            Self::RegisteredAt => "registeredAt",
            Self::RunningTasksCount => "runningTasksCount",
            Self::TaskGroup => "task:group",
        })
    }
}
