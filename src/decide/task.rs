//! The tasks of a service as far as they have to be counted.

/// What matters of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedTask {
    /// Number of the deployment that it belongs to.
    pub deployment: i64,
    /// How far it is.
    pub state: TaskState,
}

impl ObservedTask {
    /// Whether it counts as running or pending.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.state != TaskState::Stopping
    }
}

/// How far a task is, as ECS counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// On its way: placed, pulled, started.
    Pending,
    /// All its containers have started.
    Running,
    /// It is to stop, or has: it counts neither as running nor as pending.
    Stopping,
}

/// Running and pending tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// Tasks that run.
    pub running: i32,
    /// Tasks on their way.
    pub pending: i32,
}

/// Counts tasks.
#[must_use]
pub fn count<'a>(tasks: impl IntoIterator<Item = &'a ObservedTask>) -> TaskCounts {
    tasks.into_iter().fold(TaskCounts::default(), |mut counts, task| {
        match task.state {
            TaskState::Running => counts.running += 1,
            TaskState::Pending => counts.pending += 1,
            TaskState::Stopping => {}
        }
        counts
    })
}
