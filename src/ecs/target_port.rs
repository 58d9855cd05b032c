//! On which port the targets of a target group are reached. A Service has one port for all its Pods: a number, or the name that each
//! Pod gives a number of its own to.

use super::target::Target;

/// A target, by what is known of its Pod.
#[derive(Clone, Copy, Debug)]
pub struct KnownTarget<'a> {
    /// What the Pod says.
    pub target: &'a Target,
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
    /// Neither: that of the newest. The others are not reached.
    OfNewest(u16),
}

/// The port of the targets; `wanted` where there are none yet.
#[must_use]
pub fn target_port(targets: &[KnownTarget<'_>], wanted: u16) -> TargetPort {
    let Some(newest) = targets.iter().max_by_key(|known| known.created) else { return TargetPort::Number(wanted) };
    let all = |same: &dyn Fn(&Target) -> bool| targets.iter().all(|known| same(known.target));
    let Target { container_port, port_name, .. } = newest.target;
    match port_name {
        _ if all(&|target| target.container_port == *container_port) => TargetPort::Number(*container_port),
        Some(name) if all(&|target| target.port_name.as_ref() == Some(name)) => TargetPort::Name(name.clone()),
        _ => TargetPort::OfNewest(*container_port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_port_serves_all_targets_where_they_agree_on_a_number_or_a_name() {
        let target = |container_port, name: Option<&str>| Target {
            target_group: "web".into(),
            arn: "arn".into(),
            container_port,
            port_name: name.map(str::to_owned),
            is_asked: true,
        };
        let port = |targets: &[Target]| {
            let known: Vec<_> =
                targets.iter().zip(0..).map(|(target, created)| KnownTarget { target, created }).collect();
            target_port(&known, 1)
        };
        assert_eq!(port(&[]), TargetPort::Number(1));
        assert_eq!(port(&[target(80, None), target(80, Some("http"))]), TargetPort::Number(80));
        assert_eq!(port(&[target(80, Some("http")), target(81, Some("http"))]), TargetPort::Name("http".into()));
        assert_eq!(port(&[target(80, Some("http")), target(81, Some("web"))]), TargetPort::OfNewest(81));
        assert_eq!(port(&[target(80, None), target(81, None)]), TargetPort::OfNewest(81));
    }
}
