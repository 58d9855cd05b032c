//! Reports of Pods that stop or do not start, and what is said of them.

use super::*;
use crate::decide::kubelet_reports::*;
use serde_json::{Value, json};

fn essential_exit(scene: &Scene) -> Option<Stop> {
    scene.ask(|facts| facts.essential_exit())
}

fn start_failure(scene: &Scene) -> Option<String> {
    scene.ask(|facts| facts.start_failure()).map(|stop| {
        assert_eq!(stop.code, StopCode::TaskFailedToStart);
        stop.reason
    })
}

fn disruption(scene: &Scene) -> Option<Stop> {
    scene.ask(|facts| facts.disruption())
}

/// What stands behind ECS's words.
fn exit_cause(scene: &Scene) -> Option<String> {
    essential_exit(scene).map(|stop| {
        assert_eq!(stop.code, StopCode::EssentialContainerExited);
        let cause = stop.reason.strip_prefix("Essential container in task exited (").unwrap();
        cause.strip_suffix(')').unwrap().into()
    })
}

fn log() -> Value {
    running("log", 12)
}

#[test]
fn the_end_of_an_essential_container_ends_the_task() {
    let killed = "container web: exit code 137, OutOfMemoryError: Container killed due to memory usage";
    let rows = [
        (pod(&[running("web", 10), log()]), None),
        (pod(&[creating("web"), log()]), None),
        (pod(&[running("web", 10), exited("log", 1, 12, 20)]), None),
        (pod(&[restarted("web", 1, 10, 20, 21), log()]), None),
        (pod(&[failed_start("web"), log()]), None),
        (pod(&[failed_start_again("web"), log()]), None),
        (pod(&[exited("web", 0, 10, 20), log()]), Some("container web: exit code 0, Completed")),
        (pod(&[exited("web", 1, 10, 20), log()]), Some("container web: exit code 1, Error")),
        (pod(&[exited("web", 143, 10, 20), log()]), Some("container web: exit code 143, Error")),
        (pod(&[exited("web", 137, 10, 20), log()]), Some(killed)),
        (pod(&[crash_loop("web", 1, 10, 20), log()]), Some("container web: exit code 1, Error")),
        (pod(&[exited("web", 1, 10, 20), creating("log")]), Some("container web: exit code 1, Error")),
        (pod(&[lost("web"), log()]), Some("container web: exit code unknown, ContainerStatusUnknown")),
        (pod(&[lost_before("web"), log()]), Some("container web: exit code unknown, ContainerStatusUnknown")),
    ];
    for (status, expected) in rows {
        assert_eq!(exit_cause(&Scene::of(status.clone())).as_deref(), expected, "{status}");
    }
}

#[test]
fn of_two_that_end_at_once_the_first_is_named() {
    let cause = |web: Value, log: Value| {
        exit_cause(&Scene { containers: vec![essential("web"), essential("log")], ..Scene::of(pod(&[web, log])) })
    };
    let named = |name: &str| Some(format!("container {name}: exit code 1, Error"));
    assert_eq!(cause(exited("web", 1, 10, 21), exited("log", 1, 10, 20)), named("log"));
    assert_eq!(cause(exited("web", 1, 10, 20), exited("log", 1, 10, 21)), named("web"));
    assert_eq!(cause(exited("web", 1, 10, 20), exited("log", 1, 10, 20)), named("web"));
    assert_eq!(cause(lost("web"), exited("log", 1, 10, 20)), named("log"));
}

#[test]
fn what_ends_because_the_pod_was_to_go_is_no_cause() {
    let scene = |deleted_at, report| Scene { deleted_at: Some(deleted_at), ..Scene::of(pod(&[report, log()])) };
    assert!(essential_exit(&scene(21, exited("web", 1, 10, 20))).is_some());
    assert!(essential_exit(&scene(20, exited("web", 143, 10, 20))).is_none());
    assert!(essential_exit(&scene(15, exited("web", 143, 10, 20))).is_none());
    assert!(essential_exit(&scene(15, lost("web"))).is_none());
}

#[test]
fn a_task_by_itself_ends_with_an_essential_container_that_is_not_started_again() {
    let failed = ended("Failed", &[exited("web", 1, 10, 20), log()]);
    assert!(essential_exit(&Scene::alone(failed)).is_some());
    assert!(essential_exit(&Scene::alone(pod(&[exited("web", 1, 10, 20), log()]))).is_some());
    // It has a restart policy.
    assert!(essential_exit(&Scene::alone(pod(&[crash_loop("web", 1, 10, 20), log()]))).is_none());
    // A sidecar is always started again.
    let sidecar = with_init(&[crash_loop("web", 1, 10, 20)], &[log()]);
    assert!(essential_exit(&Scene::alone(sidecar)).is_some());
}

#[test]
fn a_container_that_cannot_start_is_a_start_failure() {
    let pull = "CannotPullContainerError: not found (container web: ImagePullBackOff)";
    let config = "ResourceInitializationError: secret \"db\" not found (container web: CreateContainerConfigError)";
    let start = "CannotStartContainerError: failed to create containerd task: exec: \"nope\": executable file not found in \
                 $PATH: unknown (container web: StartError)";
    let run = "CannotStartContainerError: no such file (container log: RunContainerError)";
    let rows = [
        (json!({"phase": "Pending"}), None),
        (pod(&[creating("web"), creating("log")]), None),
        (pod(&[running("web", 10), log()]), None),
        (pod(&[waiting("web", "ImagePullBackOff", "not found"), log()]), Some(pull)),
        (pod(&[waiting("web", "CreateContainerConfigError", "secret \"db\" not found"), log()]), Some(config)),
        (pod(&[failed_start("web"), log()]), Some(start)),
        (pod(&[failed_start_again("web"), log()]), Some(start)),
        (ended("Failed", &[failed_start("web"), exited("log", 0, 10, 20)]), Some(start)),
        (pod(&[running("web", 10), waiting("log", "RunContainerError", "no such file")]), Some(run)),
        // The task has started, and its container is started again.
        (pod(&[exited("web", 1, 10, 20), log()]), None),
        (pod(&[crash_loop("web", 1, 10, 20), log()]), None),
    ];
    for (status, expected) in rows {
        assert_eq!(start_failure(&Scene::of(status.clone())).as_deref(), expected, "{status}");
    }
}

#[test]
fn once_all_containers_had_started_there_is_no_start_failure() {
    let mut web = crash_loop("web", 1, 10, 20);
    web["state"] = json!({"waiting": {"reason": "ImagePullBackOff", "message": "not found"}});
    assert_eq!(start_failure(&Scene::of(pod(&[web.clone(), log()]))), None);
    assert!(start_failure(&Scene::of(pod(&[web, creating("log")]))).is_some());
}

#[test]
fn a_job_or_a_sidecar_that_fails_keeps_the_task_from_starting() {
    let web = || [waiting("web", "PodInitializing", "")];
    let pod = |init: Value| with_init(&[init], &web());
    let failed = |init: Value| {
        let mut pod = pod(init);
        pod["phase"] = json!("Failed");
        pod
    };
    let text = "Task failed to start (container log: exit code 3, Error)";
    let rows = [
        (pod(not_started("log", 5)), None),
        (pod(done("log", 5, 9)), None),
        // It is tried again at once.
        (pod(exited("log", 3, 5, 9)), None),
        (pod(crash_loop("log", 3, 5, 9)), Some(text)),
        (failed(exited("log", 3, 5, 9)), Some(text)),
        (failed(lost("log")), Some("Task failed to start (container log: exit code unknown, ContainerStatusUnknown)")),
    ];
    for (status, expected) in rows {
        assert_eq!(start_failure(&Scene::alone(status.clone())).as_deref(), expected, "{status}");
        assert_eq!(start_failure(&Scene::of(status.clone())).as_deref(), expected, "{status}");
        assert_eq!(essential_exit(&Scene::of(status.clone())), None, "{status}");
    }
}

#[test]
fn a_pod_that_the_kubelet_refuses_fails_to_start() {
    let message = "Pod was rejected: Node didn't have enough resource: cpu, requested: 4000";
    let scene = Scene::of(json!({"phase": "Failed", "reason": "OutOfcpu", "message": message}));
    assert_eq!(start_failure(&scene).unwrap(), format!("Task failed to start (OutOfcpu: {message})"));
    assert_eq!(disruption(&scene), None);
    let evicted = Scene::of(json!({"phase": "Failed", "reason": "Evicted", "message": "Pod was rejected"}));
    assert_eq!(start_failure(&evicted), None);
}

#[test]
fn a_task_whose_volumes_are_not_there_in_a_minute_fails_to_start() {
    let text = "ResourceInitializationError: a volume, the network or the sandbox of the task is not ready; kubectl events --for \
                pod/web-0 shows which (PodReadyToStartContainers is False since 2026-03-01T12:00:05Z)";
    let created = [creating("web"), creating("log")];
    let init = with_init(&[waiting("log", "PodInitializing", "")], &[waiting("web", "PodInitializing", "")]);
    let pull = [waiting("web", "ErrImagePull", "not found"), creating("log")];
    let rows = [
        (64, without_sandbox(pod(&created), 5), None),
        (65, without_sandbox(pod(&created), 5), Some(text)),
        (65, without_sandbox(init, 5), Some(text)),
        // The kubelet has not told of its containers yet.
        (65, without_sandbox(pod(&[]), 5), Some(text)),
        // An image is large.
        (65, pod(&created), None),
        // Its node was started again.
        (65, without_sandbox(pod(&[lost_before("web"), lost_before("log")]), 5), None),
        (65, without_sandbox(pod(&[exited("web", 0, 1, 2), creating("log")]), 5), None),
        (65, without_sandbox(pod(&[running("web", 1), creating("log")]), 5), None),
        (65, without_sandbox(pod(&pull), 5), Some("CannotPullContainerError: not found (container web: ErrImagePull)")),
        (65, without_sandbox(ended("Failed", &created), 5), Some("Task failed to start (Failed)")),
    ];
    for (now, status, expected) in rows {
        assert_eq!(start_failure(&Scene { now, ..Scene::of(status.clone()) }).as_deref(), expected, "{status}");
    }
}

#[test]
fn each_disruption_has_its_code() {
    let condition = |reason: &str| {
        let mut status = pod(&[running("web", 10), log()]);
        let condition = json!({"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "it is so"});
        status["conditions"].as_array_mut().unwrap().push(condition);
        status
    };
    let failed = |reason: &str| {
        let mut status = ended("Failed", &[exited("web", 143, 10, 20), exited("log", 0, 12, 20)]);
        status["reason"] = json!(reason);
        status["message"] = json!("it is so");
        status
    };
    let lost = json!({"phase": "Running", "reason": "NodeLost", "message": "it is so"});
    let notice = |words: &str| (StopCode::TerminationNotice, words.to_owned());
    let health = |words: &str| (StopCode::InfrastructureHealth, words.to_owned());
    let rows = [
        ("EvictionByEvictionAPI", condition("EvictionByEvictionAPI"), notice(DRAINED)),
        ("DeletionByTaintManager", condition("DeletionByTaintManager"), notice(HOST_LOST)),
        ("DeletionByPodGC", condition("DeletionByPodGC"), notice(HOST_LOST)),
        ("NodeLost", lost, notice(HOST_LOST)),
        ("Terminated", failed("Terminated"), notice(HOST_LOST)),
        ("NodeShutdown", failed("NodeShutdown"), notice(HOST_LOST)),
        ("Shutdown", failed("Shutdown"), notice(HOST_LOST)),
        ("PreemptionByScheduler", condition("PreemptionByScheduler"), notice(PREEMPTED)),
        ("PreemptionByKubeScheduler", condition("PreemptionByKubeScheduler"), notice(PREEMPTED)),
        ("Preempting", failed("Preempting"), notice(PREEMPTED)),
        ("Evicted", failed("Evicted"), health(HOST_IMPAIRED)),
        ("TerminationByKubelet", condition("TerminationByKubelet"), health(HOST_IMPAIRED)),
    ];
    assert_eq!(DISRUPTIONS.map(|(reason, ..)| reason), rows.clone().map(|(reason, ..)| reason));
    for (reason, status, (code, words)) in rows {
        let expected = Stop { code, reason: format!("{words} ({reason}: it is so)") };
        assert_eq!(disruption(&Scene::of(status)), Some(expected));
    }
    let unheard_of = disruption(&Scene::of(condition("SomethingNew"))).unwrap();
    assert_eq!((unheard_of.code, unheard_of.reason), notice(&format!("{HOST_LOST} (SomethingNew: it is so)")));
}

#[test]
fn a_node_that_shuts_down_is_told_apart_from_one_that_is_impaired() {
    let mut status = ended("Failed", &[exited("web", 143, 10, 20), exited("log", 0, 12, 20)]);
    status["reason"] = json!("Terminated");
    status["message"] = json!("Pod was terminated in response to imminent node shutdown.");
    status["conditions"] = json!([{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}]);
    assert_eq!(disruption(&Scene::of(status)).unwrap().code, StopCode::TerminationNotice);
}

#[test]
fn who_ends_by_itself_is_not_disrupted_and_the_other_way_round() {
    let exits = [exited("web", 137, 10, 20), exited("log", 0, 12, 20)];
    assert_eq!(disruption(&Scene::alone(ended("Failed", &exits))), None);
    let mut status = ended("Failed", &exits);
    status["reason"] = json!("Evicted");
    assert_eq!(essential_exit(&Scene::alone(status)), None);
    // An eviction that was not carried out does not hide an exit.
    let mut status = pod(&[exited("web", 1, 10, 20), log()]);
    status["conditions"] = json!([{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]);
    assert!(essential_exit(&Scene::of(status.clone())).is_some());
    status["conditions"][0]["status"] = json!("False");
    assert_eq!(disruption(&Scene::of(status)), None);
}

#[test]
fn the_scheduler_says_why_it_cannot_place_a_task() {
    let message = "0/1 nodes are available: 1 Insufficient cpu.";
    let status = |reason: &str, message: Value| {
        let condition = json!({"type": "PodScheduled", "status": "False", "reason": reason, "message": message});
        Scene { is_scheduled: false, ..Scene::of(json!({"phase": "Pending", "conditions": [condition]})) }
    };
    let unplaceable = |scene: Scene| scene.ask(|facts| facts.unplaceable().map(str::to_owned));
    assert_eq!(unplaceable(status("Unschedulable", json!(message))).as_deref(), Some(message));
    assert_eq!(unplaceable(status("Unschedulable", Value::Null)).as_deref(), Some("Unschedulable"));
    assert_eq!(unplaceable(status("SchedulingGated", json!("gated"))), None);
    assert_eq!(unplaceable(Scene { is_scheduled: false, ..Scene::of(pod(&[])) }), None);
}

#[test]
fn what_the_application_wrote_is_not_told() {
    for report in [exited("web", 1, 10, 20), exited("web", 137, 10, 20), crash_loop("web", 1, 10, 20)] {
        let scene = Scene::of(pod(&[report, log()]));
        let told = scene.ask(|facts| format!("{:?} {:?}", facts.progress(), facts.essential_exit()));
        assert!(!told.contains("the application wrote"), "{told}");
    }
}

#[test]
fn a_container_with_a_restart_policy_ends_its_task_only_after_an_ignored_code() {
    let ended = |code: i32| {
        let terminated =
            json!({"exitCode": code, "reason": "Error", "startedAt": written(0), "finishedAt": written(30)});
        let status = json!({"phase": "Running", "containerStatuses": [
            {"name": "web", "ready": false, "started": false, "state": {"terminated": terminated}},
            {"name": "log", "ready": true, "started": true, "state": {"running": {"startedAt": written(0)}}},
        ]});
        let mut scene = Scene::alone(status);
        scene.containers[0].restarts_but_after = Some(vec![3]);
        scene.ask(|task| task.essential_exit().is_some())
    };
    assert!(!ended(1), "the kubelet is about to start it again");
    assert!(ended(3));
}
