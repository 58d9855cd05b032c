//! EcsService with ports -> a ClusterIP Service of its name, a headless one for the registry that it names, and one for each of its
//! endpoints of Service Connect.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::api::ObjectMeta;

use crate::{
    api::port_mapping::ApplicationProtocol,
    ecs::{
        service_connect::{EndpointName, EndpointPort},
        service_registry::Registry,
        task_definition::port::Port,
    },
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
        metadata: metadata(names::workload(service_object), namespace, (cluster_object, service_object), owner),
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
        metadata: metadata(names::workload(&registry.name), namespace, (cluster_object, service_object), owner),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".into()),
            selector: Some(labels::service_selector(service_object)),
            ports: (!ports.is_empty()).then_some(ports),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Renders the Service of an endpoint of Service Connect. Its ports are found by the names that they have in each Pod: their numbers
/// may differ from revision to revision.
#[must_use]
pub fn endpoint_service(
    namespace: &str,
    cluster_object: &str,
    service_object: &str,
    owner: &Owner,
    name: &EndpointName,
    ports: &[EndpointPort],
) -> Service {
    let ports = ports.iter().map(|EndpointPort { port, target }| {
        let in_pod = target.name.as_deref().map(names::container_port).map(IntOrString::String);
        let rendered = service_port(target);
        let name = names::service_port(None, protocol(target.protocol), *port);
        let target_port = in_pod.or(rendered.target_port);
        ServicePort { name: Some(name), port: i32::from(*port), target_port, ..rendered }
    });
    let object = names::endpoint(service_object, &name.namespace, &name.dns_name);
    let annotation = (labels::SERVICE_CONNECT.into(), serde_json::to_string(name).unwrap_or_default());
    Service {
        metadata: ObjectMeta {
            annotations: Some([annotation].into()),
            ..metadata(object, namespace, (cluster_object, service_object), owner)
        },
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".into()),
            selector: Some(labels::service_selector(service_object)),
            ports: Some(ports.collect()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// What an endpoint that is there is called, as [`endpoint_service`] writes it; `None` for any other Service.
#[must_use]
pub fn endpoint_name(service: &Service) -> Option<EndpointName> {
    let annotations = service.metadata.annotations.as_ref()?;
    serde_json::from_str(annotations.get(labels::SERVICE_CONNECT)?).ok().filter(EndpointName::is_valid)
}

/// What the Services of a service have in common.
fn metadata(
    name: String,
    namespace: &str,
    (cluster_object, service_object): (&str, &str),
    owner: &Owner,
) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(namespace.into()),
        labels: Some(labels::of_service(cluster_object, service_object)),
        owner_references: Some(vec![owner.reference()]),
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
