//! The CustomResourceDefinitions as they are installed: the derived ones, and what the derive macro cannot say.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion, JSON, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::{
    cluster::EcsCluster, role::EcsRole, security_group::EcsSecurityGroup, service::EcsService,
    target_group::EcsTargetGroup, task::EcsTask, task_definition::TaskDefinition,
    task_definition_revision::TaskDefinitionRevision,
};

/// Every CustomResourceDefinition of the operator, in the order of their names.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut revision = TaskDefinitionRevision::crd();
    // A revision is compared whole by `self == oldSelf`, which lets the entries of a map list change places.
    for_each_schema(&mut revision, &mut make_lists_atomic);
    let mut crds = vec![
        EcsCluster::crd(),
        EcsRole::crd(),
        EcsSecurityGroup::crd(),
        EcsService::crd(),
        EcsTargetGroup::crd(),
        EcsTask::crd(),
        TaskDefinition::crd(),
        revision,
    ];
    for crd in &mut crds {
        for_each_schema(crd, &mut drop_null_of_enums);
        for_each_schema(crd, &mut drop_unknown_formats);
        drop_null_of_scale(crd);
        add_first_status(crd);
    }
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    crds
}

/// An explicit null is the same as absent. The schema says so for optional members (`nullable`), but an enum never takes
/// a null, whatever it lists. The API server drops the null of a member that is not nullable.
fn drop_null_of_enums(schema: &mut JSONSchemaProps) {
    schema.nullable.take_if(|_| schema.enum_.is_some());
}

/// The scale subresource cannot read a null either.
fn drop_null_of_scale(crd: &mut CustomResourceDefinition) {
    for version in &mut crd.spec.versions {
        let scale = version.subresources.as_ref().and_then(|subresources| subresources.scale.as_ref());
        let Some(path) = scale.map(|scale| scale.spec_replicas_path.clone()) else { continue };
        let members = path.split('.').skip(1);
        let replicas = members.fold(schema_of(version), |schema, member| schema?.properties.as_mut()?.get_mut(member));
        if let Some(replicas) = replicas {
            replicas.nullable = None;
        }
    }
}

/// What an object says of itself before the operator has seen it: a task is on its way; for the others nothing was observed, so
/// that who waits for them does not take the silence for success.
fn add_first_status(crd: &mut CustomResourceDefinition) {
    for version in &mut crd.spec.versions {
        let status = schema_of(version).and_then(|schema| schema.properties.as_mut()?.get_mut("status"));
        let Some(status) = status else { continue };
        let has = |member: &str| status.properties.as_ref().is_some_and(|members| members.contains_key(member));
        status.default = if has("lastStatus") {
            Some(JSON(json!({ "lastStatus": "PROVISIONING" })))
        } else {
            has("observedGeneration").then(|| JSON(json!({ "observedGeneration": -1 })))
        };
    }
}

fn make_lists_atomic(schema: &mut JSONSchemaProps) {
    if schema.x_kubernetes_list_type.as_deref() == Some("map") {
        schema.x_kubernetes_list_type = Some("atomic".into());
        schema.x_kubernetes_list_map_keys = None;
    }
}

/// Kubernetes warns about formats that it does not know.
fn drop_unknown_formats(schema: &mut JSONSchemaProps) {
    const KNOWN: [&str; 4] = ["int32", "int64", "double", "date-time"];
    schema.format.take_if(|format| !KNOWN.contains(&format.as_str()));
}

fn for_each_schema(crd: &mut CustomResourceDefinition, change: &mut dyn FnMut(&mut JSONSchemaProps)) {
    for version in &mut crd.spec.versions {
        if let Some(schema) = schema_of(version) {
            walk(schema, change);
        }
    }
}

fn schema_of(version: &mut CustomResourceDefinitionVersion) -> Option<&mut JSONSchemaProps> {
    version.schema.as_mut()?.open_api_v3_schema.as_mut()
}

fn walk(schema: &mut JSONSchemaProps, change: &mut dyn FnMut(&mut JSONSchemaProps)) {
    change(schema);
    for property in schema.properties.iter_mut().flat_map(|properties| properties.values_mut()) {
        walk(property, change);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        walk(items, change);
    }
}
