//! What holds for any report of a Pod, also for one that no kubelet would write.

use ecs_operator::{
    api::task_status::{ContainerLastStatus, LastStatus},
    decide::{
        pod_status::{ContainerState, ContainerStatus, PodCondition, PodStatus, Running, Terminated, Waiting},
        task_progress::{Deletion, TaskFacts, TaskProgress},
        task_stop::Stop,
    },
    ecs::task_containers::{HealthBudget, RunningContainer},
};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use proptest::{collection::vec, option, prelude::*, sample::select};

const NAMES: [&str; 4] = ["web", "log", "init", "proxy"];

const REASONS: [&str; 20] = [
    "ContainerCreating",
    "PodInitializing",
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "RunContainerError",
    "Completed",
    "Error",
    "OOMKilled",
    "StartError",
    "ContainerStatusUnknown",
    "Unknown",
    "Evicted",
    "NodeLost",
    "Terminated",
    "TerminationByKubelet",
    "EvictionByEvictionAPI",
    "Unschedulable",
    "",
];

/// Everything that is known of a task, by value.
#[derive(Clone, Debug)]
pub struct Known {
    pub containers: Vec<RunningContainer>,
    pub status: PodStatus,
    pub is_scheduled: bool,
    pub deletion: Option<(Time, i64)>,
    pub is_gone: bool,
    pub runs_alone: bool,
    pub now: Time,
}

impl Known {
    pub fn facts(&self) -> TaskFacts<'_> {
        TaskFacts {
            pod_name: "web-0",
            containers: &self.containers,
            status: &self.status,
            is_scheduled: self.is_scheduled,
            deletion: self
                .deletion
                .as_ref()
                .map(|(timestamp, grace_seconds)| Deletion { timestamp, grace_seconds: *grace_seconds }),
            is_gone: self.is_gone,
            runs_alone: self.runs_alone,
            now: &self.now,
        }
    }

    fn reported(&self, name: &str) -> Option<&ContainerStatus> {
        self.status.container(name)
    }
}

pub fn at(second: i64) -> Time {
    Time(Timestamp::from_second(second).unwrap())
}

fn time() -> impl Strategy<Value = Time> {
    let bounds = select(vec![Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX]);
    prop_oneof![8 => (1_000..1_100_i64).prop_map(at), 1 => bounds.prop_map(Time)]
}

fn reason() -> impl Strategy<Value = Option<String>> {
    let text = prop_oneof![
        10 => select(&REASONS[..]).prop_map(String::from),
        1 => "\\PC{0,40}",
        1 => Just("é".repeat(3000)),
    ];
    option::weighted(0.9, text)
}

fn message() -> impl Strategy<Value = Option<String>> {
    let text = prop_oneof!["\\PC{0,40}", Just("not found ".repeat(300)), Just("é".repeat(3000))];
    option::of(text)
}

fn terminated() -> impl Strategy<Value = Terminated> {
    let code = prop_oneof![0..=255_i32, any::<i32>()];
    (code, reason(), message(), option::of(time()), option::of(time())).prop_map(
        |(exit_code, reason, message, started_at, finished_at)| Terminated {
            exit_code,
            reason,
            message,
            started_at,
            finished_at,
        },
    )
}

/// The members exclude each other; a report may say otherwise.
fn state() -> impl Strategy<Value = ContainerState> {
    let waiting = || (reason(), message()).prop_map(|(reason, message)| Waiting { reason, message });
    let running = || option::of(time()).prop_map(|started_at| Running { started_at });
    let none = ContainerState::default;
    prop_oneof![
        1 => Just(none()),
        3 => waiting().prop_map(move |waiting| ContainerState { waiting: Some(waiting), ..none() }),
        3 => running().prop_map(move |running| ContainerState { running: Some(running), ..none() }),
        3 => terminated().prop_map(move |terminated| ContainerState { terminated: Some(terminated), ..none() }),
        1 => (option::of(waiting()), option::of(running()), option::of(terminated()))
            .prop_map(|(waiting, running, terminated)| ContainerState { waiting, running, terminated }),
    ]
}

fn container_status() -> impl Strategy<Value = ContainerStatus> {
    let image_id = select(vec!["", "sha256:1", "nginx@sha256:1", "@"]);
    let container_id = option::of(select(vec!["", "containerd://f00d", "f00d", "://"]));
    let flags = (option::of(any::<bool>()), any::<bool>(), prop_oneof![0..3_i32, any::<i32>()]);
    (select(&NAMES[..]), flags, image_id, container_id, state(), state()).prop_map(
        |(name, (started, ready, restart_count), image_id, container_id, state, last_state)| ContainerStatus {
            name: name.into(),
            started,
            ready,
            restart_count,
            image: String::new(),
            image_id: image_id.into(),
            container_id: container_id.map(String::from),
            state,
            last_state,
        },
    )
}

fn condition() -> impl Strategy<Value = PodCondition> {
    let type_ = select(vec!["PodScheduled", "DisruptionTarget", "Ready"]);
    let status = select(vec!["True", "False", "Unknown"]);
    (type_, status, reason(), message()).prop_map(|(type_, status, reason, message)| PodCondition {
        last_transition_time: None,
        type_: type_.into(),
        status: status.into(),
        reason,
        message,
    })
}

fn pod_status() -> impl Strategy<Value = PodStatus> {
    let phase = option::of(select(vec!["Pending", "Running", "Succeeded", "Failed", "Unknown", ""]));
    let containers = || vec(container_status(), 0..4);
    (phase, reason(), message(), vec(condition(), 0..3), containers(), containers()).prop_map(
        |(phase, reason, message, conditions, init_container_statuses, container_statuses)| PodStatus {
            phase: phase.map(String::from),
            reason,
            message,
            conditions,
            pod_ips: Vec::new(),
            init_container_statuses,
            container_statuses,
        },
    )
}

fn budget() -> impl Strategy<Value = HealthBudget> {
    let number = || prop_oneof![0..60_u32, any::<u32>()];
    (number(), number(), number(), number()).prop_map(|(interval, timeout, retries, start_period)| HealthBudget {
        interval,
        timeout,
        retries,
        start_period,
    })
}

pub fn containers() -> impl Strategy<Value = Vec<RunningContainer>> {
    vec((any::<bool>(), option::of(budget())), 0..=NAMES.len()).prop_map(|containers| {
        let names = NAMES.iter().zip(containers);
        names
            .map(|(name, (essential, health_check))| RunningContainer {
                restarts_but_after: None,
                name: name.to_uppercase(),
                kubernetes_name: Some((*name).into()),
                essential,
                target: None,
                health_check,
            })
            .collect()
    })
}

fn known() -> impl Strategy<Value = Known> {
    let grace = prop_oneof![0..60_i64, any::<i64>()];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (containers(), pod_status(), flags, option::of((time(), grace)), time()).prop_map(
        |(containers, status, (is_scheduled, is_gone, runs_alone), deletion, now)| Known {
            containers,
            status,
            is_scheduled,
            deletion,
            is_gone,
            runs_alone,
            now,
        },
    )
}

fn stops(facts: TaskFacts<'_>) -> Vec<Stop> {
    [facts.essential_exit(), facts.start_failure(), facts.disruption()].into_iter().flatten().collect()
}

fn check_containers(known: &Known, progress: &TaskProgress) -> Result<(), TestCaseError> {
    prop_assert_eq!(progress.containers.len(), known.containers.len());
    for (container, known_container) in progress.containers.iter().zip(&known.containers) {
        prop_assert_eq!(&container.name, &known_container.name);
        if container.exit_code.is_some() {
            prop_assert_eq!(container.last_status, ContainerLastStatus::Stopped, "an exit code of what has not ended");
            let status = known.reported(known_container.in_pod()).unwrap();
            prop_assert_eq!(container.exit_code, status.last_end().map(|end| end.exit_code), "an invented exit code");
        }
        let characters = container.reason.as_ref().map_or(0, |reason| reason.chars().count());
        prop_assert!(characters <= 1024, "a reason of {characters} characters");
        let codes = progress.exit_codes.iter().flat_map(|codes| codes.split(','));
        let is_listed = codes.filter_map(|code| code.split_once('=')).any(|(name, _)| name == container.name);
        prop_assert_eq!(is_listed, container.exit_code.is_some());
    }
    Ok(())
}

fn check(known: &Known) -> Result<(), TestCaseError> {
    let facts = known.facts();
    let progress = facts.progress();
    check_containers(known, &progress)?;
    let is_stopped = known.is_gone || (known.runs_alone && known.status.has_ended());
    prop_assert_eq!(progress.last_status == LastStatus::Stopped, is_stopped);
    let runs = progress.containers.iter().any(|container| container.last_status == ContainerLastStatus::Running);
    prop_assert!(!runs || progress.last_status < LastStatus::Deprovisioning, "something runs of what has ended");
    if progress.last_status == LastStatus::Running {
        prop_assert!(facts.start_failure().is_none(), "what has started cannot fail to");
    }
    prop_assert!(progress.execution_stopped_at.is_none() || progress.last_status >= LastStatus::Deprovisioning);
    prop_assert!(progress.restarts >= 0);
    for stop in stops(facts) {
        prop_assert!(stop.reason.chars().count() <= 1024, "a reason of {} characters", stop.reason.chars().count());
    }
    prop_assert!(facts.unplaceable().is_none() || !known.is_scheduled);
    if let Some(after) = progress.look_again_after {
        prop_assert!(!after.is_zero(), "looked at again at once");
        if let Ok(then) = known.now.0.checked_add(after) {
            let then = Known { now: Time(then), ..known.clone() };
            prop_assert_ne!(then.facts().progress().look_again_after, Some(after), "never looked at again");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_report_is_understood(known in known()) {
        check(&known)?;
    }
}
