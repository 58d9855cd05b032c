//! Clusters and their Namespaces.

use serde_json::{Value, json};

use crate::{
    scene::{Scene, condition, service, text},
    turns::together,
};

#[test]
fn the_default_cluster_exists_and_comes_back_when_it_is_deleted() {
    together(async |scene| {
        let before = scene.condition("EcsCluster", "default", "Ready", "True", "Available").await;
        assert_eq!(before["observedGeneration"], 1);
        let uid = scene.get("EcsCluster", "default").await["metadata"]["uid"].clone();
        scene.delete("EcsCluster", "default").await;
        scene
            .until("EcsCluster", "default", "is there again", |cluster| {
                cluster["metadata"]["uid"].is_string() && cluster["metadata"]["uid"] != uid
            })
            .await;
        let cluster =
            scene.until("EcsCluster", "default", "is ACTIVE", |cluster| cluster["status"]["status"] == "ACTIVE").await;
        let namespace = scene.get("Namespace", "ecs-default").await;
        assert_eq!(namespace["metadata"]["ownerReferences"][0]["uid"], cluster["metadata"]["uid"]);
    });
}

#[test]
fn a_cluster_makes_its_namespace_with_a_pod_security_level_and_owns_it() {
    together(async |scene| {
        scene.apply("EcsCluster", &scene.cluster, json!({"kubernetes": {"podSecurity": "restricted"}})).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        let (cluster, namespace) =
            (scene.get("EcsCluster", &scene.cluster).await, scene.get("Namespace", &scene.namespace).await);
        let labels = &namespace["metadata"]["labels"];
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
        assert_eq!(labels["ecs-operator.dev/cluster"], scene.cluster.as_str());
        assert_eq!(labels["app.kubernetes.io/managed-by"], "ecs-operator");
        let owner = &namespace["metadata"]["ownerReferences"][0];
        assert_eq!((&owner["uid"], &owner["controller"]), (&cluster["metadata"]["uid"], &Value::Bool(true)));
        let status = &cluster["status"];
        assert_eq!(status["clusterArn"], format!("arn:aws:ecs:us-east-1:123456789012:cluster/{}", scene.cluster));
        assert_eq!((&status["status"], &status["namespace"]), (&json!("ACTIVE"), &json!(scene.namespace)));

        // What somebody takes away is put back.
        let unlabel = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": null, "pod-security.kubernetes.io/enforce": "privileged"}}});
        scene.merge("Namespace", &scene.namespace, unlabel).await;
        scene
            .until("Namespace", &scene.namespace, "has its labels again", |namespace| {
                let labels = &namespace["metadata"]["labels"];
                labels["app.kubernetes.io/managed-by"] == "ecs-operator"
                    && labels["pod-security.kubernetes.io/enforce"] == "restricted"
            })
            .await;
        scene.delete("EcsCluster", &scene.cluster).await;
        scene.until_gone("EcsCluster", &scene.cluster).await;
        scene.until_gone("Namespace", &scene.namespace).await;
    });
}

async fn make_namespace(scene: &Scene, name: &str, labels: Value) {
    scene.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})).await;
}

#[test]
fn a_namespace_is_adopted_only_with_the_label_and_given_back() {
    together(async |scene| {
        let shared = format!("shared-{}", scene.cluster);
        let claim = json!({"kubernetes": {"namespace": shared}});
        make_namespace(scene, &shared, json!({"pod-security.kubernetes.io/enforce": "privileged"})).await;
        scene.apply("EcsCluster", &scene.cluster, claim.clone()).await;
        let refused = scene.condition("EcsCluster", &scene.cluster, "Accepted", "False", "NamespaceTaken").await;
        let way_out = format!("kubectl label namespace {shared} ecs-operator.dev/adopt={}", scene.cluster);
        assert!(text(&refused["message"]).contains(&way_out), "{refused}");
        assert_eq!(scene.get("EcsCluster", &scene.cluster).await["status"]["status"], "FAILED");
        assert_eq!(
            scene.get("Namespace", &shared).await["metadata"]["labels"]["ecs-operator.dev/cluster"],
            Value::Null
        );

        scene
            .merge("Namespace", &shared, json!({"metadata": {"labels": {"ecs-operator.dev/adopt": scene.cluster}}}))
            .await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        let adopted = scene.get("Namespace", &shared).await;
        assert_eq!(adopted["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "privileged");
        assert_eq!(adopted["metadata"]["labels"]["ecs-operator.dev/cluster"], scene.cluster.as_str());
        assert_eq!(adopted["metadata"]["ownerReferences"], Value::Null);

        let second = format!("{}-second", scene.cluster);
        scene.apply("EcsCluster", &second, claim).await;
        let refused = scene.condition("EcsCluster", &second, "Accepted", "False", "NamespaceTaken").await;
        assert!(text(&refused["message"]).contains(&format!("belongs to EcsCluster {}", scene.cluster)), "{refused}");

        scene.delete("EcsCluster", &scene.cluster).await;
        scene.until_gone("EcsCluster", &scene.cluster).await;
        let given_back = scene.get("Namespace", &shared).await;
        assert_eq!(given_back["metadata"]["uid"], adopted["metadata"]["uid"]);
        assert_eq!(given_back["metadata"]["deletionTimestamp"], Value::Null);
        let labels = &given_back["metadata"]["labels"];
        assert_eq!(
            (&labels["ecs-operator.dev/cluster"], &labels["app.kubernetes.io/managed-by"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], "privileged");
    });
}

#[test]
fn a_cluster_with_a_service_is_not_deleted_and_then_goes() {
    together(async |scene| {
        scene.run_web(1).await;
        let counted = |cluster: &Value| {
            let status = &cluster["status"];
            (&status["activeServicesCount"], &status["runningTasksCount"], &status["pendingTasksCount"])
                == (&json!(1), &json!(1), &json!(0))
        };
        scene.until("EcsCluster", &scene.cluster, "counts its service and task", counted).await;
        scene.delete("EcsCluster", &scene.cluster).await;
        let waits = scene.condition("EcsCluster", &scene.cluster, "Ready", "False", "DeletionWaits").await;
        assert_eq!(waits["message"], "The Cluster cannot be deleted while Services are active.");
        assert_eq!(scene.get("EcsCluster", &scene.cluster).await["status"]["status"], "DEPROVISIONING");
        scene.apply("EcsService", "late", service(1)).await;
        let refused = scene.condition("EcsService", "late", "Accepted", "False", "ClusterNotFound").await;
        assert!(text(&refused["message"]).starts_with("The referenced cluster was inactive."), "{refused}");
        assert_eq!(scene.get("Deployment", "late").await, Value::Null);
        scene.delete("EcsService", "late").await;
        scene.delete("EcsService", "web").await;
        scene.until_gone("EcsCluster", &scene.cluster).await;
        scene.until_gone("Namespace", &scene.namespace).await;
    });
}

#[test]
fn a_cluster_whose_namespace_lost_its_labels_still_holds_its_services() {
    together(async |scene| {
        let adopt = json!({"ecs-operator.dev/adopt": scene.cluster});
        make_namespace(scene, &scene.namespace, adopt).await;
        scene.run_web(1).await;
        let unlabel =
            json!({"metadata": {"labels": {"ecs-operator.dev/adopt": null, "ecs-operator.dev/cluster": null}}});
        scene.merge("Namespace", &scene.namespace, unlabel).await;
        scene.delete("EcsCluster", &scene.cluster).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "False", "DeletionWaits").await;
        scene.delete("EcsService", "web").await;
        scene.until_gone("EcsCluster", &scene.cluster).await;
    });
}

#[test]
fn two_clusters_that_claim_one_namespace_are_told_apart() {
    together(async |scene| {
        scene.make_cluster().await;
        let second = format!("{}-b", scene.cluster);
        scene.apply("EcsCluster", &second, json!({"kubernetes": {"namespace": scene.namespace}})).await;
        scene.condition("EcsCluster", &second, "Accepted", "False", "NamespaceTaken").await;
        // The first one has it, and its services do not mind the other.
        scene.define("nginx:1").await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.steady("web", "web:1", 1).await;
        let mut elsewhere = service(1);
        elsewhere["cluster"] = json!(second);
        scene.apply("EcsService", "elsewhere", elsewhere).await;
        let refused = scene.condition("EcsService", "elsewhere", "Accepted", "False", "ClusterNotFound").await;
        assert!(text(&refused["message"]).contains(&format!("spec.cluster is {second:?}")), "{refused}");
        let mut right = service(0);
        right["cluster"] = json!(format!("arn:aws:ecs:us-east-1:123456789012:cluster/{}", scene.cluster));
        scene.apply("EcsService", "elsewhere", right).await;
        scene.steady("elsewhere", "web:1", 0).await;
    });
}

#[test]
fn a_namespace_that_somebody_deletes_takes_its_services_along_and_is_made_again() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        for name in ["a", "b", "c"] {
            scene.apply("EcsService", name, service(1)).await;
        }
        for name in ["a", "b", "c"] {
            scene.steady(name, "web:1", 1).await;
        }
        let uid = scene.get("Namespace", &scene.namespace).await["metadata"]["uid"].clone();
        scene.delete("Namespace", &scene.namespace).await;
        scene
            .until("Namespace", &scene.namespace, "is a new one", |namespace| {
                namespace["metadata"]["uid"].is_string() && namespace["metadata"]["uid"] != uid
            })
            .await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        assert_eq!(condition(&scene.get("EcsCluster", &scene.cluster).await, "Accepted")["status"], "True");
    });
}
