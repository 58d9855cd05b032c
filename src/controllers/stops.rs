//! What this process knows of the end of Pods and of containers that were started again in them: Kubernetes has no place for
//! it. What an earlier process knew is worked out from the Pod as far as that tells.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{api::task_status::TaskContainer, decide::task_stop::Stop};

/// By the UIDs of Pods.
#[derive(Default)]
pub struct Stops {
    pods: Mutex<HashMap<String, Known>>,
}

/// What was noted of the end of a Pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// Why it ends.
    pub stop: Stop,
    /// When that was decided, or asked for.
    pub at: Time,
    /// Its containers at that moment.
    pub containers: Vec<TaskContainer>,
}

#[derive(Default)]
struct Known {
    end: Option<Noted>,
    is_carried_out: bool,
    restarts: Option<i32>,
}

impl Stops {
    /// Notes why a Pod is being ended. What was noted first stays: whether this is it.
    pub fn note(&self, uid: &str, end: Noted) -> bool {
        let mut pods = self.lock();
        let known = pods.entry(uid.into()).or_default();
        let is_first = known.end.is_none();
        known.end.get_or_insert(end);
        is_first
    }

    /// Notes that the deletion of a Pod is asked for: what was noted of its end stays.
    pub fn carry_out(&self, uid: &str) {
        self.lock().entry(uid.into()).or_default().is_carried_out = true;
    }

    /// Takes back that a Pod is to be ended, when such a stop was noted and nobody has done it.
    pub fn withdraw(&self, uid: &str, is_such: impl Fn(&Stop) -> bool) {
        if let Some(known) = self.lock().get_mut(uid).filter(|known| !known.is_carried_out) {
            known.end.take_if(|end| is_such(&end.stop));
        }
    }

    /// What was noted of the end of a Pod.
    pub fn of(&self, uid: &str) -> Option<Noted> {
        self.lock().get(uid).and_then(|known| known.end.clone())
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
    use crate::decide::{
        service_task::deleted_stop,
        unhealthy::{is_unhealthy_stop, unhealthy_stop},
    };
    use k8s_openapi::jiff::Timestamp;

    fn noted(stop: Stop) -> Noted {
        Noted { stop, at: Time(Timestamp::UNIX_EPOCH), containers: Vec::new() }
    }

    #[test]
    fn a_stop_is_taken_back_until_it_is_carried_out() {
        let stops = Stops::default();
        let of = |uid| stops.of(uid).map(|end| end.stop);
        stops.note("a", noted(unhealthy_stop(None)));
        stops.withdraw("a", is_unhealthy_stop);
        assert_eq!(of("a"), None);
        assert!(stops.note("a", noted(unhealthy_stop(None))), "it may be noted again");
        stops.carry_out("a");
        stops.withdraw("a", is_unhealthy_stop);
        assert_eq!(of("a"), Some(unhealthy_stop(None)));
        stops.note("b", noted(deleted_stop()));
        stops.withdraw("b", is_unhealthy_stop);
        assert_eq!(of("b"), Some(deleted_stop()), "somebody else has noted that");
    }
}
