//! A one-way switch that tells running work to stop: who may flip it, and how to wait for it.
//! Which event flips it is not decided here.

use tokio::sync::watch;

/// Stops the work that holds the [`Cancellation`] of the same pair. Dropping it stops the work too, so that no work
/// can outlive the one who answers for it.
#[derive(Debug)]
pub struct Canceller {
    // Nothing is ever sent: that the sender is gone is the message.
    _sender: watch::Sender<()>,
}

/// Tells when work has to stop.
#[derive(Clone, Debug)]
pub struct Cancellation(watch::Receiver<()>);

/// Makes a switch that has not been flipped.
#[must_use]
pub fn cancellation() -> (Canceller, Cancellation) {
    let (sender, receiver) = watch::channel(());
    (Canceller { _sender: sender }, Cancellation(receiver))
}

impl Canceller {
    /// Asks the work to stop.
    pub fn cancel(self) {
        drop(self);
    }
}

impl Cancellation {
    /// Resolves once the work has to stop, and at once when that is so already.
    pub async fn cancelled(mut self) {
        while self.0.changed().await.is_ok() {}
    }

    /// Whether the work has to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn cancelling_reaches_every_clone() {
        let (canceller, first) = cancellation();
        let second = first.clone();
        assert!(!first.is_cancelled());
        canceller.cancel();
        assert!(second.is_cancelled());
        first.cancelled().await;
        second.cancelled().await;
    }

    #[tokio::test]
    async fn a_dropped_canceller_cancels() {
        let (canceller, cancellation) = cancellation();
        let waiting = tokio::spawn(cancellation.cancelled());
        drop(canceller);
        waiting.await.unwrap();
    }
}
