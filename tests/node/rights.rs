//! What plain users may do on the real cluster, with the chart's admission policies: name a role or a task definition only with
//! the right to it.

use serde_json::{Value, json};

use super::{
    cluster::tried,
    scene::{Scene, file_of, obedient},
};

const ARN: &str = "arn:aws:iam::123456789012:role/teams/app";

/// A user of a Namespace, who is nobody elsewhere.
struct User<'a> {
    scene: &'a Scene,
    name: &'static str,
}

impl<'a> User<'a> {
    /// With Kubernetes' own role `edit`.
    fn editor(scene: &'a Scene, name: &'static str) -> Self {
        scene.kubectl(&["create", "rolebinding", name, "--clusterrole=edit", "--user", name]);
        Self { scene, name }
    }

    /// Who may write the objects, and nothing else.
    fn writer(scene: &'a Scene, name: &'static str) -> Self {
        let resources = "--resource=ecsservices.ecs-operator.dev,ecstasks.ecs-operator.dev";
        scene.kubectl(&["create", "role", name, "--verb=create,get,patch,update", resources]);
        scene.kubectl(&["create", "rolebinding", name, "--role", name, "--user", name]);
        Self { scene, name }
    }

    /// Gets one verb on one object.
    fn may(self, verb: &str, resource: &str, object: &str) -> Self {
        let role = format!("{}-{verb}-{object}", self.name);
        let (verb, named) = (format!("--verb={verb}"), format!("--resource-name={object}"));
        let resource = format!("--resource={resource}.ecs-operator.dev");
        self.scene.kubectl(&["create", "role", &role, &verb, &resource, &named]);
        self.scene.kubectl(&["create", "rolebinding", &role, "--role", &role, "--user", self.name]);
        self
    }

    /// Whether an object can be made, or why not; none is.
    fn creates(&self, kind: &str, spec: &Value) -> Result<(), String> {
        let metadata = json!({"generateName": "any-"});
        let document =
            json!({"apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec});
        let file = file_of(&document);
        let path = file.path().to_str().unwrap();
        in_scene(self.scene, &["create", "--dry-run=server", "--as", self.name, "-f", path])
    }

    /// Whether an object can be changed, or why not.
    fn patches(&self, object: &str, patch: &Value) -> Result<(), String> {
        let patch = patch.to_string();
        in_scene(self.scene, &["patch", object, "--dry-run=server", "--as", self.name, "--type=merge", "-p", &patch])
    }
}

/// Runs kubectl in the Namespace of a scene; what it says when it fails.
fn in_scene(scene: &Scene, arguments: &[&str]) -> Result<(), String> {
    tried("kubectl", &[&["-n", &scene.namespace], arguments].concat()).map(drop)
}

#[track_caller]
fn assert_refused(result: Result<(), String>, what: &str) {
    let told = result.expect_err(what);
    assert!(told.contains("AccessDeniedException") && told.contains(what), "{what}: {told}");
}

fn definition(role: &Value) -> Value {
    let mut definition = json!({"containerDefinitions": [obedient()]});
    definition.as_object_mut().unwrap().extend(role.as_object().unwrap().clone());
    definition
}

#[test]
fn naming_a_role_needs_the_right_to_pass_it() {
    let scene = Scene::new();
    let editor = User::editor(&scene, "editor");
    let passer = User::editor(&scene, "passer").may("pass", "ecsroles", "app");
    let refusal = |member: &str| format!("is not authorized to perform iam:PassRole on the role app ({member})");
    assert_eq!(editor.creates("TaskDefinition", &definition(&json!({}))), Ok(()), "without a role");
    for member in ["taskRoleArn", "executionRoleArn"] {
        for role in ["app", ARN] {
            let named = definition(&json!({ member: role }));
            assert_refused(editor.creates("TaskDefinition", &named), &refusal(member));
            assert_eq!(passer.creates("TaskDefinition", &named), Ok(()), "{member} {role}");
            let task = json!({"taskDefinition": "app", "overrides": { member: role }});
            assert_refused(editor.creates("EcsTask", &task), &refusal(member));
            assert_eq!(passer.creates("EcsTask", &task), Ok(()), "{member} {role}");
        }
        let both = definition(&json!({"taskRoleArn": "app", "executionRoleArn": "app", member: "other"}));
        assert_refused(passer.creates("TaskDefinition", &both), "the verb pass on ecsroles/other in Namespace");
    }
}

#[test]
fn what_runs_under_a_role_is_edited_by_who_may_pass_it() {
    let scene = Scene::new();
    let editor = User::editor(&scene, "editor");
    let passer = User::editor(&scene, "passer").may("pass", "ecsroles", "app");
    scene.apply("TaskDefinition", "app", &definition(&json!({"taskRoleArn": "app"})));
    let edited = json!({"spec": {"containerDefinitions": [{"name": "app", "image": "other"}]}});
    assert_refused(editor.patches("taskdefinition/app", &edited), "iam:PassRole on the role app");
    assert_eq!(passer.patches("taskdefinition/app", &edited), Ok(()));
    let without = json!({"spec": {"taskRoleArn": null}});
    assert_eq!(editor.patches("taskdefinition/app", &without), Ok(()), "it runs under no role then");
    let labelled = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(editor.patches("taskdefinition/app", &labelled), Ok(()), "no change of what runs");
}

#[test]
fn naming_a_task_definition_needs_the_right_to_run_it() {
    let scene = Scene::new();
    let editor = User::editor(&scene, "editor");
    let writer = User::writer(&scene, "writer");
    let runner = User::writer(&scene, "runner").may("run", "taskdefinitions", "app");
    for kind in ["EcsService", "EcsTask"] {
        for name in ["app", "app:1", "arn:aws:ecs:us-east-1:123456789012:task-definition/app:1"] {
            let spec = json!({ "taskDefinition": name });
            assert_refused(writer.creates(kind, &spec), "ecs:RunTask on the task definition app.");
            assert_eq!(runner.creates(kind, &spec), Ok(()), "{kind} {name}");
            assert_eq!(editor.creates(kind, &spec), Ok(()), "{kind} {name}");
        }
        let other = json!({"taskDefinition": "other:1"});
        assert_refused(runner.creates(kind, &other), "the verb run on taskdefinitions/other in Namespace");
    }
    scene.apply("EcsService", "app", &json!({"taskDefinition": "app", "desiredCount": 0}));
    let scaled = json!({"spec": {"desiredCount": 1}});
    assert_refused(writer.patches("ecsservice/app", &scaled), "ecs:RunTask");
    assert_eq!(runner.patches("ecsservice/app", &scaled), Ok(()));
    let labelled = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(writer.patches("ecsservice/app", &labelled), Ok(()));
    let scale = ["scale", "ecsservice/app", "--replicas=0", "--as", "editor"];
    assert_eq!(in_scene(&scene, &scale), Ok(()));
}
