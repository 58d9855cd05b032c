//! Clusters: their names, and which of them a Namespace belongs to.

use std::time::Duration;

use crate::api::cluster::EcsClusterSpec;

use super::{object_names, task_definition_reference::is_family, violation::Violation};

/// The cluster that always exists.
pub const DEFAULT_CLUSTER: &str = "default";

/// The name of a cluster in ECS. `object` is that of its EcsCluster.
#[must_use]
pub fn name<'a>(spec: &'a EcsClusterSpec, object: &'a str) -> &'a str {
    spec.cluster_name.as_deref().unwrap_or(object)
}

/// The Namespace that a cluster claims. `object` is the name of its EcsCluster.
#[must_use]
pub fn namespace(spec: &EcsClusterSpec, object: &str) -> String {
    let given = spec.kubernetes.as_ref().and_then(|kubernetes| kubernetes.namespace.clone());
    given.unwrap_or_else(|| object_names::namespace(name(spec, object)))
}

/// Checks the name of a cluster (CL01); it has the alphabet of families.
///
/// # Errors
/// When the name has other characters or more than 255 of them.
pub fn check_name(name: &str) -> Result<(), Violation> {
    if is_family(name) {
        return Ok(());
    }
    let message = format!(
        "Invalid cluster name {name:?}: use up to 255 letters, digits, - and _. It is the object's name when spec.clusterName is absent."
    );
    Err(Violation::new("CL01", "spec.clusterName", message))
}

/// How long stopped tasks are kept: a number and `s`, `m`, `h` or `d`.
#[must_use]
pub fn retention(text: &str) -> Option<Duration> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86400,
        _ => return None,
    };
    let number: u32 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(u64::from(number) * unit))
}

/// A cluster that claims a Namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Name of the cluster.
    pub cluster: String,
    /// Whether the operator gave the Namespace to it.
    pub holds: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// Why a Namespace has no cluster that a service could belong to (SV01). The texts begin with ECS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCluster {
    /// No cluster claims it, or none has got it.
    #[error(
        "Cluster not found. Namespace {0:?} belongs to no EcsCluster: put the object into the Namespace of a cluster (metadata.namespace; ecs-default is that of the cluster default), or make an EcsCluster whose spec.kubernetes.namespace it is."
    )]
    None(String),
    /// More than one has it.
    #[error(
        "Cluster not found. Namespace {namespace:?} is claimed by the EcsClusters {clusters}: delete all but one of them."
    )]
    Several {
        /// The Namespace.
        namespace: String,
        /// Names of the clusters.
        clusters: String,
    },
    /// It is being deleted.
    #[error(
        "The referenced cluster was inactive. EcsCluster {0:?} is being deleted: wait until it is gone and make it again, or use another cluster."
    )]
    Inactive(String),
    /// The object names another cluster.
    #[error(
        "Cluster not found. spec.cluster is {named:?}, but Namespace {namespace:?} belongs to cluster {cluster:?}: remove spec.cluster, or put the object into the Namespace of {named:?}."
    )]
    Other {
        /// The cluster that the object names.
        named: String,
        /// The Namespace.
        namespace: String,
        /// The cluster that the Namespace belongs to.
        cluster: String,
    },
}

/// The cluster that a Namespace belongs to, among those that claim it. `named` is the cluster that the object names.
///
/// # Errors
/// When there is none, more than one, or another than the named.
pub fn of_namespace<'a>(namespace: &str, claims: &'a [Claim], named: Option<&str>) -> Result<&'a str, NoCluster> {
    let holders: Vec<_> = claims.iter().filter(|claim| claim.holds).collect();
    let holder = match (holders.as_slice(), claims.len()) {
        ([holder], _) => *holder,
        ([], 0 | 1) => return Err(NoCluster::None(namespace.into())),
        _ => {
            let mut clusters: Vec<_> = claims.iter().map(|claim| claim.cluster.as_str()).collect();
            clusters.sort_unstable();
            return Err(NoCluster::Several { namespace: namespace.into(), clusters: clusters.join(", ") });
        }
    };
    if let Some(named) = named.map(super::arn::last_segment)
        && named != holder.cluster
    {
        let (namespace, cluster) = (namespace.into(), holder.cluster.clone());
        return Err(NoCluster::Other { named: named.into(), namespace, cluster });
    }
    if holder.deleting {
        return Err(NoCluster::Inactive(holder.cluster.clone()));
    }
    Ok(&holder.cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(cluster: &str, holds: bool) -> Claim {
        Claim { cluster: cluster.into(), holds, deleting: false }
    }

    #[test]
    fn a_cluster_is_called_and_claims_what_it_says_or_else_what_follows_from_its_name() {
        let called = |spec: serde_json::Value| {
            let spec = serde_json::from_value(spec).unwrap();
            (name(&spec, "object").to_owned(), namespace(&spec, "object"))
        };
        let expected = |name: &str, namespace: &str| (name.to_owned(), namespace.to_owned());
        assert_eq!(called(serde_json::json!({})), expected("object", "ecs-object"));
        assert_eq!(called(serde_json::json!({"clusterName": "shop"})), expected("shop", "ecs-shop"));
        let given = serde_json::json!({"clusterName": "shop", "kubernetes": {"namespace": "team"}});
        assert_eq!(called(given), expected("shop", "team"));
    }

    #[test]
    fn a_namespace_belongs_to_the_cluster_that_holds_it() {
        assert_eq!(of_namespace("n", &[claim("a", true)], None), Ok("a"));
        assert_eq!(of_namespace("n", &[claim("a", true), claim("b", false)], Some("a")), Ok("a"));
        let arn = "arn:aws:ecs:us-east-1:000000000000:cluster/a";
        assert_eq!(of_namespace("n", &[claim("a", true)], Some(arn)), Ok("a"));
    }

    #[test]
    fn zero_two_another_and_a_deleted_cluster_are_refused() {
        let refused = |claims: &[Claim], named| of_namespace("n", claims, named).unwrap_err().to_string();
        assert!(refused(&[], None).starts_with("Cluster not found. Namespace \"n\" belongs to no EcsCluster"));
        assert!(refused(&[claim("a", false)], None).starts_with("Cluster not found."));
        assert!(refused(&[claim("b", false), claim("a", false)], None).contains("claimed by the EcsClusters a, b"));
        assert!(refused(&[claim("b", true), claim("a", true)], None).contains("claimed by the EcsClusters a, b"));
        assert!(refused(&[claim("a", true)], Some("b")).contains("spec.cluster is \"b\""));
        let deleting = Claim { deleting: true, ..claim("a", true) };
        assert!(refused(&[deleting], None).starts_with("The referenced cluster was inactive."));
    }
}
