//! What to do with the Namespace of a cluster, and whether a cluster that is being deleted may go.

use super::conditions::reason;

/// What matters of a Namespace that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedNamespace {
    /// It is being deleted.
    pub terminating: bool,
    /// UID of the EcsCluster that controls it.
    pub owner_uid: Option<String>,
    /// Value of the label that says which cluster it belongs to.
    pub cluster_label: Option<String>,
    /// Value of the label that says which cluster may adopt it.
    pub adopt_label: Option<String>,
}

impl ObservedNamespace {
    /// Whether no cluster has it.
    #[must_use]
    pub fn belongs_to_nobody(&self) -> bool {
        self.owner_uid.is_none() && self.cluster_label.is_none()
    }
}

/// What to do with a Namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceDecision {
    /// It is not there: make it.
    Make,
    /// The operator made it for this cluster: keep it as it should be.
    KeepMade,
    /// It was there before the cluster and may be used, or is already.
    Adopt,
    /// It cannot be used yet.
    Wait {
        /// Why.
        message: String,
    },
    /// It cannot be used.
    Refuse {
        /// From [`reason`].
        reason: &'static str,
        /// Why, and what to do.
        message: String,
    },
}

/// Decides what to do with the Namespace that a cluster claims. `cluster_label` is the value that the label of this
/// cluster has.
#[must_use]
pub fn namespace(
    name: &str,
    cluster_object: &str,
    cluster_uid: &str,
    cluster_label: &str,
    observed: Option<&ObservedNamespace>,
) -> NamespaceDecision {
    let Some(observed) = observed else { return NamespaceDecision::Make };
    if observed.terminating {
        return NamespaceDecision::Wait {
            message: format!("Namespace {name} is being deleted; the cluster waits until it is gone."),
        };
    }
    match (&observed.owner_uid, &observed.cluster_label, &observed.adopt_label) {
        (Some(owner), _, _) if owner == cluster_uid => NamespaceDecision::KeepMade,
        (Some(_), Some(label), _) if label == cluster_label => NamespaceDecision::Wait {
            message: format!(
                "Namespace {name} was made for an earlier EcsCluster {cluster_object}, which has been deleted; the cluster waits until the garbage collector has deleted it."
            ),
        },
        (None, Some(label), _) if label == cluster_label => NamespaceDecision::Adopt,
        (_, Some(label), _) => NamespaceDecision::Refuse {
            reason: reason::NAMESPACE_TAKEN,
            message: format!(
                "Namespace {name} belongs to EcsCluster {label}. A Namespace belongs to one cluster: choose another in spec.kubernetes.namespace."
            ),
        },
        (_, None, Some(adopt)) if adopt == cluster_label => NamespaceDecision::Adopt,
        _ => NamespaceDecision::Refuse {
            reason: reason::NAMESPACE_TAKEN,
            message: format!(
                "Namespace {name} exists and was not made for this cluster. To let the cluster use it, label it: kubectl label namespace {name} {adopt}={cluster_label}; or choose another in spec.kubernetes.namespace.",
                adopt = "ecs-operator.dev/adopt"
            ),
        },
    }
}

/// Whether a cluster that is being deleted may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionDecision {
    /// Nothing is left in it.
    Release,
    /// Something is; the text is ECS's (CL04).
    Wait(&'static str),
}

/// Decides whether a cluster that is being deleted may go. In a Namespace that is being deleted nothing is waited for.
#[must_use]
pub fn deletion(namespace_terminating: bool, services: usize, tasks: usize) -> DeletionDecision {
    match (namespace_terminating, services, tasks) {
        (true, _, _) | (false, 0, 0) => DeletionDecision::Release,
        (false, 0, _) => DeletionDecision::Wait("The Cluster cannot be deleted while Tasks are active."),
        (false, _, _) => DeletionDecision::Wait("The Cluster cannot be deleted while Services are active."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(observed: Option<&ObservedNamespace>) -> NamespaceDecision {
        namespace("ecs-a", "a", "uid-a", "a", observed)
    }

    fn observed(owner: Option<&str>, cluster: Option<&str>, adopt: Option<&str>) -> ObservedNamespace {
        let text = |text: Option<&str>| text.map(str::to_owned);
        ObservedNamespace {
            terminating: false,
            owner_uid: text(owner),
            cluster_label: text(cluster),
            adopt_label: text(adopt),
        }
    }

    #[test]
    fn a_namespace_is_made_kept_or_adopted() {
        assert_eq!(decide(None), NamespaceDecision::Make);
        assert_eq!(decide(Some(&observed(Some("uid-a"), Some("a"), None))), NamespaceDecision::KeepMade);
        assert_eq!(decide(Some(&observed(None, None, Some("a")))), NamespaceDecision::Adopt);
        assert_eq!(decide(Some(&observed(None, Some("a"), None))), NamespaceDecision::Adopt);
    }

    #[test]
    fn a_namespace_of_somebody_else_is_never_taken() {
        for taken in [
            observed(None, None, None),
            observed(None, None, Some("b")),
            observed(Some("uid-b"), Some("b"), None),
            observed(None, Some("b"), Some("a")),
        ] {
            assert!(matches!(decide(Some(&taken)), NamespaceDecision::Refuse { .. }), "{taken:?}");
        }
    }

    #[test]
    fn what_is_going_away_is_waited_for() {
        let terminating = ObservedNamespace { terminating: true, ..Default::default() };
        assert!(matches!(decide(Some(&terminating)), NamespaceDecision::Wait { .. }));
        assert!(matches!(decide(Some(&observed(Some("uid-old"), Some("a"), None))), NamespaceDecision::Wait { .. }));
    }

    #[test]
    fn a_cluster_goes_when_it_is_empty() {
        assert_eq!(deletion(false, 0, 0), DeletionDecision::Release);
        assert_eq!(deletion(true, 2, 3), DeletionDecision::Release);
        let waits = |services, tasks| match deletion(false, services, tasks) {
            DeletionDecision::Wait(message) => message,
            DeletionDecision::Release => "",
        };
        assert_eq!(waits(1, 0), "The Cluster cannot be deleted while Services are active.");
        assert_eq!(waits(0, 1), "The Cluster cannot be deleted while Tasks are active.");
    }
}
