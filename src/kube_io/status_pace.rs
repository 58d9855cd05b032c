//! How often a status is written that has changed in nothing but counts: each report of each Pod changes them, and the API server
//! would be busy with little else. What a status decides or tells beside them is written at once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Between two writes.
const PACE: Duration = Duration::from_secs(1);

/// When statuses were written, by the UIDs of their objects.
#[derive(Default)]
pub struct StatusPace {
    written: Mutex<HashMap<String, Instant>>,
}

impl StatusPace {
    /// How long new counts of an object have to wait.
    #[must_use]
    pub fn left(&self, uid: &str, now: Instant) -> Duration {
        let last = self.lock().get(uid).copied();
        last.map_or(Duration::ZERO, |last| PACE.saturating_sub(now.saturating_duration_since(last)))
    }

    /// Notes that a status is written. What is long ago is forgotten.
    pub fn written(&self, uid: &str, now: Instant) {
        let mut written = self.lock();
        written.retain(|_, last| now.saturating_duration_since(*last) < PACE);
        written.insert(uid.to_owned(), now);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_wait_until_the_last_write_is_a_while_ago() {
        let (pace, now) = (StatusPace::default(), Instant::now());
        assert_eq!(pace.left("a", now), Duration::ZERO);
        pace.written("a", now);
        assert_eq!(pace.left("a", now + PACE / 4), PACE * 3 / 4);
        assert_eq!(pace.left("b", now), Duration::ZERO, "each object has its own");
        assert_eq!(pace.left("a", now + PACE), Duration::ZERO);
        pace.written("b", now + PACE);
        assert_eq!(pace.lock().len(), 1, "what is long ago is forgotten");
    }
}
