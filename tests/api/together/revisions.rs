//! What becomes of revisions over time, and where they are looked for.

use serde_json::{Value, json};

use crate::{
    connection,
    operator::SHARED_NAMESPACE,
    scene::{Scene, condition, definition, service, text},
    turns::together,
};

async fn register(scene: &Scene, images: std::ops::RangeInclusive<i64>, limit: i64) {
    for number in images {
        let mut content = definition(&format!("nginx:{number}"), &[]);
        content["kubernetes"] = json!({"revisionHistoryLimit": limit});
        scene.apply("TaskDefinition", "web", content).await;
        let registered = |object: &Value| object["status"]["revision"] == number;
        scene.until("TaskDefinition", "web", &format!("is registered as {number}"), registered).await;
    }
}

async fn deregister(scene: &Scene, number: i64) {
    scene.merge("TaskDefinitionRevision", &format!("web.{number}"), json!({"spec": {"state": "Inactive"}})).await;
}

#[test]
fn old_inactive_revisions_that_nothing_uses_go() {
    together(async |scene| {
        scene.make_cluster().await;
        register(scene, 1..=5, 1).await;
        let mut pinned = service(1);
        pinned["taskDefinition"] = json!("web:1");
        scene.apply("EcsService", "pinned", pinned.clone()).await;
        scene.steady("pinned", "web:1", 1).await;
        for number in 1..=4 {
            deregister(scene, number).await;
        }
        // 2 and 3 are too many; 1 is used, 4 is within the limit, 5 is active.
        scene.until_gone("TaskDefinitionRevision", "web.2").await;
        scene.until_gone("TaskDefinitionRevision", "web.3").await;
        assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.1", "web.4", "web.5"]);
        let inactive = scene.get("TaskDefinitionRevision", "web.1").await;
        assert_eq!(inactive["status"]["status"], "INACTIVE");
        assert!(inactive["status"]["deregisteredAt"].is_string() && inactive["status"]["registeredAt"].is_string());
        // The service that ran it lets go.
        scene.steady("pinned", "web:1", 1).await;
        pinned["taskDefinition"] = json!("web:5");
        scene.apply("EcsService", "pinned", pinned).await;
        scene.until_gone("TaskDefinitionRevision", "web.1").await;
        assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.4", "web.5"]);
        // The newest one stays, also when it is inactive: it tells that nothing has changed.
        deregister(scene, 5).await;
        scene.condition("TaskDefinition", "web", "Ready", "False", "TaskDefinitionInactive").await;
        assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.4", "web.5"]);
    });
}

#[test]
fn a_changed_limit_registers_nothing() {
    together(async |scene| {
        scene.make_cluster().await;
        register(scene, 1..=1, 5).await;
        let mut content = definition("nginx:1", &[]);
        content["kubernetes"] = json!({"revisionHistoryLimit": 6});
        scene.apply("TaskDefinition", "web", content).await;
        let seen = |object: &Value| object["status"]["observedGeneration"] == object["metadata"]["generation"];
        let seen = scene.until("TaskDefinition", "web", "has been seen", seen).await;
        assert_eq!((&seen["status"]["revision"], seen["metadata"]["generation"].as_i64()), (&json!(1), Some(2)));
        assert_eq!(seen["status"]["compatibilities"], json!(["EXTERNAL", "EC2"]));
        assert!(seen["status"]["registeredAt"].is_string());
    });
}

/// Writes a TaskDefinition into the shared Namespace.
async fn share(scene: &Scene, family: &str, image: &str) {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHARED_NAMESPACE}});
    connection::post(&scene.client, "/api/v1/namespaces", &body).await;
    let path = format!("/apis/ecs-operator.dev/v1alpha1/namespaces/{SHARED_NAMESPACE}/taskdefinitions/{family}");
    let document = crate::scene::document("TaskDefinition", family, &json!({"spec": definition(image, &[])}));
    let answer = connection::apply(&scene.client, &path, &document).await;
    assert!(answer.code < 300, "{}", answer.message());
}

#[test]
fn a_family_that_is_not_in_the_services_namespace_is_looked_for_in_the_shared_one() {
    together(async |scene| {
        scene.make_cluster().await;
        let family = scene.cluster.clone();
        let mut of_family = service(1);
        of_family["taskDefinition"] = json!(family);
        scene.apply("EcsService", "web", of_family).await;
        scene.condition("EcsService", "web", "Accepted", "False", "TaskDefinitionNotFound").await;
        share(scene, &family, "shared:1").await;
        scene.steady("web", &format!("{family}:1"), 1).await;
        share(scene, &family, "shared:2").await;
        scene.steady("web", &format!("{family}:2"), 1).await;
        // One of the service's own Namespace comes first, also with a lower number.
        scene.apply("TaskDefinition", &family, definition("own:1", &[])).await;
        scene.steady("web", &format!("{family}:1"), 1).await;
        let image = &scene.get("Deployment", "web").await["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(image, "own:1");
    });
}

#[test]
fn every_broken_rule_and_every_ignored_field_is_told() {
    together(async |scene| {
        scene.make_cluster().await;
        let mut broken = definition("nginx:1", &[80, 80]);
        broken["cpu"] = json!("x");
        broken["containerDefinitions"][0]["user"] = json!("nginx");
        scene.apply("TaskDefinition", "web", broken).await;
        let refused = scene.condition("TaskDefinition", "web", "Accepted", "False", "Invalid").await;
        let status = scene.get("TaskDefinition", "web").await["status"].clone();
        let outcomes = status["fieldOutcomes"].as_array().unwrap();
        for (path, rule) in [
            ("cpu", "TD05"),
            ("containerDefinitions[0].user", "OP03"),
            ("containerDefinitions[0].portMappings[1].containerPort", "OP01"),
        ] {
            let told = |outcome: &&Value| outcome["path"] == path && outcome["outcome"] == "Refused";
            let detail = text(&outcomes.iter().find(told).unwrap_or_else(|| panic!("{path}: {outcomes:?}"))["detail"]);
            assert!(detail.ends_with(&format!("[{rule}]")), "{detail}");
            assert!(text(&refused["message"]).contains(&format!("spec.{path}")), "{refused}");
        }
        let mut ignored = definition("nginx:1", &[80]);
        ignored["enableFaultInjection"] = json!(true);
        scene.apply("TaskDefinition", "web", ignored).await;
        let healed = scene
            .until("TaskDefinition", "web", "is accepted", |object| condition(object, "Accepted")["status"] == "True")
            .await;
        assert_eq!(healed["status"]["fieldOutcomes"][0]["outcome"], "Ignored");
        // It is told after the status is written.
        crate::connection::wait_until("the ignored field is told", async || {
            let told = scene.events("web").await;
            told.iter().filter(|note| note.starts_with("enableFaultInjection is ignored.")).count() == 1
        })
        .await;
    });
}
