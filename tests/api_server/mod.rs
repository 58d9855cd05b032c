//! The real API server that tests run against.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

const VARIABLE: &str = "ECS_OPERATOR_TEST_KUBECONFIG";

/// The path of its kubeconfig. A test that cannot run fails; it does not pass by skipping.
pub fn kubeconfig() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!(
            "this test needs an API server: run `hack/cluster/up --parts api` and \
             `export {VARIABLE}=$(hack/cluster/kubeconfig)`"
        )
    })
}

/// A client with all rights.
pub async fn client() -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}
