//! A text -> the documents in it. A member that is there twice is refused: the last one would win without a word, and nobody
//! knows which of the two was meant.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, error::Category};
use serde_saphyr::Error as YamlError;

/// The documents of a text, or why it is neither JSON nor YAML, and where.
pub(super) fn parse(text: &str) -> Result<Vec<Value>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with(['{', '[']) {
        return of_yaml(text);
    }
    // YAML begins with a brace as well, in its flow style. Names in quotation marks tell which of the two was meant.
    let inner = text.trim_start_matches(|character: char| character.is_whitespace() || "{[".contains(character));
    let is_meant_as_json = inner.starts_with(['"', '}', ']']);
    of_json(text).or_else(|message| of_yaml(text).map_err(|other| if is_meant_as_json { message } else { other }))
}

/// Several documents may stand one after the other.
fn of_json(text: &str) -> Result<Vec<Value>, String> {
    let documents = serde_json::Deserializer::from_str(text).into_iter::<Document>();
    let documents: Result<Vec<_>, _> = documents.map(|document| document.map(|Document(value)| value)).collect();
    documents.map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = error.to_string();
        let reason = reason.strip_suffix(&place).unwrap_or(&reason);
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            Category::Data => format!("{place}: {reason}."),
            Category::Eof => {
                format!("This is no JSON: {place}: it ends before all its braces and quotation marks are closed.")
            }
            Category::Syntax | Category::Io => format!("This is no JSON: {place}: {reason}."),
        }
    })
}

fn of_yaml(text: &str) -> Result<Vec<Value>, String> {
    let documents: Result<Vec<Document>, _> = serde_saphyr::from_multiple(text);
    let documents = documents.map(|documents| documents.into_iter().map(|Document(value)| value).collect());
    documents.map_err(|error| in_plain_words(error.without_snippet(), text))
}

/// What is wrong with a text in YAML, in the words of people who write it rather than of those who parse it.
fn in_plain_words(error: &YamlError, text: &str) -> String {
    let (line, column) = error.location().map_or((1, 1), |location| (location.line(), location.column()));
    let place = format!("line {line}, column {column}");
    let written =
        usize::try_from(line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?)).unwrap_or_default();
    let indentation = &written[..written.len() - written.trim_start().len()];
    let message = error.to_string().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let reason = match error {
        YamlError::DuplicateMappingKey { key: Some(key), .. } => return format!("{place}: {}.", there_twice(key)),
        YamlError::UnknownAnchor { .. } => "a * refers to an anchor (&) that is nowhere in the text",
        YamlError::Budget { .. } => "it is too large, or has too many levels",
        _ if indentation.contains('\t') || says(&["tab"]) => "indent with spaces, not with tabs",
        _ if says(&["quoted scalar", "unclosed quot", "unterminated"]) => "a quotation mark is not closed",
        _ if says(&["mapping values", "':'", "colon"]) => {
            "a colon stands where none can be: put a text with a colon and a space in it in quotation marks, and look at the indentation"
        }
        _ if says(&["flow", "']'", "'}'", "bracket"]) => "a bracket or brace is not closed, or a comma is missing",
        _ if says(&["block", "indent", "expected key", "simple key", "key"]) => {
            "the line does not go with those before it: look at its indentation, and for a missing colon or dash"
        }
        _ if says(&["unknown tag", "tag"]) => {
            "words that begin with an exclamation mark (!Ref, !Sub) are CloudFormation's: put in what they stand for"
        }
        _ => return format!("This is no YAML: {place}: {}.", error.to_string().trim_end_matches('.')),
    };
    format!("This is no YAML: {place}: {reason}.")
}

fn there_twice(name: &str) -> String {
    format!("the member {name:?} is there twice: take one of them out")
}

/// A value whose objects have each member once.
struct Document(Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EachMemberOnce).map(Self)
    }
}

struct EachMemberOnce;

impl<'de> Visitor<'de> for EachMemberOnce {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // What no JSON can say (.inf) stays the text that it was.
        Ok(Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Document(entry)) = entries.next_element()? {
            list.push(entry);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(there_twice(&name)));
            }
            let Document(member) = entries.next_value()?;
            members.insert(name, member);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_and_yaml_in_block_and_flow_style() {
        assert_eq!(parse("{\"a\": 1} {\"b\": [2]}"), Ok(vec![json!({"a": 1}), json!({"b": [2]})]));
        assert_eq!(parse("a: 1\n---\nb: [2]\n"), Ok(vec![json!({"a": 1}), json!({"b": [2]})]));
        assert_eq!(parse("{family: web, cpu: 256}"), Ok(vec![json!({"family": "web", "cpu": 256})]));
        assert_eq!(parse("[{name: web}]"), Ok(vec![json!([{"name": "web"}])]));
        assert_eq!(parse("\u{feff}{}"), Ok(vec![json!({})]));
    }

    #[test]
    fn a_member_that_is_there_twice_is_named_with_its_place() {
        for text in
            ["{\"a\": {\"image\": 1,\n \"image\": 2}}", "a:\n  image: 1\n  image: 2\n", "{a: {image: 1, image: 2}}"]
        {
            let message = parse(text).unwrap_err();
            assert!(message.contains("the member \"image\" is there twice"), "{message}");
            assert!(message.contains("line "), "{message}");
        }
        assert!(parse("x: &x {a: 1}\ny: {<<: *x, a: 2}\n").is_ok(), "a merged member may be replaced");
    }

    #[test]
    fn what_is_wrong_is_told_in_plain_words() {
        for (text, words) in [
            ("{\"a\": 1", "line 1, column 7: it ends before"),
            ("{\"a\": 1 \"b\": 2}", "line 1, column 9: expected `,` or `}`"),
            ("a: b: c\n", "line 1, column 5: a colon stands where none can be"),
            ("a:\n\tb: 1\n", "with tabs"),
            ("a: \"b\nc: 1\n", "a quotation mark is not closed"),
            ("a: [1, 2\nb: 1\n", "line 2"),
            ("a:\n  b: 1\n c: 2\n", "look at its indentation"),
            ("a: *b\n", "anchor"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(words), "{text:?}: {message}");
        }
    }
}
