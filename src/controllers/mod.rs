//! One controller a kind, each in five steps: observe, validate, translate or decide, apply, report. Only observing,
//! applying and reporting touch the API server; what they need of each other travels in plain values.

pub mod back_off;
pub mod cluster;
pub mod context;
pub mod default_cluster;
pub mod driver;
pub mod earlier_ends;
pub mod findings;
pub mod metrics;
pub mod refusal;
pub mod registrar;
pub mod revision_lookup;
pub mod role;
pub mod secret_access;
pub mod security_group;
pub mod service;
pub mod service_task;
pub mod stops;
pub mod target_group;
pub mod task;
pub mod task_changes;
pub mod task_definition;
pub mod task_definition_revision;
pub mod told_events;
pub mod triggers;
pub mod turns;
pub mod vpc;

use std::{future::Future, sync::Arc};

use futures::FutureExt;
use kube::Client;
use prometheus_client::registry::Registry;

use crate::kube_io::caches::Caches;

use context::Context;
use metrics::Metrics;

/// What can be set from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Region in ARNs and in the containers' environment.
    pub region: String,
    /// Account in ARNs.
    pub account_id: String,
    /// Whether the cluster named default always exists.
    pub default_cluster: bool,
    /// The Namespace where task definitions are looked for that are not in a service's own.
    pub shared_namespace: Option<String>,
    /// Most objects of a kind that are reconciled at a time.
    pub concurrency: u16,
}

/// All controllers of one process.
pub struct Controllers {
    context: Arc<Context>,
}

impl Controllers {
    /// Controllers that have not seen anything yet. `instance` is the name of this process in Events; the metrics go into
    /// the registry.
    #[must_use]
    pub fn new(client: Client, settings: Settings, instance: String, registry: &mut Registry) -> Self {
        let caches = Arc::new(Caches::default());
        let metrics = Metrics::register(registry, Arc::clone(&caches));
        let context = Arc::new(Context::new(client, caches, settings, instance, metrics));
        Self { context }
    }

    /// Names of the caches that have to be filled before the first reconcile.
    #[must_use]
    pub fn cache_names(&self) -> &'static [&'static str] {
        &Caches::NAMES
    }

    /// Follows the API server until the future is dropped, also on a standby. `filled` hears of each cache that is filled.
    pub async fn watch(&self, filled: impl Fn(&'static str) + Send + Sync) {
        self.context.caches.follow(&self.context.client, &filled).await;
    }

    /// Reconciles until `stop` resolves and what is under way has ended. The caches have to be filled.
    pub async fn reconcile(&self, stop: impl Future<Output = ()> + Send + 'static) {
        let stop = stop.shared();
        let context = &self.context;
        let controllers = async {
            futures::join!(
                cluster::run(context, stop.clone()),
                task_definition::run(context, stop.clone()),
                task_definition_revision::run(context, stop.clone()),
                role::run(context, stop.clone()),
                security_group::run(context, stop.clone()),
                target_group::run(context, stop.clone()),
                service::run(context, stop.clone()),
                // First whoever keeps the Pods that are gone, then whoever asks for them.
                service_task::run(context, stop.clone()),
                task::run(context, stop.clone()),
                default_cluster::run(context, stop.clone()),
            );
        };
        let telling = context.tell_of_undecodable_objects();
        futures::future::select(Box::pin(controllers), Box::pin(telling)).await;
    }
}
