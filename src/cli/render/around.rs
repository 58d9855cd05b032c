//! What the objects of one document depend on beside it: the other documents, and where they are to run.

use crate::{
    api::security_group::{EcsSecurityGroupSpec, SecurityGroupMember},
    ecs::{
        cluster::DEFAULT_CLUSTER,
        role::{self, RolesOfTask},
        security_group::{self, GroupName},
        subnet::{self, Location},
        target::{self, KnownTargetGroup},
        target_group,
        task_definition::TaskDefinition,
        violation::Violation,
        vpc::Vpc,
    },
};

use super::{
    Surroundings,
    clusters::Clusters,
    input::{Content, Input},
    objects::Registered,
};

/// What the objects of one document depend on beside it.
pub(super) struct Around<'a> {
    pub(super) inputs: &'a [Input],
    pub(super) registered: &'a [Registered<'a>],
    pub(super) clusters: Clusters,
    pub(super) surroundings: &'a Surroundings,
}

impl Around<'_> {
    /// The EcsCluster of a Namespace, which was found when what it runs was checked.
    pub(super) fn cluster_of(&self, namespace: &str, named: Option<&str>) -> String {
        self.clusters.object_of(namespace, named).unwrap_or_else(|_| DEFAULT_CLUSTER.into())
    }

    pub(super) fn has_subnets(&self, namespace: &str) -> bool {
        subnet::are_declared(&self.clusters.spec_of(namespace))
    }

    /// The namespace of Service Connect that services of a Namespace have which name none.
    pub(super) fn service_connect_namespace(&self, namespace: &str) -> Option<String> {
        self.clusters.spec_of(namespace).service_connect_defaults.map(|defaults| defaults.namespace)
    }

    /// Where tasks of a Namespace run that name these subnets.
    pub(super) fn locate(&self, namespace: &str, subnets: &[String]) -> Result<Location, Vec<Violation>> {
        subnet::locate(&self.clusters.spec_of(namespace), subnets)
    }

    /// The clusters of the documents that share the VPC of a Namespace's.
    pub(super) fn vpc_of(&self, namespace: &str) -> Vpc {
        Vpc::of(namespace, self.clusters.all())
    }

    pub(super) fn has_group(&self, namespace: &str, name: &str) -> bool {
        self.group(namespace, name).is_some()
    }

    /// The Pods that belong to a group without being tasks.
    pub(super) fn members_of(&self, namespace: &str, group: &GroupName) -> Vec<SecurityGroupMember> {
        let namespace = group.namespace.as_deref().unwrap_or(namespace);
        self.group(namespace, &group.name).map(|spec| security_group::members(spec).to_vec()).unwrap_or_default()
    }

    /// What the roles of a task bring: its execution role, where it is among the documents.
    pub(super) fn roles_of(&self, namespace: &str, definition: &TaskDefinition) -> RolesOfTask {
        let roles = self.inputs.iter().filter(|input| input.namespace == namespace);
        let mut named = roles.filter_map(|input| match &input.content {
            Content::Role(spec) => Some((role::name(spec, &input.name), spec)),
            _ => None,
        });
        let execution = definition.execution_role.as_deref();
        let role = execution.and_then(|execution| named.find(|(name, _)| *name == execution));
        RolesOfTask::of(role.map(|(_, spec)| spec))
    }

    /// A target group of the documents.
    pub(super) fn target_group(&self, namespace: &str, name: &str) -> Option<KnownTargetGroup> {
        let mut here = self.inputs.iter().filter(|input| input.namespace == namespace);
        here.find_map(|input| match &input.content {
            Content::TargetGroup(spec) if target_group::name(spec, &input.name) == name => {
                // Its id is worked out from its UID, which only a stored one has.
                let arn = self.surroundings.arns.target_group(name, "");
                Some(KnownTargetGroup::of(spec, &input.name, arn))
            }
            _ => None,
        })
    }

    /// The container port that a service of the documents registers with a target group.
    pub(super) fn port_of(&self, namespace: &str, target_group: &str) -> Option<u16> {
        let here = self.inputs.iter().filter(|input| input.namespace == namespace);
        let services = here.filter_map(|input| match &input.content {
            Content::Service(spec) => spec.load_balancers.as_deref(),
            _ => None,
        });
        let mut named = services.filter_map(|load_balancers| target::check(load_balancers).ok()).flatten();
        named.find(|named| named.target_group == target_group).map(|named| named.port)
    }

    fn group(&self, namespace: &str, name: &str) -> Option<&EcsSecurityGroupSpec> {
        let of_name = self.inputs.iter().filter(|input| input.namespace == namespace && input.name == name);
        of_name.map(|input| &input.content).find_map(|content| match content {
            Content::SecurityGroup(spec) => Some(spec),
            _ => None,
        })
    }
}
