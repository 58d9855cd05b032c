//! Which Services of Kubernetes a service needs: its own, those of registries, those of endpoints of Service Connect. Pure.

use std::cmp::Reverse;

use k8s_openapi::api::core::v1::Service;

use crate::{
    decide::deployment::Template,
    ecs::{
        service_connect::{EndpointName, EndpointPort, KnownEndpoint, ServiceConnect},
        service_registry::Registry,
        task_definition::port::Port,
    },
    translate::{
        kubernetes_service::{endpoint_service, headless_service},
        snapshot::Snapshot,
    },
};

use super::{
    observe::{NameOfAnother, Observed},
    validate::Accepted,
};

/// The ports of the wanted deployment, and those that tasks of earlier deployments still listen on: they serve until they
/// are replaced. While a deployment is held, only what runs counts.
pub(super) fn open_ports(observed: &Observed, wanted: Option<&Snapshot>, template: Template) -> Vec<Port> {
    let mut ports: Vec<Port> = match template {
        Template::Wanted(_) => wanted.map(|snapshot| snapshot.content.ports.clone()).unwrap_or_default(),
        Template::Held { .. } => Vec::new(),
    };
    for mut port in snapshots_in_use(observed).iter().flat_map(|snapshot| snapshot.content.ports.clone()) {
        // The name goes with the newest port that has it.
        port.name.take_if(|name| ports.iter().any(|known| known.name.as_ref() == Some(name)));
        if !ports.iter().any(|known| known.container_port == port.container_port) {
            ports.push(port);
        }
    }
    ports
}

/// The snapshots of deployments that run or have tasks still, the newest first.
fn snapshots_in_use(observed: &Observed) -> Vec<&Snapshot> {
    let in_use = |number: i64| {
        observed.applied_snapshot() == Some(number) || observed.tasks.iter().any(|task| task.deployment == number)
    };
    let stored = observed.snapshots.iter().map(|stored| &stored.snapshot);
    let mut stored: Vec<_> = stored.filter(|snapshot| in_use(snapshot.number)).collect();
    stored.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.number));
    stored
}

/// The Services of its registries and of its endpoints of Service Connect.
pub(super) fn others(
    observed: &Observed,
    accepted: &Accepted,
    (all, wanted): (&[&Snapshot], Option<&Snapshot>),
    template: Template,
) -> Vec<Service> {
    let (cluster, name, owner) = (&accepted.cluster_object, &observed.name, &observed.owner);
    let registries = registries(observed, wanted.filter(|_| matches!(template, Template::Wanted(_))));
    let headless = registries.iter().map(|it| headless_service(&observed.namespace, cluster, name, owner, it));
    headless.chain(endpoints(observed, accepted, all)).collect()
}

/// The registries of the wanted deployment, and of earlier ones that have tasks still: those are found by the names that clients know.
fn registries<'a>(observed: &'a Observed, wanted: Option<&'a Snapshot>) -> Vec<&'a Registry> {
    let mut registries: Vec<&Registry> = Vec::new();
    for registry in wanted.into_iter().chain(snapshots_in_use(observed)).filter_map(|it| it.content.registry.as_ref()) {
        let is_of_another = observed.names_of_others.get(&registry.name) == Some(&NameOfAnother::Needed);
        if !is_of_another && !registries.iter().any(|known| known.name == registry.name) {
            registries.push(registry);
        }
    }
    registries
}

/// The endpoints of deployments, also of one that a failing one may be rolled back to: clients know their addresses. A port leads to
/// the tasks that serve on it until these are gone.
fn endpoints(observed: &Observed, accepted: &Accepted, all: &[&Snapshot]) -> Vec<Service> {
    let serves = |snapshot: &Snapshot| observed.live_tasks.iter().any(|task| task.deployment == snapshot.number);
    let mut newest_first: Vec<_> = all.to_vec();
    newest_first.sort_by_key(|snapshot| Reverse(snapshot.number));
    let (mut first, others): (Vec<&Snapshot>, Vec<&Snapshot>) =
        newest_first.iter().partition(|snapshot| serves(snapshot));
    first.reverse();
    first.extend(others);
    let names = newest_first.iter().filter_map(|snapshot| snapshot.content.service_connect.as_ref());
    let serving: Vec<_> = first.iter().filter_map(|snapshot| snapshot.content.service_connect.as_ref()).collect();
    let mut services: Vec<Service> = Vec::new();
    for (name, _) in names.flat_map(ServiceConnect::named) {
        let all_of_name = serving.iter().flat_map(|it| it.named()).filter(|(other, _)| other.is_same(&name));
        let ports = ports_of_all(all_of_name.flat_map(|(_, ports)| ports));
        let service = endpoint(observed, accepted, &name, &ports);
        if is_lost(observed, &name, &service) {
            continue;
        }
        if !services.iter().any(|known| known.metadata.name == service.metadata.name) {
            services.push(service);
        }
    }
    services
}

/// Whether somebody else has got a name that the service had, by whatever means: it is not opened beside that.
fn is_lost(observed: &Observed, name: &EndpointName, service: &Service) -> bool {
    let is_there = observed.other_services.iter().any(|found| found.metadata.name == service.metadata.name);
    let me = (&observed.namespace, &observed.name);
    let has = |other: &KnownEndpoint| (&other.owner.0, &other.owner.1) != me && other.name.is_same(name);
    !is_there && observed.endpoints.iter().any(has)
}

/// The ports of one endpoint in several deployments, those that come first before others: where a port keeps its number and not its name
/// it is found by its number.
fn ports_of_all<'a>(all: impl Iterator<Item = &'a EndpointPort>) -> Vec<EndpointPort> {
    let mut ports: Vec<EndpointPort> = Vec::new();
    for port in all {
        match ports.iter_mut().find(|known| known.clashes(port)) {
            Some(known) if known.target.container_port == port.target.container_port => {
                known.target.name.take_if(|name| port.target.name.as_ref() != Some(name));
            }
            Some(_) => {}
            None => ports.push(port.clone()),
        }
    }
    ports
}

/// The endpoints of a deployment that is to start.
pub(super) fn endpoints_of(observed: &Observed, accepted: &Accepted, starts: &ServiceConnect) -> Vec<Service> {
    starts.named().map(|(name, ports)| endpoint(observed, accepted, &name, ports)).collect()
}

fn endpoint(observed: &Observed, accepted: &Accepted, name: &EndpointName, ports: &[EndpointPort]) -> Service {
    let owner = &observed.owner;
    endpoint_service(&observed.namespace, &accepted.cluster_object, &observed.name, owner, name, ports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_port_is_found_by_what_all_deployments_have_in_common() {
        let port = |port: u16, number: u16, name: &str| -> EndpointPort {
            let target = json!({"containerPort": number, "hostPort": null, "protocol": "tcp", "name": name, "appProtocol": null});
            serde_json::from_value(json!({"port": port, "target": target})).unwrap()
        };
        let found = |all: &[EndpointPort]| {
            let ports = ports_of_all(all.iter());
            ports.into_iter().map(|it| (it.port, it.target.container_port, it.target.name)).collect::<Vec<_>>()
        };
        let by_name = |port: u16, number: u16| (port, number, Some("http".to_owned()));
        assert_eq!(found(&[port(80, 8080, "http"), port(80, 8081, "http")]), [by_name(80, 8080)]);
        assert_eq!(found(&[port(80, 8080, "http"), port(80, 8080, "web")]), [(80, 8080, None)]);
        assert_eq!(found(&[port(80, 8080, "http"), port(80, 8081, "web")]), [by_name(80, 8080)], "the first serves");
        assert_eq!(found(&[port(80, 8080, "http"), port(81, 8080, "http")]), [by_name(80, 8080), by_name(81, 8080)]);
    }
}
