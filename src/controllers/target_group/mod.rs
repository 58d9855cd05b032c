//! EcsTargetGroup -> a Service, and for an application load balancer an HTTPRoute. A target group that is deleted stays for as long
//! as services name it or tasks are registered with it. What the API server is told is `apply`'s, what users are, `report`'s.

mod apply;
mod known;
mod last_accepted;
mod observe;
mod report;

use std::{sync::Arc, time::Duration};

use futures::{Future, future::Shared};
use kube::{Api, ResourceExt, runtime::reflector::ObjectRef};

use crate::{
    api::{
        service::EcsService,
        target_group::{EcsTargetGroup, EcsTargetGroupKubernetes, EcsTargetGroupSpec},
    },
    decide::conditions::reason,
    ecs::{
        target_group::{self, TargetGroup},
        target_port::{TargetPort, target_port},
        violation::{self, Violation},
    },
    kube_io::{caches::Caches, error::Error, finalizer, pod::Pod},
    translate::{
        labels,
        target_group::{LoadBalancer, http_route, service},
    },
};

use super::{
    context::Context,
    driver::{Driver, Outcome},
    refusal::Refusal,
    triggers::Triggers,
};

use apply::Front;
pub use known::TargetGroups;
use observe::Observed;

/// How often it is looked at what only asking tells: whether there is a Gateway API, and what a Gateway says.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// The same while a Gateway is about to answer.
const ASK_SOON: Duration = Duration::from_secs(5);

/// Reconciles target groups until `stop` resolves.
pub async fn run<S: Future<Output = ()> + Send + 'static>(context: &Arc<Context>, stop: Shared<S>)
where
    Shared<S>: Send + Sync,
{
    let caches = Arc::clone(&context.caches);
    let (triggers, receiver) = Triggers::of(&caches.target_groups);
    triggers.owner_of(&caches.kubernetes_services);
    // Whoever claims the same name: when one goes, another may take its place.
    let all = Arc::clone(&caches);
    triggers.from(&caches.target_groups, move |changed: &EcsTargetGroup| {
        let same =
            |group: &EcsTargetGroup| name_of(group) == name_of(changed) && group.name_any() != changed.name_any();
        references(&all, changed.metadata.namespace.as_deref(), same)
    });
    triggers.from(&caches.pods, |pod: &Pod| {
        let namespace = pod.namespace().unwrap_or_default();
        pod.targets.iter().map(|target| ObjectRef::new(&target.target_group).within(&namespace)).collect()
    });
    // Whoever does not name a deleted one any more is not waited for.
    let all = Arc::clone(&caches);
    triggers.from(&caches.services, move |service: &EcsService| {
        let concerns = |group: &EcsTargetGroup| {
            observe::names(service, name_of(group)) || group.metadata.deletion_timestamp.is_some()
        };
        references(&all, service.metadata.namespace.as_deref(), concerns)
    });
    let driver = Driver { store: caches.target_groups.store.clone(), triggers: receiver };
    driver.run(context, stop, reconcile).await;
}

fn references(
    caches: &Caches,
    namespace: Option<&str>,
    which: impl Fn(&EcsTargetGroup) -> bool,
) -> Vec<ObjectRef<EcsTargetGroup>> {
    let groups = caches.target_groups.in_namespace(namespace.unwrap_or_default()).into_iter();
    groups.filter(|group| which(group)).map(|group| ObjectRef::from_obj(&*group)).collect()
}

/// Whether a service names a target group.
#[must_use]
pub fn is_named_by(group: &EcsTargetGroup, service: &EcsService) -> bool {
    observe::names(service, name_of(group))
}

/// The name of a target group in ECS.
fn name_of(group: &EcsTargetGroup) -> &str {
    let object = group.metadata.name.as_deref().unwrap_or_default();
    target_group::name(&group.spec, object)
}

async fn reconcile(group: Arc<EcsTargetGroup>, context: Arc<Context>) -> Result<Outcome, Error> {
    let observed = observe::observe(group, &context);
    let groups: Api<EcsTargetGroup> = context.api(&observed.namespace);
    let is_terminating = context.is_terminating(&observed.namespace);
    let is_used = observed.used_by.is_some();
    // No target may lose its traffic because somebody deletes a group by mistake.
    if !finalizer::hold(&groups, &*observed.group, finalizer::TARGET_GROUP, is_used, is_terminating).await? {
        return Ok(Outcome::Done);
    }
    let (accepted, refusal) = match validate(&observed) {
        Ok(accepted) => (accepted, None),
        Err(refusal) => match last_accepted::read(&observed) {
            Some(accepted) => (accepted, Some(refusal)),
            None => return report::refused(&observed, &refusal, &context).await,
        },
    };
    let Accepted { group, kubernetes } = &accepted;
    let target_port = target_port(&observed.targets(), observed.wanted_port.unwrap_or(group.port));
    let load_balancer = load_balancer(&observed, group, kubernetes, &target_port);
    let mut service = service(load_balancer);
    let kept = last_accepted::kept(&observed, refusal.is_some());
    service.annotations_mut().extend(kept.map(|kept| (labels::LAST_ACCEPTED.into(), kept)));
    let applied = apply::apply(&observed, &service, http_route(load_balancer).as_ref(), &context).await;
    if let Err(Error::Stale { .. }) = applied {
        return Ok(Outcome::Done);
    }
    let told = report::applied(&observed, group, &target_port, (&applied, refusal.as_ref()), &context).await?;
    Ok(match applied? {
        Front::Service => told,
        Front::Route { is_new: true, .. } => told.or_sooner(Outcome::Wait(ASK_SOON)),
        Front::Route { .. } | Front::Missing => told.or_sooner(Outcome::Wait(ASK_AGAIN)),
    })
}

/// A target group that keeps the rules.
struct Accepted {
    group: TargetGroup,
    kubernetes: EcsTargetGroupKubernetes,
}

impl Accepted {
    fn of(spec: &EcsTargetGroupSpec, object: &str) -> Result<Self, Vec<Violation>> {
        let kubernetes = spec.kubernetes.clone().unwrap_or_default();
        Ok(Self { group: target_group::check(spec, object)?, kubernetes })
    }
}

fn load_balancer<'a>(
    observed: &'a Observed,
    checked: &'a TargetGroup,
    kubernetes: &'a EcsTargetGroupKubernetes,
    target_port: &'a TargetPort,
) -> LoadBalancer<'a> {
    LoadBalancer {
        namespace: &observed.namespace,
        object: &observed.name,
        owner: &observed.owner,
        group: checked,
        kubernetes,
        target_port,
    }
}

fn validate(observed: &Observed) -> Result<Accepted, Refusal> {
    let accepted = Accepted::of(&observed.group.spec, &observed.name)
        .map_err(|violations| Refusal::new(reason::INVALID, &violation::summary(&violations)))?;
    let Some(holder) = observed.other_holder() else { return Ok(accepted) };
    let message = format!(
        "A target group with the name {} exists: it is EcsTargetGroup {}, which is older. Delete one of the two; a target group of another name is another EcsTargetGroup.",
        accepted.group.name, holder.name
    );
    Err(Refusal::new(reason::TARGET_GROUP_TAKEN, &message))
}
