//! What to do over time: pure functions of what was observed, with `now` as an argument. They return decisions; the
//! controllers carry them out.

pub mod cluster;
pub mod conditions;
pub mod container_error;
pub mod container_progress;
pub mod containers_at_stop;
pub mod deployment;
pub mod elapsed;
pub mod failed_starts;
pub mod failure_count;
pub mod initialization;
#[cfg(test)]
mod kubelet_reports;
pub mod name_claim;
pub mod pod_status;
pub mod quick_ends;
pub mod registration;
pub mod revision_retention;
pub mod rollout;
pub mod rollout_status;
pub mod rounds;
pub mod scheduled_task;
pub mod service_scheduler;
pub mod service_status;
pub mod service_task;
pub mod start_throttle;
pub mod task;
pub mod task_alone;
pub mod task_events;
pub mod task_hindrance;
pub mod task_news;
pub mod task_progress;
pub mod task_retention;
pub mod task_status;
pub mod task_stop;
pub mod told_messages;
pub mod unhealthy;
pub mod workload;
