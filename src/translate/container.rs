//! A container definition -> a container of a Pod. The place where a container's process is chosen.

use k8s_openapi::{
    api::core::v1::{
        Container as KubernetesContainer, ContainerPort, EnvVar, Lifecycle, LifecycleHandler, ResourceRequirements,
        SleepAction,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use crate::{
    api::port_mapping::TransportProtocol,
    ecs::{
        container::Container,
        port::Port,
        size::{CpuUnits, MebiBytes},
    },
};

use super::{labels::Labels, names};

/// Translates one container. `environment` is what ECS adds to every container; the user's values win over it.
#[must_use]
pub fn container(container: &Container, environment: &[(&str, &str)], pre_stop_seconds: u32) -> KubernetesContainer {
    KubernetesContainer {
        name: names::container(&container.name),
        image: Some(container.image.clone()),
        // In ECS's words an entry point is what Kubernetes calls a command, and a command its arguments.
        command: container.entry_point.as_ref().map(|words| words.iter().map(|word| literal(word)).collect()),
        args: container.command.as_ref().map(|words| words.iter().map(|word| literal(word)).collect()),
        working_dir: container.working_directory.clone(),
        env: Some(merge_environment(environment, &container.environment)),
        ports: (!container.ports.is_empty()).then(|| container.ports.iter().map(port).collect()),
        resources: resources(container),
        lifecycle: (pre_stop_seconds > 0).then(|| Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction { seconds: i64::from(pre_stop_seconds) }),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Kubernetes's name of a protocol.
#[must_use]
pub fn protocol(protocol: TransportProtocol) -> &'static str {
    match protocol {
        TransportProtocol::Tcp => "TCP",
        TransportProtocol::Udp => "UDP",
    }
}

/// CPU units as a request of a container: rounded down, so that the containers of a task never ask for more than the
/// task, but not to nothing.
#[must_use]
pub fn container_cpu(CpuUnits(units): CpuUnits) -> Quantity {
    millicores((u64::from(units) * 1000 / 1024).max(1))
}

/// CPU units as the size of a task: rounded up.
#[must_use]
pub fn task_cpu(CpuUnits(units): CpuUnits) -> Quantity {
    millicores((u64::from(units) * 1000).div_ceil(1024))
}

/// Memory.
#[must_use]
pub fn memory(MebiBytes(mebibytes): MebiBytes) -> Quantity {
    quantity(u64::from(mebibytes), 1024, &["Mi", "Gi", "Ti"])
}

fn millicores(millicores: u64) -> Quantity {
    quantity(millicores, 1000, &["m", "", "k"])
}

/// A number with the largest suffix that leaves it whole: the form in which the API server keeps quantities. In any
/// other form what is there would never be what is wanted.
fn quantity(mut number: u64, step: u64, suffixes: &[&str]) -> Quantity {
    let mut suffixes = suffixes.iter();
    let mut suffix = suffixes.next();
    while number > 0 && number.is_multiple_of(step) && suffixes.len() > 0 {
        number /= step;
        suffix = suffixes.next();
    }
    Quantity(format!("{number}{}", suffix.unwrap_or(&"")))
}

/// A text that Kubernetes passes on as it is. Kubernetes replaces `$(NAME)` and reads `$$` as `$`; ECS does neither.
#[must_use]
pub fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        escaped.push(character);
        if character == '$' && matches!(characters.peek(), Some('$' | '(')) {
            escaped.push('$');
        }
    }
    escaped
}

/// Where a name is given twice the last one wins, in ECS and in Kubernetes; an apply takes each name only once.
fn merge_environment(added: &[(&str, &str)], own: &[(String, String)]) -> Vec<EnvVar> {
    let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<_> = added.iter().copied().chain(own).collect();
    all.iter()
        .enumerate()
        .filter(|(index, (name, _))| !all[index + 1..].iter().any(|(later, _)| later == name))
        .map(|(_, (name, value))| EnvVar { name: (*name).into(), value: Some(literal(value)), ..Default::default() })
        .collect()
}

fn port(port: &Port) -> ContainerPort {
    ContainerPort {
        container_port: i32::from(port.container_port),
        host_port: port.host_port.map(i32::from),
        name: port.name.as_deref().map(names::container_port),
        protocol: Some(protocol(port.protocol).into()),
        ..Default::default()
    }
}

fn resources(container: &Container) -> Option<ResourceRequirements> {
    let mut requests = std::collections::BTreeMap::new();
    if let Some(cpu) = container.cpu {
        requests.insert("cpu".into(), container_cpu(cpu));
    }
    if let Some(reservation) = container.memory_reservation.or(container.memory) {
        requests.insert("memory".into(), memory(reservation));
    }
    let limits = container.memory.map(|limit| [("memory".into(), memory(limit))].into());
    (!requests.is_empty()).then(|| ResourceRequirements { requests: Some(requests), limits, ..Default::default() })
}

/// Original names of the containers and ports that Kubernetes took another name for.
#[must_use]
pub fn original_names(containers: &[Container]) -> Labels {
    let names = containers.iter().map(|container| (names::container(&container.name), &container.name));
    let ports = containers
        .iter()
        .flat_map(|container| &container.ports)
        .filter_map(|port| port.name.as_ref())
        .map(|name| (names::container_port(name), name));
    names
        .chain(ports)
        .filter(|(name, original)| name != *original)
        .map(|(name, original)| (name, original.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Kubernetes makes of a value: `$$` is `$`, `$(NAME)` is replaced, anything else stays.
    fn expand(text: &str) -> String {
        let (mut expanded, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(tail) = rest.strip_prefix('$') {
                expanded.push('$');
                rest = tail;
            } else if rest.starts_with('(') && rest.contains(')') {
                expanded.push_str("EXPANDED");
                rest = &rest[rest.find(')').unwrap() + 1..];
            } else {
                expanded.push('$');
            }
        }
        expanded + rest
    }

    proptest! {
        #[test]
        fn what_the_user_wrote_is_what_the_process_sees(text in "[$()A$]{0,12}") {
            prop_assert_eq!(expand(&literal(&text)), text);
        }

        #[test]
        fn containers_never_ask_for_more_than_their_task(units in proptest::collection::vec(8_u32..4096, 1..10)) {
            let millicores = |quantity: Quantity| match quantity.0.strip_suffix('m') {
                Some(millicores) => millicores.parse::<u64>().unwrap(),
                None => quantity.0.parse::<u64>().unwrap() * 1000,
            };
            let sum: u64 = units.iter().map(|units| millicores(container_cpu(CpuUnits(*units)))).sum();
            prop_assert!(sum <= millicores(task_cpu(CpuUnits(units.iter().sum()))));
        }
    }

    #[test]
    fn quantities_have_the_form_in_which_the_api_server_keeps_them() {
        let cpu = [1, 256, 1000, 1024, 1536, 2048, 1_024_000].map(|units| task_cpu(CpuUnits(units)).0);
        assert_eq!(cpu, ["1m", "250m", "977m", "1", "1500m", "2", "1k"]);
        assert_eq!([1, 1024].map(|units| container_cpu(CpuUnits(units)).0), ["1m", "1"]);
        let memory = [6, 512, 1024, 1536, 30720, 1_048_576].map(|mebibytes| memory(MebiBytes(mebibytes)).0);
        assert_eq!(memory, ["6Mi", "512Mi", "1Gi", "1536Mi", "30Gi", "1Ti"]);
    }

    #[test]
    fn the_last_of_two_variables_wins() {
        let own = [("A", "1"), ("B", "2"), ("A", "$(B)")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let merged = merge_environment(&[("AWS_REGION", "x"), ("B", "0")], &own);
        let pairs: Vec<_> = merged.iter().map(|env| (env.name.as_str(), env.value.as_deref().unwrap())).collect();
        assert_eq!(pairs, [("AWS_REGION", "x"), ("B", "2"), ("A", "$$(B)")]);
    }
}
