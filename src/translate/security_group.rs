//! The security group of a service that names none: anyone may reach the container ports and nothing else; everything
//! may go out. An ordinary EcsSecurityGroup, which its users may refine.

use kube::api::ObjectMeta;

use crate::{
    api::{
        port_mapping::TransportProtocol,
        security_group::{EcsSecurityGroup, EcsSecurityGroupSpec, IpProtocol, SecurityGroupRule},
    },
    ecs::task_definition::port::Port,
};

use super::{labels, names, owner::Owner};

/// Renders the group.
#[must_use]
pub fn of_service(
    namespace: &str,
    cluster_object: &str,
    service_object: &str,
    owner: &Owner,
    ports: &[Port],
) -> EcsSecurityGroup {
    EcsSecurityGroup {
        metadata: ObjectMeta {
            name: Some(names::workload(service_object)),
            namespace: Some(namespace.into()),
            labels: Some(labels::of_service(cluster_object, service_object)),
            owner_references: Some(vec![owner.reference()]),
            ..Default::default()
        },
        spec: EcsSecurityGroupSpec {
            description: Some("The container ports of the service are open to anyone.".into()),
            ingress: Some(ports.iter().map(open_to_anyone).collect()),
            egress: None,
        },
        status: None,
    }
}

fn open_to_anyone(port: &Port) -> SecurityGroupRule {
    SecurityGroupRule {
        ip_protocol: match port.protocol {
            TransportProtocol::Tcp => IpProtocol::Tcp,
            TransportProtocol::Udp => IpProtocol::Udp,
        },
        from_port: Some(i32::from(port.container_port)),
        to_port: Some(i32::from(port.container_port)),
        ..Default::default()
    }
}
