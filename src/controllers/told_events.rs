//! What services have told, longer than their statuses keep it. Only this process knows it: the next one has the last events of
//! each status.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::decide::told_messages::ToldMessages;

/// By the UIDs of services.
#[derive(Default)]
pub struct ToldEvents {
    services: Mutex<HashMap<String, ToldMessages>>,
}

impl ToldEvents {
    /// Whether a service would repeat itself.
    pub fn contains(&self, uid: &str, message: &str, now: &Time) -> bool {
        self.lock().get(uid).is_some_and(|told| told.contains(message, now))
    }

    /// Those of some messages with which a service would not repeat itself.
    pub fn news(&self, uid: &str, messages: &[String], now: &Time) -> Vec<String> {
        self.lock().get(uid).map_or_else(|| messages.to_vec(), |told| told.news(messages, now))
    }

    /// Notes what a service has told.
    pub fn note(&self, uid: &str, messages: &[String], now: &Time) {
        let mut services = self.lock();
        let told = services.entry(uid.into()).or_default();
        for message in messages {
            told.note(message, now);
        }
    }

    /// Forgets a service.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, ToldMessages>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
