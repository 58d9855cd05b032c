//! A container's report in the words of DescribeTasks.

use super::*;
use crate::decide::kubelet_reports::*;
use serde_json::{Value, json};

use ContainerLastStatus::{Pending, Running, Stopped};

/// The first container of the scene.
fn described(scene: &Scene) -> TaskContainer {
    scene.ask(|facts| facts.progress().containers.swap_remove(0))
}

fn web(report: Value) -> TaskContainer {
    described(&Scene::of(pod(&[report])))
}

#[test]
fn a_container_is_pending_running_or_stopped_and_tells_its_exit_code_only_then() {
    let rows = [
        ("nothing yet", waiting("other", "ContainerCreating", ""), Pending, None),
        ("creating", creating("web"), Pending, None),
        ("initialising", waiting("web", "PodInitializing", ""), Pending, None),
        ("running", running("web", 10), Running, None),
        ("its startup probe goes on", not_started("web", 10), Running, None),
        ("completed", exited("web", 0, 10, 20), Stopped, Some(0)),
        ("failed", exited("web", 3, 10, 20), Stopped, Some(3)),
        ("stopped by SIGTERM", exited("web", 143, 10, 20), Stopped, Some(143)),
        ("killed for its memory", exited("web", 137, 10, 20), Stopped, Some(137)),
        ("down for a while", crash_loop("web", 1, 10, 20), Stopped, Some(1)),
        ("running again", restarted("web", 1, 10, 20, 30), Running, None),
        ("never ran", failed_start("web"), Stopped, None),
        ("never ran and is tried again", failed_start_again("web"), Pending, None),
        ("nobody saw its end", lost("web"), Stopped, None),
        ("nobody saw its end, and it starts again", lost_before("web"), Stopped, None),
    ];
    for (what, report, last_status, exit_code) in rows {
        let container = web(report);
        assert_eq!((container.last_status, container.exit_code), (last_status, exit_code), "{what}");
    }
}

#[test]
fn a_container_tells_why_it_ended_or_does_not_start() {
    let not_found = "CannotStartContainerError: failed to create containerd task: exec: \"nope\": executable file not found in \
                     $PATH: unknown";
    let rows = [
        (creating("web"), None),
        (running("web", 10), None),
        (exited("web", 0, 10, 20), None),
        (exited("web", 1, 10, 20), None),
        (crash_loop("web", 1, 10, 20), None),
        (exited("web", 137, 10, 20), Some(OUT_OF_MEMORY)),
        (crash_loop("web", 137, 10, 20), Some(OUT_OF_MEMORY)),
        (failed_start("web"), Some(not_found)),
        (failed_start_again("web"), Some(not_found)),
        (lost("web"), Some("How the container ended is unknown (ContainerStatusUnknown)")),
        (
            waiting("web", "ImagePullBackOff", "Back-off pulling image \"nope\": ErrImagePull: not found"),
            Some("CannotPullContainerError: not found"),
        ),
        (
            waiting("web", "CreateContainerConfigError", "secret \"db\" not found"),
            Some("ResourceInitializationError: secret \"db\" not found"),
        ),
    ];
    for (report, reason) in rows {
        assert_eq!(web(report).reason.as_deref(), reason);
    }
}

#[test]
fn containerd_does_not_know_how_a_container_ended_while_its_node_was_down() {
    let mut report = exited("web", 255, 10, 20);
    report["state"]["terminated"]["reason"] = json!("Unknown");
    let container = web(report);
    assert_eq!(container.exit_code, None);
    assert_eq!(container.reason.as_deref(), Some("How the container ended is unknown (Unknown)"));
}

#[test]
fn of_a_pod_that_is_gone_nothing_runs() {
    let mut scene = Scene { is_gone: true, ..Scene::of(pod(&[running("web", 10)])) };
    let container = described(&scene);
    assert_eq!((container.last_status, container.exit_code), (Stopped, None));
    assert_eq!(container.reason.as_deref(), Some("How the container ended is unknown"));
    assert_eq!(container.health_status, HealthStatus::Unknown);
    scene.status = serde_json::from_value(pod(&[creating("web")])).unwrap();
    assert_eq!((described(&scene).last_status, described(&scene).reason), (Stopped, None));
}

#[test]
fn an_image_has_a_digest_and_a_container_an_id_once_they_are_there() {
    let container = web(running("web", 10));
    assert_eq!(container.image.as_deref(), Some("docker.io/library/nginx:1.27"));
    assert_eq!(container.image_digest.as_deref(), Some("sha256:0a399eb1"));
    assert_eq!(container.runtime_id.as_deref(), Some("f00d"));
    let container = web(creating("web"));
    assert_eq!((container.image_digest, container.runtime_id), (None, None));
    // An image that was brought to the node by hand has none.
    let mut report = running("web", 10);
    report["imageID"] = json!("sha256:5d0da3dc");
    assert_eq!(web(report).image_digest, None);
}

#[test]
fn a_container_keeps_both_of_its_names_and_how_often_it_was_started_again() {
    let mut scene = Scene::of(pod(&[restarted("web-1f2e", 1, 10, 20, 30)]));
    scene.containers = vec![RunningContainer { kubernetes_name: Some("web-1f2e".into()), ..essential("Web") }];
    let container = described(&scene);
    assert_eq!((container.name.as_str(), container.kubernetes_name.as_deref()), ("Web", Some("web-1f2e")));
    assert_eq!((container.last_status, container.restart_count), (Running, Some(1)));
    assert_eq!(web(running("web", 10)).restart_count, None);
}

#[test]
fn a_container_that_is_not_ready_is_unhealthy_when_its_time_is_over() {
    use HealthStatus::{Healthy, Unhealthy, Unknown};
    let rows = [
        (running("web", 0), 1, Healthy, None),
        (running("web", 0), 300, Healthy, None),
        (not_ready("web", 0), 0, Unknown, Some(35)),
        (not_ready("web", 0), 34, Unknown, Some(1)),
        (not_ready("web", 0), 35, Unhealthy, None),
        (not_ready("web", 0), 36, Unhealthy, None),
        // A node whose clock is ahead.
        (not_ready("web", 10), 5, Unknown, Some(40)),
        (creating("web"), 300, Unknown, None),
        (exited("web", 1, 0, 10), 300, Unknown, None),
        (crash_loop("web", 1, 0, 10), 300, Unknown, None),
    ];
    for (report, now, status, seconds) in rows {
        let mut scene = Scene { now, ..Scene::of(pod(std::slice::from_ref(&report))) };
        assert_eq!(described(&scene).health_status, Unknown, "it has no check: {report}");
        scene.containers = vec![checked(essential("web"))];
        assert_eq!(described(&scene).health_status, status, "{now}: {report}");
        let look_again_after = scene.ask(|facts| facts.progress().look_again_after);
        assert_eq!(look_again_after, seconds.map(Duration::from_secs), "{now}: {report}");
    }
}
