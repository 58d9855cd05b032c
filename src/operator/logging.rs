//! Where log lines go and in which form. What is logged stands where it happens; secrets are logged nowhere.

use std::io::stderr;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line; the fields of its spans, kind, namespace and name, are in `spans`.
    Json,
    /// For reading at a terminal.
    Text,
}

/// Sends log lines to standard error from now on, for the whole process.
///
/// # Errors
/// When the process has been told so before.
pub fn start(filter: EnvFilter, format: LogFormat) -> Result<(), TryInitError> {
    let layer = match format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(stderr).boxed(),
        LogFormat::Text => fmt::layer().with_ansi(false).with_writer(stderr).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()
}
