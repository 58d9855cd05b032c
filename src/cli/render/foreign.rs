//! Documents of another form than `render` reads, and what to do with each: those that people have at hand and take for a task
//! definition.

use serde_json::{Map, Value};

/// Why an object is no task definition, where it is seen to be something else.
pub(super) fn recognise(members: &Map<String, Value>) -> Option<&'static str> {
    let has = |name: &str| members.contains_key(name);
    let is_template = has("AWSTemplateFormatVersion") || has("Resources") || (has("Type") && has("Properties"));
    if is_template || has("ContainerDefinitions") {
        return Some(CLOUD_FORMATION);
    }
    if has("TargetGroups") || has("HealthCheckPath") || (has("Protocol") && has("TargetType")) {
        return Some(TARGET_GROUP);
    }
    if has("containerDefinitions") {
        return None;
    }
    if members.get("services").is_some_and(Value::is_object) {
        return Some(COMPOSE);
    }
    let is_text = |name: &str| members.get(name).is_some_and(Value::is_string);
    if has("services") || has("service") || has("serviceName") || (is_text("taskDefinition") && has("desiredCount")) {
        return Some(SERVICE);
    }
    if is_text("taskDefinition") || has("tasks") {
        return Some(TASK);
    }
    None
}

const CLOUD_FORMATION: &str = "This is CloudFormation's form, whose members begin with capital letters (ContainerDefinitions): write those of a task definition with small ones (containerDefinitions), as RegisterTaskDefinition has them, or give what `aws ecs describe-task-definition` prints for one that is deployed.";
const TARGET_GROUP: &str = "This is a target group of Elastic Load Balancing, and not a task definition: put its members under spec of an EcsTargetGroup (apiVersion: ecs-operator.dev/v1alpha1, kind: EcsTargetGroup, metadata: {name: ...}), each with a small first letter (healthCheckPath).";
const COMPOSE: &str =
    "This is a Compose file: write a task definition, in which each of its services is one of containerDefinitions.";
const SERVICE: &str = "This is a service, and not a task definition: put what CreateService takes under spec of an EcsService (apiVersion: ecs-operator.dev/v1alpha1, kind: EcsService, metadata: {name: ...}), and give its task definition as well.";
const TASK: &str = "This is what RunTask takes or prints, and not a task definition: put what RunTask takes under spec of an EcsTask (apiVersion: ecs-operator.dev/v1alpha1, kind: EcsTask, metadata: {name: ...}), and give the task definition that it names as well.";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn other_documents_are_told_from_task_definitions() {
        for (document, told) in [
            (json!({"family": "web", "containerDefinitions": []}), None),
            (json!({"family": "web"}), None),
            (json!({"Family": "web", "ContainerDefinitions": []}), Some(CLOUD_FORMATION)),
            (json!({"Resources": {}}), Some(CLOUD_FORMATION)),
            (json!({"Type": "AWS::ECS::TaskDefinition", "Properties": {}}), Some(CLOUD_FORMATION)),
            (json!({"Name": "web", "Protocol": "HTTP", "TargetType": "ip"}), Some(TARGET_GROUP)),
            (json!({"TargetGroups": []}), Some(TARGET_GROUP)),
            (json!({"services": {"web": {"image": "nginx"}}}), Some(COMPOSE)),
            (json!({"services": [{"serviceName": "web"}]}), Some(SERVICE)),
            (json!({"serviceName": "web", "taskDefinition": "web:3"}), Some(SERVICE)),
            (json!({"taskDefinition": "web", "desiredCount": 2}), Some(SERVICE)),
            (json!({"taskDefinition": "web", "launchType": "FARGATE"}), Some(TASK)),
        ] {
            assert_eq!(recognise(document.as_object().unwrap()), told, "{document}");
        }
    }
}
