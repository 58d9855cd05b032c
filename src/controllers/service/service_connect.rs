//! Service Connect of a service: which endpoints there are, and what its tasks know of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::api::core::v1::Service as KubernetesService;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use serde_json::Value;

use crate::{
    api::service::EcsService,
    controllers::{
        cluster::Holder,
        context::Context,
        refusal::Refusal,
        triggers::{LastSeen, Triggers},
        vpc::vpc_of,
    },
    decide::conditions::reason,
    ecs::{
        service::Service,
        service_connect::{self, KnownEndpoint},
        task_definition::TaskDefinition,
        violation::{Violation, summary},
    },
    kube_io::caches::Caches,
    translate::{kubernetes_service::endpoint_name, labels, names, owner::Owner, snapshot::Snapshot},
};

use super::{observe::Observed, services_in};

/// The endpoints in the VPC of a service, where it takes part in Service Connect.
pub(super) fn known_endpoints(service: &EcsService, namespace: &str, context: &Context) -> Vec<KnownEndpoint> {
    if !takes_part(service) {
        return Vec::new();
    }
    let caches = &context.caches;
    let near = namespaces_near(namespace, caches);
    let services = near.iter().flat_map(|namespace| caches.kubernetes_services.in_namespace(namespace));
    services.filter_map(|service| known(&service, caches)).collect()
}

/// Time in which endpoints that come and go are told together.
const GATHERED: Duration = Duration::from_secs(2);

/// Has services looked at when endpoints come and go: they may want a name that is free now, or have tasks that do not know a new one.
pub(super) fn follow_endpoints(
    triggers: &Triggers<EcsService>,
    caches: &Arc<Caches>,
) -> impl Future<Output = ()> + Send {
    let endpoints = LastSeen::new();
    let all = Arc::clone(caches);
    let change = move |service: &KubernetesService| {
        let name = endpoint_name(service)?;
        let is_gone = all.kubernetes_services.store.get(&ObjectRef::from_obj(service)).is_none();
        let owners: Vec<_> = service.owner_references().iter().map(|owner| owner.uid.clone()).collect();
        let address = service.spec.as_ref().and_then(|spec| spec.cluster_ip.clone());
        let uid = service.uid().unwrap_or_default();
        let is_news = endpoints.has_changed(&uid, (name, owners, address));
        if is_gone {
            endpoints.forget(&uid);
        }
        service.namespace().filter(|_| is_news || is_gone)
    };
    let all = Arc::clone(caches);
    triggers.gathered(&caches.kubernetes_services, change, GATHERED, move |namespace| {
        let near = namespaces_near(namespace, &all);
        near.iter().flat_map(|namespace| services_in(&all, namespace, takes_part)).collect()
    })
}

/// The Namespaces of the VPC of one, with itself.
fn namespaces_near(namespace: &str, caches: &Caches) -> BTreeSet<String> {
    let vpc = vpc_of(namespace, caches);
    vpc.namespaces().chain([namespace]).map(str::to_owned).collect()
}

/// Whether a service takes part.
pub(super) fn takes_part(service: &EcsService) -> bool {
    service.spec.service_connect_configuration.as_ref().is_some_and(|given| given.enabled)
}

/// What is known of an endpoint; `None` for any other Service, also for one that only looks like an endpoint.
fn known(service: &KubernetesService, caches: &Caches) -> Option<KnownEndpoint> {
    let name = endpoint_name(service)?;
    let namespace = service.namespace()?;
    let mut owners = service.owner_references().iter();
    let is_owner = |owner: &EcsService| {
        // By its label the owner finds it, and deletes it if it is none.
        service.labels().get(labels::SERVICE) == Some(&names::workload(&owner.name_any()))
            && names::endpoint(&owner.name_any(), &name.namespace, &name.dns_name) == service.name_any()
            && Owner::of(owner).controls(service)
    };
    let owner =
        owners.find_map(|owner| caches.services.get(&namespace, &owner.name).filter(|owner| is_owner(owner)))?;
    let address = service.spec.as_ref()?.cluster_ip.as_ref()?.parse().ok()?;
    let created = service.creation_timestamp().map_or(0, |created| created.0.as_second());
    let opened = (created, service.uid().unwrap_or_default());
    Some(KnownEndpoint { name, owner: (namespace, owner.name_any()), address, opened })
}

/// A task definition as the service runs it, where it takes part.
pub(super) fn connect(
    observed: &Observed,
    service: &Service,
    cluster: &Holder,
    definition: TaskDefinition,
) -> Result<TaskDefinition, Refusal> {
    let Some(named) = &service.service_connect else { return Ok(definition) };
    let refused = |violations: Vec<Violation>| Refusal::new(reason::INVALID, &summary(&violations));
    let of_cluster = || cluster.spec.service_connect_defaults.as_ref().map(|defaults| defaults.namespace.as_str());
    let default = kept_namespace(observed).or_else(of_cluster);
    let of_tasks = service_connect::of_tasks(named, default, &definition).map_err(refused)?;
    let me = (observed.namespace.clone(), observed.name.clone());
    service_connect::check_names(named, &of_tasks, &me, &observed.endpoints).map_err(refused)?;
    Ok(service_connect::connect(definition, of_tasks, &me, &observed.endpoints))
}

/// The namespace that a service which names none got from its cluster: a change of that is for others, as in ECS.
fn kept_namespace(observed: &Observed) -> Option<&str> {
    let content = &observed.newest_snapshot()?.content;
    let given = content.trigger.service_connect.get("namespace").and_then(Value::as_str).unwrap_or_default();
    content.service_connect.as_ref().filter(|_| given.is_empty()).map(|kept| kept.namespace.as_str())
}

/// The addresses at which clients of a namespace of Service Connect know names: whoever opens one anew, or in the place of another
/// service, is found there.
pub(super) fn addresses_that_clients_know(
    of_namespace: &str,
    namespace: &str,
    caches: &Caches,
) -> BTreeMap<String, String> {
    let near = namespaces_near(namespace, caches);
    let stored = near.iter().flat_map(|namespace| caches.snapshots.in_namespace(namespace));
    let mut clients: Vec<_> = stored
        .filter_map(|stored| {
            let content = Snapshot::read(&stored)?.content;
            let is_client = content.service_connect.as_ref().is_some_and(|it| it.namespace == of_namespace);
            is_client.then(|| (stored.creation_timestamp(), hosts(&content.template)))
        })
        .collect();
    // The newest knows best.
    clients.sort();
    clients.into_iter().flat_map(|(_, hosts)| hosts).collect()
}

/// The hosts of a rendered Pod template, with their addresses.
pub(super) fn hosts(template: &Value) -> BTreeMap<String, String> {
    let aliases = template.pointer("/spec/hostAliases").and_then(Value::as_array).into_iter().flatten();
    let names = |alias: &Value| serde_json::from_value::<Vec<String>>(alias["hostnames"].clone()).unwrap_or_default();
    let address = |alias: &Value| alias["ip"].as_str().unwrap_or_default().to_owned();
    aliases.flat_map(|alias| names(alias).into_iter().map(move |name| (name, address(alias)))).collect()
}
