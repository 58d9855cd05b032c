//! What this process knows of the end of Pods and of containers that were started again in them: Kubernetes has no place for
//! it. What an earlier process knew is worked out from the Pod as far as that tells.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{api::task_status::TaskContainer, decide::task_stop::Stop};

/// By the UIDs of Pods.
#[derive(Default)]
pub struct Stops {
    pods: Mutex<HashMap<String, Known>>,
}

#[derive(Default)]
struct Known {
    stop: Option<(Stop, Vec<TaskContainer>)>,
    is_carried_out: bool,
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

    /// Notes that the deletion of a Pod is asked for: what was noted of its end stays.
    pub fn carry_out(&self, uid: &str) {
        self.lock().entry(uid.into()).or_default().is_carried_out = true;
    }

    /// Takes back that a Pod is to be ended, when that is what was noted and nobody has done it.
    pub fn withdraw(&self, uid: &str, noted: &Stop) {
        if let Some(known) = self.lock().get_mut(uid).filter(|known| !known.is_carried_out) {
            known.stop.take_if(|(stop, _)| stop == noted);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{service_task::deleted_stop, unhealthy::unhealthy_stop};

    #[test]
    fn a_stop_is_taken_back_until_it_is_carried_out() {
        let stops = Stops::default();
        let of = |uid| stops.of(uid).map(|(stop, _)| stop);
        stops.note("a", unhealthy_stop(), Vec::new());
        stops.withdraw("a", &unhealthy_stop());
        assert_eq!(of("a"), None);
        assert!(stops.note("a", unhealthy_stop(), Vec::new()), "it may be noted again");
        stops.carry_out("a");
        stops.withdraw("a", &unhealthy_stop());
        assert_eq!(of("a"), Some(unhealthy_stop()));
        stops.note("b", deleted_stop(), Vec::new());
        stops.withdraw("b", &unhealthy_stop());
        assert_eq!(of("b"), Some(deleted_stop()), "somebody else has noted that");
    }
}
