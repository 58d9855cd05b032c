//! The highest revision number of each family, in one ConfigMap a Namespace. It is raised by compare-and-swap before
//! the revision is created, so that two writers can never share a number and none comes back after a deletion.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};

use crate::{
    api::task_definition_revision::LARGEST_REVISION,
    decide::registration::NumberClaim,
    translate::{labels, names},
};

use super::{
    error::{Error, api_status},
    permissions::REVISION_NUMBERS,
};

/// The numbers of a Namespace as they were read.
pub struct RevisionNumbers {
    api: Api<ConfigMap>,
    read: Option<ConfigMap>,
}

impl RevisionNumbers {
    /// Reads the numbers of a Namespace.
    ///
    /// # Errors
    /// When the API server cannot be reached.
    pub async fn read(client: &Client, namespace: &str) -> Result<Self, Error> {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        let read = api.get_opt(REVISION_NUMBERS).await.map_err(|error| Error::request(action("read"), error))?;
        Ok(Self { api, read })
    }

    /// The last claim of a family.
    ///
    /// # Errors
    /// When somebody has written something else there: a number that cannot be read must not be given again.
    pub fn last(&self, family: &str) -> Result<Option<NumberClaim>, Error> {
        let entry = names::revision_number_key(family);
        let data = self.read.as_ref().and_then(|map| map.data.as_ref());
        let Some(text) = data.and_then(|data| data.get(&entry)) else { return Ok(None) };
        read_claim(text).map(Some).map_err(|problem| Error::UnreadableNumber { entry, problem })
    }

    /// The claims whose revisions may not exist yet, with the names of their entries, which stand for their families. One
    /// that cannot be read is not among them.
    #[must_use]
    pub fn claims(&self) -> Vec<(String, NumberClaim)> {
        let entries = self.read.iter().flat_map(|map| map.data.iter().flatten());
        entries
            .filter_map(|(entry, _)| Some((entry.clone(), self.last(entry).ok()??)))
            .filter(|(_, claim)| claim.pending.is_some())
            .collect()
    }

    /// Records a claim, if nobody has written since the numbers were read.
    ///
    /// # Errors
    /// When somebody has, or the API server cannot be reached.
    pub async fn record(&mut self, family: &str, claim: &NumberClaim) -> Result<(), Error> {
        let entry = (names::revision_number_key(family), serde_json::to_string(claim).unwrap_or_default());
        let written = match &self.read {
            Some(map) => {
                let mut map = map.clone();
                map.data.get_or_insert_default().extend([entry]);
                self.api.replace(REVISION_NUMBERS, &PostParams::default(), &map).await
            }
            None => self.api.create(&PostParams::default(), &new_map(entry)).await,
        };
        match written {
            Ok(map) => {
                self.read = Some(map);
                Ok(())
            }
            Err(error) if api_status(&error).is_some_and(|status| matches!(status.code, 404 | 409)) => {
                Err(Error::Stale { what: format!("ConfigMap {REVISION_NUMBERS}") })
            }
            Err(error) => Err(Error::request(action("write"), error)),
        }
    }
}

fn read_claim(text: &str) -> Result<NumberClaim, String> {
    let claim: NumberClaim = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if claim.is_in_bounds() {
        Ok(claim)
    } else {
        Err(format!("{} is no number from 0 to {LARGEST_REVISION}", claim.revision))
    }
}

fn new_map(entry: (String, String)) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(REVISION_NUMBERS.into()),
            labels: Some(labels::managed()),
            ..Default::default()
        },
        data: Some(BTreeMap::from([entry])),
        ..Default::default()
    }
}

fn action(verb: &str) -> String {
    format!("{verb} ConfigMap {REVISION_NUMBERS}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_no_claim_is_told() {
        assert_eq!(read_claim(r#"{"revision":3}"#), Ok(NumberClaim { revision: 3, pending: None }));
        assert_eq!(read_claim(r#"{"revision":2147483647}"#).map(|claim| claim.revision), Ok(LARGEST_REVISION));
        for (text, problem) in [
            (r#"{"revision":9223372036854775807}"#, "9223372036854775807 is no number from 0 to 2147483647"),
            (r#"{"revision":-9223372036854775808}"#, "-9223372036854775808 is no number"),
            (r#"{"revision":9223372036854775808}"#, "invalid value"),
            (r#"{"revision":"3"}"#, "invalid type"),
            ("3", "invalid type"),
            ("", "EOF"),
        ] {
            let told = read_claim(text).unwrap_err();
            assert!(told.contains(problem), "{text}: {told}");
        }
    }
}
