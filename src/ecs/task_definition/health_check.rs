//! Checked health checks and restart policies (TD25-TD27).

use crate::{
    api::{container_definition::ContainerDefinition, health_check::HealthCheck as HealthCheckDefinition},
    ecs::violation::Violations,
};

/// A health check, with ECS's defaults filled in. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Between two checks, and before the first one.
    pub interval: u32,
    /// After which a check has failed.
    pub timeout: u32,
    /// Failures in a row that make it unhealthy.
    pub retries: u32,
    /// In which failures do not count.
    pub start_period: u32,
}

/// Whether a container is started again within its task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Exit codes after which it is not.
    pub ignored_exit_codes: Vec<i32>,
}

/// Checks the health check of a container.
#[must_use]
pub fn check(
    definition: &ContainerDefinition,
    path: &str,
    on_windows: bool,
    violations: &mut Violations,
) -> Option<HealthCheck> {
    let given = definition.health_check.as_ref()?;
    let path = format!("{path}.healthCheck");
    let mut number = |value: Option<i32>, member: &str, least: i32, most: i32, default: u32| {
        let value = value.map_or(Some(default), |value| u32::try_from(value).ok());
        let valid = value.is_some_and(|value| (least..=most).contains(&i32::try_from(value).unwrap_or(i32::MAX)));
        let message = format_args!("'{member}' of a health check must be between {least} and {most}.");
        violations.require(valid, "TD26", format_args!("{path}.{member}"), message);
        value.unwrap_or(default)
    };
    let interval = number(given.interval, "interval", 5, 300, 30);
    let timeout = number(given.timeout, "timeout", 2, 60, 5);
    let retries = number(given.retries, "retries", 1, 10, 3);
    let start_period = number(given.start_period, "startPeriod", 0, 300, 0);
    let command = command(given, on_windows);
    let message = "The command of a health check is CMD with a program and its arguments, or CMD-SHELL with a command.";
    violations.require(command.is_some(), "TD26", format_args!("{path}.command"), message);
    Some(HealthCheck { command: command?, interval, timeout, retries, start_period })
}

/// What runs: Docker's shell for CMD-SHELL, the program itself for CMD. Without either word it is a program, as on ECS.
fn command(given: &HealthCheckDefinition, on_windows: bool) -> Option<Vec<String>> {
    let shell: &[&str] = if on_windows { &["cmd", "/S", "/C"] } else { &["/bin/sh", "-c"] };
    let words = match given.command.split_first() {
        Some((first, rest)) if first == "CMD-SHELL" && !rest.is_empty() => {
            shell.iter().map(|word| (*word).to_owned()).chain(rest.iter().cloned()).collect()
        }
        Some((first, rest)) if first == "CMD" => rest.to_vec(),
        Some((first, _)) if first == "CMD-SHELL" || first == "NONE" => Vec::new(),
        _ => given.command.clone(),
    };
    (!words.is_empty() && !words[0].is_empty()).then_some(words)
}

/// Whether the words of a health check begin with neither CMD nor CMD-SHELL.
#[must_use]
pub fn has_no_keyword(command: &[String]) -> bool {
    command.first().is_some_and(|first| first != "CMD" && first != "CMD-SHELL")
}

/// Checks the restart policy of a container; `None` where it is not started again.
#[must_use]
pub fn check_restart_policy(
    definition: &ContainerDefinition,
    path: &str,
    violations: &mut Violations,
) -> Option<RestartPolicy> {
    let given = definition.restart_policy.as_ref()?;
    let path = format!("{path}.restartPolicy");
    let in_range = given.restart_attempt_period.is_none_or(|period| (60..=1800).contains(&period));
    let message = format_args!(
        "the 'restartAttemptPeriod' setting for container '{}' must be between 60 and 1800",
        definition.name
    );
    violations.require(in_range, "TD27", format_args!("{path}.restartAttemptPeriod"), message);
    let mut ignored_exit_codes = given.ignored_exit_codes.clone().unwrap_or_default();
    let message = "A restart policy has at most 50 ignored exit codes.";
    violations.require(ignored_exit_codes.len() <= 50, "TD27", format_args!("{path}.ignoredExitCodes"), message);
    ignored_exit_codes.sort_unstable();
    ignored_exit_codes.dedup();
    given.enabled.then_some(RestartPolicy { ignored_exit_codes })
}

/// Checks a timeout, in seconds (TD25). `kind` is `start` or `stop`.
#[must_use]
pub fn check_timeout(
    given: Option<i32>,
    kind: &str,
    container: &str,
    path: &str,
    violations: &mut Violations,
) -> Option<u32> {
    let given = given?;
    let message = format_args!("Granular {kind} timeout on container '{container}' must be at least 2 seconds.");
    violations.require(given >= 2, "TD25", format_args!("{path}.{kind}Timeout"), message);
    u32::try_from(given).ok()
}
