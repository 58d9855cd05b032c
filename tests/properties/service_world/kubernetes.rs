//! What the controllers of Kubernetes do: the Deployment tells its `ReplicaSets` how many Pods to have, and they start and
//! delete them.

use ecs_operator::decide::workload::WorkloadState;

use super::{Pod, State, Workload, World};

impl World {
    /// What the Deployment controller does: it tells its `ReplicaSets` how many Pods to have, as Kubernetes's own does.
    pub fn deployment_controller(&mut self) {
        let Some(workload) = self.workload else { return };
        self.seen_desired = self.told_desired;
        self.is_scaled_in = false;
        let is_scaled = self.reported.is_some_and(|(_, of, _)| of.replicas != workload.replicas);
        if workload.is_paused || is_scaled {
            self.scale(workload);
        } else {
            self.replica_sets.entry(workload.template).or_default();
            self.scale_up_new(workload);
            self.scale_down_old(workload);
        }
        self.replica_sets.retain(|number, replicas| *number == workload.template || *replicas > 0);
        let count = |deployment: Option<i64>| {
            let pods = self.live().filter(|pod| deployment.is_none_or(|number| pod.deployment == number));
            i32::try_from(pods.count()).unwrap()
        };
        let state = WorkloadState {
            is_observed: true,
            is_paused: workload.is_paused,
            template: Some(workload.template),
            told: i32::try_from(self.replica_sets.values().sum::<u32>()).unwrap(),
            total: count(None),
            updated: count(Some(workload.template)),
            available: i32::try_from(self.available()).unwrap(),
            beyond: 0,
        };
        self.reported = Some((self.generation, workload, state));
    }

    /// Each `ReplicaSet` gets its share of what may live; of several, what is left over goes to, or is taken from, the largest, of
    /// those that are as large the newest or the oldest.
    fn scale(&mut self, workload: Workload) {
        self.replica_sets.retain(|_, replicas| *replicas > 0);
        if self.replica_sets.len() == 1
            && let Some(replicas) = self.replica_sets.values_mut().next()
        {
            *replicas = workload.replicas;
            return;
        }
        let most = if workload.replicas == 0 { 0 } else { workload.replicas + workload.surge };
        let total: u32 = self.replica_sets.values().sum();
        let grows = most > total;
        self.is_scaled_in = most < total;
        let largest = |(number, replicas): (&i64, &u32)| (*replicas, if grows { *number } else { -*number });
        let Some(first) = self.replica_sets.iter().max_by_key(|entry| largest(*entry)).map(|(number, _)| *number)
        else {
            return;
        };
        let mut left = i64::from(most) - i64::from(total);
        for replicas in self.replica_sets.values_mut() {
            let share = i64::from((2 * *replicas * most + total) / (2 * total)) - i64::from(*replicas);
            let share = if grows { share.min(left) } else { share.max(left) };
            left -= share;
            *replicas = u32::try_from(i64::from(*replicas) + share).unwrap();
        }
        let first = self.replica_sets.get_mut(&first).unwrap();
        *first = u32::try_from(i64::from(*first) + left).unwrap_or(0);
    }

    /// Pods that the `ReplicaSets` are to have and have not.
    pub fn unmade(&self) -> u32 {
        let unmade = |(number, replicas): (&i64, &u32)| {
            let live = self.live().filter(|pod| pod.deployment == *number).count();
            replicas.saturating_sub(u32::try_from(live).unwrap())
        };
        self.replica_sets.iter().map(unmade).sum()
    }

    fn scale_up_new(&mut self, workload: Workload) {
        let total: u32 = self.replica_sets.values().sum();
        let new = self.replica_sets.get_mut(&workload.template).unwrap();
        if *new > workload.replicas {
            *new = workload.replicas;
        } else {
            let room = (workload.replicas + workload.surge).saturating_sub(total);
            *new += room.min(workload.replicas - *new);
        }
    }

    fn scale_down_old(&mut self, workload: Workload) {
        let total: u32 = self.replica_sets.values().sum();
        let least = workload.replicas.saturating_sub(workload.unavailable);
        let new = self.replica_sets[&workload.template];
        let new_unavailable = new.saturating_sub(self.available_of(workload.template));
        let mut most = total.saturating_sub(least + new_unavailable);
        if most == 0 {
            return;
        }
        let old: Vec<_> = self.replica_sets.keys().copied().filter(|number| *number != workload.template).collect();
        // Those that are not available go first.
        for number in &old {
            let available = self.available_of(*number);
            let replicas = self.replica_sets.get_mut(number).unwrap();
            let less = most.min(replicas.saturating_sub(available));
            *replicas -= less;
            most -= less;
        }
        let mut left = self.available().saturating_sub(least);
        for number in &old {
            let replicas = self.replica_sets.get_mut(number).unwrap();
            let less = left.min(*replicas);
            *replicas -= less;
            left -= less;
        }
    }

    /// What the `ReplicaSet` controller does. Pods that are not ready go first, then the youngest.
    pub fn replica_set_controller(&mut self) {
        let mut deleted = Vec::new();
        let numbers: Vec<_> = self.stored.keys().copied().collect();
        for number in numbers {
            let wanted = usize::try_from(self.replica_sets.get(&number).copied().unwrap_or(0)).unwrap();
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
