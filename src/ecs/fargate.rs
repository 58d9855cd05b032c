//! The rules of task definitions that require FARGATE (TF01-TF05), and its table of sizes.

use crate::api::task_definition::NetworkMode;

use super::{
    size::{CpuUnits, MebiBytes},
    violation::Violation,
};

/// One row of the table: CPU units, least and most memory and its step in MiB.
struct Size {
    cpu: u32,
    least: u32,
    most: u32,
    step: u32,
}

/// The smallest size doubles instead of stepping; the others step evenly.
const SMALLEST: (u32, [u32; 3]) = (256, [512, 1024, 2048]);

const SIZES: [Size; 6] = [
    Size { cpu: 512, least: 1024, most: 4096, step: 1024 },
    Size { cpu: 1024, least: 2048, most: 8192, step: 1024 },
    Size { cpu: 2048, least: 4096, most: 16384, step: 1024 },
    Size { cpu: 4096, least: 8192, most: 30720, step: 1024 },
    Size { cpu: 8192, least: 16384, most: 61440, step: 4096 },
    Size { cpu: 16384, least: 32768, most: 122_880, step: 8192 },
];

/// Checks what FARGATE asks of the task as a whole.
#[must_use]
pub fn check(network_mode: Option<NetworkMode>, cpu: Option<CpuUnits>, memory: Option<MebiBytes>) -> Vec<Violation> {
    let mut violations = Vec::new();
    if network_mode != Some(NetworkMode::Awsvpc) {
        let message = "Fargate only supports network mode ‘awsvpc’.";
        violations.push(Violation::new("TF01", "spec.networkMode", message));
    }
    if cpu.is_none() {
        let message = "Fargate requires that 'cpu' be defined at the task level.";
        violations.push(Violation::new("TF02", "spec.cpu", message));
    }
    if memory.is_none() {
        let message = "Fargate requires that 'memory' be defined at the task level.";
        violations.push(Violation::new("TF03", "spec.memory", message));
    }
    if let (Some(CpuUnits(cpu)), Some(MebiBytes(memory))) = (cpu, memory)
        && !is_size(cpu, memory)
    {
        let message = format!(
            "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
        );
        violations.push(Violation::new("TF04", "spec.cpu", message));
    }
    violations
}

fn is_size(cpu: u32, memory: u32) -> bool {
    (cpu == SMALLEST.0 && SMALLEST.1.contains(&memory))
        || SIZES.iter().any(|size| {
            size.cpu == cpu
                && (size.least..=size.most).contains(&memory)
                && (memory - size.least).is_multiple_of(size.step)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_sizes() {
        for (cpu, memory) in
            [(256, 512), (256, 2048), (512, 4096), (1024, 2048), (4096, 30720), (8192, 20480), (16384, 122_880)]
        {
            assert!(is_size(cpu, memory), "{cpu} {memory}");
        }
        for (cpu, memory) in
            [(256, 1536), (256, 4096), (512, 512), (1024, 2049), (8192, 17408), (16384, 36864), (128, 512)]
        {
            assert!(!is_size(cpu, memory), "{cpu} {memory}");
        }
    }

    #[test]
    fn each_rule_speaks_for_itself() {
        let rules = |violations: Vec<Violation>| violations.iter().map(|v| v.rule).collect::<Vec<_>>();
        assert_eq!(rules(check(None, None, None)), ["TF01", "TF02", "TF03"]);
        let awsvpc = Some(NetworkMode::Awsvpc);
        assert_eq!(rules(check(awsvpc, Some(CpuUnits(256)), Some(MebiBytes(4096)))), ["TF04"]);
        assert!(check(awsvpc, Some(CpuUnits(256)), Some(MebiBytes(512))).is_empty());
    }
}
