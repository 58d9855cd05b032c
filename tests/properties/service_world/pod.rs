//! A Pod of the service, and what the kubelet would report of it.

use ecs_operator::{
    decide::{
        pod_status::{ContainerState, ContainerStatus, PodCondition, PodStatus, Running, Waiting},
        scheduled_task::ScheduledTask,
        start_throttle::{EndedTask, TaskEnd},
        task::{ObservedTask, TaskState},
        task_progress::TaskFacts,
    },
    ecs::task_containers::{HealthBudget, RunningContainer},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::tasks::at;

/// What becomes of the tasks of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    Good,
    /// Their image is not there.
    CannotStart,
    /// They start and are never healthy.
    NeverHealthy,
    /// Their nodes do not take them.
    Refused,
    /// Some nodes do not take them, and they are good on others.
    SomeRefused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Creating,
    CannotStart,
    Runs { since: i64, ready_since: Option<i64> },
}

#[derive(Clone, Debug)]
pub struct Pod {
    pub id: String,
    pub deployment: i64,
    pub created: i64,
    pub state: State,
    pub is_deleted: bool,
    /// How its task ended, when it did so by itself.
    pub end: Option<TaskEnd>,
}

fn container() -> RunningContainer {
    let health_check = Some(HealthBudget { interval: 5, timeout: 1, retries: 2, start_period: 0 });
    RunningContainer {
        name: "web".into(),
        kubernetes_name: None,
        essential: true,
        restarts_but_after: None,
        target: None,
        health_check,
    }
}

impl Pod {
    fn status(&self) -> PodStatus {
        let mut status = ContainerStatus { name: "web".into(), started: Some(false), ..Default::default() };
        let mut conditions = Vec::new();
        let mut holds = |type_: &str, since: i64| {
            conditions.push(PodCondition {
                type_: type_.into(),
                status: "True".into(),
                last_transition_time: Some(at(since)),
                ..Default::default()
            });
        };
        holds("PodScheduled", self.created);
        match self.state {
            State::Creating => status.state = waiting("ContainerCreating"),
            State::CannotStart => status.state = waiting("ImagePullBackOff"),
            State::Runs { since, ready_since } => {
                status.started = Some(true);
                status.ready = ready_since.is_some();
                status.state.running = Some(Running { started_at: Some(at(since)) });
                if let Some(since) = ready_since {
                    holds("Ready", since);
                }
            }
        }
        let runs = matches!(self.state, State::Runs { .. });
        PodStatus {
            phase: Some(if runs { "Running" } else { "Pending" }.into()),
            conditions,
            // No node has taken it yet.
            container_statuses: if self.state == State::Creating { Vec::new() } else { vec![status] },
            ..Default::default()
        }
    }

    pub fn scheduled(&self, now: &Time) -> ScheduledTask {
        let (containers, status) = ([container()], self.status());
        let facts = TaskFacts {
            pod_name: &self.id,
            containers: &containers,
            status: &status,
            is_scheduled: true,
            deletion: None,
            is_gone: false,
            runs_alone: false,
            now,
        };
        ScheduledTask::of(self.id.clone(), self.deployment, &facts, Some(&at(self.created)), None)
    }

    pub fn observed(&self) -> ObservedTask {
        let state = match self.state {
            _ if self.is_deleted => TaskState::Stopping,
            State::Runs { .. } => TaskState::Running,
            State::Creating | State::CannotStart => TaskState::Pending,
        };
        ObservedTask { deployment: self.deployment, state }
    }

    /// The task of a Pod that is gone.
    pub fn ended(self, now: i64) -> Option<EndedTask> {
        let Self { id, deployment, created, end, .. } = self;
        end.map(|end| EndedTask {
            id,
            deployment,
            created_at: Some(at(created)),
            end,
            reason: None,
            stopped_at: at(now),
        })
    }

    /// Whether its node takes it.
    pub fn is_refused(&self, quality: Quality) -> bool {
        match quality {
            Quality::Refused => true,
            Quality::SomeRefused => self.id.ends_with(['0', '4', '7']),
            Quality::Good | Quality::CannotStart | Quality::NeverHealthy => false,
        }
    }

    pub fn ready_since(&self) -> Option<i64> {
        match self.state {
            State::Runs { ready_since, .. } if !self.is_deleted => ready_since,
            _ => None,
        }
    }
}

fn waiting(reason: &str) -> ContainerState {
    ContainerState { waiting: Some(Waiting { reason: Some(reason.into()), message: None }), ..Default::default() }
}
