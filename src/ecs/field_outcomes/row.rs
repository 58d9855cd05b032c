//! One row of the tables of field outcomes.

use crate::{api::field_report::Outcome, ecs::kubernetes_version::KubernetesVersion};

use super::{circumstances::Workload, field::Field, placeholders};

/// What the Pod Security level of a new cluster's Namespace, baseline, does not let a task do.
pub(super) const PRIVILEGED: &str =
    "The Namespace has to allow it: set kubernetes.podSecurity of the EcsCluster to privileged.";

/// What becomes of one field.
pub(super) struct Row {
    /// Path below `spec`; `[]` stands for any element of a list.
    pub(super) path: &'static str,
    pub(super) outcome: Outcome,
    /// How it differs, why it is ignored or what to do; empty when Kubernetes does the same. Words in braces are those of
    /// `placeholders`.
    pub(super) detail: &'static str,
    /// Of what the row speaks.
    pub(super) when: When,
}

/// Whether a row speaks of a value.
type Predicate = fn(&Field<'_>) -> bool;

/// Of which values, workloads and versions a row speaks: of all that it does not limit.
pub(super) struct When {
    /// In words, and in code.
    pub(super) value: Option<(&'static str, Predicate)>,
    workload: Option<Workload>,
    from: Option<KubernetesVersion>,
    before: Option<KubernetesVersion>,
}

impl When {
    const ANY: Self = Self { value: None, workload: None, from: None, before: None };
}

const fn row(path: &'static str, outcome: Outcome, detail: &'static str) -> Row {
    Row { path, outcome, detail, when: When::ANY }
}

pub(super) const fn mapped(path: &'static str) -> Row {
    row(path, Outcome::Mapped, "")
}

pub(super) const fn approximated(path: &'static str, detail: &'static str) -> Row {
    row(path, Outcome::Approximated, detail)
}

pub(super) const fn ignored(path: &'static str, detail: &'static str) -> Row {
    row(path, Outcome::Ignored, detail)
}

/// A field that is not accepted. The kind need not have it: then `render` refuses it with this sentence.
pub(super) const fn refused(path: &'static str, detail: &'static str) -> Row {
    row(path, Outcome::Refused, detail)
}

impl Row {
    /// The same, of some values only. `text` says of which.
    pub(super) const fn when(mut self, text: &'static str, when: Predicate) -> Self {
        self.when.value = Some((text, when));
        self
    }

    /// The same, of tasks that this one runs.
    pub(super) const fn of(mut self, workload: Workload) -> Self {
        self.when.workload = Some(workload);
        self
    }

    /// The same, from a version of Kubernetes on.
    pub(super) const fn from(mut self, version: KubernetesVersion) -> Self {
        self.when.from = Some(version);
        self
    }

    /// The same, before a version of Kubernetes.
    pub(super) const fn before(mut self, version: KubernetesVersion) -> Self {
        self.when.before = Some(version);
        self
    }

    pub(super) fn speaks_of(&self, field: &Field<'_>) -> bool {
        self.speaks_in(field.situation.workload, field.situation.version)
            && self.when.value.is_none_or(|(_, when)| when(field))
    }

    /// Whether the row speaks of such a task, whatever the value.
    pub(super) fn speaks_in(&self, workload: Workload, version: KubernetesVersion) -> bool {
        self.when.workload.is_none_or(|of| of == workload)
            && self.when.from.is_none_or(|from| version >= from)
            && self.when.before.is_none_or(|before| version < before)
    }

    pub(super) fn tell(&self, field: &Field<'_>) -> String {
        placeholders::fill(self.detail, field)
    }

    /// Of what the row speaks, for people; empty when it speaks of all.
    pub(super) fn describe_when(&self) -> String {
        let workload = self.when.workload.map(|workload| workload.to_string());
        let from = self.when.from.map(|version| format!("Kubernetes {version} or newer"));
        let before = self.when.before.map(|version| format!("Kubernetes older than {version}"));
        let value = self.when.value.map(|(text, _)| text.to_owned());
        [workload, from, before, value].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}
