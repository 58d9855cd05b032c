//! One process from start to end: makes the parts, connects them to the controllers, and waits for the first to end.
//! What the parts do is in the other files of this folder; what is reconciled, and how, is in `controllers`.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tracing::info;

use super::arguments::{RunArguments, UnknownLeaseNamespace};
use super::cancellation::Cancellation;
use super::client::{self, VERSION};
use super::election::Terms;
use super::health::{self, Health, Heartbeat};
use super::leader::{self, Candidacy};
use super::metrics::ProcessMetrics;
use super::readiness::{Readiness, ReadyHandle};
use super::{Error, custom_resources, logging, shutdown};
use crate::controllers::Controllers;

/// From the first signal on the process ends within this time, whatever it still waits for. Below the 30 s after which
/// Kubernetes kills a Pod, so that the last word is ours.
pub const LONGEST_SHUTDOWN: Duration = Duration::from_secs(10);

/// Runs the operator until the first signal, or until it cannot go on.
///
/// # Errors
/// [`Error`]. An API server that does not answer is no reason; the operator waits for it.
pub async fn run(arguments: &RunArguments) -> Result<(), Error> {
    let lease_namespace = lease_namespace(arguments)?;
    logging::start(arguments.log_filter(), arguments.log_format)?;
    info!(version = VERSION, "ecs-operator starts");
    let shutdown = shutdown::on_signal()?;
    let listener = listen(arguments.listen).await.map_err(|error| Error::Listen(arguments.listen, error))?;
    let client = client::connect(arguments.kubeconfig.as_deref()).await?;

    let mut registry = Registry::default();
    let ProcessMetrics { leading } = ProcessMetrics::register(&mut registry);
    let identity = identity();
    let controllers = Controllers::new(client.clone(), arguments.settings(), identity.clone(), &mut registry);
    let controllers = Arc::new(controllers);
    let readiness = Readiness::default();
    let checks = Checks::register(&readiness, &controllers);
    let heartbeat = Arc::new(Heartbeat::new(Instant::now()));
    let health = Health { heartbeat: heartbeat.clone(), readiness: readiness.clone(), registry };
    let candidacy = lease_namespace.map(|namespace| candidacy(arguments, namespace, identity, &leading));
    let operator = Operator { client, controllers, leading, readiness, shutdown };

    // All in one task, but for health: it must answer when this task does not move.
    tokio::select! {
        result = operator.reconcile(candidacy) => result,
        () = operator.watch(checks) => Err(Error::Ended("watching")),
        _ = tokio::spawn(health::serve(listener, health)) => Err(Error::Ended("the health server")),
        () = heartbeat.run() => Err(Error::Ended("the heartbeat")),
        () = operator.overdue() => Err(Error::ShutdownTooSlow),
    }
}

async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    info!(address = %listener.local_addr()?, "health and metrics are served");
    Ok(listener)
}

/// The namespace of the lease, when there is to be one.
fn lease_namespace(arguments: &RunArguments) -> Result<Option<String>, UnknownLeaseNamespace> {
    let find = || arguments.lease_namespace(std::env::var("POD_NAMESPACE").ok());
    arguments.leader_election.then(find).transpose()
}

fn candidacy(arguments: &RunArguments, namespace: String, identity: String, leading: &Gauge) -> Candidacy {
    Candidacy {
        namespace,
        name: arguments.lease_name.clone(),
        identity,
        terms: Terms::default(),
        leading: leading.clone(),
    }
}

/// The name of this process in the lease and in Events: the name of the Pod for human readers, and a number that tells
/// a restarted process from the one before.
fn identity() -> String {
    let pod = ["POD_NAME", "HOSTNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    // The seed of the standard hasher is random for each process, which is all that is needed of a random number.
    let number = RandomState::new().hash_one("identity");
    format!("{}_{number:016x}", pod.as_deref().unwrap_or("ecs-operator"))
}

/// The handles of all that readiness waits for.
struct Checks {
    custom_resources: ReadyHandle,
    caches: Vec<(&'static str, ReadyHandle)>,
}

impl Checks {
    fn register(readiness: &Readiness, controllers: &Controllers) -> Self {
        let cache = |name| (name, readiness.register(format!("cache {name}")));
        Self {
            custom_resources: readiness.register("custom resources"),
            caches: controllers.cache_names().iter().copied().map(cache).collect(),
        }
    }

    fn cache_filled(&self, name: &str) {
        self.caches.iter().filter(|(own, _)| *own == name).for_each(|(_, handle)| handle.ready());
    }
}

/// What runs for as long as the process.
struct Operator {
    client: Client,
    controllers: Arc<Controllers>,
    leading: Gauge,
    readiness: Readiness,
    shutdown: Cancellation,
}

impl Operator {
    /// Fills and follows the caches, on a standby too. Not before the custom resources are there: every watch of one
    /// would fail and be tried again, for all that time.
    async fn watch(&self, checks: Checks) {
        custom_resources::served(&self.client, &crate::api::crds()).await;
        checks.custom_resources.ready();
        self.controllers.watch(|name| checks.cache_filled(name)).await;
    }

    /// Reconciles while this process leads, or always when there is no lease to hold. Not before the caches are filled:
    /// a leader that cannot see yet would only keep another one from working.
    async fn reconcile(&self, candidacy: Option<Candidacy>) -> Result<(), Error> {
        tokio::select! {
            () = self.readiness.complete() => info!("ready"),
            () = self.shutdown.clone().cancelled() => return Ok(()),
        }
        let work = |stop: Cancellation| {
            let controllers = self.controllers.clone();
            async move { controllers.reconcile(stop.cancelled()).await }
        };
        if let Some(candidacy) = candidacy {
            return Ok(leader::lead(self.client.clone(), candidacy, self.shutdown.clone(), work).await?);
        }
        self.leading.set(1);
        work(self.shutdown.clone()).await;
        if self.shutdown.is_cancelled() { Ok(()) } else { Err(Error::Ended("reconciling")) }
    }

    /// Resolves when the process should long have ended.
    async fn overdue(&self) {
        self.shutdown.clone().cancelled().await;
        tokio::time::sleep(LONGEST_SHUTDOWN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_candidates_have_one_identity() {
        assert_ne!(identity(), identity());
    }
}
