//! What a supervisor decides that runs in front of a container's process, as ECS's agent would run it: when to start it, to start it
//! again, to stop it, and what to tell the supervisors of the other containers. Pure; the processes are in `src/bin/ecs-init`.

pub mod member;
pub mod next;
pub mod state;
