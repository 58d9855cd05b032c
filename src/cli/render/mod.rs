//! `ecs-operator render`: what would become of task definitions, services and tasks, without a cluster. A text is taken apart in
//! `documents`, a document held against the `schema` of its kind in `input`, objects are made in `objects` and `task`; this is the
//! command around them.

mod around;
mod bounds;
mod clusters;
mod documents;
mod foreign;
mod input;
mod member_name;
mod objects;
mod report;
mod role;
mod schema;
mod service;
mod target_group;
mod task;

use std::{
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::{
    api::field_report::{FieldOutcome, Outcome},
    ecs::{
        arn::{self, ArnScope},
        field_outcomes,
        kubernetes_version::{self, KubernetesVersion},
        object_names::is_label,
    },
};

pub use input::Source;
pub use report::Entry;

/// The flags of `render`.
#[derive(Debug, Args)]
pub struct RenderArguments {
    /// Files with TaskDefinitions, EcsServices and EcsTasks, a RegisterTaskDefinition document, or what describe-task-definition prints;
    /// `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What comes out on standard output; with yaml, the report is on standard error.
    #[arg(short, long, value_enum, default_value = "yaml")]
    pub output: Output,
    /// What a task definition becomes that no EcsService or EcsTask of the files runs.
    #[arg(long = "as", value_enum, value_name = "KIND", default_value = "service")]
    pub kind: Workload,
    /// The Namespace of documents that name none.
    #[arg(short, long, default_value = "ecs-default", value_parser = namespace)]
    pub namespace: String,
    /// The version of the Kubernetes cluster: that of its oldest kubelet.
    #[arg(long, value_name = "VERSION", default_value_t = kubernetes_version::LEAST, value_parser = version)]
    pub kubernetes_version: KubernetesVersion,
    /// The region in ARNs and in the containers' environment.
    #[arg(long, default_value = "us-east-1", value_parser = arn::parse_region)]
    pub region: String,
    /// The account in ARNs.
    #[arg(long, default_value = "000000000000", value_parser = arn::parse_account_id)]
    pub account_id: String,
    /// Fails when something is ignored.
    #[arg(long)]
    pub strict: bool,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The objects, as YAML documents.
    Yaml,
    /// One document with objects and report.
    Json,
}

/// What a task definition becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// A service of two tasks.
    Service,
    /// One task.
    Task,
}

impl From<Workload> for field_outcomes::Workload {
    fn from(workload: Workload) -> Self {
        match workload {
            Workload::Service => Self::Service,
            Workload::Task => Self::Task,
        }
    }
}

/// What rendering depends on beside the documents.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Region and account.
    pub arns: ArnScope,
    /// What the Kubernetes cluster can do.
    pub version: KubernetesVersion,
    /// The Namespace of documents that name none.
    pub namespace: String,
    /// What a task definition becomes that nothing of the documents runs.
    pub workload: Workload,
}

/// What comes out.
#[derive(Clone, Debug, Default)]
pub struct Rendering {
    /// Kubernetes objects.
    pub objects: Vec<Value>,
    /// What became of each field.
    pub report: Vec<Entry>,
}

impl Rendering {
    /// Adds what became of the fields of an object.
    fn tell(&mut self, object: &str, outcomes: Vec<FieldOutcome>) {
        self.report.extend(outcomes.into_iter().map(|outcome| Entry { object: object.into(), outcome }));
    }

    /// Refuses a field, whatever else would have become of it.
    fn refuse(&mut self, object: &str, path: &str, message: String) {
        self.report.retain(|entry| {
            entry.object != object || entry.outcome.path != path || entry.outcome.outcome == Outcome::Refused
        });
        self.report.push(Entry::refused(object, path, message));
    }
}

/// Renders documents. What is not understood is refused in the report, and the others go on.
#[must_use]
pub fn render(sources: &[Source], surroundings: &Surroundings) -> Rendering {
    let mut rendering = Rendering::default();
    let inputs = input::read(sources, &surroundings.namespace, &mut rendering.report);
    objects::render(&inputs, surroundings, &mut rendering);
    rendering
}

/// Runs the command. The exit code is 1 when something is refused or cannot be read, and with `--strict` when something is
/// ignored.
#[must_use]
pub fn main(arguments: &RenderArguments) -> ExitCode {
    match run(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell(&format!("ecs-operator render: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Why nothing comes out.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
    #[error("cannot print an object: {0}")]
    Print(String),
}

fn run(arguments: &RenderArguments) -> Result<bool, RunError> {
    let mut unread = Vec::new();
    let mut read = |file: &PathBuf| {
        source(file).map_err(|message| unread.push(Entry::refused(&file.display().to_string(), "", message)))
    };
    let sources: Vec<_> = arguments.files.iter().filter_map(|file| read(file).ok()).collect();
    let surroundings = Surroundings {
        arns: ArnScope { region: arguments.region.clone(), account_id: arguments.account_id.clone() },
        version: arguments.kubernetes_version,
        namespace: arguments.namespace.clone(),
        workload: arguments.kind,
    };
    let mut rendering = render(&sources, &surroundings);
    rendering.report.extend(unread);
    let printed = match arguments.output {
        Output::Json => print_json(&rendering),
        Output::Yaml => print_yaml(&rendering.objects),
    };
    match printed {
        // Whoever reads it has read enough.
        Err(RunError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        printed => printed?,
    }
    if arguments.output == Output::Yaml {
        tell(&report::text(&rendering.report));
    }
    let has = |outcome| rendering.report.iter().any(|entry| entry.outcome.outcome == outcome);
    let is_too_strict = arguments.strict && has(Outcome::Ignored);
    if is_too_strict {
        tell("ecs-operator render: --strict: something is ignored.\n");
    }
    Ok(!has(Outcome::Refused) && !is_too_strict)
}

/// Writes to standard error, where nobody has to listen.
fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// The text of a file, or why it cannot be read.
fn source(file: &Path) -> Result<Source, String> {
    let failed = |error: io::Error| format!("This cannot be read: {error}.");
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map_err(failed)?;
        ("standard input".into(), bytes)
    } else {
        (file.display().to_string(), std::fs::read(file).map_err(failed)?)
    };
    let text = String::from_utf8(bytes).map_err(|_| "This is no text in UTF-8.".to_owned())?;
    Ok(Source { name, text })
}

fn print_json(rendering: &Rendering) -> Result<(), RunError> {
    let document = json!({ "objects": rendering.objects, "report": rendering.report });
    let text = serde_json::to_string_pretty(&document).map_err(|error| RunError::Print(error.to_string()))?;
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

fn print_yaml(objects: &[Value]) -> Result<(), RunError> {
    let mut output = io::stdout().lock();
    for object in objects {
        let text = serde_saphyr::to_string(object).map_err(|error| RunError::Print(error.to_string()))?;
        write!(output, "---\n{text}")?;
    }
    Ok(())
}

fn namespace(text: &str) -> Result<String, String> {
    let message = || "a Namespace has a name of up to 63 lower-case letters, digits and hyphens".to_owned();
    is_label(text).then(|| text.to_owned()).ok_or_else(message)
}

fn version(text: &str) -> Result<KubernetesVersion, String> {
    let parsed = KubernetesVersion::parse(text).filter(|version| *version >= kubernetes_version::LEAST);
    parsed.ok_or_else(|| format!("a version of Kubernetes from {} on, such as 1.37", kubernetes_version::LEAST))
}

#[cfg(test)]
mod tests;
