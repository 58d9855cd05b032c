//! EcsSecurityGroup -> NetworkPolicy. A group that is deleted stays, and its policy with it, for as long as tasks are
//! protected by it or services use it.

use std::sync::Arc;

use futures::{Future, future::Shared};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::{Api, ResourceExt, runtime::reflector::ObjectRef};

use crate::{
    api::{
        security_group::{EcsSecurityGroup, EcsSecurityGroupStatus, SecurityGroupMember, SecurityGroupRule},
        service::EcsService,
    },
    decide::conditions::{self, ACCEPTED, Finding, reason},
    ecs::{
        network_configuration::Groups,
        security_group::{self, GroupName},
        violation,
        vpc::Vpc,
    },
    kube_io::{
        apply::{Force, apply},
        caches::Caches,
        error::Error,
        events::Severity,
        finalizer,
        pod::Pod,
        status,
    },
    translate::{
        names, network_policy,
        owner::{Owner, Ownership},
    },
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    findings::{applied, deletion_waits},
    refusal::Refusal,
    service::uses,
    triggers::Triggers,
    vpc::{follow_networks, vpc_of},
};

/// Reconciles security groups until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = Arc::clone(&context.caches);
    let (triggers, receiver) = Triggers::of(&caches.security_groups);
    triggers.owner_of(&caches.network_policies);
    // Who belongs to a group matters to those that name it.
    let all = Arc::clone(&caches);
    triggers.from(&caches.security_groups, move |group: &EcsSecurityGroup| groups_that_name(&all, group));
    // A cluster that comes, goes or joins a VPC matters to those that name groups of it.
    follow_networks(&triggers, &caches, groups_about_other_clusters);
    // Whoever a deleted group waits for.
    let all = Arc::clone(&caches);
    triggers.from(&caches.pods, move |pod: &Pod| deleted_groups(&all, pod.metadata.namespace.as_deref()));
    let all = Arc::clone(&caches);
    triggers.from(&caches.services, move |service: &EcsService| {
        deleted_groups(&all, service.metadata.namespace.as_deref())
    });
    let driver = Driver { store: caches.security_groups.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

fn groups_that_name(caches: &Caches, named: &EcsSecurityGroup) -> Vec<ObjectRef<EcsSecurityGroup>> {
    let (namespace, name) = (named.namespace().unwrap_or_default(), named.name_any());
    // Of which cluster it is asked for shows when the rules are checked.
    let is_about = |rule: &SecurityGroupRule, is_near: bool| {
        rule.source_security_group.as_deref() == Some(&name) && (is_near || is_about_another_cluster(rule))
    };
    let names_it = |group: &EcsSecurityGroup| {
        let is_near = group.namespace().as_deref() == Some(&namespace);
        rules(group).any(|rule| is_about(rule, is_near))
    };
    let groups = caches.security_groups.store.state_filter(|group| names_it(group));
    groups.iter().map(|group| ObjectRef::from_obj(&**group)).collect()
}

fn groups_about_other_clusters(caches: &Caches) -> Vec<ObjectRef<EcsSecurityGroup>> {
    let groups = caches.security_groups.store.state_filter(|group| rules(group).any(is_about_another_cluster));
    groups.iter().map(|group| ObjectRef::from_obj(&**group)).collect()
}

fn rules(group: &EcsSecurityGroup) -> impl Iterator<Item = &SecurityGroupRule> {
    group.spec.ingress.iter().chain(&group.spec.egress).flatten()
}

fn is_about_another_cluster(rule: &SecurityGroupRule) -> bool {
    rule.kubernetes.as_ref().is_some_and(|kubernetes| kubernetes.cluster.is_some())
}

fn deleted_groups(caches: &Caches, namespace: Option<&str>) -> Vec<ObjectRef<EcsSecurityGroup>> {
    let groups = caches.security_groups.store.state_filter(|group| {
        group.metadata.deletion_timestamp.is_some() && group.metadata.namespace.as_deref() == namespace
    });
    groups.iter().map(|group| ObjectRef::from_obj(&**group)).collect()
}

/// Checks that the groups which an object names exist among those of its Namespace.
///
/// # Errors
/// When one does not.
pub fn check_named(groups: &Groups, there: &[Arc<EcsSecurityGroup>], namespace: &str) -> Result<(), Refusal> {
    let Groups::Named(names) = groups else { return Ok(()) };
    let exists = |name: &String| there.iter().any(|group| group.name_any() == *name);
    let Some(missing) = names.iter().find(|name| !exists(name)) else { return Ok(()) };
    let message = format!(
        "The security group '{missing}' does not exist. Make an EcsSecurityGroup of that name in Namespace {namespace}, or correct spec.networkConfiguration.awsvpcConfiguration.securityGroups."
    );
    Err(Refusal::new(reason::SECURITY_GROUP_NOT_FOUND, &message))
}

/// The first of an object's groups whose rules are not enforced yet: no task of it may start before.
#[must_use]
pub fn first_unready<'a>(groups: &'a Groups, there: &[Arc<EcsSecurityGroup>]) -> Option<&'a String> {
    let group = |name: &String| there.iter().find(|group| group.name_any() == *name);
    groups.names().iter().find(|name| !group(name).is_some_and(|group| is_ready(group)))
}

fn is_ready(group: &EcsSecurityGroup) -> bool {
    let status = group.status.as_ref();
    status.is_some_and(|status| {
        conditions::is_ready(group.metadata.generation, status.observed_generation, &status.conditions)
    })
}

async fn reconcile(group: Arc<EcsSecurityGroup>, context: Arc<Context>) -> Result<Outcome, Error> {
    let observed = observe(&group, &context);
    let groups: Api<EcsSecurityGroup> = context.api(&observed.namespace);
    let is_terminating = context.is_terminating(&observed.namespace);
    // No task may be protected by a group that could vanish.
    if !finalizer::hold(&groups, &*group, finalizer::SECURITY_GROUP, observed.used_by.is_some(), is_terminating).await?
    {
        return Ok(Outcome::Done);
    }
    let (findings, result) = match security_group::check(&group.spec, &observed.vpc) {
        Err(violations) => {
            // The policy stays as it was: a mistake in a rule must neither open nor close what was open.
            let message = violation::summary(&violations);
            (conditions::refused(reason::INVALID, &message).to_vec(), Ok(()))
        }
        Ok(checked) => {
            let members = |name: &GroupName| members_of(&context.caches, &observed.namespace, name);
            let policy =
                network_policy::of_group(&observed.namespace, &observed.name, &observed.owner, &checked, &members);
            let result = apply_policy(&observed, &policy, &context).await;
            if let Err(Error::Stale { .. }) = result {
                return result.map(|()| Outcome::Done);
            }
            let mut findings = applied("All rules can be enforced.", "The NetworkPolicy is as the rules say.", &result);
            if !checked.stale.is_empty() {
                // The other rules hold, and tasks start under them: what is stale is another cluster's doing.
                findings.retain(|finding| finding.type_ != ACCEPTED);
                findings.push(Finding::fails(ACCEPTED, reason::INVALID, violation::summary(&checked.stale)));
            }
            (findings, result)
        }
    };
    let findings = match &observed.used_by {
        Some(user) => deletion_waits(
            findings,
            format!(
                "DependencyViolation: resource {} has a dependent object. Its rules hold until {user} is gone or uses another group.",
                observed.name
            ),
        ),
        None => findings,
    };
    report(&group, &observed, &findings, &context).await?;
    result.map(|()| Outcome::Done)
}

struct Observed {
    namespace: String,
    name: String,
    owner: Owner,
    policy: Option<Arc<NetworkPolicy>>,
    /// The clusters whose groups its rules may name.
    vpc: Vpc,
    /// A service or task that uses it, when it is being deleted.
    used_by: Option<String>,
}

fn observe(group: &EcsSecurityGroup, context: &Context) -> Observed {
    let (namespace, name) = (group.namespace().unwrap_or_default(), group.name_any());
    let policy = context.caches.network_policies.get(&namespace, &names::network_policy(&name));
    let is_deleted = group.metadata.deletion_timestamp.is_some();
    let used_by = is_deleted.then(|| user_of(group, &context.caches)).flatten();
    let vpc = vpc_of(&namespace, &context.caches);
    Observed { namespace, name, owner: Owner::of(group), policy, vpc, used_by }
}

/// The Pods that belong to a group without being tasks.
fn members_of(caches: &Caches, namespace: &str, group: &GroupName) -> Vec<SecurityGroupMember> {
    let group = caches.security_groups.get(group.namespace.as_deref().unwrap_or(namespace), &group.name);
    group.map(|group| security_group::members(&group.spec).to_vec()).unwrap_or_default()
}

fn user_of(group: &EcsSecurityGroup, caches: &Caches) -> Option<String> {
    let (namespace, name) = (group.namespace().unwrap_or_default(), group.name_any());
    let services = caches.services.in_namespace(&namespace);
    // What an earlier service of the name has left is not its own: it waits for that to go.
    let is_remnant = |service: &EcsService| Owner::of(service).ownership(group) == Ownership::Remnant;
    let service = services.iter().find(|service| uses(service, &name) && !is_remnant(service));
    let service = service.map(|service| format!("EcsService {}", service.name_any()));
    let protected = || caches.pods.labelled(&namespace, &names::security_group_label(&name), "true");
    service.or_else(|| protected().first().map(|pod| format!("Pod {}", pod.name_any())))
}

async fn apply_policy(observed: &Observed, policy: &NetworkPolicy, context: &Context) -> Result<(), Error> {
    let wanted_by = format!("EcsSecurityGroup {}", observed.name);
    let ownership = |found: &NetworkPolicy| observed.owner.ownership(found);
    let api = context.api(&observed.namespace);
    apply(&api, policy, observed.policy.as_deref(), ownership, Force::Yes, &wanted_by).await.map(|_| ())
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
