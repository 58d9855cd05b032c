//! The Secrets of any task: its execution role is asked about each that its Pod names, and about no other.

use std::collections::BTreeSet;

use ecs_operator::{
    api::{
        register_task_definition::RegisterTaskDefinition,
        role::{EcsRoleSpec, PullSecret, RoleSecret, RoleSecretKey},
    },
    ecs::{role::RolesOfTask, task_definition},
    translate::secret_needs::SecretNeeds,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::Value;

use crate::{documents, pods};

/// Those that random documents name, and parts of them.
const LISTED: [&str; 4] = [
    "token",
    "arn:aws:ssm:us-east-1:123456789012:parameter/a/b",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf:a b::",
];

/// A Secret that nothing but the execution role names.
const REGISTRY: &str = "of-the-role-alone";

fn role() -> impl Strategy<Value = EcsRoleSpec> {
    let key = option::of(select(vec!["value", "pw"])).prop_map(|key| key.map(str::to_owned));
    let secret =
        (select(LISTED.to_vec()), select(vec!["vault", "database"]), key).prop_map(|(value_from, name, key)| {
            RoleSecret { value_from: value_from.into(), secret_key_ref: RoleSecretKey { name: name.into(), key } }
        });
    vec(secret, 0..4).prop_map(|secrets| EcsRoleSpec {
        secrets: Some(secrets),
        image_pull_secrets: Some(vec![PullSecret { name: REGISTRY.into() }]),
        ..Default::default()
    })
}

/// Every Secret that a Pod names, wherever it does.
fn named(pod: &Value, secrets: &mut BTreeSet<String>) {
    match pod {
        Value::Array(elements) => elements.iter().for_each(|element| named(element, secrets)),
        Value::Object(members) => {
            for (member, value) in members {
                let name = match member.as_str() {
                    "secretKeyRef" | "secretRef" => value["name"].as_str(),
                    "secret" => value["secretName"].as_str(),
                    _ => None,
                };
                secrets.extend(name.map(str::to_owned));
                if member == "imagePullSecrets" {
                    let names = value.as_array().unwrap().iter().map(|secret| secret["name"].as_str().unwrap());
                    secrets.extend(names.map(str::to_owned));
                }
                named(value, secrets);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_secret_of_a_pod_is_asked_for(document in documents::plausible(), role in option::of(role())) {
        let Ok(definition) = serde_json::from_value::<RegisterTaskDefinition>(document) else { return Ok(()) };
        let Ok(checked) = task_definition::check(&definition, "web") else { return Ok(()) };
        let roles = RolesOfTask::of(role.as_ref());
        let mut secrets = BTreeSet::new();
        named(&pods::of_task(&checked, &roles), &mut secrets);
        secrets.remove(REGISTRY);
        prop_assert_eq!(SecretNeeds::of(&checked, &roles).secrets, secrets);
    }
}
