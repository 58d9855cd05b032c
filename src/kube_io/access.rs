//! Asks the API server what a ServiceAccount may do.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams, core::ObjectMeta};

use super::error::Error;

/// Whether a ServiceAccount may `get` a Secret of its Namespace.
///
/// # Errors
/// When the API server cannot be reached, or refuses to tell.
pub async fn may_get_secret(client: &Client, namespace: &str, account: &str, secret: &str) -> Result<bool, Error> {
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let review = review(namespace, account, secret);
    let answer = reviews.create(&PostParams::default(), &review).await;
    let answer = answer.map_err(|error| {
        Error::request(format!("ask whether ServiceAccount {account} may get Secret {secret}"), error)
    })?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// The question. The groups are those that the API server itself gives a ServiceAccount.
fn review(namespace: &str, account: &str, secret: &str) -> SubjectAccessReview {
    let groups = [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ];
    SubjectAccessReview {
        metadata: ObjectMeta::default(),
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{namespace}:{account}")),
            groups: Some(groups.into()),
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(namespace.into()),
                verb: Some("get".into()),
                version: Some("v1".into()),
                resource: Some("secrets".into()),
                name: Some(secret.into()),
                ..Default::default()
            }),
            ..Default::default()
        },
        status: None,
    }
}
