//! Time that has passed. A clock that was set back has passed none.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// How long ago a moment was.
#[must_use]
pub fn since(then: &Time, now: &Time) -> Duration {
    Duration::try_from(now.0.duration_since(then.0)).unwrap_or_default()
}

/// What is left of a time that began at a moment.
#[must_use]
pub fn left(then: &Time, time: Duration, now: &Time) -> Duration {
    time.saturating_sub(since(then, now))
}

/// What is left until a moment.
#[must_use]
pub fn left_until(then: &Time, now: &Time) -> Duration {
    since(now, then)
}
