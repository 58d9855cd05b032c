//! EcsSecurityGroup -> NetworkPolicy. Both are lists of what is allowed, which add up, and replies flow in both.

use k8s_openapi::{
    api::networking::v1::{
        IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
        NetworkPolicyPort, NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::api::ObjectMeta;

use crate::{
    api::security_group::SecurityGroupMember,
    ecs::security_group::{GroupName, Peer, Rule, SecurityGroup, Traffic},
};

use super::{
    labels::{self, Labels},
    names,
    owner::Owner,
};

/// Pods that are no tasks and belong to a group all the same.
pub type Members<'a> = &'a dyn Fn(&GroupName) -> Vec<SecurityGroupMember>;

/// Renders the policy of a group.
#[must_use]
pub fn of_group(
    namespace: &str,
    group_object: &str,
    owner: &Owner,
    group: &SecurityGroup,
    members: Members<'_>,
) -> NetworkPolicy {
    let selector = Labels::from([(names::security_group_label(group_object), "true".into())]);
    let egress_rule =
        |rule: &Rule| NetworkPolicyEgressRule { to: peers(&rule.peer, members), ports: ports(rule.traffic) };
    let ingress_rule =
        |rule: &Rule| NetworkPolicyIngressRule { from: peers(&rule.peer, members), ports: ports(rule.traffic) };
    let egress = match &group.egress {
        // One empty rule lets everything out.
        None => vec![NetworkPolicyEgressRule::default()],
        Some(rules) => std::iter::once(dns()).chain(rules.iter().map(egress_rule)).collect(),
    };
    let ingress = group.ingress.iter().map(ingress_rule).collect();
    policy(names::network_policy(group_object), namespace, owner, selector, ingress, egress)
}

/// Renders the policy that lets nothing in or out of a service's tasks of network mode `none`. Those of deployments in
/// another mode are not selected.
#[must_use]
pub fn isolation(namespace: &str, service_object: &str, owner: &Owner) -> NetworkPolicy {
    let selector = labels::service_selector(service_object);
    cut_off(names::isolation_policy(service_object), namespace, owner, selector)
}

/// The same for a task that runs by itself, which owns it.
#[must_use]
pub fn isolation_of_task(namespace: &str, task_object: &str, owner: &Owner) -> NetworkPolicy {
    let selector = labels::task_selector(task_object);
    cut_off(names::isolation_policy_of_task(task_object), namespace, owner, selector)
}

fn cut_off(name: String, namespace: &str, owner: &Owner, mut selector: Labels) -> NetworkPolicy {
    selector.insert(labels::NETWORK_MODE.into(), "none".into());
    policy(name, namespace, owner, selector, Vec::new(), Vec::new())
}

fn policy(
    name: String,
    namespace: &str,
    owner: &Owner,
    selector: Labels,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
) -> NetworkPolicy {
    NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(namespace.into()),
            labels: Some(labels::managed()),
            owner_references: Some(vec![owner.reference()]),
            ..Default::default()
        },
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector { match_labels: Some(selector), ..Default::default() }),
            policy_types: Some(vec!["Ingress".into(), "Egress".into()]),
            ingress: Some(ingress),
            egress: Some(egress),
        }),
    }
}

/// Names are resolved by cluster DNS under every group, as on ECS, where the resolver of the network is always reachable.
fn dns() -> NetworkPolicyEgressRule {
    let peer = NetworkPolicyPeer {
        namespace_selector: Some(labelled(NAMESPACE, "kube-system")),
        pod_selector: Some(labelled("k8s-app", "kube-dns")),
        ..Default::default()
    };
    let ports = ["UDP", "TCP"].map(|protocol| NetworkPolicyPort {
        protocol: Some(protocol.into()),
        port: Some(IntOrString::Int(53)),
        end_port: None,
    });
    NetworkPolicyEgressRule { to: Some(vec![peer]), ports: Some(ports.into()) }
}

/// The label that Kubernetes gives a Namespace with its name.
const NAMESPACE: &str = "kubernetes.io/metadata.name";

fn labelled(name: &str, value: &str) -> LabelSelector {
    LabelSelector { match_labels: Some(Labels::from([(name.into(), value.into())])), ..Default::default() }
}

/// `None` is anyone.
fn peers(peer: &Peer, members: Members<'_>) -> Option<Vec<NetworkPolicyPeer>> {
    match peer {
        Peer::Anyone => None,
        Peer::Cidr(cidr) => {
            let ip_block = Some(IPBlock { cidr: cidr.to_string(), except: None });
            Some(vec![NetworkPolicyPeer { ip_block, ..Default::default() }])
        }
        Peer::Group(group) => {
            let tasks = SecurityGroupMember {
                pod_selector: Some(labelled(&names::security_group_label(&group.name), "true")),
                namespace_selector: None,
            };
            // Who may edit the groups of another cluster lets in Pods of that cluster, and not of any Namespace.
            let is_near = |pods: &SecurityGroupMember| group.namespace.is_none() || pods.namespace_selector.is_none();
            let all = std::iter::once(tasks).chain(members(group).into_iter().filter(is_near));
            Some(all.map(|pods| member(pods, group.namespace.as_deref())).collect())
        }
    }
}

/// Who says nothing of its Namespace is of that of the group; a peer without one is of the policy's own.
fn member(member: SecurityGroupMember, namespace: Option<&str>) -> NetworkPolicyPeer {
    let of_group = || namespace.map(|namespace| labelled(NAMESPACE, namespace));
    NetworkPolicyPeer {
        namespace_selector: member.namespace_selector.or_else(of_group),
        pod_selector: Some(member.pod_selector.unwrap_or_default()),
        ip_block: None,
    }
}

/// `None` is every protocol and port.
fn ports(traffic: Traffic) -> Option<Vec<NetworkPolicyPort>> {
    let (protocol, from, to) = match traffic {
        Traffic::All => return None,
        Traffic::Tcp(from, to) => ("TCP", from, to),
        Traffic::Udp(from, to) => ("UDP", from, to),
    };
    Some(vec![NetworkPolicyPort {
        protocol: Some(protocol.into()),
        port: Some(IntOrString::Int(i32::from(from))),
        end_port: (to != from).then_some(i32::from(to)),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{
            cluster::{EcsCluster, EcsClusterSpec},
            security_group::EcsSecurityGroup,
            task::{EcsTask, EcsTaskSpec},
        },
        ecs::{security_group::check, vpc::Vpc},
        translate::security_group::default_group,
    };
    use serde_json::{Value, json};

    fn rendered(policy: &NetworkPolicy) -> Value {
        serde_json::to_value(policy).unwrap()
    }

    #[test]
    fn a_group_that_names_itself_lets_its_tasks_reach_each_other() {
        let owner = Owner::of(&EcsCluster::new("shop", EcsClusterSpec::default()));
        let group = default_group("ecs-shop", "shop", &owner);
        let checked = check(&group.spec, &Vpc::default()).unwrap();
        let itself = Peer::Group(GroupName { name: "default".into(), namespace: None });
        assert_eq!(checked.ingress, [Rule { traffic: Traffic::All, peer: itself }]);
        let policy = rendered(&of_group("ecs-shop", "default", &Owner::of(&group), &checked, &|_| Vec::new()));
        let members = json!({"matchLabels": {"ecs-operator.dev/security-group.default": "true"}});
        assert_eq!(policy["spec"]["podSelector"], members);
        assert_eq!(policy["spec"]["ingress"], json!([{"from": [{"podSelector": members}]}]));
        // Everything may go out.
        assert_eq!(policy["spec"]["egress"], json!([{}]));
    }

    #[test]
    fn pods_that_are_no_tasks_belong_to_a_group_where_another_one_names_it() {
        let spec = json!({"ingress": [{"ipProtocol": "tcp", "fromPort": 80, "sourceSecurityGroup": "lb"}]});
        let group = EcsSecurityGroup::new("web", serde_json::from_value(spec).unwrap());
        let gateway = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}});
        let members = |group: &GroupName| {
            assert_eq!(group.name, "lb");
            vec![serde_json::from_value(gateway.clone()).unwrap(), SecurityGroupMember::default()]
        };
        let checked = check(&group.spec, &Vpc::default()).unwrap();
        let policy = rendered(&of_group("ecs-shop", "web", &Owner::of(&group), &checked, &members));
        let from = json!([
            {"podSelector": {"matchLabels": {"ecs-operator.dev/security-group.lb": "true"}}},
            {"namespaceSelector": gateway["namespaceSelector"], "podSelector": {}},
            // All of its own Namespace.
            {"podSelector": {}},
        ]);
        assert_eq!(policy["spec"]["ingress"], json!([{"from": from, "ports": [{"port": 80, "protocol": "TCP"}]}]));
    }

    #[test]
    fn a_group_of_another_cluster_is_in_its_namespace_with_those_who_join_it_there() {
        let cluster = serde_json::from_value(json!({"vpc": {"id": "vpc-1"}})).unwrap();
        let vpc = Vpc::of("ecs-shop", [(&cluster, "shop"), (&cluster, "pay")]);
        let rule = json!({"ipProtocol": "-1", "sourceSecurityGroup": "lb", "kubernetes": {"cluster": "pay"}});
        let group = EcsSecurityGroup::new("web", serde_json::from_value(json!({"ingress": [rule]})).unwrap());
        let everywhere = SecurityGroupMember { namespace_selector: Some(LabelSelector::default()), pod_selector: None };
        let members = |_: &GroupName| vec![SecurityGroupMember::default(), everywhere.clone()];
        let checked = check(&group.spec, &vpc).unwrap();
        let policy = rendered(&of_group("ecs-shop", "web", &Owner::of(&group), &checked, &members));
        let there = json!({"matchLabels": {"kubernetes.io/metadata.name": "ecs-pay"}});
        let tasks = json!({"matchLabels": {"ecs-operator.dev/security-group.lb": "true"}});
        let from = json!([
            {"namespaceSelector": there, "podSelector": tasks},
            {"namespaceSelector": there, "podSelector": {}},
        ]);
        assert_eq!(policy["spec"]["ingress"], json!([{ "from": from }]));
    }

    #[test]
    fn a_task_without_a_network_is_cut_off_alone() {
        let task = EcsTask::new("migrate.1", EcsTaskSpec::default());
        let policy = rendered(&isolation_of_task("ecs-shop", "migrate.1", &Owner::of(&task)));
        let selected = json!({
            "ecs-operator.dev/task": names::task_pod("migrate.1"), "ecs-operator.dev/network-mode": "none",
        });
        assert_eq!(policy["spec"]["podSelector"]["matchLabels"], selected);
        assert_eq!((&policy["spec"]["ingress"], &policy["spec"]["egress"]), (&json!([]), &json!([])));
        assert_eq!(policy["metadata"]["ownerReferences"][0]["kind"], "EcsTask");
    }
}
