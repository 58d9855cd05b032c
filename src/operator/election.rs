//! When a candidate may lead, as a state machine: what was seen and written goes in, the next step comes out.
//! Pure: the time is an argument. `leader` sends the requests and keeps the time, `lease` knows what is written.
//!
//! Why two candidates never lead at once:
//! - The Lease is written only on condition of the version that was read, so of two claims one fails.
//! - A holder counts its term from *before* it sent a write that was confirmed. Another candidate counts the same term
//!   from *after* it saw that write, so its count ends later. Each measures with its own monotonic clock, so it does
//!   not matter what time either takes it to be. (Monotonic clocks stand still while a machine is suspended, and no
//!   lease can bound that.)
//! - The holder's work is told to stop a while (`grace`) before its term ends.

use std::time::{Duration, Instant};

use super::lease::Record;

/// The durations of an election. They depend on one another, so all follow from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long a lease is respected after its last change. Whole seconds: the Lease holds no others.
    pub duration: Duration,
    /// The pause from one renewal to the next.
    pub renew_every: Duration,
    /// The pause before a failed request is tried again, and between two looks of a standby.
    pub retry_every: Duration,
    /// The time between the order to stop and the end of the term.
    pub grace: Duration,
    /// The longest that one request may take.
    pub request_timeout: Duration,
}

impl Terms {
    /// The terms for a lease of this duration: a renewal that times out can be tried again before work stops, and one
    /// that fails at once several times.
    #[must_use]
    pub const fn of(duration: Duration) -> Self {
        Self {
            duration,
            renew_every: Duration::from_nanos(nanoseconds(duration) / 3),
            retry_every: Duration::from_nanos(nanoseconds(duration) / 10),
            grace: Duration::from_nanos(nanoseconds(duration) / 5),
            request_timeout: Duration::from_nanos(nanoseconds(duration) / 5),
        }
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self::of(Duration::from_secs(15))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a lease of 584 years is long enough")]
const fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read the Lease, then report [`Election::saw`].
    Read,
    /// Create the Lease as ours.
    Create,
    /// Replace the Lease that was read with ours.
    Replace,
    /// There is nothing to do before this moment.
    Wait(Instant),
    /// The work has to stop; the campaign goes on afterwards.
    Stop(Loss),
}

/// Why a leader leads no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// No renewal was confirmed in time.
    #[error("the lease could not be renewed in time")]
    Expired,
    /// The Lease names somebody else, or nobody.
    #[error("the lease was given to {}", .0.as_deref().unwrap_or("nobody"))]
    Taken(Option<String>),
    /// The Lease is gone.
    #[error("the lease was deleted")]
    Deleted,
}

/// One candidate in an election.
#[derive(Debug)]
pub struct Election {
    identity: String,
    terms: Terms,
    seen: Option<Seen>,
    /// When the Lease is to be read next; what was seen last serves until then.
    read_at: Option<Instant>,
    /// When requests may go out again after one has failed.
    pause_until: Option<Instant>,
    /// When the confirmed write was sent that the present term counts from, while leading.
    term_began: Option<Instant>,
}

/// The state of the Lease that this candidate saw last.
#[derive(Debug)]
struct Seen {
    /// `None` when there is no Lease.
    record: Option<Record>,
    /// From when on we may claim it as it is.
    claimable_at: Instant,
}

impl Election {
    /// A candidate that has not looked yet. `identity` must be another one for each process.
    #[must_use]
    pub fn new(identity: String, terms: Terms) -> Self {
        Self { identity, terms, seen: None, read_at: None, pause_until: None, term_began: None }
    }

    /// What to do at this moment. After [`Step::Stop`] this candidate leads no more.
    pub fn next(&mut self, now: Instant) -> Step {
        match self.term_began {
            Some(began) => self.next_as_leader(began, now),
            None => self.next_as_standby(now),
        }
    }

    fn next_as_leader(&mut self, began: Instant, now: Instant) -> Step {
        if let Some(loss) = self.loss(began, now) {
            self.term_began = None;
            self.read_at = Some(now);
            return Step::Stop(loss);
        }
        let deadline = self.deadline(began);
        if let Some(pause) = self.pause_until.filter(|pause| now < *pause) {
            return Step::Wait(pause.min(deadline));
        }
        if self.read_at.is_some_and(|at| at <= now) {
            return Step::Read;
        }
        let renew_at = began + self.terms.renew_every;
        if renew_at <= now { Step::Replace } else { Step::Wait(renew_at.min(deadline)) }
    }

    fn next_as_standby(&self, now: Instant) -> Step {
        if let Some(pause) = self.pause_until.filter(|pause| now < *pause) {
            return Step::Wait(pause);
        }
        let Some(seen) = &self.seen else { return Step::Read };
        match self.read_at {
            Some(at) if at <= now => Step::Read,
            _ if seen.claimable_at <= now && seen.record.is_none() => Step::Create,
            _ if seen.claimable_at <= now => Step::Replace,
            Some(at) => Step::Wait(at.min(seen.claimable_at)),
            None => Step::Wait(seen.claimable_at),
        }
    }

    fn loss(&self, began: Instant, now: Instant) -> Option<Loss> {
        if self.deadline(began) <= now {
            return Some(Loss::Expired);
        }
        match self.seen.as_ref().and_then(|seen| seen.record.as_ref()) {
            None => Some(Loss::Deleted),
            Some(record) if self.is_ours(record) => None,
            Some(record) => Some(Loss::Taken(record.holder.clone())),
        }
    }

    /// The Lease was read, and this is the answer that arrived `now`; `None` when there is none.
    pub fn saw(&mut self, record: Option<Record>, now: Instant) {
        self.pause_until = None;
        self.read_at = self.term_began.is_none().then(|| now + self.terms.retry_every);
        if self.seen.as_ref().is_some_and(|seen| seen.record == record) {
            return;
        }
        let claimable_at = now + self.respect(record.as_ref());
        self.seen = Some(Seen { record, claimable_at });
    }

    /// For how long a Lease that has just changed into this is left alone.
    fn respect(&self, record: Option<&Record>) -> Duration {
        match record {
            Some(Record { holder: None, .. }) => Duration::ZERO,
            // Ours is no exception. It comes from a claim whose answer was lost, and that may have arrived at any time:
            // a claim to a Lease that is not there even after somebody else led and the Lease was deleted.
            Some(record) => record.duration.unwrap_or(self.terms.duration),
            // It never was there, as far as we know: the first start of all.
            None if self.seen.is_none() => Duration::ZERO,
            // It was deleted, and the holder may have renewed it a moment before.
            None => self.terms.duration,
        }
    }

    /// Our write was confirmed with this record; the request was sent at `sent`. From now on this candidate leads.
    pub fn wrote(&mut self, record: Record, sent: Instant) {
        self.pause_until = None;
        self.read_at = None;
        self.term_began = Some(sent);
        self.seen = Some(Seen { record: Some(record), claimable_at: sent });
    }

    /// Our write was refused because the Lease is not as we saw it.
    pub fn conflicted(&mut self, now: Instant) {
        self.pause_until = None;
        self.read_at = Some(now);
    }

    /// A request failed, or was not answered in time: a write may have happened or may yet happen. It is tried again on
    /// the same condition, so only one of them can happen.
    pub fn failed(&mut self, now: Instant) {
        self.pause_until = Some(now + self.terms.retry_every);
    }

    /// Ends the term of one's own accord, after the work has stopped.
    pub fn abdicate(&mut self) {
        self.term_began = None;
    }

    /// Whether the work may run at this moment.
    #[must_use]
    pub fn leads(&self, now: Instant) -> bool {
        self.term_began.is_some_and(|began| now < self.deadline(began))
    }

    /// How long a request that is sent now may take: an answer after the deadline is of no use.
    #[must_use]
    pub fn patience(&self, now: Instant) -> Duration {
        let left = self.term_began.map(|began| self.deadline(began).saturating_duration_since(now));
        left.map_or(self.terms.request_timeout, |left| left.min(self.terms.request_timeout))
    }

    /// Who holds the lease, as far as this candidate has seen.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.seen.as_ref()?.record.as_ref()?.holder.as_deref()
    }

    fn is_ours(&self, record: &Record) -> bool {
        record.holder.as_deref() == Some(self.identity.as_str())
    }

    fn deadline(&self, began: Instant) -> Instant {
        began + self.terms.duration.saturating_sub(self.terms.grace)
    }
}

#[cfg(test)]
mod rivals;
#[cfg(test)]
mod tests;
