//! What the objects are called that stand for things of AWS which a task definition names: the report tells it, and the
//! translation refers to them. Names of what the operator makes are in `translate::names`.

use super::slug::slug;

/// Longest name of most objects of Kubernetes.
const OBJECT: usize = 253;

/// The ServiceAccount of a role. Its prefix keeps task definitions off ServiceAccounts that were not made for them.
#[must_use]
pub fn service_account(role: &str) -> String {
    format!("ecs-role-{}", slug(role, 200))
}

/// The Secret that stands for a secret of Secrets Manager or a parameter of SSM.
#[must_use]
pub fn secret(name: &str) -> String {
    slug(name, OBJECT)
}

/// The ConfigMap that stands for a file of environment variables: bucket and key of an object in S3.
#[must_use]
pub fn environment_file(object: &str) -> String {
    slug(object, OBJECT)
}

/// The PersistentVolumeClaim that stands for a file system or access point.
#[must_use]
pub fn claim(id: &str) -> String {
    slug(id, OBJECT)
}
