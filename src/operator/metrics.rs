//! The metrics of the process itself. Those of the controllers stand with the controllers.
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
        registry.register("ecs_operator_leader", "1 while this process reconciles, 0 on a standby", leading.clone());
        registry.register("ecs_operator_build", "The version of this process", Info::new([("version", VERSION)]));
        Self { leading }
    }
}
