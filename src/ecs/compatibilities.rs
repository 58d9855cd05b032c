//! Which launch types the content of a task definition allows, whatever it says that it requires.

use crate::api::register_task_definition::{Compatibility, NetworkMode, RegisterTaskDefinition};

use super::task_definition::{fargate::LONGEST_STOP, platform::Platform};

/// The `compatibilities` that DescribeTaskDefinition shows.
#[must_use]
pub fn compatibilities(definition: &RegisterTaskDefinition) -> Vec<Compatibility> {
    if definition.network_mode != Some(NetworkMode::Awsvpc) {
        return vec![Compatibility::External, Compatibility::Ec2];
    }
    let stops_late = |timeout: Option<i32>| timeout.is_some_and(|timeout| timeout > LONGEST_STOP);
    let is_late = definition.container_definitions.iter().flatten().any(|container| stops_late(container.stop_timeout));
    let platform = definition.runtime_platform.clone().unwrap_or_default();
    let platform = Platform { architecture: None, operating_system: platform.operating_system_family };
    let mut all = vec![Compatibility::Ec2];
    all.extend((!is_late).then_some(Compatibility::Fargate));
    all.extend((!platform.is_windows()).then_some(Compatibility::ManagedInstances));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_content_decides() {
        use Compatibility::{Ec2, External, Fargate, ManagedInstances};
        let of = |document: Value| compatibilities(&serde_json::from_value(document).unwrap());
        assert_eq!(of(json!({"requiresCompatibilities": ["FARGATE"]})), [External, Ec2]);
        assert_eq!(of(json!({"networkMode": "awsvpc"})), [Ec2, Fargate, ManagedInstances]);
        let late = json!({"networkMode": "awsvpc", "containerDefinitions": [{"name": "a", "stopTimeout": 121}]});
        assert_eq!(of(late), [Ec2, ManagedInstances]);
        let windows =
            json!({"networkMode": "awsvpc", "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}});
        assert_eq!(of(windows), [Ec2, Fargate]);
    }
}
