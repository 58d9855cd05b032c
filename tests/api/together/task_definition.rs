//! TaskDefinitions and their revisions.

use serde_json::{Value, json};

use crate::{
    connection::{self, wait_until},
    scene::{Scene, definition, text},
    turns::together,
};

/// Waits until the TaskDefinition has seen its newest edit, and returns the number that it speaks of.
async fn registered(scene: &Scene, name: &str) -> i64 {
    let seen = |object: &Value| {
        object["status"]["observedGeneration"] == object["metadata"]["generation"]
            && object["status"]["revision"].is_i64()
    };
    scene.until("TaskDefinition", name, "is registered", seen).await["status"]["revision"].as_i64().unwrap()
}

async fn namespace(scene: &Scene) {
    scene.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": scene.namespace}})).await;
}

#[test]
fn each_change_registers_the_next_revision_and_nothing_else_does() {
    together(async |scene| {
        namespace(scene).await;
        scene.define("nginx:1").await;
        assert_eq!(registered(scene, "web").await, 1);
        let first = scene.get("TaskDefinitionRevision", "web.1").await;
        assert_eq!(first["spec"]["definition"]["containerDefinitions"][0]["essential"], true);
        assert_eq!((&first["spec"]["state"], &first["metadata"]["ownerReferences"]), (&json!("Active"), &Value::Null));
        let status = scene
            .until("TaskDefinitionRevision", "web.1", "has a status", |revision| {
                revision["status"]["status"] == "ACTIVE"
            })
            .await;
        assert_eq!(status["status"]["taskDefinitionArn"], "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1");

        // The same in other words: a default written out, a number as a text.
        let mut same = definition("nginx:1", &[80]);
        same["containerDefinitions"][0]["essential"] = json!(true);
        same["containerDefinitions"][0]["portMappings"][0]["protocol"] = json!("tcp");
        same["family"] = json!("web");
        scene.apply("TaskDefinition", "web", same).await;
        assert_eq!(registered(scene, "web").await, 1);

        scene.define("nginx:2").await;
        assert_eq!(registered(scene, "web").await, 2);
        scene.define("nginx:1").await;
        assert_eq!(registered(scene, "web").await, 3);
        assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.1", "web.2", "web.3"]);
        let hash = |revision: &Value| revision["spec"]["definition"].clone();
        assert_eq!(hash(&scene.get("TaskDefinitionRevision", "web.3").await), hash(&first));
        let told: Vec<_> = scene.events("web").await;
        assert_eq!(told, [1, 2, 3].map(|number| format!("Registered task definition web:{number}.")));
    });
}

#[test]
fn numbers_go_on_after_everything_was_deleted() {
    together(async |scene| {
        namespace(scene).await;
        scene.define("nginx:1").await;
        assert_eq!(registered(scene, "web").await, 1);
        scene.define("nginx:2").await;
        assert_eq!(registered(scene, "web").await, 2);
        scene.delete("TaskDefinition", "web").await;
        for name in ["web.1", "web.2"] {
            scene
                .until("TaskDefinitionRevision", name, "is inactive", |revision| {
                    revision["spec"]["state"] == "Inactive" && revision["status"]["status"] == "INACTIVE"
                })
                .await;
        }
        for name in ["web.1", "web.2"] {
            scene.delete("TaskDefinitionRevision", name).await;
        }
        scene.define("nginx:1").await;
        assert_eq!(registered(scene, "web").await, 3);
        assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.3"]);
        let numbers = scene.get("ConfigMap", "ecs-operator-revision-numbers").await;
        wait_until("the claim is settled", async || {
            scene.get("ConfigMap", "ecs-operator-revision-numbers").await["data"]["web"] == r#"{"revision":3}"#
        })
        .await;
        assert!(numbers["metadata"]["ownerReferences"].is_null());
    });
}

#[test]
fn a_family_belongs_to_the_first_task_definition_until_that_is_deleted() {
    together(async |scene| {
        namespace(scene).await;
        // Several times, because which of two is older must not be left to chance within one second.
        for family in ["one", "two", "three", "four", "five"] {
            let mut spec = definition("nginx:1", &[]);
            spec["family"] = json!(family);
            let (first, second) = (format!("first-{family}"), format!("second-{family}"));
            scene.apply("TaskDefinition", &first, spec.clone()).await;
            assert_eq!(registered(scene, &first).await, 1);
            spec["containerDefinitions"][0]["image"] = json!("nginx:2");
            scene.apply("TaskDefinition", &second, spec).await;
            let refused = scene.condition("TaskDefinition", &second, "Accepted", "False", "FamilyTaken").await;
            assert!(text(&refused["message"]).contains(&format!("belongs to TaskDefinition {first}")), "{refused}");
            scene.condition("TaskDefinition", &first, "Accepted", "True", "Accepted").await;
        }
        scene.delete("TaskDefinition", "first-one").await;
        scene.condition("TaskDefinition", "second-one", "Accepted", "True", "Accepted").await;
        assert_eq!(registered(scene, "second-one").await, 2);
        scene
            .until("TaskDefinitionRevision", "one.1", "is inactive", |revision| revision["spec"]["state"] == "Inactive")
            .await;
        assert_eq!(scene.get("TaskDefinitionRevision", "one.2").await["spec"]["state"], "Active");
    });
}

#[test]
fn an_invalid_edit_is_told_and_the_last_good_revision_stays() {
    together(async |scene| {
        namespace(scene).await;
        scene.define("nginx:1").await;
        assert_eq!(registered(scene, "web").await, 1);
        let mut invalid = definition("nginx:2", &[80]);
        invalid["containerDefinitions"][0]["essential"] = json!(false);
        scene.apply("TaskDefinition", "web", invalid).await;
        let refused = scene.condition("TaskDefinition", "web", "Accepted", "False", "Invalid").await;
        assert!(
            text(&refused["message"]).contains("Task definition doesn't have any essential container: leave essential"),
            "{refused}"
        );
        assert_eq!(scene.get("TaskDefinition", "web").await["status"]["revision"], 1);
        assert_eq!(scene.names("TaskDefinitionRevision").await, ["web.1"]);
        scene.define("nginx:2").await;
        scene.condition("TaskDefinition", "web", "Accepted", "True", "Accepted").await;
        assert_eq!(registered(scene, "web").await, 2);
    });
}

#[test]
fn a_pipeline_owns_the_image_and_git_the_rest() {
    together(async |scene| {
        namespace(scene).await;
        let path = scene.path("TaskDefinition", "web");
        let apply = async |manager: &str, container: Value| {
            let document = crate::scene::document(
                "TaskDefinition",
                "web",
                &json!({"spec": {"containerDefinitions": [container]}}),
            );
            // Without force: nobody takes anything from anybody.
            let path = format!("{path}?fieldManager={manager}");
            let answer = connection::request(
                &scene.client,
                http::Method::PATCH,
                &path,
                "application/apply-patch+yaml",
                &document,
            )
            .await;
            assert!(answer.code < 300, "{manager}: {}", answer.message());
        };
        apply("git", json!({"name": "web", "memory": 64})).await;
        let refused = scene.condition("TaskDefinition", "web", "Accepted", "False", "Invalid").await;
        assert!(text(&refused["message"]).contains("Container.image should not be null or empty."), "{refused}");
        apply("pipeline", json!({"name": "web", "image": "nginx:1"})).await;
        assert_eq!(registered(scene, "web").await, 1);
        apply("git", json!({"name": "web", "memory": 128})).await;
        scene.until("TaskDefinition", "web", "is registered as 2", |object| object["status"]["revision"] == 2).await;
        apply("pipeline", json!({"name": "web", "image": "nginx:2"})).await;
        scene.until("TaskDefinition", "web", "is registered as 3", |object| object["status"]["revision"] == 3).await;
        let container =
            &scene.get("TaskDefinitionRevision", "web.3").await["spec"]["definition"]["containerDefinitions"][0];
        assert_eq!((&container["image"], &container["memory"]), (&json!("nginx:2"), &json!(128)));
    });
}
