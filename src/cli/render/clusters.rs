//! Which cluster a Namespace belongs to, where no API server can be asked: the documents say it, or the Namespace's name does.

use crate::{
    api::cluster::EcsClusterSpec,
    ecs::cluster::{self, Claim, DEFAULT_CLUSTER, NoCluster, of_namespace},
    translate::names,
};

use super::input::{Content, Input};

/// A cluster among the documents.
struct Cluster {
    namespace: String,
    name: String,
    object: String,
    spec: EcsClusterSpec,
}

/// The clusters of the documents.
pub(super) struct Clusters(Vec<Cluster>);

impl Clusters {
    pub(super) fn of(inputs: &[Input]) -> Self {
        let clusters = inputs.iter().filter(|input| input.faults.is_empty()).filter_map(|input| {
            let Content::Cluster(spec) = &input.content else { return None };
            let name = cluster::name(spec, &input.name);
            cluster::check_name(name).ok()?;
            let namespace = cluster::namespace(spec, &input.name);
            Some(Cluster { namespace, name: name.to_owned(), object: input.name.clone(), spec: spec.clone() })
        });
        Self(clusters.collect())
    }

    /// What their users want of them, with the names of the objects.
    pub(super) fn all(&self) -> impl Iterator<Item = (&EcsClusterSpec, &str)> + Clone {
        self.0.iter().map(|cluster| (&cluster.spec, cluster.object.as_str()))
    }

    /// What its users want of the cluster of a Namespace; nothing, where it is not among the documents.
    pub(super) fn spec_of(&self, namespace: &str) -> EcsClusterSpec {
        let cluster = self.0.iter().find(|cluster| cluster.namespace == namespace);
        cluster.map(|cluster| cluster.spec.clone()).unwrap_or_default()
    }

    /// The EcsCluster of a Namespace's objects. `named` is the cluster that an object names.
    ///
    /// # Errors
    /// When it is another one, or two of the documents claim the Namespace.
    pub(super) fn object_of(&self, namespace: &str, named: Option<&str>) -> Result<String, NoCluster> {
        let of_documents: Vec<_> = self.0.iter().filter(|cluster| cluster.namespace == namespace).collect();
        let claim = |cluster: &str| Claim { cluster: cluster.to_owned(), holds: true, deleting: false };
        if !of_documents.is_empty() {
            let claims: Vec<_> = of_documents.iter().map(|cluster| claim(&cluster.name)).collect();
            let name = of_namespace(namespace, &claims, named)?;
            let found = of_documents.iter().find(|cluster| cluster.name == name);
            return Ok(found.map(|cluster| cluster.object.clone()).unwrap_or_default());
        }
        let named_cluster = named.map(crate::ecs::arn::last_segment);
        match (named_cluster, namespace.strip_prefix("ecs-")) {
            (Some(named), _) if names::namespace(named) == namespace => Ok(named.to_owned()),
            (_, Some(cluster)) => of_namespace(namespace, &[claim(cluster)], named).map(str::to_owned),
            // Any cluster may have been given a Namespace of another name.
            (named, None) => Ok(named.unwrap_or(DEFAULT_CLUSTER).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_of_the_usual_name_tells_its_cluster() {
        let none = Clusters(Vec::new());
        assert_eq!(none.object_of("ecs-default", None).as_deref(), Ok("default"));
        assert_eq!(
            none.object_of("ecs-shop", Some("arn:aws:ecs:us-east-1:000000000000:cluster/shop")).as_deref(),
            Ok("shop")
        );
        assert_eq!(none.object_of(&names::namespace("Shop_1"), Some("Shop_1")).as_deref(), Ok("Shop_1"));
        assert_eq!(none.object_of("team", Some("shop")).as_deref(), Ok("shop"));
        let refused = none.object_of("ecs-default", Some("shop")).unwrap_err().to_string();
        assert!(refused.contains("spec.cluster is \"shop\""), "{refused}");
    }

    #[test]
    fn a_cluster_among_the_documents_says_it_better() {
        let cluster = |name: &str| Cluster {
            namespace: "team".into(),
            name: name.into(),
            object: format!("{name}-object"),
            spec: EcsClusterSpec::default(),
        };
        let one = Clusters(vec![cluster("shop")]);
        assert_eq!(one.object_of("team", None).as_deref(), Ok("shop-object"));
        assert!(one.object_of("team", Some("other")).is_err());
        assert!(Clusters(vec![cluster("a"), cluster("b")]).object_of("team", None).is_err());
    }
}
