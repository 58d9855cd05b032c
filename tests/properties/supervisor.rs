//! What holds for the supervisors of a task, whatever depends on what and whoever looks first: each condition is kept, nothing waits
//! for ever, a failure stops the task, and containers stop in the reverse order. What happened is held against the rules as ECS's
//! agent has them, written down once more and slowly.

use std::{collections::BTreeMap, time::Duration};

use ecs_operator::supervisor::{
    member::{Condition, Dependency, Member, RestartPolicy},
    next::{Next, Process, View, next},
    state::State,
};
use proptest::prelude::*;

/// How a process behaves, in seconds after its start.
#[derive(Clone, Debug)]
struct Behaviour {
    healthy_after: Option<u32>,
    runs_for: Option<u32>,
    exit_code: i32,
    /// How long it takes to end after SIGTERM; `None` for one that ignores it.
    obeys_after: Option<u32>,
}

/// What became of a container, in seconds.
#[derive(Clone, Debug, Default)]
struct History {
    starts: Vec<u32>,
    healthy: Option<u32>,
    ends: Vec<(u32, i32)>,
    terminated: Option<u32>,
    killed: Option<u32>,
    /// When it said that it cannot get what it waits for.
    failed: Option<u32>,
    left: Option<(u32, i32)>,
}

struct Container {
    member: Member,
    behaviour: Behaviour,
    process: Process,
    history: History,
}

struct Task {
    containers: Vec<Container>,
    told: BTreeMap<String, State>,
    stop_at: u32,
}

const TIME: u32 = 400;

fn time(second: u32) -> Duration {
    Duration::from_secs(second.into())
}

impl Task {
    fn run(&mut self, order: &[usize]) {
        let there = self.containers.len();
        let of_task = order.iter().copied().filter(|index| *index < there);
        for second in 0..TIME {
            for index in 0..self.containers.len() {
                self.happen(index, second);
            }
            // Whoever looks first sees least. There are enough looks in a second for what one does to reach the last of a chain.
            for _ in 0..2 * there {
                for index in of_task.clone() {
                    self.look(index, second);
                }
            }
        }
    }

    /// What a process does by itself.
    fn happen(&mut self, index: usize, second: u32) {
        let container = &mut self.containers[index];
        let Some(started) = container.history.starts.last().copied() else { return };
        let behaviour = &container.behaviour;
        let ends = |since: Duration, was_stopped| Process::Ended { exit_code: behaviour.exit_code, since, was_stopped };
        let is_due = |after: Option<u32>, since: u32| after.is_some_and(|after| second >= since + after);
        let ended = match container.process {
            Process::Running { since } if is_due(behaviour.runs_for, started) => Some(ends(since, false)),
            Process::Stopping { since }
                if is_due(behaviour.obeys_after, u32::try_from(since.as_secs()).unwrap())
                    || is_due(behaviour.runs_for, started) =>
            {
                Some(ends(since, true))
            }
            _ => None,
        };
        let runs = matches!(container.process, Process::Running { .. } | Process::Stopping { .. });
        if runs && container.history.healthy.is_none() && is_due(behaviour.healthy_after, started) {
            container.history.healthy = Some(second);
            self.told.get_mut(&container.member.name).unwrap().has_been_healthy = true;
        }
        if let Some(ended) = ended {
            container.history.ends.push((second, behaviour.exit_code));
            container.process = ended;
        }
    }

    fn look(&mut self, index: usize, second: u32) {
        let name = self.containers[index].member.name.clone();
        loop {
            let container = &mut self.containers[index];
            if container.history.left.is_some() {
                return;
            }
            let others: BTreeMap<_, _> = self
                .told
                .iter()
                .filter(|(other, _)| **other != name)
                .map(|(name, state)| (name.clone(), state.clone()))
                .collect();
            let told = self.told.get(&name).cloned().unwrap_or_default();
            let view = View {
                me: &container.member,
                told: &told,
                process: container.process,
                others: &others,
                is_told_to_stop: second >= self.stop_at,
                now: time(second),
            };
            match next(view) {
                Next::Start => {
                    container.history.starts.push(second);
                    container.process = Process::Running { since: time(second) };
                    let state = State { started_at: told.started_at.or(Some(time(second))), ..told };
                    self.told.insert(name.clone(), state);
                }
                Next::Terminate => {
                    container.history.terminated = Some(second);
                    container.process = Process::Stopping { since: time(second) };
                }
                Next::Kill => {
                    container.history.killed = Some(second);
                    container.history.ends.push((second, 137));
                    container.process = Process::Ended { exit_code: 137, since: time(second), was_stopped: true };
                }
                Next::Tell(state) => {
                    container.history.failed = state.failure.as_ref().map(|_| second);
                    self.told.insert(name.clone(), state);
                    container.process = Process::None;
                }
                Next::Leave(exit_code) => container.history.left = Some((second, exit_code)),
                Next::Wait(_) => return,
            }
        }
    }

    fn of(&self, name: &str) -> &Container {
        self.containers.iter().find(|container| container.member.name == name).unwrap()
    }
}

impl Container {
    /// When it ended for good, and with what.
    fn end(&self) -> Option<(u32, i32)> {
        let runs = self.history.ends.len() < self.history.starts.len();
        self.history.ends.last().copied().filter(|_| !runs)
    }

    /// When it reached what others wait for.
    fn reached(&self, condition: Condition) -> Option<u32> {
        match condition {
            Condition::Start => self.history.starts.first().copied(),
            Condition::Complete => self.end().map(|(second, _)| second),
            Condition::Success => self.end().filter(|(_, exit_code)| *exit_code == 0).map(|(second, _)| second),
            Condition::Healthy => self.history.healthy,
        }
    }
}

/// When the task was to stop, by the rules: it was told to, an essential container had ended for good, or somebody could not get what
/// it waited for.
fn stops_at(task: &Task) -> u32 {
    let essential = task.containers.iter().filter(|container| container.member.essential);
    let ended = essential.filter_map(Container::end).map(|(second, _)| second);
    let failed = task.containers.iter().filter_map(|container| container.history.failed);
    ended.chain(failed).chain([task.stop_at]).min().unwrap()
}

/// Why a container could not get any more what it waited for, and when: whether that is sure. What is reached in the very second of the
/// deadline is late for whoever looks first.
fn causes(task: &Task, container: &Container) -> Vec<(u32, bool)> {
    let of = |dependency: &Dependency| {
        let other = task.of(&dependency.container);
        let never = other.end().filter(|(_, exit_code)| match dependency.condition {
            Condition::Start | Condition::Complete => false,
            Condition::Success => *exit_code != 0,
            Condition::Healthy => other.history.healthy.is_none(),
        });
        let timeout = dependency.timeout.filter(|_| dependency.condition != Condition::Start);
        let deadline = timeout.zip(other.history.starts.first()).map(|(timeout, started)| started + timeout);
        let reached = other.reached(dependency.condition);
        let late = deadline.filter(|deadline| reached.is_none_or(|second| second >= *deadline));
        [never.map(|(second, _)| (second, true)), late.map(|deadline| (deadline, reached != Some(deadline)))]
    };
    container.member.depends_on.iter().flat_map(of).flatten().collect()
}

fn check_failure(task: &Task, container: &Container, stops_at: u32) -> Result<(), TestCaseError> {
    let Container { member, history, .. } = container;
    let causes = causes(task, container);
    let first = causes.iter().filter(|(_, is_sure)| *is_sure).map(|(second, _)| *second).min();
    match history.failed {
        Some(failed) => {
            prop_assert!(causes.iter().any(|(second, _)| *second == failed), "{} failed without a cause", member.name);
            prop_assert!(first.is_none_or(|first| first >= failed), "{} failed too late", member.name);
        }
        None if history.starts.is_empty() => {
            prop_assert!(first.is_none_or(|first| first >= stops_at), "{} did not fail", member.name);
        }
        None => {}
    }
    Ok(())
}

fn check(task: &Task) -> Result<(), TestCaseError> {
    let stops_at = stops_at(task);
    for container in &task.containers {
        let Container { member, history, .. } = container;
        let name = &member.name;
        if let Some(started) = history.starts.first() {
            prop_assert!(*started <= stops_at, "{name} started when the task stopped");
            for dependency in &member.depends_on {
                let reached = task.of(&dependency.container).reached(dependency.condition);
                prop_assert!(
                    reached.is_some_and(|second| second <= *started),
                    "{name} did not wait for {dependency:?}"
                );
            }
        } else {
            let waits = member.depends_on.iter().any(|dependency| {
                task.of(&dependency.container).reached(dependency.condition).is_none_or(|second| second >= stops_at)
            });
            prop_assert!(waits || stops_at == 0, "{name} waits for nothing");
        }
        prop_assert!(history.ends.len() == history.starts.len(), "{name} runs at the end");
        prop_assert!(history.left.is_some(), "the supervisor of {name} is there at the end");
        if let Some(terminated) = history.terminated {
            prop_assert!(terminated >= stops_at, "{name} was stopped without a reason");
            for dependent in &member.dependents {
                let other = task.of(dependent);
                let is_over =
                    other.history.starts.is_empty() || other.end().is_some_and(|(second, _)| second <= terminated);
                prop_assert!(is_over, "{name} was stopped before {dependent}, which needs it");
            }
            if let Some(killed) = history.killed {
                prop_assert_eq!(killed, terminated + member.stop_timeout, "{} has its stop timeout", name);
            }
        }
        if let (Some((ended, exit_code)), Some((left, told))) = (container.end(), history.left) {
            prop_assert_eq!(told, exit_code, "{} ends with the code of its process", name);
            // One that is not essential leaves no sooner than the task stops.
            prop_assert!(left >= ended && (member.essential || left >= stops_at), "{name} left early");
        }
        check_failure(task, container, stops_at)?;
        check_restarts(container, stops_at)?;
    }
    Ok(())
}

fn check_restarts(container: &Container, stops_at: u32) -> Result<(), TestCaseError> {
    let Container { member, history, .. } = container;
    for (index, ((ended, exit_code), started)) in history.ends.iter().zip(&history.starts).enumerate() {
        let was_restarted = history.starts.len() > index + 1;
        let may_be = member.restart_policy.as_ref().is_some_and(|policy| {
            !policy.ignored_exit_codes.contains(exit_code) && ended - started >= policy.attempt_period
        });
        let was_stopped = history.terminated.is_some_and(|terminated| terminated <= *ended);
        let should_be = may_be && !was_stopped && *ended < stops_at;
        let may_race = *ended == stops_at;
        prop_assert!(was_restarted == should_be || may_race, "{} started again: {was_restarted}", member.name);
    }
    Ok(())
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let healthy_after = prop::option::of(0..30_u32);
    let runs_for = prop::option::of(0..80_u32);
    let exit_code = prop::sample::select(vec![0, 0, 1, 3, 137]);
    let obeys_after = prop::option::weighted(0.8, 0..8_u32);
    (healthy_after, runs_for, exit_code, obeys_after).prop_map(|(healthy_after, runs_for, exit_code, obeys_after)| {
        Behaviour { healthy_after, runs_for, exit_code, obeys_after }
    })
}

const MOST: usize = 6;

prop_compose! {
    fn task()(
        behaviours in prop::collection::vec(behaviour(), 1..=MOST),
        conditions in prop::collection::vec(prop::option::weighted(0.4, 0..4_u8), MOST * MOST),
        essential in prop::collection::vec(any::<bool>(), MOST),
        timeouts in prop::collection::vec(prop::option::of(2..60_u32), MOST),
        stop_timeouts in prop::collection::vec(2..10_u32, MOST),
        periods in prop::collection::vec(prop::option::weighted(0.3, 1..60_u32), MOST),
        stop_at in 0..200_u32,
    ) -> Task {
        let name = |index: usize| format!("c{index}");
        let mut members: Vec<Member> = (0..behaviours.len()).map(|index| Member {
            name: name(index),
            essential: essential[index],
            depends_on: Vec::new(),
            dependents: Vec::new(),
            stop_timeout: stop_timeouts[index],
            restart_policy: periods[index].map(|attempt_period| {
                RestartPolicy { ignored_exit_codes: vec![3], attempt_period }
            }),
        }).collect();
        for index in 0..members.len() {
            for on in 0..index {
                let Some(condition) = conditions[index * MOST + on] else { continue };
                let condition = match condition {
                    0 => Condition::Start,
                    1 => Condition::Healthy,
                    // What is waited for so is not essential.
                    2 if !members[on].essential => Condition::Complete,
                    _ if !members[on].essential => Condition::Success,
                    _ => Condition::Start,
                };
                members[index].depends_on.push(Dependency { container: name(on), condition, timeout: timeouts[on] });
                members[on].dependents.push(name(index));
            }
        }
        let told = members.iter().map(|member| (member.name.clone(), State::default())).collect();
        let containers = members.into_iter().zip(behaviours).map(|(member, behaviour)| Container {
            member, behaviour, process: Process::None, history: History::default(),
        }).collect();
        Task { containers, told, stop_at }
    }
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for Container { member, behaviour, history, .. } in &self.containers {
            writeln!(f, "{member:?}\n  {behaviour:?}\n  {history:?}")?;
        }
        write!(f, "told to stop at {}", self.stop_at)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn supervisors_keep_the_rules_of_the_agent(mut task in task(), order in Just((0..MOST).collect::<Vec<_>>()).prop_shuffle()) {
        task.run(&order);
        let checked = check(&task);
        prop_assert!(checked.is_ok(), "{}\n{task:?}", checked.unwrap_err());
    }
}
