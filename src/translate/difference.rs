//! Where two rendered objects differ: paths without values, which may be anybody's secret.

use serde_json::Value;

/// The first paths at which two values differ, at most so many. What only one of them has is told as a whole.
#[must_use]
pub fn paths_that_differ(one: &Value, other: &Value, most: usize) -> Vec<String> {
    let mut paths = Vec::new();
    walk(one, other, "", &mut paths);
    paths.truncate(most);
    paths
}

fn walk(one: &Value, other: &Value, path: &str, paths: &mut Vec<String>) {
    match (one, other) {
        (one, other) if one == other => {}
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<_> = one.keys().chain(other.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let separator = if path.is_empty() { "" } else { "." };
                let (one, other) = (one.get(name).unwrap_or(&Value::Null), other.get(name).unwrap_or(&Value::Null));
                walk(one, other, &format!("{path}{separator}{name}"), paths);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                walk(one, other, &format!("{path}[{index}]"), paths);
            }
        }
        _ => paths.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_places_are_told_and_not_what_stands_there() {
        let one = json!({"spec": {"a": 1, "list": [{"x": 1}, {"x": 2}], "gone": {"y": 1}}});
        let other = json!({"spec": {"a": 1, "list": [{"x": 1}, {"x": 3}], "new": [1]}});
        assert_eq!(paths_that_differ(&one, &other, 5), ["spec.gone", "spec.list[1].x", "spec.new"]);
        assert_eq!(paths_that_differ(&one, &other, 1), ["spec.gone"]);
        assert_eq!(paths_that_differ(&one, &one, 5), [""; 0]);
        assert_eq!(paths_that_differ(&json!([1]), &json!([1, 2]), 5), [""]);
    }
}
