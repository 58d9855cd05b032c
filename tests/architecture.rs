//! The layers of the code and its house rules, read off the source text. Each rule is tried on text that breaks it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends when something is not as it should be"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The layers, from left to right, with those that each may use.
const LAYERS: [(&str, &[&str]); 9] = [
    ("api", &[]),
    ("ecs", &["api"]),
    ("translate", &["api", "ecs"]),
    ("decide", &["api", "ecs"]),
    ("kube_io", &["api", "ecs", "translate", "decide"]),
    ("controllers", &["api", "ecs", "translate", "decide", "kube_io"]),
    ("operator", &["api", "ecs", "translate", "decide", "kube_io", "controllers", "cli"]),
    ("cli", &["api", "ecs", "translate", "decide", "kube_io"]),
    ("supervisor", &[]),
];

/// Layers without a client and without a clock.
const PURE: [&str; 5] = ["api", "ecs", "translate", "decide", "supervisor"];

/// What a pure layer may not name below `kube`.
const CLIENT_PARTS: [&str; 4] = ["Api", "Client", "client", "runtime"];

/// What a pure layer may not name at all.
const IMPURE_WORDS: [&str; 5] = ["tokio", "SystemTime", "Instant", "Timestamp::now", "Zoned::now"];

/// Names that say nothing about what is behind them.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];

const MOST_LINES: usize = 400;

struct Source {
    /// From the package's root on, with slashes.
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// The layer that a file below `src` belongs to; none for the two files of the root.
    fn layer(&self) -> Option<&str> {
        let (layer, rest) = self.path.strip_prefix("src/")?.split_once(['/', '.'])?;
        (rest.contains(".rs") || LAYERS.iter().any(|(name, _)| *name == layer)).then_some(layer)
    }

    /// The text without comments, and without what stands in quotes.
    fn code(&self) -> String {
        let lines = self.text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let mut code = String::new();
        for line in lines {
            let parts = line.split('"').enumerate().filter(|(index, _)| index % 2 == 0).map(|(_, part)| part);
            code.extend(parts);
            code.push('\n');
        }
        code
    }
}

/// Every source file of the package and its tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        collect(&root.join(folder), &mut files);
    }
    let relative = |file: &PathBuf| file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    files.iter().map(|file| Source::new(&relative(file), &fs::read_to_string(file).unwrap())).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The names that follow a path prefix such as `crate::`, also those of a group in braces.
fn names_after(prefix: &str, code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(names_of_group(group)),
            None => names.push(identifier(rest)),
        }
    }
    names
}

fn names_of_group(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut expected) = (Vec::new(), 0_u32, true);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expected = true,
            _ if expected && !character.is_whitespace() => {
                names.push(identifier(&group[at..]));
                expected = false;
            }
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

fn has_word(code: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(is_part)
            && !code[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

fn broken_layers(source: &Source) -> Vec<String> {
    let Some(layer) = source.layer() else { return Vec::new() };
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{}: {layer} is no layer of the design", source.path)];
    };
    let code = source.code();
    let mut used = names_after("crate::", &code);
    used.extend(names_after("ecs_operator::", &code));
    if source.path == format!("src/{layer}/mod.rs") {
        used.extend(names_after("super::", &code));
    }
    let foreign = |name: &String| name != layer && !allowed.contains(&name.as_str());
    let known = |name: &String| LAYERS.iter().any(|(layer, _)| layer == name);
    let broken = used.iter().filter(|name| known(name) && foreign(name));
    let mut broken: Vec<_> = broken.map(|name| format!("{}: {layer} may not use {name}", source.path)).collect();
    if code.contains("super::super::super::") {
        broken.push(format!("{}: write crate:: instead of a chain of super::", source.path));
    }
    broken
}

fn impurities(source: &Source) -> Vec<String> {
    if !source.layer().is_some_and(|layer| PURE.contains(&layer)) {
        return Vec::new();
    }
    let code = source.code();
    let named = names_after("kube::", &code);
    let parts =
        CLIENT_PARTS.iter().filter(|part| named.iter().any(|name| name == *part)).map(|part| format!("kube::{part}"));
    let words = IMPURE_WORDS.iter().filter(|word| has_word(&code, word)).map(|word| (*word).to_owned());
    parts.chain(words).map(|what| format!("{}: a pure layer may not use {what}", source.path)).collect()
}

fn broken_house_rules(source: &Source) -> Vec<String> {
    let mut broken = Vec::new();
    let lines = source.text.lines().count();
    if lines >= MOST_LINES {
        broken.push(format!("{}: {lines} lines, but files stay below {MOST_LINES}", source.path));
    }
    if !source.text.starts_with("//!") {
        broken.push(format!("{}: does not begin with //! and what it is for", source.path));
    }
    let is_empty = |name: &str| EMPTY_NAMES.contains(&name.to_ascii_lowercase().as_str());
    for part in source.path.trim_end_matches(".rs").split('/').filter(|part| is_empty(part)) {
        broken.push(format!("{}: {part} says nothing about what is in it", source.path));
    }
    let code = source.code();
    for keyword in ["mod ", "struct ", "enum ", "trait "] {
        for name in names_after(keyword, &code) {
            let last_word =
                name.rsplit(|character: char| character.is_uppercase() || character == '_').next().unwrap_or_default();
            let first_letter = name.len().checked_sub(last_word.len() + 1).map(|at| &name[at..]).unwrap_or_default();
            if is_empty(&name) || is_empty(last_word) || is_empty(first_letter) {
                broken.push(format!("{}: {name} says nothing about what it is", source.path));
            }
        }
    }
    broken
}

fn assert_kept(rule: fn(&Source) -> Vec<String>) {
    let broken: Vec<_> = sources().iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn each_layer_uses_only_what_stands_to_its_left() {
    assert_kept(broken_layers);
}

#[test]
fn pure_layers_know_neither_a_client_nor_a_clock() {
    assert_kept(impurities);
}

#[test]
fn files_are_short_say_what_they_are_for_and_have_names_that_mean_something() {
    assert_kept(broken_house_rules);
}

#[test]
fn there_is_something_to_check() {
    let sources = sources();
    let layers: Vec<_> = sources.iter().filter_map(Source::layer).collect();
    for layer in ["api", "ecs", "translate", "decide", "kube_io", "controllers"] {
        assert!(layers.contains(&layer), "no file of {layer} was read");
    }
    assert!(sources.iter().any(|source| source.path == "tests/architecture.rs"));
}

#[test]
fn a_use_of_a_layer_to_the_right_is_found() {
    let breaks = |path: &str, text: &str| broken_layers(&Source::new(path, text)).len();
    assert_eq!(breaks("src/ecs/a.rs", "use crate::translate::names;"), 1);
    assert_eq!(breaks("src/ecs/a.rs", "use crate::{\n    api::x,\n    decide::{a, b},\n    kube_io::c,\n};"), 2);
    assert_eq!(breaks("src/decide/a.rs", "fn a() { crate::translate::names::slug(); }"), 1);
    assert_eq!(breaks("src/decide/mod.rs", "use super::kube_io;"), 1);
    assert_eq!(breaks("src/kube_io/a.rs", "use crate::controllers::context::Context;"), 1);
    assert_eq!(breaks("src/cli/a.rs", "use crate::{api, operator::run};"), 1);
    assert_eq!(breaks("src/extra/a.rs", "fn a() {}"), 1);
    assert_eq!(breaks("src/controllers/a.rs", "use crate::{api::x, kube_io::y}; // crate::operator"), 0);
}

#[test]
fn a_client_or_a_clock_in_a_pure_layer_is_found() {
    let breaks = |path: &str, text: &str| impurities(&Source::new(path, text)).len();
    assert_eq!(breaks("src/decide/a.rs", "use kube::{ResourceExt, Client, api::ObjectMeta};"), 1);
    assert_eq!(breaks("src/ecs/a.rs", "fn a(api: &kube::Api<Pod>) {}"), 1);
    assert_eq!(breaks("src/translate/a.rs", "use kube::{\n    core::Rule,\n    runtime::{watcher, reflector},\n};"), 1);
    assert_eq!(breaks("src/decide/a.rs", "let now = Timestamp::now();"), 1);
    assert_eq!(breaks("src/decide/a.rs", "let now = std::time::Instant::now();"), 1);
    assert_eq!(breaks("src/decide/a.rs", "tokio::spawn(a);"), 1);
    assert_eq!(breaks("src/decide/a.rs", "use kube::api::ObjectMeta; // tokio; struct InstantNoodles;"), 0);
    assert_eq!(breaks("src/kube_io/a.rs", "use kube::{Api, Client};"), 0);
}

#[test]
fn a_broken_house_rule_is_found() {
    let breaks = |path: &str, text: &str| broken_house_rules(&Source::new(path, text)).len();
    assert_eq!(breaks("src/ecs/a.rs", "//! What it is.\nstruct Service;"), 0);
    assert_eq!(breaks("src/ecs/a.rs", "struct Service;"), 1);
    assert_eq!(breaks("src/ecs/a.rs", &format!("//! Long.\n{}", "\n".repeat(MOST_LINES))), 1);
    assert_eq!(breaks("src/ecs/utils.rs", "//! Things."), 1);
    assert_eq!(breaks("tests/common/mod.rs", "//! Things."), 1);
    assert_eq!(breaks("src/ecs/a.rs", "//! Things.\nmod helpers;"), 1);
    assert_eq!(breaks("src/ecs/a.rs", "//! Things.\nstruct ServiceManager;"), 1);
}
