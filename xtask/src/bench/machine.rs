//! The machine, and the versions of what is measured and measures.

use std::{
    fs,
    process::{Command, Stdio},
};

/// What is known of it, by its name.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Machine {
    /// Asks the system, and each program for its version; one that is not there is left out.
    pub(crate) fn describe() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut facts = vec![
            (
                "processor",
                format!("{} of {}", cores, value(&read("/proc/cpuinfo"), "model name").unwrap_or("an unknown model")),
            ),
            ("memory", gibibytes(&read("/proc/meminfo")).unwrap_or_else(|| "unknown".to_owned())),
            ("kernel", read("/proc/sys/kernel/osrelease").trim().to_owned()),
        ];
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        for (name, program, flag) in [
            ("rustc", rustc.as_str(), "--version"),
            ("valgrind", "valgrind", "--version"),
            ("wrk", "wrk", "-v"),
            ("go", "go", "version"),
            ("node", "node", "--version"),
            ("java", "java", "--version"),
        ] {
            facts.extend(version(program, flag).map(|version| (name, version)));
        }
        Self { facts }
    }

    /// One of the facts; nothing when it is not known.
    pub(crate) fn fact(&self, name: &str) -> &str {
        self.facts.iter().find(|(known, _)| *known == name).map_or("", |(_, fact)| fact)
    }

    /// As lines to read.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.facts.iter().map(|(name, fact)| format!("{name}: {fact}"))
    }
}

/// The first line of what it answers; wrk answers, and calls it a failure.
fn version(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let first = said.lines().next()?.trim();
    (!first.is_empty()).then(|| first.split(" Copyright").next().unwrap_or(first).to_owned())
}

/// The value of a name in a file of `/proc`.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn gibibytes(meminfo: &str) -> Option<String> {
    let kib: u64 = value(meminfo, "MemTotal")?.strip_suffix(" kB")?.parse().ok()?;
    Some(format!("{} GiB", (kib + (1 << 19)) >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_in_what_the_system_says() {
        assert_eq!(value("vendor_id\t: X\nmodel name\t: Fast 3000\n", "model name"), Some("Fast 3000"));
        assert_eq!(gibibytes("MemTotal:       24737612 kB\n").as_deref(), Some("24 GiB"));
        assert_eq!(gibibytes(""), None);
    }
}
