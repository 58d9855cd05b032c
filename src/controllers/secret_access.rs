//! Whether a task may use the Secrets that it names: its execution role has to be allowed to `get` them, as on ECS. The kubelet
//! reads them, whatever a task may; so the API server is asked before.

use std::time::Duration;

use crate::{
    kube_io::access::may_get_secret,
    translate::{names, secret_needs::SecretNeeds},
};

use super::context::Context;

/// When to ask again: no watch tells that a right was granted.
pub const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Why a task may not start: the first Secret that its execution role may not get, or that the API server does not tell of; `None`
/// when it may get all.
pub async fn refusal(needs: &SecretNeeds, namespace: &str, context: &Context) -> Option<String> {
    let role = needs.execution_role.as_deref();
    let account = role.map_or_else(|| names::NO_ROLE.to_owned(), names::service_account);
    for secret in &needs.secrets {
        match may_get_secret(&context.client, namespace, &account, secret).await {
            Ok(true) => {}
            Ok(false) => return Some(message(role, &account, namespace, secret)),
            Err(error) => return Some(format!("ResourceInitializationError: {error}")),
        }
    }
    None
}

fn message(role: Option<&str>, account: &str, namespace: &str, secret: &str) -> String {
    let Some(role) = role else {
        return format!(
            "ResourceInitializationError: the task names the Secret {secret}, and has no execution role that may get it. Give it one in executionRoleArn."
        );
    };
    format!(
        "ResourceInitializationError: the execution role {role} may not get the Secret {secret}. Grant it: kubectl -n {namespace} create role {account} --verb=get --resource=secrets --resource-name={secret}, and kubectl -n {namespace} create rolebinding {account} --role={account} --serviceaccount={namespace}:{account}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_tells_the_way_out() {
        let told = message(Some("puller"), "ecs-role-puller", "ecs-default", "db");
        assert!(told.starts_with("ResourceInitializationError: the execution role puller may not get the Secret db."));
        assert!(told.ends_with("--serviceaccount=ecs-default:ecs-role-puller"), "{told}");
        let told = message(None, names::NO_ROLE, "ecs-default", "db");
        assert!(told.ends_with("Give it one in executionRoleArn."), "{told}");
    }
}
