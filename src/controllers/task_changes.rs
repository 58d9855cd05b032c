//! Tasks of services that were started or stopped, until a service event has told of it. Only this process knows of them: what
//! an earlier one has not told is not told twice, and may be not told at all.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::decide::task_events::TaskChange;

/// The Namespace and the name of a service's objects.
type Key = (String, String);

/// By services.
#[derive(Default)]
pub struct TaskChanges {
    untold: Mutex<HashMap<Key, Vec<TaskChange>>>,
}

impl TaskChanges {
    /// Notes a change. Whether it was not noted before.
    pub fn note(&self, namespace: &str, workload: &str, change: TaskChange) -> bool {
        let mut untold = self.lock();
        let of_service = untold.entry((namespace.into(), workload.into())).or_default();
        // A write that has to be done again notes it again.
        let is_news = !of_service.contains(&change);
        if is_news {
            of_service.push(change);
        }
        is_news
    }

    /// What has not been told yet.
    pub fn untold(&self, namespace: &str, workload: &str) -> Vec<TaskChange> {
        self.lock().get(&(namespace.into(), workload.into())).cloned().unwrap_or_default()
    }

    /// Forgets what has been told, or did not happen.
    pub fn forget(&self, namespace: &str, workload: &str, changes: &[TaskChange]) {
        let key = (namespace.to_owned(), workload.to_owned());
        let mut untold = self.lock();
        if let Some(left) = untold.get_mut(&key) {
            left.retain(|change| !changes.contains(change));
            if left.is_empty() {
                untold.remove(&key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<TaskChange>>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
