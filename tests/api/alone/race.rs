//! Two operators at once, as when a lease is handed over badly.

use serde_json::{Value, json};

use crate::{
    operator::Operator,
    scene::{definition, service, text},
    turns::alone,
};

#[test]
fn two_operators_never_share_or_skip_a_revision() {
    alone(async |scene| {
        let operators = [Operator::start().await, Operator::start().await];
        scene.make_cluster().await;
        let families = ["a", "b", "c"];
        for number in 1..=8 {
            for family in families {
                scene.apply("TaskDefinition", family, definition(&format!("nginx:{number}"), &[80])).await;
            }
            for family in families {
                let seen = |object: &Value| {
                    object["status"]["observedGeneration"] == object["metadata"]["generation"]
                        && object["status"]["revision"] == number
                };
                scene.until("TaskDefinition", family, &format!("has revision {number}"), seen).await;
            }
        }
        let revisions = scene.list("TaskDefinitionRevision").await;
        assert_eq!(revisions.len(), 24, "{:?}", scene.names("TaskDefinitionRevision").await);
        for revision in revisions {
            let image = text(&revision["spec"]["definition"]["containerDefinitions"][0]["image"]);
            assert_eq!(image, format!("nginx:{}", revision["spec"]["revision"]));
        }
        let mut web = service(1);
        web["taskDefinition"] = json!("a");
        scene.apply("EcsService", "web", web).await;
        scene.steady("web", "a:8", 1).await;
        scene.apply("TaskDefinition", "a", definition("nginx:9", &[80])).await;
        scene.steady("web", "a:9", 1).await;
        assert_eq!(scene.names("ControllerRevision").await, ["web-1", "web-2"]);
        for operator in operators {
            assert!(operator.is_running());
            operator.stop().await;
        }
    });
}
