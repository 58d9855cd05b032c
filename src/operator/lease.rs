//! The Lease as it is written: what a candidate reads in it, and the content of a claim and of a release.
//! When to claim is decided in `election`, and `leader` sends it. Pure.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::{Timestamp, ToSpan as _};

/// What matters of a Lease that was read. The times in it do not: they come from the holder's wall clock, and no clock
/// is compared with that of another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The resourceVersion: another one with every change, and the condition of every write.
    pub version: String,
    /// Who holds the lease; nobody after a release.
    pub holder: Option<String>,
    /// For how long after a change the holder may work.
    pub duration: Option<Duration>,
}

impl Record {
    /// Reads the record out of a Lease.
    #[must_use]
    pub fn of(lease: &Lease) -> Self {
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.clone());
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
        Self {
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
            holder: holder.filter(|holder| !holder.is_empty()),
            duration: seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
        }
    }
}

/// A Lease that was never written, to be claimed and created.
#[must_use]
pub fn unclaimed(name: &str) -> Lease {
    Lease { metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, spec: None }
}

/// The Lease with `identity` as its holder, for a first claim, a take-over and a renewal alike. Metadata stays as it
/// was read, the resourceVersion with it. `now` is the wall clock, for human readers.
#[must_use]
pub fn claimed(lease: &Lease, identity: &str, duration: Duration, now: Timestamp) -> Lease {
    let before = lease.spec.clone().unwrap_or_default();
    let now = later_than_last(before.renew_time.as_ref(), now);
    let renewal = before.holder_identity.as_deref() == Some(identity);
    let transitions = before.lease_transitions.unwrap_or(0);
    let spec = LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: Some(whole_seconds(duration)),
        acquire_time: if renewal { before.acquire_time.clone() } else { Some(now.clone()) },
        renew_time: Some(now),
        lease_transitions: Some(if renewal || lease.spec.is_none() { transitions } else { transitions + 1 }),
        ..before
    };
    Lease { spec: Some(spec), ..lease.clone() }
}

/// The Lease without a holder, so that a successor need not wait.
#[must_use]
pub fn released(lease: &Lease, now: Timestamp) -> Lease {
    let before = lease.spec.clone().unwrap_or_default();
    let spec = LeaseSpec {
        holder_identity: Some(String::new()),
        renew_time: Some(later_than_last(before.renew_time.as_ref(), now)),
        ..before
    };
    Lease { spec: Some(spec), ..lease.clone() }
}

/// The time to write, different from the last one by all means. The API server keeps the resourceVersion when a write
/// changes nothing; then the others would not see a renewal that we count on.
fn later_than_last(last: Option<&MicroTime>, now: Timestamp) -> MicroTime {
    let microseconds = |time: Timestamp| time.as_microsecond();
    match last {
        Some(MicroTime(last)) if microseconds(*last) == microseconds(now) => {
            MicroTime(now.saturating_add(1.microsecond()).unwrap_or(now))
        }
        _ => MicroTime(now),
    }
}

/// The duration in the unit of the Lease, rounded up: a candidate may wait longer than it has to, but never less.
fn whole_seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn spec(lease: &Lease) -> &LeaseSpec {
        lease.spec.as_ref().unwrap()
    }

    #[test]
    fn the_first_claim_is_no_transition() {
        let lease = claimed(&unclaimed("ecs-operator"), "a", DURATION, at(100));
        assert_eq!(lease.metadata.name.as_deref(), Some("ecs-operator"));
        assert_eq!(spec(&lease).holder_identity.as_deref(), Some("a"));
        assert_eq!(spec(&lease).lease_duration_seconds, Some(15));
        assert_eq!(spec(&lease).lease_transitions, Some(0));
        assert_eq!(spec(&lease).acquire_time, Some(MicroTime(at(100))));
    }

    #[test]
    fn a_renewal_moves_the_renew_time_alone() {
        let first = claimed(&unclaimed("ecs-operator"), "a", DURATION, at(100));
        let second = claimed(&first, "a", DURATION, at(105));
        let expected = LeaseSpec { renew_time: Some(MicroTime(at(105))), ..spec(&first).clone() };
        assert_eq!(spec(&second), &expected);
    }

    #[test]
    fn a_take_over_counts_and_keeps_metadata() {
        let mut lease = claimed(&unclaimed("ecs-operator"), "a", DURATION, at(100));
        lease.metadata.resource_version = Some("7".to_owned());
        lease.metadata.labels = Some([("team".to_owned(), "blue".to_owned())].into());
        let taken = claimed(&lease, "b", DURATION, at(200));
        assert_eq!(taken.metadata, lease.metadata);
        assert_eq!(spec(&taken).lease_transitions, Some(1));
        assert_eq!(spec(&taken).acquire_time, Some(MicroTime(at(200))));
    }

    #[test]
    fn a_released_lease_has_no_holder() {
        let lease = released(&claimed(&unclaimed("ecs-operator"), "a", DURATION, at(100)), at(101));
        assert_eq!(Record::of(&lease).holder, None);
        assert_eq!(spec(&claimed(&lease, "a", DURATION, at(102))).lease_transitions, Some(1));
    }

    #[test]
    fn a_clock_that_stands_still_still_changes_the_lease() {
        let first = claimed(&unclaimed("ecs-operator"), "a", DURATION, at(100));
        let second = claimed(&first, "a", DURATION, at(100));
        assert_ne!(first, second);
        assert_ne!(
            spec(&released(&second, spec(&second).renew_time.clone().unwrap().0)).renew_time,
            spec(&second).renew_time
        );
    }

    #[test]
    fn durations_are_rounded_up() {
        for (milliseconds, seconds) in [(1, 1), (1_000, 1), (1_001, 2), (15_000, 15)] {
            assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), seconds);
        }
    }

    #[test]
    fn a_record_survives_a_lease_that_says_nothing() {
        let record = Record { version: String::new(), holder: None, duration: None };
        assert_eq!(Record::of(&unclaimed("ecs-operator")), record);
    }
}
