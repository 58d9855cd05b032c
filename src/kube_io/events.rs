//! Kubernetes Events: what happened to an object, for people. They are told once; what was told is kept in status.

use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client, Resource,
    api::{ObjectMeta, PostParams},
};

/// Who tells.
const CONTROLLER: &str = "ecs-operator.dev/ecs-operator";

/// Longest note that the API server takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// How an event is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// All is well.
    Normal,
    /// Somebody should look.
    Warning,
}

/// Writes Events.
#[derive(Clone)]
pub struct Events {
    client: Client,
    instance: String,
}

impl Events {
    /// Events of one process; `instance` is its name.
    #[must_use]
    pub fn new(client: Client, instance: String) -> Self {
        Self { client, instance }
    }

    /// Tells what happened to an object. An event that cannot be written is logged and lost: it must not hold up the work.
    pub async fn tell<K: Resource<DynamicType = ()>>(&self, object: &K, severity: Severity, reason: &str, note: &str) {
        self.tell_of(object.object_ref(&()), severity, reason, note).await;
    }

    /// The same of an object that only its reference is known of.
    pub async fn tell_of(&self, regarding: ObjectReference, severity: Severity, reason: &str, note: &str) {
        let now = Timestamp::now();
        let name = regarding.name.clone().unwrap_or_default();
        // Events on cluster-scoped objects are in the Namespace default, as those of nodes.
        let namespace = regarding.namespace.clone().unwrap_or_else(|| "default".into());
        let event = Event {
            metadata: ObjectMeta {
                name: Some(format!("{}.{:x}", name.chars().take(200).collect::<String>(), now.as_nanosecond())),
                namespace: Some(namespace.clone()),
                ..Default::default()
            },
            action: Some(reason.into()),
            event_time: Some(MicroTime(now)),
            note: Some(shorten(note)),
            reason: Some(reason.into()),
            regarding: Some(regarding),
            reporting_controller: Some(CONTROLLER.into()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(if severity == Severity::Normal { "Normal" } else { "Warning" }.into()),
            ..Default::default()
        };
        let events: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        if let Err(error) = events.create(&PostParams::default(), &event).await {
            tracing::warn!(%name, %error, "event lost");
        }
    }
}

fn shorten(note: &str) -> String {
    let mut shortened = String::new();
    for character in note.chars() {
        if shortened.len() + character.len_utf8() > LONGEST_NOTE {
            break;
        }
        shortened.push(character);
    }
    shortened
}
