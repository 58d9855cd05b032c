//! The bounds of a schema, told in words: numbers, lengths of texts and lists.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;

/// What is wrong with a number.
pub(super) fn of_number(number: i64, schema: &JSONSchemaProps) -> Option<String> {
    told(number, whole(schema.minimum), whole(schema.maximum), "It is", "")
}

/// What is wrong with the length of a text.
pub(super) fn of_text(text: &str, schema: &JSONSchemaProps) -> Option<String> {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    told(length, schema.min_length, schema.max_length, "It has", " characters")
}

/// What is wrong with the length of a list.
pub(super) fn of_list(length: usize, schema: &JSONSchemaProps) -> Option<String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    told(length, schema.min_items, schema.max_items, "It has", " entries")
}

/// The least number that a schema takes.
pub(super) fn least(schema: &JSONSchemaProps) -> i64 {
    whole(schema.minimum).unwrap_or(0)
}

fn told(given: i64, least: Option<i64>, most: Option<i64>, verb: &str, of: &str) -> Option<String> {
    let in_bounds = least.is_none_or(|least| given >= least) && most.is_none_or(|most| given <= most);
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => return None,
    };
    (!in_bounds).then(|| format!("{verb} {range}{of}, not {given}."))
}

/// Bounds of whole numbers are whole.
#[allow(clippy::cast_possible_truncation, reason = "the schemas have no bound above 2^53")]
fn whole(bound: Option<f64>) -> Option<i64> {
    bound.map(|bound| bound as i64)
}
