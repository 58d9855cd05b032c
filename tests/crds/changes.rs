//! The rules about changes: from which spec to which a step is refused.

use serde_json::{Value, json};

use crate::{
    collection,
    connection::{block_on, delete, merge, post},
    object,
    specs::{revision, service, task},
    with_namespace,
};

/// Two specs of one object, and the words with which the step from the first to the second is refused, if it is.
pub type Step = (&'static str, Value, Value, Option<&'static str>);

pub fn steps() -> Vec<Step> {
    let mut steps = steps_of_services();
    steps.extend(steps_of_clusters());
    steps.extend(steps_of_others());
    steps
}

fn steps_of_services() -> Vec<Step> {
    let service_name = Some("spec.serviceName is immutable: make another EcsService for another name");
    let scheduling =
        Some("spec.schedulingStrategy is immutable: delete the EcsService and make it again with the other strategy");
    vec![
        ("EcsService", service("serviceName", json!("a")), service("serviceName", json!("b")), service_name),
        (
            "EcsService",
            service("schedulingStrategy", json!(null)),
            service("schedulingStrategy", json!("DAEMON")),
            scheduling,
        ),
        (
            "EcsService",
            service("schedulingStrategy", json!("DAEMON")),
            service("schedulingStrategy", json!(null)),
            scheduling,
        ),
        (
            "EcsService",
            service("schedulingStrategy", json!(null)),
            service("schedulingStrategy", json!("REPLICA")),
            None,
        ),
        ("EcsService", service("serviceName", json!(null)), service("serviceName", json!("b")), service_name),
        ("EcsService", service("serviceName", json!(null)), service("serviceName", json!("example")), None),
        ("EcsService", service("desiredCount", json!(1)), service("desiredCount", json!(2)), None),
    ]
}

fn steps_of_clusters() -> Vec<Step> {
    let cluster_name = Some("spec.clusterName is immutable: make another EcsCluster for another name");
    let namespace = Some("spec.kubernetes.namespace is immutable: make another EcsCluster for another Namespace");
    let region = Some("spec.region is immutable: a cluster is in one region");
    let network = Some("spec.vpc is immutable: a cluster is in one network");
    let vpc = |id: &str| json!({"vpc": {"id": id}});
    let in_namespace = |name: &str| json!({"kubernetes": {"namespace": name}});
    vec![
        ("EcsCluster", json!({"clusterName": "a"}), json!({"clusterName": "b"}), cluster_name),
        ("EcsCluster", json!({}), json!({"clusterName": "b"}), cluster_name),
        ("EcsCluster", json!({}), json!({"clusterName": "example"}), None),
        ("EcsCluster", vpc("a"), vpc("b"), network),
        ("EcsCluster", vpc("a"), json!({"vpc": null}), network),
        ("EcsCluster", json!({}), vpc("a"), None),
        ("EcsCluster", json!({"region": "a"}), json!({"region": "b"}), region),
        ("EcsCluster", json!({"region": "a"}), json!({"region": null}), region),
        ("EcsCluster", json!({}), json!({"region": "a"}), None),
        ("EcsCluster", json!({"region": "a"}), json!({"subnets": [{"id": "subnet-a"}]}), None),
        ("EcsCluster", in_namespace("a"), in_namespace("b"), namespace),
        ("EcsCluster", in_namespace("a"), json!({"kubernetes": null}), namespace),
        ("EcsCluster", in_namespace("a"), json!({"kubernetes": {"namespace": null}}), namespace),
        ("EcsCluster", json!({}), in_namespace("a"), namespace),
        ("EcsCluster", in_namespace("a"), json!({"kubernetes": {"podSecurity": "restricted"}}), None),
        ("EcsCluster", json!({}), json!({"kubernetes": {"podSecurity": "restricted"}}), None),
    ]
}

fn steps_of_others() -> Vec<Step> {
    let family = Some("spec.family is immutable: make another TaskDefinition for another family");
    let target_group = Some("spec.name is immutable: make another EcsTargetGroup for another name");
    let transport =
        Some("spec.protocol may not change between TCP and UDP: make another EcsTargetGroup for the other one");
    let definition = |names: [&str; 2]| {
        let containers = names.map(|name| json!({"name": name, "image": "i"}));
        revision("definition", json!({"containerDefinitions": containers}))
    };
    let run = Some("spec.taskDefinition, spec.group and spec.startedBy are immutable");
    let command = |word: &str| json!({"containerOverrides": [{"name": "a", "command": [word]}]});
    let groups = |group: &str| json!({"awsvpcConfiguration": {"securityGroups": [group]}});
    vec![
        ("EcsTask", task("taskDefinition", json!("a")), task("taskDefinition", json!("b")), run),
        ("EcsTask", task("group", json!(null)), task("group", json!("b")), run),
        ("EcsTask", task("startedBy", json!("a")), task("startedBy", json!(null)), run),
        (
            "EcsTask",
            task("overrides", command("a")),
            task("overrides", command("b")),
            Some("spec.overrides is immutable"),
        ),
        (
            "EcsTask",
            task("overrides", json!(null)),
            task("overrides", command("b")),
            Some("spec.overrides is immutable"),
        ),
        (
            "EcsTask",
            task("networkConfiguration", groups("a")),
            task("networkConfiguration", groups("b")),
            Some("spec.networkConfiguration is immutable"),
        ),
        (
            "EcsTask",
            task("desiredStatus", json!("STOPPED")),
            task("desiredStatus", json!("RUNNING")),
            Some("spec.desiredStatus stays STOPPED"),
        ),
        (
            "EcsTask",
            task("desiredStatus", json!("STOPPED")),
            task("desiredStatus", json!(null)),
            Some("spec.desiredStatus stays STOPPED"),
        ),
        ("EcsTask", task("desiredStatus", json!("RUNNING")), task("desiredStatus", json!("STOPPED")), None),
        ("EcsTask", task("tags", json!(null)), task("tags", json!([{"key": "a"}])), None),
        ("EcsTargetGroup", json!({"name": "a"}), json!({"name": "b"}), target_group),
        ("EcsTargetGroup", json!({}), json!({"name": "b"}), target_group),
        ("EcsTargetGroup", json!({}), json!({"name": "example"}), None),
        ("EcsTargetGroup", json!({"port": 80}), json!({"port": 81}), None),
        ("EcsTargetGroup", json!({"protocol": "HTTP"}), json!({"protocol": "UDP"}), transport),
        ("EcsTargetGroup", json!({"protocol": "TCP_UDP"}), json!({"protocol": null}), transport),
        ("EcsTargetGroup", json!({"port": 80}), json!({"protocol": "TLS"}), None),
        ("TaskDefinition", json!({"family": "a"}), json!({"family": "b"}), family),
        ("TaskDefinition", json!({"family": "a"}), json!({"family": null}), family),
        ("TaskDefinition", json!({}), json!({"family": "b"}), family),
        ("TaskDefinition", json!({}), json!({"family": "example", "cpu": 256}), None),
        ("TaskDefinition", json!({"family": "example"}), json!({"family": null}), None),
        (
            "TaskDefinitionRevision",
            revision("family", json!("a")),
            revision("family", json!("b")),
            Some("spec.family of a revision is immutable"),
        ),
        (
            "TaskDefinitionRevision",
            revision("revision", json!(1)),
            revision("revision", json!(2)),
            Some("spec.revision is immutable"),
        ),
        ("TaskDefinitionRevision", revision("state", json!("Active")), revision("state", json!("Inactive")), None),
        (
            "TaskDefinitionRevision",
            revision("state", json!("Inactive")),
            revision("state", json!("Active")),
            Some("spec.state goes from Active to Inactive only"),
        ),
        (
            "TaskDefinitionRevision",
            definition(["a", "b"]),
            definition(["a", "c"]),
            Some("spec.definition of a revision is immutable"),
        ),
        (
            "TaskDefinitionRevision",
            definition(["a", "b"]),
            definition(["b", "a"]),
            Some("spec.definition of a revision is immutable"),
        ),
        ("TaskDefinitionRevision", definition(["a", "b"]), definition(["a", "b"]), None),
    ]
}

#[test]
fn every_rule_about_changes_accepts_and_refuses() {
    block_on(with_namespace("changes", async |client, namespace| {
        let mut wrong = Vec::new();
        for (kind, before, after, refused) in steps() {
            let path = format!("{}/example", collection(&namespace, kind));
            let created = post(&client, &collection(&namespace, kind), &object(kind, "example", before.clone())).await;
            assert_eq!(created.code, 201, "{kind} {before}: {}", created.message());
            let answer = merge(&client, &path, &json!({"spec": after})).await;
            let step = format!("{kind} {before} -> {after}");
            match refused {
                None if answer.code == 200 => {}
                None => wrong.push(format!("{step} was refused: {}", answer.message())),
                Some(words) if answer.code == 422 && answer.message().contains(words) => {}
                Some(words) => wrong.push(format!("{step}: {} instead of {words}: {}", answer.code, answer.message())),
            }
            delete(&client, &path).await;
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }));
}
