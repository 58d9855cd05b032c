//! What the kubelet reports of a Pod, with only the fields that decisions need: some thousands of them are held in memory.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Deserialize;

/// What the kubelet reports of a Pod.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Option<String>,
    /// Why it failed as a whole: `Evicted`.
    pub reason: Option<String>,
    /// The same for people.
    pub message: Option<String>,
    /// Its conditions.
    pub conditions: Vec<PodCondition>,
    /// Its addresses.
    #[serde(rename = "podIPs")]
    pub pod_ips: Vec<PodIp>,
    /// Containers that start before the others: jobs and sidecars.
    pub init_container_statuses: Vec<ContainerStatus>,
    /// The other containers.
    pub container_statuses: Vec<ContainerStatus>,
}

/// A condition of a Pod.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct PodCondition {
    /// `PodScheduled`, `DisruptionTarget`, ...
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// `Unschedulable`, `EvictionByEvictionAPI`, ...
    pub reason: Option<String>,
    /// The same for people.
    pub message: Option<String>,
    /// Since when it has its status.
    pub last_transition_time: Option<Time>,
}

/// An address of a Pod.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct PodIp {
    /// IPv4 or IPv6.
    pub ip: String,
}

/// What the kubelet reports of a container.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Its name in the Pod.
    pub name: String,
    /// Whether it has started and, where there is one, its startup probe has succeeded.
    pub started: Option<bool>,
    /// Whether its readiness probe succeeds.
    pub ready: bool,
    /// How often it was started again.
    pub restart_count: i32,
    /// The image.
    pub image: String,
    /// The image with its digest, once it is there.
    #[serde(rename = "imageID")]
    pub image_id: String,
    /// `containerd://` and an id.
    #[serde(rename = "containerID")]
    pub container_id: Option<String>,
    /// What it does.
    pub state: ContainerState,
    /// How its last run ended, where it was started again.
    pub last_state: ContainerState,
}

/// What a container does: one of the three, or nothing is known yet.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerState {
    /// It does not run yet, or not again.
    pub waiting: Option<Waiting>,
    /// It runs.
    pub running: Option<Running>,
    /// It has ended.
    pub terminated: Option<Terminated>,
}

/// A container that does not run yet, or not again.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Waiting {
    /// `ContainerCreating`, `ImagePullBackOff`, `CrashLoopBackOff`, ...
    pub reason: Option<String>,
    /// The same for people.
    pub message: Option<String>,
}

/// A container that runs.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// Since when.
    pub started_at: Option<Time>,
}

/// A container that has ended.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// 128 and the number of a signal, where one ended it.
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerCannotRun`, `ContainerStatusUnknown`, ...
    pub reason: Option<String>,
    /// The same for people.
    pub message: Option<String>,
    /// When it started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
}

impl PodStatus {
    /// What the kubelet reports of a container, wherever it lists it.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&ContainerStatus> {
        self.init_container_statuses.iter().chain(&self.container_statuses).find(|status| status.name == name)
    }

    /// A condition that is true.
    #[must_use]
    pub fn holds(&self, type_: &str) -> Option<&PodCondition> {
        self.condition(type_, "True")
    }

    /// Whether its node does not answer: the kubelet has reported all containers as ready, and somebody else that the Pod is
    /// not.
    #[must_use]
    pub fn has_lost_its_node(&self) -> bool {
        !self.container_statuses.is_empty()
            && self.container_statuses.iter().all(|container| container.ready)
            && self.lacks("Ready").is_some()
    }

    /// A condition that is false.
    #[must_use]
    pub fn lacks(&self, type_: &str) -> Option<&PodCondition> {
        self.condition(type_, "False")
    }

    fn condition(&self, type_: &str, status: &str) -> Option<&PodCondition> {
        self.conditions.iter().find(|condition| condition.type_ == type_ && condition.status == status)
    }

    /// When a node was found for it.
    #[must_use]
    pub fn placed_at(&self) -> Option<&Time> {
        self.holds("PodScheduled").and_then(|condition| condition.last_transition_time.as_ref())
    }

    /// Whether all containers have ended for good.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.phase.as_deref(), Some("Succeeded" | "Failed"))
    }
}

impl ContainerStatus {
    /// How its last run ended: the present state, or the one before where it was started again.
    #[must_use]
    pub fn last_end(&self) -> Option<&Terminated> {
        self.state.terminated.as_ref().or(self.last_state.terminated.as_ref())
    }

    /// Whether it has started. Nodes that are no kubelets (virtual ones) say only whether it is ready.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.started.unwrap_or(self.ready)
    }
}
