//! Pods that belong to a security group without being tasks: their selectors go into the policies of groups that name it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement;

use crate::{
    api::security_group::{EcsSecurityGroupSpec, SecurityGroupMember},
    ecs::{
        object_names::{is_label_name, is_label_value},
        violation::Violation,
    },
};

/// The Pods that belong to a group without being tasks, where its selectors are such that the API server takes them in the policies of
/// other groups; else none.
#[must_use]
pub fn members(spec: &EcsSecurityGroupSpec) -> &[SecurityGroupMember] {
    if check(spec).is_empty() { spec.members() } else { &[] }
}

/// What the API server would refuse in the policies of other groups.
pub(super) fn check(spec: &EcsSecurityGroupSpec) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, member) in spec.members().iter().enumerate() {
        for (name, selector) in
            [("namespaceSelector", &member.namespace_selector), ("podSelector", &member.pod_selector)]
        {
            let is_label = |(name, value): (&String, &String)| is_label_name(name) && is_label_value(value);
            if !selector.iter().flat_map(|selector| selector.match_labels.iter().flatten()).all(is_label) {
                let path = format!("spec.kubernetes.members[{index}].{name}.matchLabels");
                violations.push(Violation::new("SG03", path, NO_LABEL));
            }
            let expressions = selector.iter().flat_map(|selector| selector.match_expressions.iter().flatten());
            for (at, expression) in expressions.enumerate() {
                let path = format!("spec.kubernetes.members[{index}].{name}.matchExpressions[{at}]");
                violations
                    .extend(check_expression(expression).err().map(|message| Violation::new("SG03", path, message)));
            }
        }
    }
    violations
}

const NO_LABEL: &str = "No label could have this name or value: a value has up to 63 letters, digits, -, _ and ., and a name may have a domain and a slash before it.";

fn check_expression(expression: &LabelSelectorRequirement) -> Result<(), String> {
    let has_values = expression.values.as_ref().is_some_and(|values| !values.is_empty());
    if !is_label_name(&expression.key) || !expression.values.iter().flatten().all(|value| is_label_value(value)) {
        return Err(NO_LABEL.into());
    }
    match (expression.operator.as_str(), has_values) {
        ("In" | "NotIn", true) | ("Exists" | "DoesNotExist", false) => Ok(()),
        ("In" | "NotIn", false) => Err("In and NotIn need values: give some.".into()),
        ("Exists" | "DoesNotExist", true) => Err("Exists and DoesNotExist have no values: remove them.".into()),
        (other, _) => Err(format!("{other:?} is no operator: write In, NotIn, Exists or DoesNotExist.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::{security_group::check as check_group, vpc::Vpc};
    use serde_json::{Value, json};

    #[test]
    fn selectors_of_members_are_checked() {
        let with = |expression: &Value| {
            let member = json!({"podSelector": {"matchExpressions": [expression]}});
            check_group(
                &serde_json::from_value(json!({"kubernetes": {"members": [{}, member]}})).unwrap(),
                &Vpc::default(),
            )
        };
        assert!(with(&json!({"key": "app", "operator": "In", "values": ["a"]})).is_ok());
        assert!(with(&json!({"key": "app", "operator": "Exists"})).is_ok());
        for wrong in [
            json!({"key": "app", "operator": "in", "values": ["a"]}),
            json!({"key": "app", "operator": "In"}),
            json!({"key": "app", "operator": "Exists", "values": ["a"]}),
            json!({"key": "no label", "operator": "Exists"}),
            json!({"key": "app", "operator": "In", "values": ["not valid!!"]}),
        ] {
            let path = with(&wrong).unwrap_err().remove(0).path;
            assert_eq!(path, "spec.kubernetes.members[1].podSelector.matchExpressions[0]");
        }
    }

    #[test]
    fn members_that_would_spoil_the_policies_of_others_are_none() {
        let spec = |value: &str| {
            let member = json!({"podSelector": {"matchLabels": {"app": value}}});
            serde_json::from_value::<EcsSecurityGroupSpec>(json!({"kubernetes": {"members": [member]}})).unwrap()
        };
        assert_eq!(members(&spec("gateway")).len(), 1);
        let spoiled = spec("not valid!!");
        assert_eq!(members(&spoiled), []);
        let path = check_group(&spoiled, &Vpc::default()).unwrap_err().remove(0).path;
        assert_eq!(path, "spec.kubernetes.members[0].podSelector.matchLabels");
    }
}
