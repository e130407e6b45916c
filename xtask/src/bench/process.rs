//! What the system says of processes, and of itself: `/proc` of Linux.

use std::{collections::HashMap, fs, io, path::Path, time::Duration};

use crate::Result;

/// The unit of times in `/proc`; the kernel shows a hundred a second whatever it counts in.
const TICK: Duration = Duration::from_millis(10);

/// Fails where there is no `/proc`.
pub(crate) fn check() -> Result {
    let there = Path::new("/proc/self/stat").is_file();
    if there {
        Ok(())
    } else {
        Err("processor time and memory are read from /proc, which is Linux's: only counts can be had here (`--phases instructions`)".into())
    }
}

/// A process and what it has started, itself first.
pub(crate) fn tree(root: u32) -> io::Result<Vec<u32>> {
    let mut children = HashMap::<u32, Vec<u32>>::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = stat(id) {
            children.entry(stat.parent).or_default().push(id);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(id) = found.get(next) {
        found.extend(children.remove(id).unwrap_or_default());
        next += 1;
    }
    Ok(found)
}

/// The processor time that a process and what it has started have used, with that of those that have ended.
pub(crate) fn processor_time(root: u32) -> io::Result<Duration> {
    let ticks: u32 = tree(root)?.into_iter().filter_map(stat).map(|stat| stat.own + stat.ended).sum();
    Ok(TICK * ticks)
}

/// The processor time of the processes that this one has started and waited for.
pub(crate) fn processor_time_of_ended() -> Duration {
    TICK * stat(std::process::id()).map_or(0, |stat| stat.ended)
}

/// What `/proc/<id>/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Ticks of itself.
    own: u32,
    /// Ticks of children that it has waited for.
    ended: u32,
}

/// None of a process that has gone meanwhile.
fn stat(id: u32) -> Option<Stat> {
    Stat::read(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

impl Stat {
    /// The name, in parentheses, may have spaces and parentheses of its own.
    fn read(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse::<u32>().ok();
        Some(Self { parent: number(1)?, own: number(11)? + number(12)?, ended: number(13)? + number(14)? })
    }
}

/// Memory in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident: u32,
    /// The most there was, since the start or [`forget_peak`].
    pub(crate) peak: u32,
    /// Of what is resident, that which no file is behind.
    pub(crate) anonymous: u32,
}

/// The memory of a process and of what it has started.
pub(crate) fn memory(root: u32) -> io::Result<Memory> {
    let mut sum = Memory::default();
    for id in tree(root)? {
        // One that has gone has no memory.
        let one = fs::read_to_string(format!("/proc/{id}/status")).map(|text| Memory::read(&text)).unwrap_or_default();
        sum.resident += one.resident;
        sum.peak += one.peak;
        sum.anonymous += one.anonymous;
    }
    Ok(sum)
}

impl Memory {
    fn read(status: &str) -> Self {
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
        };
        Self { resident: of("VmRSS"), peak: of("VmHWM"), anonymous: of("RssAnon") }
    }
}

/// Has the most memory of a process counted anew from now.
pub(crate) fn forget_peak(root: u32) -> io::Result<()> {
    tree(root)?.into_iter().try_for_each(|id| fs::write(format!("/proc/{id}/clear_refs"), "5"))
}

/// The processor time that all of this machine has used, with what its host took from it.
pub(crate) fn machine_time() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat")?;
    Ok(TICK * busy(&text).ok_or("/proc/stat does not begin with the times of all processors")?)
}

fn busy(stat: &str) -> Option<u32> {
    let times: Vec<u64> =
        stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen, ..] = times[..] else { return None };
    u32::try_from(user + nice + system + interrupts + soft_interrupts + stolen).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "4711 (a (b) c) S 17 4711 4711 0 -1 4194560 10 20 30 40 250 50 7 3 20 0 9 0 100 1000 200";
        assert_eq!(Stat::read(text), Some(Stat { parent: 17, own: 300, ended: 10 }));
        assert_eq!(Stat::read("4711 (a) S 17"), None);
    }

    #[test]
    fn memory_is_found_by_its_names() {
        let status = "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    4096 kB\nVmRSS:\t    3072 kB\nRssAnon:\t     512 kB\n";
        assert_eq!(Memory::read(status), Memory { resident: 3072, peak: 4096, anonymous: 512 });
        assert_eq!(Memory::read("Name:\tx\n"), Memory::default());
    }

    #[test]
    fn a_machine_is_busy_with_all_but_waiting() {
        assert_eq!(busy("cpu  100 1 20 5000 300 2 3 4 0 0\ncpu0 1 1 1 1\n"), Some(130));
        assert_eq!(busy("intr 1 2 3\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_has_a_tree_processor_time_and_memory() {
        let mut child = std::process::Command::new("sh").args(["-c", "sleep 20 & wait"]).spawn().unwrap();
        let id = child.id();
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        let grown = |id| tree(id).unwrap().len() == 2;
        while !grown(id) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        let found = tree(id).unwrap();
        let memory = memory(id).unwrap();
        for id in found.iter().skip(1) {
            std::process::Command::new("sh").args(["-c", "kill \"$0\"", &id.to_string()]).status().unwrap();
        }
        child.wait().unwrap();
        assert_eq!((found[0], found.len()), (id, 2));
        assert!(memory.resident > 0 && memory.peak >= memory.resident, "{memory:?}");
        assert!(processor_time(std::process::id()).unwrap() <= machine_time().unwrap());
    }
}
