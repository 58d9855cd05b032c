//! On which port the targets of a target group are reached. A Service has one port for all its Pods: a number, or the name that each
//! Pod gives a number of its own to.

use super::target::Target;

/// A target, by what is known of its Pod.
#[derive(Clone, Copy, Debug)]
pub struct KnownTarget<'a> {
    /// What the Pod says.
    pub target: &'a Target,
    /// Whether it gets traffic.
    pub is_ready: bool,
    /// When it was made, in seconds since 1970.
    pub created: i64,
}

/// A port of Pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetPort {
    /// The same number on all.
    Number(u16),
    /// The same name on all.
    Name(String),
    /// Neither: that of the newest that gets traffic. The others refuse what they get.
    OfNewest(u16),
}

/// The port of the targets; `wanted` where there are none yet. What gets no traffic yet must not take it from the others.
#[must_use]
pub fn target_port(targets: &[KnownTarget<'_>], wanted: u16) -> TargetPort {
    let newest = targets.iter().max_by_key(|known| (known.is_ready, known.created));
    let Some(KnownTarget { target: newest, .. }) = newest else { return TargetPort::Number(wanted) };
    let all = |same: &dyn Fn(&Target) -> bool| targets.iter().all(|known| same(known.target));
    if all(&|target| target.container_port == newest.container_port) {
        TargetPort::Number(newest.container_port)
    } else if !newest.port_name.is_empty() && all(&|target| target.port_name == newest.port_name) {
        TargetPort::Name(newest.port_name.clone())
    } else {
        TargetPort::OfNewest(newest.container_port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(targets: &[(u16, &str, bool)]) -> TargetPort {
        let target = |container_port, name: &str| Target {
            target_group: "web".into(),
            arn: "arn".into(),
            container_port,
            port_name: name.into(),
            is_asked: true,
        };
        let stored: Vec<_> = targets.iter().map(|(number, name, _)| target(*number, name)).collect();
        let known = stored.iter().zip(targets).zip(0..);
        let known =
            known.map(|((target, (_, _, is_ready)), created)| KnownTarget { target, is_ready: *is_ready, created });
        target_port(&known.collect::<Vec<_>>(), 1)
    }

    #[test]
    fn one_port_serves_all_targets_where_they_agree_on_a_number_or_a_name() {
        assert_eq!(port(&[]), TargetPort::Number(1));
        assert_eq!(port(&[(80, "a", true), (80, "b", true)]), TargetPort::Number(80));
        assert_eq!(port(&[(80, "a", true), (81, "a", false)]), TargetPort::Name("a".into()));
    }

    #[test]
    fn where_they_do_not_agree_those_that_get_traffic_are_reached() {
        assert_eq!(port(&[(80, "a", true), (81, "b", false)]), TargetPort::OfNewest(80));
        assert_eq!(port(&[(80, "a", true), (81, "b", true)]), TargetPort::OfNewest(81));
        assert_eq!(port(&[(80, "a", false), (81, "b", false)]), TargetPort::OfNewest(81));
        assert_eq!(
            port(&[(80, "", true), (81, "", true)]),
            TargetPort::OfNewest(81),
            "they were made before names were kept"
        );
    }
}
