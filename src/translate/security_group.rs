//! The security groups of those who name none, ordinary EcsSecurityGroups, which their users may refine. That of a service:
//! anyone may reach the container ports and nothing else. That of a cluster, for tasks that run by themselves: they may reach
//! each other. Everything may go out of both.

use kube::api::ObjectMeta;

use crate::{
    api::{
        port_mapping::TransportProtocol,
        security_group::{EcsSecurityGroup, EcsSecurityGroupSpec, IpProtocol, SecurityGroupRule},
    },
    ecs::task_definition::port::Port,
};

use super::{labels, names, owner::Owner};

/// Renders the group of a service.
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
            ..EcsSecurityGroupSpec::default()
        },
        status: None,
    }
}

/// Renders the group of a cluster, which owns it.
#[must_use]
pub fn default_group(namespace: &str, cluster_object: &str, owner: &Owner) -> EcsSecurityGroup {
    let mut group_labels = labels::managed();
    group_labels.insert(labels::CLUSTER.into(), names::label_value(cluster_object));
    let from_itself = SecurityGroupRule {
        ip_protocol: IpProtocol::All,
        source_security_group: Some(names::DEFAULT_SECURITY_GROUP.into()),
        ..Default::default()
    };
    EcsSecurityGroup {
        metadata: ObjectMeta {
            name: Some(names::DEFAULT_SECURITY_GROUP.into()),
            namespace: Some(namespace.into()),
            labels: Some(group_labels),
            owner_references: Some(vec![owner.reference()]),
            ..Default::default()
        },
        spec: EcsSecurityGroupSpec {
            description: Some("Tasks that run by themselves and name no group reach each other.".into()),
            ingress: Some(vec![from_itself]),
            ..EcsSecurityGroupSpec::default()
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
