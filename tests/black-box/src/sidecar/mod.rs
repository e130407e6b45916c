//! The real sidecar, beside a function or alone.
//!
//! ```no_run
//! use black_box_tests::{AppProtocol, Sidecar, Start, component};
//!
//! let sidecar = Sidecar::new("shop").app(AppProtocol::Grpc).with(component::memory_topics("events")).start();
//! let function = sidecar.start_function(Start::new("target/debug/orders"));
//! sidecar.wait_for_subscriptions(1);
//! sidecar.publish("events", "orders", "application/json", r#"{"number":7}"#);
//! ```

mod api;
mod daprd;

use std::{fmt, fs};

use serde_json::{Value, json};

pub use self::daprd::Daprd;
use crate::{Folder, Port, Resource};

/// The tokens, by the names of the variables that have them on either side.
const API_TOKEN: &str = "DAPR_API_TOKEN";
const APP_TOKEN: &str = "APP_API_TOKEN";

/// What a function's port is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppProtocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS.
    H2c,
    /// gRPC without TLS.
    Grpc,
}

impl AppProtocol {
    /// Both ways a function is called on the platform.
    pub const BOTH: [Self; 2] = [Self::Http, Self::Grpc];
}

impl fmt::Display for AppProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::H2c => "h2c",
            Self::Grpc => "grpc",
        })
    }
}

/// How to start a sidecar: on ports of its own at 127.0.0.1, with nothing loaded but what it is given.
#[derive(Debug)]
pub struct Sidecar {
    app_id: String,
    app: Option<(AppProtocol, AppPort)>,
    resources: Vec<Resource>,
    flags: Vec<String>,
    variables: Vec<(String, String)>,
    configuration: Value,
    peer: Option<u16>,
}

/// The port of the app: kept for it, or one where it listens already.
#[derive(Debug)]
enum AppPort {
    Kept(Port),
    Given(u16),
}

impl AppPort {
    const fn number(&self) -> u16 {
        match self {
            Self::Kept(port) => port.number(),
            Self::Given(number) => *number,
        }
    }
}

impl Sidecar {
    /// Of an app that it does not call.
    pub fn new(app_id: &str) -> Self {
        Self {
            app_id: app_id.to_owned(),
            app: None,
            resources: Vec::new(),
            flags: Vec::new(),
            variables: Vec::new(),
            configuration: json!({}),
            peer: None,
        }
    }

    /// Calls an app at a free port: [`Daprd::start_function`] starts it there.
    #[must_use]
    pub fn app(mut self, protocol: AppProtocol) -> Self {
        self.app = Some((protocol, AppPort::Kept(Port::free())));
        self
    }

    /// Calls an app at this port.
    #[must_use]
    pub fn app_at(mut self, protocol: AppProtocol, port: u16) -> Self {
        self.app = Some((protocol, AppPort::Given(port)));
        self
    }

    /// Loads a component, a subscription or a policy.
    #[must_use]
    pub fn with(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Adds a flag: `--max-body-size 64Mi`.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.extend(flag.split(' ').map(str::to_owned));
        self
    }

    /// Sets a variable of its environment, such as a secret.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends this token with what it delivers.
    #[must_use]
    pub fn app_token(self, token: &str) -> Self {
        self.env(APP_TOKEN, token)
    }

    /// Takes only calls that have this token.
    #[must_use]
    pub fn api_token(self, token: &str) -> Self {
        self.env(API_TOKEN, token)
    }

    /// Asks the app for its health each second, and takes one bad answer for an illness.
    #[must_use]
    pub fn health_checks(self, path: &str) -> Self {
        self.flag("--enable-app-health-check --app-health-probe-interval 1 --app-health-threshold 1")
            .flag(&format!("--app-health-check-path {path}"))
    }

    /// Keeps its API up for so many seconds after SIGTERM, while it takes no more events.
    #[must_use]
    pub fn blocks_shutdown(self, seconds: u32) -> Self {
        self.flag(&format!("--dapr-block-shutdown-duration {seconds}s"))
    }

    /// Sets what its configuration has in its `spec`: `("tracing", json!({ "samplingRate": "1" }))`.
    #[must_use]
    pub fn configure(mut self, field: &str, value: Value) -> Self {
        self.configuration[field] = value;
        self
    }

    /// Finds every other app beside that sidecar. Without this every app is its own.
    #[must_use]
    pub fn peer(mut self, other: &Daprd) -> Self {
        self.peer = Some(other.internal_port());
        self
    }

    /// Starts it and waits until its API is up. It may wait for the app then, and for nothing else.
    #[track_caller]
    pub fn start(self) -> Daprd {
        Daprd::start(self)
    }

    /// Writes what it loads. The resources are a folder of their own, which it watches.
    fn write(&self, folder: &Folder, internal_port: u16) {
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file can be written");
        let mut spec = self.configuration.clone();
        // The default asks the whole network. A resolver must use the id; as the authority of an address it changes nothing.
        let format = format!("passthrough://{{appid}}/127.0.0.1:{}", self.peer.unwrap_or(internal_port));
        spec["nameResolution"] = json!({ "component": "nameformat", "configuration": { "format": format } });
        let configuration =
            json!({ "apiVersion": "dapr.io/v1alpha1", "kind": "Configuration", "metadata": { "name": "test" }, "spec": spec });
        write("configuration.yaml", &configuration.to_string());
        fs::create_dir_all(folder.path().join("resources")).expect("a folder can be made");
        for (number, resource) in self.resources.iter().enumerate() {
            write(&format!("resources/{number}.yaml"), &resource.text());
        }
    }
}
