//! What the controllers count. Label sets are fixed: kinds, and words for results.

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::ConstGauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::kube_io::caches::Caches;

/// Labels of a reconcile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReconcileLabels {
    /// The kind that was reconciled.
    pub kind: &'static str,
    /// `ok`, `waiting`, or the class of an error.
    pub result: &'static str,
}

/// Labels of what is counted by kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabels {
    /// The kind.
    pub kind: &'static str,
}

/// The counters.
#[derive(Clone, Debug)]
pub struct Metrics {
    reconciles: Family<ReconcileLabels, Counter>,
    durations: Family<KindLabels, Histogram>,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry, caches: Arc<Caches>) -> Self {
        // From 1 ms to about 30 s, where a reconcile is cut off.
        let histogram = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let metrics = Self {
            reconciles: Family::default(),
            durations: Family::new_with_constructor(histogram as fn() -> Histogram),
        };
        registry.register("ecs_operator_reconciles", "Reconciles by kind and result", metrics.reconciles.clone());
        registry.register_with_unit(
            "ecs_operator_reconcile_duration",
            "How long reconciles took",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register_collector(Box::new(Undecodable(caches)));
        metrics
    }

    /// Counts a reconcile.
    pub fn reconciled(&self, kind: &'static str, result: &'static str, took: Duration) {
        self.reconciles.get_or_create(&ReconcileLabels { kind, result }).inc();
        self.durations.get_or_create(&KindLabels { kind }).observe(took.as_secs_f64());
    }
}

/// How many objects cannot be read, as the caches know it.
struct Undecodable(Arc<Caches>);

impl std::fmt::Debug for Undecodable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Undecodable")
    }
}

impl Collector for Undecodable {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let caches = &self.0;
        let counts = [
            ("EcsCluster", caches.clusters.undecodable()),
            ("TaskDefinition", caches.task_definitions.undecodable()),
            ("TaskDefinitionRevision", caches.revisions.undecodable()),
            ("EcsService", caches.services.undecodable()),
            ("EcsTask", caches.tasks.undecodable()),
            ("EcsRole", caches.roles.undecodable()),
            ("EcsSecurityGroup", caches.security_groups.undecodable()),
            ("EcsTargetGroup", caches.target_groups.undecodable()),
        ];
        let family = counts.into_iter().map(|(kind, count)| {
            let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            (KindLabels { kind }, gauge)
        });
        let family: Vec<_> = family.collect();
        let mut metric_encoder = encoder.encode_descriptor(
            "ecs_operator_undecodable_objects",
            "Objects that cannot be read",
            None,
            prometheus_client::metrics::MetricType::Gauge,
        )?;
        for (labels, gauge) in &family {
            gauge.encode(metric_encoder.encode_family(labels)?)?;
        }
        Ok(())
    }
}
