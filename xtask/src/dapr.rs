//! `cargo xtask dapr`: an example beside a real sidecar, as it would run on a cluster.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tools::Tool;

use crate::{Result, tools as tool, workspace};

const USAGE: &str = "\
cargo xtask dapr <example> [options]

Runs an example of examples/ at port 8080 beside a real Dapr sidecar, which loads the components of its folder `dapr`. The
program is the one that `cargo run` starts; its function.yaml says what it is called by and sends to.

  --port <port>   the port of the function
  --http          the sidecar calls it over HTTP, and not over gRPC

Ctrl-C ends both.";

/// Runs the command; what is left of the command line are its options.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    use lexopt::{Arg, ValueExt};

    let (mut example, mut port, mut protocol) = (None, 8080, "grpc");
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Value(name) if example.is_none() => example = Some(name.string()?),
            Arg::Long("port") => port = arguments.value()?.parse::<u16>()?,
            Arg::Long("http") => protocol = "http",
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let example = example.ok_or_else(|| format!("which example?\n\n{USAGE}"))?;
    let folder = folder_of(&example)?;
    let daprd = tool::bring(&[Tool::Daprd])?.remove(0).1;
    let built = workspace::cargo().args(["build", "--package", &example]).status()?;
    if !built.success() {
        return Err(format!("`cargo build --package {example}` failed").into());
    }
    let program = workspace::target_dir().join("debug").join(&example);

    let ports = Ports::free()?;
    let sidecar = Ended(start_daprd(&mut Command::new(daprd), &folder.join("dapr"), &example, port, protocol, &ports)?);
    println!("sidecar: http://127.0.0.1:{} (app id {example}, app protocol {protocol})", ports.http);
    let status = Command::new(program)
        .current_dir(&folder)
        .env("PORT", port.to_string())
        .env("FUNCTION_MANIFEST", folder.join("function.yaml"))
        .env("DAPR_GRPC_PORT", ports.grpc.to_string())
        .env("DAPR_HTTP_PORT", ports.http.to_string())
        .env("APP_PROTOCOL", protocol)
        .status()?;
    drop(sidecar);
    if status.success() { Ok(()) } else { Err(format!("{example} ended with {status}").into()) }
}

/// The folder of an example that has components.
fn folder_of(example: &str) -> Result<PathBuf> {
    let examples = workspace::root().join("examples");
    let folder = examples.join(example);
    if folder.join("dapr").is_dir() {
        return Ok(folder);
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&examples)? {
        let entry = entry?;
        if entry.path().join("dapr").is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Err(format!("there are no components in examples/{example}/dapr; the examples that have some are {}", names.join(", "))
        .into())
}

/// The ports of a sidecar.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) http: u16,
    pub(crate) grpc: u16,
    internal: u16,
    pub(crate) metrics: u16,
    profile: u16,
}

impl Ports {
    pub(crate) fn free() -> Result<Self> {
        // Held until all are found: else one could be given twice.
        let listeners = (0..5).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<std::io::Result<Vec<_>>>()?;
        let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self { http: ports[0], grpc: ports[1], internal: ports[2], metrics: ports[3], profile: ports[4] })
    }
}

/// Starts it for the app at `port`, with the components of a folder.
pub(crate) fn start_daprd(
    command: &mut Command,
    resources: &Path,
    app: &str,
    port: u16,
    protocol: &str,
    ports: &Ports,
) -> Result<Child> {
    command.env("DAPR_HOST_IP", "127.0.0.1").stdin(Stdio::null());
    command.args(["--app-id", app, "--app-protocol", protocol, "--mode", "standalone", "--log-level", "warn"]);
    command.args(["--app-channel-address", "127.0.0.1", "--dapr-listen-addresses", "127.0.0.1"]);
    command.args(["--dapr-internal-grpc-listen-address", "127.0.0.1", "--metrics-listen-address", "127.0.0.1"]);
    command.arg("--resources-path").arg(resources);
    for (flag, port) in [
        ("--app-port", port),
        ("--dapr-http-port", ports.http),
        ("--dapr-grpc-port", ports.grpc),
        ("--dapr-internal-grpc-port", ports.internal),
        ("--metrics-port", ports.metrics),
        ("--profile-port", ports.profile),
    ] {
        command.args([flag, &port.to_string()]);
    }
    command.spawn().map_err(|error| format!("cannot start daprd: {error}").into())
}

/// A process that is ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself: Ctrl-C reaches it too.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
