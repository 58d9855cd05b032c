//! Whole translations: documents in (`golden/NAME.in.json`, `golden/NAME.in.yaml`), every Kubernetes object and what became of
//! each field out (`golden/NAME.yaml`). A name may say how it is rendered: `NAME@task` as a task by itself, `NAME@1.36` for that
//! version of Kubernetes. `UPDATE_GOLDEN=1 cargo test --test golden` writes the expected files anew; read the difference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

use std::{collections::BTreeSet, fs, path::PathBuf};

use ecs_operator::{
    api::{field_report::Outcome, register_task_definition::RegisterTaskDefinition},
    cli::render::{Entry, Rendering, Source, Surroundings, Workload, render},
    ecs::{
        arn::ArnScope,
        field_outcomes::{DescribedRow, tables},
        kubernetes_version::{self, KubernetesVersion},
        normalise::with_defaults,
    },
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
    // As it is named where people have it.
    let name = input.replace(".in.", ".");
    render(&[Source { name, text: read(input) }], &surroundings)
}

fn documents(input: &str) -> Vec<Value> {
    let rendering = rendering(input);
    let mut documents = rendering.objects;
    if let Some(definition) = definition(input).filter(|_| !documents.is_empty()) {
        let family = definition.family.clone().unwrap_or_default();
        // What the revision would hold.
        documents.push(json!({ "normalised": with_defaults(&definition, &family) }));
    }
    let line = |entry: &Entry| {
        let outcome = &entry.outcome;
        format!("{} {} {:?}: {}", entry.object, outcome.path, outcome.outcome, outcome.detail)
    };
    documents.push(json!({ "report": rendering.report.iter().map(line).collect::<Vec<_>>() }));
    documents
}

/// The definition in a document of ECS, without what stands around it.
fn definition(input: &str) -> Option<RegisterTaskDefinition> {
    let mut document: Value = serde_json::from_str(&read(input)).ok()?;
    if document.is_array() {
        document = json!({ "containerDefinitions": document });
    }
    if let Some(Value::Object(described)) = document.get_mut("taskDefinition").map(Value::take) {
        document.as_object_mut().unwrap().extend(described);
    }
    serde_json::from_value(document).ok()
}

fn text(documents: &[Value]) -> String {
    let documents = documents.iter().map(|object| serde_saphyr::to_string(object).unwrap());
    documents.fold(String::new(), |all, document| all + "---\n" + &document)
}

#[test]
fn every_translation_is_what_its_file_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    assert!(inputs().len() >= 80, "only {} cases were found", inputs().len());
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

/// A path with `[]` for any element of a list.
fn pattern(path: &str) -> String {
    let parts = path.split('[').enumerate();
    let without_number = |part: &str| format!("[{}", part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    parts.map(|(index, part)| if index == 0 { part.to_owned() } else { without_number(part) }).collect()
}

/// Whether a text is what a row says, with something in place of words in braces.
fn is_told(text: &str, row: &str) -> bool {
    let mut rest = text;
    row.split('{').enumerate().all(|(index, part)| {
        let part = if index == 0 { part } else { part.split_once('}').map_or(part, |(_, behind)| behind) };
        let found = rest.find(part);
        rest = found.map_or("", |at| &rest[at + part.len()..]);
        found.is_some()
    }) && text.is_empty() == row.is_empty()
}

/// What is refused has the words of the rule that it breaks, unless its kind does not have it yet.
#[test]
fn every_row_of_the_table_of_fields_is_in_a_case() {
    let report: Vec<_> = inputs().iter().flat_map(|input| rendering(input).report).collect();
    let kind_of = |entry: &Entry| entry.object.split('/').next().unwrap_or_default().to_owned();
    let told: BTreeSet<_> = report
        .iter()
        .map(|entry| (kind_of(entry), &entry.outcome))
        .map(|(kind, each)| (kind, pattern(&each.path), format!("{:?}", each.outcome), each.detail.clone()))
        .collect();
    for (kind, rows) in tables() {
        let is_in_a_case = |row: &DescribedRow| {
            told.iter().any(|(of_kind, of, is, says)| {
                let has_words_of_a_rule = row.outcome == Outcome::Refused && kind == "TaskDefinition";
                let fits = has_words_of_a_rule || is_told(says, row.detail);
                of_kind == kind && of == row.path && *is == format!("{:?}", row.outcome) && fits
            })
        };
        let missing: Vec<_> = rows.into_iter().filter(|row| !is_in_a_case(row)).collect();
        assert!(missing.is_empty(), "{kind}: rows without a case: {missing:#?}");
    }
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
