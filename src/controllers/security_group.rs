//! EcsSecurityGroup -> NetworkPolicy.

use std::sync::Arc;

use futures::{Future, future::Shared};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::ResourceExt;

use crate::{
    api::security_group::{EcsSecurityGroup, EcsSecurityGroupStatus},
    decide::conditions::{self, ACCEPTED, Finding, READY, reason},
    ecs::{security_group, violation},
    kube_io::{
        apply::{Force, apply},
        error::Error,
        events::Severity,
        status,
    },
    translate::{names, network_policy, owner::Owner},
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    triggers::Triggers,
};

/// Reconciles security groups until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = Arc::clone(&context.caches);
    let (triggers, receiver) = Triggers::of(&caches.security_groups);
    triggers.owner_of(&caches.network_policies);
    let driver = Driver { store: caches.security_groups.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

async fn reconcile(group: Arc<EcsSecurityGroup>, context: Arc<Context>) -> Result<Outcome, Error> {
    let observed = observe(&group, &context);
    if group.metadata.deletion_timestamp.is_some() || context.is_terminating(&observed.namespace) {
        return Ok(Outcome::Done);
    }
    let (findings, result) = match security_group::check(&group.spec) {
        Err(violations) => {
            // The policy stays as it was: a mistake in a rule must neither open nor close what was open.
            let message = violation::summary(&violations);
            (refused(&message), Ok(()))
        }
        Ok(checked) => {
            let policy = network_policy::of_group(&observed.namespace, &observed.name, &observed.owner, &checked);
            let result = apply_policy(&observed, &policy, &context).await;
            if let Err(Error::Stale { .. }) = result {
                return result.map(|()| Outcome::Done);
            }
            (applied(&result), result)
        }
    };
    report(&group, &observed, &findings, &context).await?;
    result.map(|()| Outcome::Done)
}

struct Observed {
    namespace: String,
    name: String,
    owner: Owner,
    policy: Option<Arc<NetworkPolicy>>,
}

fn observe(group: &EcsSecurityGroup, context: &Context) -> Observed {
    let (namespace, name) = (group.namespace().unwrap_or_default(), group.name_any());
    let policy = context.caches.network_policies.get(&namespace, &names::network_policy(&name));
    Observed { namespace, name, owner: Owner::of(group), policy }
}

async fn apply_policy(observed: &Observed, policy: &NetworkPolicy, context: &Context) -> Result<(), Error> {
    let wanted_by = format!("EcsSecurityGroup {}", observed.name);
    let ownership = |found: &NetworkPolicy| observed.owner.ownership(found);
    let api = context.api(&observed.namespace);
    apply(&api, policy, observed.policy.as_deref(), ownership, Force::Yes, &wanted_by).await.map(|_| ())
}

fn refused(message: &str) -> Vec<Finding> {
    vec![Finding::fails(ACCEPTED, reason::INVALID, message), Finding::fails(READY, reason::NOT_ACCEPTED, message)]
}

fn applied(result: &Result<(), Error>) -> Vec<Finding> {
    let accepted = Finding::holds(ACCEPTED, reason::ACCEPTED, "All rules can be enforced.");
    let ready = match result {
        Ok(()) => Finding::holds(READY, reason::AVAILABLE, "The NetworkPolicy is as the rules say."),
        Err(error @ Error::Foreign { .. }) => Finding::fails(READY, reason::FOREIGN_OBJECT, error.to_string()),
        Err(error) => Finding::fails(READY, reason::WAITING, error.to_string()),
    };
    vec![accepted, ready]
}

async fn report(
    group: &EcsSecurityGroup,
    observed: &Observed,
    findings: &[Finding],
    context: &Context,
) -> Result<(), Error> {
    let old = group.status.clone().unwrap_or_default();
    let new = EcsSecurityGroupStatus {
        network_policy: Some(names::network_policy(&observed.name)),
        observed_generation: group.metadata.generation,
        conditions: conditions::merge(&old.conditions, findings, group.metadata.generation, &context.now()),
    };
    if status::says_the_same(&old, &new) {
        return Ok(());
    }
    status::write(&context.api(&observed.namespace), group, &new).await?;
    for finding in findings.iter().filter(|finding| finding.type_ == ACCEPTED && !finding.holds) {
        context.events.tell(group, Severity::Warning, finding.reason, &finding.message).await;
    }
    Ok(())
}
