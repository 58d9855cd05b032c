//! The operator's kinds -> Kubernetes objects, by the same functions as the controllers use, for clusters and deployments
//! that begin now.

use kube::{Resource, api::ObjectMeta};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    api::{
        cluster::{EcsCluster, EcsClusterSpec},
        field_report::Outcome,
        security_group::{EcsSecurityGroup, EcsSecurityGroupSpec},
    },
    ecs::{
        self,
        field_outcomes::{self, Circumstances},
        security_group::GroupName,
        task_definition::{self, TaskDefinition},
        task_definition_reference::TaskDefinitionReference,
        violation::Violation,
    },
    translate::{namespace, network_policy, owner::Owner, service_account},
};

use super::{
    Rendering, Surroundings, Workload,
    around::Around,
    clusters::Clusters,
    input::{Content, Input},
    role,
    schema::FaultKind,
    service, target_group, task,
};

/// A task definition that can run.
pub(super) struct Registered<'a> {
    pub(super) input: &'a Input,
    pub(super) checked: TaskDefinition,
    pub(super) revision: i64,
}

pub(super) fn render(inputs: &[Input], surroundings: &Surroundings, rendering: &mut Rendering) {
    let registered = register_all(inputs, surroundings, rendering);
    let around = Around { inputs, registered: &registered, clusters: Clusters::of(inputs), surroundings };
    for input in inputs {
        match &input.content {
            Content::Cluster(spec) => cluster(input, spec, rendering),
            Content::Role(spec) => role::role(input, spec, rendering),
            Content::SecurityGroup(spec) => group(input, spec, &around, rendering),
            Content::Service(spec) => service::named(input, spec, &around, rendering),
            Content::TargetGroup(spec) => target_group::target_group(input, spec, &around, rendering),
            Content::Task(spec) => task::named(input, spec, &around, rendering),
            Content::TaskDefinition { .. } => {}
        }
    }
    for each in registered.iter().filter(|each| run_by(&each.checked.family, each.input, inputs).is_empty()) {
        match surroundings.workload {
            Workload::Service => service::made_up(each, &around, rendering),
            Workload::Task => task::made_up(each, &around, rendering),
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
        let is_twin = |old: &Registered<'_>| {
            old.input.namespace == new.input.namespace
                && old.checked.family == new.checked.family
                && old.revision == new.revision
        };
        if registered.iter().any(is_twin) {
            let message = format!(
                "{}:{} is in another document as well, and a family belongs to one TaskDefinition: leave one of them out.",
                new.checked.family, new.revision
            );
            rendering.refuse(&input.label, "family", message);
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
    let workload = match run_by(family, input, inputs).as_slice() {
        [] => Some(surroundings.workload),
        [first, others @ ..] => Some(*first).filter(|first| others.iter().all(|other| other == first)),
    };
    let circumstances = Circumstances {
        workload: workload.map(Into::into),
        version: surroundings.version,
        namespace: &input.namespace,
    };
    let violations = input.credible(checked.as_ref().err().cloned().unwrap_or_default());
    let checked_or_not = checked.as_ref().map_err(|_| violations.as_slice());
    rendering.tell(&input.label, field_outcomes::of_task_definition(definition, checked_or_not, circumstances));
    refuse_faults(input, rendering);
    let checked = checked.ok().filter(|_| input.faults.is_empty())?;
    Some(Registered { input, checked, revision: *revision })
}

/// What among the documents runs the family of a task definition, be it something that is refused: nothing is made up beside
/// that.
fn run_by(family: &str, task_definition: &Input, inputs: &[Input]) -> Vec<Workload> {
    let here = inputs.iter().filter(|input| input.namespace == task_definition.namespace);
    let runs = |input: &Input| {
        let (reference, workload) = match &input.content {
            Content::Service(spec) => (&spec.task_definition, Workload::Service),
            Content::Task(spec) => (&spec.task_definition, Workload::Task),
            _ => return None,
        };
        // A reference that cannot be read may mean any task definition.
        let is_it = TaskDefinitionReference::parse(reference)
            .map_or(true, |reference| reference.family == family || input.is_unreadable("taskDefinition"));
        is_it.then_some(workload)
    };
    here.filter_map(runs).collect()
}

/// Tells what is wrong with the form of a document. What a rule says of the same field says it better.
fn refuse_faults(input: &Input, rendering: &mut Rendering) {
    rendering.report.retain(|entry| {
        entry.object != input.label
            || entry.outcome.outcome == Outcome::Refused
            || !input.is_unreadable(&entry.outcome.path)
    });
    for fault in &input.faults {
        let is_told = rendering.report.iter().any(|entry| {
            entry.object == input.label && entry.outcome.path == fault.path && entry.outcome.outcome == Outcome::Refused
        });
        if fault.kind != FaultKind::Bound || !is_told {
            rendering.refuse(&input.label, &fault.path, fault.detail.clone());
        }
    }
}

fn cluster(input: &Input, spec: &EcsClusterSpec, rendering: &mut Rendering) {
    rendering.tell(&input.label, field_outcomes::of_cluster(spec));
    let checked = ecs::cluster::check_name(ecs::cluster::name(spec, &input.name));
    if !is_accepted(input, checked.err().into_iter().collect(), rendering) {
        return;
    }
    let cluster = EcsCluster { metadata: metadata(&input.name, None), spec: spec.clone(), status: None };
    let pod_security = spec.kubernetes.as_ref().and_then(|kubernetes| kubernetes.pod_security).unwrap_or_default();
    let name = ecs::cluster::namespace(spec, &input.name);
    let made = namespace::made(&name, &input.name, &Owner::of(&cluster), pod_security);
    rendering.objects.push(typed(&made));
    rendering.objects.push(typed(&service_account::without_rights(&name, &input.name, &Owner::of(&cluster))));
}

/// Tells the broken rules and what is wrong with the form; whether there is neither.
pub(super) fn is_accepted(input: &Input, violations: Vec<Violation>, rendering: &mut Rendering) -> bool {
    let is_valid = violations.is_empty() && input.faults.is_empty();
    refuse(&input.label, &input.credible(violations), rendering);
    refuse_faults(input, rendering);
    is_valid
}

fn group(input: &Input, spec: &EcsSecurityGroupSpec, around: &Around<'_>, rendering: &mut Rendering) {
    let metadata = metadata(&input.name, Some(&input.namespace));
    let group = EcsSecurityGroup { metadata, spec: spec.clone(), status: None };
    let checked = ecs::security_group::check(&group.spec, &around.vpc_of(&input.namespace));
    let violations = checked.map_or_else(|violations| violations, |group| group.stale);
    if is_accepted(input, violations, rendering) {
        policy_of(&group, &input.namespace, &input.label, around, rendering);
    }
}

pub(super) fn policy_of(
    group: &EcsSecurityGroup,
    namespace: &str,
    object: &str,
    around: &Around<'_>,
    rendering: &mut Rendering,
) {
    let name = group.metadata.name.clone().unwrap_or_default();
    match ecs::security_group::check(&group.spec, &around.vpc_of(namespace)) {
        Ok(checked) => {
            let members = |group: &GroupName| around.members_of(namespace, group);
            let policy = network_policy::of_group(namespace, &name, &Owner::of(group), &checked, &members);
            rendering.objects.push(typed(&policy));
        }
        Err(violations) => refuse(object, &violations, rendering),
    }
}

pub(super) fn refuse(object: &str, violations: &[Violation], rendering: &mut Rendering) {
    for violation in violations {
        let path = violation.path.strip_prefix("spec.").unwrap_or(&violation.path);
        rendering.refuse(object, path, format!("{} [{}]", violation.message, violation.rule));
    }
}

/// Whether an object may be in its Namespace; tells why not.
pub(super) fn is_of_cluster(
    input: &Input,
    named: Option<&str>,
    around: &Around<'_>,
    rendering: &mut Rendering,
) -> bool {
    match around.clusters.object_of(&input.namespace, named) {
        Err(error) if !input.is_unreadable("cluster") => {
            rendering.refuse(&input.label, "cluster", error.to_string());
            false
        }
        _ => true,
    }
}

/// The task definition that an object runs; tells why there is none. `what` is what the object is called.
pub(super) fn found<'a>(
    reference: &TaskDefinitionReference,
    input: &Input,
    what: &str,
    around: &Around<'a>,
    rendering: &mut Rendering,
) -> Option<&'a Registered<'a>> {
    let matches = |each: &&Registered<'_>| reference.means(&each.checked.family, each.revision);
    let found = around.registered.iter().filter(matches);
    let (here, elsewhere): (Vec<_>, Vec<_>) = found.partition(|each| each.input.namespace == input.namespace);
    let newest = here.into_iter().max_by_key(|each| each.revision);
    if newest.is_none() {
        let why = match elsewhere.first() {
            Some(found) => format!(
                "{reference} is in Namespace {}, and this {what} in {}: a {what} runs what is in its own Namespace.",
                found.input.namespace, input.namespace
            ),
            None => format!("{reference} is in none of the files, or is refused: give its file as well."),
        };
        rendering.refuse(&input.label, "taskDefinition", format!("TaskDefinition not found. {why}"));
    }
    newest
}

pub(super) fn metadata(name: &str, namespace: Option<&str>) -> ObjectMeta {
    ObjectMeta { name: Some(name.into()), namespace: namespace.map(str::to_owned), ..Default::default() }
}

/// An object with its kind, in the form of `kubectl get -o yaml`.
pub(super) fn typed<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Value {
    let value = serde_json::to_value(object).unwrap_or_default();
    of_kind(&K::api_version(&()), &K::kind(&()), value)
}

/// Nothing owns what was never stored.
pub(super) fn of_kind(api_version: &str, kind: &str, mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("ownerReferences");
    }
    let mut whole = json!({ "apiVersion": api_version, "kind": kind });
    if let (Some(whole), Value::Object(members)) = (whole.as_object_mut(), object) {
        whole.extend(members);
    }
    whole
}
