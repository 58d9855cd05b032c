//! A layer in front of the operator's client: it counts, loses, refuses and delays requests, and cuts watches off.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body as Answer;
use futures::StreamExt;
use http::{Request, Response};
use kube::{
    Client,
    client::{Body, retry::RetryPolicy},
};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tower::{BoxError, Layer, Service, retry::RetryLayer};

/// A request of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub is_watch: bool,
}

impl Call {
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It goes through.
    None,
    /// The API server would not have it.
    Refused(u16),
    /// It never arrives.
    Lost,
    /// It is carried out, but nobody hears of it.
    AnswerLost,
    /// It waits, and then goes through.
    Slow(Duration),
}

type Plan = Box<dyn FnMut(&Call) -> Fault + Send>;

/// How long an operator lives: until so many of its writes have taken effect.
struct Life {
    writes: usize,
    counts: Box<dyn Fn(&Call) -> bool + Send + Sync>,
    /// A write holds a permit while it is under way, and gives it back when it has changed nothing.
    left: Semaphore,
    spent: AtomicUsize,
}

impl Life {
    /// Counts a write that has taken effect. Returns whether it was the last one.
    fn spend(&self, permit: SemaphorePermit) -> bool {
        permit.forget();
        self.spent.fetch_add(1, Ordering::SeqCst) + 1 == self.writes
    }
}

/// What stands between one operator and the API server.
pub struct Front {
    plan: Mutex<Plan>,
    calls: Mutex<Vec<Call>>,
    conflicts: Mutex<Vec<Call>>,
    forbidden: Mutex<Vec<String>>,
    lag: Mutex<Option<(String, Duration)>>,
    cut: watch::Sender<u32>,
    life: Option<Life>,
    dead: AtomicBool,
    death: Notify,
}

impl Front {
    /// Lets everything through.
    pub fn open() -> Arc<Self> {
        Self::new(|_| Fault::None)
    }

    pub fn new(plan: impl FnMut(&Call) -> Fault + Send + 'static) -> Arc<Self> {
        Arc::new(Self::build(plan, None))
    }

    /// Lets everything through until so many writes that count have taken effect. Then the operator's process ends.
    pub fn mortal(writes: usize, counts: impl Fn(&Call) -> bool + Send + Sync + 'static) -> Arc<Self> {
        let life = Life { writes, counts: Box::new(counts), left: Semaphore::new(writes), spent: AtomicUsize::new(0) };
        Arc::new(Self::build(|_| Fault::None, Some(life)))
    }

    fn build(plan: impl FnMut(&Call) -> Fault + Send + 'static, life: Option<Life>) -> Self {
        Self {
            plan: Mutex::new(Box::new(plan)),
            calls: Mutex::default(),
            conflicts: Mutex::default(),
            forbidden: Mutex::default(),
            lag: Mutex::default(),
            cut: watch::channel(0).0,
            life,
            dead: AtomicBool::new(false),
            death: Notify::new(),
        }
    }

    /// From now on something else happens to requests.
    pub fn change(&self, plan: impl FnMut(&Call) -> Fault + Send + 'static) {
        *self.plan.lock().unwrap() = Box::new(plan);
    }

    /// Ends every watch that is open now.
    pub fn cut_watches(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Watches of a kind that begin from now on run behind by this much.
    pub fn let_lag(&self, plural: &str, by: Duration) {
        *self.lag.lock().unwrap() = Some((plural.into(), by));
    }

    fn lag_of(&self, call: &Call) -> Duration {
        let lag = self.lag.lock().unwrap();
        lag.as_ref()
            .filter(|(plural, _)| call.is_watch && call.path.ends_with(plural))
            .map_or(Duration::ZERO, |(_, by)| *by)
    }

    /// Waits for the request after which the process ends.
    pub async fn dies(&self) {
        while !self.dead.load(Ordering::SeqCst) {
            self.death.notified().await;
        }
    }

    /// The writes so far.
    pub fn writes(&self) -> Vec<Call> {
        self.calls.lock().unwrap().iter().filter(|call| call.is_write()).cloned().collect()
    }

    /// The writes that were refused because somebody else was faster.
    pub fn conflicts(&self) -> Vec<Call> {
        self.conflicts.lock().unwrap().clone()
    }

    /// All requests so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Requests for which the table of rights is too short.
    pub fn forbidden(&self) -> Vec<String> {
        self.forbidden.lock().unwrap().clone()
    }

    /// A client that sends everything through this front. Like the operator's, it repeats what the API server is too
    /// busy for.
    pub fn client(self: &Arc<Self>, client: Client) -> Client {
        let through = Through { front: Arc::clone(self), client };
        let policy = RetryPolicy::new(Duration::from_millis(50), Duration::from_secs(1), 5, true).unwrap();
        Client::new(RetryLayer::new(policy).layer(through), "default")
    }

    fn decide(&self, call: &Call) -> Fault {
        self.calls.lock().unwrap().push(call.clone());
        (self.plan.lock().unwrap())(call)
    }

    fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.death.notify_waiters();
        self.death.notify_one();
    }
}

#[derive(Clone)]
struct Through {
    front: Arc<Front>,
    client: Client,
}

impl Service<Request<Body>> for Through {
    type Response = Response<Answer>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (front, client) = (Arc::clone(&self.front), self.client.clone());
        Box::pin(async move { pass(&front, &client, request).await })
    }
}

async fn pass(front: &Front, client: &Client, request: Request<Body>) -> Result<Response<Answer>, BoxError> {
    let call = Call {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        is_watch: request.uri().query().is_some_and(|query| query.contains("watch=true")),
    };
    let life = front.life.as_ref().filter(|life| call.is_write() && (life.counts)(&call));
    // Those that the end has to do without wait here for ever.
    let permit = match life {
        Some(life) => Some(life.left.acquire().await?),
        None => None,
    };
    if front.dead.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    let answer = meet(front, client, &call, request).await?;
    if let (Some(life), Some(permit)) = (life, permit)
        && answer.status().is_success()
        && life.spend(permit)
    {
        front.die();
        std::future::pending::<()>().await;
    }
    Ok(answer)
}

/// Lets happen to a request what is planned for it.
async fn meet(
    front: &Front,
    client: &Client,
    call: &Call,
    request: Request<Body>,
) -> Result<Response<Answer>, BoxError> {
    match front.decide(call) {
        Fault::None => forward(front, client, call, request).await,
        Fault::Refused(code) => Ok(refusal(code)),
        Fault::Lost => Err("connection refused (injected)".into()),
        Fault::AnswerLost => {
            forward(front, client, call, request).await?;
            Err("connection reset (injected)".into())
        }
        Fault::Slow(delay) => {
            tokio::time::sleep(delay).await;
            forward(front, client, call, request).await
        }
    }
}

async fn forward(
    front: &Front,
    client: &Client,
    call: &Call,
    request: Request<Body>,
) -> Result<Response<Answer>, BoxError> {
    let mut cut = front.cut.subscribe();
    let response = client.send(request).await?;
    if response.status() == 409 {
        front.conflicts.lock().unwrap().push(call.clone());
    }
    if response.status() == 403 {
        let (parts, body) = response.into_parts();
        let bytes = body.collect_bytes().await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // What a Namespace that is being deleted refuses is no missing right.
        if !text.contains("NamespaceTerminating") {
            front.forbidden.lock().unwrap().push(format!("{} {}: {text}", call.method, call.path));
        }
        return Ok(Response::from_parts(parts, Answer::from(bytes)));
    }
    let lag = front.lag_of(call);
    Ok(response.map(|body| {
        let frames = Answer::new(body).into_data_stream().then(move |frame| async move {
            tokio::time::sleep(lag).await;
            frame
        });
        if call.is_watch {
            Answer::from_stream(frames.take_until(Box::pin(async move { drop(cut.changed().await) })))
        } else {
            Answer::from_stream(frames)
        }
    }))
}

/// What an API server answers that does not do what it is asked.
fn refusal(code: u16) -> Response<Answer> {
    let reason = match code {
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let status = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "injected",
    });
    let builder = Response::builder().status(code).header("content-type", "application/json");
    let builder = if code == 429 { builder.header("retry-after", "1") } else { builder };
    builder.body(Answer::from(status.to_string())).unwrap()
}
