//! What a service becomes, what its status says, how it is scaled and deleted.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    connection,
    scene::{Scene, condition, definition, is_steady, messages, service, text},
    turns::together,
};

#[test]
fn a_service_becomes_plain_objects_that_belong_to_it() {
    together(async |scene| {
        let service = scene.run_web(2).await;
        let deployment = scene.get("Deployment", "web").await;
        let spec = &deployment["spec"];
        assert_eq!(
            (&spec["replicas"], &spec["strategy"]["rollingUpdate"]),
            (&json!(2), &json!({"maxSurge": 2, "maxUnavailable": 0}))
        );
        let container = &spec["template"]["spec"]["containers"][0];
        assert_eq!((&container["name"], &container["image"]), (&json!("web"), &json!("nginx:1")));
        assert_eq!(spec["template"]["metadata"]["labels"]["ecs-operator.dev/security-group.web"], "true");
        let address = scene.get("Service", "web").await;
        assert_eq!((&address["spec"]["type"], &address["spec"]["ports"][0]["port"]), (&json!("ClusterIP"), &json!(80)));
        let policy = scene.get("NetworkPolicy", "ecs-security-group-web").await;
        assert_eq!(policy["spec"]["ingress"], json!([{"ports": [{"port": 80, "protocol": "TCP"}]}]));
        let snapshot = scene.get("ControllerRevision", "web-1").await;
        assert_eq!(snapshot["data"]["trigger"]["revision"], 1);
        let image = &snapshot["data"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(image, "nginx:1");
        for object in [&deployment, &address, &snapshot, &scene.get("EcsSecurityGroup", "web").await] {
            let owner = &object["metadata"]["ownerReferences"][0];
            assert_eq!((&owner["uid"], &owner["controller"]), (&service["metadata"]["uid"], &json!(true)), "{object}");
        }
        let status = &service["status"];
        assert_eq!(
            (&status["status"], &status["desiredCount"], &status["pendingCount"]),
            (&json!("ACTIVE"), &json!(2), &json!(0))
        );
        assert_eq!(status["taskDefinition"], "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1");
        assert_eq!(
            (&status["deployments"][0]["rolloutState"], &status["deployments"][0]["runningCount"]),
            (&json!("COMPLETED"), &json!(2))
        );
        assert_eq!(status["deployments"].as_array().unwrap().len(), 1);
        let id = text(&status["deployments"][0]["id"]);
        let expected = [
            "(service web) has reached a steady state.".to_owned(),
            format!("(service web) (deployment {id}) deployment completed."),
        ];
        let of_deployment = |message: &String| message.starts_with("(service") && !message.contains(" has started ");
        let told: Vec<_> = messages(&service).into_iter().filter(of_deployment).collect();
        assert_eq!(told, expected);
        let told: Vec<_> = scene.events("web").await.into_iter().filter(of_deployment).collect();
        assert_eq!(told, [expected[1].clone(), expected[0].clone()]);
    });
}

#[test]
fn every_golden_object_is_taken_by_the_api_server() {
    together(async |scene| {
        // Some ask for what a stricter Namespace refuses, and some for a role.
        scene.apply("EcsCluster", &scene.cluster, json!({"kubernetes": {"podSecurity": "privileged"}})).await;
        scene.condition("EcsCluster", &scene.cluster, "Ready", "True", "Available").await;
        let count = try_golden_objects(scene, |kind| kind != "HTTPRoute").await;
        assert!(count > 100, "only {count} objects were tried");
    });
}

/// Has the API server look at all objects of some kinds that the golden translations make, and says how many there are.
pub async fn try_golden_objects(scene: &Scene, is_tried: impl Fn(&str) -> bool) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains(".in.") {
            continue;
        }
        let documents: Vec<Value> = serde_saphyr::from_multiple(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let tried = documents.into_iter().filter(|document| document["kind"].as_str().is_some_and(&is_tried));
        for mut document in tried {
            if document["metadata"]["namespace"].is_string() {
                document["metadata"]["namespace"] = json!(scene.namespace);
            }
            let (kind, name) = (text(&document["kind"]), text(&document["metadata"]["name"]));
            if let Some(account) = document["spec"]["serviceAccountName"].as_str() {
                scene.apply_document(&crate::scene::document("ServiceAccount", account, &json!({}))).await;
            }
            if let Some(class) = document["spec"]["runtimeClassName"].as_str() {
                scene.apply_document(&crate::scene::document("RuntimeClass", class, &json!({"handler": "runc"}))).await;
            }
            let path_and_query = format!("{}?dryRun=All&fieldValidation=Strict", scene.path(&kind, &name));
            let answer = connection::apply(&scene.client, &path_and_query, &document).await;
            assert!(answer.code < 300, "{}: {kind} {name}: {}", path.display(), answer.message());
            count += 1;
        }
    }
    count
}

#[test]
fn a_policy_is_there_before_the_first_task() {
    together(async |scene| {
        scene.run_web(1).await;
        let version = |object: &Value| text(&object["metadata"]["resourceVersion"]).parse::<u64>().unwrap();
        let policy = scene.get("NetworkPolicy", "ecs-security-group-web").await;
        let pods = scene.list("Pod").await;
        assert_eq!(
            policy["metadata"]["generation"], 1,
            "it has not changed since it was made, so its version is that of its creation"
        );
        // A ReplicaSet changes with its Pods; a Deployment's first ReplicaSet is made after the Deployment.
        for pod in &pods {
            let scheduled = condition(pod, "PodScheduled");
            assert_eq!(scheduled["status"], "True");
            assert!(version(&policy) < version(pod), "{} {}", version(&policy), version(pod));
        }
        let made = |object: &Value| text(&object["metadata"]["creationTimestamp"]);
        assert!(made(&policy) <= made(&scene.get("Deployment", "web").await));
    });
}

#[test]
fn a_revision_is_followed_and_a_pinned_one_is_not() {
    together(async |scene| {
        scene.run_web(1).await;
        let mut pinned = service(1);
        pinned["taskDefinition"] = json!("web:1");
        scene.apply("EcsService", "pinned", pinned).await;
        let before = scene.steady("pinned", "web:1", 1).await;
        scene.define("nginx:2").await;
        let followed = scene.steady("web", "web:2", 1).await;
        assert_eq!(followed["status"]["deployments"].as_array().unwrap().len(), 1);
        let image = |deployment: &Value| deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        assert_eq!(image(&scene.get("Deployment", "web").await), "nginx:2");
        assert_eq!(scene.names("ControllerRevision").await, ["pinned-1", "web-1", "web-2"]);
        let after = scene.get("EcsService", "pinned").await;
        assert_eq!(after["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
        assert_eq!(image(&scene.get("Deployment", "pinned").await), "nginx:1");
        let steady =
            messages(&followed).iter().filter(|message| message.ends_with("has reached a steady state.")).count();
        assert_eq!(steady, 2, "once for each deployment: {:?}", messages(&followed));
    });
}

#[test]
fn sizes_that_kubernetes_writes_in_another_way_come_to_rest() {
    together(async |scene| {
        scene.make_cluster().await;
        let container =
            json!({"name": "web", "image": "nginx", "cpu": 1024, "memory": 2048, "memoryReservation": 1024});
        scene
            .apply(
                "TaskDefinition",
                "web",
                json!({"cpu": "2 vCPU", "memory": "4 GB", "containerDefinitions": [container]}),
            )
            .await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.steady("web", "web:1", 1).await;
    });
}

#[test]
fn lists_that_change_their_order_come_to_rest() {
    together(async |scene| {
        scene.make_cluster().await;
        let variables =
            |names: &[&str]| names.iter().map(|name| json!({"name": name, "value": "1"})).collect::<Vec<_>>();
        for (number, names, ports) in [
            (1, vec!["A", "B", "C"], [80, 443, 8080]),
            (2, vec!["C", "A", "B"], [8080, 80, 443]),
            (3, vec!["B", "C"], [443, 80, 81]),
        ] {
            let mut spec = definition("nginx:1", &ports);
            spec["containerDefinitions"][0]["environment"] = json!(variables(&names));
            scene.apply("TaskDefinition", "web", spec).await;
            scene.apply("EcsService", "web", service(1)).await;
            scene.steady("web", &format!("web:{number}"), 1).await;
        }
    });
}

#[test]
fn what_others_add_to_a_deployment_does_not_unsettle_the_service() {
    together(async |scene| {
        scene.run_web(1).await;
        let add = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "ADDED", "value": "1"}]}]}}}});
        let path = scene.path("Deployment", "web");
        let answer = connection::request(
            &scene.client,
            http::Method::PATCH,
            &path,
            "application/strategic-merge-patch+json",
            &add,
        )
        .await;
        assert_eq!(answer.code, 200, "{}", answer.message());
        scene
            .until("Deployment", "web", "has rolled out what was added", |deployment| {
                deployment["metadata"]["generation"] == deployment["status"]["observedGeneration"]
                    && deployment["status"]["updatedReplicas"] == 1
                    && deployment["status"]["replicas"] == 1
            })
            .await;
        scene.steady("web", "web:1", 1).await;
        // What is the operator's is put back.
        scene.merge("Deployment", "web", json!({"spec": {"replicas": 3}})).await;
        scene
            .until("Deployment", "web", "has one replica again", |deployment| deployment["spec"]["replicas"] == 1)
            .await;
        scene.steady("web", "web:1", 1).await;
    });
}

#[test]
fn an_absent_desired_count_is_written_and_the_service_can_be_scaled() {
    together(async |scene| {
        scene.make_cluster().await;
        // It names an unknown task definition at first: what it would have run is still one task.
        let document = json!({"taskDefinition": "web", "kubernetes": {"preStopSeconds": 0, "minReadySeconds": 0}});
        scene.apply("EcsService", "web", document.clone()).await;
        scene.condition("EcsService", "web", "Accepted", "False", "TaskDefinitionNotFound").await;
        scene.define("nginx:1").await;
        let service = scene.steady("web", "web:1", 1).await;
        assert_eq!(service["spec"]["desiredCount"], 1);
        assert_eq!(scene.get("Deployment", "web").await["spec"]["replicas"], 1);

        let scale = format!("{}/scale", scene.path("EcsService", "web"));
        let read = connection::get(&scene.client, &scale).await;
        assert_eq!((&read.body["spec"]["replicas"], &read.body["status"]["replicas"]), (&json!(1), &json!(1)));
        assert_eq!(read.body["status"]["selector"], "ecs-operator.dev/service=web");
        let answer = connection::merge(&scene.client, &scale, &json!({"spec": {"replicas": 3}})).await;
        assert_eq!(answer.code, 200, "{}", answer.message());
        let scaled = scene.steady("web", "web:1", 3).await;
        assert_eq!(scaled["status"]["deployments"][0]["rolloutState"], "COMPLETED");
        // As an autoscaler does it: the whole Scale, put back.
        let mut whole = connection::get(&scene.client, &scale).await.body;
        whole["spec"]["replicas"] = json!(2);
        let answer = connection::request(&scene.client, http::Method::PUT, &scale, "application/json", &whole).await;
        assert_eq!(answer.code, 200, "{}", answer.message());
        scene.steady("web", "web:1", 2).await;
        // A document without the field leaves the number alone.
        scene.apply("EcsService", "web", document).await;
        scene.steady("web", "web:1", 2).await;
        assert_eq!(scene.get("EcsService", "web").await["spec"]["desiredCount"], 2);
    });
}

#[test]
fn a_service_that_was_scaled_tells_when_it_has_come_to_rest_again() {
    together(async |scene| {
        scene.run_web(3).await;
        for (times, count) in [(2, 1), (3, 2), (4, 0)] {
            // Times of Kubernetes have whole seconds: a Pod that was made in the second of a scale-in seems to replace what it takes.
            tokio::time::sleep(Duration::from_millis(1100)).await;
            scene.apply("EcsService", "web", service(count)).await;
            let is_told = |service: &Value| {
                let told = messages(service);
                let rests = told.iter().filter(|message| message.ends_with("has reached a steady state.")).count();
                is_steady(service, "web:1", count.into()) && rests >= times && told[0].ends_with("a steady state.")
            };
            scene.until("EcsService", "web", &format!("is at rest with {count} tasks and says so last"), is_told).await;
        }
        // Each task is told of once.
        let told = messages(&scene.get("EcsService", "web").await);
        for record in scene.list("EcsTask").await {
            let id = text(&record["metadata"]["name"]);
            let stops = told.iter().filter(|message| message.contains("has stopped") && message.contains(&id)).count();
            assert_eq!(stops, 1, "{id}: {told:#?}");
        }
    });
}

#[test]
fn a_service_that_is_applied_with_an_edit_starts_with_what_was_edited() {
    together(async |scene| {
        scene.make_cluster().await;
        for number in 1..=4 {
            scene.define(&format!("nginx:{number}")).await;
            let name = format!("web-{number}");
            scene.apply("EcsService", &name, service(1)).await;
            let runs = |service: &Value| service["status"]["runningCount"] == 1;
            let found = scene.until("EcsService", &name, "has a running task", runs).await;
            let deployments = found["status"]["deployments"].as_array().unwrap();
            let started: Vec<_> = deployments.iter().map(|it| text(&it["taskDefinition"])).collect();
            assert_eq!(started, [format!("arn:aws:ecs:us-east-1:123456789012:task-definition/web:{number}")]);
            scene.delete("EcsService", &name).await;
        }
    });
}

#[test]
fn a_service_of_which_nothing_is_known_yet_does_not_pass_for_one_that_is_ready() {
    together(async |scene| {
        scene.make_cluster().await;
        // That what it names is not there yet is not told at once.
        scene.apply("EcsService", "web", service(1)).await;
        let status = scene.get("EcsService", "web").await["status"].clone();
        assert_eq!((&status["observedGeneration"], &status["conditions"]), (&json!(-1), &Value::Null));
        scene.define("nginx:1").await;
        scene.steady("web", "web:1", 1).await;
    });
}

#[test]
fn a_deleted_service_drains_and_its_objects_go_with_it() {
    together(async |scene| {
        scene.run_web(2).await;
        // A Pod that does not go: somebody holds it.
        let pod = scene.names("Pod").await[0].clone();
        scene.merge("Pod", &pod, json!({"metadata": {"finalizers": ["example.com/hold"]}})).await;
        scene.delete("EcsService", "web").await;
        let draining = scene
            .until("EcsService", "web", "is DRAINING with one task left", |service| {
                service["status"]["status"] == "DRAINING"
                    && text(&condition(service, "Ready")["message"]).contains(" 1 tasks are still there")
            })
            .await;
        assert_eq!((&draining["status"]["desiredCount"], &draining["status"]["runningCount"]), (&json!(0), &json!(0)));
        scene.until_gone("Deployment", "web").await;
        assert!(
            !scene.get("NetworkPolicy", "ecs-security-group-web").await.is_null(),
            "the rules hold until the last task is gone"
        );
        scene.merge("Pod", &pod, json!({"metadata": {"finalizers": null}})).await;
        scene.until_gone("EcsService", "web").await;
        for (kind, name) in [
            ("Service", "web"),
            ("EcsSecurityGroup", "web"),
            ("NetworkPolicy", "ecs-security-group-web"),
            ("ControllerRevision", "web-1"),
        ] {
            scene.until_gone(kind, name).await;
        }
    });
}

#[test]
fn a_service_that_is_deleted_and_made_again_at_once_starts_afresh() {
    together(async |scene| {
        let first = scene.run_web(1).await;
        for _ in 0..3 {
            scene.delete("EcsService", "web").await;
            scene.until_gone("EcsService", "web").await;
            scene.apply("EcsService", "web", service(1)).await;
            let again = scene.steady("web", "web:1", 1).await;
            assert_ne!(again["metadata"]["uid"], first["metadata"]["uid"]);
            let group = scene.get("EcsSecurityGroup", "web").await;
            assert_eq!(
                group["metadata"]["ownerReferences"][0]["uid"], again["metadata"]["uid"],
                "tasks must not run with a group that is about to go"
            );
            let policy = scene.get("NetworkPolicy", "ecs-security-group-web").await;
            assert_eq!(policy["metadata"]["ownerReferences"][0]["uid"], group["metadata"]["uid"]);
            let made = |object: &Value| text(&object["metadata"]["creationTimestamp"]);
            assert!(made(&policy) <= made(&scene.list("Pod").await[0]));
            assert!(is_steady(&again, "web:1", 1));
        }
        let stalls: Vec<_> =
            scene.events("web").await.into_iter().filter(|note| note.contains("belongs to somebody else")).collect();
        assert_eq!(stalls, Vec::<String>::new(), "the remains of an earlier service are nobody else's");
    });
}
