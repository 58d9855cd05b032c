//! The custom resource definitions from outside: printed for an installation, and awaited at start.
//! The operator does not install them, that would take a right over the whole cluster. Their content is in `api`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::kube_io::error::explain;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(15);

/// Why the definitions were not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A definition has no YAML form.
    #[error("cannot print the definition of {0}: {1}")]
    Yaml(String, String),
    /// The file or the terminal does not take it.
    #[error("cannot write to {0}: {1}")]
    Io(String, io::Error),
}

/// Prints the definitions as YAML documents on standard output.
///
/// # Errors
/// [`WriteError`]
pub fn print(definitions: &[CustomResourceDefinition]) -> Result<(), WriteError> {
    let mut output = io::stdout().lock();
    for definition in definitions {
        let text = yaml(definition)?;
        write!(output, "---\n{text}").map_err(|error| WriteError::Io("standard output".to_owned(), error))?;
    }
    Ok(())
}

/// Writes each definition to `<plural>.yaml` in the directory, which is made when it is missing.
///
/// # Errors
/// [`WriteError`]
pub fn write_files(definitions: &[CustomResourceDefinition], directory: &Path) -> Result<(), WriteError> {
    let failed = |path: &Path, error| WriteError::Io(path.display().to_string(), error);
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for definition in definitions {
        let path = directory.join(format!("{}.yaml", definition.spec.names.plural));
        fs::write(&path, yaml(definition)?).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

fn yaml(definition: &CustomResourceDefinition) -> Result<String, WriteError> {
    serde_saphyr::to_string(definition)
        .map_err(|error| WriteError::Yaml(definition.spec.names.plural.clone(), error.to_string()))
}

/// Waits until the API server serves all the definitions. Tries on with growing pauses for as long as it is polled.
pub async fn served(client: &Client, definitions: &[CustomResourceDefinition]) {
    let mut pause = RETRY;
    let mut reported = None;
    while let Err(reason) = check(client, definitions).await {
        if reported.as_ref() != Some(&reason) {
            warn!(reason, "the custom resources are not served yet, waiting for them");
        }
        reported = Some(reason);
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_RETRY);
    }
    info!("all custom resources are served");
}

async fn check(client: &Client, definitions: &[CustomResourceDefinition]) -> Result<(), String> {
    let mut missing = Vec::new();
    for group_version in group_versions(definitions) {
        let served = resources(client, &group_version).await?;
        missing.extend(not_among(&served, definitions, &group_version));
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("not installed: {}", missing.join(", "))) }
}

async fn resources(client: &Client, group_version: &str) -> Result<BTreeSet<String>, String> {
    match timeout(REQUEST_TIMEOUT, client.list_api_group_resources(group_version)).await {
        Ok(Ok(list)) => Ok(list.resources.into_iter().map(|resource| resource.name).collect()),
        Ok(Err(kube::Error::Api(status))) if status.is_not_found() => Ok(BTreeSet::new()),
        Ok(Err(error)) => Err(explain(&error)),
        Err(_) => Err("the API server does not answer in time".to_owned()),
    }
}

/// Every `group/version` that the definitions serve.
fn group_versions(definitions: &[CustomResourceDefinition]) -> BTreeSet<String> {
    definitions.iter().flat_map(own_group_versions).collect()
}

fn own_group_versions(definition: &CustomResourceDefinition) -> impl Iterator<Item = String> + '_ {
    let versions = definition.spec.versions.iter().filter(|version| version.served);
    versions.map(|version| format!("{}/{}", definition.spec.group, version.name))
}

/// The plural names that belong to the group and version, but are not served there.
fn not_among(served: &BTreeSet<String>, definitions: &[CustomResourceDefinition], group_version: &str) -> Vec<String> {
    let expected =
        definitions.iter().filter(|definition| own_group_versions(definition).any(|own| own == group_version));
    let names = expected.map(|definition| definition.spec.names.plural.clone());
    names.filter(|name| !served.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(plural: &str) -> CustomResourceDefinition {
        serde_json::from_value(serde_json::json!({
            "metadata": { "name": format!("{plural}.ecs-operator.dev") },
            "spec": {
                "group": "ecs-operator.dev",
                "names": { "plural": plural, "kind": "Kind" },
                "scope": "Namespaced",
                "versions": [
                    { "name": "v1alpha1", "served": true, "storage": true },
                    { "name": "v0", "served": false, "storage": false },
                ],
            },
        }))
        .unwrap()
    }

    #[test]
    fn each_kind_has_a_file_that_reads_back() {
        let definitions = [definition("ecsclusters"), definition("ecsservices")];
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("new");
        write_files(&definitions, &target).unwrap();
        let text = fs::read_to_string(target.join("ecsservices.yaml")).unwrap();
        assert_eq!(serde_saphyr::from_str::<CustomResourceDefinition>(&text).unwrap(), definitions[1]);
        assert_eq!(fs::read_dir(target).unwrap().count(), 2);
    }

    #[test]
    fn only_served_versions_are_expected() {
        let definitions = [definition("ecsclusters"), definition("ecsservices")];
        assert_eq!(group_versions(&definitions), BTreeSet::from(["ecs-operator.dev/v1alpha1".to_owned()]));
    }

    #[test]
    fn what_is_not_served_is_named() {
        let definitions = [definition("ecsclusters"), definition("ecsservices")];
        let served = BTreeSet::from(["ecsclusters".to_owned(), "ecsclusters/status".to_owned()]);
        assert_eq!(not_among(&served, &definitions, "ecs-operator.dev/v1alpha1"), ["ecsservices"]);
        assert!(not_among(&BTreeSet::new(), &definitions, "ecs-operator.dev/v2").is_empty());
    }
}
