//! The NetworkPolicies of security groups let through what EC2 lets through, and nothing else.

use std::{collections::BTreeMap, net::IpAddr};

use ecs_operator::{
    api::{
        cluster::{self, EcsClusterSpec},
        security_group::{
            EcsSecurityGroup, EcsSecurityGroupSpec, IpProtocol, SecurityGroupRule, SecurityGroupRuleKubernetes,
        },
    },
    ecs::{
        connection::{Connection, Groups, Protocol, Side},
        security_group::{SecurityGroup, check},
        vpc::Vpc,
    },
    translate::{names, network_policy::of_group, owner::Owner},
};
use k8s_openapi::{
    api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

/// Clusters of one VPC, and their Namespaces.
const CLUSTERS: [(&str, &str); 2] = [("shop", "ecs-shop"), ("pay", "ecs-pay")];
const NAMES: [&str; 4] = ["web", "Db", "lb.internal", "sg-0123456789abcdef0"];
const RANGES: [&str; 6] = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "192.168.0.0/30", "10.1.2.3/31"];
const RANGES_V6: [&str; 4] = ["::/0", "fd00::/8", "fd00:1::/32", "fd00:1::1/128"];
const ADDRESSES: [&str; 8] =
    ["10.0.0.1", "10.1.0.1", "10.1.2.2", "10.1.2.3", "192.168.0.2", "192.168.0.4", "fd00:1::1", "fe80::1"];
const PORTS: [u16; 6] = [1, 79, 80, 81, 8080, 65535];

fn rule() -> impl Strategy<Value = SecurityGroupRule> {
    let protocol = select(vec![IpProtocol::Tcp, IpProtocol::Udp, IpProtocol::All]);
    let port = || select(PORTS.to_vec()).prop_map(i32::from);
    let peer = prop_oneof![
        Just((None, None, None)),
        select(RANGES.to_vec()).prop_map(|range| (Some(range.to_owned()), None, None)),
        select(RANGES_V6.to_vec()).prop_map(|range| (None, Some(range.to_owned()), None)),
        (select(NAMES.to_vec()), option::of(select(CLUSTERS.to_vec()))).prop_map(|(name, cluster)| (
            None,
            None,
            Some((name.to_owned(), cluster))
        )),
    ];
    (protocol, port(), option::of(port()), peer).prop_map(|(ip_protocol, one, other, (cidr_ip, cidr_ipv6, group))| {
        let (source_security_group, cluster) = group.unzip();
        let cluster = cluster.flatten().map(|(name, _)| name.to_owned());
        let has_ports = ip_protocol != IpProtocol::All;
        SecurityGroupRule {
            ip_protocol,
            from_port: has_ports.then_some(other.map_or(one, |other| one.min(other))),
            to_port: other.filter(|_| has_ports).map(|other| one.max(other)),
            cidr_ip,
            cidr_ipv6,
            source_security_group,
            kubernetes: cluster.map(|cluster| SecurityGroupRuleKubernetes { cluster: Some(cluster) }),
            ..Default::default()
        }
    })
}

/// Groups by their Namespaces and names.
type Specs = BTreeMap<(String, String), EcsSecurityGroupSpec>;

fn groups() -> impl Strategy<Value = Specs> {
    let spec = (vec(rule(), 0..4), option::of(vec(rule(), 0..3))).prop_map(|(ingress, egress)| EcsSecurityGroupSpec {
        ingress: Some(ingress),
        egress,
        ..Default::default()
    });
    let all = CLUSTERS.iter().flat_map(|(_, namespace)| NAMES.map(|name| ((*namespace).to_owned(), name.to_owned())));
    let all: Vec<_> = all.collect();
    vec(spec, all.len()).prop_map(move |specs| all.clone().into_iter().zip(specs).collect())
}

/// Address, Namespace and groups of a Pod; `None` for somebody who is no task.
type Peer = (IpAddr, &'static str, Option<Vec<String>>);

fn peer() -> impl Strategy<Value = Peer> {
    let address = select(ADDRESSES.to_vec()).prop_map(|address| address.parse().unwrap());
    let groups = proptest::sample::subsequence(NAMES.to_vec(), 1..=3);
    let namespace = select(CLUSTERS.map(|(_, namespace)| namespace).to_vec());
    (address, namespace, option::weighted(0.8, groups.prop_map(|names| names.into_iter().map(str::to_owned).collect())))
}

fn policies(specs: &Specs) -> (Groups, Vec<NetworkPolicy>) {
    let cluster = EcsClusterSpec { vpc: Some(cluster::Vpc { id: "vpc-1".into() }), ..Default::default() };
    let vpc = |namespace: &str| Vpc::of(namespace, CLUSTERS.iter().map(|(name, _)| (&cluster, *name)));
    let checked: Groups = specs.iter().map(|(key, spec)| (key.clone(), check(spec, &vpc(&key.0)).unwrap())).collect();
    let policy = |(key, group): (&(String, String), &SecurityGroup)| {
        let object = EcsSecurityGroup::new(&key.1, specs[key].clone());
        of_group(&key.0, &key.1, &Owner::of(&object), group, &|_| Vec::new())
    };
    let policies = checked.iter().map(policy).collect();
    (checked, policies)
}

/// What a network plugin makes of the policies, by the words of the API.
struct Plugin<'a> {
    policies: &'a [NetworkPolicy],
    protocol: &'a str,
    port: u16,
}

impl Plugin<'_> {
    fn lets_through(&self, from: &Peer, to: &Peer) -> bool {
        let mut out = self.selecting(from, "Egress").peekable();
        let goes_out = out.peek().is_none()
            || out
                .flat_map(|spec| spec.egress.clone().unwrap_or_default())
                .any(|rule| self.matches(rule.to.as_ref(), rule.ports.as_ref(), from, to));
        let mut into = self.selecting(to, "Ingress").peekable();
        let comes_in = into.peek().is_none()
            || into
                .flat_map(|spec| spec.ingress.clone().unwrap_or_default())
                .any(|rule| self.matches(rule.from.as_ref(), rule.ports.as_ref(), to, from));
        goes_out && comes_in
    }

    /// Those that hold for a Pod.
    fn selecting(
        &self,
        pod: &Peer,
        type_: &str,
    ) -> impl Iterator<Item = &k8s_openapi::api::networking::v1::NetworkPolicySpec> {
        let of_namespace = self.policies.iter().filter(|policy| policy.metadata.namespace.as_deref() == Some(pod.1));
        of_namespace.filter_map(|policy| policy.spec.as_ref()).filter(move |spec| {
            let has_type = spec.policy_types.iter().flatten().any(|found| found == type_);
            has_type && spec.pod_selector.as_ref().is_some_and(|selector| selects(selector, pod))
        })
    }

    fn matches(
        &self,
        peers: Option<&Vec<NetworkPolicyPeer>>,
        ports: Option<&Vec<NetworkPolicyPort>>,
        of: &Peer,
        other: &Peer,
    ) -> bool {
        peers.is_none_or(|peers| peers.iter().any(|peer| is_peer(peer, of, other)))
            && ports.is_none_or(|ports| ports.iter().any(|port| self.is_port(port)))
    }

    fn is_port(&self, port: &NetworkPolicyPort) -> bool {
        let Some(IntOrString::Int(first)) = port.port else { panic!("{port:?}") };
        let last = port.end_port.unwrap_or(first);
        port.protocol.as_deref() == Some(self.protocol) && (first..=last).contains(&i32::from(self.port))
    }
}

fn selects(selector: &LabelSelector, (_, _, groups): &Peer) -> bool {
    let labels: Vec<_> = groups.iter().flatten().map(|group| names::security_group_label(group)).collect();
    let wanted = selector.match_labels.as_ref().unwrap();
    groups.is_some() && wanted.iter().all(|(label, value)| value == "true" && labels.contains(label))
}

fn is_peer(peer: &NetworkPolicyPeer, of: &Peer, other: &Peer) -> bool {
    match (&peer.ip_block, &peer.namespace_selector, &peer.pod_selector) {
        (Some(block), None, None) => {
            let (first, length) = block.cidr.split_once('/').unwrap();
            let (first, length): (IpAddr, u32) = (first.parse().unwrap(), length.parse().unwrap());
            is_in(first, length, other.0)
        }
        (None, None, Some(selector)) => of.1 == other.1 && selects(selector, other),
        (None, Some(namespace), Some(selector)) => {
            let wanted = &namespace.match_labels.as_ref().unwrap()["kubernetes.io/metadata.name"];
            // None of these is the server of DNS.
            wanted == other.1 && selects(selector, other)
        }
        _ => panic!("{peer:?}"),
    }
}

/// Bit for bit.
fn is_in(first: IpAddr, length: u32, address: IpAddr) -> bool {
    let bits = |address: IpAddr| -> Vec<bool> {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte & (128 >> bit) != 0)).collect()
    };
    let (first, address) = (bits(first), bits(address));
    let length = usize::try_from(length).unwrap();
    first.len() == address.len() && first[..length] == address[..length]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn network_policies_let_through_what_ec2_does(specs in groups(), from in peer(), to in peer(), is_udp in any::<bool>(), port in select(PORTS.to_vec())) {
        let (groups, policies) = policies(&specs);
        let connection = Connection {
            from: Side { address: from.0, namespace: from.1, groups: from.2.as_deref() },
            to: Side { address: to.0, namespace: to.1, groups: to.2.as_deref() },
            protocol: if is_udp { Protocol::Udp } else { Protocol::Tcp },
            port,
        };
        let plugin = Plugin { policies: &policies, protocol: if is_udp { "UDP" } else { "TCP" }, port };
        prop_assert_eq!(plugin.lets_through(&from, &to), connection.is_allowed(&groups));
    }
}
