//! The charts as Helm renders them. The CRD chart is in `crd_chart.rs`, running Helm in `helm/mod.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod helm;

use std::collections::BTreeSet;

use ecs_operator::kube_io::permissions::{PERMISSIONS, Permission, Scope};
use k8s_openapi::api::{
    admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    apps::v1::Deployment,
    core::v1::{Service, ServiceAccount},
    rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use helm::{CHART, refusal, rendered, rendered_text, typed, yaml_file};

/// Every value set to something that is not its default.
const EVERYTHING: &str = r#"
region: eu-central-1
accountId: "012345678901"
defaultCluster: false
concurrency: 3
log: {level: "info,ecs_operator::controllers=debug", format: text}
replicas: 2
image: {repository: registry.example/ecs, tag: "1.10", pullPolicy: Always, pullSecrets: [{name: registry}]}
resources: {requests: {cpu: 20m}, limits: {memory: 64Mi}}
admissionPolicies: {passRole: false, runTaskDefinition: false}
serviceAccount: {name: "1234", annotations: {example.com/a: "1"}}
metrics: {serviceMonitor: {enabled: true, interval: 1m30s, labels: {prometheus: main}}}
commonLabels: {team: "7", app.kubernetes.io/name: mine}
podLabels: {app.kubernetes.io/instance: mine, example.com/pod: "true"}
podAnnotations: {example.com/b: "2"}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: a, operator: Equal, value: b, effect: NoSchedule}, {operator: Exists, tolerationSeconds: 5}]
affinity: {podAntiAffinity: {}}
priorityClassName: "1"
"#;

#[test]
fn the_operator_has_the_rights_of_the_table_and_no_other() {
    let objects = rendered(CHART, &[]);
    let mut given: Vec<_> = bound_rules(&objects).iter().map(|(scope, rule)| right(*scope, rule)).collect();
    let mut needed: Vec<_> = PERMISSIONS.iter().map(row).collect();
    given.sort();
    needed.sort();

    let missing: Vec<_> = PERMISSIONS.iter().filter(|permission| !given.contains(&row(permission))).collect();
    let superfluous: Vec<_> = given.iter().filter(|right| !needed.contains(right)).collect();
    let to_add: String = missing.iter().map(|permission| rule_text(permission)).collect();
    assert!(
        missing.is_empty() && superfluous.is_empty(),
        "templates/rbac.yaml and src/kube_io/permissions.rs differ.\nAdd to the template:\n{to_add}\nTake out: {superfluous:#?}"
    );
    assert_eq!(given, needed, "a rule is there twice");
}

#[test]
fn each_rule_of_the_operator_says_why() {
    let text = rendered_text(CHART, &["--show-only", "templates/rbac.yaml"]);
    for permission in PERMISSIONS {
        assert!(text.contains(&rule_text(permission)), "templates/rbac.yaml should have:\n{}", rule_text(permission));
    }
}

#[test]
fn no_right_of_the_table_is_a_wildcard_or_lets_the_operator_raise_its_own() {
    for permission in PERMISSIONS {
        let words = [permission.group, permission.resource].into_iter().chain(permission.verbs.iter().copied());
        let forbidden = ["*", "secrets", "escalate", "bind", "impersonate"];
        assert!(words.into_iter().all(|word| !forbidden.contains(&word)), "{permission:?}");
    }
}

#[test]
fn the_pod_keeps_the_restricted_standard() {
    let deployment: Deployment = typed(&rendered(CHART, &[]), "Deployment", "ecs-operator");
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    assert_eq!((pod.host_network, pod.host_pid, pod.host_ipc, &pod.volumes), (None, None, None, &None));
    let security = pod.security_context.unwrap();
    assert_eq!(security.run_as_non_root, Some(true));
    assert_eq!(security.seccomp_profile.unwrap().type_, "RuntimeDefault");
    let [container] = pod.containers.as_slice() else { panic!("one container") };
    let security = container.security_context.clone().unwrap();
    assert_eq!(security.allow_privilege_escalation, Some(false));
    assert_eq!(security.read_only_root_filesystem, Some(true));
    assert_eq!(security.privileged, None);
    let capabilities = security.capabilities.unwrap();
    assert_eq!((capabilities.drop, capabilities.add), (Some(vec!["ALL".to_owned()]), None));
}

#[test]
fn what_refers_to_something_finds_it() {
    let objects = rendered(CHART, &[]);
    let deployment: Deployment = typed(&objects, "Deployment", "ecs-operator");
    let service: Service = typed(&objects, "Service", "ecs-operator");
    let account: ServiceAccount = typed(&objects, "ServiceAccount", "ecs-operator");
    let spec = deployment.spec.unwrap();
    let selector = spec.selector.match_labels.unwrap();
    let labels = spec.template.metadata.unwrap().labels.unwrap();
    let pod = spec.template.spec.unwrap();
    assert!(selector.iter().all(|(key, value)| labels.get(key) == Some(value)));
    assert_eq!(service.spec.unwrap().selector, Some(selector));
    assert_eq!(pod.service_account_name, account.metadata.name);

    let container = &pod.containers[0];
    let port = &container.ports.as_ref().unwrap()[0];
    assert_eq!((port.name.as_deref(), port.container_port), (Some("http"), 8080));
    assert!(container.args.as_ref().unwrap().contains(&"--listen=0.0.0.0:8080".to_owned()));
    for (probe, path) in [(&container.liveness_probe, "/livez"), (&container.readiness_probe, "/readyz")] {
        let get = probe.clone().unwrap().http_get.unwrap();
        assert_eq!((get.path.as_deref(), json!(get.port)), (Some(path), json!("http")));
    }
    assert_eq!(
        container.image.as_deref(),
        Some(concat!("ghcr.io/ecs-operator/ecs-operator:", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn a_service_account_that_exists_is_used() {
    for (set, name) in [("", "default"), (",serviceAccount.name=mine", "mine")] {
        let objects = rendered(CHART, &["--set", &format!("serviceAccount.create=false{set}")]);
        let deployment: Deployment = typed(&objects, "Deployment", "ecs-operator");
        assert_eq!(deployment.spec.unwrap().template.spec.unwrap().service_account_name.as_deref(), Some(name));
        let bindings = objects.iter().filter_map(|object| object.get("subjects"));
        assert!(bindings.into_iter().all(|subjects| subjects[0]["name"] == name));
    }
}

#[test]
fn only_a_lease_lets_two_operators_overlap() {
    let strategy = |args: &[&str]| {
        let objects = rendered(CHART, args);
        let deployment: Deployment = typed(&objects, "Deployment", "ecs-operator");
        let lease = objects.iter().any(|object| object["kind"] == "Role");
        (deployment.spec.unwrap().strategy.unwrap().type_.unwrap(), lease)
    };
    assert_eq!(strategy(&[]), ("RollingUpdate".to_owned(), true));
    assert_eq!(strategy(&["--set", "leaderElection=false"]), ("Recreate".to_owned(), false));
    assert!(refusal(CHART, &["--set", "leaderElection=false,replicas=2"]).contains("/replicas"));
}

#[test]
fn every_object_is_what_the_api_server_takes() {
    let everything = yaml_file(EVERYTHING);
    let nothing = "rbac.create=false,serviceAccount.create=false,metrics.service=false,leaderElection=false,admissionPolicies.passRole=false,admissionPolicies.runTaskDefinition=false";
    let sets = [vec![], vec!["--values", everything.path().to_str().unwrap()], vec!["--set", nothing]];
    for (args, objects) in sets.into_iter().zip([20, 13, 1]) {
        let rendered = rendered(CHART, &args);
        assert_eq!(rendered.len(), objects, "objects with {args:?}");
        for object in &rendered {
            assert_exact(object);
        }
    }
}

#[test]
fn every_object_has_the_labels_and_goes_with_the_release() {
    let everything = yaml_file(EVERYTHING);
    for object in rendered(CHART, &["--values", everything.path().to_str().unwrap()]) {
        let (kind, metadata) = (object["kind"].as_str().unwrap(), &object["metadata"]);
        assert_eq!(metadata["labels"]["app.kubernetes.io/name"], "ecs-operator", "{kind}");
        assert_eq!(metadata["labels"]["app.kubernetes.io/managed-by"], "Helm", "{kind}");
        assert_eq!(metadata["labels"]["team"], "7", "{kind}");
        let is_of_cluster = ["ClusterRole", "ValidatingAdmissionPolicy"].iter().any(|prefix| kind.starts_with(prefix));
        assert_eq!(metadata["namespace"].as_str(), (!is_of_cluster).then_some("ecs-system"), "{kind}");
        for annotation in ["helm.sh/hook", "helm.sh/resource-policy"] {
            assert_eq!(metadata["annotations"].get(annotation), None, "{kind}");
        }
    }
}

#[test]
fn unknown_and_wrong_values_are_refused() {
    let cases = [
        ("unknown=1", "'unknown'"),
        ("log.unknown=1", "/log"),
        ("image.unknown=1", "/image"),
        ("image.pullSecrets[0].name=a,image.pullSecrets[0].unknown=1", "/image/pullSecrets/0"),
        ("resources.unknown=1", "/resources"),
        ("rbac.unknown=1", "/rbac"),
        ("serviceAccount.unknown=1", "/serviceAccount"),
        ("metrics.unknown=1", "/metrics"),
        ("metrics.serviceMonitor.unknown=1", "/metrics/serviceMonitor"),
        ("tolerations[0].unknown=1", "/tolerations/0"),
        ("affinity.unknown=1", "/affinity"),
        ("commonLabels.number=1", "/commonLabels/number"),
        ("accountId=123456789012", "/accountId"),
        ("region=Frankfurt", "/region"),
        ("log.format=xml", "/log/format"),
        ("concurrency=0", "/concurrency"),
        ("metrics.serviceMonitor.enabled=true,metrics.service=false", "metrics.service"),
    ];
    for (values, said) in cases {
        let refusal = refusal(CHART, &["--set", values]);
        assert!(refusal.contains(said), "{values} should be refused with {said}: {refusal}");
    }
}

#[test]
fn each_value_is_in_the_schema_and_the_other_way_round() {
    for chart in [CHART, "charts/ecs-operator-crds"] {
        let read = |file: &str| std::fs::read_to_string(format!("{chart}/{file}")).unwrap();
        let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
        let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
        compare_values("values", &values, &schema, &schema);
        assert_closed("schema", &schema);
    }
}

#[test]
fn a_parent_chart_can_carry_it() {
    let parent = tempfile::tempdir().unwrap();
    let manifest = "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies: [{name: ecs-operator, version: 0.x}]\n";
    std::fs::write(parent.path().join("Chart.yaml"), manifest).unwrap();
    helm::package(CHART, &parent.path().join("charts"));
    let objects = rendered(parent.path().to_str().unwrap(), &["--set", "global.a=1,ecs-operator.region=eu-west-1"]);
    let deployment: Deployment = typed(&objects, "Deployment", "ecs-operator");
    let args = deployment.spec.unwrap().template.spec.unwrap().containers[0].args.clone().unwrap();
    assert!(args.contains(&"--region=eu-west-1".to_owned()));
}

#[test]
fn helm_has_nothing_to_complain_about() {
    helm::lint(CHART);
}

/// A right in a form that can be compared: scope, group, resource, verbs, names.
type Right = (&'static str, String, String, BTreeSet<String>, BTreeSet<String>);

fn row(permission: &Permission) -> Right {
    let strings = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let (group, resource) = (permission.group.into(), permission.resource.into());
    (scope_name(permission.scope), group, resource, strings(permission.verbs), strings(permission.names))
}

fn right(scope: Scope, rule: &PolicyRule) -> Right {
    let one = |list: &Option<Vec<String>>| match list.as_deref() {
        Some([only]) => only.clone(),
        _ => panic!("a rule has one API group and one resource: {rule:?}"),
    };
    let verbs = rule.verbs.iter().cloned().collect();
    let names = rule.resource_names.iter().flatten().cloned().collect();
    (scope_name(scope), one(&rule.api_groups), one(&rule.resources), verbs, names)
}

const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Cluster => "ClusterRole",
        Scope::OwnNamespace => "Role",
    }
}

/// A row of the table as it stands in the template.
fn rule_text(permission: &Permission) -> String {
    let list = |words: &[&str]| format!("[{}]", words.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", "));
    let Permission { group, resource, verbs, names, why, .. } = permission;
    let names = if names.is_empty() { String::new() } else { format!("    resourceNames: {}\n", list(names)) };
    let (groups, resources, verbs) = (list(&[group]), list(&[resource]), list(verbs));
    format!("  # {why}\n  - apiGroups: {groups}\n    resources: {resources}\n{names}    verbs: {verbs}\n")
}

/// The rules of every role that is bound to the operator's `ServiceAccount`.
fn bound_rules(objects: &[Value]) -> Vec<(Scope, PolicyRule)> {
    let subject = json!([{"kind": "ServiceAccount", "name": "ecs-operator", "namespace": "ecs-system"}]);
    let bindings = objects.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("RoleBinding"));
    let mut rules = Vec::new();
    for binding in bindings {
        assert_eq!(binding["subjects"], subject, "nobody else gets the operator's rights");
        let name = binding["roleRef"]["name"].as_str().unwrap();
        let (scope, bound) = match (binding["kind"].as_str(), binding["roleRef"]["kind"].as_str()) {
            (Some("ClusterRoleBinding"), Some("ClusterRole")) => {
                (Scope::Cluster, typed::<ClusterRole>(objects, "ClusterRole", name).rules)
            }
            (Some("RoleBinding"), Some("Role")) => (Scope::OwnNamespace, typed::<Role>(objects, "Role", name).rules),
            other => panic!("a binding of another form: {other:?}"),
        };
        rules.extend(bound.unwrap().into_iter().map(|rule| (scope, rule)));
    }
    rules
}

const ADMISSION: &str = "admissionregistration.k8s.io/v1";

/// Nothing is lost when the object is read as its type, so it has no field that the type lacks.
fn assert_exact(object: &Value) {
    fn read<T: DeserializeOwned + Serialize>(object: &Value) {
        let typed: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object:#}"));
        assert_eq!(&serde_json::to_value(typed).unwrap(), object);
    }
    match (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap()) {
        ("apps/v1", "Deployment") => read::<Deployment>(object),
        ("v1", "Service") => read::<Service>(object),
        ("v1", "ServiceAccount") => read::<ServiceAccount>(object),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => read::<ClusterRole>(object),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => read::<ClusterRoleBinding>(object),
        ("rbac.authorization.k8s.io/v1", "Role") => read::<Role>(object),
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => read::<RoleBinding>(object),
        (ADMISSION, "ValidatingAdmissionPolicy") => read::<ValidatingAdmissionPolicy>(object),
        (ADMISSION, "ValidatingAdmissionPolicyBinding") => read::<ValidatingAdmissionPolicyBinding>(object),
        // Not a kind of Kubernetes.
        ("monitoring.coreos.com/v1", "ServiceMonitor") => {}
        other => panic!("an object of a new kind: {other:?}"),
    }
}

/// What Helm adds in a parent chart, and no value of ours.
const OF_HELM: &str = "global";

fn compare_values(path: &str, values: &Value, schema: &Value, root: &Value) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let (Some(values), Some(properties)) = (values.as_object(), schema["properties"].as_object()) else { return };
    // An empty default is the user's to fill, with labels or an affinity.
    if values.is_empty() && path != "values" {
        return;
    }
    for (key, value) in values {
        let property = properties.get(key).unwrap_or_else(|| panic!("{path}.{key} is not in the schema"));
        compare_values(&format!("{path}.{key}"), value, property, root);
    }
    for (key, property) in properties {
        assert!(values.contains_key(key) || key == OF_HELM, "{path}.{key} is in the schema and not in values.yaml");
        assert!(property["description"].is_string() || property["$ref"].is_string(), "{path}.{key} has no description");
    }
}

/// Every object of a schema that names its members takes no other.
fn assert_closed(path: &str, schema: &Value) {
    let Some(members) = schema.as_object() else { return };
    if schema["type"] == "object" && schema["properties"].is_object() {
        assert_eq!(schema["additionalProperties"], false, "{path} takes unknown keys");
    }
    for (key, member) in members {
        assert_closed(&format!("{path}.{key}"), member);
    }
}
