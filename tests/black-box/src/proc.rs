//! What the system knows of a process (Linux).

use std::{
    collections::HashSet,
    fs,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

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
    listening(id).first().map(SocketAddr::port)
}

/// Where it listens.
pub fn listening(id: u32) -> Vec<SocketAddr> {
    let sockets: HashSet<String> = fs::read_dir(format!("/proc/{id}/fd"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.to_str()?.to_owned()))
        .collect();
    let tables = ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{id}/net/{table}")).unwrap_or_default());
    let of_process = |line: &&str| {
        const LISTEN: &str = "0A";
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(3) == Some(&LISTEN) && words.get(9).is_some_and(|inode| sockets.contains(&format!("socket:[{inode}]")))
    };
    let lines = tables.iter().flat_map(|table| table.lines()).filter(of_process);
    lines.filter_map(|line| address(line.split_whitespace().nth(1)?)).collect()
}

/// An address as the tables have it: words of 32 bits in the order of the machine, in hexadecimal.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    let ip = match ip.len() {
        8 => IpAddr::from(word(0)?),
        _ => IpAddr::from(<[u8; 16]>::try_from([word(0)?, word(8)?, word(16)?, word(24)?].concat()).ok()?),
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// The processor's time that it has used so far, in user and in kernel mode.
pub fn processor_time(id: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).expect("the process lives");
    // The name may have spaces; after it, the times are the twelfth and the thirteenth.
    let (_, fields) = text.rsplit_once(')').expect("a name is in brackets");
    let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("it is a number"));
    // A tick has had a hundredth of a second on Linux for decades, whatever the kernel counts in.
    Duration::from_millis(10 * ticks.sum::<u64>())
}
