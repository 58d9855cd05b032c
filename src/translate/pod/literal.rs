//! Texts that Kubernetes passes on as they are.

/// A text that Kubernetes passes on as it is. In variables, commands and the commands of probes it replaces `$(NAME)` and
/// reads `$$` as `$`; ECS does neither.
#[must_use]
pub fn literal(text: &str) -> String {
    if !text.contains('$') {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len() + 1);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        escaped.push(character);
        if character == '$' && matches!(characters.peek(), Some('$' | '(')) {
            escaped.push('$');
        }
    }
    escaped
}

/// The same of several words.
#[must_use]
pub fn literals(words: &[String]) -> Vec<String> {
    words.iter().map(|word| literal(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Kubernetes makes of a value: `$$` is `$`, `$(NAME)` is replaced, anything else stays.
    fn expand(text: &str) -> String {
        let (mut expanded, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(tail) = rest.strip_prefix('$') {
                expanded.push('$');
                rest = tail;
            } else if rest.starts_with('(') && rest.contains(')') {
                expanded.push_str("EXPANDED");
                rest = &rest[rest.find(')').unwrap() + 1..];
            } else {
                expanded.push('$');
            }
        }
        expanded + rest
    }

    proptest! {
        #[test]
        fn what_the_user_wrote_is_what_the_process_sees(text in "[$()A$]{0,12}") {
            prop_assert_eq!(expand(&literal(&text)), text);
        }
    }
}
