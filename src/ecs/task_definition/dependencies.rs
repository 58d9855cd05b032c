//! The graph that `dependsOn` makes of the containers of a task (TD21-TD24), and their order.

use std::collections::BTreeMap;

use crate::{
    api::{container_definition::ContainerDefinition, dependency::ContainerCondition},
    ecs::violation::Violations,
};

/// What another container must have reached before a container starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Index of the other container.
    pub on: usize,
    /// What it must have reached.
    pub condition: ContainerCondition,
}

/// Checks the graph. Returns the dependencies of each container, in the order of the containers.
#[must_use]
pub fn check(containers: &[ContainerDefinition], path: &str, violations: &mut Violations) -> Vec<Vec<Dependency>> {
    let indexes: BTreeMap<_, _> =
        containers.iter().enumerate().map(|(index, each)| (each.name.as_str(), index)).collect();
    let mut graph = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        let mut dependencies = Vec::new();
        for (number, each) in container.depends_on.iter().flatten().enumerate() {
            let path = format!("{path}[{index}].dependsOn[{number}]");
            let Some(on) = indexes.get(each.container_name.as_str()).copied() else {
                // The plus sign is ECS's own.
                let message =
                    format_args!("Cannot depend on container + '{}' because it does not exist", each.container_name);
                violations.add("TD21", format_args!("{path}.containerName"), message);
                continue;
            };
            check_condition(each.condition, &containers[on], &format!("{path}.condition"), violations);
            dependencies.push(Dependency { on, condition: each.condition });
        }
        graph.push(dependencies);
    }
    if order(&graph).is_none() {
        violations.add("TD22", path, "Container dependsOn contains a cycle: remove one of its dependsOn.");
    }
    graph
}

fn check_condition(condition: ContainerCondition, on: &ContainerDefinition, path: &str, violations: &mut Violations) {
    match condition {
        ContainerCondition::Complete | ContainerCondition::Success => {
            let message = "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container: set essential of that container to false, or wait for START or HEALTHY.";
            violations.require(on.essential == Some(false), "TD23", path, message);
        }
        ContainerCondition::Healthy => {
            let message = "A dependency container with HEALTHY condition must have health check configured";
            violations.require(on.health_check.is_some(), "TD24", path, message);
        }
        ContainerCondition::Start => {}
    }
}

/// The containers in an order in which each comes after all that it depends on, and otherwise as the user wrote them;
/// `None` when there is a cycle.
#[must_use]
pub fn order(graph: &[Vec<Dependency>]) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = Vec::with_capacity(graph.len());
    let mut done = vec![false; graph.len()];
    while order.len() < graph.len() {
        let ready = |index: &usize| !done[*index] && graph[*index].iter().all(|dependency| done[dependency.on]);
        let next = (0..graph.len()).find(ready)?;
        done[next] = true;
        order.push(next);
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edges(graph: &[(usize, usize)], size: usize) -> Vec<Vec<Dependency>> {
        let mut dependencies = vec![Vec::new(); size];
        for (from, on) in graph {
            dependencies[*from].push(Dependency { on: *on, condition: ContainerCondition::Start });
        }
        dependencies
    }

    #[test]
    fn the_order_is_the_users_where_nothing_else_is_asked() {
        assert_eq!(order(&edges(&[], 3)), Some(vec![0, 1, 2]));
        assert_eq!(order(&edges(&[(0, 2)], 3)), Some(vec![1, 2, 0]));
        assert_eq!(order(&edges(&[(0, 1), (1, 0)], 2)), None);
        assert_eq!(order(&edges(&[(0, 0)], 1)), None);
    }

    proptest! {
        #[test]
        fn each_comes_after_what_it_depends_on(graph in proptest::collection::vec((0_usize..10, 0_usize..10), 0..30)) {
            let graph = edges(&graph, 10);
            if let Some(order) = order(&graph) {
                let place = |index: usize| order.iter().position(|each| *each == index).unwrap();
                for (index, dependencies) in graph.iter().enumerate() {
                    prop_assert!(dependencies.iter().all(|dependency| place(dependency.on) < place(index)));
                }
            }
        }
    }
}
