//! Owner references: who controls an object, and what the garbage collector deletes it with.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;

/// Whose an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It may be changed.
    Ours,
    /// It belonged to an earlier owner of the same name, and is about to be deleted with it.
    Remnant,
    /// It is somebody else's and is never touched.
    Foreign,
}

/// What an owner reference needs to know of an object that the API server has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    api_version: String,
    kind: String,
    name: String,
    /// The UID: what tells this object from a later one of the same name.
    pub uid: String,
}

impl Owner {
    /// The owner that an object is; empty names stand for what an object that was never stored lacks.
    #[must_use]
    pub fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        Self {
            api_version: K::api_version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            name: object.meta().name.clone().unwrap_or_default(),
            uid: object.meta().uid.clone().unwrap_or_default(),
        }
    }

    /// The reference that makes it the controller of another object. It does not block its own deletion: that would
    /// need a right on its finalizers.
    #[must_use]
    pub fn reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            controller: Some(true),
            block_owner_deletion: None,
        }
    }

    /// Whose an object is, as this owner sees it.
    #[must_use]
    pub fn ownership<K: Resource>(&self, object: &K) -> Ownership {
        self.ownership_by(object.meta())
    }

    /// The same of an object that its metadata is known of.
    #[must_use]
    pub fn ownership_by(&self, metadata: &ObjectMeta) -> Ownership {
        let references = metadata.owner_references.as_deref().unwrap_or_default();
        match references.iter().find(|reference| reference.controller == Some(true)) {
            Some(controller) if controller.uid == self.uid => Ownership::Ours,
            Some(controller) if self.is_successor_of(controller) => Ownership::Remnant,
            _ => Ownership::Foreign,
        }
    }

    fn is_successor_of(&self, controller: &OwnerReference) -> bool {
        (&controller.api_version, &controller.kind, &controller.name) == (&self.api_version, &self.kind, &self.name)
    }

    /// Whether it controls an object.
    #[must_use]
    pub fn controls<K: Resource>(&self, object: &K) -> bool {
        self.ownership(object) == Ownership::Ours
    }
}
