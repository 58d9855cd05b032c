//! A registry that asks for a name and a password, on the node: tasks get its image with the pull secret of their execution role, and
//! not without.
//!
//! It runs in a process of its own inside the cluster's network, where the kubelet reaches it as 127.0.0.1: it is this file's ignored
//! test, in this same program.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    thread::spawn,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    cluster::in_network,
    scene::{Scene, text},
};

const USER: &str = "puller";
const PASSWORD: &str = "only-for-this-test";
/// Both, as HTTP sends them.
const BASIC: &str = "Basic cHVsbGVyOm9ubHktZm9yLXRoaXMtdGVzdA==";

/// What is in the registry: a manifest, and blobs by their digests.
struct Image {
    manifest: Vec<u8>,
    blobs: Vec<(String, Vec<u8>)>,
}

impl Image {
    /// One that has a busybox and nothing else.
    fn new() -> Self {
        let layer = Command::new("tar").args(["--create", "--directory=/", "bin/busybox"]).output().unwrap();
        let layer = if layer.stdout.len() > 100_000 {
            layer.stdout
        } else {
            // Where /bin is a link the file is somewhere else.
            let taken = ["--create", "--directory=/usr", "bin/busybox"];
            Command::new("tar").args(taken).output().unwrap().stdout
        };
        let layer_digest = digest(&layer);
        let config = json!({
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }, "os": "linux",
            "config": {}, "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
        });
        let config = config.to_string().into_bytes();
        let part = |type_: &str, digest: &str, size: usize| json!({"mediaType": type_, "digest": digest, "size": size});
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": part("application/vnd.oci.image.config.v1+json", &digest(&config), config.len()),
            "layers": [part("application/vnd.oci.image.layer.v1.tar", &layer_digest, layer.len())],
        });
        let blobs = vec![(digest(&config), config), (layer_digest, layer)];
        Self { manifest: manifest.to_string().into_bytes(), blobs }
    }

    /// Status, content type and content of what is asked for.
    fn answer(&self, path: &str) -> (u16, &str, &[u8]) {
        let blob = |wanted: &str| self.blobs.iter().find(|(digest, _)| digest == wanted);
        match path.strip_prefix("/v2/").map(|rest| rest.rsplit_once('/')) {
            Some(None) => (200, "application/json", b"{}"),
            Some(Some(("private/app/manifests", _))) => (200, MANIFEST, &self.manifest),
            Some(Some(("private/app/blobs", digest))) => {
                blob(digest).map_or((404, "text/plain", b""), |(_, content)| (200, "application/octet-stream", content))
            }
            _ => (404, "text/plain", b""),
        }
    }

    fn serve(&self, mut connection: TcpStream) {
        let (mut asked, mut is_allowed) = (String::new(), false);
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let _ = reader.read_line(&mut asked);
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).is_err() || header.trim().is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').unwrap_or_default();
            is_allowed |= name.eq_ignore_ascii_case("authorization") && value.trim() == BASIC;
        }
        let mut words = asked.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (status, type_, content) = if is_allowed { self.answer(path) } else { (401, "text/plain", &b""[..]) };
        let head = format!(
            "HTTP/1.1 {status} -\r\nWWW-Authenticate: Basic realm=\"registry\"\r\nContent-Type: {type_}\r\n\
             Docker-Content-Digest: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            digest(content),
            content.len()
        );
        let _ = connection.write_all(head.as_bytes());
        if method != "HEAD" {
            let _ = connection.write_all(content);
        }
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn digest(content: &[u8]) -> String {
    let bytes = Sha256::digest(content);
    bytes.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// A registry that serves until it is dropped, or whoever started it ends.
struct Registry {
    process: Child,
    /// Where the kubelet finds it.
    address: String,
}

impl Registry {
    fn start() -> Self {
        let mut process = in_network("registry::serve_until_the_input_ends").spawn().unwrap();
        let mut address = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("127.0.0.1:"), "the registry does not serve: {address}");
        Self { process, address: address.trim().into() }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "no test: the registry of another one, which runs it inside the cluster's network"]
fn serve_until_the_input_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    eprintln!("{}", listener.local_addr().unwrap());
    spawn(move || {
        let image = Image::new();
        for connection in listener.incoming().flatten() {
            image.serve(connection);
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn an_image_of_a_private_registry_is_pulled_with_the_secret_of_the_execution_role() {
    let (scene, registry) = (Scene::new(), Registry::start());
    let definition = |role: Value| {
        let container = json!({
            "name": "app", "image": format!("{}/private/app:1", registry.address), "memory": 32,
            "entryPoint": ["/bin/busybox"], "command": ["true"],
        });
        json!({"executionRoleArn": role, "containerDefinitions": [container]})
    };
    // The image is on the node once it has been pulled: who may not comes first.
    scene.apply("TaskDefinition", "stranger", &definition(json!(null)));
    scene.apply("EcsTask", "stranger", &json!({"taskDefinition": "stranger"}));
    let is_told = |task: &Value| text(&task["status"]["reason"]).starts_with("CannotPullContainerError: ");
    let refused = scene.until("ecstask", "stranger", "cannot pull its image", is_told);
    assert_ne!(refused["status"]["lastStatus"], "RUNNING", "{refused}");
    let (server, user) = (format!("--docker-server={}", registry.address), format!("--docker-username={USER}"));
    let password = format!("--docker-password={PASSWORD}");
    scene.kubectl(&["create", "secret", "docker-registry", "registry", &server, &user, &password]);
    scene.apply("EcsRole", "pulls", &json!({"imagePullSecrets": [{"name": "registry"}]}));
    scene.apply("TaskDefinition", "app", &definition(json!("pulls")));
    scene.apply("EcsTask", "app", &json!({"taskDefinition": "app"}));
    let status = scene.until_status("app", "STOPPED")["status"].clone();
    assert_eq!((&status["exitCodes"], &status["stopCode"]), (&json!("app=0"), &json!("EssentialContainerExited")));
    // Neither its status nor an Event has the password.
    let told = scene.kubectl(&["get", "ecstasks,events,pods", "-o", "yaml"]);
    assert!(!told.contains(PASSWORD) && !told.contains(BASIC.trim_start_matches("Basic ")));
}
