//! What the chart gives to people, and asks of them: aggregated roles and admission policies. Whether the API server enforces
//! them is tried in `node/rights.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod helm;

use ecs_operator::api;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use serde_json::Value;

use helm::{CHART, rendered, typed};

#[test]
fn people_may_view_all_kinds_and_edit_what_is_theirs() {
    let objects = rendered(CHART, &[]);
    let rules = |role: &str| -> Vec<(String, String)> {
        let role: ClusterRole = typed(&objects, "ClusterRole", &format!("ecs-operator-{role}"));
        let rules = role.rules.unwrap_or_default();
        assert!(rules.iter().all(|rule| rule.api_groups == Some(vec![api::GROUP.into()])));
        let pairs = |rule: &PolicyRule| -> Vec<_> {
            let resources = rule.resources.clone().unwrap_or_default();
            resources.iter().flat_map(|r| rule.verbs.iter().map(move |v| (r.clone(), v.clone()))).collect()
        };
        rules.iter().flat_map(pairs).collect()
    };
    let has = |rules: &[(String, String)], resource: &str, verb: &str| rules.contains(&(resource.into(), verb.into()));

    let (view, edit, admin) = (rules("view"), rules("edit"), rules("admin"));
    for crd in api::crds() {
        for verb in ["get", "list", "watch"] {
            assert!(has(&view, &crd.spec.names.plural, verb), "view lacks {verb} on {}", crd.spec.names.plural);
        }
    }
    assert!(view.iter().all(|(_, verb)| ["get", "list", "watch"].contains(&verb.as_str())));
    for resource in ["taskdefinitions", "ecsservices", "ecssecuritygroups"] {
        assert!(["create", "delete", "patch", "update"].iter().all(|verb| has(&edit, resource, verb)), "{resource}");
    }
    assert!(has(&edit, "ecsservices/scale", "patch"));
    // By themselves: who is to run or pass some only gets the other rights without them.
    assert_eq!(rules("run"), [("taskdefinitions".to_owned(), "run".to_owned())]);
    assert_eq!(rules("pass"), [("ecsroles".to_owned(), "pass".to_owned())]);
    let aggregates = |role: &str, to: &str| {
        let role: ClusterRole = typed(&objects, "ClusterRole", &format!("ecs-operator-{role}"));
        let label = format!("rbac.authorization.k8s.io/aggregate-to-{to}");
        role.metadata.labels.unwrap_or_default().get(&label).map(String::as_str) == Some("true")
    };
    assert!(aggregates("run", "edit") && aggregates("pass", "admin") && !aggregates("pass", "edit"));
    assert!(!edit.iter().chain(&admin).any(|(_, verb)| ["run", "pass"].contains(&verb.as_str())));
    assert!(has(&admin, "taskdefinitionrevisions", "delete") && has(&admin, "ecsroles", "create"));
    assert!(!edit.iter().any(|(resource, _)| resource == "ecsroles"), "who may edit must not give itself a role");

    let writes: Vec<_> = edit.iter().chain(&admin).collect();
    assert!(writes.iter().all(|(resource, _)| resource != "ecsclusters" && !resource.ends_with("/status")));
    assert!(!writes.contains(&&("taskdefinitionrevisions".to_owned(), "create".to_owned())));
}

#[test]
fn each_policy_for_people_lets_the_operator_pass_and_can_be_switched_off() {
    let policies = |off: &str| {
        let objects = rendered(CHART, &["--set", "serviceAccount.name=robot", "--set", off]);
        let is_policy = |object: &Value| object["kind"] == "ValidatingAdmissionPolicy";
        let policies = objects.into_iter().filter(is_policy).map(|policy| {
            let spared = policy["spec"]["matchConditions"][0]["expression"].clone();
            assert_eq!(spared, r#"request.userInfo.username != "system:serviceaccount:ecs-system:robot""#);
            policy["spec"]["matchConstraints"]["resourceRules"][0]["resources"].to_string()
        });
        policies.collect::<Vec<_>>()
    };
    assert_eq!(policies("admissionPolicies.passRole=false"), [r#"["ecsservices","ecstasks"]"#]);
    let of_roles = [r#"["ecstasks"]"#, r#"["taskdefinitionrevisions"]"#, r#"["taskdefinitions"]"#];
    assert_eq!(policies("admissionPolicies.runTaskDefinition=false"), of_roles);
}
