//! What the process tells about itself over HTTP: `/livez`, `/readyz` and `/metrics`.
//! What readiness waits for is registered elsewhere; nothing here asks the API server.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use super::readiness::Readiness;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How often the main loop beats.
const BEAT: Duration = Duration::from_secs(1);

/// After this long without a beat the main loop passes for dead.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// Proves that the main loop still moves.
#[derive(Debug)]
pub struct Heartbeat {
    start: Instant,
    /// Milliseconds from the start to the last beat.
    last: AtomicU64,
}

impl Heartbeat {
    /// A heart that has just beaten.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { start: now, last: AtomicU64::new(0) }
    }

    /// Beats for as long as it is polled. To be polled in the same task as the work that it stands for.
    pub async fn run(&self) {
        loop {
            self.beat(Instant::now());
            tokio::time::sleep(BEAT).await;
        }
    }

    fn beat(&self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.start).as_millis();
        self.last.store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long ago it last beat, when that is too long.
    fn stalled(&self, now: Instant) -> Option<Duration> {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        let silence = now.saturating_duration_since(self.start).saturating_sub(last);
        (silence > STALLED_AFTER).then_some(silence)
    }
}

/// What is told.
pub struct Health {
    /// For `/livez`.
    pub heartbeat: Arc<Heartbeat>,
    /// For `/readyz`.
    pub readiness: Readiness,
    /// For `/metrics`.
    pub registry: Registry,
}

/// Answers until it is dropped.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, health: Health) -> io::Result<()> {
    axum::serve(listener, router(health)).await
}

fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(health))
}

async fn livez(State(health): State<Arc<Health>>) -> Response {
    match health.heartbeat.stalled(Instant::now()) {
        None => "ok\n".into_response(),
        Some(silence) => {
            let text = format!("the main loop has not moved for {} s\n", silence.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

async fn readyz(State(health): State<Arc<Health>>) -> Response {
    let missing = health.readiness.missing();
    if missing.is_empty() {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for:\n{}\n", missing.join("\n"))).into_response()
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &health.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::super::metrics::ProcessMetrics;
    use super::*;

    fn health(readiness: &Readiness, last_beat: Instant) -> Health {
        let mut registry = Registry::default();
        ProcessMetrics::register(&mut registry).leading.set(1);
        Health { heartbeat: Arc::new(Heartbeat::new(last_beat)), readiness: readiness.clone(), registry }
    }

    async fn ask(health: Health, path: &str) -> (StatusCode, Option<String>, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(health).oneshot(request).await.unwrap();
        let content_type = response.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, content_type, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_names_what_is_missing_until_nothing_is() {
        let readiness = Readiness::default();
        let services = readiness.register("cache ecsservices");
        let tasks = readiness.register("cache ecstasks");
        let (status, _, body) = ask(health(&readiness, Instant::now()), "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body, "waiting for:\ncache ecsservices\ncache ecstasks\n");
        services.ready();
        tasks.ready();
        let (status, _, body) = ask(health(&readiness, Instant::now()), "/readyz").await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "ok\n"));
    }

    #[tokio::test]
    async fn a_main_loop_that_stands_still_is_dead() {
        let readiness = Readiness::default();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(40)).unwrap();
        let (status, _, body) = ask(health(&readiness, long_ago), "/livez").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body, "the main loop has not moved for 40 s\n");
        let alive = health(&readiness, long_ago);
        alive.heartbeat.beat(Instant::now());
        assert_eq!(ask(alive, "/livez").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn metrics_are_open_metrics() {
        let (status, content_type, body) = ask(health(&Readiness::default(), Instant::now()), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(content_type.as_deref(), Some(OPEN_METRICS));
        let version = env!("CARGO_PKG_VERSION");
        for line in ["ecs_operator_leader 1", &format!("ecs_operator_build_info{{version=\"{version}\"}} 1"), "# EOF"] {
            assert!(body.lines().any(|found| found == line), "{line} is not in\n{body}");
        }
    }
}
