//! How long a started image takes to answer, and what it takes of memory.

use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use black_box_tests::{Port, proc};

use crate::{
    Doing, Error, Result,
    oci::Image,
    started::{INSIDE, unpacked, words},
};

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was measured of an image.
#[derive(Debug)]
pub struct Figures {
    /// How long it took from the start of the launcher to the end of an answer, the shortest first.
    pub first_answers: Vec<Duration>,
    /// What was resident after an answer, in KiB.
    pub resident: u64,
    /// The most that ever was.
    pub most_resident: u64,
    /// What is unpacked, in bytes.
    pub unpacked: u64,
}

impl Figures {
    /// The first answer in the middle of all.
    pub fn median(&self) -> Duration {
        self.at(50)
    }

    /// The first answer that so many of a hundred are not slower than.
    pub fn at(&self, percent: usize) -> Duration {
        let last = self.first_answers.len().saturating_sub(1);
        self.first_answers.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// Starts an image so often, one after the other, and asks for `/` each time.
///
/// # Errors
/// When it cannot be unpacked, or does not answer.
pub fn start(image: &Image, folder: &Path, times: usize) -> Result<Figures> {
    let root = unpacked(image, folder)?;
    let mut figures = Figures { first_answers: Vec::new(), resident: 0, most_resident: 0, unpacked: size(root.path())? };
    for _ in 0..times {
        let port = Port::free();
        let variable = port.number().to_string();
        let mut waiting = Waiting::new(root.path(), words(image, root.path(), &[("PORT", &variable)])?)?;
        let began = Instant::now();
        waiting.go()?;
        answer((Ipv4Addr::LOCALHOST, port.number()).into(), began)?;
        figures.first_answers.push(began.elapsed());
        let id = waiting.0.id();
        figures.resident = proc::memory_kib(id, "VmRSS");
        figures.most_resident = figures.most_resident.max(proc::memory_kib(id, "VmHWM"));
    }
    figures.first_answers.sort_unstable();
    Ok(figures)
}

/// A container that has its mounts, and goes on when it is told.
struct Waiting(Child);

impl Waiting {
    fn new(root: &Path, words: Vec<OsString>) -> Result<Self> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-euc", INSIDE, "sh"]).arg(root).arg("yes").args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut waiting = Self(command.spawn().doing(|| "start the image".to_owned())?);
        let mut line = String::new();
        if let Some(output) = waiting.0.stdout.as_mut() {
            BufReader::new(output).read_line(&mut line)?;
        }
        if line == "ready\n" { Ok(waiting) } else { Err(Error::new("the root of the image could not be made read-only")) }
    }

    fn go(&mut self) -> Result {
        let Some(input) = self.0.stdin.as_mut() else { return Err(Error::new("there is nobody to tell to go on")) };
        input.write_all(b"go\n").doing(|| "tell it to go on".to_owned())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until there is an answer.
fn answer(address: SocketAddr, began: Instant) -> Result {
    let refused = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) if refused(&error) && began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_micros(100)),
            Err(error) => return Err(error).doing(|| format!("reach the image at {address}")),
        }
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).doing(|| "read the answer".to_owned())?;
    if text.starts_with(b"HTTP/1.1 ") { Ok(()) } else { Err(Error::new("what came is no answer")) }
}

/// The bytes of all files in a folder.
fn size(path: &Path) -> Result<u64> {
    let about = path.symlink_metadata()?;
    if !about.is_dir() {
        return Ok(if about.is_file() { about.len() } else { 0 });
    }
    let mut sum = 0;
    for entry in std::fs::read_dir(path)? {
        sum += size(&entry?.path())?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let first_answers = (1..=50).map(Duration::from_millis).collect();
        let figures = Figures { first_answers, resident: 0, most_resident: 0, unpacked: 0 };
        assert_eq!((figures.median().as_millis(), figures.at(95).as_millis(), figures.at(100).as_millis()), (25, 47, 50));
    }
}
