//! A short name in lower case for any text: what a text is called where its own form is not allowed.

use super::hash::short_hash;

/// Digits of the hash that tells names apart which were changed.
pub const HASH_DIGITS: usize = 8;

/// A lower-case DNS label of at most `longest` characters for any text; texts that differ keep differing. A text that is one
/// already stays as it is; any other is cut and gets a hash of the original.
#[must_use]
pub fn slug(text: &str, longest: usize) -> String {
    let replaced: String = text
        .chars()
        .map(|character| match character.to_ascii_lowercase() {
            lower @ ('a'..='z' | '0'..='9' | '-') => lower,
            _ => '-',
        })
        .collect();
    let trimmed = replaced.trim_matches('-');
    if trimmed == text && text.len() <= longest {
        return text.into();
    }
    let kept: String = trimmed.chars().take(longest.saturating_sub(HASH_DIGITS + 1)).collect();
    let kept = kept.trim_end_matches('-');
    let hash = short_hash(text, HASH_DIGITS);
    if kept.is_empty() { hash } else { format!("{kept}-{hash}") }
}
