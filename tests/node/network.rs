//! Security groups on the real node: a table of connections is tried, and each gets through or not as ECS would have it.

use serde_json::{Value, json};

use super::{
    cluster::kubectl,
    scene::{Scene, name, pod, service, text},
    task::{IMAGE, script},
};

/// Answers on two ports; only the first one is mapped.
const SERVE: &str = "mkdir /tmp/www; echo here > /tmp/www/index.html; trap exit TERM; httpd -p 8080 -h /tmp/www; \
    httpd -p 9090 -h /tmp/www; while :; do sleep 1; done";

/// A Pod that answers, and asks others.
struct Host<'a> {
    scene: &'a Scene,
    pod: String,
    address: String,
}

impl<'a> Host<'a> {
    /// A task by itself with these groups, or with that of its cluster.
    fn task(scene: &'a Scene, name: &str, groups: &[&str]) -> Self {
        let mut spec = json!({"taskDefinition": "app"});
        if !groups.is_empty() {
            spec["networkConfiguration"] = json!({"awsvpcConfiguration": {"securityGroups": groups}});
        }
        scene.apply("EcsTask", name, &spec);
        Self::of(scene, &scene.until_status(name, "RUNNING"))
    }

    fn of(scene: &'a Scene, task: &Value) -> Self {
        let pod = pod(task).to_owned();
        let address = text(&scene.get("pod", &pod)["status"]["podIP"]).to_owned();
        Self { scene, pod, address }
    }

    /// Whether a connection to an address gets through.
    fn reaches(&self, address: &str, port: u16) -> bool {
        let ask = format!("timeout 2 wget -q -O - http://{address}:{port}/ || true");
        self.scene.kubectl(&["exec", &self.pod, "--", "sh", "-c", &ask]) == "here\n"
    }
}

/// Two clusters with the task definition, the first one with a group of those who ask.
fn two_clusters() -> (Scene, Scene) {
    let (scene, other_cluster) = (Scene::new(), Scene::new());
    let app = script("app", SERVE, &json!({"portMappings": [{"containerPort": 8080}]}));
    for scene in [&scene, &other_cluster] {
        scene.apply("TaskDefinition", "app", &json!({"networkMode": "awsvpc", "containerDefinitions": [app]}));
    }
    group(&scene, "lb", &json!({}));
    (scene, other_cluster)
}

fn group(scene: &Scene, name: &str, spec: &Value) {
    scene.apply("EcsSecurityGroup", name, spec);
}

/// Pods that answer on the port of names, as those of the cluster's DNS.
struct Dns(String);

impl Dns {
    fn start(namespace: &str) -> (Self, String) {
        let dns = Self(format!("dns-of-{namespace}"));
        let serve =
            "mkdir /tmp/www; echo here > /tmp/www/index.html; httpd -p 54 -h /tmp/www; httpd -f -p 53 -h /tmp/www";
        let run = ["-n", "kube-system", "run", &dns.0, "--image", IMAGE, "--labels=k8s-app=kube-dns"];
        kubectl(
            &[&run[..], &["--image-pull-policy=Never", "--grace-period=1", "--command", "--", "sh", "-c", serve]]
                .concat(),
        );
        kubectl(&["-n", "kube-system", "wait", "pod", &dns.0, "--for=condition=Ready", "--timeout=60s"]);
        let address = kubectl(&["-n", "kube-system", "get", "pod", &dns.0, "-o", "jsonpath={.status.podIP}"]);
        (dns, address)
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        kubectl(&["-n", "kube-system", "delete", "pod", &self.0, "--wait=false", "--grace-period=1"]);
    }
}

#[test]
fn connections_get_through_as_the_groups_of_both_tasks_say() {
    let (scene, other_cluster) = two_clusters();
    let from_lb = json!({"ipProtocol": "tcp", "fromPort": 8080, "sourceSecurityGroup": "lb"});
    group(&scene, "web", &json!({"ingress": [from_lb]}));
    group(&scene, "open", &json!({"ingress": [{"ipProtocol": "tcp", "fromPort": 8000, "toPort": 9090}]}));
    group(&scene, "closed", &json!({"egress": []}));
    let task = |name: &str, groups: &[&str]| Host::task(&scene, name, groups);
    let (lb, web, open, closed) =
        (task("lb", &["lb"]), task("web", &["web"]), task("open", &["open"]), task("closed", &["closed"]));
    let (both, plain, neighbour) = (task("both", &["web", "closed"]), task("plain", &[]), task("neighbour", &[]));
    let stranger = Host::task(&other_cluster, "stranger", &[]);
    let (_dns, dns) = Dns::start(&scene.namespace);
    for (from, to, port, is_let_through) in [
        (&lb, &web.address, 8080, true),
        (&lb, &web.address, 9090, false),
        (&plain, &web.address, 8080, false),
        (&stranger, &web.address, 8080, false),
        // From anyone, on a range of ports.
        (&plain, &open.address, 8080, true),
        (&plain, &open.address, 9090, true),
        (&stranger, &open.address, 8080, true),
        // Nothing goes out but questions for names.
        (&closed, &open.address, 8080, false),
        (&closed, &dns, 53, true),
        (&closed, &dns, 54, false),
        // The groups of a task add up.
        (&lb, &both.address, 8080, true),
        (&both, &open.address, 8080, true),
        // The group of a cluster lets in its own.
        (&neighbour, &plain.address, 9090, true),
        (&lb, &plain.address, 8080, false),
        (&stranger, &plain.address, 8080, false),
    ] {
        if is_let_through {
            scene.wait(&format!("{} reaches {to}:{port}", from.pod), || from.reaches(to, port));
        } else {
            assert!(!from.reaches(to, port), "{} reaches {to}:{port}", from.pod);
        }
    }
}

#[test]
fn a_group_of_another_cluster_of_the_same_vpc_is_let_in_where_a_rule_names_it() {
    let (scene, other) = two_clusters();
    let vpc = json!({"spec": {"vpc": {"id": format!("vpc-{}", scene.cluster)}}}).to_string();
    for cluster in [&scene.cluster, &other.cluster] {
        kubectl(&["patch", "ecscluster", cluster, "--type=merge", "-p", &vpc]);
    }
    group(&other, "lb", &json!({}));
    let from_other = json!({
        "ipProtocol": "tcp", "fromPort": 8080, "sourceSecurityGroup": "lb", "kubernetes": {"cluster": other.cluster},
    });
    group(&scene, "web", &json!({"ingress": [from_other]}));
    let web = Host::task(&scene, "web", &["web"]);
    let (lb, plain) = (Host::task(&other, "lb", &["lb"]), Host::task(&other, "plain", &[]));
    let namesake = Host::task(&scene, "namesake", &["lb"]);
    scene.wait("the group of the other cluster gets through", || lb.reaches(&web.address, 8080));
    assert!(!lb.reaches(&web.address, 9090), "on another port");
    assert!(!plain.reaches(&web.address, 8080), "another group of that cluster");
    assert!(!namesake.reaches(&web.address, 8080), "the group of that name in its own cluster");
}

#[test]
fn a_service_answers_on_its_container_port_until_its_user_narrows_its_group() {
    let (scene, other_cluster) = two_clusters();
    scene.apply("EcsService", "app", &service("app", 1));
    let app = Host::of(&scene, &scene.running("app", 1)[0]);
    let (client, lb) = (Host::task(&scene, "client", &[]), Host::task(&scene, "lb", &["lb"]));
    let stranger = Host::task(&other_cluster, "stranger", &[]);
    for from in [&client, &lb, &stranger] {
        scene.wait(&format!("{} reaches the service", from.pod), || from.reaches(&app.address, 8080));
        assert!(!from.reaches(&app.address, 9090), "{}", from.pod);
    }
    let narrow = |rule: Value| {
        let patch = json!({"spec": {"ingress": [rule]}}).to_string();
        scene.kubectl(&["patch", "ecssecuritygroup", "app", "--type=merge", "-p", &patch]);
    };
    let of_port = |member: &str, value: &str| json!({"ipProtocol": "tcp", "fromPort": 8080, member: value});
    narrow(of_port("cidrIp", &format!("{}/32", client.address)));
    scene.wait("strangers are shut out", || !stranger.reaches(&app.address, 8080));
    assert!(!lb.reaches(&app.address, 8080));
    scene.wait("the range is let in", || client.reaches(&app.address, 8080));
    narrow(of_port("sourceSecurityGroup", "lb"));
    scene.wait("another group is let in", || lb.reaches(&app.address, 8080));
    assert!(!client.reaches(&app.address, 8080) && !stranger.reaches(&app.address, 8080));
    let tasks = scene.running("app", 1);
    assert_eq!(pod(&tasks[0]), app.pod, "{} goes on: rules start no deployment", name(&tasks[0]));
}
