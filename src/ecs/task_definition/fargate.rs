//! The rules of task definitions that require FARGATE (TF01-TF16), and its table of sizes.

use crate::{
    api::{
        container_definition::ContainerDefinition,
        logging::LogDriver,
        register_task_definition::{NetworkMode, RegisterTaskDefinition},
        resource_requirement::ResourceType,
        runtime::PidMode,
    },
    ecs::violation::Violations,
};

use super::{
    logging::{has_option, word},
    platform::Platform,
    size::{CpuUnits, MebiBytes},
};

/// One row of the table: CPU units, least and most memory and its step in MiB, and whether Windows has it.
struct Size {
    cpu: u32,
    least: u32,
    most: u32,
    step: u32,
    windows: bool,
}

/// The smallest size doubles instead of stepping; the others step evenly.
const SMALLEST: (u32, [u32; 3]) = (256, [512, 1024, 2048]);

const SIZES: [Size; 6] = [
    Size { cpu: 512, least: 1024, most: 4096, step: 1024, windows: false },
    Size { cpu: 1024, least: 2048, most: 8192, step: 1024, windows: true },
    Size { cpu: 2048, least: 4096, most: 16384, step: 1024, windows: true },
    Size { cpu: 4096, least: 8192, most: 30720, step: 1024, windows: true },
    Size { cpu: 8192, least: 16384, most: 61440, step: 4096, windows: false },
    Size { cpu: 16384, least: 32768, most: 122_880, step: 8192, windows: false },
];

/// Longest stop timeout, in seconds.
pub const LONGEST_STOP: i32 = 120;

/// Checks what FARGATE asks of a task definition that requires it, and what only FARGATE has.
pub fn check(
    definition: &RegisterTaskDefinition,
    requires_fargate: bool,
    cpu: Option<CpuUnits>,
    memory: Option<MebiBytes>,
    platform: Platform,
    violations: &mut Violations,
) {
    if !requires_fargate {
        let message = "Tasks using the EC2 launch type do not support EphemeralStorage";
        violations.require(definition.ephemeral_storage.is_none(), "TF15", "spec.ephemeralStorage", message);
        return;
    }
    check_size(definition, cpu, memory, platform, violations);
    check_task(definition, violations);
    for (index, container) in definition.container_definitions.iter().flatten().enumerate() {
        let path = format!("spec.containerDefinitions[{index}]");
        check_container(container, &path, violations);
        check_logging(container, &path, definition, violations);
    }
}

fn check_size(
    definition: &RegisterTaskDefinition,
    cpu: Option<CpuUnits>,
    memory: Option<MebiBytes>,
    platform: Platform,
    violations: &mut Violations,
) {
    let is_awsvpc = definition.network_mode == Some(NetworkMode::Awsvpc);
    violations.require(is_awsvpc, "TF01", "spec.networkMode", "Fargate only supports network mode ‘awsvpc’.");
    let message = "Fargate requires that 'cpu' be defined at the task level.";
    violations.require(definition.cpu.is_some(), "TF02", "spec.cpu", message);
    let message = "Fargate requires that 'memory' be defined at the task level.";
    violations.require(definition.memory.is_some(), "TF03", "spec.memory", message);
    if let (Some(CpuUnits(cpu)), Some(MebiBytes(memory))) = (cpu, memory) {
        let message = format_args!(
            "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. {}",
            valid_sizes(cpu, platform.is_windows())
        );
        let rule = if platform.is_windows() { "TF05" } else { "TF04" };
        violations.require(is_size(cpu, memory, platform.is_windows()), rule, "spec.cpu", message);
    }
    if let Some(storage) = &definition.ephemeral_storage {
        let path = "spec.ephemeralStorage.sizeInGiB";
        violations.require(storage.size_in_gib >= 21, "TF14", path, "EphemeralStorage size should be at least 21");
        violations.require(storage.size_in_gib <= 200, "TF14", path, "EphemeralStorage size should be at most 200");
    }
}

fn is_size(cpu: u32, memory: u32, on_windows: bool) -> bool {
    (cpu == SMALLEST.0 && SMALLEST.1.contains(&memory) && !on_windows)
        || SIZES.iter().any(|size| {
            size.cpu == cpu
                && (size.windows || !on_windows)
                && (size.least..=size.most).contains(&memory)
                && (memory - size.least).is_multiple_of(size.step)
        })
}

/// The sizes that would be valid: the memory that goes with the CPU, or else the CPU that there is.
fn valid_sizes(cpu: u32, on_windows: bool) -> String {
    let has = |size: &&Size| size.windows || !on_windows;
    if cpu == SMALLEST.0 && !on_windows {
        let [least, middle, most] = SMALLEST.1;
        return format!("With {cpu} CPU the memory is {least}, {middle} or {most}.");
    }
    if let Some(Size { least, most, step, .. }) = SIZES.iter().filter(has).find(|size| size.cpu == cpu) {
        return format!("With {cpu} CPU the memory is {least} to {most} in steps of {step}.");
    }
    let smallest = (!on_windows).then_some(SMALLEST.0);
    let all = smallest.into_iter().chain(SIZES.iter().filter(has).map(|size| size.cpu));
    let all: Vec<_> = all.map(|cpu| cpu.to_string()).collect();
    let system = if on_windows { "Windows" } else { "Linux" };
    format!("The CPU on {system} is one of {}.", all.join(", "))
}

/// What Fargate does not have at the task level.
fn check_task(definition: &RegisterTaskDefinition, violations: &mut Violations) {
    let message = "Tasks using the Fargate launch type do not support ipcMode.";
    violations.require(definition.ipc_mode.is_none(), "TF12", "spec.ipcMode", message);
    let message =
        "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.";
    violations.require(definition.pid_mode != Some(PidMode::Host), "TF13", "spec.pidMode", message);
    let constrained = definition.placement_constraints.as_ref().is_some_and(|constraints| !constraints.is_empty());
    violations.require(!constrained, "TF12", "spec.placementConstraints", unsupported("placementConstraints"));
    for (index, volume) in definition.volumes.iter().flatten().enumerate() {
        let path = format!("spec.volumes[{index}]");
        let is_docker = volume.docker_volume_configuration.is_some();
        violations.require(
            !is_docker,
            "TF12",
            format_args!("{path}.dockerVolumeConfiguration"),
            unsupported("dockerVolumeConfiguration"),
        );
        let source =
            volume.host.as_ref().and_then(|host| host.source_path.as_ref()).filter(|source| !source.is_empty());
        violations.require(
            source.is_none(),
            "TF12",
            format_args!("{path}.host.sourcePath"),
            unsupported("host.sourcePath"),
        );
    }
}

fn unsupported(member: &str) -> String {
    format!("Fargate compatible task definitions do not support {member}")
}

fn check_container(container: &ContainerDefinition, path: &str, violations: &mut Violations) {
    let message = "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.";
    let short = container.stop_timeout.is_none_or(|timeout| timeout <= LONGEST_STOP);
    violations.require(short, "TF06", format_args!("{path}.stopTimeout"), message);
    let message = "Fargate requires that the 'privileged' setting be 'false'";
    violations.require(container.privileged != Some(true), "TF10", format_args!("{path}.privileged"), message);
    let options = container.docker_security_options.as_ref().is_some_and(|options| !options.is_empty());
    let gpu = container.resource_requirements.iter().flatten().any(|each| each.type_ == ResourceType::Gpu);
    let linux = container.linux_parameters.clone().unwrap_or_default();
    let devices = linux.devices.as_ref().is_some_and(|devices| !devices.is_empty());
    for (given, member, name) in [
        (options, "dockerSecurityOptions", "dockerSecurityOptions"),
        (gpu, "resourceRequirements", "GPU"),
        (devices, "linuxParameters.devices", "devices"),
        (linux.max_swap.is_some(), "linuxParameters.maxSwap", "maxSwap"),
        (linux.swappiness.is_some(), "linuxParameters.swappiness", "swappiness"),
        (
            linux.shared_memory_size.is_some_and(|size| size != 0),
            "linuxParameters.sharedMemorySize",
            "sharedMemorySize",
        ),
    ] {
        violations.require(!given, "TF12", format_args!("{path}.{member}"), unsupported(name));
    }
    let added = linux.capabilities.and_then(|capabilities| capabilities.add).unwrap_or_default();
    for (index, name) in added.iter().enumerate() {
        let path = format!("{path}.linuxParameters.capabilities.add[{index}]");
        violations.require(name == "SYS_PTRACE", "TF11", path, format!("{name} is not allowed on Fargate."));
    }
}

fn check_logging(
    container: &ContainerDefinition,
    path: &str,
    definition: &RegisterTaskDefinition,
    violations: &mut Violations,
) {
    let Some(logging) = &container.log_configuration else { return };
    let path = format!("{path}.logConfiguration");
    let driver = word(logging.log_driver);
    let message = format_args!("{driver} is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]");
    let has_driver = matches!(logging.log_driver, LogDriver::Awslogs | LogDriver::Splunk | LogDriver::Awsfirelens);
    violations.require(has_driver, "TF07", format_args!("{path}.logDriver"), message);
    if logging.log_driver != LogDriver::Awslogs {
        return;
    }
    let message = "Fargate requires task definition to have execution role ARN to support log driver awslogs.";
    let has_role = definition.execution_role_arn.as_ref().is_some_and(|role| !role.is_empty());
    violations.require(has_role, "TF08", "spec.executionRoleArn", message);
    let message =
        "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.";
    violations.require(has_option(logging, "awslogs-stream-prefix"), "TF09", format_args!("{path}.options"), message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_that_would_be_valid_are_told() {
        for (cpu, on_windows, told) in [
            (256, false, "With 256 CPU the memory is 512, 1024 or 2048."),
            (8192, false, "With 8192 CPU the memory is 16384 to 61440 in steps of 4096."),
            (300, false, "The CPU on Linux is one of 256, 512, 1024, 2048, 4096, 8192, 16384."),
            (256, true, "The CPU on Windows is one of 1024, 2048, 4096."),
        ] {
            assert_eq!(valid_sizes(cpu, on_windows), told);
        }
    }

    #[test]
    fn the_table_of_sizes() {
        for (cpu, memory) in
            [(256, 512), (256, 2048), (512, 4096), (1024, 2048), (4096, 30720), (8192, 20480), (16384, 122_880)]
        {
            assert!(is_size(cpu, memory, false), "{cpu} {memory}");
        }
        for (cpu, memory) in
            [(256, 1536), (256, 4096), (512, 512), (1024, 2049), (8192, 17408), (16384, 36864), (128, 512)]
        {
            assert!(!is_size(cpu, memory, false), "{cpu} {memory}");
        }
        for (cpu, memory, on_windows) in
            [(1024, 2048, true), (4096, 30720, true), (512, 1024, false), (8192, 16384, false)]
        {
            assert_eq!(is_size(cpu, memory, true), on_windows, "{cpu} {memory}");
        }
    }
}
