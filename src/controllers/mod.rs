//! One controller per kind, and the caches that they share. What keeps a process alive is in `operator`.

use std::future::Future;

use kube::Client;
use prometheus_client::registry::Registry;

/// What an operator's owner chooses for all controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The region in the ARNs that are shown.
    pub region: String,
    /// The account in the ARNs that are shown: 12 digits.
    pub account_id: String,
    /// Whether the cluster named `default` is made, and made again when it is deleted.
    pub default_cluster: bool,
    /// How many objects of one kind are reconciled at once.
    pub concurrency: u16,
}

/// All controllers and their caches. The caches follow always, also on a standby; reconciling is for the leader.
pub struct Controllers;

impl Controllers {
    /// Prepares the controllers; nothing is sent yet. Their metrics go into `registry`.
    pub fn new(_client: Client, _settings: Settings, _registry: &mut Registry) -> Self {
        Self
    }

    /// The names that [`Controllers::watch`] passes to `ready`, each of them once.
    #[must_use]
    pub fn cache_names(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Fills the caches and follows them until it is dropped. Calls `ready` once for each cache that is filled.
    pub async fn watch(&self, _ready: impl Fn(&'static str) + Send + Sync) {
        std::future::pending::<()>().await;
    }

    /// Reconciles until `stop` resolves and the running reconciles have finished, or until it is dropped.
    pub async fn reconcile(&self, stop: impl Future<Output = ()> + Send) {
        stop.await;
    }
}
