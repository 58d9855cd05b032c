//! Pods that are gone, with the last that was seen of them: their exit codes are nowhere else. Each stays until what has to
//! be known of it is written down.

use std::sync::{Arc, Mutex, PoisonError};

use kube::{
    ResourceExt,
    runtime::{
        reflector::{ObjectRef, Store, store, store::Writer},
        watcher::Event,
    },
};

use crate::translate::labels;

use super::pod::Pod;

/// The Pods that are gone.
pub struct DepartedPods {
    /// The Pods, as they were seen last.
    pub store: Store<Pod>,
    writer: Mutex<Writer<Pod>>,
}

impl Default for DepartedPods {
    fn default() -> Self {
        let (reader, mut writer) = store();
        // It is filled by what departs, not by a list: it is complete from the beginning.
        writer.apply_watcher_event(&Event::Init);
        writer.apply_watcher_event(&Event::InitDone);
        Self { store: reader, writer: Mutex::new(writer) }
    }
}

impl DepartedPods {
    /// Keeps a Pod that is deleted.
    pub fn keep(&self, pod: &Pod) {
        self.write(&Event::Apply(pod.clone()));
    }

    /// A Pod by its name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
        self.store.get(&ObjectRef::new(name).within(namespace))
    }

    /// Those of a service, by their label: `workload` is the name of its objects.
    pub fn of_service(&self, namespace: &str, workload: &str) -> Vec<Arc<Pod>> {
        self.store.state_filter(|pod| {
            pod.metadata.namespace.as_deref() == Some(namespace)
                && pod.labels().get(labels::SERVICE).is_some_and(|service| service == workload)
        })
    }

    /// Forgets a Pod.
    pub fn forget(&self, pod: &Pod) {
        self.write(&Event::Delete(pod.clone()));
    }

    fn write(&self, event: &Event<Pod>) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).apply_watcher_event(event);
    }
}
