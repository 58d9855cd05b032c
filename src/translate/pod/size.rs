//! CPU, memory, storage and accelerators: ECS's units -> quantities of Kubernetes.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ResourceRequirements, apimachinery::pkg::api::resource::Quantity};

use crate::ecs::task_definition::{
    TaskDefinition,
    accelerators::Accelerator,
    container::Container,
    size::{CpuUnits, MebiBytes},
};

type Quantities = BTreeMap<String, Quantity>;

/// The size of the whole task, a hard limit. It is the Pod's own.
#[must_use]
pub fn of_task(definition: &TaskDefinition) -> Option<ResourceRequirements> {
    let cpu = definition.cpu.map(|cpu| ("cpu".into(), task_cpu(cpu)));
    let memory = definition.memory.map(|memory| ("memory".into(), self::memory(memory)));
    let size: Quantities = cpu.into_iter().chain(memory).collect();
    requirements(size.clone(), size)
}

/// What a container asks for and may not exceed.
#[must_use]
pub fn of_container(index: usize, definition: &TaskDefinition) -> Option<ResourceRequirements> {
    let container = &definition.containers[index];
    let (mut requests, mut limits) = (Quantities::new(), Quantities::new());
    if let Some(cpu) = container.cpu {
        requests.insert("cpu".into(), container_cpu(cpu));
    }
    if let Some(reservation) = container.memory_reservation.or(container.memory) {
        requests.insert("memory".into(), memory(reservation));
    }
    if let Some(limit) = container.memory {
        limits.insert("memory".into(), memory(limit));
    }
    if definition.platform.is_windows() {
        add_size_of_task(container, definition, &mut requests, &mut limits);
    }
    limits.extend(container.accelerators.iter().map(accelerator));
    if let Some(storage) = definition.ephemeral_storage.filter(|_| index == 0) {
        // The kubelet adds up the limits of all containers: one of them carries that of the task.
        let size = Quantity(format!("{storage}Gi"));
        requests.insert("ephemeral-storage".into(), size.clone());
        limits.insert("ephemeral-storage".into(), size);
    }
    requirements(requests, limits)
}

/// A Pod on Windows has no size of its own, so each container that has none gets that of the task as a limit, and an even
/// part of it as its request.
fn add_size_of_task(
    container: &Container,
    definition: &TaskDefinition,
    requests: &mut Quantities,
    limits: &mut Quantities,
) {
    let all = u32::try_from(definition.containers.len()).unwrap_or(1);
    if let Some(CpuUnits(units)) = definition.cpu {
        limits.insert("cpu".into(), task_cpu(CpuUnits(units)));
        if container.cpu.is_none() {
            requests.insert("cpu".into(), container_cpu(CpuUnits(units / all)));
        }
    }
    if let Some(MebiBytes(mebibytes)) = definition.memory
        && container.memory.is_none()
    {
        limits.insert("memory".into(), memory(MebiBytes(mebibytes)));
        if container.memory_reservation.is_none() {
            requests.insert("memory".into(), memory(MebiBytes((mebibytes / all).max(1))));
        }
    }
}

fn accelerator(accelerator: &Accelerator) -> (String, Quantity) {
    match accelerator {
        Accelerator::Gpu(count) => ("nvidia.com/gpu".into(), Quantity(count.to_string())),
        Accelerator::Neuron(count) => ("aws.amazon.com/neurondevice".into(), Quantity(count.to_string())),
        Accelerator::SharedGpu { .. } => ("nvidia.com/gpu.shared".into(), Quantity("1".into())),
    }
}

fn requirements(requests: Quantities, limits: Quantities) -> Option<ResourceRequirements> {
    let some = |quantities: Quantities| (!quantities.is_empty()).then_some(quantities);
    let (requests, limits) = (some(requests), some(limits));
    (requests.is_some() || limits.is_some()).then(|| ResourceRequirements { requests, limits, ..Default::default() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
}
