//! What this process knows of the end of Pods and of containers that were started again in them: Kubernetes has no place for
//! it. What an earlier process knew is worked out from the Pod as far as that tells.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    api::task_status::{StopCode, TaskContainer},
    decide::task_stop::Stop,
};

/// By the UIDs of Pods.
#[derive(Default)]
pub struct Stops {
    pods: Mutex<HashMap<String, Known>>,
}

#[derive(Default)]
struct Known {
    stop: Option<(Stop, Vec<TaskContainer>)>,
    restarts: Option<i32>,
}

impl Stops {
    /// Notes why a Pod is being ended, and how its containers are at that moment. What was noted first stays: whether this is it.
    pub fn note(&self, uid: &str, stop: Stop, containers: Vec<TaskContainer>) -> bool {
        let mut pods = self.lock();
        let known = pods.entry(uid.into()).or_default();
        let is_first = known.stop.is_none();
        known.stop.get_or_insert((stop, containers));
        is_first
    }

    /// Takes back that a Pod is ended by the service scheduler, which has changed its mind.
    pub fn withdraw(&self, uid: &str) {
        if let Some(known) = self.lock().get_mut(uid) {
            known.stop.take_if(|(stop, _)| stop.code == StopCode::ServiceSchedulerInitiated);
        }
    }

    /// What was noted of the end of a Pod.
    pub fn of(&self, uid: &str) -> Option<(Stop, Vec<TaskContainer>)> {
        self.lock().get(uid).and_then(|known| known.stop.clone())
    }

    /// Notes how often the essential containers of a Pod were started again. Whether it is more than when this process saw the
    /// Pod for the first time.
    pub fn has_restarted(&self, uid: &str, restarts: i32) -> bool {
        let mut pods = self.lock();
        restarts > *pods.entry(uid.into()).or_default().restarts.get_or_insert(restarts)
    }

    /// Takes the restarts that a Pod has for those that it had when it was seen first.
    pub fn accept_restarts(&self, uid: &str, restarts: i32) {
        self.lock().entry(uid.into()).or_default().restarts = Some(restarts);
    }

    /// Forgets a Pod.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
