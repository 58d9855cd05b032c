//! EcsService with ports -> a ClusterIP Service of its name, and a headless one for the registry that it names.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::api::ObjectMeta;

use crate::{
    api::port_mapping::ApplicationProtocol,
    ecs::{service_registry::Registry, task_definition::port::Port},
};

use super::{labels, names, owner::Owner, pod::container::protocol};

/// Renders the Service; `None` when the task listens on no port.
#[must_use]
pub fn cluster_ip_service(
    namespace: &str,
    cluster_object: &str,
    service_object: &str,
    owner: &Owner,
    ports: &[Port],
) -> Option<Service> {
    let ports: Vec<_> = ports.iter().map(service_port).collect();
    (!ports.is_empty()).then(|| Service {
        metadata: ObjectMeta {
            name: Some(names::workload(service_object)),
            namespace: Some(namespace.into()),
            labels: Some(labels::of_service(cluster_object, service_object)),
            owner_references: Some(vec![owner.reference()]),
            ..Default::default()
        },
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".into()),
            selector: Some(labels::service_selector(service_object)),
            ports: Some(ports),
            ..Default::default()
        }),
        ..Default::default()
    })
}

/// Renders the Service of a registry, by which each task is found by its own address.
#[must_use]
pub fn headless_service(
    namespace: &str,
    cluster_object: &str,
    service_object: &str,
    owner: &Owner,
    registry: &Registry,
) -> Service {
    let ports: Vec<_> = registry.ports.iter().map(service_port).collect();
    Service {
        metadata: ObjectMeta {
            name: Some(names::workload(&registry.name)),
            namespace: Some(namespace.into()),
            labels: Some(labels::of_service(cluster_object, service_object)),
            owner_references: Some(vec![owner.reference()]),
            ..Default::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".into()),
            selector: Some(labels::service_selector(service_object)),
            ports: (!ports.is_empty()).then_some(ports),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn service_port(port: &Port) -> ServicePort {
    let protocol = protocol(port.protocol);
    ServicePort {
        name: Some(names::service_port(port.name.as_deref(), protocol, port.container_port)),
        port: i32::from(port.container_port),
        protocol: Some(protocol.into()),
        target_port: Some(IntOrString::Int(i32::from(port.container_port))),
        app_protocol: port.app_protocol.map(|protocol| {
            match protocol {
                ApplicationProtocol::Http => "http",
                ApplicationProtocol::Http2 => "kubernetes.io/h2c",
                ApplicationProtocol::Grpc => "grpc",
            }
            .into()
        }),
        ..Default::default()
    }
}
