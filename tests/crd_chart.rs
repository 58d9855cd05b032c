//! The definitions of the kinds in the code, in crds/ and in the chart are the same. `hack/generate` makes them so.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod helm;

use std::{fs, path::Path};

use ecs_operator::api;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::json;

const CHART: &str = "charts/ecs-operator-crds";

#[test]
fn the_folder_has_the_definitions_of_the_code() {
    assert!(definitions(Path::new("crds")) == in_the_code(), "crds/ is not what the code says: run hack/generate");
}

#[test]
fn the_chart_has_the_files_of_the_folder() {
    let ours = files(Path::new("crds"));
    assert!(ours == files(&Path::new(CHART).join("files")), "the chart's files/ is not crds/: run hack/generate");
}

#[test]
fn the_chart_installs_the_definitions_of_the_code_from_a_folder_and_from_a_package() {
    let folder = tempfile::tempdir().unwrap();
    let package = helm::package(CHART, folder.path());
    for chart in [CHART, &package] {
        assert!(installed(chart, &["--set", "keep=false"]) == in_the_code(), "{chart} installs something else");
    }
}

#[test]
fn the_definitions_stay_when_the_chart_goes() {
    let keep = json!({"helm.sh/resource-policy": "keep"});
    for (args, annotations) in [(vec![], Some(keep)), (vec!["--set", "keep=false"], None)] {
        for crd in helm::rendered(CHART, &args) {
            assert_eq!(crd["metadata"].get("annotations"), annotations.as_ref(), "{}", crd["metadata"]["name"]);
        }
    }
}

#[test]
fn no_text_in_a_definition_is_taken_for_a_template() {
    let chart = tempfile::tempdir().unwrap();
    for file in ["Chart.yaml", "values.yaml", "values.schema.json", "templates/crds.yaml", "files/ecsservices.yaml"] {
        let copy = chart.path().join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(Path::new(CHART).join(file), copy).unwrap();
    }
    let mut crd = in_the_code().remove(0);
    let schema = crd.spec.versions[0].schema.as_mut().unwrap().open_api_v3_schema.as_mut().unwrap();
    let text = "A `{{ .Values.keep }}` and an unfinished {{ stay what they are.";
    schema.description = Some(text.into());
    fs::write(chart.path().join("files/ecsservices.yaml"), serde_saphyr::to_string(&crd).unwrap()).unwrap();
    let crds = installed(chart.path().to_str().unwrap(), &["--set", "keep=false"]);
    assert!(crds == [crd]);
}

#[test]
fn unknown_values_are_refused() {
    assert!(helm::refusal(CHART, &["--set", "unknown=1"]).contains("'unknown'"));
    assert!(helm::refusal(CHART, &["--set-string", "keep=false"]).contains("/keep"));
}

#[test]
fn helm_has_nothing_to_complain_about() {
    helm::lint(CHART);
}

fn in_the_code() -> Vec<CustomResourceDefinition> {
    api::crds()
}

fn installed(chart: &str, args: &[&str]) -> Vec<CustomResourceDefinition> {
    let objects = helm::rendered(chart, args);
    by_name(objects.into_iter().map(|object| serde_json::from_value(object).unwrap()).collect())
}

/// The files of a folder with their content, by name.
fn files(folder: &Path) -> Vec<(String, String)> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names.into_iter().map(|name| (fs::read_to_string(folder.join(&name)).unwrap(), name)).map(|(c, n)| (n, c)).collect()
}

fn definitions(folder: &Path) -> Vec<CustomResourceDefinition> {
    let read = |(_, content): (String, String)| serde_saphyr::from_str(&content).unwrap();
    by_name(files(folder).into_iter().map(read).collect())
}

fn by_name(mut crds: Vec<CustomResourceDefinition>) -> Vec<CustomResourceDefinition> {
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    crds
}
