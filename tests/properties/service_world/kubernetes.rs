//! What the controllers of Kubernetes do: the Deployment tells its `ReplicaSets` how many Pods to have, and they start and
//! delete them.

use ecs_operator::decide::workload::{Share, WorkloadState};

use super::{Pod, State, Workload, World};

/// One `ReplicaSet` of the Deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReplicaSet {
    /// How many Pods it is to have.
    pub replicas: u32,
    /// Of the Deployment, when it was told so last: how many it was to have, and might have at most. Kubernetes keeps that in
    /// annotations.
    of: (u32, u32),
}

impl ReplicaSet {
    fn of(replicas: u32, workload: Workload) -> Self {
        Self { replicas, of: (workload.replicas, workload.most()) }
    }

    /// What the operator does with one that keeps the Deployment from going on.
    pub fn note_desired(&mut self) {
        self.of.0 = self.replicas;
    }

    /// Its share of what the Deployment may have now, as a difference.
    fn share(self, workload: Workload) -> i64 {
        let (now, before) = (workload.most(), self.of.1);
        let whole = i64::from(self.replicas);
        match (workload.replicas, before) {
            (0, _) => -whole,
            (_, 0) => 0,
            _ => i64::from((2 * self.replicas * now + before) / (2 * before)) - whole,
        }
    }
}

impl World {
    /// What the Deployment controller does: it tells its `ReplicaSets` how many Pods to have, as Kubernetes's own does.
    pub fn deployment_controller(&mut self) {
        let Some(workload) = self.workload else { return };
        self.seen_desired = self.told_desired;
        self.is_scaled_in = false;
        let mut active = self.replica_sets.values().filter(|it| it.replicas > 0);
        if workload.is_paused || active.any(|it| it.of.0 != workload.replicas) {
            self.scale(workload);
        } else {
            self.replica_sets.entry(workload.template).or_insert_with(|| ReplicaSet::of(0, workload));
            self.scale_up_new(workload);
            self.scale_down_old(workload);
        }
        self.replica_sets.retain(|number, it| *number == workload.template || it.replicas > 0);
        let count = |deployment: Option<i64>| {
            let pods = self.live().filter(|pod| deployment.is_none_or(|number| pod.deployment == number));
            i32::try_from(pods.count()).unwrap()
        };
        let state = WorkloadState {
            is_observed: true,
            is_paused: workload.is_paused,
            template: Some(workload.template),
            most: workload.most(),
            total: count(None),
            updated: count(Some(workload.template)),
            available: i32::try_from(self.available()).unwrap(),
            beyond: 0,
        };
        self.reported = Some((self.generation, workload, state));
    }

    /// What its `ReplicaSets` were told.
    pub fn shares(&self) -> Vec<Share> {
        let share =
            |(number, it): (&i64, &ReplicaSet)| Share { deployment: *number, replicas: it.replicas, of: Some(it.of) };
        self.replica_sets.iter().filter(|(_, it)| it.replicas > 0).map(share).collect()
    }

    /// How many Pods all `ReplicaSets` are to have.
    fn replicas_of_all(&self) -> u32 {
        self.replica_sets.values().map(|it| it.replicas).sum()
    }

    fn tell(&mut self, number: i64, replicas: u32, workload: Workload) {
        self.replica_sets.insert(number, ReplicaSet::of(replicas, workload));
    }

    /// The only `ReplicaSet` gets all. Of several, old ones get none when the new one has all; else each gets its share of what
    /// may live, the largest first, and what is left over goes to, or is taken from, the largest. Of those that are as large
    /// the newest comes first where there are more to be, else the oldest.
    fn scale(&mut self, workload: Workload) {
        let mut active: Vec<_> =
            self.replica_sets.iter().filter(|(_, it)| it.replicas > 0).map(|(n, it)| (*n, *it)).collect();
        if let [(only, it)] = active[..] {
            if it.replicas != workload.replicas {
                self.tell(only, workload.replicas, workload);
            }
            return;
        }
        if self.is_saturated(workload) {
            for (number, _) in active.into_iter().filter(|(number, _)| *number != workload.template) {
                self.tell(number, 0, workload);
            }
            return;
        }
        let most = if workload.replicas == 0 { 0 } else { workload.most() };
        let change = i64::from(most) - i64::from(self.replicas_of_all());
        self.is_scaled_in = change < 0;
        active
            .sort_by_key(|(number, it)| std::cmp::Reverse((it.replicas, if change > 0 { *number } else { -*number })));
        let mut left = change;
        let mut shares = Vec::new();
        for (_, it) in &active {
            let share = if change > 0 { it.share(workload).min(left) } else { it.share(workload).max(left) };
            let share = if left == 0 { 0 } else { share };
            left -= share;
            shares.push(share);
        }
        for (place, ((number, it), share)) in active.into_iter().zip(shares).enumerate() {
            let leftover = if place == 0 { left } else { 0 };
            let replicas = (i64::from(it.replicas) + share + leftover).max(0);
            self.tell(number, u32::try_from(replicas).unwrap(), workload);
        }
    }

    /// Whether the new `ReplicaSet` has all that the Deployment is to have, and they are available.
    fn is_saturated(&self, workload: Workload) -> bool {
        self.replica_sets.get(&workload.template).is_some_and(|new| {
            new.replicas == workload.replicas
                && new.of.0 == workload.replicas
                && self.available_of(workload.template) == workload.replicas
        })
    }

    /// Pods that the `ReplicaSets` are to have and have not.
    pub fn unmade(&self) -> u32 {
        let unmade = |(number, it): (&i64, &ReplicaSet)| {
            let live = self.live().filter(|pod| pod.deployment == *number).count();
            it.replicas.saturating_sub(u32::try_from(live).unwrap())
        };
        self.replica_sets.iter().map(unmade).sum()
    }

    fn scale_up_new(&mut self, workload: Workload) {
        let new = self.replica_sets[&workload.template].replicas;
        let room = workload.most().saturating_sub(self.replicas_of_all());
        let next = if new > workload.replicas { workload.replicas } else { new + room.min(workload.replicas - new) };
        if next != new {
            self.tell(workload.template, next, workload);
        }
    }

    fn scale_down_old(&mut self, workload: Workload) {
        let least = workload.replicas.saturating_sub(workload.unavailable);
        let new = self.replica_sets[&workload.template].replicas;
        let new_unavailable = new.saturating_sub(self.available_of(workload.template));
        let mut most = self.replicas_of_all().saturating_sub(least + new_unavailable);
        if most == 0 {
            return;
        }
        let old: Vec<_> = self.replica_sets.keys().copied().filter(|number| *number != workload.template).collect();
        // Those that are not available go first.
        for number in &old {
            let replicas = self.replica_sets[number].replicas;
            let less = most.min(replicas.saturating_sub(self.available_of(*number)));
            self.tell_less(*number, less, workload);
            most -= less;
        }
        let mut left = self.available().saturating_sub(least);
        for number in &old {
            let less = left.min(self.replica_sets[number].replicas);
            self.tell_less(*number, less, workload);
            left -= less;
        }
    }

    fn tell_less(&mut self, number: i64, less: u32, workload: Workload) {
        if less > 0 {
            self.tell(number, self.replica_sets[&number].replicas - less, workload);
        }
    }

    /// What the `ReplicaSet` controller does. Pods that are not ready go first, then the youngest.
    pub fn replica_set_controller(&mut self) {
        let mut deleted = Vec::new();
        let numbers: Vec<_> = self.stored.keys().copied().collect();
        for number in numbers {
            let wanted = usize::try_from(self.replica_sets.get(&number).map_or(0, |it| it.replicas)).unwrap();
            let mut mine: Vec<_> = self.live().filter(|pod| pod.deployment == number).collect();
            mine.sort_by_key(|pod| (pod.ready_since().is_some(), std::cmp::Reverse(pod.ready_since()), pod.created));
            let surplus = mine.len().saturating_sub(wanted);
            deleted.extend(mine.iter().take(surplus).map(|pod| pod.id.clone()));
            for _ in mine.len()..wanted {
                self.start(number);
            }
        }
        for id in &deleted {
            self.delete(id, None);
        }
    }

    fn start(&mut self, deployment: i64) {
        let (id, created) = (format!("{:04}", self.next), self.now);
        self.next += 1;
        self.pods.push(Pod { id, deployment, created, state: State::Creating, is_deleted: false, end: None });
    }
}
