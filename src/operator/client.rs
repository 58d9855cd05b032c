//! The client of the API server: where its configuration comes from, and its errors in one line.
//! That nobody answers yet is no error here; who sends requests tries again.

use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::kube_io::error::{chain, explain};

/// How this program calls itself to the API server and in its metrics.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file that was named cannot be used.
    #[error("cannot use the kubeconfig {path}: {reason}")]
    Kubeconfig {
        /// The path as it was given.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No file was named, and no configuration found.
    #[error("found no API server: give --kubeconfig, set KUBECONFIG, or run in a cluster with a service account ({0})")]
    NotFound(String),
    /// The configuration was found, but its certificates or credentials are of no use.
    #[error("cannot use the configuration of the API server: {0}")]
    Unusable(String),
}

/// Makes a client from the kubeconfig, or else from `KUBECONFIG`, `~/.kube/config` or the service account of the Pod.
/// Sends nothing.
///
/// # Errors
/// [`ClientError`]: there is no configuration, or it cannot be used.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ClientError> {
    let mut config = match kubeconfig {
        Some(path) => from_file(path).await?,
        None => Config::infer().await.map_err(|error| ClientError::NotFound(chain(&error)))?,
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.write_timeout = Some(WRITE_TIMEOUT);
    // It would end quiet watches. Those have an idle timeout of their own, and every other call one around it.
    config.read_timeout = None;
    config.headers.push((header::USER_AGENT, user_agent()));
    Client::try_from(config).map_err(|error| ClientError::Unusable(explain(&error)))
}

async fn from_file(path: &Path) -> Result<Config, ClientError> {
    let unusable = |error: kube::config::KubeconfigError| ClientError::Kubeconfig {
        path: path.display().to_string(),
        reason: chain(&error),
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(unusable)
}

fn user_agent() -> HeaderValue {
    HeaderValue::from_static(concat!("ecs-operator/", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kubeconfig_that_is_missing_is_named() {
        let error = connect(Some(Path::new("/nowhere/config"))).await.map(drop).unwrap_err().to_string();
        assert!(error.starts_with("cannot use the kubeconfig /nowhere/config: "), "{error}");
    }
}
