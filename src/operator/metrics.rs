//! The registry of all metrics and the metrics of the process itself. Those of a controller stand with the controller.
//! Label sets are fixed: nothing that a user names becomes a label.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::client::VERSION;

/// The metrics of the process.
#[derive(Debug)]
pub struct ProcessMetrics {
    /// 1 while this process leads, 0 otherwise.
    pub leading: Gauge,
}

impl ProcessMetrics {
    /// Registers the metrics of the process.
    pub fn register(registry: &mut Registry) -> Self {
        let leading = Gauge::default();
        registry.register("leader", "1 while this process reconciles, 0 on a standby", leading.clone());
        registry.register("build", "The version of this process", Info::new([("version", VERSION)]));
        Self { leading }
    }
}

/// A registry for all metrics: their names begin with `ecs_operator_`.
#[must_use]
pub fn registry() -> Registry {
    Registry::with_prefix("ecs_operator")
}
