//! Fifth step: the status of a target group.

use k8s_openapi::api::core::v1::Service;

use crate::{
    api::target_group::{EcsTargetGroupStatus, LoadBalancerKind},
    controllers::{context::Context, driver::Outcome, findings::deletion_waits, refusal::Refusal},
    decide::conditions::{self, ACCEPTED, Finding, READY, is_true, reason},
    ecs::{
        field_outcomes,
        target_group::{self, TargetGroup},
        target_port::TargetPort,
    },
    kube_io::{error::Error, events::Severity, gateway::host_and_port, status},
    translate::names,
};

use super::{
    apply::{Front, Taken},
    observe::Observed,
};

/// A target group that breaks a rule. What was made of it before stays as it is.
pub(super) async fn refused(observed: &Observed, refusal: &Refusal, context: &Context) -> Result<Outcome, Error> {
    let findings = conditions::refused(refusal.reason, &refusal.message).to_vec();
    let before = observed.group.status.clone().unwrap_or_default();
    tell(observed, before, findings, context).await
}

/// A target group whose objects were applied, or not.
pub(super) async fn applied(
    observed: &Observed,
    group: &TargetGroup,
    port: &TargetPort,
    (result, refusal): (&Result<Front, Error>, Option<&Refusal>),
    context: &Context,
) -> Result<Outcome, Error> {
    let before = observed.group.status.clone().unwrap_or_default();
    let (ready, address) = match result {
        Ok(front) => ready(observed, group, port, front),
        Err(error) => (failed(error), None),
    };
    // What was accepted before is kept up, and that is not what the spec says.
    let findings = match refusal {
        Some(refusal) => conditions::refused(refusal.reason, &refusal.message).to_vec(),
        None => vec![Finding::holds(ACCEPTED, reason::ACCEPTED, "The target group keeps the rules."), ready],
    };
    let new = match result {
        Ok(front) => EcsTargetGroupStatus {
            address,
            service: Some(names::target_group(&observed.name)),
            http_route: matches!(front, Front::Route { .. }).then(|| names::target_group(&observed.name)),
            ..before
        },
        // What was made before may be there still, but an address that somebody else has is none.
        Err(Error::Foreign { .. }) => EcsTargetGroupStatus { address: None, ..before },
        Err(_) => before,
    };
    tell(observed, new, findings, context).await
}

fn failed(error: &Error) -> Finding {
    match error {
        Error::Foreign { .. } => Finding::fails(READY, reason::FOREIGN_OBJECT, error.to_string()),
        error if error.refusal().is_some() => Finding::fails(READY, reason::REFUSED_BY_API_SERVER, error.to_string()),
        error => Finding::fails(READY, reason::WAITING, error.to_string()),
    }
}

/// Whether clients reach it, and where.
fn ready(observed: &Observed, group: &TargetGroup, port: &TargetPort, front: &Front) -> (Finding, Option<String>) {
    let (finding, address) = match front {
        Front::Missing => (Finding::fails(READY, reason::GATEWAY_API_MISSING, NO_GATEWAY_API), None),
        Front::Route { gateway, taken, .. } => of_route(gateway, taken),
        Front::Service if group.load_balancer == LoadBalancerKind::Network => of_load_balancer(observed, group),
        Front::Service => {
            let address = format!("{}.{}.svc:{}", names::target_group(&observed.name), observed.namespace, group.port);
            (Finding::holds(READY, reason::AVAILABLE, "The Service is as the target group says."), Some(address))
        }
    };
    match port {
        TargetPort::OfNewest(port) if finding.holds => {
            let message = format!(
                "Its targets listen on different ports of different names. Those on port {port} are reached, and the others refuse connections: keep the name of the port in portMappings when it moves."
            );
            (Finding::fails(READY, reason::TARGETS_DISAGREE, message), address)
        }
        _ => (finding, address),
    }
}

const NO_GATEWAY_API: &str = "The Gateway API is not installed in this cluster, so there is no HTTPRoute: install it, with a Gateway, or set kubernetes.loadBalancer to network or internal.";

fn of_load_balancer(observed: &Observed, group: &TargetGroup) -> (Finding, Option<String>) {
    let host = observed.service.as_deref().and_then(host);
    let address = host.map(|host| host_and_port(host, i32::from(group.port)));
    let finding = if address.is_some() {
        Finding::holds(READY, reason::AVAILABLE, "The load balancer has an address.")
    } else {
        let message = "The load balancer has no address yet: one comes from a controller for Services of type LoadBalancer, that of the cloud or one like MetalLB.";
        Finding::fails(READY, reason::WAITING, message)
    };
    (finding, address)
}

fn host(service: &Service) -> Option<&str> {
    let balancer = service.status.as_ref()?.load_balancer.as_ref()?;
    let ingress = balancer.ingress.iter().flatten().next()?;
    ingress.hostname.as_deref().or(ingress.ip.as_deref())
}

fn of_route(gateway: &str, taken: &Taken) -> (Finding, Option<String>) {
    match taken {
        Taken::Yes { address } => {
            let message = format!("Gateway {gateway} has taken the HTTPRoute.");
            (Finding::holds(READY, reason::AVAILABLE, message), address.clone())
        }
        Taken::No { why } => {
            let message = format!("Gateway {gateway} does not take the HTTPRoute: {why}");
            (Finding::fails(READY, reason::WAITING, message), None)
        }
        Taken::NotYet => {
            let message = format!(
                "Gateway {gateway} has not taken the HTTPRoute yet: is there one, and does it take routes of this Namespace?"
            );
            (Finding::fails(READY, reason::WAITING, message), None)
        }
    }
}

async fn tell(
    observed: &Observed,
    told: EcsTargetGroupStatus,
    findings: Vec<Finding>,
    context: &Context,
) -> Result<Outcome, Error> {
    let group = &*observed.group;
    let findings = match &observed.used_by {
        Some(user) => {
            let message = format!(
                "ResourceInUse: target group {} is currently in use. It stays until {user} is gone or names another one.",
                target_group::name(&group.spec, &observed.name)
            );
            deletion_waits(findings, message)
        }
        None => findings,
    };
    let old = group.status.clone().unwrap_or_default();
    let (counts, generation) = (observed.counts(), group.metadata.generation);
    let arn = context.arns.target_group(target_group::name(&group.spec, &observed.name), &observed.owner.uid);
    let new = EcsTargetGroupStatus {
        target_group_arn: Some(arn),
        registered_targets: counts.registered,
        healthy_targets: counts.healthy,
        field_outcomes: field_outcomes::differences(&field_outcomes::of_target_group(&group.spec)),
        observed_generation: generation,
        conditions: conditions::merge(&old.conditions, &findings, generation, &context.now()),
        ..told
    };
    if status::says_the_same(&old, &new) {
        return Ok(Outcome::Done);
    }
    let left = context.time_for_status(group, &old, &new);
    if !left.is_zero() {
        return Ok(Outcome::Wait(left));
    }
    context.write_status(&context.api(&observed.namespace), group, &new).await?;
    context.tell_newly_ignored(group, &old.field_outcomes, &new.field_outcomes).await;
    let was_accepted = is_true(&old.conditions, ACCEPTED) || old.conditions.is_empty();
    let waited = old.conditions.iter().any(|condition| condition.reason == reason::DELETION_WAITS);
    let is_news = |finding: &&Finding| match finding.reason {
        reason::DELETION_WAITS => !waited,
        _ => finding.type_ == ACCEPTED && !finding.holds && was_accepted,
    };
    for finding in findings.iter().filter(is_news) {
        context.events.tell(group, Severity::Warning, finding.reason, &finding.message).await;
    }
    Ok(Outcome::Done)
}
