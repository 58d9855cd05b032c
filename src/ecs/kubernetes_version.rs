//! What a Kubernetes cluster can do, by its version. The version of a cluster is that of its oldest part; how it is found
//! out is not decided here.

use std::fmt;

/// A version of Kubernetes, `1.MINOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubernetesVersion(pub u32);

/// The least supported one.
pub const LEAST: KubernetesVersion = KubernetesVersion(34);

/// The first one in which containers have restart policies of their own by default (KEP-5307).
pub const CONTAINER_RESTART_POLICIES: KubernetesVersion = KubernetesVersion(35);

impl KubernetesVersion {
    /// Reads `1.35`, `v1.37.1`, `v1.36.2-eks-1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).split('.');
        let (major, minor) = (numbers.next()?, numbers.next()?);
        let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
        (major == "1").then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// Whether containers have restart policies of their own.
    #[must_use]
    pub fn has_container_restart_policies(self) -> bool {
        self >= CONTAINER_RESTART_POLICIES
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_servers_and_people_write_them() {
        for (text, minor) in [("1.35", 35), ("v1.37.1", 37), ("v1.36.2-eks-1", 36), ("1.34+", 34)] {
            assert_eq!(KubernetesVersion::parse(text), Some(KubernetesVersion(minor)), "{text}");
        }
        for text in ["", "2.1", "kwok-v0.8.0", "1", "v1.x"] {
            assert_eq!(KubernetesVersion::parse(text), None, "{text}");
        }
    }
}
