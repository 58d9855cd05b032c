//! A service in a world that behaves as Kubernetes does: a Deployment with its `ReplicaSets`, Pods that come up or do not, time
//! that passes. The operator looks at it from time to time, and all that it decides is the service scheduler's.

mod kubernetes;
mod pod;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ecs_operator::{
    api::{service_status::ServiceDeployment, task_status::StopCode},
    decide::{
        rollout::Rollout,
        rollout_status::{RolloutStatus, deployments as shown_deployments},
        service_scheduler::{Decision, KnownDeployment, Rules, SchedulerFacts, TaskStop, decide},
        service_status::{DeploymentFacts, ServiceFacts},
        start_throttle::{EndedTask, TaskEnd},
        workload::{WorkloadState, stuck},
    },
    ecs::deployment_limits::DeploymentLimits,
};

use crate::tasks::at;

pub use kubernetes::ReplicaSet;
pub use pod::{Pod, Quality, State};

/// One deployment of the service as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    pub quality: Quality,
    /// Whether something that its tasks need is not there.
    pub is_unready: bool,
    pub rollout: Rollout,
}

/// What the workload was told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Workload {
    pub template: i64,
    pub replicas: u32,
    pub surge: u32,
    pub unavailable: u32,
    pub is_paused: bool,
}

impl Workload {
    /// Tasks that it may have, old ones included.
    pub fn most(self) -> u32 {
        self.replicas + self.surge
    }
}

pub struct World {
    pub now: i64,
    pub desired: u32,
    pub rules: Rules,
    pub stored: BTreeMap<i64, Stored>,
    pub shown: Vec<ServiceDeployment>,
    pub workload: Option<Workload>,
    /// Counts what it was told.
    generation: u64,
    /// What its `ReplicaSets` are to have.
    pub replica_sets: BTreeMap<i64, ReplicaSet>,
    /// What the Deployment's status says, and of which spec.
    pub reported: Option<(u64, Workload, WorkloadState)>,
    pub pods: Vec<Pod>,
    /// The newest first.
    pub ended: Vec<EndedTask>,
    /// Those whose Pods are gone, and whose records do not say so yet.
    unrecorded: Vec<EndedTask>,
    pub is_to_stop: bool,
    /// Tasks that were desired when the operator looked last, and what the Deployment controller has seen of that.
    pub told_desired: u32,
    pub seen_desired: u32,
    /// Healthy tasks beyond the fewest when the operator looked last, and Pods that were still to be made, of which it knows nothing.
    pub may_go: u32,
    /// Tasks that were healthy then: of others the operator does not know.
    known: BTreeSet<String>,
    /// Whether Kubernetes has taken Pods of several `ReplicaSets`.
    pub is_scaled_in: bool,
    /// How many Pods have been made.
    pub next: u32,
}

const SICK_AFTER: i64 = 17;

fn id_of(number: i64) -> String {
    format!("ecs-svc/{number}")
}

impl World {
    pub fn new(desired: u32, rules: Rules) -> Self {
        let mut world = Self {
            now: 1,
            desired,
            rules,
            stored: BTreeMap::new(),
            shown: Vec::new(),
            workload: None,
            generation: 0,
            replica_sets: BTreeMap::new(),
            reported: None,
            pods: Vec::new(),
            ended: Vec::new(),
            unrecorded: Vec::new(),
            is_to_stop: false,
            told_desired: desired,
            seen_desired: desired,
            may_go: 0,
            known: BTreeSet::new(),
            is_scaled_in: false,
            next: 0,
        };
        world.deploy(Quality::Good);
        world
    }

    pub fn newest(&self) -> i64 {
        *self.stored.keys().next_back().unwrap()
    }

    pub fn deploy(&mut self, quality: Quality) {
        let number = self.stored.keys().next_back().map_or(1, |newest| newest + 1);
        self.stored.insert(number, Stored { quality, is_unready: false, rollout: Rollout::default() });
        self.is_to_stop = false;
    }

    pub fn live(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|pod| !pod.is_deleted)
    }

    pub fn is_available(&self, pod: &Pod) -> bool {
        let min_ready = i64::try_from(self.rules.min_ready.as_secs()).unwrap();
        pod.ready_since().is_some_and(|since| self.now - since >= min_ready)
    }

    pub fn available(&self) -> u32 {
        u32::try_from(self.live().filter(|pod| self.is_available(pod)).count()).unwrap()
    }

    /// Healthy tasks that were so when the operator looked last.
    pub fn available_then(&self) -> u32 {
        let known = self.live().filter(|pod| self.is_available(pod) && self.known.contains(&pod.id));
        u32::try_from(known.count()).unwrap()
    }

    fn available_of(&self, deployment: i64) -> u32 {
        let available = self.live().filter(|pod| pod.deployment == deployment && self.is_available(pod));
        u32::try_from(available.count()).unwrap()
    }

    /// Pods come up, or not, as their deployment is.
    pub fn progress(&mut self, index: usize) {
        let (now, count) = (self.now, self.pods.len());
        if count == 0 {
            return;
        }
        let pod = &mut self.pods[index % count];
        let quality = self.stored[&pod.deployment].quality;
        if pod.state == State::Creating && pod.is_refused(quality) && !pod.is_deleted {
            // It has ended, and the operator deletes it.
            (pod.is_deleted, pod.end) = (true, Some(TaskEnd::Refused));
            self.replica_set_controller();
            return;
        }
        pod.state = match (pod.state, quality) {
            (State::Creating | State::CannotStart, Quality::CannotStart) => State::CannotStart,
            (State::Creating | State::CannotStart, _) => State::Runs { since: now, ready_since: None },
            (State::Runs { since, ready_since }, Quality::Good | Quality::SomeRefused) => {
                State::Runs { since, ready_since: ready_since.or(Some(now)) }
            }
            (runs, _) => runs,
        };
    }

    /// A task that runs is not ready any more.
    pub fn turn_sick(&mut self, index: usize) {
        let count = self.pods.len();
        if count > 0
            && let State::Runs { since, .. } = self.pods[index % count].state
        {
            self.pods[index % count].state = State::Runs { since: since.min(self.now - SICK_AFTER), ready_since: None };
        }
    }

    /// An essential container ends, and the operator deletes the Pod for it.
    pub fn crash(&mut self, index: usize) {
        let (now, count) = (self.now, self.pods.len());
        if count > 0
            && let Pod { state: State::Runs { since, .. }, is_deleted: false, id, .. } =
                self.pods[index % count].clone()
        {
            let time = Duration::from_secs(u64::try_from(now - since).unwrap_or(0));
            self.delete(&id, Some(TaskEnd::Ran(time)));
        }
    }

    /// Asks a Pod to go. With an end its task has stopped by itself.
    pub fn delete(&mut self, id: &str, end: Option<TaskEnd>) {
        if let Some(pod) = self.pods.iter_mut().find(|pod| pod.id == id) {
            pod.is_deleted = true;
            pod.end = end;
        }
    }

    /// Pods that were asked to go are gone.
    pub fn remove_deleted(&mut self) {
        let now = self.now;
        let (gone, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pods).into_iter().partition(|pod| pod.is_deleted);
        self.pods = left;
        self.unrecorded.extend(gone.into_iter().filter_map(|pod| pod.ended(now)));
    }

    /// The records of tasks whose Pods are gone say how they ended.
    pub fn record_ends(&mut self) {
        self.ended.append(&mut self.unrecorded);
        self.ended.sort_by_key(|task| std::cmp::Reverse(task.stopped_at.0));
    }

    /// The service controller's look: it decides, and carries out what it has decided.
    pub fn operator_looks(&mut self) -> Decision {
        let decision = self.decided();
        self.told_desired = self.desired;
        let healthy = self.available().saturating_sub(self.rules.percentages.fewest_healthy(self.desired));
        self.known = self.live().filter(|pod| self.is_available(pod)).map(|pod| pod.id.clone()).collect();
        let is_observed = self.workload_state().is_observed;
        self.may_go = healthy + if is_observed { 0 } else { self.unmade() };
        let newest = self.newest();
        self.stored.get_mut(&newest).unwrap().rollout = decision.rollout.clone();
        let may_start = self.workload.is_some() || !self.unready().contains(&decision.template.running());
        let told = may_start.then(|| Self::told(&decision));
        self.generation += u64::from(self.workload != told);
        if self.workload_state().is_observed
            && let Some(stuck) = self.workload.and_then(|workload| stuck(&self.shares(), workload.replicas))
        {
            self.replica_sets.get_mut(&stuck).unwrap().note_desired();
        }
        self.workload = told;
        self.shown = self.shown_after(&decision);
        for TaskStop { id, stop, .. } in decision.stops.iter().filter(|stop| stop.deletes) {
            let never_ran = stop.code == StopCode::TaskFailedToStart;
            self.delete(id, never_ran.then_some(TaskEnd::NeverRan));
        }
        decision
    }

    /// What the workload is told after a decision.
    pub fn told(decision: &Decision) -> Workload {
        let (surge, unavailable) = match decision.limits {
            DeploymentLimits::Rolling { surge, unavailable } => (surge, unavailable),
            DeploymentLimits::Blocked if decision.is_paused => (0, 1),
            DeploymentLimits::Blocked => (1, 0),
        };
        Workload {
            template: decision.template.running(),
            replicas: decision.replicas,
            surge,
            unavailable,
            is_paused: decision.is_paused,
        }
    }

    /// Deployments that do not run and may not start.
    pub fn unready(&self) -> Vec<i64> {
        let applied = self.workload.map(|workload| workload.template);
        let unready = self.stored.iter().filter(|(number, stored)| stored.is_unready && Some(**number) != applied);
        unready.map(|(number, _)| *number).collect()
    }

    pub fn decided(&self) -> Decision {
        let now = at(self.now);
        let all_tasks: Vec<_> = self.pods.iter().map(Pod::observed).collect();
        let mut tasks: Vec<_> = self.live().map(|pod| pod.scheduled(&now)).collect();
        let deleted = self.pods.iter().filter(|pod| pod.is_deleted).map(|pod| pod.id.clone());
        let departing: Vec<_> = deleted.chain(self.unrecorded.iter().map(|task| task.id.clone())).collect();
        let stopping = self.pods.iter().filter(|pod| pod.is_deleted);
        let stopping: Vec<_> = stopping.map(|pod| (pod.deployment, Duration::from_secs(30))).collect();
        // A refusal stands in the Pod. Why the others go, the operator knows when it has looked at them in time.
        let known = |pod: &&Pod| pod.is_deleted && (pod.end == Some(TaskEnd::Refused) || pod.created % 2 == 0);
        let by_pods = self.pods.iter().filter(known).filter_map(|pod| pod.clone().ended(self.now));
        let ended: Vec<_> = by_pods.chain(self.unrecorded.iter().cloned()).chain(self.ended.iter().cloned()).collect();
        tasks.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        let deployments: Vec<_> = self
            .stored
            .iter()
            .map(|(number, stored)| KnownDeployment {
                number: *number,
                rollout: &stored.rollout,
                shown: self.shown.iter().find(|shown| shown.id == id_of(*number)),
            })
            .collect();
        decide(&SchedulerFacts {
            service: "web",
            desired: self.desired,
            rules: self.rules,
            newest: self.newest(),
            deployments: &deployments,
            workload: self.workload_state(),
            replicas: self.workload.map(|workload| workload.replicas),
            shares: &self.shares(),
            all_tasks: &all_tasks,
            tasks: &tasks,
            stopping: &stopping,
            ended: &ended,
            departing: &departing,
            is_to_stop: self.is_to_stop,
            unready: &self.unready(),
            is_daemon: false,
            now: &now,
        })
    }

    fn workload_state(&self) -> WorkloadState {
        let Some(workload) = self.workload else { return WorkloadState::default() };
        let (is_observed, reported) =
            self.reported.map_or_else(Default::default, |(of, _, state)| (of == self.generation, state));
        WorkloadState {
            is_observed,
            is_paused: workload.is_paused,
            template: Some(workload.template),
            most: workload.most(),
            ..reported
        }
    }

    fn shown_after(&self, decision: &Decision) -> Vec<ServiceDeployment> {
        let now = at(self.now);
        let deployments: Vec<_> = self
            .stored
            .keys()
            .map(|number| DeploymentFacts {
                number: *number,
                id: id_of(*number),
                task_definition: format!("web:{number}"),
                discovery_names: Vec::new(),
                created_at: at(0),
            })
            .collect();
        let tasks: Vec<_> = self.pods.iter().map(Pod::observed).collect();
        let facts = ServiceFacts {
            name: "web",
            desired_count: i32::try_from(self.desired).unwrap(),
            deployments: &deployments,
            template: decision.template,
            is_blocked: decision.is_blocked,
            tasks: &tasks,
            workload: self.workload_state().progress(decision.template),
            refused_pods: None,
            before: &self.shown,
            now: &now,
        };
        let status = RolloutStatus {
            newest: self.newest(),
            rollout: &decision.rollout,
            course: decision.course,
            failures: &decision.failures,
            ended: decision.ended.as_ref(),
            delays: &decision.delays,
            impairment: decision.impairment,
        };
        shown_deployments(&facts, status)
    }
}
