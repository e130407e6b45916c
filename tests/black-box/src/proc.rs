//! What the system knows of a process (Linux).

use std::{collections::HashSet, fs};

/// A figure of `/proc/<id>/status` in KiB, such as `VmHWM`, the most memory that was ever resident.
pub fn memory_kib(id: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("there is such a figure");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number")
}

/// How many files and sockets it has open.
pub fn open_files(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/fd")).expect("the process lives").count()
}

/// The port it listens on.
pub fn listening_port(id: u32) -> Option<u16> {
    let sockets: HashSet<String> = fs::read_dir(format!("/proc/{id}/fd"))
        .ok()?
        .filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.to_str()?.to_owned()))
        .collect();
    ["tcp", "tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(format!("/proc/{id}/net/{table}")).ok()?;
        table.lines().find_map(|line| {
            const LISTEN: &str = "0A";
            let words: Vec<&str> = line.split_whitespace().collect();
            let inode = words.get(9)?;
            if words.get(3) != Some(&LISTEN) || !sockets.contains(&format!("socket:[{inode}]")) {
                return None;
            }
            u16::from_str_radix(words[1].rsplit(':').next()?, 16).ok()
        })
    })
}
