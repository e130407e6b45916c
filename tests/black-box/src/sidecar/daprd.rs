//! A sidecar that runs.

use std::net::{Ipv4Addr, SocketAddr};

use tools::Tool;

use super::{API_TOKEN, APP_TOKEN, AppPort, Sidecar};
use crate::{Connection, Ended, Folder, Log, Port, Program, Request, Start, service::Service};

/// A sidecar that runs, and is killed when nobody holds it any more.
#[derive(Debug)]
pub struct Daprd {
    service: Service,
    ports: Ports,
    app_port: Option<AppPort>,
    tokens: Vec<(&'static str, String)>,
    _folder: Folder,
}

#[derive(Debug)]
struct Ports {
    http: Port,
    grpc: Port,
    internal: Port,
    metrics: Port,
    profile: Port,
}

impl Daprd {
    #[track_caller]
    pub(super) fn start(sidecar: Sidecar) -> Self {
        let free = Port::free;
        let ports = Ports { http: free(), grpc: free(), internal: free(), metrics: free(), profile: free() };
        let folder = Folder::new(&format!("daprd-{}", ports.http.number()));
        sidecar.write(&folder, ports.internal.number());
        let service = Service::new(Tool::Daprd, arguments(&sidecar, &ports, &folder));
        // Else it asks the system which of its addresses it has.
        let service = service.envs([("DAPR_HOST_IP".to_owned(), "127.0.0.1".to_owned())]).envs(sidecar.variables.clone());
        let token = |name| sidecar.variables.iter().find(|(known, _)| known == name).map(|(_, token)| (name, token.clone()));
        let tokens = [API_TOKEN, APP_TOKEN].into_iter().filter_map(token).collect();
        let app_port = sidecar.app.map(|(_, port)| port);
        let mut daprd = Self { service, ports, app_port, tokens, _folder: folder };
        daprd.start_again();
        daprd
    }

    /// Starts it again after a stop or a kill, as it was.
    #[track_caller]
    pub fn start_again(&mut self) {
        let (http, grpc) = (self.http(), self.grpc());
        self.service.start(|output| {
            let wrote = output.text();
            // It is this one that answers, and at both ports; with a component that is broken it answers, too, and ends then.
            wrote.contains(&format!("HTTP server listening on TCP address: {http}"))
                && wrote.contains(&format!("gRPC server listening on TCP address: {grpc}"))
                && !wrote.contains("daprd will exit")
                && is_up(http, "/v1.0/healthz/outbound")
        });
    }

    /// Where its HTTP API is.
    pub fn http(&self) -> SocketAddr {
        local(&self.ports.http)
    }

    /// Where its gRPC API is.
    pub fn grpc(&self) -> SocketAddr {
        local(&self.ports.grpc)
    }

    /// Where its figures are.
    pub fn metrics(&self) -> SocketAddr {
        local(&self.ports.metrics)
    }

    /// The port at which it calls the app.
    #[track_caller]
    pub fn app_port(&self) -> u16 {
        self.app_port.as_ref().expect("the sidecar has an app").number()
    }

    pub(super) const fn internal_port(&self) -> u16 {
        self.ports.internal.number()
    }

    pub(super) fn api_token(&self) -> Option<&str> {
        self.tokens.iter().find(|(name, _)| *name == API_TOKEN).map(|(_, token)| token.as_str())
    }

    /// Its process id.
    #[track_caller]
    pub fn id(&self) -> u32 {
        self.service.id()
    }

    /// What it has written since its start.
    #[track_caller]
    pub fn log(&self) -> &Log {
        self.service.output()
    }

    /// What a function beside it finds in its environment.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let ports = [("DAPR_HTTP_PORT", &self.ports.http), ("DAPR_GRPC_PORT", &self.ports.grpc)];
        let ports = ports.map(|(name, port)| (name, port.number().to_string()));
        ports.into_iter().chain(self.tokens.clone()).collect()
    }

    /// Starts a function beside it, at the port that it calls, and waits until it listens; again after it has ended.
    #[track_caller]
    pub fn start_function(&self, start: Start) -> Program {
        start.env("PORT", self.app_port().to_string()).envs(self.variables()).serve()
    }

    /// Waits until it has found the app, and has asked it for its inputs.
    #[track_caller]
    pub fn wait_until_ready(&mut self) {
        let http = self.http();
        self.service.wait("the app is found", || is_up(http, "/v1.0/healthz").then_some(()));
    }

    pub(super) fn is_ready(&self) -> bool {
        is_up(self.http(), "/v1.0/healthz")
    }

    /// Waits until `look` finds something, and not longer than it runs.
    #[track_caller]
    pub fn wait<T>(&mut self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        self.service.wait(what, look)
    }

    /// Asks it to end (SIGTERM), and goes on.
    #[track_caller]
    pub fn ask_to_end(&self) {
        self.service.ask_to_end();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ended(&mut self) -> Ended {
        self.service.ended()
    }

    /// Asks it to end (SIGTERM) and waits.
    #[track_caller]
    pub fn stop(&mut self) -> Ended {
        self.service.stop()
    }

    /// Kills it (SIGKILL).
    #[track_caller]
    pub fn kill(&mut self) -> Ended {
        self.service.kill()
    }
}

/// Whether a path of its health answers well; its API has no secrets in there.
fn is_up(http: SocketAddr, path: &str) -> bool {
    let answer = Connection::try_open(http).and_then(|mut connection| connection.try_send(&Request::get(path)));
    answer.is_ok_and(|answer| answer.status == 204)
}

fn local(port: &Port) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port.number()).into()
}

/// Every port and address is said, since the defaults are those of a machine with one sidecar, and of all its networks.
fn arguments(sidecar: &Sidecar, ports: &Ports, folder: &Folder) -> Vec<String> {
    let mut arguments = vec!["--app-id".to_owned(), sidecar.app_id.clone()];
    let mut flag = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    flag("dapr-http-port", ports.http.number().to_string());
    flag("dapr-grpc-port", ports.grpc.number().to_string());
    flag("dapr-internal-grpc-port", ports.internal.number().to_string());
    flag("metrics-port", ports.metrics.number().to_string());
    flag("profile-port", ports.profile.number().to_string());
    for listens in ["dapr-listen-addresses", "dapr-internal-grpc-listen-address", "metrics-listen-address"] {
        flag(listens, Ipv4Addr::LOCALHOST.to_string());
    }
    flag("config", folder.path().join("configuration.yaml").display().to_string());
    flag("resources-path", folder.path().join("resources").display().to_string());
    if let Some((protocol, port)) = &sidecar.app {
        flag("app-protocol", protocol.to_string());
        flag("app-port", port.number().to_string());
        flag("app-channel-address", Ipv4Addr::LOCALHOST.to_string());
    }
    arguments.push("--log-as-json".to_owned());
    arguments.extend(sidecar.flags.iter().cloned());
    arguments
}
