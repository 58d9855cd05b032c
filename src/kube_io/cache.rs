//! One watched kind: a store that follows the API server, and whoever wants to know of changes.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{StreamExt, channel::mpsc};
use kube::{
    Api, Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store, store::Writer},
        watcher::{self, Event},
    },
};
use serde::de::DeserializeOwned;

use crate::translate::labels;

use super::label_index::LabelIndex;

/// What a cache can hold.
pub trait Cached:
    Resource<DynamicType: Default + Eq + Hash + Clone> + DeserializeOwned + Clone + Debug + Send + Sync + 'static
{
}

impl<K> Cached for K where
    K: Resource<DynamicType: Default + Eq + Hash + Clone> + DeserializeOwned + Clone + Debug + Send + Sync + 'static
{
}

/// Hears of each object that was made, changed or deleted; answers whether it wants to hear more.
type Listener<K> = Box<dyn Fn(&K) -> bool + Send>;

/// An object that cannot be read, and what is wrong with it.
pub type Undecodable<K> = (ObjectRef<K>, String);

/// The objects of one kind.
pub struct Cache<K: Cached> {
    /// The objects. An object that cannot be read is not among them.
    pub store: Store<K>,
    writer: Mutex<Option<Writer<K>>>,
    labels: Mutex<LabelIndex>,
    listeners: Mutex<Vec<Listener<K>>>,
    departure_listeners: Mutex<Vec<Listener<K>>>,
    undecodable: Mutex<HashMap<ObjectRef<K>, String>>,
    undecodable_listeners: Mutex<Vec<mpsc::UnboundedSender<Undecodable<K>>>>,
}

impl<K: Cached> Default for Cache<K> {
    fn default() -> Self {
        let (reader, writer) = store();
        Self {
            store: reader,
            writer: Mutex::new(Some(writer)),
            labels: Mutex::default(),
            listeners: Mutex::default(),
            departure_listeners: Mutex::default(),
            undecodable: Mutex::default(),
            undecodable_listeners: Mutex::default(),
        }
    }
}

impl<K: Cached> Cache<K> {
    /// An object by its Namespace and name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.store.get(&ObjectRef::new(name).within(namespace))
    }

    /// The objects of a Namespace.
    pub fn in_namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        self.store.state_filter(|object| object.meta().namespace.as_deref() == Some(namespace))
    }

    /// The objects of a service, by their label: `workload` is the name of its objects.
    pub fn of_service(&self, namespace: &str, workload: &str) -> Vec<Arc<K>> {
        self.labelled(namespace, labels::SERVICE, workload)
    }

    /// The objects of a Namespace that have a label which they are looked up by, sorted by their names.
    pub fn labelled(&self, namespace: &str, label: &str, value: &str) -> Vec<Arc<K>> {
        let names = lock(&self.labels).names(namespace, label, value);
        names.iter().filter_map(|name| self.get(namespace, name)).collect()
    }

    /// How many objects of a Namespace cannot be read. They exist all the same.
    pub fn undecodable_in(&self, namespace: &str) -> usize {
        lock(&self.undecodable).keys().filter(|object| object.namespace.as_deref() == Some(namespace)).count()
    }

    /// How many objects cannot be read.
    pub fn undecodable(&self) -> usize {
        lock(&self.undecodable).len()
    }

    /// Sends the objects that cannot be read to a queue: first those that are known, then each that is met. Ends with the
    /// queue.
    pub fn feed_undecodable(&self, queue: mpsc::UnboundedSender<Undecodable<K>>) {
        let mut listeners = lock(&self.undecodable_listeners);
        for (object, error) in lock(&self.undecodable).iter() {
            // A queue that is closed already is forgotten with the next object.
            let _ = queue.unbounded_send((object.clone(), error.clone()));
        }
        listeners.push(queue);
    }

    /// Sends whatever `targets` makes of each object to a queue: first of those that are there, then of each that was
    /// made, changed or deleted. Ends with the queue.
    pub fn feed<T: Send + 'static>(
        &self,
        queue: mpsc::UnboundedSender<T>,
        targets: impl Fn(&K) -> Vec<T> + Send + 'static,
    ) {
        let send = move |object: &K| {
            targets(object).into_iter().all(|target| queue.unbounded_send(target).is_ok()) && !queue.is_closed()
        };
        // Under the lock, so that no change falls between the two.
        let mut listeners = lock(&self.listeners);
        for object in self.store.state() {
            send(&object);
        }
        listeners.push(Box::new(send));
    }

    /// Sends whatever `targets` makes of each object that is deleted to a queue, while the store still has it: it is nowhere
    /// missing in between. Ends with the queue.
    pub fn feed_departures<T: Send + 'static>(
        &self,
        queue: mpsc::UnboundedSender<T>,
        targets: impl Fn(&K) -> T + Send + 'static,
    ) {
        lock(&self.departure_listeners).push(Box::new(move |object| queue.unbounded_send(targets(object)).is_ok()));
    }

    /// Follows the API server for as long as the future is polled. `filled` is called when the store is filled, again
    /// after each new list.
    pub async fn follow(&self, api: Api<K>, config: watcher::Config, filled: impl Fn() + Send) {
        let Some(mut writer) = lock(&self.writer).take() else { return };
        let guarded: Api<DeserializeGuard<K>> = same_objects(&api);
        let mut changes = std::pin::pin!(watcher::watcher(guarded, config).default_backoff());
        let mut before = BTreeMap::new();
        let mut listed = HashSet::new();
        let mut undecodable = HashSet::new();
        while let Some(change) = changes.next().await {
            match change {
                Ok(Event::Init) => {
                    before = self.by_key();
                    listed.clear();
                    undecodable.clear();
                    writer.apply_watcher_event(&Event::Init);
                }
                Ok(Event::InitDone) => {
                    for object in before.values().filter(|object| !listed.contains(&object.uid())) {
                        self.depart(object);
                    }
                    writer.apply_watcher_event(&Event::InitDone);
                    self.index_anew();
                    lock(&self.undecodable).retain(|object, _| undecodable.contains(object));
                    self.tell_of_new_list(std::mem::take(&mut before));
                    filled();
                }
                Ok(Event::InitApply(object)) => {
                    listed.insert(object.uid());
                    let object_ref = reference(object.meta());
                    let decoded = self.decoded(object).or_else(|| {
                        undecodable.insert(object_ref.clone());
                        self.store.get(&object_ref).map(Arc::unwrap_or_clone)
                    });
                    if let Some(object) = decoded {
                        writer.apply_watcher_event(&Event::InitApply(object));
                    }
                }
                Ok(Event::Apply(object)) => {
                    if let Some(object) = self.decoded(object) {
                        writer.apply_watcher_event(&Event::Apply(object.clone()));
                        lock(&self.labels).put(&object);
                        self.tell(&object);
                    }
                }
                Ok(Event::Delete(object)) => self.delete(&mut writer, object),
                Err(error) => {
                    tracing::warn!(kind = %K::kind(&K::DynamicType::default()), %error, "watch interrupted; it is started again");
                }
            }
        }
    }

    fn delete(&self, writer: &mut Writer<K>, object: DeserializeGuard<K>) {
        let object_ref = reference(object.meta());
        lock(&self.undecodable).remove(&object_ref);
        // Of one that cannot be read the store may have an earlier version.
        let last = || self.store.get(&object_ref).map(Arc::unwrap_or_clone);
        if let Some(object) = object.0.ok().or_else(last) {
            self.depart(&object);
            writer.apply_watcher_event(&Event::Delete(object.clone()));
            lock(&self.labels).remove(&object);
            self.tell(&object);
        }
    }

    /// The object, or a report that it cannot be read. What the store has of it stays: the last version that could be read.
    fn decoded(&self, DeserializeGuard(object): DeserializeGuard<K>) -> Option<K> {
        match object {
            Ok(mut object) => {
                object.managed_fields_mut().clear();
                lock(&self.undecodable).remove(&reference(object.meta()));
                Some(object)
            }
            Err(invalid) => {
                let object = reference(&invalid.metadata);
                tracing::warn!(%object, error = %invalid.error, "object cannot be read; it is left as it is");
                lock(&self.undecodable).insert(object.clone(), invalid.error.clone());
                lock(&self.undecodable_listeners)
                    .retain(|queue| queue.unbounded_send((object.clone(), invalid.error.clone())).is_ok());
                None
            }
        }
    }

    /// What a new list does not have any more was deleted while nobody watched.
    fn tell_of_new_list(&self, mut known: BTreeMap<(String, String), Arc<K>>) {
        known.extend(self.by_key());
        for object in known.values() {
            self.tell(object);
        }
    }

    fn index_anew(&self) {
        let mut index = LabelIndex::default();
        for object in self.store.state() {
            index.put(&*object);
        }
        *lock(&self.labels) = index;
    }

    fn depart(&self, object: &K) {
        lock(&self.departure_listeners).retain(|listener| listener(object));
    }

    fn tell(&self, object: &K) {
        lock(&self.listeners).retain(|listener| listener(object));
    }

    fn by_key(&self) -> BTreeMap<(String, String), Arc<K>> {
        self.store
            .state()
            .into_iter()
            .map(|object| ((object.namespace().unwrap_or_default(), object.name_any()), object))
            .collect()
    }
}

fn reference<K: Cached>(metadata: &kube::api::ObjectMeta) -> ObjectRef<K> {
    let mut object = ObjectRef::new(metadata.name.as_deref().unwrap_or_default());
    object.extra.uid.clone_from(&metadata.uid);
    match metadata.namespace.as_deref() {
        Some(namespace) => object.within(namespace),
        None => object,
    }
}

/// The same objects, read so that one that cannot be decoded does not spoil the list.
fn same_objects<K: Cached>(api: &Api<K>) -> Api<DeserializeGuard<K>> {
    Api::all(api.clone().into_client())
}

/// A poisoned lock means that a listener has panicked; the data behind it is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
