//! What keeps a container from starting, under the names that ECS has for it, and the longest text that ECS allows for a
//! reason.

use super::pod_status::{Terminated, Waiting};

/// Characters of a reason, at most.
const LONGEST_REASON: usize = 1024;

/// Characters of what Kubernetes says behind it, at most.
const LONGEST_CAUSE: usize = 640;

/// Characters of a reason in the row of its task: with more, a list of tasks cannot be read.
const LONGEST_IN_ROW: usize = 100;

const PULL: &str = "CannotPullContainerError";
/// ECS's name for what is missing before a container can be made.
pub(super) const RESOURCE: &str = "ResourceInitializationError";
const CREATE: &str = "CannotCreateContainerError";
const START: &str = "CannotStartContainerError";

/// A reason for which the kubelet lets a container wait that passes only when somebody changes something.
struct Row {
    waiting: &'static str,
    name: &'static str,
    /// Whether the kubelet's message is safe to show: that of a hook has what the hook printed.
    has_message: bool,
}

const fn row(waiting: &'static str, name: &'static str) -> Row {
    Row { waiting, name, has_message: true }
}

const fn hook(waiting: &'static str, name: &'static str) -> Row {
    Row { waiting, name, has_message: false }
}

const ROWS: [Row; 13] = [
    row("ErrImagePull", PULL),
    row("ImagePullBackOff", PULL),
    row("ErrImageNeverPull", PULL),
    row("InvalidImageName", PULL),
    row("ImageInspectError", PULL),
    row("RegistryUnavailable", PULL),
    row("SignatureValidationFailed", PULL),
    row("CreateContainerConfigError", RESOURCE),
    row("CreateContainerError", CREATE),
    hook("PreCreateHookError", CREATE),
    hook("PreStartHookError", START),
    row("RunContainerError", START),
    hook("PostStartHookError", START),
];

/// What keeps a container from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerError<'a> {
    /// ECS's name of it.
    pub name: &'static str,
    /// Kubernetes's name of it.
    pub cause: &'a str,
    /// What the kubelet says.
    message: Option<&'a str>,
}

impl<'a> ContainerError<'a> {
    /// The error for which a container waits; `None` where it just waits for its turn.
    #[must_use]
    pub fn of_waiting(waiting: &'a Waiting) -> Option<Self> {
        let (reason, message) = (waiting.reason.as_deref()?, waiting.message.as_deref());
        let (cause, message) = Self::backed_off_from(reason, message).unwrap_or((reason, message));
        let row = ROWS.iter().find(|row| row.waiting == cause)?;
        Some(Self { name: row.name, cause, message: message.filter(|_| row.has_message) })
    }

    /// The error of the last attempt to pull, which the kubelet repeats while it waits for the next one. Told as it was, it is
    /// the same error all along.
    fn backed_off_from(reason: &str, message: Option<&'a str>) -> Option<(&'a str, Option<&'a str>)> {
        let told = message.filter(|_| reason == "ImagePullBackOff")?;
        let (_, error) = told.strip_prefix("Back-off pulling image \"")?.split_once("\": ")?;
        let (cause, message) = error.split_once(": ")?;
        ROWS.iter().any(|row| row.waiting == cause).then_some((cause, Some(message)))
    }

    /// The error of a container that ended without having run.
    #[must_use]
    pub fn of_failed_start(terminated: &'a Terminated) -> Self {
        let cause = terminated.reason.as_deref().unwrap_or("StartError");
        Self { name: START, cause, message: terminated.message.as_deref() }
    }

    /// ECS's text: its name and what the kubelet says.
    #[must_use]
    pub fn text(&self) -> String {
        let message = self.message.filter(|message| !message.trim().is_empty()).unwrap_or(self.cause);
        shortened(&format!("{}: {message}", self.name), LONGEST_REASON)
    }
}

/// ECS's words with what Kubernetes said behind them, both kept where one of them is too long.
#[must_use]
pub fn reason(words: &str, cause: &str) -> String {
    let cause = shortened(cause, LONGEST_CAUSE);
    let brackets = " ()".len();
    let words = shortened(words, LONGEST_REASON - brackets - cause.chars().count());
    format!("{words} ({cause})")
}

/// The beginning of a reason, for the row of its task.
#[must_use]
pub fn in_row(reason: &str) -> String {
    shortened(reason, LONGEST_IN_ROW)
}

/// The text in one line, with its end cut off where it is longer than that.
fn shortened(text: &str, most: usize) -> String {
    const CUT: &str = "...";
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most - CUT.len()).chain(CUT.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(reason: &str) -> Waiting {
        Waiting { reason: Some(reason.into()), message: Some("it is so".into()) }
    }

    #[test]
    fn each_reason_to_wait_has_the_name_of_ecs() {
        let expected = [
            ("ErrImagePull", "CannotPullContainerError: it is so"),
            ("ImagePullBackOff", "CannotPullContainerError: it is so"),
            ("ErrImageNeverPull", "CannotPullContainerError: it is so"),
            ("InvalidImageName", "CannotPullContainerError: it is so"),
            ("ImageInspectError", "CannotPullContainerError: it is so"),
            ("RegistryUnavailable", "CannotPullContainerError: it is so"),
            ("SignatureValidationFailed", "CannotPullContainerError: it is so"),
            ("CreateContainerConfigError", "ResourceInitializationError: it is so"),
            ("CreateContainerError", "CannotCreateContainerError: it is so"),
            ("PreCreateHookError", "CannotCreateContainerError: PreCreateHookError"),
            ("PreStartHookError", "CannotStartContainerError: PreStartHookError"),
            ("RunContainerError", "CannotStartContainerError: it is so"),
            ("PostStartHookError", "CannotStartContainerError: PostStartHookError"),
        ];
        let rows: Vec<_> = ROWS.iter().map(|row| row.waiting).collect();
        assert_eq!(rows, expected.map(|(reason, _)| reason));
        for (reason, text) in expected {
            assert_eq!(ContainerError::of_waiting(&waiting(reason)).unwrap().text(), text);
        }
    }

    #[test]
    fn to_wait_for_its_turn_is_no_error() {
        for reason in ["ContainerCreating", "PodInitializing", "CrashLoopBackOff", "SomethingNew"] {
            assert_eq!(ContainerError::of_waiting(&waiting(reason)), None, "{reason}");
        }
        assert_eq!(ContainerError::of_waiting(&Waiting::default()), None);
    }

    #[test]
    fn a_pull_that_waits_for_its_next_attempt_is_told_as_the_last_one_was() {
        let pull = |reason: &str, message: &str| Waiting { reason: Some(reason.into()), message: Some(message.into()) };
        let error = "failed to pull and unpack image \"nope:1\": not found";
        let failed = pull("ErrImagePull", error);
        let backs_off = pull("ImagePullBackOff", &format!("Back-off pulling image \"nope:1\": ErrImagePull: {error}"));
        assert_eq!(ContainerError::of_waiting(&backs_off), ContainerError::of_waiting(&failed));
        for message in ["Back-off pulling image \"nope:1\"", "Back-off pulling image \"nope:1\": Odd: it is so"] {
            let backs_off = pull("ImagePullBackOff", message);
            let told = ContainerError::of_waiting(&backs_off).unwrap();
            assert_eq!((told.cause, told.text()), ("ImagePullBackOff", format!("CannotPullContainerError: {message}")));
        }
    }

    #[test]
    fn without_a_message_the_reason_stands_for_it() {
        for message in [None, Some(String::new()), Some(" \n".into())] {
            let waiting = Waiting { reason: Some("ErrImagePull".into()), message };
            assert_eq!(ContainerError::of_waiting(&waiting).unwrap().text(), "CannotPullContainerError: ErrImagePull");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters_and_keeps_its_cause() {
        let long = "é".repeat(3000);
        let text = reason(&long, "container web: ErrImagePull");
        assert_eq!(text.chars().count(), LONGEST_REASON);
        assert!(text.ends_with("é... (container web: ErrImagePull)"), "{text}");
        assert_eq!(reason(&long, &long).chars().count(), LONGEST_REASON);
        assert_eq!(reason("a\n  b", "c"), "a b (c)");
        assert_eq!(in_row(&text).chars().count(), LONGEST_IN_ROW);
    }
}
