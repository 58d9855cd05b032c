//! Hashes of texts, in the forms in which names and ids have them. What the content of a task definition is hashed from is in
//! `content_hash`.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The SHA-256 of a text, in 64 hexadecimal digits.
#[must_use]
pub fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// The first hexadecimal digits of the SHA-256 of a text.
#[must_use]
pub fn short_hash(text: &str, digits: usize) -> String {
    let mut hash = sha256(text);
    hash.truncate(digits);
    hash
}

/// A positive number of up to 63 bits out of a text, as in ECS's deployment ids.
#[must_use]
pub fn decimal_id(text: &str) -> u64 {
    let first: Vec<u8> = Sha256::digest(text).into_iter().take(8).collect();
    first.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_vectors() {
        assert_eq!(decimal_id("web"), 2_715_437_459_337_355_612);
    }
}
