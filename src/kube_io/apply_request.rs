//! Requests whose bodies have to be written in a way of their own. The API server reads those of server-side apply as YAML,
//! where some characters of a JSON string break the document or become a space. The data of a ControllerRevision it compares
//! byte by byte with how Go would write them. What stands in the bodies is decided elsewhere.

use std::{fmt::Debug, fmt::Write as _};

use kube::{
    Api, Resource,
    api::{Patch, PatchParams, PostParams},
    core::Request,
};
use serde::{Serialize, de::DeserializeOwned};
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

/// Creates an object whose data must never change, not even in the way they are written.
///
/// # Errors
/// Those of the client.
pub async fn create_as_go_writes_it<K>(api: &Api<K>, object: &K) -> kube::Result<K>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + Debug,
{
    let json = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = Request::new(api.resource_url()).create(&PostParams::default(), escape_if(json, is_escaped_by_go));
    api.clone().into_client().request(request.map_err(kube::Error::BuildRequest)?).await
}

/// What Go escapes in JSON, so that it can stand in a page of HTML.
fn is_escaped_by_go(character: char) -> bool {
    matches!(character, '&' | '<' | '>' | '\u{2028}' | '\u{2029}')
}

/// Writes the characters that YAML does not take as they are in JSON's other form. In JSON they stand in strings only.
#[must_use]
pub fn escape(json: Vec<u8>) -> Vec<u8> {
    escape_if(json, breaks_yaml)
}

fn escape_if(json: Vec<u8>, must_be: fn(char) -> bool) -> Vec<u8> {
    let text = match String::from_utf8(json) {
        Ok(text) if text.chars().any(must_be) => text,
        Ok(text) => return text.into_bytes(),
        Err(error) => return error.into_bytes(),
    };
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if must_be(character) {
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

    #[test]
    fn what_go_escapes_is_escaped() {
        let json = serde_json::to_vec("a && b > c\u{2028}").unwrap();
        let escaped = String::from_utf8(escape_if(json, is_escaped_by_go)).unwrap();
        assert_eq!(escaped, r#""a \u0026\u0026 b \u003e c\u2028""#);
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
