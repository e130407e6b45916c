//! The steps of a start, each of which can fail in its own way and with its own exit code.

use std::{
    fmt,
    io::{self, Write as _},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};

use http::Method;
use tokio::{
    net::{TcpListener, lookup_host},
    sync::Semaphore,
};

#[cfg(feature = "local")]
use crate::platform::{self, Desk};
use crate::{
    context::{Origin, Outside},
    delivery::{Rules, Terms, Token},
    function::{Function, Kind, init::States},
    hooks::{
        Hooks,
        choice::{self, Lists},
        register::Registered,
    },
    listing,
    manifest::{
        Manifest, Mode, Provider,
        source::{Declaration, Reader},
    },
    platform::Backend,
    server::{
        Server,
        connections::Patience,
        crash,
        endpoint::{Endpoint, Limits},
        health::Health,
        log::Log,
        routes::{self, Route, Routes},
    },
    settings::{Invalid, Request, Settings, Switch},
    spelling::did_you_mean,
    telemetry::{self, Service, Traces},
};

/// An end of the process that is not a drain: what to say and the exit code (those of `sysexits.h`).
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    message: String,
}

impl Exit {
    pub(crate) const fn usage(message: String) -> Self {
        Self { code: 64, message }
    }

    const fn unavailable(message: String) -> Self {
        Self { code: 69, message }
    }

    pub(crate) const fn failed(message: String) -> Self {
        Self { code: 70, message }
    }

    pub(crate) const fn unfinished(message: String) -> Self {
        Self { code: 75, message }
    }

    pub(crate) const fn configuration(message: String) -> Self {
        Self { code: 78, message }
    }

    /// Says it on standard error, whatever the log is set to.
    pub(crate) fn report(self) -> ExitCode {
        telemetry::flush();
        eprintln!("error: {self}");
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Reads the command line, the environment and what was declared about the functions.
///
/// # Errors
/// The end of the process, when it is not asked to serve or cannot: what there is to say is said.
pub(crate) fn read(functions: &[Function]) -> Result<(Settings, Declaration), ExitCode> {
    let environment = |name: &str| std::env::var_os(name);
    let declaration = |settings: &Settings| {
        let (manifest, resources) = (settings.manifest.as_deref(), settings.resources.as_deref());
        let declaration = Declaration::read(manifest, resources, environment, reader(functions));
        declaration.map_err(|why| Exit::configuration(why).report())
    };
    let done = match Settings::read(std::env::args_os().skip(1), environment) {
        Ok(Request::Serve(settings)) => {
            let declaration = declaration(&settings)?;
            return Ok((*settings, declaration));
        }
        Ok(Request::PrintManifest(settings)) => print(&(declaration(&settings)?.manifest.to_json() + "\n")),
        Ok(Request::ListFunctions) => list(functions).map_or_else(Exit::report, |listing| print(&(listing + "\n"))),
        Ok(Request::Help) => print(&Settings::help()),
        Ok(Request::Version) => print(concat!("functions-framework ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(Invalid::Usage(text)) => Exit::usage(format!("{text}\n  --help lists what there is")).report(),
        Err(Invalid::Value(text)) => Exit::configuration(text).report(),
    };
    Err(done)
}

/// What reads what a person wrote at a desk; or why it is not read.
#[cfg(feature = "local")]
fn reader(functions: &[Function]) -> Result<Reader, &'static str> {
    desk(functions)
        .map(|desk| desk.reader)
        .ok_or("a release build without a function that takes a `Context` has no YAML: give it variables, or use a debug build")
}

#[cfg(not(feature = "local"))]
fn reader(_: &[Function]) -> Result<Reader, &'static str> {
    Err("reading it needs the feature `local` of functions-framework, which this program is built without")
}

/// Debug builds are for a desk. A release is for an image: there is no file in it to read, and what reads it would be a seventh of
/// its size. Only functions with a context need it in any case.
#[cfg(feature = "local")]
fn desk(functions: &[Function]) -> Option<&'static Desk> {
    let platform = if cfg!(debug_assertions) { platform::platform() } else { functions.iter().find_map(Function::platform) };
    platform.map(|platform| &platform.desk)
}

/// Gives the process the `params` of a manifest that was read, before there is anything to lose.
///
/// # Errors
/// The end of the process, which has become another one or cannot.
pub(crate) fn set_params(functions: &[Function], declaration: &Declaration) -> Result<(), ExitCode> {
    #[cfg(feature = "local")]
    if let Some(desk) = desk(functions) {
        return (desk.set_params)(&declaration.params).map_err(|done| done.unwrap_or_else(|why| Exit::failed(why).report()));
    }
    // Where nobody reads a manifest there are none.
    let _ = (functions, declaration);
    Ok(())
}

/// Logs where the manifest came from, and what a person should know of it.
pub(crate) fn tell(declaration: &Declaration) {
    if let Some(file) = &declaration.file {
        tracing::info!(file = %file.display(), "read the Function manifest");
    }
    for remark in &declaration.remarks {
        tracing::warn!("{remark}");
    }
}

/// Prints an answer on standard output.
fn print(answer: &str) -> ExitCode {
    match io::stdout().write_all(answer.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Exit::failed(format!("cannot write to standard output: {error}")).report(),
    }
}

/// The names of the functions: there are some, and no two are alike.
fn names(functions: &[Function]) -> Result<Vec<&str>, Exit> {
    let names: Vec<&str> = functions.iter().map(Function::name).collect();
    if names.is_empty() {
        return Err(Exit::usage("this program has no function".to_owned()));
    }
    if let Some(twice) = names.iter().enumerate().find_map(|(i, name)| names[..i].contains(name).then_some(*name)) {
        return Err(Exit::usage(format!(
            "two functions are named `{twice}`: give one another name with #[function(name = \"..\")]"
        )));
    }
    Ok(names)
}

/// What `--list-functions` prints, of functions that could be served.
fn list(functions: &[Function]) -> Result<String, Exit> {
    names(functions)?;
    listing::json(functions).map_err(|error| Exit::failed(format!("cannot list the functions: {error}")))
}

/// Picks the function to serve, or all.
pub(crate) fn choose(mut functions: Vec<Function>, target: Option<&str>) -> Result<Vec<Function>, Exit> {
    let names = names(&functions)?;
    let Some(target) = target else { return Ok(functions) };
    let Some(index) = names.iter().position(|name| *name == target) else {
        let hint = did_you_mean(target, names.iter().copied());
        return Err(Exit::usage(format!(
            "no function is named `{target}` (--target, FUNCTION_TARGET){hint}\n  functions: {}",
            names.join(", ")
        )));
    };
    Ok(vec![functions.swap_remove(index)])
}

/// Chooses the hooks that run, and says which.
pub(crate) fn hooks(
    registered: Vec<Registered>,
    settings: &Settings,
    declaration: &Declaration,
) -> Result<Option<Arc<Hooks>>, Exit> {
    let declared = &declaration.manifest.hooks;
    let (lists, whose) = match &settings.hooks {
        Some(names) => (Lists::Set(names), "FUNCTION_HOOKS"),
        None if declaration.is_there => (Lists::Declared(declared), "the hooks of the function context or Function manifest"),
        None => (Lists::Unsaid, ""),
    };
    let tracing = declaration.manifest.tracing.as_ref().map(|tracing| tracing.provider);
    let choice = choice::choose(registered, lists, tracing, settings.hook_errors).map_err(Exit::usage)?;
    for unknown in choice.unknown {
        let text = format!("{whose}: {unknown}");
        if settings.unknown_hooks_are_errors {
            return Err(Exit::configuration(format!("{text}\n  FUNCTION_UNKNOWN_HOOKS=warn starts without it")));
        }
        tracing::warn!("{text}");
    }
    let idle = choice.idle.join(", ");
    match lists {
        _ if idle.is_empty() => {}
        // Somebody has chosen in these very words.
        Lists::Set(_) => tracing::info!(hooks = idle, "registered hooks that do not run: FUNCTION_HOOKS does not name them"),
        _ => tracing::warn!(hooks = idle, "registered hooks that do not run: {whose} do not name them, FUNCTION_HOOKS can"),
    }
    if let Some(hooks) = &choice.hooks {
        let names = |indices: &[usize]| indices.iter().map(|&index| hooks.name(index)).collect::<Vec<_>>().join(", ");
        tracing::info!(before = names(&hooks.before), after = names(&hooks.after), "hooks run");
    }
    Ok(choice.hooks)
}

/// What the process is, for who traces and counts it.
pub(crate) fn service(functions: &[Function], settings: &Settings, declaration: &Declaration) -> Service {
    let Manifest { name, version, .. } = &declaration.manifest;
    let only = match functions {
        [only] => Some(only.name()),
        _ => settings.target.as_deref(),
    };
    let name = Some(name.as_str()).filter(|name| !name.is_empty()).or(only).unwrap_or("functions");
    Service { name: name.to_owned(), version: version.clone(), is_one_function: only.is_some() }
}

/// Begins to trace, where somebody asks for it.
pub(crate) fn trace(hooks: &[Registered], declaration: &Declaration, service: &Service) -> Result<Traces, Exit> {
    // A hook of this name does what tracing would.
    let is_replaced = |provider: Provider| hooks.iter().any(|hook| hook.name() == provider.name());
    Traces::open(declaration.manifest.tracing.as_ref(), service, is_replaced)
}

/// Finds what the functions may send to and what calls them; those that have no context need nothing.
pub(crate) async fn connect(
    functions: &[Function],
    settings: &Settings,
    declaration: &Declaration,
) -> Result<Option<Box<dyn Backend>>, Exit> {
    match functions.iter().find_map(Function::platform) {
        Some(platform) => (platform.connect)(settings, declaration).await.map(Some),
        None => Ok(None),
    }
}

/// Runs every `init` and puts the server together.
pub(crate) async fn build(
    functions: Vec<Function>,
    settings: &Settings,
    manifest: &Manifest,
    backend: Option<&dyn Backend>,
    layers: Vec<routes::Layer>,
    hooks: Option<Arc<Hooks>>,
    traces: Traces,
) -> Result<(Server, Vec<Arc<Endpoint>>), Exit> {
    let limits = Limits {
        timeout: settings.timeout,
        concurrency: settings.concurrency.map(|most| Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)))),
        webhook_origins: settings.webhook_origins.clone().into(),
        hooks,
        traces,
    };
    let log = Log { access: telemetry::access_log(settings) };
    let alone = functions.len() == 1;
    let outside = backend.map(Backend::outside).unwrap_or_default();
    let events_only = manifest.mode == Mode::Async && !manifest.http_trigger;
    let mut states = States::new();
    let mut routes = Vec::new();
    for function in functions {
        check_signature(&function, settings.signature);
        routes.push(start(function, alone, events_only, Arc::clone(&outside), &mut states, limits.clone(), log).await?);
    }
    let taken: Vec<&str> = routes.iter().flat_map(|route| &route.paths).map(String::as_str).collect();
    let takes_all = routes.iter().any(|route| route.endpoint.kind() == Kind::Http && route.paths.is_empty());
    let health = match settings.health {
        Switch::On => Health::on(&[]),
        Switch::Auto if settings.listen_address_is_set || !takes_all => Health::on(&taken),
        Switch::Auto | Switch::Off => Health::off(),
    };
    // A path that a function was given is its own.
    let ignored = settings.ignored_routes.iter().filter(|path| !taken.contains(&path.as_str())).cloned().collect();
    let endpoints: Vec<_> = routes.iter().map(|route| Arc::clone(&route.endpoint)).collect();
    let declared = routes.iter().filter(|route| route.declared).flat_map(|route| route.paths.clone()).collect();
    let routes = Arc::new(Routes::new(&routes, layers, settings.max_body_size, log).map_err(Exit::configuration)?);
    let patience = Patience { head: settings.header_timeout, idle: settings.keep_alive };
    let mut server = Server::new(Arc::clone(&routes), health, ignored, settings.max_body_size, patience, settings.timeout);
    if let Some(backend) = backend {
        let terms = Terms { undecodable: settings.undecodable, access: log.access };
        let inputs = Arc::new(backend.assign(manifest, &endpoints, terms).map_err(Exit::configuration)?);
        for endpoint in &endpoints {
            let names: Vec<_> = inputs.of(endpoint.name()).collect();
            if !names.is_empty() {
                endpoint.called_by(names.join(", "));
            }
        }
        let rules = Rules {
            token: Token::new(settings.app_token.clone()),
            max_body_size: settings.max_body_size,
            events_only,
            taken: declared,
        };
        server.mount = Some(backend.mount(inputs, rules, routes));
    }
    Ok((server, endpoints))
}

async fn start(
    function: Function,
    alone: bool,
    events_only: bool,
    outside: Arc<Outside>,
    states: &mut States,
    limits: Limits,
    log: Log,
) -> Result<Route, Exit> {
    let (name, kind) = (function.name().to_owned(), function.kind());
    let (methods, deliveries) = (function.methods().to_vec(), function.deliveries());
    let paths = match function.path() {
        Some(path) => vec![path.to_owned()],
        None if alone => Vec::new(),
        // Beside others a function that takes every path has those below its name.
        None => vec![format!("/{name}"), format!("/{name}/"), format!("/{name}/{{*rest}}")],
    };
    let has_path = function.path().is_some();
    let origin = Arc::new(Origin { function: name.as_str().into(), has_path, outside });
    let failed = |why: String| Exit::failed(format!("`init` of function `{name}` failed: {why}"));
    let handler = match crash::contained(function.start(states)).await {
        Ok(Ok(handler)) => handler,
        Ok(Err(error)) => return Err(failed(format!("{error:#}"))),
        Err(crash) => return Err(failed(crash.to_string())),
    };
    let verbs = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",");
    let first = paths.first().map_or("every path", String::as_str);
    let route = match (verbs.as_str(), events_only && kind == Kind::OpenFunction && !has_path) {
        (_, true) => "none, called by events".to_owned(),
        ("", _) => first.to_owned(),
        (verbs, _) => format!("{verbs} {first}"),
    };
    let declared = has_path;
    let path = paths.first().filter(|_| has_path).map(String::as_str);
    Ok(Route {
        endpoint: Arc::new(Endpoint::new(handler, kind, route, origin, limits, deliveries, log).at(path)),
        paths,
        methods,
        declared,
    })
}

/// The code decides what a function is; the setting can only be wrong about it.
fn check_signature(function: &Function, signature: Option<Kind>) {
    if let Some(expected) = signature
        && expected != function.kind()
    {
        tracing::warn!(
            function = function.name(),
            kind = %function.kind(),
            "FUNCTION_SIGNATURE_TYPE says {expected}; the function is what its first parameter makes it"
        );
    }
}

/// Opens a port; `another` says how to choose another.
pub(crate) async fn bind(host: Option<&str>, port: u16, another: &str) -> Result<TcpListener, Exit> {
    let result = match host {
        Some(host) => bind_host(host, port).await,
        None => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
            // A machine without IPv6.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse && error.kind() != io::ErrorKind::PermissionDenied => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
            }
            other => other,
        },
    };
    result.map_err(|error| {
        let address = format!("{}:{port}", host.unwrap_or("[::]"));
        Exit::unavailable(match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("{address} is taken by another process: choose {another}")
            }
            io::ErrorKind::PermissionDenied => {
                format!("{address} needs a privilege this process does not have: choose a port from 1024")
            }
            _ => format!("cannot listen on {address}: {error}"),
        })
    })
}

async fn bind_host(host: &str, port: u16) -> io::Result<TcpListener> {
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    TcpListener::bind(&addresses[..]).await
}

/// Says what is served, and where.
pub(crate) fn announce(endpoints: &[Arc<Endpoint>], listener: &TcpListener) {
    let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
    for endpoint in endpoints {
        let (function, kind, route, inputs) = (endpoint.name(), endpoint.kind(), endpoint.route(), endpoint.inputs());
        tracing::info!(%address, function, %kind, route, inputs, "listening");
    }
}
