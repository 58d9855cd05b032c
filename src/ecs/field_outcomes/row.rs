//! One row of the tables of field outcomes, and the field of a document that it is held against.

use serde_json::Value;

use crate::api::field_report::Outcome;

/// What the Pod Security level of a new cluster's Namespace, baseline, does not let a task do.
pub(super) const PRIVILEGED: &str =
    "The Namespace has to allow it: set kubernetes.podSecurity of the EcsCluster to privileged.";

/// What becomes of one field.
pub(super) struct Row {
    /// Path below `spec`; `[]` stands for any element of a list.
    pub(super) path: &'static str,
    pub(super) outcome: Outcome,
    /// How it differs, why it is ignored or what to do; empty when Kubernetes does the same. `{}` stands for what `name` says.
    pub(super) detail: &'static str,
    /// Of which values the row speaks; `None` for any.
    pub(super) when: Option<fn(&Field<'_>) -> bool>,
    /// What stands for `{}` in the detail.
    pub(super) name: Option<fn(&Field<'_>) -> String>,
}

pub(super) const fn mapped(path: &'static str) -> Row {
    Row { path, outcome: Outcome::Mapped, detail: "", when: None, name: None }
}

pub(super) const fn approximated(path: &'static str, detail: &'static str) -> Row {
    Row { path, outcome: Outcome::Approximated, detail, when: None, name: None }
}

pub(super) const fn ignored(path: &'static str, detail: &'static str) -> Row {
    Row { path, outcome: Outcome::Ignored, detail, when: None, name: None }
}

pub(super) const fn refused(path: &'static str, detail: &'static str) -> Row {
    Row { path, outcome: Outcome::Refused, detail, when: None, name: None }
}

impl Row {
    /// The same, of some values only.
    pub(super) const fn when(mut self, when: fn(&Field<'_>) -> bool) -> Self {
        self.when = Some(when);
        self
    }

    /// The same, with a name in its detail.
    pub(super) const fn named(mut self, name: fn(&Field<'_>) -> String) -> Self {
        self.name = Some(name);
        self
    }

    pub(super) fn speaks_of(&self, field: &Field<'_>) -> bool {
        self.when.is_none_or(|when| when(field))
    }

    pub(super) fn tell(&self, field: &Field<'_>) -> String {
        self.name.map_or_else(|| self.detail.to_owned(), |name| self.detail.replace("{}", &name(field)))
    }
}

/// A field of a document, with all that it is part of.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
    /// From the document down to what the field is directly in.
    pub(super) parents: Vec<&'a Value>,
}

impl<'a> Field<'a> {
    pub(super) fn root(document: &'a Value) -> Self {
        Self { path: String::new(), value: document, parents: Vec::new() }
    }

    pub(super) fn member(&self, name: &str, value: &'a Value) -> Self {
        let separator = if self.path.is_empty() { "" } else { "." };
        self.inner(format!("{}{separator}{name}", self.path), value)
    }

    pub(super) fn entry(&self, index: usize, value: &'a Value) -> Self {
        self.inner(format!("{}[{index}]", self.path), value)
    }

    fn inner(&self, path: String, value: &'a Value) -> Self {
        let mut parents = self.parents.clone();
        parents.push(self.value);
        Self { path, value, parents }
    }

    pub(super) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    /// The whole document.
    pub(super) fn document(&self) -> &'a Value {
        self.parents.first().copied().unwrap_or(self.value)
    }

    /// What the field is directly in.
    pub(super) fn parent(&self) -> &'a Value {
        self.parents.last().copied().unwrap_or(self.value)
    }

    /// The element of a list of the document that the field is in: a container, a volume.
    pub(super) fn element(&self) -> &'a Value {
        self.parents.get(2).copied().unwrap_or(self.value)
    }
}
