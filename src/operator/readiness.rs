//! What must have happened before the operator calls itself ready: a set of named checks that only ever become true.
//! How readiness is served is in `health`.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// The checks that the process waits for. It is ready once none is missing, and stays ready.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    missing: watch::Sender<BTreeSet<String>>,
}

/// Reports one check of a [`Readiness`]. A handle that is dropped without a word leaves its check missing for good,
/// so work that ended early cannot pass for work that is done.
#[derive(Debug)]
pub struct ReadyHandle {
    name: String,
    missing: watch::Sender<BTreeSet<String>>,
}

impl Readiness {
    /// Adds a check. All checks are to be registered before readiness is asked for.
    #[must_use]
    pub fn register(&self, name: impl Into<String>) -> ReadyHandle {
        let name = name.into();
        self.missing.send_modify(|missing| {
            missing.insert(name.clone());
        });
        ReadyHandle { name, missing: self.missing.clone() }
    }

    /// The names of the checks that are still missing, sorted.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.missing.borrow().iter().cloned().collect()
    }

    /// Waits until no check is missing.
    pub async fn complete(&self) {
        // The sender lives in `self`, so the channel cannot close meanwhile.
        let _ = self.missing.subscribe().wait_for(BTreeSet::is_empty).await;
    }
}

impl ReadyHandle {
    /// Reports the check as done. Doing so again changes nothing.
    pub fn ready(&self) {
        self.missing.send_if_modified(|missing| missing.remove(&self.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_go_missing_until_they_report() {
        let readiness = Readiness::default();
        let tasks = readiness.register("cache ecstasks");
        let services = readiness.register("cache ecsservices");
        assert_eq!(readiness.missing(), ["cache ecsservices", "cache ecstasks"]);
        services.ready();
        services.ready();
        assert_eq!(readiness.missing(), ["cache ecstasks"]);
        tasks.ready();
        assert!(readiness.missing().is_empty());
    }

    #[test]
    fn a_dropped_handle_leaves_its_check_missing() {
        let readiness = Readiness::default();
        drop(readiness.register("cache pods"));
        assert_eq!(readiness.missing(), ["cache pods"]);
    }

    #[tokio::test]
    async fn completion_wakes_who_waits() {
        let readiness = Readiness::default();
        let handle = readiness.register("cache pods");
        let waiting = tokio::spawn({
            let readiness = readiness.clone();
            async move { readiness.complete().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        handle.ready();
        waiting.await.unwrap();
    }
}
