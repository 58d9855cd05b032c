//! The API server that the tests talk to, and plain requests to it.

use std::{future::Future, path::PathBuf, sync::OnceLock, time::Duration};

use ecs_operator::{api::crds, kube_io::apply_request};
use http::{Method, Request};
use kube::{Client, Config, client::Body, config::KubeConfigOptions};
use serde_json::Value;
use tokio::{runtime::Runtime, sync::OnceCell};

/// The variable that names the cluster's kubeconfig.
pub const VARIABLE: &str = "ECS_OPERATOR_TEST_KUBECONFIG";

/// Where the kubeconfig is; a test that has none fails and says how to get one.
pub fn kubeconfig() -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(|| {
        panic!("This test needs a Kubernetes API server: hack/cluster/up --name apitest --parts api --kwok 3 && export {VARIABLE}=$(hack/cluster/kubeconfig --name apitest)")
    }, PathBuf::from)
}

/// One runtime for all tests of the binary, because they share connections.
pub fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()).block_on(future)
}

pub async fn config() -> Config {
    let path = kubeconfig();
    let kubeconfig = kube::config::Kubeconfig::read_from(&path)
        .unwrap_or_else(|error| panic!("{VARIABLE}={}: {error}", path.display()));
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap()
}

/// An administrator's connection. The first call installs the CustomResourceDefinitions.
pub async fn client() -> Client {
    static CLIENT: OnceCell<Client> = OnceCell::const_new();
    CLIENT
        .get_or_init(|| async {
            let client = Client::try_from(config().await).unwrap();
            install_crds(&client).await;
            client
        })
        .await
        .clone()
}

async fn install_crds(client: &Client) {
    for crd in crds() {
        let name = crd.metadata.name.clone().unwrap();
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        let answer = apply(client, &path, &serde_json::to_value(&crd).unwrap()).await;
        assert!(answer.code < 300, "{name}: {}", answer.message());
    }
    for crd in crds() {
        let (group, version, plural) = (crd.spec.group, "v1alpha1", crd.spec.names.plural);
        wait_until(&format!("{plural} are served"), async || {
            get(client, &format!("/apis/{group}/{version}/{plural}?limit=1")).await.code == 200
        })
        .await;
    }
}

/// What the API server answered.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    /// Shared with tests that look at them.
    #[allow(dead_code, reason = "this file is part of two test binaries")]
    pub warnings: Vec<String>,
    pub body: Value,
}

impl Answer {
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// Sends a request as it is.
pub async fn request(client: &Client, method: Method, path: &str, content_type: &str, body: &Value) -> Answer {
    let bytes = if body.is_null() { Vec::new() } else { apply_request::escape(serde_json::to_vec(body).unwrap()) };
    let build = || {
        let request = Request::builder().method(method.clone()).uri(path).header("content-type", content_type);
        request.body(Body::from(bytes.clone())).unwrap()
    };
    let mut answer = exchange(client, build()).await;
    // Where a test stops the API server, a connection of the time before may break later.
    for _ in 0..50 {
        if answer.is_ok() || method == Method::POST {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        answer = exchange(client, build()).await;
    }
    answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

async fn exchange(client: &Client, request: Request<Body>) -> kube::Result<Answer> {
    let response = client.send(request).await?;
    let code = response.status().as_u16();
    let warnings =
        response.headers().get_all("warning").iter().map(|value| value.to_str().unwrap_or_default().to_owned());
    let warnings = warnings.collect();
    let bytes = response.into_body().collect_bytes().await?;
    Ok(Answer { code, warnings, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

pub async fn get(client: &Client, path: &str) -> Answer {
    request(client, Method::GET, path, "application/json", &Value::Null).await
}

pub async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    request(client, Method::POST, path, "application/json", body).await
}

/// Changes some members of an object.
pub async fn merge(client: &Client, path: &str, body: &Value) -> Answer {
    request(client, Method::PATCH, path, "application/merge-patch+json", body).await
}

/// Server-side apply, as a person who insists.
pub async fn apply(client: &Client, path: &str, body: &Value) -> Answer {
    let path = format!("{path}{}fieldManager=tests&force=true", if path.contains('?') { '&' } else { '?' });
    request(client, Method::PATCH, &path, "application/apply-patch+yaml", body).await
}

pub async fn delete(client: &Client, path: &str) -> Answer {
    request(client, Method::DELETE, path, "application/json", &Value::Null).await
}

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until something holds.
pub async fn wait_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let given_up = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < given_up, "waited {} s in vain until {what}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
