//! What a task needs before its first container can start: its volumes, its network, the sandbox of its Pod. The kubelet says
//! for how long that has not been there, but not what is missing: that it tells in Events only. To pull an image comes later.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    container_error::{RESOURCE, reason},
    container_progress::ObservedContainer,
    elapsed::left,
    task_progress::TaskFacts,
};

/// The kubelet's condition: true as long as the sandbox is there, for which it needs the volumes and the network.
const CONDITION: &str = "PodReadyToStartContainers";

/// Time in which all that may come.
const TIME: Duration = Duration::from_secs(60);

impl<'a> TaskFacts<'a> {
    /// Why none of its containers can start, once the time for that is over.
    pub(super) fn initialization_failure(&self, observed: &[ObservedContainer<'_>]) -> Option<String> {
        let since = self.uninitialized_since(observed)?;
        let words = format!(
            "{RESOURCE}: a volume, the network or the sandbox of the task is not ready; kubectl events --for pod/{} shows which",
            self.pod_name
        );
        let cause = format!("{CONDITION} is False since {}", since.0);
        left(since, TIME, self.now).is_zero().then(|| reason(&words, &cause))
    }

    /// What is left of that time.
    pub(super) fn time_to_initialize(&self, observed: &[ObservedContainer<'_>]) -> Option<Duration> {
        let left = left(self.uninitialized_since(observed)?, TIME, self.now);
        (!left.is_zero()).then_some(left)
    }

    /// The sandbox of a Pod may go later, with its node: then its containers have run.
    fn uninitialized_since(&self, observed: &[ObservedContainer<'_>]) -> Option<&'a Time> {
        let has_begun = || observed.iter().any(|container| container.runs() || container.end().is_some());
        let condition = self.status.lacks(CONDITION).filter(|_| !self.is_over() && !has_begun())?;
        condition.last_transition_time.as_ref()
    }
}
