//! Memory: of a process that waits, that has worked, that has a thousand connections, and that takes uploads.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use super::{
    client::Client,
    figure::{Cell, Figure},
    load, process,
    request::{Request, Shape},
    server::{Program, Server},
    wrk::Load,
};
use crate::Result;

const CONNECTIONS: u32 = 1000;

/// So many bodies come at once, and are so large.
pub(crate) const UPLOADS: usize = 50;
pub(crate) const UPLOAD: usize = 10 << 20;

/// Measures a server that greets: waiting, after a load, and with idle connections.
pub(crate) fn measure(program: &Program, seconds: u32, cell: &mut Cell) -> Result {
    let request = Shape::Get.request();
    let mib = |kib: u32| f64::from(kib) / 1024.0;

    let server = Server::spawn(&[], program)?.ready(&request)?;
    load::settle();
    cell.add(Figure::IdleMib, mib(process::memory(server.id())?.resident));
    Load { connections: load::CONNECTIONS, seconds, core: None }.run(server.port(), &request)?;
    load::settle();
    cell.add(Figure::LoadedMib, mib(process::memory(server.id())?.resident));
    drop(server);

    let server = Server::spawn(&[], program)?.ready(&request)?;
    // Past what is made once.
    let mut one = server.connect(&request)?;
    (0..200).try_for_each(|_| one.send(&request))?;
    load::settle();
    let before = process::memory(server.id())?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = server.connect(&request)?;
        client.send(&request)?;
        clients.push(client);
    }
    thread::sleep(Duration::from_secs(1));
    let with = process::memory(server.id())?;
    // Those that were closed take no memory: all must still be served.
    clients.iter_mut().try_for_each(|client| client.send(&request)).map_err(|error| format!("an idle connection: {error}"))?;
    cell.add(Figure::ConnectedMib, mib(with.resident));
    cell.add(Figure::ConnectionKib, (f64::from(with.anonymous) - f64::from(before.anonymous)) / f64::from(CONNECTIONS));
    Ok(())
}

/// Sends uploads, all at once, to a server that answers their length; the figure is the most memory it had.
pub(crate) fn uploads(program: &Program, figure: Figure, cell: &mut Cell) -> Result {
    let request = Shape::Upload(UPLOAD).request();
    let small = Shape::Upload(1024).request();
    let server = Server::spawn(&[], program)?.ready(&small)?;
    process::forget_peak(server.id())?;
    let sent = |server: &Server, request: &Request| -> Result {
        let mut client: Client = server.connect(request)?;
        client.send(request)
    };
    thread::scope(|scope| {
        let uploads: Vec<_> = (0..UPLOADS).map(|_| scope.spawn(|| sent(&server, &request))).collect();
        uploads.into_iter().try_for_each(|upload| upload.join().map_err(|_| "an upload panicked")?)
    })?;
    cell.add(figure, f64::from(process::memory(server.id())?.peak) / 1024.0);
    Ok(())
}

/// Lets this process, and those it starts, have that many connections at once.
pub(crate) fn allow_connections() -> Result {
    const WANTED: &str = "--nofile=8192:";
    let limits = fs::read_to_string("/proc/self/limits")?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    if soft.is_some_and(|soft| soft.parse::<u64>().map_or(soft == "unlimited", |soft| soft >= 8192)) {
        return Ok(());
    }
    let status = Command::new("prlimit").args(["--pid", &std::process::id().to_string(), WANTED]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("{CONNECTIONS} connections need as many open files: `ulimit -n 8192` before this allows them").into()),
    }
}

/// The bytes of a program without its symbols.
pub(crate) fn stripped(program: &Path) -> Result<u64> {
    let out = program.with_extension("stripped");
    let status = Command::new("strip").arg("-o").arg(&out).arg(program).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(format!("strip, which comes with the linker (binutils), cannot strip {}", program.display()).into());
    }
    let size = fs::metadata(&out)?.len();
    fs::remove_file(&out)?;
    Ok(size)
}
