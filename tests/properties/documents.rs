//! Random task definitions and overrides in the shape of the schema.

use ecs_operator::api;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, JSONSchemaPropsOrArray};
use proptest::{option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

/// Anything that is JSON, a few levels deep.
pub fn json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let word =
        select(vec!["family", "containerDefinitions", "taskDefinition", "kind", "apiVersion", "spec", "name", "x"]);
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
    .boxed()
}

/// Documents of which a good part is accepted.
pub fn plausible() -> BoxedStrategy<Value> {
    document(Values::Plausible, 0.06).prop_map(settle).boxed()
}

/// Documents with members and elements of the right names, and with values of any kind.
pub fn wild() -> BoxedStrategy<Value> {
    document(Values::Wild, 0.15).prop_filter("a document is an object", Value::is_object).boxed()
}

/// Overrides of which a good part suits plausible documents, and others.
pub fn overrides() -> BoxedStrategy<Value> {
    let of =
        |values, chance| of_schema("overrides", &spec_of("EcsTask").properties.unwrap()["overrides"], values, chance);
    prop_oneof![3 => of(Values::Plausible, 0.2).prop_map(settle_overrides), 1 => of(Values::Wild, 0.3)].boxed()
}

/// Which values a document has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Such as people write.
    Plausible,
    /// Those, and any others.
    Wild,
}

fn document(values: Values, chance: f64) -> BoxedStrategy<Value> {
    of_schema("spec", &spec_of("TaskDefinition"), values, chance)
}

/// The schema of what a kind is to be.
fn spec_of(kind: &str) -> JSONSchemaProps {
    let crds = api::crds();
    let crd = crds.iter().find(|crd| crd.spec.names.kind == kind).unwrap();
    let schema = crd.spec.versions[0].schema.clone().unwrap().open_api_v3_schema.unwrap();
    schema.properties.unwrap()["spec"].clone()
}

/// What is always there, lest every document be refused for the same reason.
fn is_needed(name: &str, schema: &JSONSchemaProps) -> bool {
    let required = schema.required.iter().flatten().any(|required| required == name);
    let of_elements = ["containerPath", "sourceVolume", "sourceContainer", "namespace", "expression", "key", "type"];
    // What is named by the other member, in a variable, a kernel parameter and a tag.
    let is_pair =
        ["name", "value", "namespace"].contains(&name) && schema.properties.as_ref().is_some_and(|all| all.len() == 2);
    required
        || is_pair
        || of_elements.contains(&name)
        || ["containerDefinitions", "image", "containerPort"].contains(&name)
}

fn of_schema(name: &str, schema: &JSONSchemaProps, values: Values, chance: f64) -> BoxedStrategy<Value> {
    let plausible = match (schema.type_.as_deref(), &schema.items) {
        (_, Some(JSONSchemaPropsOrArray::Schema(items))) => {
            let least = usize::from(name == "containerDefinitions");
            let elements = of_schema(name, items, values, chance);
            proptest::collection::vec(elements, least..4).prop_map(Value::from).boxed()
        }
        (Some("object"), _) if schema.properties.is_some() => of_object(schema, values, chance),
        (Some("object"), _) => proptest::collection::btree_map("[a-z]{1,8}", "[a-z$()]{0,8}", 0..3)
            .prop_map(|members| Value::Object(members.into_iter().map(|(name, text)| (name, json!(text))).collect()))
            .boxed(),
        (Some("boolean"), _) => any::<bool>().prop_map(Value::from).boxed(),
        (Some("integer"), _) => of_number(name, schema),
        _ if name == "cpu" => select(vec![json!("256"), json!(512), json!("1 vCPU"), json!("1024")]).boxed(),
        _ if name == "memory" => select(vec![json!("512"), json!(1024), json!("1.5 GB"), json!("2GB")]).boxed(),
        _ => of_text(name, schema),
    };
    match values {
        Values::Plausible => plausible,
        Values::Wild => prop_oneof![
            60 => plausible,
            1 => json(),
            1 => any::<i32>().prop_map(Value::from),
            2 => "\\PC{0,300}".prop_map(Value::from),
        ]
        .boxed(),
    }
}

fn of_object(schema: &JSONSchemaProps, values: Values, chance: f64) -> BoxedStrategy<Value> {
    let members = schema.properties.iter().flatten().map(|(name, property)| {
        let value = of_schema(name, property, values, chance);
        let value = if is_needed(name, schema) && values == Values::Plausible {
            value.prop_map(Some).boxed()
        } else {
            option::weighted(if is_needed(name, schema) { 0.95 } else { chance }, value).boxed()
        };
        let name = name.clone();
        value.prop_map(move |value| value.map(|value| (name.clone(), value))).boxed()
    });
    let members: Vec<_> = members.collect();
    members.prop_map(|members| Value::Object(members.into_iter().flatten().collect::<Map<_, _>>())).boxed()
}

fn of_number(name: &str, schema: &JSONSchemaProps) -> BoxedStrategy<Value> {
    #[allow(clippy::cast_possible_truncation, reason = "bounds of the schema are whole numbers")]
    let bound = |bound: Option<f64>, other: i64| bound.map_or(other, |bound| bound as i64);
    let least = bound(schema.minimum, 0);
    let numbers = match name {
        "memory" => 64..=256,
        "memoryReservation" => 6..=64,
        "containerPort" | "hostPort" | "port" => 80..=9000,
        _ => least..=bound(schema.maximum, least + 100).min(least + 100),
    };
    numbers.prop_map(Value::from).boxed()
}

fn of_text(name: &str, schema: &JSONSchemaProps) -> BoxedStrategy<Value> {
    if let Some(words) = &schema.enum_ {
        return select(words.iter().map(|word| word.0.clone()).collect::<Vec<_>>()).boxed();
    }
    let texts: &[&str] = match name {
        "family" | "image" | "serviceName" => &["web", "nginx", "team_1"],
        "name" | "containerName" | "sourceContainer" | "sourceVolume" => &["c0", "c1", "Data_1", "logs", "app"],
        "containerPath" | "path" | "sourcePath" | "hostPath" | "workingDirectory" => {
            &["/a", "/b/c", "/dev/fuse", "/d/"]
        }
        "valueFrom" | "credentialsParameter" => {
            &["token", "/a/b", "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf:a b::"]
        }
        "taskRoleArn" | "executionRoleArn" => &["", "role", "arn:aws:iam::123456789012:role/a/Web_1"],
        "ipAddress" | "dnsServers" => &["10.0.0.1", "fd00::1"],
        "hostname" | "dnsSearchDomains" | "domain" | "server" => &["web", "a.example.com", "Web"],
        "user" => &["", "0", "1000:1000", "root"],
        "value" | "text" => &[
            "",
            "1",
            "$(A)",
            "arn:aws:s3:::bucket/key.env",
            "yes",
            "1e3",
            "~",
            " - a: #b\n",
            "two\r\nlines\t\n\n",
            "\u{7f}\u{85}\u{1b}\u{feff}",
        ],
        "namespace" => &["net.core.somaxconn", "kernel.shmmax"],
        "expression" => &["attribute:rack == a", "attribute:ecs.os-type in [linux]", "task:group == a"],
        "containerPortRange" => &["8000-8003", "9001-9002"],
        "add" | "drop" => &["NET_ADMIN", "SYS_PTRACE", "ALL"],
        "dockerSecurityOptions" => &["no-new-privileges", "apparmor:a", "label:type:b"],
        "links" => &["c1", "c0:alias"],
        "driver" => &["", "local"],
        "command" | "entryPoint" => &["CMD", "CMD-SHELL", "echo $(A) $$", "-c"],
        "runtimeClassName" | "claimName" | "storageClassName" => &["fast", "a.b"],
        _ => &["", "a", "b-1", "Text with $(A)"],
    };
    select(texts.iter().map(|text| json!(text)).collect::<Vec<_>>()).boxed()
}

/// Members that hardly ever suit the rest of a random document.
const RARELY_SUITED: [&str; 4] = ["links", "credentialSpecs", "disableNetworking", "environmentFiles"];

/// Takes away what nearly every random document would be refused for: names that are there twice or lead to nothing, members
/// that need many others.
fn settle(mut document: Value) -> Value {
    let task = document.as_object_mut().unwrap();
    task.insert("family".into(), json!("Web_1"));
    for member in ["inferenceAccelerators", "proxyConfiguration", "trustedExecutionConfiguration", "tags"] {
        task.remove(member);
    }
    for (index, volume) in task.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        volume["name"] = json!(format!("Volume_{index}"));
    }
    let volumes = task.get("volumes").and_then(Value::as_array).map_or(0, Vec::len);
    let count = task["containerDefinitions"].as_array().map_or(0, Vec::len);
    for (index, container) in task["containerDefinitions"].as_array_mut().into_iter().flatten().enumerate() {
        let container = container.as_object_mut().unwrap();
        container.insert("name".into(), json!(format!("c{index}")));
        container.entry("memory").or_insert(json!(64));
        if index == 0 {
            container.remove("essential");
        }
        container.retain(|name, _| !RARELY_SUITED.contains(&name.as_str()));
        let mounts = container.get_mut("mountPoints").and_then(Value::as_array_mut);
        for (number, mount) in mounts.into_iter().flatten().enumerate() {
            mount["sourceVolume"] = json!(format!("Volume_{}", number % volumes.max(1)));
        }
        if volumes == 0 {
            container.remove("mountPoints");
        }
        for source in container.get_mut("volumesFrom").and_then(Value::as_array_mut).into_iter().flatten() {
            source["sourceContainer"] = json!(format!("c{}", (index + 1) % count));
        }
        // A dependency leads to a container before this one, or there is a cycle.
        for dependency in container.get_mut("dependsOn").and_then(Value::as_array_mut).into_iter().flatten() {
            dependency["containerName"] = json!(format!("c{}", (index + 1) % count));
        }
        if index + 1 == count {
            container.remove("dependsOn");
        }
    }
    let has_secrets = document.to_string().contains("\"secrets\"");
    if has_secrets {
        document["executionRoleArn"] = json!("role");
    }
    document
}

/// Gives overrides the names of containers that a document with as many of them has.
fn settle_overrides(mut overrides: Value) -> Value {
    let containers = overrides.get_mut("containerOverrides").and_then(Value::as_array_mut);
    for (index, container) in containers.into_iter().flatten().enumerate() {
        container["name"] = json!(format!("c{index}"));
        let members = container.as_object_mut().unwrap();
        members.retain(|name, _| !RARELY_SUITED.contains(&name.as_str()) && name != "resourceRequirements");
    }
    overrides
}
