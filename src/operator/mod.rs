//! The process: arguments, leader election, health, metrics, shutdown. This file says what there is, and turns how a
//! run ended into an exit code; `process` connects the parts. What is reconciled, and how, is in `controllers`.

pub mod arguments;
pub mod cancellation;
pub mod client;
pub mod custom_resources;
pub mod election;
pub mod health;
pub mod leader;
pub mod lease;
pub mod logging;
pub mod metrics;
pub mod process;
pub mod readiness;
pub mod release;
pub mod shutdown;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use tracing::error;
use tracing_subscriber::util::TryInitError;

use self::arguments::{Arguments, Command, CrdsArguments, ReleaseArguments, RunArguments, UnknownLeaseNamespace};
use self::client::ClientError;
use self::custom_resources::WriteError;
use self::leader::LeadError;
use self::process::LONGEST_SHUTDOWN;
use crate::cli;

/// Requests are few and wait most of the time: more threads would only take memory.
const WORKER_THREADS: usize = 2;

/// Why the process ends without having been asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments are not enough.
    #[error(transparent)]
    Arguments(#[from] UnknownLeaseNamespace),
    /// There is no client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The definitions were not written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Finalizers could not be taken off.
    #[error(transparent)]
    Release(#[from] crate::kube_io::error::Error),
    /// Reconciling cannot go on.
    #[error(transparent)]
    Lead(#[from] LeadError),
    /// The address for health and metrics is not to be had.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The operating system refuses something that a process needs.
    #[error("cannot set the process up: {0}")]
    Setup(#[from] io::Error),
    /// There is a log already.
    #[error("cannot start the log: {0}")]
    Log(#[from] TryInitError),
    /// Something ended that runs as long as the process.
    #[error("{0} ended unasked")]
    Ended(&'static str),
    /// Stopping took too long.
    #[error("did not stop within {} s, the lease has to expire", LONGEST_SHUTDOWN.as_secs())]
    ShutdownTooSlow,
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Arguments(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Does what the arguments say. The exit code is 0 after a graceful shutdown, 2 for arguments that are of no use, and
/// 1 for everything else; then one line says why.
#[must_use]
pub fn main(arguments: Arguments) -> ExitCode {
    let result = match arguments.into_command() {
        Command::Render(arguments) => return cli::render::main(&arguments),
        Command::Fields => write_fields(),
        Command::Run(arguments) => block_on_run(&arguments),
        Command::Crds(arguments) => write_definitions(&arguments),
        Command::Release(arguments) => block_on_release(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            error.exit_code()
        }
    }
}

fn block_on_run(arguments: &RunArguments) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKER_THREADS).enable_all().build()?;
    let result = runtime.block_on(process::run(arguments));
    // Without waiting: a task that does not stop must not keep a process alive that has lost its lease.
    runtime.shutdown_background();
    result
}

fn block_on_release(arguments: &ReleaseArguments) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = client::connect(arguments.kubeconfig.as_deref()).await?;
        Ok(release::release(&client).await?)
    })
}

fn write_definitions(arguments: &CrdsArguments) -> Result<(), Error> {
    let definitions = crate::api::crds();
    match &arguments.directory {
        Some(directory) => custom_resources::write_files(&definitions, directory)?,
        None => custom_resources::print(&definitions)?,
    }
    Ok(())
}

fn write_fields() -> Result<(), Error> {
    let page = cli::fields::page();
    io::stdout()
        .lock()
        .write_all(page.as_bytes())
        .map_err(|error| WriteError::Io("standard output".to_owned(), error))?;
    Ok(())
}

fn report(error: &Error) {
    if tracing::dispatcher::has_been_set() {
        error!(reason = %error, "the operator ends");
    } else {
        eprintln!("ecs-operator: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arguments_exit_with_2() {
        assert_eq!(Error::from(UnknownLeaseNamespace).exit_code(), ExitCode::from(2));
        assert_eq!(Error::Ended("watching").exit_code(), ExitCode::FAILURE);
    }
}
