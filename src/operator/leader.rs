//! Runs work while this process holds the lease: the requests, the timers and the work itself.
//! Who may lead and until when is decided in `election`; what the Lease says is written in `lease`.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use prometheus_client::metrics::gauge::Gauge;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};
use tracing::{info, warn};

use super::cancellation::{Cancellation, Canceller, cancellation};
use super::election::{Election, Loss, Step, Terms};
use super::lease::{self, Record};
use crate::kube_io::error::explain;

/// How long running work may take to finish on a graceful shutdown. The lease is renewed meanwhile.
const DRAIN: Duration = Duration::from_secs(6);

/// Who runs for which lease.
#[derive(Clone, Debug)]
pub struct Candidacy {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease.
    pub name: String,
    /// The name of this candidate in the Lease. Another one for each process, also after a restart.
    pub identity: String,
    /// The durations of the election.
    pub terms: Terms,
    /// 1 while leading, 0 otherwise.
    pub leading: Gauge,
}

/// Why a candidate gave up. Not among the reasons: an API server that is away, or a lease that was lost.
#[derive(Debug, thiserror::Error)]
pub enum LeadError {
    /// The work returned or panicked, although nobody told it to stop.
    #[error("the work of the leader ended unasked{0}")]
    WorkEnded(String),
    /// The work could not be stopped in time. The process must end before somebody else takes the lease.
    #[error("the work of the leader does not stop, so the process has to")]
    WorkIsStuck,
}

/// Campaigns for the lease and runs `work` in a task of its own for as long as it is held; again and again, until
/// `shutdown`. Then the work is stopped first, and the lease released after it.
///
/// The cancellation that `work` gets asks it to finish soon; when it does not, or there is no time, it is dropped.
/// Dropping the returned future drops the work as well, and leaves the lease to expire.
///
/// # Errors
/// [`LeadError`]: the process cannot go on.
pub async fn lead<Work, Running>(
    client: Client,
    candidacy: Candidacy,
    shutdown: Cancellation,
    mut work: Work,
) -> Result<(), LeadError>
where
    Work: FnMut(Cancellation) -> Running,
    Running: Future<Output = ()> + Send + 'static,
{
    let mut candidate = Candidate::new(client, candidacy);
    while candidate.campaign(&shutdown).await {
        let (canceller, stopped) = cancellation();
        let job = Job::start(canceller, work(stopped));
        candidate.reign(job, &shutdown).await?;
    }
    Ok(())
}

/// What ends a term.
enum End {
    Lost(Loss),
    Shutdown,
    /// The work has ended of itself, in this way.
    Unasked(String),
}

struct Candidate {
    api: Api<Lease>,
    candidacy: Candidacy,
    election: Election,
    /// The Lease as it was read or written last.
    lease: Option<Lease>,
    /// The standing complaint about requests, so that it is logged once and not with each retry.
    trouble: Option<String>,
}

impl Candidate {
    fn new(client: Client, candidacy: Candidacy) -> Self {
        let api = Api::namespaced(client, &candidacy.namespace);
        let election = Election::new(candidacy.identity.clone(), candidacy.terms);
        Self { api, candidacy, election, lease: None, trouble: None }
    }

    /// Waits until this candidate leads. Returns false when it is told to shut down before that.
    async fn campaign(&mut self, shutdown: &Cancellation) -> bool {
        loop {
            let now = Instant::now();
            if self.election.leads(now) {
                return true;
            }
            if shutdown.is_cancelled() {
                return false;
            }
            match self.election.next(now) {
                Step::Wait(until) => {
                    tokio::select! {
                        () = sleep_until(until.into()) => {}
                        () = shutdown.clone().cancelled() => {}
                    }
                }
                // A claim whose confirmation came too late to be of use.
                Step::Stop(_) => {}
                // Not interrupted by a shutdown: its outcome would be unknown, and the lease perhaps left to expire.
                step => self.send(step).await,
            }
        }
    }

    /// Leads for one term: renews the lease while the job runs, until one of them ends or shutdown is asked for.
    async fn reign(&mut self, mut job: Job, shutdown: &Cancellation) -> Result<(), LeadError> {
        let _leading = Leading::new(&self.candidacy.leading);
        // After the metric is set: who reads this line may look at the metric at once.
        info!(identity = self.candidacy.identity, "leading");
        let end = tokio::select! {
            biased;
            loss = self.keep() => End::Lost(loss),
            () = shutdown.clone().cancelled() => End::Shutdown,
            how = job.ended() => End::Unasked(how),
        };
        match end {
            End::Lost(loss) => self.stand_down(&loss, job).await,
            End::Shutdown => self.retire(job).await,
            End::Unasked(how) => {
                self.release().await;
                Err(LeadError::WorkEnded(how))
            }
        }
    }

    /// Stops the job because the lease is lost, before the grace is over. There is time to finish only when nobody else
    /// can have the lease yet.
    async fn stand_down(&mut self, loss: &Loss, mut job: Job) -> Result<(), LeadError> {
        warn!(reason = %loss, "leading no more, the work stops");
        let half = self.candidacy.terms.grace / 2;
        job.ask_to_finish();
        if *loss == Loss::Expired && timeout(half, job.ended()).await.is_ok() {
            return Ok(());
        }
        job.drop_within(half).await
    }

    /// Lets the job finish, renews the lease while it does, and releases it then.
    async fn retire(&mut self, mut job: Job) -> Result<(), LeadError> {
        info!("shutting down, the work is told to finish");
        job.ask_to_finish();
        tokio::select! {
            biased;
            loss = self.keep() => return self.stand_down(&loss, job).await,
            _ = job.ended() => {}
            () = sleep(DRAIN) => job.drop_within(self.candidacy.terms.grace).await?,
        }
        self.release().await;
        Ok(())
    }

    /// Renews the lease until it is lost. When this is dropped during a renewal, the Lease may differ from what we know
    /// of it; the next write finds out.
    async fn keep(&mut self) -> Loss {
        loop {
            match self.election.next(Instant::now()) {
                Step::Wait(until) => sleep_until(until.into()).await,
                Step::Stop(loss) => return loss,
                step => self.send(step).await,
            }
        }
    }

    /// Makes the request of a step and takes its outcome in.
    async fn send(&mut self, step: Step) {
        let sent = Instant::now();
        let reading = step == Step::Read;
        let answer = timeout(self.election.patience(sent), self.request(step)).await;
        let now = Instant::now();
        let answer = match answer {
            Ok(answer) => answer,
            Err(_) => Answer::Failed("the API server does not answer in time".to_owned()),
        };
        match answer {
            Answer::Lease(lease) if reading => self.saw(Some(*lease), now),
            Answer::Lease(lease) => self.wrote(*lease, sent),
            Answer::Missing => self.saw(None, now),
            Answer::Conflict => self.election.conflicted(now),
            Answer::Failed(reason) => {
                self.election.failed(now);
                self.complain(reason);
                return;
            }
        }
        self.complain_no_more();
    }

    async fn request(&self, step: Step) -> Answer {
        let Candidacy { name, identity, terms, .. } = &self.candidacy;
        let claim = |lease: &Lease| lease::claimed(lease, identity, terms.duration, Timestamp::now());
        let parameters = PostParams::default();
        match (step, &self.lease) {
            (Step::Replace, Some(lease)) => Answer::of(self.api.replace(name, &parameters, &claim(lease)).await),
            (Step::Create, _) => match self.api.create(&parameters, &claim(&lease::unclaimed(name))).await {
                // The namespace is missing, not the Lease.
                Err(error @ kube::Error::Api(_)) if is_not_found(&error) => Answer::Failed(explain(&error)),
                result => Answer::of(result),
            },
            _ => Answer::of(self.api.get(name).await),
        }
    }

    fn saw(&mut self, lease: Option<Lease>, now: Instant) {
        let holder = self.election.holder().map(str::to_owned);
        self.election.saw(lease.as_ref().map(Record::of), now);
        self.lease = lease;
        match self.election.holder() {
            Some(new) if holder.as_deref() != Some(new) => info!(holder = new, "the lease is held"),
            _ => {}
        }
    }

    fn wrote(&mut self, lease: Lease, sent: Instant) {
        self.election.wrote(Record::of(&lease), sent);
        self.lease = Some(lease);
    }

    /// Gives the lease back, so that a successor need not wait for it to expire. The work must have stopped. When this
    /// fails nothing is lost but time.
    async fn release(&mut self) {
        self.election.abdicate();
        match timeout(self.candidacy.terms.request_timeout, self.try_release()).await {
            Ok(Ok(())) => info!("the lease is released"),
            Ok(Err(error)) => warn!(reason = explain(&error), "the lease was not released and has to expire"),
            Err(_) => warn!("the lease was not released in time and has to expire"),
        }
    }

    async fn try_release(&mut self) -> kube::Result<()> {
        while let Some(lease) = self.lease.as_ref().filter(|lease| self.is_ours(lease)) {
            let released = lease::released(lease, Timestamp::now());
            match self.api.replace(&self.candidacy.name, &PostParams::default(), &released).await {
                Ok(_) => return Ok(()),
                // A renewal whose answer we did not wait for, or somebody's label: look again.
                Err(kube::Error::Api(status)) if status.is_conflict() => {
                    self.lease = self.api.get_opt(&self.candidacy.name).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_ours(&self, lease: &Lease) -> bool {
        Record::of(lease).holder.as_ref() == Some(&self.candidacy.identity)
    }

    fn complain(&mut self, reason: String) {
        if self.trouble.as_ref() != Some(&reason) {
            warn!(reason, "the lease cannot be read or written, trying on");
            self.trouble = Some(reason);
        }
    }

    fn complain_no_more(&mut self) {
        if self.trouble.take().is_some() {
            info!("the lease can be read and written again");
        }
    }
}

/// What came of a request.
enum Answer {
    Lease(Box<Lease>),
    Missing,
    Conflict,
    Failed(String),
}

impl Answer {
    fn of(result: kube::Result<Lease>) -> Self {
        match result {
            Ok(lease) => Self::Lease(Box::new(lease)),
            Err(kube::Error::Api(status)) if status.is_not_found() => Self::Missing,
            // A Lease that exists already is a lost race like any other; both are a 409.
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Self::Conflict,
            Err(error) => Self::Failed(explain(&error)),
        }
    }
}

fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_not_found())
}

/// The work of one term, in a task of its own: a busy reconcile must not hold up a renewal. Dropping it drops the work.
struct Job {
    task: JoinSet<()>,
    canceller: Option<Canceller>,
}

impl Job {
    fn start(canceller: Canceller, work: impl Future<Output = ()> + Send + 'static) -> Self {
        let mut task = JoinSet::new();
        task.spawn(work);
        Self { task, canceller: Some(canceller) }
    }

    /// Waits for the end of the work, and says in what way it was out of order.
    async fn ended(&mut self) -> String {
        match self.task.join_next().await {
            Some(Err(panic)) if panic.is_panic() => format!(": {panic}"),
            _ => String::new(),
        }
    }

    fn ask_to_finish(&mut self) {
        self.canceller = None;
    }

    /// Drops the work. That takes effect where it waits, so work that computes without a pause goes on.
    async fn drop_within(&mut self, patience: Duration) -> Result<(), LeadError> {
        self.task.abort_all();
        timeout(patience, self.ended()).await.map_err(|_| LeadError::WorkIsStuck)?;
        Ok(())
    }
}

/// Keeps the gauge at 1, also when the future that leads is dropped.
struct Leading(Gauge);

impl Leading {
    fn new(gauge: &Gauge) -> Self {
        gauge.set(1);
        Self(gauge.clone())
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        self.0.set(0);
    }
}
