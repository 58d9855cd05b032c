//! How long a task definition takes from the document to the Pod template: checked, normalised, hashed, translated.
//! `hack/bench translation` runs it.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark ends when something is not as it should be")]

use divan::{Bencher, black_box};
use ecs_operator::{
    api::register_task_definition::RegisterTaskDefinition,
    ecs::{
        arn::ArnScope, content_hash::content_hash, kubernetes_version, normalise::normalise, role::RolesOfTask,
        subnet::Location, task_definition,
    },
    translate::pod_template::{TaskTemplate, pod_template},
};
use serde_json::{Value, json};

fn main() {
    divan::main();
}

/// From the document to the template, as the controllers do it.
fn translate(definition: &RegisterTaskDefinition, arns: &ArnScope) {
    let checked = task_definition::check(definition, "web").unwrap();
    black_box(normalise(definition, &checked));
    black_box(content_hash(definition, "web"));
    black_box(pod_template(TaskTemplate {
        arns,
        cluster_object: "default",
        service_object: "web",
        service_name: "web",
        task_definition: &checked,
        roles: &RolesOfTask::default(),
        revision: 1,
        deployment: 1,
        deployment_id: "ecs-svc/0000000000000000001",
        security_groups: &[],
        location: &Location::default(),
        pre_stop_seconds: 5,
        version: kubernetes_version::LEAST,
    }));
}

fn arns() -> ArnScope {
    ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() }
}

/// A container with most of what a container can have; each but the first waits for the one before.
fn container(index: usize) -> Value {
    let mut container = json!({
        "name": format!("Container_{index}"), "image": "public.ecr.aws/docker/library/nginx:1.28", "cpu": 64, "memory": 128,
        "essential": index == 0, "portMappings": [{"containerPort": 8000 + index, "name": format!("port-{index}")}],
        "environment": (0..20).map(|i| json!({"name": format!("VARIABLE_{i}"), "value": "a value $(with) an expression"})).collect::<Vec<_>>(),
        "secrets": [{"name": "PASSWORD", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:password::"}],
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
        "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"]},
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}, "tmpfs": [{"containerPath": "/tmp", "size": 64}]},
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "us-east-1"}},
    });
    if index > 0 {
        container["dependsOn"] = json!([{"containerName": format!("Container_{}", index - 1), "condition": "HEALTHY"}]);
    }
    container
}

#[divan::bench]
fn ten_containers(bencher: Bencher<'_, '_>) {
    let document = json!({
        "family": "web", "executionRoleArn": "ecsTaskExecutionRole", "volumes": [{"name": "data"}],
        "containerDefinitions": (0..10).map(container).collect::<Vec<_>>()});
    let definition = serde_json::from_value(document).unwrap();
    let arns = arns();
    bencher.bench(|| translate(&definition, &arns));
}

/// A document of so many KiB, most of it environment variables.
#[divan::bench(args = [8, 16, 32, 63])]
fn kibibytes(bencher: Bencher<'_, '_>, kibibytes: usize) {
    let variable = |index: usize| json!({"name": format!("VARIABLE_{index:05}"), "value": "x".repeat(60)});
    let variables: Vec<_> = (0..kibibytes * 1024 / 105).map(variable).collect();
    let document = json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 64, "environment": variables}]});
    let length = document.to_string().len();
    assert!(length <= kibibytes * 1024 && length > kibibytes * 1024 * 9 / 10, "{length} bytes");
    let definition = serde_json::from_value(document).unwrap();
    let arns = arns();
    bencher.bench(|| translate(&definition, &arns));
}
