//! What the objects of one document depend on beside it: the other documents, and where they are to run.

use crate::{
    api::security_group::{EcsSecurityGroupSpec, SecurityGroupMember},
    ecs::cluster::DEFAULT_CLUSTER,
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

    pub(super) fn has_group(&self, namespace: &str, name: &str) -> bool {
        self.group(namespace, name).is_some()
    }

    /// The Pods that belong to a group without being tasks.
    pub(super) fn members_of(&self, namespace: &str, group: &str) -> Vec<SecurityGroupMember> {
        self.group(namespace, group).map(|spec| spec.members().to_vec()).unwrap_or_default()
    }

    fn group(&self, namespace: &str, name: &str) -> Option<&EcsSecurityGroupSpec> {
        let of_name = self.inputs.iter().filter(|input| input.namespace == namespace && input.name == name);
        of_name.map(|input| &input.content).find_map(|content| match content {
            Content::SecurityGroup(spec) => Some(spec),
            _ => None,
        })
    }
}
