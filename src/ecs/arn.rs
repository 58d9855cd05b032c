//! Amazon Resource Names: how we print our own, and how names that a user gave as an ARN are read.

use super::hash::short_hash;

/// Region and account that stand in every ARN we print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArnScope {
    /// For example `us-east-1`.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
}

impl ArnScope {
    /// ARN of a cluster.
    #[must_use]
    pub fn cluster(&self, cluster: &str) -> String {
        self.arn(&format!("cluster/{cluster}"))
    }

    /// ARN of a service.
    #[must_use]
    pub fn service(&self, cluster: &str, service: &str) -> String {
        self.arn(&format!("service/{cluster}/{service}"))
    }

    /// ARN of a task.
    #[must_use]
    pub fn task(&self, cluster: &str, task_id: &str) -> String {
        self.arn(&format!("task/{cluster}/{task_id}"))
    }

    /// ARN of a task definition revision.
    #[must_use]
    pub fn task_definition(&self, family: &str, revision: i64) -> String {
        self.arn(&format!("task-definition/{family}:{revision}"))
    }

    /// ARN of a role.
    #[must_use]
    pub fn role(&self, role: &str) -> String {
        format!("arn:aws:iam::{}:role/{role}", self.account_id)
    }

    /// ARN of a target group. ELB gives each an id of 16 hex digits of its own.
    #[must_use]
    pub fn target_group(&self, name: &str, uid: &str) -> String {
        let (region, account, id) = (&self.region, &self.account_id, short_hash(uid, 16));
        format!("arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{id}")
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.region, self.account_id)
    }
}

/// Reads a region.
///
/// # Errors
/// When it has other characters than regions have.
pub fn parse_region(text: &str) -> Result<String, String> {
    let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    let is_region = !text.is_empty() && text.chars().all(allowed);
    let message = || "a region is made of lower case letters, digits and hyphens, such as us-east-1".to_owned();
    is_region.then(|| text.to_owned()).ok_or_else(message)
}

/// Reads the id of an account.
///
/// # Errors
/// When it has not 12 digits.
pub fn parse_account_id(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| text.to_owned()).ok_or_else(|| "an account id has 12 digits".to_owned())
}

/// The name in a value that is either a plain name or an ARN: what stands behind the last slash.
#[must_use]
pub fn last_segment(name_or_arn: &str) -> &str {
    if name_or_arn.starts_with("arn:") {
        name_or_arn.rsplit(['/', ':']).next().unwrap_or(name_or_arn)
    } else {
        name_or_arn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_have_the_long_form() {
        let scope = ArnScope { region: "eu-west-1".into(), account_id: "123456789012".into() };
        assert_eq!(scope.cluster("prod"), "arn:aws:ecs:eu-west-1:123456789012:cluster/prod");
        assert_eq!(scope.service("prod", "web"), "arn:aws:ecs:eu-west-1:123456789012:service/prod/web");
        assert_eq!(scope.task_definition("web", 3), "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3");
    }

    #[test]
    fn a_name_is_read_from_a_name_or_an_arn() {
        assert_eq!(last_segment("prod"), "prod");
        assert_eq!(last_segment("arn:aws:ecs:eu-west-1:123456789012:cluster/prod"), "prod");
    }
}
