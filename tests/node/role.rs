//! Roles on the real node: what the token of a task may do.

use serde_json::{Value, json};

use super::{
    cluster::{kubectl, tried},
    scene::{Scene, obedient, text},
    task::script,
};

const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Runs a task to its end; its exit code tells what it found.
fn run(scene: &Scene, name: &str, spec: &Value) -> Value {
    scene.apply("EcsTask", name, spec);
    scene.until_status(name, "STOPPED")["status"].clone()
}

/// Whether the bearer of a token, who has nothing else, gets something.
fn gets(token: &str, namespace: &str, what: &[&str]) -> bool {
    let server = kubectl(&["config", "view", "-o", "jsonpath={.clusters[0].cluster.server}"]);
    let bearer = ["--kubeconfig=/dev/null", "--insecure-skip-tls-verify", "--server", &server, "--token", token];
    tried("kubectl", &[&bearer[..], &["-n", namespace, "get"], what].concat()).is_ok()
}

/// What a ServiceAccount may do.
fn rights(scene: &Scene, account: &str) -> String {
    let user = format!("--as=system:serviceaccount:{}:{account}", scene.namespace);
    scene.kubectl(&["auth", "can-i", "--list", "--no-headers", &user])
}

#[test]
fn the_token_of_a_task_role_may_do_what_the_role_may_and_nothing_else() {
    let scene = Scene::new();
    for name in ["granted", "other"] {
        scene.kubectl(&["create", "configmap", name, "--from-literal=a=b"]);
    }
    scene.kubectl(&["create", "secret", "generic", "granted", "--from-literal=a=b"]);
    scene.apply("EcsRole", "app", &json!({"serviceAccount": {"automountToken": true}}));
    let account = format!("{}:ecs-role-app", scene.namespace);
    scene.kubectl(&["create", "role", "reads", "--verb=get", "--resource=configmaps", "--resource-name=granted"]);
    scene.kubectl(&["create", "rolebinding", "reads", "--role=reads", "--serviceaccount", &account]);
    scene.define("app", &[obedient()]);
    scene.apply("EcsTask", "job", &json!({"taskDefinition": "app", "overrides": {"taskRoleArn": "app"}}));
    scene.until_status("job", "RUNNING");
    let token = scene.kubectl(&["exec", "job", "--", "cat", TOKEN]);
    let gets = |what: &[&str]| gets(&token, &scene.namespace, what);
    assert!(gets(&["configmap", "granted"]));
    for what in [["configmap", "other"], ["secret", "granted"]] {
        assert!(!gets(&what), "{what:?}");
    }
    assert!(!gets(&["configmaps"]) && !gets(&["pods"]));
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
    assert_eq!(rights(&scene, "ecs-no-role"), rights(&scene, "nobody"), "no more than each ServiceAccount may");
}

#[test]
fn a_task_gets_the_secret_that_its_execution_role_lists() {
    let scene = Scene::new();
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbC123";
    let listed = json!([
        {"valueFrom": secret, "secretKeyRef": {"name": "database"}},
        {"valueFrom": format!("{secret}:password::"), "secretKeyRef": {"name": "vault", "key": "pw"}},
    ]);
    scene.apply("EcsRole", "reader", &json!({ "secrets": listed }));
    scene.kubectl(&["create", "secret", "generic", "database", "--from-literal=user=app"]);
    scene.kubectl(&["create", "secret", "generic", "vault", "--from-literal=pw=hidden"]);
    let secrets = ["user", "password"].map(|key| json!({"name": key, "valueFrom": format!("{secret}:{key}::")}));
    let app = script("app", "test \"$user $password\" = 'app hidden'", &json!({ "secrets": secrets }));
    let spec = json!({"containerDefinitions": [app], "executionRoleArn": "reader"});
    scene.apply("TaskDefinition", "app", &spec);
    scene.apply("EcsTask", "job", &json!({"taskDefinition": "app"}));
    let lacks = |secret: &'static str| {
        move |task: &Value| {
            let told = task["status"]["conditions"].to_string();
            told.contains(&format!("the execution role reader may not get the Secret {secret}."))
        }
    };
    scene.until("ecstask", "job", "lacks the first", lacks("database"));
    let grant = |secret: &str| {
        let account = format!("{}:ecs-role-reader", scene.namespace);
        let named = format!("--resource-name={secret}");
        scene.kubectl(&["create", "role", secret, "--verb=get", "--resource=secrets", &named]);
        scene.kubectl(&["create", "rolebinding", secret, "--role", secret, "--serviceaccount", &account]);
    };
    grant("database");
    scene.until("ecstask", "job", "lacks the other one", lacks("vault"));
    grant("vault");
    let ended = scene.until_status("job", "STOPPED");
    assert_eq!(ended["status"]["exitCodes"], "app=0", "{}", ended["status"]);
}
