//! Runs one controller: bounded concurrency, a time limit and a span around each reconcile, a wait after each failure.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{Future, StreamExt, channel::mpsc::UnboundedReceiver, future::Shared, stream};
use kube::{
    Resource,
    runtime::{
        controller::{Action, Config, Controller},
        reflector::{Lookup, ObjectRef, Store},
    },
};
use tracing::Instrument;

use crate::kube_io::{cache::Cached, error::Error};

use super::{
    back_off::{BackOff, Failure},
    context::Context,
};

/// No reconcile takes longer; one that would has met an API server that does not answer.
const LONGEST_RECONCILE: Duration = Duration::from_secs(30);

/// How a reconcile has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing to do until something changes.
    Done,
    /// Something is missing that no watch will tell of: look again after this time. Waiting is not failing.
    Wait(Duration),
}

impl Outcome {
    /// Both: whichever comes first.
    #[must_use]
    pub fn or_sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::Wait(one), Self::Wait(another)) => Self::Wait(one.min(another)),
            (Self::Wait(after), Self::Done) | (Self::Done, Self::Wait(after)) => Self::Wait(after),
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

/// A reconcile that has failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Error(#[from] Error),
    #[error("took longer than {} s", LONGEST_RECONCILE.as_secs())]
    TimedOut,
}

/// What a controller is made of.
pub struct Driver<K: Cached + Resource<DynamicType = ()>> {
    /// The objects.
    pub store: Store<K>,
    /// Which of them to look at.
    pub triggers: UnboundedReceiver<ObjectRef<K>>,
}

impl<K: Cached + Resource<DynamicType = ()>> Driver<K> {
    /// Reconciles until `stop` resolves and what is under way has ended.
    pub async fn run<F, R, S>(self, context: &Arc<Context>, stop: Shared<S>, reconcile: R)
    where
        R: Fn(Arc<K>, Arc<Context>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
        Shared<S>: Send + Sync,
    {
        let back_off = Arc::new(BackOff::default());
        let succeeded = Arc::clone(&back_off);
        let guarded = move |object: Arc<K>, context: Arc<Context>| {
            let back_off = Arc::clone(&succeeded);
            async move {
                let action = guard(&*object, &context, reconcile(Arc::clone(&object), Arc::clone(&context))).await?;
                back_off.succeeded(&ObjectRef::from_obj(&*object));
                Ok::<_, Failed>(action)
            }
        };
        let store = self.store.clone();
        let on_error = move |object: Arc<K>, error: &Failed, _: Arc<Context>| {
            back_off.keep(|object| store.get(object).is_some());
            Action::requeue(back_off.failed(ObjectRef::from_obj(&*object), classify(error)))
        };
        Controller::for_stream(stream::pending(), self.store)
            .reconcile_on(self.triggers)
            .with_config(Config::default().concurrency(context.settings.concurrency))
            .graceful_shutdown_on(stop)
            .run(guarded, on_error, Arc::clone(context))
            .for_each(|_| std::future::ready(()))
            .await;
    }
}

async fn guard<K: Cached + Resource<DynamicType = ()>>(
    object: &K,
    context: &Context,
    reconcile: impl Future<Output = Result<Outcome, Error>>,
) -> Result<Action, Failed> {
    let kind = kind_label::<K>();
    let reference = object.to_object_ref(());
    let span =
        tracing::info_span!("reconcile", kind, namespace = reference.namespace.as_deref(), name = %reference.name);
    let started = Instant::now();
    let result = tokio::time::timeout(LONGEST_RECONCILE, reconcile).instrument(span.clone()).await;
    let (label, result) = match result {
        Ok(Ok(Outcome::Done)) => ("ok", Ok(Action::await_change())),
        Ok(Ok(Outcome::Wait(after))) => ("waiting", Ok(Action::requeue(after))),
        Ok(Err(error)) if is_namespace_terminating(&error) => ("ok", Ok(Action::await_change())),
        Ok(Err(error)) => (error.metric_label(), Err(Failed::Error(error))),
        Err(_) => ("timed_out", Err(Failed::TimedOut)),
    };
    context.metrics.reconciled(kind, label, started.elapsed());
    match &result {
        Ok(_) => {}
        // It is nobody's fault, and the next look sees the newer object.
        Err(Failed::Error(error @ Error::Stale { .. })) => span.in_scope(|| tracing::debug!(%error, "looks again")),
        Err(error) => span.in_scope(|| tracing::warn!(%error, "reconcile failed; it is tried again")),
    }
    result
}

/// Kinds are few and fixed, so their names can be labels of metrics.
fn kind_label<K: Resource<DynamicType = ()>>() -> &'static str {
    match K::kind(&()) {
        std::borrow::Cow::Borrowed(kind) => kind,
        std::borrow::Cow::Owned(_) => "other",
    }
}

/// Nothing new is written in a Namespace that is being deleted, and nothing has to be.
fn is_namespace_terminating(error: &Error) -> bool {
    error
        .refusal()
        .and_then(|status| status.details.as_ref())
        .is_some_and(|details| details.causes.iter().any(|cause| cause.reason == "NamespaceTerminating"))
}

fn classify(failed: &Failed) -> Failure {
    match failed {
        Failed::Error(Error::Stale { .. } | Error::Remnant { .. }) => Failure::Stale,
        Failed::Error(Error::Foreign { .. } | Error::Hidden { .. }) => Failure::Passing,
        Failed::Error(error) if error.refusal().is_some() => Failure::Refused,
        Failed::Error(_) | Failed::TimedOut => Failure::Passing,
    }
}
