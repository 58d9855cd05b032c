//! Roles on the real node: what the token of a task may do.

use serde_json::{Value, json};

use super::{
    scene::{Scene, text},
    task::script,
};

/// Runs a task to its end; its exit code tells what it found.
fn run(scene: &Scene, name: &str, spec: &Value) -> Value {
    scene.apply("EcsTask", name, spec);
    let ended = scene.until("ecstask", name, "is STOPPED", |task| task["status"]["lastStatus"] == "STOPPED");
    ended["status"].clone()
}

const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Reads objects of the Namespace with the token of the task: one that its role may read, one that it may not.
fn reader(namespace: &str) -> String {
    let api = "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1";
    format!(
        "get() {{ wget -q -O- --header \"Authorization: Bearer $(cat {TOKEN})\" {api}/namespaces/{namespace}/$1; }}; \
         get configmaps/granted || exit 2; ! get configmaps/other || exit 3; ! get secrets || exit 4"
    )
}

#[test]
fn the_token_of_a_task_role_may_do_what_the_role_may_and_nothing_else() {
    let scene = Scene::new();
    for name in ["granted", "other"] {
        scene.kubectl(&["create", "configmap", name, "--from-literal=a=it-is-granted"]);
    }
    scene.apply("EcsRole", "app", &json!({"serviceAccount": {"automountToken": true}}));
    let account = format!("{}:ecs-role-app", scene.namespace);
    scene.kubectl(&["create", "role", "reads", "--verb=get", "--resource=configmaps", "--resource-name=granted"]);
    scene.kubectl(&["create", "rolebinding", "reads", "--role=reads", "--serviceaccount", &account]);
    scene.define("app", &[script("app", &reader(&scene.namespace), &json!({}))]);
    let status = run(&scene, "job", &json!({"taskDefinition": "app", "overrides": {"taskRoleArn": "app"}}));
    assert_eq!(status["exitCodes"], "app=0", "{status}\n{}", scene.kubectl(&["logs", "job"]));
    assert!(scene.kubectl(&["logs", "job"]).contains("it-is-granted"));
}

#[test]
fn only_a_role_that_says_so_gives_a_task_a_token() {
    let scene = Scene::new();
    scene.apply("EcsRole", "silent", &json!({}));
    scene.define("app", &[script("app", &format!("! test -e {TOKEN}"), &json!({}))]);
    for (name, overrides) in [("without", json!({})), ("silent", json!({"taskRoleArn": "silent"}))] {
        let status = run(&scene, name, &json!({"taskDefinition": "app", "overrides": overrides}));
        assert_eq!(status["exitCodes"], "app=0", "{name}: {status}");
    }
    let account = |pod: &str| scene.get("pod", pod)["spec"]["serviceAccountName"].clone();
    assert_eq!((text(&account("without")), text(&account("silent"))), ("ecs-no-role", "ecs-role-silent"));
    let may = format!("--as=system:serviceaccount:{}:ecs-no-role", scene.namespace);
    let rights = scene.kubectl(&["auth", "can-i", "--list", "--no-headers", &may]);
    let resources = |line: &&str| !line.starts_with(['[', ' ']) && !line.starts_with("self");
    assert_eq!(rights.lines().filter(resources).collect::<Vec<_>>(), Vec::<&str>::new());
}
