//! What the system says of the process, by the names that Prometheus' own libraries give it. Only Linux says it.

use std::{
    fmt::{Display, Write as _},
    fs,
};

/// The clock ticks of `/proc` in a second; Linux has no other number for programs.
const TICKS: f64 = 100.0;

/// Reads it.
pub(super) fn render() -> String {
    let mut text = String::new();
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let status = read("/proc/self/status");
    for (name, key, help) in [
        ("process_resident_memory_bytes", "VmRSS", "Memory that the process has in use"),
        ("process_virtual_memory_bytes", "VmSize", "Memory that the process has reserved"),
    ] {
        write(&mut text, name, "gauge", help, kibibytes(&status, key).map(|size| size * 1024));
    }
    let (stat, system) = (read("/proc/self/stat"), read("/proc/stat"));
    // The name of the program comes before, and may have anything in it but a closing parenthesis after its own.
    let fields: Vec<f64> =
        stat.rsplit_once(')').map_or("", |(_, rest)| rest).split(' ').map(|field| field.parse().unwrap_or(0.0)).collect();
    // Numbered as proc(5) does: the third comes first here, after a space.
    let field = |number: usize| fields.get(number - 2).copied();
    let cpu = field(14).zip(field(15)).map(|(user, system)| (user + system) / TICKS);
    write(
        &mut text,
        "process_cpu_seconds_total",
        "counter",
        "Time that the process has computed, in user and system mode",
        cpu,
    );
    write(&mut text, "process_threads", "gauge", "Threads of the process", field(20));
    let boot = system.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok());
    let started = field(22).zip(boot).map(|(ticks, boot)| boot + ticks / TICKS);
    write(&mut text, "process_start_time_seconds", "gauge", "When the process started, in seconds since 1970", started);
    // One is open to read the folder.
    let open = fs::read_dir("/proc/self/fd").map(|entries| entries.count().saturating_sub(1)).ok();
    write(&mut text, "process_open_fds", "gauge", "File descriptors that are open", open);
    let limits = read("/proc/self/limits");
    let most =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse::<u64>().ok());
    write(&mut text, "process_max_fds", "gauge", "File descriptors that may be open", most);
    text
}

fn kibibytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn write(text: &mut String, name: &str, kind: &str, help: &str, value: Option<impl Display>) {
    let Some(value) = value else { return };
    // Writing to a text cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_process_is_as_the_system_sees_it() {
        let text = render();
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name}:\n{text}")).parse().unwrap()
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let resident = value("process_resident_memory_bytes");
        assert!(resident > 1e6 && resident <= value("process_virtual_memory_bytes"), "{text}");
        assert!((now - 86_400.0..=now + 2.0).contains(&value("process_start_time_seconds")), "{text}");
        assert!(value("process_cpu_seconds_total") < 86_400.0 && value("process_threads") >= 1.0, "{text}");
        assert!((3.0..=value("process_max_fds")).contains(&value("process_open_fds")), "{text}");
    }
}
