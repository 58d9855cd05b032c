//! Roles: their ServiceAccounts, and the tasks that have them.

use serde_json::{Value, json};

use crate::{
    scene::{Scene, definition, document, messages, service, text},
    turns::together,
};

const ACCOUNT: &str = "ecs-role-app";

async fn define_with_role(scene: &Scene) {
    let mut with_role = definition("nginx:1", &[]);
    with_role["taskRoleArn"] = json!("arn:aws:iam::123456789012:role/service/app");
    with_role["executionRoleArn"] = json!("puller");
    scene.apply("TaskDefinition", "web", with_role).await;
}

fn pod_spec(deployment: &Value) -> Value {
    deployment["spec"]["template"]["spec"].clone()
}

#[test]
fn a_role_becomes_a_service_account_that_follows_it() {
    together(async |scene| {
        scene.make_cluster().await;
        let spec = json!({"serviceAccount": {"annotations": {"example.com/role": "a"}}, "imagePullSecrets": [{"name": "registry"}]});
        scene.apply("EcsRole", "app", spec).await;
        scene.condition("EcsRole", "app", "Ready", "True", "Available").await;
        let role = scene.get("EcsRole", "app").await;
        assert_eq!(role["status"]["serviceAccount"], ACCOUNT);
        assert!(text(&role["status"]["roleArn"]).ends_with(":role/app"), "{role}");
        let account = scene.get("ServiceAccount", ACCOUNT).await;
        assert_eq!(account["automountServiceAccountToken"], false);
        assert_eq!(account["imagePullSecrets"], json!([{"name": "registry"}]));
        let spec = json!({"serviceAccount": {"annotations": {"example.com/role": "b"}, "automountToken": true}});
        scene.apply("EcsRole", "app", spec).await;
        let account = scene
            .until("ServiceAccount", ACCOUNT, "is as the role says", |account| {
                account["automountServiceAccountToken"] == true
            })
            .await;
        assert_eq!(account["metadata"]["annotations"]["example.com/role"], "b");
        assert_eq!(account["imagePullSecrets"], Value::Null);
        scene.delete("EcsRole", "app").await;
        scene.until_gone("EcsRole", "app").await;
        scene.until_gone("ServiceAccount", ACCOUNT).await;
    });
}

#[test]
fn a_service_account_of_somebody_else_is_left_alone() {
    together(async |scene| {
        scene.make_cluster().await;
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}, "automountServiceAccountToken": true,
        });
        scene.create(&account).await;
        scene.apply("EcsRole", "app", json!({})).await;
        let told = scene.condition("EcsRole", "app", "Ready", "False", "ForeignObject").await;
        assert!(text(&told["message"]).contains(ACCOUNT), "{told}");
        assert_eq!(scene.get("ServiceAccount", ACCOUNT).await["automountServiceAccountToken"], true);
        scene.delete("ServiceAccount", ACCOUNT).await;
        scene.condition("EcsRole", "app", "Ready", "True", "Available").await;
    });
}

#[test]
fn of_two_roles_of_one_name_the_older_has_it() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.apply("EcsRole", "first", json!({"roleName": "app"})).await;
        scene.condition("EcsRole", "first", "Ready", "True", "Available").await;
        scene.apply("EcsRole", "app", json!({})).await;
        let told = scene.condition("EcsRole", "app", "Accepted", "False", "RoleTaken").await;
        assert!(text(&told["message"]).starts_with("The role app is EcsRole first, which is older"), "{told}");
        // Whoever names the role has the first, however many want its name.
        for number in 0..8 {
            scene.apply("EcsRole", &format!("late-{number}"), json!({"roleName": "app"})).await;
        }
        scene.condition("EcsRole", "late-7", "Accepted", "False", "RoleTaken").await;
        scene.define("nginx:1").await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web", "overrides": {"taskRoleArn": "app"}})).await;
        scene.until("EcsTask", "job", "runs", |task| task["status"]["lastStatus"] == "RUNNING").await;
        scene.delete("EcsTask", "job").await;
        scene.until_gone("Pod", "job").await;
        for number in 0..8 {
            scene.delete("EcsRole", &format!("late-{number}")).await;
        }
        scene.delete("EcsRole", "first").await;
        scene.condition("EcsRole", "app", "Ready", "True", "Available").await;
    });
}

#[test]
fn a_service_waits_for_its_task_role_and_keeps_it() {
    together(async |scene| {
        scene.make_cluster().await;
        define_with_role(scene).await;
        scene.apply("EcsService", "web", service(1)).await;
        let refused = scene.condition("EcsService", "web", "Accepted", "False", "RoleNotFound").await;
        assert!(text(&refused["message"]).starts_with("Role is not valid: 'app' does not exist."), "{refused}");
        assert!(scene.get("Deployment", "web").await.is_null());
        scene.apply("EcsRole", "puller", json!({"imagePullSecrets": [{"name": "registry"}]})).await;
        scene.condition("EcsRole", "puller", "Ready", "True", "Available").await;
        scene.apply("EcsRole", "app", json!({})).await;
        scene.steady("web", "web:1", 1).await;
        let spec = pod_spec(&scene.get("Deployment", "web").await);
        assert_eq!(spec["serviceAccountName"], ACCOUNT);
        assert_eq!(spec["automountServiceAccountToken"], Value::Null, "the role says whether there is a token");
        assert_eq!(spec["imagePullSecrets"], json!([{"name": "registry"}]));

        for role in ["app", "puller"] {
            scene.delete("EcsRole", role).await;
            let waits = scene.condition("EcsRole", role, "Ready", "False", "DeletionWaits").await;
            assert!(text(&waits["message"]).contains("until EcsService web is gone"), "{waits}");
        }
        scene.delete("EcsService", "web").await;
        for role in ["app", "puller"] {
            scene.until_gone("EcsRole", role).await;
        }
    });
}

#[test]
fn a_task_without_a_role_runs_as_one_that_may_do_nothing() {
    together(async |scene| {
        scene.run_web(1).await;
        let spec = pod_spec(&scene.get("Deployment", "web").await);
        assert_eq!(
            (&spec["serviceAccountName"], &spec["automountServiceAccountToken"]),
            (&json!("ecs-no-role"), &json!(false))
        );
        assert_eq!(scene.get("ServiceAccount", "ecs-no-role").await["automountServiceAccountToken"], false);
        scene.delete("ServiceAccount", "ecs-no-role").await;
        scene.until("ServiceAccount", "ecs-no-role", "is there again", |account| !account.is_null()).await;
    });
}

#[test]
fn a_task_by_itself_waits_for_the_role_that_its_overrides_name() {
    together(async |scene| {
        scene.make_cluster().await;
        scene.define("nginx:1").await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web", "overrides": {"taskRoleArn": "app"}})).await;
        scene.condition("EcsTask", "job", "Accepted", "False", "RoleNotFound").await;
        scene.apply("EcsRole", "app", json!({})).await;
        scene.until("EcsTask", "job", "runs", |task| task["status"]["lastStatus"] == "RUNNING").await;
        assert_eq!(scene.get("Pod", "job").await["spec"]["serviceAccountName"], ACCOUNT);
    });
}

async fn define_with_secret(scene: &Scene, image: &str) {
    let mut definition = definition(image, &[]);
    definition["executionRoleArn"] = json!("puller");
    definition["containerDefinitions"][0]["secrets"] = json!([{"name": "DB", "valueFrom": "db"}]);
    scene.apply("TaskDefinition", "web", definition).await;
}

async fn grant(scene: &Scene, role: &str, secret: &str) {
    let rules = json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get"]}]);
    scene.create(&document("Role", role, &json!({ "rules": rules }))).await;
    let subject = json!({"kind": "ServiceAccount", "name": role, "namespace": scene.namespace});
    let role_ref = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role});
    scene.create(&document("RoleBinding", role, &json!({"subjects": [subject], "roleRef": role_ref}))).await;
}

#[test]
fn tasks_start_when_their_execution_role_may_get_the_secrets_that_they_name() {
    together(async |scene| {
        scene.make_cluster().await;
        define_with_secret(scene, "nginx:1").await;
        scene.apply("EcsService", "web", service(1)).await;
        scene.apply("EcsTask", "job", json!({"taskDefinition": "web"})).await;
        for (kind, name) in [("EcsService", "web"), ("EcsTask", "job")] {
            let refused = scene.condition(kind, name, "Accepted", "False", "RoleNotFound").await;
            assert!(text(&refused["message"]).contains("correct executionRoleArn"), "{refused}");
        }
        scene.apply("EcsRole", "puller", json!({})).await;
        let denied =
            "ResourceInitializationError: the execution role puller may not get the Secret db. Grant it: kubectl";
        for (kind, name) in [("EcsService", "web"), ("EcsTask", "job")] {
            let told = scene.condition(kind, name, "Stalled", "True", "ResourceInitializationError").await;
            assert!(text(&told["message"]).starts_with(denied), "{told}");
        }
        let is_told = |event: &String| event.contains(&format!("was unable to start a task. Reason: {denied}"));
        assert!(messages(&scene.get("EcsService", "web").await).iter().any(is_told));
        assert!(scene.get("Deployment", "web").await.is_null() && scene.get("Pod", "job").await.is_null());

        grant(scene, "ecs-role-puller", "db").await;
        scene.steady("web", "web:1", 1).await;
        scene.until("EcsTask", "job", "runs", |task| task["status"]["lastStatus"] == "RUNNING").await;
        scene.condition("EcsTask", "job", "Stalled", "False", "Accepted").await;
        // What runs goes on without the right, and the next revision waits for it.
        scene.delete("RoleBinding", "ecs-role-puller").await;
        define_with_secret(scene, "nginx:2").await;
        let waits = scene.condition("EcsService", "web", "Stalled", "True", "ResourceInitializationError").await;
        assert!(text(&waits["message"]).starts_with(denied), "{waits}");
        let web = scene.get("EcsService", "web").await;
        assert_eq!((&web["status"]["runningCount"], &web["status"]["pendingCount"]), (&json!(1), &json!(0)));
    });
}
