//! The functions of a fresh program: it is asked, with `--list-functions`, before anybody ships it.

use std::{
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    nearest::did_you_mean,
};

/// How long a program has to answer. One of the framework does so in milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// More than a program with every function there is would print.
const MOST: u64 = 1 << 20;

/// What a program of the framework prints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Listing {
    /// The version of the framework in it.
    pub framework: String,
    /// Its functions.
    pub functions: Vec<Listed>,
}

/// A function in a listing, and in the label of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// `http`, `cloudevent` or `openfunction`.
    pub kind: String,
    /// The path it is served at, where it was given one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The methods it is called with, where it was given some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
}

/// No answer: not every program is one of the framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// How it failed to answer.
    pub why: String,
    /// Whether it said, as one of the framework does, that it was made in a way in which it cannot be started.
    pub usage: bool,
}

/// What the framework ends with when a program cannot be started as it is (`EX_USAGE`).
const USAGE: i32 = 64;

impl From<String> for Silence {
    fn from(why: String) -> Self {
        Self { why, usage: false }
    }
}

/// Asks a program.
///
/// # Errors
/// It does not answer.
pub fn ask(program: &Path, patience: Duration) -> std::result::Result<Listing, Silence> {
    let folder = program.parent().unwrap_or(program);
    let child = Command::new(program)
        .arg("--list-functions")
        // It is to say what it is, not to find a port, a manifest or a sidecar.
        .env_clear()
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| format!("it cannot be run here: {error}"))?;
    let answer = wait(&mut child, patience);
    // It may have ended, which is no error here.
    let _ = child.kill();
    let status = child.wait().map_err(|error| format!("it cannot be waited for: {error}"))?;
    let (output, errors) = answer?;
    if !status.success() {
        let first = errors.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(Silence { why: format!("it ended with {status}: {first}"), usage: status.code() == Some(USAGE) });
    }
    let line = output.lines().next_back().unwrap_or_default();
    serde_json::from_str(line).map_err(|_| "it printed something else than its functions".to_owned().into())
}

/// What it prints on both streams, unless it takes too long to end.
fn wait(child: &mut Child, patience: Duration) -> std::result::Result<(String, String), String> {
    let (done, printed) = mpsc::channel();
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let streams: [Option<Box<dyn std::io::Read + Send>>; 2] =
        [output.map(|stream| Box::new(stream) as _), errors.map(|stream| Box::new(stream) as _)];
    for (index, stream) in streams.into_iter().enumerate() {
        let done = done.clone();
        // The thread ends with the stream, or with this process: another program may hold the stream open.
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stream.map_or(Ok(0), |stream| stream.take(MOST).read_to_end(&mut bytes));
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // Nobody listens any more once patience is over.
            let _ = done.send((index, read.map(|_| text)));
        });
    }
    let (end, mut texts) = (Instant::now() + patience, [String::new(), String::new()]);
    for _ in 0..2 {
        let left = end.saturating_duration_since(Instant::now());
        let late = |_| format!("it did not answer in {} s, and was stopped", patience.as_secs());
        let (index, text) = printed.recv_timeout(left).map_err(late)?;
        texts[index] = text.map_err(|error| format!("what it prints cannot be read: {error}"))?;
    }
    let [output, errors] = texts;
    Ok((output, errors))
}

impl Listing {
    /// Checks that a program has the functions that its image is named for; returns what there is to remark.
    ///
    /// # Errors
    /// One is not there.
    pub fn check(&self, names: &[String], signature: Option<&str>) -> Result<Vec<String>> {
        let all: Vec<&str> = self.functions.iter().map(|function| function.name.as_str()).collect();
        let mut remarks = Vec::new();
        for name in names {
            let Some(function) = self.functions.iter().find(|function| function.name == *name) else {
                let (hint, all) = (did_you_mean(name, all.iter().copied()), all.join(", "));
                return Err(Error::new(format!(
                    "FUNC_NAME is `{}`: the program has no function `{name}`{hint}\n  functions: {all}",
                    names.join(",")
                )));
            };
            if let Some(signature) = signature.filter(|signature| !is_kind(signature, &function.kind)) {
                remarks.push(format!(
                    "FUNC_TYPE says {signature}, but `{name}` is a function of kind {}: its first parameter decides",
                    function.kind
                ));
            }
        }
        let others: Vec<&str> = all.iter().copied().filter(|name| !names.iter().any(|named| named == name)).collect();
        if names.len() > 1 && !others.is_empty() {
            remarks.push(format!(
                "the program serves {} as well: without FUNCTION_TARGET all of its functions are served",
                others.join(", ")
            ));
        }
        Ok(remarks)
    }
}

/// Whether a kind is what `FUNC_TYPE` calls so.
fn is_kind(signature: &str, kind: &str) -> bool {
    match signature {
        "http" | "typed" => kind == "http",
        "event" | "cloudevent" => kind == "cloudevent",
        other => kind == other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn listing(names: &[&str]) -> Listing {
        let listed = |name: &&str| Listed { name: (*name).to_owned(), kind: "http".to_owned(), ..Listed::default() };
        Listing { framework: "0.1.0".to_owned(), functions: names.iter().map(listed).collect() }
    }

    fn checked(has: &[&str], names: &[&str], signature: Option<&str>) -> std::result::Result<Vec<String>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        listing(has).check(&names, signature).map_err(|error| error.to_string())
    }

    #[test]
    fn a_function_that_is_not_there_is_named_with_those_that_are() {
        let error = checked(&["hello", "orders"], &["helo"], None).unwrap_err();
        assert!(error.contains("no function `helo`, did you mean `hello`?\n  functions: hello, orders"), "{error}");
        assert!(checked(&["hello"], &["hello", "bye"], None).unwrap_err().contains("FUNC_NAME is `hello,bye`"));
        assert_eq!(checked(&["a", "b"], &["a"], None), Ok(vec![]));
        assert_eq!(checked(&["a", "b"], &[], None), Ok(vec![]));
    }

    #[test]
    fn what_is_served_otherwise_than_said_is_remarked() {
        assert!(checked(&["a", "b", "c"], &["a", "b"], None).unwrap()[0].contains("serves c as well"));
        assert!(checked(&["a"], &["a"], Some("event")).unwrap()[0].contains("FUNC_TYPE says event"));
        for same in ["http", "typed"] {
            assert_eq!(checked(&["a"], &["a"], Some(same)), Ok(vec![]));
        }
    }

    /// A shell writes the program, not this process: while a file is open for writing here, a process that another test
    /// starts inherits it for a moment, and the kernel runs no file that anybody writes ("Text file busy").
    fn program(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("program");
        let writes = r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#;
        let written = Command::new("sh").args(["-c", writes, "sh", text]).arg(&path).status().unwrap();
        assert!(written.success(), "{written}");
        path
    }

    #[test]
    fn a_program_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"[ "$*" = --list-functions ] && echo '{"framework":"9","functions":[{"name":"a","kind":"http","path":"/a","new":1}]}'"#;
        let listing = ask(&program(folder.path(), text), PATIENCE).unwrap();
        assert_eq!((listing.framework.as_str(), listing.functions[0].path.as_deref()), ("9", Some("/a")));
    }

    #[test]
    fn a_program_that_does_not_answer_does_not_hold_the_build_up() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("echo what? >&2; exit 64", "it ended with exit status: 64: what?"),
            ("echo serving", "it printed something else"),
            ("exec sleep 600", "it did not answer in 0 s"),
            // What it starts holds the stream open after it has ended.
            ("sleep 5 & exit 0", "it did not answer in 0 s"),
        ] {
            let patience = if text.contains("sleep") { Duration::from_millis(200) } else { PATIENCE };
            let error = ask(&program(folder.path(), text), patience).unwrap_err();
            assert!(error.why.starts_with(expected), "{text}: {error:?}");
            assert_eq!(error.usage, text.contains("64"));
        }
        assert!(ask(&folder.path().join("gone"), PATIENCE).unwrap_err().why.starts_with("it cannot be run here"));
    }
}
