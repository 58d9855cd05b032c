//! `dependsOn` -> which containers of a Pod are init containers, sidecars and regular ones, and in which order.
//!
//! A container whose end others wait for (COMPLETE, SUCCESS) is an init container. One that others wait for otherwise (START,
//! HEALTHY) is a sidecar: an init container that goes on. All others are regular. The report tells it, and so it is decided here
//! and not where Pods are made.

use crate::api::dependency::ContainerCondition;

use super::{
    container::Container,
    dependencies::{Dependency, order},
};

/// The containers of a Pod, by their indexes in the task definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Started one after the other.
    pub init: Vec<Place>,
    /// Started after them; at least one.
    pub regular: Vec<usize>,
}

/// A container before the regular ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It ends before the next one starts.
    Job {
        /// Which one.
        index: usize,
        /// Whether its success is waited for, and not only its end.
        must_succeed: bool,
    },
    /// It goes on; the next one starts when it has started, or is healthy.
    Sidecar {
        /// Which one.
        index: usize,
        /// Whether its health is waited for.
        until_healthy: bool,
    },
}

impl Layout {
    /// Lays out the containers of a task.
    #[must_use]
    pub fn of(containers: &[Container]) -> Self {
        let jobs = targets(containers, |condition| {
            matches!(condition, ContainerCondition::Complete | ContainerCondition::Success)
        });
        let must_succeed = targets(containers, |condition| condition == ContainerCondition::Success);
        let healthy = targets(containers, |condition| condition == ContainerCondition::Healthy);
        let mut sidecars = sidecars(containers, &jobs, &healthy);
        let is_regular = |sidecars: &[bool], index: usize| !jobs[index] && !sidecars[index];
        if !(0..containers.len()).any(|index| is_regular(&sidecars, index)) {
            // Somebody has to keep the Pod going: the last one, for which nobody waits.
            if let Some(last) = order_of(containers).into_iter().rev().find(|index| !jobs[*index]) {
                sidecars[last] = false;
            }
        }
        let order = order_of(containers);
        let place = |index: usize| match (jobs[index], sidecars[index]) {
            (true, _) => Some(Place::Job { index, must_succeed: must_succeed[index] }),
            (false, true) => Some(Place::Sidecar { index, until_healthy: healthy[index] }),
            (false, false) => None,
        };
        Self {
            init: order.iter().filter_map(|index| place(*index)).collect(),
            regular: order.iter().copied().filter(|index| is_regular(&sidecars, *index)).collect(),
        }
    }

    /// Where a container stands before the regular ones; `None` for a regular one.
    #[must_use]
    pub fn place(&self, container: usize) -> Option<Place> {
        self.init.iter().copied().find(|place| match place {
            Place::Job { index, .. } | Place::Sidecar { index, .. } => *index == container,
        })
    }

    /// The sidecars.
    pub fn sidecars(&self) -> impl Iterator<Item = usize> {
        self.init.iter().filter_map(|place| match place {
            Place::Sidecar { index, .. } => Some(*index),
            Place::Job { .. } => None,
        })
    }
}

/// The containers that others wait for in such a way.
fn targets(containers: &[Container], waits: impl Fn(ContainerCondition) -> bool) -> Vec<bool> {
    let mut targets = vec![false; containers.len()];
    for dependency in containers.iter().flat_map(|container| &container.depends_on) {
        targets[dependency.on] |= waits(dependency.condition);
    }
    targets
}

fn sidecars(containers: &[Container], jobs: &[bool], healthy: &[bool]) -> Vec<bool> {
    let mut sidecars: Vec<bool> = containers
        .iter()
        .enumerate()
        .map(|(index, container)| !jobs[index] && (healthy[index] || container.is_log_router))
        .collect();
    for container in containers {
        for dependency in &container.depends_on {
            // A regular container is started in its turn anyway. As a sidecar an essential one would end with those that
            // are not.
            let outlives = containers[dependency.on].essential && !container.essential;
            sidecars[dependency.on] |= !jobs[dependency.on] && !outlives;
        }
    }
    // Whatever stands before a job or a sidecar has to be one itself.
    loop {
        let before: Vec<_> = (0..containers.len())
            .filter(|index| jobs[*index] || sidecars[*index])
            .flat_map(|index| containers[index].depends_on.iter().map(|dependency| dependency.on))
            .filter(|on| !jobs[*on] && !sidecars[*on])
            .collect();
        if before.is_empty() {
            return sidecars;
        }
        for on in before {
            sidecars[on] = true;
        }
    }
}

/// The order of `dependsOn`, with the log router before all that it does not itself wait for.
fn order_of(containers: &[Container]) -> Vec<usize> {
    let mut graph: Vec<Vec<Dependency>> = containers.iter().map(|container| container.depends_on.clone()).collect();
    if let Some(router) = containers.iter().position(|container| container.is_log_router) {
        let before = before(router, &graph);
        for (index, dependencies) in graph.iter_mut().enumerate() {
            if index != router && !before.contains(&index) {
                dependencies.push(Dependency { on: router, condition: ContainerCondition::Start });
            }
        }
    }
    // The graph was checked, and has no cycle.
    order(&graph).unwrap_or_else(|| (0..containers.len()).collect())
}

/// All that a container waits for, at any distance.
fn before(index: usize, graph: &[Vec<Dependency>]) -> Vec<usize> {
    let (mut found, mut next) = (Vec::new(), vec![index]);
    while let Some(current) = next.pop() {
        for on in graph[current].iter().map(|dependency| dependency.on) {
            if !found.contains(&on) {
                found.push(on);
                next.push(on);
            }
        }
    }
    found
}
