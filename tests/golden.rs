//! Whole translations: documents in (`golden/NAME.in.json`, `golden/NAME.in.yaml`), every Kubernetes object and what became of
//! each field out (`golden/NAME.yaml`). A name may say how it is rendered: `NAME@task` as a task by itself, `NAME@1.36` for that
//! version of Kubernetes. `UPDATE_GOLDEN=1 cargo test --test golden` writes the expected files anew; read the difference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

use std::{fs, path::PathBuf};

use ecs_operator::{
    api::register_task_definition::RegisterTaskDefinition,
    cli::render::{Rendering, Source, Surroundings, Workload, render},
    ecs::{arn::ArnScope, normalise::with_defaults},
    translate::kubernetes_version::{self, KubernetesVersion},
};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Names of the files that go in, sorted.
fn inputs() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = files.filter(|file| file.contains(".in.")).collect();
    names.sort();
    names
}

/// Name of the file that is expected to come out.
fn output(input: &str) -> String {
    format!("{}.yaml", input.split_once(".in.").unwrap().0)
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_default()
}

fn rendering(input: &str) -> Rendering {
    let ways: Vec<_> = input.split_once(".in.").unwrap().0.split('@').skip(1).collect();
    let surroundings = Surroundings {
        arns: ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
        version: ways.iter().find_map(|way| KubernetesVersion::parse(way)).unwrap_or(kubernetes_version::LEAST),
        namespace: "ecs-default".into(),
        workload: if ways.contains(&"task") { Workload::Task } else { Workload::Service },
    };
    render(&[Source { name: input.into(), text: read(input) }], &surroundings)
        .unwrap_or_else(|error| panic!("{input}: {error}"))
}

fn documents(input: &str) -> Vec<Value> {
    let rendering = rendering(input);
    let mut documents = rendering.objects;
    // What the revision would hold.
    if let Ok(definition) = serde_json::from_str::<RegisterTaskDefinition>(&read(input))
        && !documents.is_empty()
    {
        let family = definition.family.clone().unwrap_or_default();
        documents.push(json!({ "normalised": with_defaults(&definition, &family) }));
    }
    let line = |entry: &ecs_operator::cli::render::Entry| {
        let outcome = &entry.outcome;
        format!("{} {} {:?}: {}", entry.object, outcome.path, outcome.outcome, outcome.detail)
    };
    documents.push(json!({ "report": rendering.report.iter().map(line).collect::<Vec<_>>() }));
    documents
}

fn text(documents: &[Value]) -> String {
    let documents = documents.iter().map(|object| serde_saphyr::to_string(object).unwrap());
    documents.fold(String::new(), |all, document| all + "---\n" + &document)
}

#[test]
fn every_translation_is_what_its_file_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    assert!(inputs().len() >= 60, "only {} cases were found", inputs().len());
    for input in inputs() {
        let (expected, actual) = (read(&output(&input)), text(&documents(&input)));
        if update {
            fs::write(folder().join(output(&input)), actual).unwrap();
        } else if actual != expected {
            wrong.push(format!("{input}:\n{}", first_difference(&expected, &actual)));
        }
    }
    assert!(wrong.is_empty(), "{}\nUPDATE_GOLDEN=1 cargo test --test golden accepts this", wrong.join("\n"));
}

fn first_difference(expected: &str, actual: &str) -> String {
    let lines = expected
        .lines()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(actual.lines().map(Some).chain(std::iter::repeat(None)));
    let differing = lines.enumerate().take(100_000).find(|(_, (expected, actual))| expected != actual);
    differing.map_or_else(String::new, |(index, (expected, actual))| {
        format!(
            "line {}\n  expected {}\n  actual   {}",
            index + 1,
            expected.unwrap_or("nothing"),
            actual.unwrap_or("nothing")
        )
    })
}

#[test]
fn every_expected_file_belongs_to_a_case() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected: Vec<_> = inputs().iter().map(|input| output(input)).collect();
    for file in files.filter(|file| !file.contains(".in.")) {
        assert!(expected.contains(&file), "{file} belongs to no case");
    }
}

#[test]
fn what_is_expected_can_be_read_again_and_is_what_was_made() {
    for input in inputs() {
        for document in documents(&input) {
            let text = serde_saphyr::to_string(&document).unwrap();
            let again: Value = serde_saphyr::from_str(&text).unwrap();
            assert_eq!(again, document, "{input}");
        }
    }
}
