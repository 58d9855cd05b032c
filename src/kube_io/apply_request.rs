//! Requests of server-side apply. The API server reads their bodies as YAML, where some characters of a JSON string break
//! the document or become a space; what stands in the bodies is decided elsewhere.

use std::{fmt::Debug, fmt::Write as _};

use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
    core::Request,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Which part of an object is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but its status.
    Object,
    /// Its status.
    Status,
}

/// Applies a body to an object, and returns the object as it is then.
///
/// # Errors
/// Those of the client.
pub async fn send<K>(api: &Api<K>, name: &str, part: Part, parameters: &PatchParams, body: &Value) -> kube::Result<K>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug,
{
    let request = Request::new(api.resource_url());
    let request = match part {
        Part::Object => request.patch(name, parameters, &Patch::Apply(body)),
        Part::Status => request.patch_subresource("status", name, parameters, &Patch::Apply(body)),
    };
    let request = request.map_err(kube::Error::BuildRequest)?.map(escape);
    api.clone().into_client().request(request).await
}

/// Writes the characters that YAML does not take as they are in JSON's other form. In JSON they stand in strings only.
fn escape(json: Vec<u8>) -> Vec<u8> {
    let text = match String::from_utf8(json) {
        Ok(text) if text.chars().any(breaks_yaml) => text,
        Ok(text) => return text.into_bytes(),
        Err(error) => return error.into_bytes(),
    };
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if breaks_yaml(character) {
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped.into_bytes()
}

/// Not printable in YAML, or a line break there and none in JSON. What lies below a space is escaped in JSON already.
fn breaks_yaml(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(text: &str) -> String {
        String::from_utf8(escape(serde_json::to_vec(text).unwrap())).unwrap()
    }

    #[test]
    fn what_yaml_does_not_take_is_escaped() {
        assert_eq!(escaped("a\u{7f}b\u{85}\u{2028}\u{ffff}"), r#""a\u007fb\u0085\u2028\uffff""#);
        assert_eq!(escaped("grün \u{1f600}\n"), "\"grün \u{1f600}\\n\"");
    }

    proptest! {
        #[test]
        fn the_text_stays_the_same_in_both_languages(text: String) {
            let escaped = escaped(&text);
            prop_assert!(!escaped.chars().any(breaks_yaml));
            prop_assert_eq!(&serde_json::from_str::<String>(&escaped).unwrap(), &text);
            prop_assert_eq!(&serde_saphyr::from_str::<String>(&escaped).unwrap(), &text);
        }
    }
}
