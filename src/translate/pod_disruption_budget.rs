//! EcsService -> PodDisruptionBudget: a drain of a node moves its tasks as far as the minimum healthy percent lets it.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::api::ObjectMeta;

use crate::ecs::deployment_limits::DeploymentPercentages;

use super::{labels, names, owner::Owner};

/// What a budget is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'a> {
    /// The Namespace.
    pub namespace: &'a str,
    /// Name of the EcsCluster.
    pub cluster_object: &'a str,
    /// Name of the EcsService.
    pub service_object: &'a str,
    /// The EcsService.
    pub owner: &'a Owner,
    /// How many tasks.
    pub desired_count: u32,
    /// How many of them must be healthy.
    pub percentages: DeploymentPercentages,
}

/// Renders the budget; `None` where no task is desired. One task may always be moved: ECS drains an instance whatever
/// the percentage says, with a new task first, and an eviction has no way to wait for one. A number and no percentage,
/// which Kubernetes would round the other way.
#[must_use]
pub fn pod_disruption_budget(budget: Budget<'_>) -> Option<PodDisruptionBudget> {
    if budget.desired_count == 0 {
        return None;
    }
    let missing = budget.desired_count - budget.percentages.fewest_healthy(budget.desired_count);
    Some(PodDisruptionBudget {
        metadata: ObjectMeta {
            name: Some(names::workload(budget.service_object)),
            namespace: Some(budget.namespace.into()),
            labels: Some(labels::of_service(budget.cluster_object, budget.service_object)),
            owner_references: Some(vec![budget.owner.reference()]),
            ..Default::default()
        },
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(i32::try_from(missing.max(1)).unwrap_or(i32::MAX))),
            selector: Some(LabelSelector {
                match_labels: Some(labels::service_selector(budget.service_object)),
                ..Default::default()
            }),
            // A task that is not healthy serves nobody, and must not hold up a drain.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".into()),
            ..Default::default()
        }),
        status: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::service::EcsService;
    use serde_json::json;

    fn rendered(desired_count: u32, minimum_healthy: u32) -> Option<PodDisruptionBudget> {
        let mut service = EcsService::new("web", crate::api::service::EcsServiceSpec::default());
        service.metadata.uid = Some("uid".into());
        pod_disruption_budget(Budget {
            namespace: "ecs-default",
            cluster_object: "default",
            service_object: "web",
            owner: &Owner::of(&service),
            desired_count,
            percentages: DeploymentPercentages { maximum: 200, minimum_healthy },
        })
    }

    #[test]
    fn it_is_as_tight_as_the_minimum_and_never_tighter_than_one_task() {
        for (desired, minimum, missing) in [(2, 100, 1), (4, 75, 1), (10, 50, 5), (3, 50, 1), (5, 0, 5), (1, 0, 1)] {
            let spec = rendered(desired, minimum).unwrap().spec.unwrap();
            assert_eq!(spec.max_unavailable, Some(IntOrString::Int(missing)), "{desired} {minimum}");
        }
        assert_eq!(rendered(0, 100), None);
    }

    #[test]
    fn it_selects_the_tasks_of_its_service() {
        let budget = serde_json::to_value(rendered(2, 50)).unwrap();
        assert_eq!(
            budget,
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                "metadata": {"name": "web", "namespace": "ecs-default",
                    "labels": {"app.kubernetes.io/managed-by": "ecs-operator", "ecs-operator.dev/cluster": "default", "ecs-operator.dev/service": "web"},
                    "ownerReferences": [{"apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsService", "name": "web", "uid": "uid", "controller": true}]},
                "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"ecs-operator.dev/service": "web"}}, "unhealthyPodEvictionPolicy": "AlwaysAllow"}})
        );
    }
}
