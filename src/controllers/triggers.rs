//! Which objects have to be looked at when another one has changed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
};
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use tokio::time::sleep;

use crate::kube_io::cache::{Cache, Cached};

/// A queue of objects of one kind.
pub struct Triggers<K: Cached + Resource<DynamicType = ()>> {
    sender: UnboundedSender<ObjectRef<K>>,
}

impl<K: Cached + Resource<DynamicType = ()>> Triggers<K> {
    /// A queue, and its other end. Every object of the kind itself is sent when it changes.
    pub fn of(cache: &Cache<K>) -> (Self, UnboundedReceiver<ObjectRef<K>>) {
        let (sender, receiver) = unbounded();
        cache.feed(sender.clone(), |object: &K| vec![ObjectRef::from_obj(object)]);
        (Self { sender }, receiver)
    }

    /// The queue itself.
    #[must_use]
    pub fn queue(&self) -> UnboundedSender<ObjectRef<K>> {
        self.sender.clone()
    }

    /// Sends the owner of each object that changes.
    pub fn owner_of<C: Cached>(&self, children: &Cache<C>) {
        children.feed(self.sender.clone(), |child: &C| {
            let namespace = child.namespace();
            let owners = child.owner_references().iter();
            owners
                .filter(|owner| owner.kind == K::kind(&()) && owner.api_version == K::api_version(&()))
                .map(|owner| match &namespace {
                    Some(namespace) => ObjectRef::new(&owner.name).within(namespace),
                    None => ObjectRef::new(&owner.name),
                })
                .collect()
        });
    }

    /// Sends what `targets` makes of each object that changes.
    pub fn from<C: Cached>(&self, others: &Cache<C>, targets: impl Fn(&C) -> Vec<ObjectRef<K>> + Send + 'static) {
        others.feed(self.sender.clone(), targets);
    }

    /// Sends what `targets` makes of the changes of other objects, once for all that come within some time of the first: each may
    /// concern many. Goes on for as long as it is polled.
    pub fn gathered<C: Cached, T: Ord + Send + 'static>(
        &self,
        others: &Cache<C>,
        change: impl Fn(&C) -> Option<T> + Send + 'static,
        time: Duration,
        targets: impl Fn(&T) -> Vec<ObjectRef<K>> + Send,
    ) -> impl Future<Output = ()> + Send {
        let (sender, mut receiver) = unbounded();
        others.feed(sender, move |object| change(object).into_iter().collect());
        let queue = self.sender.clone();
        async move {
            while let Some(first) = receiver.next().await {
                sleep(time).await;
                let mut gathered = BTreeSet::from([first]);
                while let Some(Some(next)) = receiver.next().now_or_never() {
                    gathered.insert(next);
                }
                for target in gathered.iter().flat_map(&targets) {
                    // Nobody looks at anything any more when the queue is closed.
                    let _ = queue.unbounded_send(target);
                }
            }
        }
    }
}

/// Remembers what mattered of each object, to pass on only changes of that.
pub struct LastSeen<D> {
    digests: Mutex<HashMap<String, D>>,
}

impl<D: PartialEq> LastSeen<D> {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self { digests: Mutex::new(HashMap::new()) }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, uid: &str) {
        self.digests.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// Whether what matters of an object has changed since it was seen last.
    pub fn has_changed(&self, uid: &str, digest: D) -> bool {
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = digests.get(uid) != Some(&digest);
        digests.insert(uid.into(), digest);
        changed
    }
}

impl<D: PartialEq> LastSeen<D> {
    /// Whether what matters of an object is another than when it was seen last: of one that is seen for the first time it is not.
    pub fn is_another(&self, uid: &str, digest: D) -> bool {
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        digests.insert(uid.into(), digest).is_some_and(|before| digests.get(uid) != Some(&before))
    }
}

impl<D: PartialEq> Default for LastSeen<D> {
    fn default() -> Self {
        Self::new()
    }
}
