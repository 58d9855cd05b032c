//! The replacement of unhealthy tasks against a simulated ReplicaSet that starts and removes Pods as Kubernetes does.

use proptest::prelude::*;

use super::*;

/// So many healthy, unhealthy and starting tasks.
fn tasks(healthy: usize, unhealthy: usize, starting: usize) -> Vec<LiveTask> {
    let kinds = [vec![Health::Healthy; healthy], vec![Health::Unhealthy; unhealthy], vec![Health::Starting; starting]];
    let tasks = kinds.concat().into_iter().enumerate();
    tasks.map(|(id, health)| LiveTask { id: id.to_string(), health }).collect()
}

fn decided(tasks: &[LiveTask], desired: u32, most: u32) -> (u32, usize) {
    let found = replace(tasks, Bounds { desired, most, deployment_in_progress: false, is_stopping: false });
    (found.extra, found.stop.len())
}

#[test]
fn the_new_task_comes_first_where_there_is_room() {
    assert_eq!(decided(&tasks(2, 0, 0), 2, 4), (0, 0));
    assert_eq!(decided(&tasks(1, 1, 0), 2, 4), (1, 0));
    assert_eq!(decided(&tasks(1, 1, 1), 2, 4), (1, 0));
    assert_eq!(decided(&tasks(2, 1, 0), 2, 4), (0, 1));
    assert_eq!(decided(&tasks(5, 5, 0), 10, 12), (2, 0));
    assert_eq!(decided(&tasks(7, 5, 0), 10, 12), (2, 2));
    assert_eq!(decided(&tasks(0, 3, 0), 3, 6), (3, 0));
    assert_eq!(decided(&tasks(0, 3, 0), 1, 2), (1, 2), "two are not desired any more");
}

#[test]
fn a_task_is_not_stopped_for_one_in_its_place_that_turns_unhealthy_itself() {
    let found =
        replace(&tasks(1, 2, 0), Bounds { desired: 2, most: 4, deployment_in_progress: false, is_stopping: false });
    assert_eq!(found, Replacement { extra: 1, stop: vec!["2".into()] }, "the younger one goes");
}

#[test]
fn without_room_one_goes_at_a_time() {
    assert_eq!(decided(&tasks(2, 2, 0), 4, 4), (0, 1));
    assert_eq!(decided(&tasks(2, 1, 1), 4, 4), (0, 0));
    let in_deployment = Bounds { desired: 2, most: 4, deployment_in_progress: true, is_stopping: false };
    let found = replace(&tasks(0, 2, 0), in_deployment);
    assert_eq!(found, Replacement { extra: 0, stop: vec!["0".into()] });
    let found = replace(&tasks(0, 1, 0), Bounds { is_stopping: true, ..in_deployment });
    assert_eq!(found, Replacement::default());
}

#[test]
fn a_task_that_does_not_come_up_holds_up_no_other() {
    let hindered = LiveTask { id: "hindered".into(), health: Health::Hindered };
    let all = [tasks(2, 1, 0), vec![hindered.clone()]].concat();
    assert_eq!(decided(&all, 4, 4), (0, 1));
    let with_another = [tasks(2, 1, 1), vec![hindered]].concat();
    assert_eq!(decided(&with_another, 5, 5), (0, 0), "one is on its way");
}

#[derive(Clone, Debug)]
struct Pod {
    id: u32,
    running: bool,
    health: Health,
}

/// A ReplicaSet, its Pods, and what the operator has written and not seen yet.
#[derive(Debug)]
struct World {
    bounds: Bounds,
    replicas: u32,
    pods: Vec<Pod>,
    next: u32,
}

#[derive(Clone, Debug)]
enum Event {
    Runs(usize),
    Healthy(usize),
    Unhealthy(usize),
    Hindered(usize),
    Crashes(usize),
    Desired(u32),
    /// The operator looks; which of its two writes Kubernetes acts on first.
    Operator {
        stops_first: bool,
    },
    ReplicaSet,
}

impl Pod {
    fn becomes(&mut self, health: Health) {
        if self.running {
            self.health = health;
        }
    }
}

impl World {
    fn new(desired: u32, room: u32) -> Self {
        let bounds = Bounds { desired, most: desired + room, deployment_in_progress: false, is_stopping: false };
        Self { bounds, replicas: desired, pods: Vec::new(), next: 0 }
    }

    fn healthy(&self) -> usize {
        self.pods.iter().filter(|pod| pod.health == Health::Healthy).count()
    }

    fn operator(&mut self, stops_first: bool) {
        let live: Vec<_> =
            self.pods.iter().map(|pod| LiveTask { id: pod.id.to_string(), health: pod.health }).collect();
        let Replacement { extra, stop } = replace(&live, self.bounds);
        assert!(self.bounds.desired + extra <= self.bounds.most.max(self.bounds.desired));
        if !stops_first {
            self.replicas = self.bounds.desired + extra;
            self.replica_set();
        }
        for id in stop {
            let gone = self.pods.iter().position(|pod| pod.id.to_string() == id);
            // It may have been removed meanwhile.
            if let Some(gone) = gone {
                assert_eq!(self.pods[gone].health, Health::Unhealthy);
                self.pods.remove(gone);
            }
        }
        if stops_first {
            self.replica_set();
            self.replicas = self.bounds.desired + extra;
        }
        self.replica_set();
    }

    /// What does not run goes first, then what is not ready, then the youngest.
    fn replica_set(&mut self) {
        while self.pods.len() > self.replicas as usize {
            let first = self
                .pods
                .iter()
                .enumerate()
                .min_by_key(|(_, pod)| (pod.running, pod.health == Health::Healthy, u32::MAX - pod.id));
            let first = first.unwrap().0;
            self.pods.remove(first);
        }
        while self.pods.len() < self.replicas as usize {
            self.pods.push(Pod { id: self.next, running: false, health: Health::Starting });
            self.next += 1;
        }
    }

    fn happens(&mut self, event: &Event) {
        let count = self.pods.len().max(1);
        let mut of = |index: &usize, change: &dyn Fn(&mut Pod)| {
            self.pods.get_mut(index % count).into_iter().for_each(change);
        };
        match event {
            Event::Runs(pod) => of(pod, &|pod| pod.running = true),
            Event::Healthy(pod) => of(pod, &|pod| pod.becomes(Health::Healthy)),
            Event::Unhealthy(pod) => of(pod, &|pod| pod.becomes(Health::Unhealthy)),
            Event::Hindered(pod) => of(pod, &|pod| pod.health = Health::Hindered),
            Event::Crashes(pod) => {
                if !self.pods.is_empty() {
                    self.pods.remove(pod % count);
                }
            }
            Event::Desired(desired) => {
                let room = self.bounds.most - self.bounds.desired;
                self.bounds = Bounds { desired: *desired, most: desired + room, ..self.bounds };
            }
            Event::Operator { stops_first } => self.operator(*stops_first),
            Event::ReplicaSet => self.replica_set(),
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    let pod = 0_usize..40;
    prop_oneof![
        3 => pod.clone().prop_map(Event::Runs),
        4 => pod.clone().prop_map(Event::Healthy),
        2 => pod.clone().prop_map(Event::Unhealthy),
        1 => pod.clone().prop_map(Event::Hindered),
        1 => pod.prop_map(Event::Crashes),
        1 => (0_u32..12).prop_map(Event::Desired),
        5 => any::<bool>().prop_map(|stops_first| Event::Operator { stops_first }),
        2 => Just(Event::ReplicaSet),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn healthy_tasks_stay_and_unhealthy_ones_are_replaced(
        desired in 0_u32..12, room in 0_u32..8, events in prop::collection::vec(event(), 1..1000),
    ) {
        let mut world = World::new(desired, room);
        for event in &events {
            let (healthy, bounds) = (world.healthy(), world.bounds);
            world.happens(event);
            if matches!(event, Event::Operator { .. } | Event::ReplicaSet) {
                let kept = healthy.min(bounds.desired as usize);
                prop_assert!(world.healthy() >= kept, "{} of {kept} healthy tasks after {event:?}", world.healthy());
                prop_assert!(world.pods.len() <= world.replicas as usize);
                // Until the next look the workload may still have what it had with another desired count.
                if matches!(event, Event::Operator { .. }) {
                    prop_assert!(world.replicas <= bounds.most);
                }
            }
        }
        // From now on every task comes up and stays healthy.
        for _ in 0..200 {
            world.happens(&Event::Operator { stops_first: events.len() % 2 == 0 });
            for pod in 0..world.pods.len() {
                world.happens(&Event::Runs(pod));
                if matches!(world.pods[pod].health, Health::Starting | Health::Hindered) {
                    world.happens(&Event::Healthy(pod));
                }
            }
        }
        prop_assert_eq!(world.healthy(), world.bounds.desired as usize, "{:?}", &world);
        prop_assert_eq!(world.pods.len(), world.bounds.desired as usize, "nothing is left over: {:?}", &world);
    }
}
