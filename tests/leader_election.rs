//! Candidates against a real API server: one lease, several candidates, and what happens to the one who leads.
//! The rules of the election are tested by themselves, in `operator::election`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod api_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ecs_operator::operator::cancellation::{Cancellation, Canceller, cancellation};
use ecs_operator::operator::election::Terms;
use ecs_operator::operator::leader::{Candidacy, LeadError, lead};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::client::Body;
use kube::{Api, Client};
use prometheus_client::metrics::gauge::Gauge;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const NAMESPACE: &str = "default";

/// How far a test may be off when it reads its clock.
const SLACK: Duration = Duration::from_millis(500);

/// How long anything may take that has no better bound.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lease of one test, and a count of those who work under it.
struct Election {
    client: Client,
    name: String,
    terms: Terms,
    at_work: Arc<AtomicUsize>,
}

impl Election {
    async fn new(test: &str, duration: Duration) -> Self {
        let client = api_server::client().await;
        let name = format!("leader-election-{test}-{}", std::process::id());
        Self { client, name, terms: Terms::of(duration), at_work: Arc::default() }
    }

    fn api(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    async fn holder(&self) -> Option<String> {
        self.api().get(&self.name).await.unwrap().spec?.holder_identity
    }

    /// Changes the Lease as one can by hand, without regard to what it was.
    async fn patch(&self, change: serde_json::Value) {
        self.api().patch(&self.name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    }

    /// A candidate whose work finishes as soon as it is asked to.
    fn candidate(&self, identity: &str) -> Candidate {
        self.slow_candidate(identity, Duration::ZERO)
    }

    /// A candidate whose work takes some time to finish.
    fn slow_candidate(&self, identity: &str, finishing: Duration) -> Candidate {
        let line = Arc::new(AtomicBool::new(true));
        let leading = Gauge::default();
        let candidacy = Candidacy {
            namespace: NAMESPACE.to_owned(),
            name: self.name.clone(),
            identity: identity.to_owned(),
            terms: self.terms,
            leading: leading.clone(),
        };
        let (canceller, shutdown) = cancellation();
        let at_work = self.at_work.clone();
        let terms_served = Arc::new(AtomicUsize::new(0));
        let work = {
            let terms_served = terms_served.clone();
            move |stop: Cancellation| {
                terms_served.fetch_add(1, Ordering::SeqCst);
                work(at_work.clone(), stop, finishing)
            }
        };
        let task = tokio::spawn(lead(over(self.client.clone(), line.clone()), candidacy, shutdown, work));
        Candidate { leading, line, canceller, terms_served, task }
    }

    async fn clean_up(self) {
        self.api().delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}

/// Works until it is told to stop. Two at work would be the end of the test.
async fn work(at_work: Arc<AtomicUsize>, stop: Cancellation, finishing: Duration) {
    struct AtWork(Arc<AtomicUsize>);
    impl Drop for AtWork {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    assert_eq!(at_work.fetch_add(1, Ordering::SeqCst), 0, "somebody else is at work");
    let _at_work = AtWork(at_work);
    stop.cancelled().await;
    sleep(finishing).await;
}

/// The client over a line that can be cut: then its requests are neither answered nor refused.
fn over(client: Client, line: Arc<AtomicBool>) -> Client {
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (client, line) = (client.clone(), line.clone());
        async move {
            if !line.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            client.send(request).await
        }
    });
    Client::new(service, NAMESPACE)
}

struct Candidate {
    leading: Gauge,
    line: Arc<AtomicBool>,
    canceller: Canceller,
    terms_served: Arc<AtomicUsize>,
    task: JoinHandle<Result<(), LeadError>>,
}

impl Candidate {
    fn leads(&self) -> bool {
        self.leading.get() == 1
    }

    /// Waits until it leads, or does not, and says how long that took.
    async fn leads_within(&self, leads: bool, patience: Duration) -> Duration {
        let start = Instant::now();
        while self.leads() != leads {
            assert!(!self.task.is_finished(), "the candidate gave up");
            assert!(start.elapsed() < patience, "leading is still {}", !leads);
            sleep(Duration::from_millis(10)).await;
        }
        start.elapsed()
    }

    async fn retire(self) {
        self.canceller.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_killed_leader_is_followed_once_its_lease_has_expired() {
    let election = Election::new("killed", Duration::from_secs(3)).await;
    let first = election.candidate("first");
    first.leads_within(true, PATIENCE).await;
    let second = election.candidate("second");
    sleep(Duration::from_secs(4)).await;
    assert!(!second.leads(), "renewals keep the lease");

    first.task.abort();
    let took = second.leads_within(true, PATIENCE).await;
    let Terms { duration, renew_every, .. } = election.terms;
    assert!(took + renew_every + SLACK > duration, "{took:?} is before the lease expired");
    assert!(took < duration + Duration::from_secs(2), "{took:?} is long after the lease expired");
    assert_eq!(election.holder().await.as_deref(), Some("second"));
    second.retire().await;
    election.clean_up().await;
}

#[tokio::test]
async fn a_leader_that_retires_is_followed_at_once() {
    let election = Election::new("retired", Duration::from_secs(10)).await;
    let first = election.candidate("first");
    first.leads_within(true, PATIENCE).await;
    let second = election.candidate("second");
    sleep(Duration::from_secs(1)).await;

    first.retire().await;
    let took = second.leads_within(true, PATIENCE).await;
    assert!(took < Duration::from_secs(3), "{took:?} is no better than waiting");
    second.retire().await;
    assert_eq!(election.holder().await.as_deref(), Some(""));
    election.clean_up().await;
}

#[tokio::test]
async fn the_lease_is_kept_until_the_work_has_finished() {
    let election = Election::new("finishing", Duration::from_secs(2)).await;
    let first = election.slow_candidate("first", Duration::from_secs(4));
    first.leads_within(true, PATIENCE).await;
    let retired = tokio::spawn(first.retire());
    let second = election.candidate("second");

    sleep(Duration::from_secs(3)).await;
    assert_eq!(election.holder().await.as_deref(), Some("first"), "renewed for longer than its duration");
    assert!(!retired.is_finished());
    retired.await.unwrap();
    second.leads_within(true, PATIENCE).await;
    second.retire().await;
    election.clean_up().await;
}

#[tokio::test]
async fn a_leader_stops_when_the_lease_is_given_to_somebody_else() {
    let election = Election::new("taken", Duration::from_secs(3)).await;
    let first = election.candidate("first");
    first.leads_within(true, PATIENCE).await;

    election.patch(serde_json::json!({ "spec": { "holderIdentity": "intruder" } })).await;

    first.leads_within(false, election.terms.renew_every + Duration::from_secs(1)).await;
    assert_eq!(election.at_work.load(Ordering::SeqCst), 0);
    assert_eq!(election.holder().await.as_deref(), Some("intruder"), "it is not taken back");
    first.leads_within(true, PATIENCE).await;
    assert_eq!(first.terms_served.load(Ordering::SeqCst), 2, "an intruder that does not renew is followed");
    first.retire().await;
    election.clean_up().await;
}

#[tokio::test]
async fn a_leader_stops_when_the_lease_is_deleted_and_waits_its_turn() {
    let election = Election::new("deleted", Duration::from_secs(3)).await;
    let first = election.candidate("first");
    first.leads_within(true, PATIENCE).await;

    election.api().delete(&election.name, &DeleteParams::default()).await.unwrap();
    first.leads_within(false, election.terms.renew_every + Duration::from_secs(1)).await;
    let took = first.leads_within(true, PATIENCE).await;
    assert!(took + SLACK > election.terms.duration, "{took:?}");
    first.retire().await;
    election.clean_up().await;
}

#[tokio::test]
async fn an_edit_of_the_lease_by_somebody_else_does_not_end_a_term() {
    let election = Election::new("edited", Duration::from_secs(3)).await;
    let first = election.candidate("first");
    first.leads_within(true, PATIENCE).await;
    for number in 0..8 {
        election.patch(serde_json::json!({ "metadata": { "labels": { "number": number.to_string() } } })).await;
        sleep(Duration::from_millis(500)).await;
    }
    assert!(first.leads());
    assert_eq!(first.terms_served.load(Ordering::SeqCst), 1);
    let labels = election.api().get(&election.name).await.unwrap().metadata.labels.unwrap();
    assert_eq!(labels.get("number").map(String::as_str), Some("7"), "labels of others stay");
    first.retire().await;
    election.clean_up().await;
}

#[tokio::test]
async fn work_stops_while_the_api_server_is_away_and_starts_again_afterwards() {
    let election = Election::new("away", Duration::from_secs(3)).await;
    let first = election.slow_candidate("first", PATIENCE);
    first.leads_within(true, PATIENCE).await;
    let second = election.candidate("second");

    first.line.store(false, Ordering::SeqCst);
    second.line.store(false, Ordering::SeqCst);
    first.leads_within(false, election.terms.duration).await;
    assert_eq!(election.at_work.load(Ordering::SeqCst), 0, "dropped, although it would rather have finished");
    sleep(election.terms.duration * 2).await;
    assert!(!first.task.is_finished() && !second.task.is_finished(), "nobody gives up");

    first.line.store(true, Ordering::SeqCst);
    first.leads_within(true, PATIENCE).await;
    assert_eq!(first.terms_served.load(Ordering::SeqCst), 2);
    second.line.store(true, Ordering::SeqCst);
    sleep(election.terms.duration).await;
    assert!(first.leads() && !second.leads());
    first.task.abort();
    second.retire().await;
    election.clean_up().await;
}

#[tokio::test]
async fn work_that_ends_of_itself_is_an_error_and_gives_the_lease_back() {
    let election = Election::new("unasked", Duration::from_secs(10)).await;
    let candidacy = Candidacy {
        namespace: NAMESPACE.to_owned(),
        name: election.name.clone(),
        identity: "first".to_owned(),
        terms: election.terms,
        leading: Gauge::default(),
    };
    let (_canceller, shutdown) = cancellation();
    let result = lead(election.client.clone(), candidacy, shutdown, |_| async { panic!("broken") }).await;
    let reason = result.unwrap_err().to_string();
    assert!(reason.starts_with("the work of the leader ended unasked: task"), "{reason}");
    assert!(reason.contains("broken"), "{reason}");
    assert_eq!(election.holder().await.as_deref(), Some(""));
    election.clean_up().await;
}
