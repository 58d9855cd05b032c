//! How long to wait after a failure: longer after each, for each object on its own, and from the start after a success.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Somebody else was faster: what changed is about to be seen.
const FIRST_STALE: Duration = Duration::from_millis(200);
/// Unless the watch is behind: it brings the object back here by itself when it is not any more.
const LONGEST_STALE: Duration = Duration::from_secs(5);
const FIRST: Duration = Duration::from_millis(500);
/// The API server may be back any moment.
const LONGEST: Duration = Duration::from_secs(30);
/// What is refused stays so until somebody changes something.
const LONGEST_REFUSED: Duration = Duration::from_secs(300);

/// Why an object has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It had changed.
    Stale,
    /// The API server refused what was written.
    Refused,
    /// Anything else: it may pass.
    Passing,
}

/// Failures in a row, by object.
#[derive(Debug)]
pub struct BackOff<T> {
    failures: Mutex<HashMap<T, u32>>,
}

impl<T> Default for BackOff<T> {
    fn default() -> Self {
        Self { failures: Mutex::default() }
    }
}

impl<T: Hash + Eq> BackOff<T> {
    /// Forgets the failures of an object.
    pub fn succeeded(&self, object: &T) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(object);
    }

    /// Forgets objects that are gone.
    pub fn keep(&self, is_there: impl Fn(&T) -> bool) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).retain(|object, _| is_there(object));
    }

    /// Counts a failure and says how long to wait.
    pub fn failed(&self, object: T, failure: Failure) -> Duration {
        let (first, longest) = match failure {
            Failure::Stale => (FIRST_STALE, LONGEST_STALE),
            Failure::Refused => (FIRST, LONGEST_REFUSED),
            Failure::Passing => (FIRST, LONGEST),
        };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(object).or_default();
        *count = count.saturating_add(1);
        first.saturating_mul(1 << (*count - 1).min(16)).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_for_each_object_and_start_again_after_a_success() {
        let back_off = BackOff::default();
        let waits: Vec<_> = (0..8).map(|_| back_off.failed("a", Failure::Passing).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(back_off.failed("b", Failure::Passing).as_millis(), 500);
        back_off.succeeded(&"a");
        assert_eq!(back_off.failed("a", Failure::Refused).as_millis(), 500);
        let waits: Vec<_> = (0..7).map(|_| back_off.failed("d", Failure::Stale).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
        back_off.keep(|object| *object != "d");
        assert_eq!(back_off.failed("d", Failure::Stale).as_millis(), 200, "it was gone");
        for _ in 0..100 {
            back_off.failed("c", Failure::Refused);
        }
        assert_eq!(back_off.failed("c", Failure::Refused), LONGEST_REFUSED);
    }
}
