//! Reports of whole Pods, and how far their tasks are by them.

use super::*;
use crate::decide::kubelet_reports::*;
use serde_json::{Value, json};

use HealthStatus::{Healthy, Unhealthy, Unknown};
use LastStatus::{Deprovisioning, Pending, Provisioning, Running, Stopped, Stopping};

fn progress(scene: &Scene) -> TaskProgress {
    scene.ask(|facts| facts.progress())
}

fn last_status(scene: &Scene) -> LastStatus {
    progress(scene).last_status
}

/// Reports, and how far a task of a service is by them that nobody asked to stop.
fn reports() -> Vec<(&'static str, Value, LastStatus)> {
    let (web, log) = (running("web", 10), running("log", 12));
    let job = |report: Value, rest: &[Value]| with_init(&[report], rest);
    vec![
        ("no kubelet has begun", json!({"phase": "Pending"}), Pending),
        ("creating", pod(&[creating("web"), creating("log")]), Pending),
        ("one runs", pod(&[web.clone(), creating("log")]), Pending),
        ("one is not reported", pod(std::slice::from_ref(&web)), Pending),
        ("one cannot be pulled", pod(&[web.clone(), waiting("log", "ErrImagePull", "")]), Pending),
        ("one cannot be started", pod(&[web.clone(), failed_start("log")]), Pending),
        ("one cannot be started again and again", pod(&[web.clone(), failed_start_again("log")]), Pending),
        ("a startup probe goes on", pod(&[web.clone(), not_started("log", 12)]), Pending),
        ("all run", pod(&[web.clone(), log.clone()]), Running),
        ("all run, one not healthy", pod(&[web.clone(), not_ready("log", 12)]), Running),
        ("a non-essential one has ended", pod(&[web.clone(), exited("log", 0, 12, 20)]), Running),
        ("a non-essential one is down", pod(&[web.clone(), crash_loop("log", 1, 12, 20)]), Running),
        ("an essential one has ended", pod(&[exited("web", 1, 10, 20), log.clone()]), Running),
        ("an essential one is down", pod(&[crash_loop("web", 1, 10, 20), log.clone()]), Running),
        ("an essential one runs again", pod(&[restarted("web", 1, 10, 20, 30), log.clone()]), Running),
        ("all have ended for a moment", pod(&[exited("web", 1, 10, 20), exited("log", 0, 12, 20)]), Running),
        ("one was lost and starts again", pod(&[lost_before("web"), log.clone()]), Running),
        ("a job runs", job(not_started("log", 5), &[waiting("web", "PodInitializing", "")]), Pending),
        ("a job is done", job(done("log", 5, 9), &[creating("web")]), Pending),
        ("all run after the job", job(done("log", 5, 9), std::slice::from_ref(&web)), Running),
        (
            "a sidecar waits for its health",
            job(not_started("log", 5), &[waiting("web", "PodInitializing", "")]),
            Pending,
        ),
        ("all run beside a sidecar", job(running("log", 5), std::slice::from_ref(&web)), Running),
        ("evicted", ended("Failed", &[exited("web", 143, 10, 20), exited("log", 0, 12, 20)]), Deprovisioning),
    ]
}

#[test]
fn a_report_tells_how_far_a_task_is() {
    for (what, status, expected) in reports() {
        assert_eq!(last_status(&Scene::of(status.clone())), expected, "{what}");
        let gone = Scene { is_gone: true, ..Scene::of(status.clone()) };
        assert_eq!(last_status(&gone), Stopped, "{what}");
        let alone = if expected == Deprovisioning { Stopped } else { expected };
        assert_eq!(last_status(&Scene::alone(status.clone())), alone, "{what}");
        let has_ended = expected == Deprovisioning;
        let unplaced = Scene { is_scheduled: false, ..Scene::of(status) };
        assert_eq!(last_status(&unplaced), if has_ended { expected } else { Provisioning }, "{what}");
    }
}

#[test]
fn a_task_that_was_asked_to_stop_is_stopping_while_one_of_its_containers_runs() {
    let rows = [
        (json!({"phase": "Pending"}), Deprovisioning),
        (pod(&[creating("web"), creating("log")]), Deprovisioning),
        (pod(&[running("web", 10), creating("log")]), Stopping),
        (pod(&[running("web", 10), running("log", 12)]), Stopping),
        (pod(&[exited("web", 143, 10, 20), running("log", 12)]), Stopping),
        (pod(&[crash_loop("web", 1, 10, 20), running("log", 12)]), Stopping),
        (pod(&[exited("web", 143, 10, 20), exited("log", 0, 12, 20)]), Deprovisioning),
        (ended("Failed", &[exited("web", 143, 10, 20), exited("log", 0, 12, 20)]), Deprovisioning),
    ];
    for (status, expected) in rows {
        let scene = Scene { deleted_at: Some(15), ..Scene::of(status.clone()) };
        assert_eq!(last_status(&scene), expected, "{status}");
        assert_eq!(last_status(&Scene { is_gone: true, ..scene }), Stopped, "{status}");
    }
}

#[test]
fn of_a_virtual_node_readiness_counts() {
    let report = |ready: bool| {
        json!({"name": "web", "image": "nginx", "ready": ready, "restartCount": 0,
            "state": {"running": {"startedAt": written(10)}}})
    };
    let scene = |ready| Scene { containers: vec![essential("web")], ..Scene::of(pod(&[report(ready)])) };
    assert_eq!(last_status(&scene(true)), Running);
    assert_eq!(last_status(&scene(false)), Pending);
}

#[test]
fn a_task_whose_containers_are_not_known_is_not_running() {
    let scene = Scene { containers: Vec::new(), ..Scene::of(pod(&[running("web", 10)])) };
    assert_eq!(last_status(&scene), Pending);
}

#[test]
fn a_task_has_started_with_the_last_of_its_containers() {
    let rows = [
        (pod(&[running("web", 10), creating("log")]), None),
        (pod(&[running("web", 10), running("log", 12)]), Some(12)),
        (pod(&[running("web", 10), exited("log", 0, 12, 20)]), Some(12)),
        (pod(&[restarted("web", 1, 10, 20, 30), running("log", 12)]), Some(12)),
        (pod(&[crash_loop("web", 1, 14, 20), running("log", 12)]), Some(14)),
        (with_init(&[done("log", 5, 9)], &[running("web", 10)]), Some(10)),
        (pod(&[failed_start("web"), running("log", 12)]), None),
    ];
    for (status, second) in rows {
        assert_eq!(progress(&Scene::of(status.clone())).started_at, second.map(at), "{status}");
    }
}

#[test]
fn execution_stops_with_the_last_container_if_somebody_saw_it() {
    let rows = [
        (ended("Failed", &[exited("web", 1, 10, 20), exited("log", 0, 12, 25)]), Some(25)),
        (ended("Failed", &[exited("web", 1, 10, 30), failed_start("log")]), Some(30)),
        (ended("Failed", &[exited("web", 1, 10, 30), waiting("log", "ErrImagePull", "")]), Some(30)),
        (ended("Failed", &[exited("web", 1, 10, 20), lost("log")]), None),
        (ended("Failed", &[exited("web", 1, 10, 20), running("log", 12)]), None),
        (ended("Failed", &[]), None),
        (pod(&[exited("web", 1, 10, 20), exited("log", 0, 12, 25)]), None),
    ];
    for (status, second) in rows {
        assert_eq!(progress(&Scene::alone(status.clone())).execution_stopped_at, second.map(at), "{status}");
    }
    let down = pod(&[crash_loop("web", 1, 10, 20), exited("log", 143, 12, 18)]);
    let scene = Scene { deleted_at: Some(40), ..Scene::of(down) };
    assert_eq!(progress(&scene).execution_stopped_at, Some(at(20)));
}

#[test]
fn exit_codes_are_those_that_are_known_in_the_order_of_the_definition() {
    let rows = [
        (pod(&[running("web", 10), running("log", 12)]), None),
        (pod(&[running("web", 10), exited("log", 0, 12, 20)]), Some("log=0")),
        (pod(&[exited("log", 0, 12, 20), exited("web", 137, 10, 20)]), Some("web=137,log=0")),
        (pod(&[lost("web"), exited("log", 143, 12, 20)]), Some("log=143")),
        (pod(&[failed_start("web")]), None),
    ];
    for (status, codes) in rows {
        assert_eq!(progress(&Scene::of(status.clone())).exit_codes.as_deref(), codes, "{status}");
    }
}

#[test]
fn starts_in_place_are_counted_over_all_containers() {
    let scene = Scene::of(pod(&[restarted("web", 1, 10, 20, 30), crash_loop("log", 1, 12, 20)]));
    assert_eq!(progress(&scene).restarts, 2);
    assert_eq!(progress(&Scene::of(pod(&[running("web", 10)]))).restarts, 0);
}

#[test]
fn the_health_of_a_task_is_that_of_its_essential_containers_with_a_check() {
    let (well, ill) = (|name| running(name, 0), |name| not_ready(name, 0));
    let both = || vec![checked(essential("web")), checked(essential("log"))];
    let one = || vec![checked(essential("web")), checked(other("log"))];
    let rows = [
        (vec![essential("web"), other("log")], [well("web"), well("log")], Unknown),
        (vec![essential("web"), checked(other("log"))], [well("web"), well("log")], Unknown),
        (vec![checked(essential("web")), essential("log")], [well("web"), well("log")], Healthy),
        (one(), [well("web"), ill("log")], Healthy),
        (one(), [ill("web"), well("log")], Unhealthy),
        (both(), [well("web"), ill("log")], Unhealthy),
        (both(), [well("web"), creating("log")], Unknown),
        (both(), [ill("web"), creating("log")], Unhealthy),
        (both(), [well("web"), not_ready("log", 50)], Unknown),
        (both(), [well("web"), exited("log", 0, 0, 10)], Healthy),
        (both(), [ill("web"), exited("log", 0, 0, 10)], Unhealthy),
        (both(), [exited("web", 1, 0, 10), exited("log", 0, 0, 10)], Unknown),
    ];
    for (containers, reports, expected) in rows {
        let scene = Scene { containers, ..Scene::of(pod(&reports)) };
        assert_eq!(progress(&scene).health, expected, "{reports:?}");
    }
}

#[test]
fn the_first_budget_that_runs_out_is_looked_at_again_unless_the_task_stops() {
    let mut scene = Scene { now: 20, ..Scene::of(pod(&[not_ready("web", 10), not_ready("log", 12)])) };
    scene.containers = vec![checked(essential("web")), checked(other("log"))];
    assert_eq!(progress(&scene).look_again_after, Some(Duration::from_secs(25)));
    scene.deleted_at = Some(18);
    assert_eq!(progress(&scene).look_again_after, None);
}

#[test]
fn a_task_whose_volumes_are_not_there_is_looked_at_again_when_their_time_is_over() {
    let stuck = || Scene::of(without_sandbox(pod(&[creating("web"), creating("log")]), 5));
    assert_eq!(progress(&Scene { now: 20, ..stuck() }).look_again_after, Some(Duration::from_secs(45)));
    assert_eq!(progress(&Scene { now: 65, ..stuck() }).look_again_after, None);
    assert_eq!(progress(&Scene { now: 20, is_gone: true, ..stuck() }).look_again_after, None);
    let pulling = Scene::of(pod(&[creating("web"), creating("log")]));
    assert_eq!(progress(&pulling).look_again_after, None);
}
