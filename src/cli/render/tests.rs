//! `render` as a whole: what documents do to each other, and what is told of those with faults.

use super::*;

fn surroundings(workload: Workload) -> Surroundings {
    Surroundings {
        arns: ArnScope { region: "us-east-1".into(), account_id: "123456789012".into() },
        version: kubernetes_version::LEAST,
        namespace: "ecs-default".into(),
        workload,
    }
}

fn rendered(text: &str) -> Rendering {
    render(&[Source { name: "test.yaml".into(), text: text.into() }], &surroundings(Workload::Service))
}

/// What is refused, as `object path`.
fn refused(rendering: &Rendering) -> Vec<String> {
    let refused = rendering.report.iter().filter(|entry| entry.outcome.outcome == Outcome::Refused);
    refused.map(|entry| format!("{} {}", entry.object, entry.outcome.path)).collect()
}

/// The objects, as `kind/name in namespace`.
fn objects(rendering: &Rendering) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = |object: &Value| {
        let metadata = &object["metadata"];
        format!("{}/{} in {}", text(&object["kind"]), text(&metadata["name"]), text(&metadata["namespace"]))
    };
    rendering.objects.iter().map(name).collect()
}

fn ours(kind: &str, name: &str, namespace: &str, spec: &Value) -> String {
    let metadata = json!({ "name": name, "namespace": namespace });
    json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}).to_string()
}

fn web(namespace: &str) -> String {
    let containers = json!([{"name": "web", "image": "nginx", "memory": 64}]);
    ours("TaskDefinition", "web", namespace, &json!({ "containerDefinitions": containers }))
}

fn service(namespace: &str, spec: &Value) -> String {
    ours("EcsService", "shop", namespace, spec)
}

const DEFAULT: &str = "ecs-default";

#[test]
fn wrong_types_and_broken_rules_are_told_together() {
    let document = json!({"family": "web", "networkMode": "vpc", "containerDefinitions": [
        {"name": "a", "image": "", "memory": "64"}, {"name": "b", "image": "i", "cpu": true, "essential": "false"}]});
    let rendering = rendered(&document.to_string());
    let c = |path: &str| format!("TaskDefinition/web containerDefinitions{path}");
    let mut expected: Vec<_> = ["[0].image", "[1].memory", "[0].memory", "[1].cpu", "[1].essential"].map(c).into();
    expected.push("TaskDefinition/web networkMode".into());
    assert_eq!(refused(&rendering), expected);
    assert_eq!(objects(&rendering), Vec::<String>::new());
    let mapped = rendering.report.iter().filter(|entry| entry.outcome.outcome == Outcome::Mapped).count();
    assert!(mapped > 3, "only {mapped} fields are mapped");
}

#[test]
fn what_stands_in_for_something_unreadable_breaks_no_rules() {
    let document = json!({"family": "web", "memory": 0.5, "executionRoleArn": {}, "containerDefinitions": [
        {"name": "a", "image": "i", "secrets": [{"name": "A", "valueFrom": "s"}]}, 5]});
    let told: Vec<_> = ["memory", "executionRoleArn", "containerDefinitions[1]"]
        .map(|path| format!("TaskDefinition/web {path}"))
        .into();
    let mut refused = refused(&rendered(&document.to_string()));
    refused.sort_by_key(|entry| told.iter().position(|path| path == entry));
    assert_eq!(refused, told);
}

#[test]
fn no_service_is_made_up_beside_one_that_is_refused() {
    for (spec, path) in [
        (json!({"taskDefinition": "web", "desiredCount": "2"}), "desiredCount"),
        (json!({"taskDefinition": 5}), "taskDefinition"),
        (json!({"taskDefinition": "web", "desiredCount": -1}), "desiredCount"),
        (json!({"taskDefinition": "web", "desiredCont": 1}), "desiredCont"),
    ] {
        let rendering = rendered(&format!("{}{}", web(DEFAULT), service(DEFAULT, &spec)));
        assert_eq!(refused(&rendering), [format!("EcsService/shop {path}")]);
        assert_eq!(objects(&rendering), Vec::<String>::new(), "{spec}");
    }
}

#[test]
fn a_service_runs_what_is_in_its_namespace() {
    let spec = json!({"taskDefinition": "web"});
    let rendering = rendered(&format!("{}{}", web("ecs-other"), service(DEFAULT, &spec)));
    assert_eq!(refused(&rendering), ["EcsService/shop taskDefinition"]);
    let last = &rendering.report.iter().find(|entry| entry.outcome.outcome == Outcome::Refused).unwrap().outcome.detail;
    assert!(last.contains("is in Namespace ecs-other"), "{last}");
    // Nothing runs it where it is, so that a service is made up there.
    assert!(objects(&rendering).contains(&"Deployment/web in ecs-other".to_owned()));
    let both = rendered(&format!("{}{}{}", web("ecs-other"), web(DEFAULT), service(DEFAULT, &spec)));
    assert_eq!(refused(&both), Vec::<String>::new());
    assert!(objects(&both).contains(&"Deployment/shop in ecs-default".to_owned()));
    assert!(!objects(&both).contains(&"Deployment/web in ecs-default".to_owned()));
}

#[test]
fn a_service_of_another_cluster_is_refused() {
    let of = |cluster: &str| json!({ "taskDefinition": "web", "cluster": cluster });
    let rendering = rendered(&format!("{}{}", web(DEFAULT), service(DEFAULT, &of("shop"))));
    assert_eq!(refused(&rendering), ["EcsService/shop cluster"]);
    assert_eq!(objects(&rendering), Vec::<String>::new());
    let rendering = rendered(&format!("{}{}", web("ecs-shop"), service("ecs-shop", &of("shop"))));
    assert_eq!(refused(&rendering), Vec::<String>::new());
    let deployment = rendering.objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    assert_eq!(deployment["metadata"]["labels"]["ecs-operator.dev/cluster"], "shop");
}

#[test]
fn revisions_of_one_family_have_names_of_their_own() {
    let revision = |number: i64| json!({"taskDefinition": {"family": "web", "revision": number, "containerDefinitions": [{"name": "a", "image": ""}]}});
    let rendering = rendered(&format!("{}{}", revision(3), revision(4)));
    let objects: std::collections::BTreeSet<_> = rendering.report.iter().map(|entry| entry.object.as_str()).collect();
    assert_eq!(objects.into_iter().collect::<Vec<_>>(), ["TaskDefinition/web:3", "TaskDefinition/web:4"]);
}

#[test]
fn bounds_that_only_the_schema_has_are_told_and_rules_say_theirs() {
    let container = json!({"name": "web", "image": "i", "memory": 100_000_001, "cpu": -1, "kubernetes": {
        "readinessProbe": {"tcpSocket": {"port": 80}, "successThreshold": 101}, "files": [{"path": "/", "text": ""}]}});
    let rendering = rendered(&json!({"family": "web", "containerDefinitions": [container]}).to_string());
    let paths = refused(&rendering);
    for path in ["memory", "cpu", "kubernetes.readinessProbe.successThreshold", "kubernetes.files[0].path"] {
        let path = format!("TaskDefinition/web containerDefinitions[0].{path}");
        assert_eq!(paths.iter().filter(|told| **told == path).count(), 1, "{path} in {paths:?}");
    }
    let cpu = rendering.report.iter().find(|entry| entry.outcome.path == "containerDefinitions[0].cpu").unwrap();
    assert!(cpu.outcome.detail.contains("TD14"), "{cpu:?}");
}

#[test]
fn a_task_without_a_network_is_isolated() {
    let document = json!({"family": "batch", "networkMode": "none", "containerDefinitions": [{"name": "a", "image": "i", "memory": 6}]});
    let source = Source { name: "batch.json".into(), text: document.to_string() };
    let rendering = render(&[source], &surroundings(Workload::Task));
    assert_eq!(
        objects(&rendering),
        ["NetworkPolicy/ecs-network-mode-none-task.batch in ecs-default", "Pod/batch in ecs-default"]
    );
    let selector = rendering.objects[0]["spec"]["podSelector"]["matchLabels"].as_object().unwrap();
    let labels = rendering.objects[1]["metadata"]["labels"].as_object().unwrap();
    assert!(selector.iter().all(|(name, value)| labels.get(name) == Some(value)), "{selector:?} {labels:?}");
}

#[test]
fn a_group_that_is_written_out_is_not_made_again() {
    let group = ours("EcsSecurityGroup", "shop", DEFAULT, &json!({"ingress": []}));
    let rendering =
        rendered(&format!("{}{}{group}", web(DEFAULT), service(DEFAULT, &json!({"taskDefinition": "web"}))));
    let policies = objects(&rendering).into_iter().filter(|object| object.starts_with("NetworkPolicy/")).count();
    assert_eq!(policies, 1);
}

#[test]
fn flags_are_checked() {
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        arguments: RenderArguments,
    }

    let parse = |flags: &[&str]| Command::try_parse_from([&["render", "web.json"], flags].concat());
    assert_eq!(parse(&["-n", "ecs-shop"]).unwrap().arguments.namespace, "ecs-shop");
    for flags in [["-n", "Shop"], ["-n", "a.b"], ["--account-id", "12"], ["--region", "US East"]] {
        assert!(parse(&flags).is_err(), "{flags:?}");
    }
}

/// The messages of the CEL rules that speak of one spec, and not of a change.
fn cel_messages(schema: &Value, messages: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            let rules = members.get("x-kubernetes-validations").and_then(Value::as_array);
            let of_one_spec = rules.into_iter().flatten().filter(|rule| !rule["rule"].to_string().contains("oldSelf"));
            messages.extend(of_one_spec.filter_map(|rule| rule["message"].as_str().map(str::to_owned)));
            members.values().for_each(|member| cel_messages(member, messages));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| cel_messages(entry, messages)),
        _ => {}
    }
}

#[test]
fn what_breaks_a_cel_rule_breaks_one_of_ours() {
    let container = |members: Value| {
        let mut container = json!({"name": "a", "image": "i", "memory": 64});
        container.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"family": "web", "containerDefinitions": [container]})
    };
    let task = |members: Value| {
        let mut document = container(json!({}));
        document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        document
    };
    let service = |members: Value| {
        let mut spec = json!({"taskDefinition": "web"});
        spec.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsService", "metadata": {"name": "web"}, "spec": spec})
    };
    let breaker =
        json!({"enable": true, "rollback": true, "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 101}});
    let profile = json!({"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "p"}});
    let cases = [
        (
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
            service(json!({"schedulingStrategy": "DAEMON", "desiredCount": 1})),
        ),
        (
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments",
            service(json!({"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 100}})),
        ),
        (
            "Invalid deployment circuit breaker threshold value. A percentage is at most 100.",
            service(json!({"deploymentConfiguration": {"deploymentCircuitBreaker": breaker}})),
        ),
        ("'memory' must be greater than or equal to 'memoryReservation'.", container(json!({"memoryReservation": 65}))),
        (
            "cannot specify both single port and port range",
            container(json!({"portMappings": [{"containerPort": 80, "containerPortRange": "80-81"}]})),
        ),
        (
            "give one of text and valueFrom",
            container(json!({"kubernetes": {"files": [{"path": "/a", "text": "", "valueFrom": "s"}]}})),
        ),
        (
            "give one of exec, httpGet, tcpSocket and grpc",
            container(json!({"kubernetes": {"readinessProbe": {"periodSeconds": 1}}})),
        ),
        (
            "localhostProfile goes with the type Localhost, and only with it",
            container(json!({"kubernetes": {"securityContext": profile}})),
        ),
        (
            "localhostProfile goes with the type Localhost, and only with it",
            task(json!({"kubernetes": {"securityContext": profile}})),
        ),
        (
            "value and sharingStrategy exclude each other: remove one of them",
            container(json!({"resourceRequirements": [{"type": "GPU", "value": "1", "sharingStrategy": {}}]})),
        ),
        (
            "give one of persistentVolumeClaim, ephemeral and nfs",
            task(json!({"volumes": [{"name": "v"}], "kubernetes": {"volumes": [{"name": "v"}]}})),
        ),
        (
            "a volume has one source: keep one of host, dockerVolumeConfiguration, efsVolumeConfiguration, s3filesVolumeConfiguration, fsxWindowsFileServerVolumeConfiguration and configuredAtLaunch",
            task(json!({"volumes": [{"name": "v", "host": {}, "dockerVolumeConfiguration": {}}]})),
        ),
    ];
    for (message, document) in &cases {
        // A service needs what it runs beside it, lest it be refused for that.
        let texts = [document, &container(json!({}))].map(Value::to_string);
        let text = if document["kind"] == "EcsService" { texts.join("\n") } else { document.to_string() };
        assert!(!refused(&rendered(&text)).is_empty(), "{message}: {document}");
    }
    let mut messages = Vec::new();
    for kind in ["TaskDefinition", "EcsService", "EcsCluster", "EcsSecurityGroup"] {
        cel_messages(&serde_json::to_value(schema::of_kind(kind).unwrap()).unwrap(), &mut messages);
    }
    messages.retain(|message| !cases.iter().any(|(tried, _)| tried == message));
    assert_eq!(messages, Vec::<String>::new());
}
