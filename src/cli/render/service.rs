//! EcsService -> its workload, its Service and its own security group.

use crate::{
    api::{
        register_task_definition::NetworkMode,
        service::{EcsService, EcsServiceSpec, SchedulingStrategy},
    },
    ecs::{
        self,
        field_outcomes::{self, ServiceCircumstances},
        network_configuration::Groups,
        service::Service,
        service_connect::{self, ServiceConnect},
        service_registry, target,
        task_definition::TaskDefinition,
        violation::Violation,
    },
    translate::{
        kubernetes_service::{cluster_ip_service, endpoint_service, headless_service},
        names, network_policy,
        owner::Owner,
        pod_template::{TaskTemplate, pod_template},
        security_group,
        service_workload::{ServiceWorkload, service_workload},
        snapshot::{Snapshot, Trigger, deployment_id},
    },
};

use super::{
    Rendering,
    around::Around,
    input::Input,
    objects::{Registered, found, is_accepted, is_of_cluster, metadata, of_kind, policy_of, refuse, typed},
};

/// How many tasks a service has that was made up for a task definition.
const DESIRED_COUNT: i32 = 2;

pub(super) fn named(input: &Input, spec: &EcsServiceSpec, around: &Around<'_>, rendering: &mut Rendering) {
    let unasked = unasked_target_groups(input, spec, around);
    let cluster_has_subnets = around.has_subnets(&input.namespace);
    let circumstances = ServiceCircumstances { cluster_has_subnets, unasked_target_groups: &unasked };
    rendering.tell(&input.label, field_outcomes::of_service(spec, circumstances));
    let checked = ecs::service::check(spec, &input.name);
    let violations = checked.as_ref().err().cloned().unwrap_or_default();
    let is_accepted = is_accepted(input, violations, rendering);
    let is_of_cluster = is_of_cluster(input, spec.cluster.as_deref(), around, rendering);
    let Some(service) = checked.ok().filter(|_| is_accepted && is_of_cluster) else { return };
    if let Some(found) = found(&service.task_definition, input, "service", around, rendering) {
        run(input, spec, &service, found, around, rendering);
    }
}

pub(super) fn made_up(registered: &Registered<'_>, around: &Around<'_>, rendering: &mut Rendering) {
    let spec = EcsServiceSpec {
        task_definition: format!("{}:{}", registered.checked.family, registered.revision),
        desired_count: Some(DESIRED_COUNT),
        ..Default::default()
    };
    match ecs::service::check(&spec, &registered.checked.family) {
        Ok(service) => {
            let input = Input { name: names::object(&registered.checked.family), ..registered.input.clone() };
            run(&input, &spec, &service, registered, around, rendering);
        }
        Err(violations) => refuse(&registered.input.label, &violations, rendering),
    }
}

fn run(
    input: &Input,
    spec: &EcsServiceSpec,
    service: &Service,
    registered: &Registered<'_>,
    around: &Around<'_>,
    rendering: &mut Rendering,
) {
    let definition = match with_names(service, registered, &input.namespace, around) {
        Ok(definition) => definition,
        Err(violations) => return refuse(&input.label, &violations, rendering),
    };
    let definition = &definition;
    if let Err(violation) = ecs::service::check_network(service, definition.network_mode) {
        return refuse(&input.label, &[violation], rendering);
    }
    let namespace = &input.namespace;
    let location = match around.locate(namespace, &service.subnets) {
        Ok(location) => location,
        Err(violations) => return refuse(&input.label, &violations, rendering),
    };
    let cluster_object = &around.cluster_of(namespace, spec.cluster.as_deref());
    let object = EcsService { metadata: metadata(&input.name, Some(namespace)), spec: spec.clone(), status: None };
    let owner = Owner::of(&object);
    let groups = Groups::of(&service.security_groups, names::workload(&input.name), definition.network_mode);
    let ports = definition.ports();
    // A group of that name which somebody has written is taken as it is.
    if let Groups::Unnamed(name) = &groups
        && !around.has_group(namespace, name)
    {
        let group = security_group::of_service(namespace, cluster_object, &input.name, &owner, &ports);
        policy_of(&group, namespace, &input.label, around, rendering);
    }
    if definition.network_mode == Some(NetworkMode::None) {
        rendering.objects.push(typed(&network_policy::isolation(namespace, &input.name, &owner)));
    }
    let address = cluster_ip_service(namespace, cluster_object, &input.name, &owner, &ports);
    let registry = definition.registry.as_ref();
    let registry = registry.map(|registry| headless_service(namespace, cluster_object, &input.name, &owner, registry));
    let endpoints = definition.service_connect.iter().flat_map(ServiceConnect::named);
    let endpoints =
        endpoints.map(|(name, ports)| endpoint_service(namespace, cluster_object, &input.name, &owner, &name, ports));
    rendering.objects.extend(address.into_iter().chain(registry).chain(endpoints).map(|service| typed(&service)));
    let roles = &around.roles_of(&input.namespace, definition);
    let template = pod_template(TaskTemplate {
        arns: &around.surroundings.arns,
        cluster_object,
        service_object: &input.name,
        service_name: &service.name,
        task_definition: definition,
        roles,
        revision: registered.revision,
        deployment: 1,
        deployment_id: &deployment_id(&owner.uid, 1),
        security_groups: groups.names(),
        location: &location,
        pre_stop_seconds: service.pre_stop_seconds,
        version: around.surroundings.version,
    });
    let snapshot = Snapshot::new(1, Trigger::default(), (definition, roles), &template);
    let desired_count = service.desired_count.unwrap_or(1);
    let workload = ServiceWorkload {
        namespace,
        cluster_object,
        service_object: &input.name,
        owner: &owner,
        scheduling: service.scheduling,
        desired_count,
        limits: service.percentages.limits(desired_count),
        min_ready_seconds: service.min_ready_seconds,
        is_paused: false,
    };
    let kind = match service.scheduling {
        SchedulingStrategy::Replica => "Deployment",
        SchedulingStrategy::Daemon => "DaemonSet",
    };
    rendering.objects.push(of_kind("apps/v1", kind, service_workload(workload, &snapshot)));
}

/// What a service runs, with its tasks registered.
fn with_targets(
    service: &Service,
    registered: &Registered<'_>,
    namespace: &str,
    around: &Around<'_>,
) -> Result<TaskDefinition, Vec<Violation>> {
    let find = |name: &str| around.target_group(namespace, name);
    let mut definition = target::register(registered.checked.clone(), &service.targets, find)?;
    let registry = service.registry.as_ref().map(|named| service_registry::of_tasks(named, &definition));
    definition.registry = registry.transpose().map_err(|violation| vec![violation])?;
    Ok(definition)
}

/// The same, with the names of Service Connect under which they are reached. Which addresses others have only a cluster knows.
fn with_names(
    service: &Service,
    registered: &Registered<'_>,
    namespace: &str,
    around: &Around<'_>,
) -> Result<TaskDefinition, Vec<Violation>> {
    let mut definition = with_targets(service, registered, namespace, around)?;
    let default = around.service_connect_namespace(namespace);
    let named = service.service_connect.as_ref();
    let of_tasks = named.map(|named| service_connect::of_tasks(named, default.as_deref(), &definition));
    definition.service_connect = of_tasks.transpose()?;
    Ok(definition)
}

/// The target groups whose checks do not tell whether the tasks of a service are healthy.
fn unasked_target_groups(input: &Input, spec: &EcsServiceSpec, around: &Around<'_>) -> Vec<String> {
    let Ok(service) = ecs::service::check(spec, &input.name) else { return Vec::new() };
    let runs = |each: &&Registered<'_>| {
        each.input.namespace == input.namespace && service.task_definition.means(&each.checked.family, each.revision)
    };
    let registered = around.registered.iter().filter(runs).max_by_key(|each| each.revision);
    let definition = registered.and_then(|it| with_targets(&service, it, &input.namespace, around).ok());
    definition.map(|definition| target::unasked(&definition.targets)).unwrap_or_default()
}
