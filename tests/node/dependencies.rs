//! `dependsOn` as it is observed: who started when.

use serde_json::{Value, json};

use super::{
    cluster::eventually,
    task::{FOREVER, Tasks, container, definition, script},
};

/// When a container has started, and ended if it has, in the kubelet's words, which sort by time.
fn times(pod: &Value, name: &str) -> (String, String) {
    let state = &container(pod, name)["state"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match &state["running"]["startedAt"] {
        Value::Null => (text(&state["terminated"]["startedAt"]), text(&state["terminated"]["finishedAt"])),
        started => (text(started), String::new()),
    }
}

fn on(conditions: &[(&str, &str)]) -> Value {
    let dependencies: Vec<_> =
        conditions.iter().map(|(name, condition)| json!({"containerName": name, "condition": condition})).collect();
    json!(dependencies)
}

/// In the order in which nobody could start them.
fn all_conditions() -> Value {
    let health = json!({"command": ["CMD-SHELL", "test -e /tmp/ready"], "interval": 5, "timeout": 2, "retries": 5});
    let until_ready = "sleep 3; touch /tmp/ready; trap exit TERM; while :; do sleep 0.2; done";
    definition(&[
        script(
            "app",
            FOREVER,
            &json!({"dependsOn": on(&[("proxy", "START"), ("cache", "HEALTHY"), ("schema", "SUCCESS"), ("notice", "COMPLETE")])}),
        ),
        script("proxy", FOREVER, &json!({"essential": false, "dependsOn": on(&[("schema", "SUCCESS")])})),
        script("cache", until_ready, &json!({"essential": false, "healthCheck": health})),
        script("schema", "sleep 2", &json!({"essential": false, "dependsOn": on(&[("notice", "COMPLETE")])})),
        script("notice", "sleep 2", &json!({"essential": false})),
    ])
}

fn assert_order(pod: &Value) {
    let [app, proxy, cache, schema, notice] =
        ["app", "proxy", "cache", "schema", "notice"].map(|name| times(pod, name));
    let all = format!("app {app:?} proxy {proxy:?} cache {cache:?} schema {schema:?} notice {notice:?}");
    assert!(!notice.1.is_empty() && notice.1 <= schema.0, "schema waits for notice to COMPLETE: {all}");
    assert!(!schema.1.is_empty() && schema.1 <= proxy.0, "proxy waits for schema's SUCCESS: {all}");
    assert!(proxy.0 <= app.0 && !proxy.0.is_empty(), "app waits for proxy to START: {all}");
    // The first check comes after one interval.
    let seconds = |time: &str| time.parse::<k8s_openapi::jiff::Timestamp>().unwrap().as_second();
    assert!(seconds(&app.0) - seconds(&cache.0) >= 4, "app waits for cache to be HEALTHY: {all}");
    for name in ["app", "proxy", "cache"] {
        assert_eq!(container(pod, name)["restartCount"], 0, "{name}");
    }
}

#[test]
fn all_four_conditions_order_a_task_by_itself() {
    let tasks = Tasks::new();
    tasks.apply("task", &all_conditions());
    let runs = || container(&tasks.pod(), "app")["state"]["running"].is_object();
    eventually("app runs", runs);
    assert_order(&tasks.pod());
}

#[test]
fn all_four_conditions_order_the_tasks_of_a_service() {
    let tasks = Tasks::new();
    tasks.apply("service", &all_conditions());
    tasks.kubectl(&["rollout", "status", "deployment", "app", "--timeout=90s"]);
    for pod in tasks.pods() {
        assert_order(&pod);
    }
}

#[test]
fn a_job_that_fails_fails_its_task() {
    let tasks = Tasks::new();
    let containers = [
        script("app", FOREVER, &json!({"dependsOn": on(&[("schema", "SUCCESS")])})),
        script("schema", "exit 3", &json!({"essential": false})),
    ];
    tasks.apply("task", &definition(&containers));
    let pod = tasks.until_phase("Failed");
    assert_eq!(container(&pod, "schema")["state"]["terminated"]["exitCode"], 3);
    assert!(container(&pod, "app")["state"]["waiting"].is_object(), "app has not started: {}", pod["status"]);
}

#[test]
fn a_job_of_a_service_that_fails_fails_its_task_and_another_is_started() {
    let tasks = Tasks::new();
    let containers = [
        script("app", FOREVER, &json!({"dependsOn": on(&[("schema", "SUCCESS")])})),
        script("schema", "exit 3", &json!({"essential": false})),
    ];
    tasks.apply("service", &definition(&containers));
    let failed = || tasks.pods().into_iter().find(|pod| pod["status"]["phase"] == "Failed");
    eventually("a task has failed and others were started", || failed().is_some() && tasks.pods().len() > 2);
    let pod = failed().unwrap();
    assert_eq!(container(&pod, "schema")["state"]["terminated"]["exitCode"], 3);
    assert_eq!(container(&pod, "schema")["restartCount"], 0);
    tasks.kubectl(&["delete", "deployment", "app"]);
}
