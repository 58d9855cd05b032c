//! The rules of log drivers and log routers (TD35, TD36). Nothing of a log configuration reaches the container.

use crate::{
    api::{
        container_definition::ContainerDefinition,
        logging::{LogConfiguration, LogDriver},
    },
    ecs::violation::Violations,
};

use super::environment::check_reference;

/// Checks the log configurations of all containers.
pub fn check(containers: &[ContainerDefinition], path: &str, violations: &mut Violations) {
    let routers = containers.iter().filter(|container| container.firelens_configuration.is_some()).count();
    let message = "Only one container of a task can have a firelensConfiguration.";
    violations.require(routers <= 1, "TD36", path, message);
    for (index, container) in containers.iter().enumerate() {
        let Some(logging) = &container.log_configuration else { continue };
        let path = format!("{path}[{index}].logConfiguration");
        check_options(logging, &format!("{path}.options"), violations);
        let message =
            "When a container uses the log driver awsfirelens, another one must have a firelensConfiguration.";
        let has_router = logging.log_driver != LogDriver::Awsfirelens || routers > 0;
        violations.require(has_router, "TD36", format_args!("{path}.logDriver"), message);
        for (number, secret) in logging.secret_options.iter().flatten().enumerate() {
            let path = format_args!("{path}.secretOptions[{number}].valueFrom");
            check_reference(&secret.value_from, path, violations);
        }
    }
}

fn check_options(logging: &LogConfiguration, path: &str, violations: &mut Violations) {
    if logging.log_driver != LogDriver::Awslogs {
        return;
    }
    let missing: Vec<_> =
        ["awslogs-region", "awslogs-group"].into_iter().filter(|name| !has_option(logging, name)).collect();
    let message = format_args!("Log driver awslogs requires options: {}", missing.join(", "));
    violations.require(missing.is_empty(), "TD35", path, message);
    let given = logging.options.iter().flat_map(|options| options.keys().map(String::as_str));
    let secret = logging.secret_options.iter().flatten().map(|secret| secret.name.as_str());
    let unknown: Vec<_> = given.chain(secret).filter(|name| !AWSLOGS_OPTIONS.contains(name)).collect();
    let message = format_args!(
        "Log driver awslogs disallows options: {}. It has {}.",
        unknown.join(", "),
        AWSLOGS_OPTIONS.join(", ")
    );
    violations.require(unknown.is_empty(), "TD35", path, message);
}

/// The options of awslogs: those of ECS, and those of Docker's driver.
const AWSLOGS_OPTIONS: [&str; 17] = [
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "awslogs-create-group",
    "awslogs-datetime-format",
    "awslogs-multiline-pattern",
    "awslogs-stream",
    "awslogs-endpoint",
    "awslogs-credentials-endpoint",
    "awslogs-force-flush-interval-seconds",
    "awslogs-max-buffered-events",
    "awslogs-format",
    "mode",
    "max-buffer-size",
    "tag",
    "labels",
    "env",
];

/// Whether an option is given, in the open or as a secret.
#[must_use]
pub fn has_option(logging: &LogConfiguration, name: &str) -> bool {
    let is_secret = || logging.secret_options.iter().flatten().any(|secret| secret.name == name);
    logging.options.as_ref().is_some_and(|options| options.contains_key(name)) || is_secret()
}

/// ECS's word for a log driver.
#[must_use]
pub fn word(driver: LogDriver) -> &'static str {
    match driver {
        LogDriver::JsonFile => "json-file",
        LogDriver::Syslog => "syslog",
        LogDriver::Journald => "journald",
        LogDriver::Gelf => "gelf",
        LogDriver::Fluentd => "fluentd",
        LogDriver::Awslogs => "awslogs",
        LogDriver::Splunk => "splunk",
        LogDriver::Awsfirelens => "awsfirelens",
    }
}
