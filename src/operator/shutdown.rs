//! The signals that end the process: the first one asks it to finish, the second ends it at once.
//! What there is to finish is the business of whoever holds the cancellation.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::cancellation::{Cancellation, cancellation};

/// Listens for SIGTERM and SIGINT from now on. The cancellation comes with the first of them.
///
/// # Errors
/// When the process may not listen for signals.
pub fn on_signal() -> io::Result<Cancellation> {
    let mut signals =
        Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
    let (canceller, shutdown) = cancellation();
    tokio::spawn(async move {
        let first = signals.next().await;
        info!(signal = first, "shutting down; a second signal ends the process at once");
        canceller.cancel();
        let second = signals.next().await;
        warn!(signal = second, "ended at once, the lease has to expire");
        // Not by way of `main`: whatever it waits for may be what the second signal was sent about.
        std::process::exit(1);
    });
    Ok(shutdown)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
