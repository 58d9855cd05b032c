//! What holds for any document: nothing panics, the same input gives the same bytes, what was normalised stays as it is, and
//! what is made holds together. Documents are random JSON in the shape of the schema, with plausible and other values. What
//! holds for the reports of Pods is in `tasks`, for services and their deployments in `scheduler`, for networks in
//! `security_groups`, for Secrets in `secrets`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

mod documents;
mod overrides;
mod pods;
mod scheduler;
mod secrets;
mod security_groups;
mod service_world;
mod supervisor;
mod task_history;
mod tasks;

use ecs_operator::{
    api::{field_report::Outcome, register_task_definition::RegisterTaskDefinition},
    cli::render::{Rendering, Source, Surroundings, Workload, render},
    ecs::{
        arn::ArnScope,
        content_hash::content_hash,
        field_outcomes::{self, Circumstances},
        kubernetes_version::{self, KubernetesVersion},
        normalise::with_defaults,
        task_definition,
    },
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::Value;

fn rendering(text: &str, workload: Workload, version: KubernetesVersion) -> Rendering {
    let surroundings = Surroundings {
        arns: ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
        version,
        namespace: "ecs-default".into(),
        workload,
    };
    render(&[Source { name: "web.json".into(), text: text.into() }], &surroundings)
}

/// Everything that is made of a document, in services and by itself, on an older and a newer Kubernetes.
fn renderings(document: &Value) -> Vec<Rendering> {
    let versions = [kubernetes_version::LEAST, KubernetesVersion::parse("1.36").unwrap()];
    let of = |workload| versions.map(|version| rendering(&document.to_string(), workload, version));
    [of(Workload::Service), of(Workload::Task)].into_iter().flatten().collect()
}

fn bytes(renderings: &[Rendering]) -> String {
    let text = |rendering: &Rendering| {
        let objects: Vec<_> = rendering.objects.iter().map(|object| serde_saphyr::to_string(object).unwrap()).collect();
        format!("{}{}", objects.join("---\n"), serde_json::to_string(&rendering.report).unwrap())
    };
    renderings.iter().map(text).collect()
}

fn is_refused(rendering: &Rendering) -> bool {
    rendering.report.iter().any(|entry| entry.outcome.outcome == Outcome::Refused)
}

/// What a definition that can be read is checked, normalised, hashed and reported to be.
fn check_definition(document: &Value) -> Result<(), TestCaseError> {
    let Ok(definition) = serde_json::from_value::<RegisterTaskDefinition>(document.clone()) else { return Ok(()) };
    let checked = task_definition::check(&definition, "web");
    let family = definition.family.clone().unwrap_or_else(|| "web".into());
    let normalised = with_defaults(&definition, &family);
    prop_assert_eq!(&with_defaults(&normalised, &family), &normalised, "normalised twice");
    prop_assert_eq!(content_hash(&normalised, &family), content_hash(&definition, &family), "hash");
    // What is stored means what was written. Defaults make it longer, beyond the limit in the end.
    let stored = task_definition::check(&normalised, "web");
    if document.to_string().len() < 30_000 && checked.is_ok() {
        prop_assert_eq!(&stored, &checked, "stored");
    }
    let violations = checked.as_ref().err().cloned().unwrap_or_default();
    for workload in [None, Some(field_outcomes::Workload::Service), Some(field_outcomes::Workload::Task)] {
        let circumstances = Circumstances { workload, version: kubernetes_version::LEAST, namespace: "ecs-default" };
        let checked = checked.as_ref().map_err(Vec::as_slice);
        let outcomes = field_outcomes::of_task_definition(&definition, checked, circumstances);
        let refused = outcomes.iter().filter(|outcome| outcome.outcome == Outcome::Refused).count();
        prop_assert!(refused >= violations.len(), "{} of {violations:?} are told", refused);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn documents_in_the_shape_of_the_schema(document in documents::plausible()) {
        check_definition(&document)?;
        let renderings = renderings(&document);
        prop_assert_eq!(bytes(&renderings), bytes(&self::renderings(&document)), "rendered twice");
        for rendering in &renderings {
            prop_assert_eq!(rendering.objects.is_empty(), is_refused(rendering), "objects or a refusal");
            pods::check(rendering)?;
            for object in &rendering.objects {
                let again: Value = serde_saphyr::from_str(&serde_saphyr::to_string(object).unwrap()).unwrap();
                prop_assert_eq!(&again, object, "printed and read again");
            }
        }
    }

    #[test]
    fn documents_with_anything_in_them(document in documents::wild()) {
        check_definition(&document)?;
        prop_assert_eq!(bytes(&renderings(&document)), bytes(&renderings(&document)), "rendered twice");
    }

    #[test]
    fn anything_that_is_json(document in documents::json()) {
        let source = Source { name: "any.json".into(), text: document.to_string() };
        let surroundings = Surroundings {
            arns: ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
            version: kubernetes_version::LEAST,
            namespace: "ecs-default".into(),
            workload: Workload::Service,
        };
        let _ = render(&[source], &surroundings);
        check_definition(&document)?;
    }

    #[test]
    fn anything_that_is_a_text(text in "\\PC{0,80}") {
        let surroundings = Surroundings {
            arns: ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
            version: kubernetes_version::LEAST,
            namespace: "ecs-default".into(),
            workload: Workload::Task,
        };
        let _ = render(&[Source { name: "any.yaml".into(), text }], &surroundings);
    }
}

/// Of documents that are all refused nothing would be learned.
#[test]
fn many_plausible_documents_are_accepted() {
    let mut runner = TestRunner::deterministic();
    let documents = documents::plausible();
    let accepted = (0..100)
        .map(|_| documents.new_tree(&mut runner).unwrap().current())
        .filter(|document| !is_refused(&rendering(&document.to_string(), Workload::Task, kubernetes_version::LEAST)))
        .count();
    assert!(accepted >= 40, "only {accepted} of 100 are accepted");
}
