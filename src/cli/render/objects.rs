//! The operator's kinds -> Kubernetes objects, by the same functions as the controllers use, for clusters and deployments
//! that begin now.

use k8s_openapi::api::core::v1::Pod;
use kube::{Resource, api::ObjectMeta};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    api::{
        cluster::{EcsCluster, EcsClusterSpec},
        register_task_definition::NetworkMode,
        security_group::{EcsSecurityGroup, EcsSecurityGroupSpec},
        service::{EcsService, EcsServiceSpec},
    },
    ecs::{
        self,
        field_outcomes::{self, Circumstances},
        service::Service,
        task_definition::{self, TaskDefinition},
        task_definition_reference::TaskDefinitionReference,
        violation::Violation,
    },
    translate::{
        deployment::{Workload as DeploymentWorkload, deployment},
        kubernetes_service::cluster_ip_service,
        names, namespace, network_policy,
        owner::Owner,
        pod_template::{TaskTemplate, pod_template},
        security_group,
        snapshot::{Snapshot, Trigger},
        task_pod::{TaskPod, task_pod},
    },
};

use super::{
    Rendering, Surroundings, Workload,
    input::{Content, Input},
};

/// How many tasks a service has that was made up for a task definition.
const DESIRED_COUNT: i32 = 2;

/// A task definition that can run.
struct Registered<'a> {
    input: &'a Input,
    checked: TaskDefinition,
    revision: i64,
}

pub(super) fn render(inputs: &[Input], surroundings: &Surroundings, rendering: &mut Rendering) {
    let registered = register_all(inputs, surroundings, rendering);
    for input in inputs {
        match &input.content {
            Content::Cluster(spec) => cluster(input, spec, rendering),
            Content::SecurityGroup(spec) => group(input, spec, surroundings, rendering),
            Content::Service(spec) => named_service(input, spec, &registered, surroundings, rendering),
            Content::TaskDefinition { .. } => {}
        }
    }
    for each in registered.iter().filter(|each| !is_run(&each.checked.family, inputs)) {
        match surroundings.workload {
            Workload::Service => made_up_service(each, surroundings, rendering),
            Workload::Task => rendering.objects.push(typed(&pod(each, surroundings))),
        }
    }
}

/// Checks all task definitions. A revision belongs to the first one that claims it, as a family does in a cluster.
fn register_all<'a>(
    inputs: &'a [Input],
    surroundings: &Surroundings,
    rendering: &mut Rendering,
) -> Vec<Registered<'a>> {
    let mut registered: Vec<Registered<'_>> = Vec::new();
    for input in inputs {
        let Some(new) = register(input, inputs, surroundings, rendering) else { continue };
        let is_twin = |old: &Registered<'_>| old.checked.family == new.checked.family && old.revision == new.revision;
        if registered.iter().any(is_twin) {
            let message = format!(
                "{}:{} is in another document as well, and a family belongs to one TaskDefinition: leave one of them out.",
                new.checked.family, new.revision
            );
            rendering.refuse(&input.label(), "family", message);
        } else {
            registered.push(new);
        }
    }
    registered
}

/// Checks a task definition and reports on it, as what runs it.
fn register<'a>(
    input: &'a Input,
    inputs: &[Input],
    surroundings: &Surroundings,
    rendering: &mut Rendering,
) -> Option<Registered<'a>> {
    let Content::TaskDefinition { definition, revision } = &input.content else { return None };
    let checked = task_definition::check(definition, &input.name);
    let family = definition.family.as_deref().unwrap_or(&input.name);
    let workload = if is_run(family, inputs) { Workload::Service } else { surroundings.workload };
    let namespace = namespace_of(input, surroundings);
    let circumstances =
        Circumstances { workload: Some(workload.into()), version: surroundings.version, namespace: &namespace };
    let checked_or_not = checked.as_ref().map_err(Vec::as_slice);
    rendering.tell(&input.label(), field_outcomes::of_task_definition(definition, checked_or_not, circumstances));
    checked.ok().map(|checked| Registered { input, checked, revision: *revision })
}

/// Whether a service of the files runs it.
fn is_run(family: &str, inputs: &[Input]) -> bool {
    inputs.iter().any(|input| match &input.content {
        Content::Service(spec) => {
            TaskDefinitionReference::parse(&spec.task_definition).is_ok_and(|reference| reference.family == family)
        }
        _ => false,
    })
}

fn cluster(input: &Input, spec: &EcsClusterSpec, rendering: &mut Rendering) {
    let object = input.label();
    rendering.tell(&object, field_outcomes::of_cluster(spec));
    let cluster_name = spec.cluster_name.as_deref().unwrap_or(&input.name);
    if let Err(violation) = ecs::cluster::check_name(cluster_name) {
        return refuse(&object, &[violation], rendering);
    }
    let cluster = EcsCluster { metadata: metadata(&input.name, None), spec: spec.clone(), status: None };
    let kubernetes = spec.kubernetes.clone().unwrap_or_default();
    let name = kubernetes.namespace.unwrap_or_else(|| names::namespace(cluster_name));
    let made = namespace::made(&name, &input.name, &Owner::of(&cluster), kubernetes.pod_security.unwrap_or_default());
    rendering.objects.push(typed(&made));
}

fn group(input: &Input, spec: &EcsSecurityGroupSpec, surroundings: &Surroundings, rendering: &mut Rendering) {
    let namespace = namespace_of(input, surroundings);
    let group =
        EcsSecurityGroup { metadata: metadata(&input.name, Some(&namespace)), spec: spec.clone(), status: None };
    policy_of(&group, &namespace, &input.label(), rendering);
}

fn policy_of(group: &EcsSecurityGroup, namespace: &str, object: &str, rendering: &mut Rendering) {
    let name = group.metadata.name.clone().unwrap_or_default();
    match ecs::security_group::check(&group.spec) {
        Ok(checked) => {
            rendering.objects.push(typed(&network_policy::of_group(namespace, &name, &Owner::of(group), &checked)));
        }
        Err(violations) => refuse(object, &violations, rendering),
    }
}

fn refuse(object: &str, violations: &[Violation], rendering: &mut Rendering) {
    for violation in violations {
        let path = violation.path.strip_prefix("spec.").unwrap_or(&violation.path);
        rendering.refuse(object, path, format!("{} [{}]", violation.message, violation.rule));
    }
}

fn named_service(
    input: &Input,
    spec: &EcsServiceSpec,
    registered: &[Registered<'_>],
    surroundings: &Surroundings,
    rendering: &mut Rendering,
) {
    let object = input.label();
    rendering.tell(&object, field_outcomes::of_service(spec));
    let service = match ecs::service::check(spec, &input.name) {
        Ok(service) => service,
        Err(violations) => return refuse(&object, &violations, rendering),
    };
    let reference = &service.task_definition;
    let matches = |each: &&Registered<'_>| {
        each.checked.family == reference.family && reference.revision.is_none_or(|revision| revision == each.revision)
    };
    if let Some(found) = registered.iter().filter(matches).max_by_key(|each| each.revision) {
        run(input, spec, &service, found, surroundings, rendering);
    } else {
        let message = format!(
            "TaskDefinition not found. {reference} is in none of the files, or is refused: give its file as well."
        );
        rendering.refuse(&object, "taskDefinition", message);
    }
}

fn made_up_service(registered: &Registered<'_>, surroundings: &Surroundings, rendering: &mut Rendering) {
    let spec = EcsServiceSpec {
        task_definition: format!("{}:{}", registered.checked.family, registered.revision),
        desired_count: Some(DESIRED_COUNT),
        ..Default::default()
    };
    match ecs::service::check(&spec, &registered.checked.family) {
        Ok(service) => {
            let input = Input { name: names::object(&registered.checked.family), ..registered.input.clone() };
            run(&input, &spec, &service, registered, surroundings, rendering);
        }
        Err(violations) => refuse(&registered.input.label(), &violations, rendering),
    }
}

fn run(
    input: &Input,
    spec: &EcsServiceSpec,
    service: &Service,
    registered: &Registered<'_>,
    surroundings: &Surroundings,
    rendering: &mut Rendering,
) {
    let definition = &registered.checked;
    if let Err(violation) = ecs::service::check_network(service, definition.network_mode) {
        return refuse(&input.label(), &[violation], rendering);
    }
    let namespace = namespace_of(input, surroundings);
    let cluster_object = spec.cluster.as_deref().map_or("default", ecs::arn::last_segment);
    let object = EcsService { metadata: metadata(&input.name, Some(&namespace)), spec: spec.clone(), status: None };
    let owner = Owner::of(&object);
    let own_group = [names::workload(&input.name)];
    let groups: &[String] = match definition.network_mode {
        Some(NetworkMode::Host | NetworkMode::None) => &[],
        _ if service.security_groups.is_empty() => &own_group,
        _ => &service.security_groups,
    };
    let ports = definition.ports();
    if groups == own_group {
        let group = security_group::of_service(&namespace, cluster_object, &input.name, &owner, &ports);
        policy_of(&group, &namespace, &input.label(), rendering);
    }
    if definition.network_mode == Some(NetworkMode::None) {
        rendering.objects.push(typed(&network_policy::isolation(&namespace, &input.name, &owner)));
    }
    let address = cluster_ip_service(&namespace, cluster_object, &input.name, &owner, &ports);
    rendering.objects.extend(address.map(|address| typed(&address)));
    let template = pod_template(TaskTemplate {
        arns: &surroundings.arns,
        cluster_object,
        service_object: &input.name,
        task_definition: definition,
        revision: registered.revision,
        deployment: 1,
        security_groups: groups,
        pre_stop_seconds: service.pre_stop_seconds,
        version: surroundings.version,
    });
    let snapshot = Snapshot::new(1, Trigger::default(), definition, &template);
    let desired_count = service.desired_count.unwrap_or(1);
    let workload = DeploymentWorkload {
        namespace: &namespace,
        cluster_object,
        service_object: &input.name,
        owner: &owner,
        desired_count,
        limits: service.percentages.limits(desired_count),
        min_ready_seconds: service.min_ready_seconds,
    };
    rendering.objects.push(of_kind("apps/v1", "Deployment", deployment(workload, &snapshot)));
}

fn pod(registered: &Registered<'_>, surroundings: &Surroundings) -> Pod {
    task_pod(TaskPod {
        name: &names::object(&registered.checked.family),
        namespace: &namespace_of(registered.input, surroundings),
        arns: &surroundings.arns,
        cluster_object: "default",
        task_definition: &registered.checked,
        revision: registered.revision,
        group: &format!("family:{}", registered.checked.family),
        security_groups: &[],
        version: surroundings.version,
    })
}

fn namespace_of(input: &Input, surroundings: &Surroundings) -> String {
    input.namespace.clone().unwrap_or_else(|| surroundings.namespace.clone())
}

fn metadata(name: &str, namespace: Option<&str>) -> ObjectMeta {
    ObjectMeta { name: Some(name.into()), namespace: namespace.map(str::to_owned), ..Default::default() }
}

/// An object with its kind, in the form of `kubectl get -o yaml`.
fn typed<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Value {
    let value = serde_json::to_value(object).unwrap_or_default();
    of_kind(&K::api_version(&()), &K::kind(&()), value)
}

/// Nothing owns what was never stored.
fn of_kind(api_version: &str, kind: &str, mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("ownerReferences");
    }
    let mut whole = json!({ "apiVersion": api_version, "kind": kind });
    if let (Some(whole), Value::Object(members)) = (whole.as_object_mut(), object) {
        whole.extend(members);
    }
    whole
}
