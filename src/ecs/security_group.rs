//! Checked security group rules, in the terms of EC2.

mod members;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::api::security_group::{EcsSecurityGroupSpec, IpProtocol, SecurityGroupRule};

use super::{violation::Violation, vpc::Vpc};

pub use members::members;

/// A checked security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// What may come in.
    pub ingress: Vec<Rule>,
    /// What may go out; `None` is everything.
    pub egress: Option<Vec<Rule>>,
    /// The rules that are in neither, because they are about clusters which are not, or not any more, of the VPC: nobody is let through.
    pub stale: Vec<Violation>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is spoken, on which ports.
    pub traffic: Traffic,
    /// The other side.
    pub peer: Peer,
}

/// Protocol and ports of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Every protocol and port.
    All,
    /// TCP ports, both ends included.
    Tcp(u16, u16),
    /// UDP ports, both ends included.
    Udp(u16, u16),
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Anyone.
    Anyone,
    /// An address range.
    Cidr(Cidr),
    /// Tasks with a security group.
    Group(GroupName),
}

/// A security group, as a rule of another one names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName {
    /// Its name.
    pub name: String,
    /// Its Namespace; `None` is that of the group with the rule.
    pub namespace: Option<String>,
}

/// An address range without the bits of a host, as EC2 keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    first: IpAddr,
    length: u32,
}

impl Cidr {
    /// Whether an address is in it. One of the other family is not.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => first == without_host(address, self.length),
            (IpAddr::V6(first), IpAddr::V6(address)) => first == without_host_v6(address, self.length),
            _ => false,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.first, self.length)
    }
}

/// Checks a security group of a cluster in a VPC.
///
/// # Errors
/// Every rule that cannot be read or enforced.
pub fn check(spec: &EcsSecurityGroupSpec, vpc: &Vpc) -> Result<SecurityGroup, Vec<Violation>> {
    let (mut violations, mut stale) = (Vec::new(), Vec::new());
    let mut rules = |rules: &[SecurityGroupRule], direction: &str| {
        let mut checked = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            match check_rule(rule, vpc, &format!("spec.{direction}[{index}]")) {
                Ok(rule) => checked.push(rule),
                Err(violation) if violation.rule == STALE => stale.push(violation),
                Err(violation) => violations.push(violation),
            }
        }
        checked
    };
    let ingress = rules(spec.ingress.as_deref().unwrap_or_default(), "ingress");
    let egress = spec.egress.as_deref().map(|egress| rules(egress, "egress"));
    violations.extend(members::check(spec));
    if violations.is_empty() { Ok(SecurityGroup { ingress, egress, stale }) } else { Err(violations) }
}

const PREFIX_LIST: &str =
    "A NetworkPolicy has no prefix lists: write a rule with cidrIp or cidrIpv6 for each range of the list.";
const GROUP_ID: &str =
    "A security group has no id here: write the name of its EcsSecurityGroup in sourceSecurityGroup.";
const ICMP: &str =
    "A NetworkPolicy says nothing of ICMP: leave the rule out. Whether a ping passes is up to the network plugin.";

type Member = fn(&SecurityGroupRule) -> &Option<String>;

/// Members of EC2's rules that no NetworkPolicy can say.
const REFUSED: [(&str, Member, &str); 5] = [
    ("prefixListId", |rule| &rule.prefix_list_id, PREFIX_LIST),
    ("sourcePrefixListId", |rule| &rule.source_prefix_list_id, PREFIX_LIST),
    ("destinationPrefixListId", |rule| &rule.destination_prefix_list_id, PREFIX_LIST),
    ("sourceSecurityGroupId", |rule| &rule.source_security_group_id, GROUP_ID),
    ("destinationSecurityGroupId", |rule| &rule.destination_security_group_id, GROUP_ID),
];

fn check_rule(rule: &SecurityGroupRule, vpc: &Vpc, path: &str) -> Result<Rule, Violation> {
    if let Some((member, _, message)) = REFUSED.iter().find(|(_, member, _)| member(rule).is_some()) {
        return Err(Violation::new("SG02", format!("{path}.{member}"), *message));
    }
    Ok(Rule { traffic: check_traffic(rule, path)?, peer: check_peer(rule, vpc, path)? })
}

fn check_traffic(rule: &SecurityGroupRule, path: &str) -> Result<Traffic, Violation> {
    let of_ports: fn(u16, u16) -> Traffic = match rule.ip_protocol {
        IpProtocol::All => return Ok(Traffic::All),
        IpProtocol::Icmp | IpProtocol::Icmpv6 => {
            return Err(Violation::new("SG01", format!("{path}.ipProtocol"), ICMP));
        }
        IpProtocol::Tcp => Traffic::Tcp,
        IpProtocol::Udp => Traffic::Udp,
    };
    let port = |port: i32| u16::try_from(port).ok();
    let refuse = |message: &str| Err(Violation::new("SG01", format!("{path}.fromPort"), message));
    let Some(from) = rule.from_port.and_then(port) else {
        return refuse(
            "fromPort is required with tcp and udp: give a port from 0 to 65535, or ipProtocol \"-1\" for all.",
        );
    };
    let Some(to) = rule.to_port.map_or(Some(from), port) else {
        return refuse("toPort is a port from 0 to 65535.");
    };
    if from > to {
        return refuse("fromPort is greater than toPort: swap them.");
    }
    // 0 to 65535 is how EC2 writes every port; Kubernetes has no port 0.
    if to == 0 {
        return refuse("There is no port 0: give ports from 1 on.");
    }
    Ok(of_ports(from.max(1), to))
}

fn check_peer(rule: &SecurityGroupRule, vpc: &Vpc, path: &str) -> Result<Peer, Violation> {
    let cluster = rule.kubernetes.as_ref().and_then(|kubernetes| kubernetes.cluster.as_deref());
    let refuse = |member: &str, message: String| Err(Violation::new("SG02", format!("{path}.{member}"), message));
    match (&rule.cidr_ip, &rule.cidr_ipv6, &rule.source_security_group) {
        (None, None, None) if cluster.is_some() => refuse(
            "kubernetes.cluster",
            "A rule about another cluster names one of its groups: give sourceSecurityGroup.".into(),
        ),
        (None, None, None) => Ok(Peer::Anyone),
        (Some(cidr), None, None) => ipv4_range(cidr)
            .map_or_else(|| refuse("cidrIp", format!("{cidr:?} is no IPv4 range: write it like 10.0.0.0/16.")), Ok),
        (None, Some(cidr), None) => ipv6_range(cidr)
            .map_or_else(|| refuse("cidrIpv6", format!("{cidr:?} is no IPv6 range: write it like fd00::/8.")), Ok),
        (None, None, Some(group)) if !group.is_empty() => {
            let namespace = match cluster {
                None => None,
                Some(cluster) => match vpc.namespace_of(cluster) {
                    Some(namespace) => Some(namespace.to_owned()),
                    None => return Err(Violation::new(STALE, format!("{path}.kubernetes.cluster"), stranger(cluster))),
                },
            };
            Ok(Peer::Group(GroupName { name: group.clone(), namespace }))
        }
        (None, None, Some(_)) => {
            refuse("sourceSecurityGroup", "A security group has a name: give one, or remove the member.".into())
        }
        _ => refuse(
            "cidrIp",
            "A rule names one of cidrIp, cidrIpv6 and sourceSecurityGroup: write a rule for each.".into(),
        ),
    }
}

/// The rule of EC2 that both groups are of one network. One that is broken later makes a rule of a group stale there.
const STALE: &str = "SG04";

fn stranger(cluster: &str) -> String {
    format!(
        "You have specified two resources that belong to different networks. No EcsCluster of the name {cluster:?}, or more than one, has the spec.vpc.id of this one: the rule lets nothing through until there is one."
    )
}

/// A range that holds every address of its family means anyone: on some network plugins an address range does not match Pods.
fn ipv4_range(text: &str) -> Option<Peer> {
    let (address, length) = split_range::<Ipv4Addr>(text, 32)?;
    Some(range(without_host(address, length).into(), length))
}

fn ipv6_range(text: &str) -> Option<Peer> {
    let (address, length) = split_range::<Ipv6Addr>(text, 128)?;
    // What is meant there is a range of IPv4.
    if address.to_ipv4_mapped().is_some() {
        return None;
    }
    Some(range(without_host_v6(address, length).into(), length))
}

fn without_host(address: Ipv4Addr, length: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits() & u32::MAX.checked_shl(32 - length).unwrap_or(0))
}

fn without_host_v6(address: Ipv6Addr, length: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & u128::MAX.checked_shl(128 - length).unwrap_or(0))
}

fn range(first: IpAddr, length: u32) -> Peer {
    if length == 0 { Peer::Anyone } else { Peer::Cidr(Cidr { first, length }) }
}

fn split_range<A: std::str::FromStr>(text: &str, longest: u32) -> Option<(A, u32)> {
    let (address, length) = text.split_once('/')?;
    let is_number = length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    let length = length.parse().ok().filter(|length| is_number && *length <= longest)?;
    Some((address.parse().ok()?, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ingress(rule: &Value) -> Result<Rule, Violation> {
        let spec = serde_json::from_value(json!({"ingress": [rule]})).unwrap();
        check(&spec, &Vpc::default())
            .map(|mut group| group.ingress.remove(0))
            .map_err(|mut violations| violations.remove(0))
    }

    #[test]
    fn rules_that_can_be_enforced() {
        let rule = |traffic, peer| Ok(Rule { traffic, peer });
        assert_eq!(ingress(&json!({"ipProtocol": "tcp", "fromPort": 80})), rule(Traffic::Tcp(80, 80), Peer::Anyone));
        assert_eq!(
            ingress(&json!({"ipProtocol": "udp", "fromPort": 0, "toPort": 65535, "cidrIp": "0.0.0.0/0"})),
            rule(Traffic::Udp(1, 65535), Peer::Anyone)
        );
        assert_eq!(
            ingress(&json!({"ipProtocol": "-1", "cidrIp": "10.0.0.0/8"})),
            rule(Traffic::All, Peer::Cidr(Cidr { first: "10.0.0.0".parse().unwrap(), length: 8 }))
        );
        for (member, given, kept) in [
            ("cidrIp", "10.0.0.5/16", "10.0.0.0/16"),
            ("cidrIp", "10.0.0.5/32", "10.0.0.5/32"),
            ("cidrIpv6", "FD00:0:0::1/8", "fd00::/8"),
        ] {
            let Peer::Cidr(range) = ingress(&json!({"ipProtocol": "-1", member: given})).unwrap().peer else {
                panic!("{given}")
            };
            assert_eq!(range.to_string(), kept);
        }
        for (member, given) in [("cidrIpv6", "::/0"), ("cidrIpv6", "0::0/0"), ("cidrIp", "1.2.3.4/0")] {
            assert_eq!(ingress(&json!({"ipProtocol": "-1", member: given})), rule(Traffic::All, Peer::Anyone));
        }
        assert_eq!(
            ingress(&json!({"ipProtocol": "tcp", "fromPort": 80, "sourceSecurityGroup": "lb"})),
            rule(Traffic::Tcp(80, 80), Peer::Group(GroupName { name: "lb".into(), namespace: None }))
        );
    }

    #[test]
    fn a_group_of_another_cluster_is_one_of_the_same_vpc() {
        let cluster = serde_json::from_value(json!({"vpc": {"id": "vpc-1"}})).unwrap();
        let vpc = Vpc::of("ecs-shop", [(&cluster, "shop"), (&cluster, "pay")]);
        let of = |cluster: &str| {
            let rule = json!({"ipProtocol": "-1", "sourceSecurityGroup": "lb", "kubernetes": {"cluster": cluster}});
            check(&serde_json::from_value(json!({"egress": [rule]})).unwrap(), &vpc)
        };
        let group = GroupName { name: "lb".into(), namespace: Some("ecs-pay".into()) };
        assert_eq!(of("pay").unwrap().egress.unwrap()[0].peer, Peer::Group(group));
        // What is left lets nothing out, as an empty list does.
        let SecurityGroup { egress, stale, .. } = of("other").unwrap();
        assert_eq!((egress, stale[0].path.as_str()), (Some(Vec::new()), "spec.egress[0].kubernetes.cluster"));
        assert!(stale[0].message.starts_with("You have specified two resources that belong to different networks."));
    }

    #[test]
    fn rules_that_are_refused_name_the_field() {
        for (rule, path) in [
            (json!({"ipProtocol": "-1", "kubernetes": {"cluster": "a"}}), "spec.ingress[0].kubernetes.cluster"),
            (json!({"ipProtocol": "tcp"}), "spec.ingress[0].fromPort"),
            (json!({"ipProtocol": "tcp", "fromPort": 90, "toPort": 80}), "spec.ingress[0].fromPort"),
            (json!({"ipProtocol": "tcp", "fromPort": 0, "toPort": 0}), "spec.ingress[0].fromPort"),
            (json!({"ipProtocol": "icmp", "fromPort": -1, "toPort": -1}), "spec.ingress[0].ipProtocol"),
            (json!({"ipProtocol": "icmpv6"}), "spec.ingress[0].ipProtocol"),
            (json!({"ipProtocol": "-1", "prefixListId": "pl-1"}), "spec.ingress[0].prefixListId"),
            (json!({"ipProtocol": "-1", "sourcePrefixListId": "pl-1"}), "spec.ingress[0].sourcePrefixListId"),
            (json!({"ipProtocol": "-1", "destinationPrefixListId": "pl-1"}), "spec.ingress[0].destinationPrefixListId"),
            (json!({"ipProtocol": "-1", "sourceSecurityGroupId": "sg-1"}), "spec.ingress[0].sourceSecurityGroupId"),
            (
                json!({"ipProtocol": "-1", "destinationSecurityGroupId": "sg-1"}),
                "spec.ingress[0].destinationSecurityGroupId",
            ),
            (json!({"ipProtocol": "-1", "cidrIp": "10.0.0.0"}), "spec.ingress[0].cidrIp"),
            (json!({"ipProtocol": "-1", "cidrIp": "10.0.0.0/33"}), "spec.ingress[0].cidrIp"),
            (json!({"ipProtocol": "-1", "cidrIp": "10.0.0.0/08"}), "spec.ingress[0].cidrIp"),
            (json!({"ipProtocol": "-1", "cidrIp": "10.0.0.0/"}), "spec.ingress[0].cidrIp"),
            (json!({"ipProtocol": "-1", "cidrIpv6": "::ffff:10.0.0.0/104"}), "spec.ingress[0].cidrIpv6"),
            (json!({"ipProtocol": "-1", "cidrIpv6": "10.0.0.0/8"}), "spec.ingress[0].cidrIpv6"),
            (json!({"ipProtocol": "-1", "sourceSecurityGroup": ""}), "spec.ingress[0].sourceSecurityGroup"),
            (
                json!({"ipProtocol": "-1", "cidrIp": "10.0.0.0/8", "sourceSecurityGroup": "lb"}),
                "spec.ingress[0].cidrIp",
            ),
        ] {
            assert_eq!(ingress(&rule).unwrap_err().path, path, "{rule}");
        }
    }

    #[test]
    fn absent_egress_is_everything_and_an_empty_list_nothing() {
        assert_eq!(check(&EcsSecurityGroupSpec::default(), &Vpc::default()).unwrap().egress, None);
        let closed = EcsSecurityGroupSpec { egress: Some(Vec::new()), ..Default::default() };
        assert_eq!(check(&closed, &Vpc::default()).unwrap().egress, Some(Vec::new()));
    }
}
