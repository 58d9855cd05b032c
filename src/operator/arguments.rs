//! The command line: what can be said, what it means when nothing is said, and what is refused.
//! Each flag of `run` can be set by an environment variable too, so that a chart need not build command lines.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use super::logging::LogFormat;
use crate::cli::render::RenderArguments;
use crate::controllers::Settings;
use crate::ecs::arn;
use crate::kube_io::permissions::LEASE;

/// Where a Pod with a service account finds the name of its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Runs Amazon ECS clusters, task definitions and services on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "ecs-operator", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

impl Arguments {
    /// The command that was given, `run` when there is none.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Run(self.run))
    }
}

/// What the program is to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the operator; this is what happens without a command.
    Run(RunArguments),
    /// Prints the custom resource definitions.
    Crds(CrdsArguments),
    /// Shows what would become of task definitions and services, without a cluster.
    Render(RenderArguments),
    /// Prints what becomes of each field, as Markdown.
    #[command(hide = true)]
    Fields,
    /// Takes the operator's finalizers off all objects, for an uninstall: nothing waits for an operator any more.
    Release(ReleaseArguments),
}

/// The flags of `release`.
#[derive(Debug, Args)]
pub struct ReleaseArguments {
    /// The kubeconfig of an administrator; default: the one that kubectl would take.
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
}

/// The flags of `crds`.
#[derive(Debug, Args)]
pub struct CrdsArguments {
    /// Writes one file a kind to this directory instead.
    #[arg(long)]
    pub directory: Option<PathBuf>,
}

/// The flags of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The region in the ARNs that are shown.
    #[arg(long, env = "ECS_OPERATOR_REGION", default_value = "us-east-1", value_parser = arn::parse_region)]
    pub region: String,
    /// The account in the ARNs that are shown: 12 digits.
    #[arg(long, env = "ECS_OPERATOR_ACCOUNT_ID", default_value = "000000000000", value_parser = arn::parse_account_id)]
    pub account_id: String,
    /// Makes the cluster named `default`, and makes it again when it is deleted.
    #[arg(long, env = "ECS_OPERATOR_DEFAULT_CLUSTER", value_name = "BOOL", default_value_t = true,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub default_cluster: bool,
    /// The namespace where task definitions are looked for that are not in the service's own [default: none].
    #[arg(long, env = "ECS_OPERATOR_SHARED_NAMESPACE", value_name = "NAMESPACE")]
    pub shared_namespace: Option<String>,
    /// Where health and metrics are served.
    #[arg(long, env = "ECS_OPERATOR_LISTEN", value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Reconciles only while holding a lease; without it, one operator alone may run.
    #[arg(long, env = "ECS_OPERATOR_LEADER_ELECTION", value_name = "BOOL", default_value_t = true,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub leader_election: bool,
    /// The namespace of the lease [default: that of the Pod].
    #[arg(long, env = "ECS_OPERATOR_LEASE_NAMESPACE", value_name = "NAMESPACE")]
    lease_namespace: Option<String>,
    /// The name of the lease.
    #[arg(long, env = "ECS_OPERATOR_LEASE_NAME", value_name = "NAME", default_value = LEASE)]
    pub lease_name: String,
    /// How many objects of one kind are reconciled at once.
    #[arg(long, env = "ECS_OPERATOR_CONCURRENCY", value_name = "NUMBER", default_value = "8")]
    pub concurrency: NonZeroU16,
    /// What is logged: a level, or `target=level` pairs, separated by commas.
    #[arg(long, env = "ECS_OPERATOR_LOG", value_name = "FILTER", default_value = "info", value_parser = log_filter)]
    log: String,
    /// The form of log lines.
    #[arg(long, env = "ECS_OPERATOR_LOG_FORMAT", value_name = "FORMAT", default_value = "json", value_enum)]
    pub log_format: LogFormat,
    /// The API server and the credentials [default: KUBECONFIG, ~/.kube/config, or the Pod's service account].
    #[arg(long, env = "ECS_OPERATOR_KUBECONFIG", value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// The namespace of the lease is nowhere to be found.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the namespace of the lease is unknown: give --lease-namespace, set POD_NAMESPACE, run in a Pod with a service \
     account, or do without a lease by --leader-election=false"
)]
pub struct UnknownLeaseNamespace;

impl RunArguments {
    /// What the controllers need of the arguments.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            region: self.region.clone(),
            account_id: self.account_id.clone(),
            default_cluster: self.default_cluster,
            shared_namespace: self.shared_namespace.clone().filter(|namespace| !namespace.is_empty()),
            concurrency: self.concurrency.get(),
        }
    }

    /// What is logged.
    #[must_use]
    pub fn log_filter(&self) -> EnvFilter {
        // Checked when it was parsed; a filter itself cannot be kept, because arguments must be cloneable.
        EnvFilter::new(&self.log)
    }

    /// The namespace of the lease: as given, else `pod_namespace`, else that of the service account.
    ///
    /// # Errors
    /// [`UnknownLeaseNamespace`]
    pub fn lease_namespace(&self, pod_namespace: Option<String>) -> Result<String, UnknownLeaseNamespace> {
        self.lease_namespace_or(pod_namespace, Path::new(NAMESPACE_FILE))
    }

    fn lease_namespace_or(&self, pod: Option<String>, file: &Path) -> Result<String, UnknownLeaseNamespace> {
        let from_file = || std::fs::read_to_string(file).ok();
        let named = |name: String| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        let given = self.lease_namespace.clone().and_then(named);
        given.or_else(|| pod.and_then(named)).or_else(|| from_file().and_then(named)).ok_or(UnknownLeaseNamespace)
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn run(flags: &[&str]) -> Result<RunArguments, clap::Error> {
        let arguments = Arguments::try_parse_from([&["ecs-operator"], flags].concat())?;
        match arguments.into_command() {
            Command::Run(arguments) => Ok(arguments),
            _ => unreachable!("not asked for"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_a_word_it_runs_with_the_defaults() {
        let arguments = run(&[]).unwrap();
        let settings = Settings {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            default_cluster: true,
            shared_namespace: None,
            concurrency: 8,
        };
        assert_eq!(arguments.settings(), settings);
        assert_eq!(arguments.listen.to_string(), "0.0.0.0:8080");
        assert_eq!(arguments.lease_name, "ecs-operator");
        assert_eq!(arguments.log_format, LogFormat::Json);
        assert_eq!(arguments.log_filter().to_string(), "info");
        assert!(arguments.leader_election);
        assert_eq!(arguments.kubeconfig, None);
    }

    #[test]
    fn flags_stand_with_and_without_the_command() {
        for prefix in [&["run"][..], &[]] {
            let flags = ["--region", "eu-west-1", "--leader-election=false", "--default-cluster"];
            let arguments = run(&[prefix, &flags].concat()).unwrap();
            assert_eq!(arguments.region, "eu-west-1");
            assert!(!arguments.leader_election);
            assert!(arguments.default_cluster);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        let cases = [
            (["--account-id", "12345"], "an account id has 12 digits"),
            (["--account-id", "12345678901x"], "an account id has 12 digits"),
            (["--region", "US East"], "a region is made of lower case letters, digits and hyphens, such as us-east-1"),
            (["--listen", "8080"], "invalid socket address syntax"),
            (["--concurrency", "0"], "non-zero"),
            (["--log", "a=b=c"], "expected one of \"off\", \"error\""),
            (["--log-format", "xml"], "[possible values: json, text]"),
            (["crds", "--region=us-east-1"], "unexpected argument '--region'"),
        ];
        for (flags, reason) in cases {
            let error = run(&flags).unwrap_err();
            assert!(error.to_string().contains(reason), "{flags:?}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn every_flag_of_run_has_its_environment_variable() {
        let mut command = Arguments::command();
        command.build();
        let run = command.find_subcommand("run").unwrap();
        for argument in run.get_arguments().filter(|argument| argument.get_id() != "help") {
            let name = argument.get_long().unwrap().to_uppercase().replace('-', "_");
            let variable = argument.get_env().unwrap().to_str().unwrap();
            assert_eq!(variable, format!("ECS_OPERATOR_{name}"));
        }
    }

    #[test]
    fn the_namespace_of_the_lease_comes_from_the_first_that_knows() {
        let directory = tempfile::tempdir().unwrap();
        let (file, no_file) = (directory.path().join("namespace"), directory.path().join("none"));
        std::fs::write(&file, "of-the-account\n").unwrap();
        let pod = || Some("of-the-pod".to_owned());
        let unsaid = run(&[]).unwrap();
        let said = run(&["--lease-namespace", "said"]).unwrap();
        let cases = [
            (&said, pod(), &file, Ok("said")),
            (&unsaid, pod(), &file, Ok("of-the-pod")),
            (&unsaid, Some(String::new()), &file, Ok("of-the-account")),
            (&unsaid, None, &file, Ok("of-the-account")),
            (&unsaid, None, &no_file, Err(UnknownLeaseNamespace)),
        ];
        for (arguments, pod, file, expected) in cases {
            let found = arguments.lease_namespace_or(pod, file);
            assert_eq!(found.as_deref().map_err(|_| UnknownLeaseNamespace), expected);
        }
    }

    #[test]
    fn crds_takes_a_directory() {
        let arguments = Arguments::try_parse_from(["ecs-operator", "crds", "--directory", "crds"]).unwrap();
        let Command::Crds(arguments) = arguments.into_command() else { unreachable!("asked for crds") };
        assert_eq!(arguments.directory.as_deref(), Some(Path::new("crds")));
    }
}
