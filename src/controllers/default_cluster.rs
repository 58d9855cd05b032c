//! The cluster named default always exists: it is made at start, and again when it is deleted.

use std::{sync::Arc, time::Duration};

use futures::{Future, StreamExt, channel::mpsc, future::Shared};
use kube::{Api, ResourceExt, api::ObjectMeta, runtime::reflector::ObjectRef};

use crate::{
    api::cluster::{EcsCluster, EcsClusterSpec},
    ecs::cluster::DEFAULT_CLUSTER,
    kube_io::{apply, error::Error},
};

use super::{
    back_off::{BackOff, Failure},
    context::Context,
};

/// For how long the answer of the API server is waited for.
const LONGEST_WRITE: Duration = Duration::from_secs(10);

/// Keeps the cluster until `stop` resolves.
pub async fn run<S: Future<Output = ()>>(context: &Arc<Context>, stop: Shared<S>) {
    if context.settings.default_cluster {
        futures::future::select(Box::pin(keep(context)), stop).await;
    }
}

async fn keep(context: &Context) {
    let (sender, mut changes) = mpsc::unbounded();
    context.caches.clusters.feed(
        sender,
        |cluster: &EcsCluster| {
            if cluster.name_any() == DEFAULT_CLUSTER { vec![()] } else { Vec::new() }
        },
    );
    let back_off = BackOff::default();
    loop {
        match make_if_missing(context).await {
            Ok(()) => {
                back_off.succeeded(&DEFAULT_CLUSTER);
                changes.next().await;
            }
            Err(error) => {
                tracing::warn!(%error, "the cluster named default is missing; its creation is tried again");
                tokio::time::sleep(back_off.failed(DEFAULT_CLUSTER, Failure::Passing)).await;
            }
        }
    }
}

async fn make_if_missing(context: &Context) -> Result<(), Error> {
    if context.caches.clusters.store.get(&ObjectRef::new(DEFAULT_CLUSTER)).is_some() {
        return Ok(());
    }
    let cluster = EcsCluster {
        metadata: ObjectMeta { name: Some(DEFAULT_CLUSTER.into()), ..Default::default() },
        spec: EcsClusterSpec::default(),
        status: None,
    };
    let api: Api<EcsCluster> = Api::all(context.client.clone());
    // Whoever made it in the meantime: it is there.
    let write = apply::create_if_absent(&api, &cluster);
    tokio::time::timeout(LONGEST_WRITE, write)
        .await
        .unwrap_or_else(|_| Err(Error::Stale { what: "the API server does not answer; EcsCluster default".into() }))
}
