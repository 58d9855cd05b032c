//! Whether security groups let a connection through, as EC2 decides it. Replies to what is let through always pass.

use std::{collections::BTreeMap, net::IpAddr};

use super::security_group::{Peer, Rule, SecurityGroup, Traffic};

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// One side of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Its address.
    pub address: IpAddr,
    /// Its Namespace.
    pub namespace: &'a str,
    /// Names of the security groups of a task; `None` for somebody else, whom no group holds back.
    pub groups: Option<&'a [String]>,
}

impl Side<'_> {
    fn groups_among<'a>(&self, groups: &'a Groups) -> impl Iterator<Item = &'a SecurityGroup> {
        let names = self.groups.unwrap_or_default().iter();
        names.filter_map(|name| groups.get(&(self.namespace.to_owned(), name.clone())))
    }
}

/// Security groups by their Namespaces and names.
pub type Groups = BTreeMap<(String, String), SecurityGroup>;

/// A connection that somebody wants to open.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// Who opens it.
    pub from: Side<'a>,
    /// Who is to answer.
    pub to: Side<'a>,
    /// What is spoken.
    pub protocol: Protocol,
    /// The port on the side that answers, from 1 on.
    pub port: u16,
}

impl Connection<'_> {
    /// Whether it is let through: out by a group of the one side, and in by a group of the other. A group that is not there lets
    /// nothing through.
    #[must_use]
    pub fn is_allowed(&self, groups: &Groups) -> bool {
        self.is_let_out(groups) && self.is_let_in(groups)
    }

    fn is_let_out(&self, groups: &Groups) -> bool {
        if self.from.groups.is_none() {
            return true;
        }
        let mut rules = self.from.groups_among(groups).map(|group| group.egress.as_deref());
        rules.any(|rules| rules.is_none_or(|rules| rules.iter().any(|rule| self.matches(rule, self.from, self.to))))
    }

    fn is_let_in(&self, groups: &Groups) -> bool {
        if self.to.groups.is_none() {
            return true;
        }
        let mut rules = self.to.groups_among(groups).flat_map(|group| &group.ingress);
        rules.any(|rule| self.matches(rule, self.to, self.from))
    }

    /// Whether a rule of the one side speaks of the other.
    fn matches(&self, rule: &Rule, of: Side<'_>, other: Side<'_>) -> bool {
        self.is_of(rule.traffic) && is_peer(&rule.peer, of, other)
    }

    fn is_of(&self, traffic: Traffic) -> bool {
        match (traffic, self.protocol) {
            (Traffic::All, _) => true,
            (Traffic::Tcp(from, to), Protocol::Tcp) | (Traffic::Udp(from, to), Protocol::Udp) => {
                (from..=to).contains(&self.port)
            }
            _ => false,
        }
    }
}

fn is_peer(peer: &Peer, of: Side<'_>, other: Side<'_>) -> bool {
    match peer {
        Peer::Anyone => true,
        Peer::Cidr(range) => range.contains(other.address),
        Peer::Group(group) => {
            other.namespace == group.namespace.as_deref().unwrap_or(of.namespace)
                && other.groups.is_some_and(|groups| groups.contains(&group.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::{security_group::check, vpc::Vpc};
    use serde_json::{Value, json};

    fn groups(specs: &Value) -> Groups {
        let specs = specs.as_object().unwrap().iter();
        let checked = |spec: &Value| check(&serde_json::from_value(spec.clone()).unwrap(), &Vpc::default()).unwrap();
        specs.map(|(name, spec)| (("ecs-shop".to_owned(), name.clone()), checked(spec))).collect()
    }

    fn allowed(specs: &Value, from: &[&str], to: &[&str], port: u16) -> bool {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (from, to) = (owned(from), owned(to));
        let side = |address: &str, groups| Side {
            address: address.parse().unwrap(),
            namespace: "ecs-shop",
            groups: Some(groups),
        };
        let connection =
            Connection { from: side("10.0.0.1", &from), to: side("10.0.0.2", &to), protocol: Protocol::Tcp, port };
        connection.is_allowed(&groups(specs))
    }

    #[test]
    fn both_sides_have_to_let_it_through() {
        let specs = json!({
            "web": {"ingress": [{"ipProtocol": "tcp", "fromPort": 80}]},
            "db": {"ingress": [{"ipProtocol": "tcp", "fromPort": 5432, "sourceSecurityGroup": "web"}], "egress": []},
            "office": {"ingress": [{"ipProtocol": "tcp", "fromPort": 22, "cidrIp": "10.0.0.0/24"}]},
        });
        assert!(allowed(&specs, &["db", "web"], &["web"], 80), "the groups of one task add up");
        assert!(!allowed(&specs, &["db"], &["web"], 80), "nothing may go out of it");
        assert!(allowed(&specs, &["web"], &["db"], 5432));
        assert!(!allowed(&specs, &["office"], &["db"], 5432) && !allowed(&specs, &["web"], &["db"], 5433));
        assert!(allowed(&specs, &["web"], &["office"], 22), "by its address");
        assert!(!allowed(&specs, &["web"], &["gone"], 80));
    }
}
