//! How a task definition names a secret: an ARN or a name of Secrets Manager or of an SSM parameter. Where the value comes
//! from in the end is not decided here.

use super::slug::slug;

/// Longest name of an entry of a Kubernetes Secret.
const LONGEST_ENTRY: usize = 253;

/// A secret, and which part of it is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretReference {
    /// Name of the secret or parameter, without a leading slash and without the random end of an ARN.
    pub name: String,
    /// The member of the secret's JSON that is meant; `None` for the whole secret.
    pub key: Option<String>,
    /// The service, region and account of an ARN, with its partition: `aws:ssm:us-east-1:123456789012`. `None` for a plain
    /// name, which is that of a parameter of the task's own account.
    pub home: Option<String>,
}

/// Why a reference cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecretReference {
    /// It begins as an ARN and goes on as none.
    #[error(
        "Invalid arn syntax: write the name of the secret, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME (which may go on with :JSON-KEY:VERSION-STAGE:VERSION-ID) or arn:aws:ssm:REGION:ACCOUNT:parameter/NAME."
    )]
    Arn,
    /// There is no name in it.
    #[error("The name of the secret is empty: write its name or ARN.")]
    Empty,
    /// Both a version stage and a version id.
    #[error("A secret is named by its version stage or its version id, not by both: leave one of them empty.")]
    TwoVersions,
}

impl SecretReference {
    /// Reads a reference.
    ///
    /// # Errors
    /// When there is no name in it.
    pub fn parse(text: &str) -> Result<Self, InvalidSecretReference> {
        let reference = match text.strip_prefix("arn:") {
            Some(arn) => Self::of_arn(arn)?,
            None => Self { name: trim_slash(text), key: None, home: None },
        };
        if reference.name.is_empty() { Err(InvalidSecretReference::Empty) } else { Ok(reference) }
    }

    /// The entry of the Kubernetes Secret that stands for it: the member of the secret's JSON, or `value` for the whole.
    #[must_use]
    pub fn entry(&self) -> String {
        let fits = |key: &&str| {
            key.len() <= LONGEST_ENTRY
                && key.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
                && !matches!(*key, "." | "..")
        };
        match self.key.as_deref() {
            None => "value".into(),
            Some(key) => Some(key).filter(fits).map_or_else(|| slug(key, LONGEST_ENTRY), str::to_owned),
        }
    }

    /// Whether the other reference means the same secret, or another part of it. Where one of them does not say the account, it
    /// is the task's own, in which the other one is taken to be as well.
    #[must_use]
    pub fn is_same_secret(&self, other: &Self) -> bool {
        let is_parameter = |home: &str| home.split(':').nth(1) == Some("ssm");
        let is_same_home = match (&self.home, &other.home) {
            (Some(home), Some(other)) => home == other,
            (Some(home), None) | (None, Some(home)) => is_parameter(home),
            (None, None) => true,
        };
        is_same_home && self.name == other.name
    }

    fn of_arn(arn: &str) -> Result<Self, InvalidSecretReference> {
        let mut parts = arn.splitn(5, ':');
        let (_partition, service) = (parts.next(), parts.next());
        let resource = parts.nth(2).ok_or(InvalidSecretReference::Arn)?;
        let home = arn.strip_suffix(resource).map(|home| home.trim_end_matches(':').to_owned());
        let reference = match service {
            Some("secretsmanager") => Self::of_secret(resource)?,
            Some("ssm") => {
                let name = resource.strip_prefix("parameter").ok_or(InvalidSecretReference::Arn)?;
                Self { name: trim_slash(name), key: None, home: None }
            }
            _ => return Err(InvalidSecretReference::Arn),
        };
        Ok(Self { home, ..reference })
    }

    /// `secret:NAME-RANDOM:JSON-KEY:VERSION-STAGE:VERSION-ID`, where all from the key on may be absent or empty.
    fn of_secret(resource: &str) -> Result<Self, InvalidSecretReference> {
        let mut parts = resource.split(':');
        if parts.next() != Some("secret") {
            return Err(InvalidSecretReference::Arn);
        }
        let name = parts.next().ok_or(InvalidSecretReference::Arn)?;
        let mut optional = || parts.next().filter(|part| !part.is_empty());
        let (key, stage, version) = (optional(), optional(), optional());
        if stage.is_some() && version.is_some() {
            return Err(InvalidSecretReference::TwoVersions);
        }
        Ok(Self { name: trim_slash(without_random_end(name)), key: key.map(str::to_owned), home: None })
    }
}

fn trim_slash(name: &str) -> String {
    name.trim_start_matches('/').to_owned()
}

/// Secrets Manager puts a hyphen and six characters behind the name of a secret in its ARN. A word of small letters is the end
/// of the name (`my-secret`): one of 184 random ends looks like that.
fn without_random_end(name: &str) -> &str {
    const RANDOM: usize = 6;
    match name.rsplit_once('-') {
        Some((name, end))
            if end.len() == RANDOM && end.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_random(end) =>
        {
            name
        }
        _ => name,
    }
}

fn is_random(end: &str) -> bool {
    end.bytes().any(|byte| !byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns_of_both_services() {
        const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:";
        for (text, name, key) in [
            ("db-password", "db-password", None),
            ("/prod/db/password", "prod/db/password", None),
            ("arn:aws:ssm:us-east-1:123456789012:parameter/prod/db/password", "prod/db/password", None),
            ("arn:aws-cn:ssm:cn-north-1:123456789012:parameter/token", "token", None),
            (&format!("{SECRET}prod/db-AbC123"), "prod/db", None),
            (&format!("{SECRET}prod/db-AbC123:password::"), "prod/db", Some("password")),
            (&format!("{SECRET}prod/db-AbC123:password:AWSCURRENT:"), "prod/db", Some("password")),
            (&format!("{SECRET}prod/db-AbC123:::v1"), "prod/db", None),
            (&format!("{SECRET}a_long_name"), "a_long_name", None),
            (&format!("{SECRET}db-master"), "db-master", None),
        ] {
            let reference = SecretReference::parse(text).unwrap();
            assert_eq!((reference.name.as_str(), reference.key.as_deref()), (name, key), "{text}");
        }
    }

    #[test]
    fn entries_of_secrets() {
        let entry =
            |key: Option<&str>| SecretReference { name: "a".into(), key: key.map(str::to_owned), home: None }.entry();
        assert_eq!((entry(None), entry(Some("DB_password"))), ("value".into(), "DB_password".into()));
        assert_eq!(entry(Some("a b")), slug("a b", LONGEST_ENTRY));
        assert_eq!(entry(Some("..")), slug("..", LONGEST_ENTRY));
    }

    #[test]
    fn what_names_no_secret() {
        for text in [
            "",
            "/",
            "arn:",
            "arn:aws:s3:::bucket",
            "arn:aws:ssm:us-east-1:1:",
            "arn:aws:secretsmanager:r:1:secret",
            "arn:aws:secretsmanager:r:1:secret:n:k:s:v",
        ] {
            assert!(SecretReference::parse(text).is_err(), "{text}");
        }
    }
}
