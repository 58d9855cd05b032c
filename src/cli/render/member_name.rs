//! Names of members that are nearly right: which one was meant.

/// What is said of a member that resembles no other.
pub(super) const NO_SUCH_MEMBER: &str =
    "There is no such member, or the operator does not have it yet: correct its name, or take it out.";

/// The member that was meant.
pub(super) struct Meant {
    pub(super) name: String,
    /// What to say of it.
    pub(super) told: String,
}

/// Finds the member that a name resembles: written in another way (`ContainerDefinitions`, `container_definitions`), or with
/// a letter too many, too few, wrong or out of place.
pub(super) fn meant<'a>(given: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<Meant> {
    let plain = letters(given);
    if let Some(name) = known.clone().find(|name| letters(name) == plain) {
        let mut told = format!("There is no such member: write {name}.");
        if given.eq_ignore_ascii_case(name) && given.starts_with(|first: char| first.is_ascii_uppercase()) {
            told.push_str(" Members begin with a capital letter in CloudFormation, and with a small one here and in ECS's own form.");
        }
        return Some(Meant { name: name.to_owned(), told });
    }
    let (distance, name) = known.map(|name| (distance(&plain, &letters(name)), name)).min()?;
    // A short name with another letter is another word.
    let is_near = distance * 4 <= name.chars().count();
    is_near.then(|| Meant { name: name.to_owned(), told: format!("There is no such member: did you mean {name}?") })
}

fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' ')).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// How many letters have to be put in, taken out, replaced or changed with their neighbours.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = ["containerDefinitions", "image", "cpu", "portMappings", "environment", "healthCheck"];

    #[test]
    fn names_that_are_nearly_right() {
        for (given, name) in [
            ("ContainerDefinitions", Some("containerDefinitions")),
            ("container_definitions", Some("containerDefinitions")),
            ("imgae", Some("image")),
            ("cpus", None),
            ("gpu", None),
            ("enviroment", Some("environment")),
            ("portMapping", Some("portMappings")),
            ("healthcheck", Some("healthCheck")),
            ("networks", None),
        ] {
            assert_eq!(meant(given, KNOWN.into_iter()).map(|meant| meant.name).as_deref(), name, "{given}");
        }
        let told = |given: &str| meant(given, KNOWN.into_iter()).unwrap().told;
        assert!(told("Image").contains("CloudFormation"));
        assert!(!told("enviroment").contains("CloudFormation"));
    }
}
