//! Pods that are gone, with the last that was seen of them: their exit codes are nowhere else. Each stays until what has to
//! be known of it is written down.

use std::sync::{Arc, Mutex, PoisonError};

use kube::runtime::{
    reflector::{ObjectRef, Store, store, store::Writer},
    watcher::Event,
};

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

    /// Forgets a Pod.
    pub fn forget(&self, pod: &Pod) {
        self.write(&Event::Delete(pod.clone()));
    }

    fn write(&self, event: &Event<Pod>) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).apply_watcher_event(event);
    }
}
