//! `ecs-operator release`: takes the operator's finalizers off, so that objects can be deleted when no operator will run
//! any more. It is run by an administrator, with the administrator's rights.

use kube::{Api, Client, Resource, ResourceExt, api::ListParams, core::PartialObjectMeta};

use crate::{
    api::{
        cluster::EcsCluster, role::EcsRole, security_group::EcsSecurityGroup, service::EcsService,
        target_group::EcsTargetGroup, task::EcsTask,
    },
    kube_io::{cache::Cached, error::Error, finalizer},
};

/// Takes the finalizers off every object that carries one, and prints which.
///
/// # Errors
/// When the API server cannot be reached or refuses, or an object has changed at that moment: run it again.
pub async fn release(client: &Client) -> Result<(), Error> {
    let of_service = |namespace: &str| Api::<Metadata<EcsService>>::namespaced(client.clone(), namespace);
    release_kind(&Api::all(client.clone()), of_service, finalizer::SERVICE).await?;
    let of_task = |namespace: &str| Api::<Metadata<EcsTask>>::namespaced(client.clone(), namespace);
    release_kind(&Api::all(client.clone()), of_task, finalizer::TASK).await?;
    let of_group = |namespace: &str| Api::<Metadata<EcsSecurityGroup>>::namespaced(client.clone(), namespace);
    release_kind(&Api::all(client.clone()), of_group, finalizer::SECURITY_GROUP).await?;
    let of_target_group = |namespace: &str| Api::<Metadata<EcsTargetGroup>>::namespaced(client.clone(), namespace);
    release_kind(&Api::all(client.clone()), of_target_group, finalizer::TARGET_GROUP).await?;
    let of_role = |namespace: &str| Api::<Metadata<EcsRole>>::namespaced(client.clone(), namespace);
    release_kind(&Api::all(client.clone()), of_role, finalizer::ROLE).await?;
    let of_cluster = |_: &str| Api::<Metadata<EcsCluster>>::all(client.clone());
    release_kind(&Api::all(client.clone()), of_cluster, finalizer::CLUSTER).await
}

/// Finalizers are metadata, which is there also of objects whose spec cannot be read.
type Metadata<K> = PartialObjectMeta<K>;

async fn release_kind<K: Cached + Resource<DynamicType = ()>>(
    all: &Api<Metadata<K>>,
    api: impl Fn(&str) -> Api<Metadata<K>>,
    name: &str,
) -> Result<(), Error> {
    let kind = K::kind(&());
    let listed =
        all.list(&ListParams::default()).await.map_err(|error| Error::request(format!("list {kind}s"), error))?;
    for object in listed.items.iter().filter(|object| finalizer::is_set(*object, name)) {
        let namespace = object.namespace().unwrap_or_default();
        finalizer::remove(&api(&namespace), object, name).await?;
        let name = object.name_any();
        println!("released {kind} {}", if namespace.is_empty() { name } else { format!("{namespace}/{name}") });
    }
    Ok(())
}
