//! A field of a document, as the rows of the tables look at it.

use serde_json::Value;

use crate::ecs::task_definition::layout::Place;

use super::circumstances::Situation;

/// A field of a document, with all that it is part of.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
    /// From the document down to what the field is directly in.
    pub(super) parents: Vec<&'a Value>,
    pub(super) situation: Situation<'a>,
}

impl<'a> Field<'a> {
    pub(super) fn root(document: &'a Value, situation: Situation<'a>) -> Self {
        Self { path: String::new(), value: document, parents: Vec::new(), situation }
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
        Self { path, value, parents, situation: self.situation }
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

    /// Where the container that the field is in stands before the regular ones; `None` for a regular one.
    pub(super) fn place(&self) -> Option<Place> {
        self.place_of(&self.element()["name"])
    }

    /// The same of another container.
    pub(super) fn place_of(&self, name: &Value) -> Option<Place> {
        self.situation.layout?.place(self.index_of(name)?)
    }

    /// Whether the container of this name is a regular one.
    pub(super) fn is_regular(&self, name: &Value) -> bool {
        let Some((layout, index)) = self.situation.layout.zip(self.index_of(name)) else { return false };
        layout.regular.contains(&index)
    }

    fn index_of(&self, name: &Value) -> Option<usize> {
        self.document()["containerDefinitions"].as_array()?.iter().position(|container| container["name"] == *name)
    }
}
