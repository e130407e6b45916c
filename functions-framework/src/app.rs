//! The functions and settings of a process, and the story of its start and its stop.

use std::{
    convert::Infallible,
    fmt,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::Request, response::IntoResponse, routing::Route};
use tower::{Layer, Service};

use crate::{
    declared::Declared,
    delivery::declare,
    function::{self, Function, Options, classify::Registration, cloud_event, open_function},
    hooks::register::{IntoHook, Registered},
    manifest::source::Declaration,
    server::{
        crash,
        drain::{Signals, Unfinished, drain},
        endpoint::Endpoint,
        routes,
    },
    settings::{Settings, environment},
    startup::{self, Exit},
    telemetry::{self, Metrics, Traces},
};

/// Serves functions without the macro, or with what the macro cannot say: layers and settings in code.
///
/// `#[function]` and [`main!`](crate::main) do the same in fewer words.
///
/// ```no_run
/// use functions_framework::{App, Context, Event, Out, Result};
///
/// async fn hello() -> &'static str { "Hello!\n" }
/// async fn created(event: Event) -> Result<()> { Ok(()) }
/// async fn relay(ctx: Context, payload: String) -> Result<Out> { Ok(Out::data(payload)) }
///
/// fn main() -> std::process::ExitCode {
///     App::new()
///         .http("hello", hello)
///         .cloud_event("created", created)
///         .open_function("relay", relay)
///         .port(3000)
///         .run()
/// }
/// ```
#[derive(Default)]
#[must_use = "an App does nothing until it is run"]
pub struct App {
    functions: Vec<Function>,
    layers: Vec<routes::Layer>,
    hooks: Vec<Registered>,
    checks: Vec<Check>,
    /// What code sets, over flags and environment.
    overrides: Vec<Override>,
}

type Override = Box<dyn FnOnce(&mut Settings) + Send>;
type Check = Box<dyn FnOnce(&Declared<'_>) -> Result<(), String> + Send>;

impl App {
    /// An app without functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function that `#[function]` made, with its path, its methods and its `init`.
    ///
    /// ```
    /// use functions_framework::{App, function};
    ///
    /// #[function(main = false, path = "/orders")]
    /// async fn orders() -> &'static str { "none\n" }
    ///
    /// let app = App::new().function(orders {});
    /// ```
    pub fn function<R: Registration>(mut self, _registration: R) -> Self {
        self.functions.push(R::function());
        self
    }

    pub(crate) fn with(mut self, function: Function) -> Self {
        self.functions.push(function);
        self
    }

    /// Adds an HTTP function: whatever axum takes as a handler.
    ///
    /// A closure over what it needs has its state; a whole `Router` is a handler by `any_service`.
    ///
    /// ```
    /// use functions_framework::{App, axum::{Router, routing::{any_service, get}}};
    ///
    /// let greeting = String::from("Hello!\n");
    /// let router = Router::new().route("/users/{id}", get(|| async { "Ada\n" }));
    /// let app = App::new().http("hello", async move || greeting).http("users", any_service(router));
    /// ```
    pub fn http<H, M>(self, name: &'static str, handler: H) -> Self
    where
        H: axum::handler::Handler<M, ()>,
        M: 'static,
    {
        self.with(function::http::from_axum(Options::new(name), handler))
    }

    /// Adds a CloudEvent function.
    ///
    /// ```
    /// use functions_framework::{App, Event};
    ///
    /// let app = App::new().cloud_event("seen", async |event: Event| println!("{event}"));
    /// ```
    pub fn cloud_event<F, M>(self, name: &'static str, function: F) -> Self
    where
        F: cloud_event::CloudEventFunction<M>,
    {
        self.with(function.into_function(Options::new(name)))
    }

    /// Adds an OpenFunction function.
    ///
    /// ```
    /// use functions_framework::{App, Context};
    ///
    /// let app = App::new().open_function("echo", async |_: Context, payload: String| payload);
    /// ```
    pub fn open_function<F, M>(self, name: &'static str, function: F) -> Self
    where
        F: open_function::OpenFunction<M>,
    {
        self.with(function.into_function(Options::new(name)))
    }

    /// Puts a tower layer around all functions; the last one added sees a request first.
    ///
    /// It sees neither health probes nor ignored paths.
    ///
    /// ```
    /// use functions_framework::{App, axum::{extract::Request, middleware::{Next, from_fn}, response::Response}};
    ///
    /// async fn hello() -> &'static str { "Hello!\n" }
    /// async fn log(request: Request, next: Next) -> Response {
    ///     println!("{}", request.uri());
    ///     next.run(request).await
    /// }
    ///
    /// let app = App::new().http("hello", hello).layer(from_fn(log));
    /// ```
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.layers.push(Box::new(move |router: Router| router.layer(layer)));
        self
    }

    /// Registers a [hook](crate::hooks), to run before and after every function: one that is `Clone`, or a closure that makes one.
    ///
    /// ```
    /// use functions_framework::{App, hooks::Hook};
    ///
    /// #[derive(Clone)]
    /// struct Audit;
    /// impl Hook for Audit {
    ///     fn name(&self) -> &str { "audit" }
    /// }
    ///
    /// async fn hello() -> &'static str { "Hello!\n" }
    ///
    /// let app = App::new().http("hello", hello).hook(Audit);
    /// ```
    pub fn hook<M>(mut self, hook: impl IntoHook<M>) -> Self {
        self.hooks.push(hook.into_hook());
        self
    }

    /// Looks at what was declared about the process before anything else is started: for a configuration of one's own, which
    /// names outputs or states. What it says is wrong ends the process with exit code 78; `--help` and the like do not run it.
    ///
    /// ```
    /// use functions_framework::{App, Context, Result};
    ///
    /// async fn relay(ctx: Context, text: String) -> Result<()> {
    ///     ctx.send("orders", text).await?;
    ///     Ok(())
    /// }
    ///
    /// let app = App::new().open_function("relay", relay).check(|declared| {
    ///     if declared.outputs().any(|name| name == "orders") { Ok(()) } else { Err("the output `orders` is missing".to_owned()) }
    /// });
    /// ```
    pub fn check(mut self, check: impl FnOnce(&Declared<'_>) -> Result<(), String> + Send + 'static) -> Self {
        self.checks.push(Box::new(check));
        self
    }

    fn set(mut self, change: impl FnOnce(&mut Settings) + Send + 'static) -> Self {
        self.overrides.push(Box::new(change));
        self
    }

    /// Sets the address to listen on, over `--host`, `LISTEN_ADDRESS` and `ADDRESS`.
    pub fn host(self, host: impl Into<String>) -> Self {
        let host = host.into();
        self.set(|settings| settings.host = Some(host))
    }

    /// Sets the port to listen on, over `--port`, `LISTEN_ADDRESS` and `PORT`.
    pub fn port(self, port: u16) -> Self {
        self.set(move |settings| settings.port = Some(port))
    }

    /// Sets the longest time to the head of an answer, over `--timeout` and its variables; zero sets no limit.
    pub fn timeout(self, limit: Duration) -> Self {
        self.set(move |settings| settings.timeout = Some(limit).filter(|limit| !limit.is_zero()))
    }

    /// Sets the largest request body in bytes, over `--max-body-size` and its variable.
    pub fn max_body_size(self, bytes: usize) -> Self {
        self.set(move |settings| settings.max_body_size = bytes)
    }

    /// Sets how many invocations may run at once, over `--concurrency` and its variable.
    pub fn concurrency(self, most: usize) -> Self {
        self.set(move |settings| settings.concurrency = Some(most))
    }

    /// Sets the time that running invocations get at the end, over `--shutdown-grace` and its variable.
    pub fn shutdown_grace(self, grace: Duration) -> Self {
        self.set(move |settings| settings.shutdown_grace = grace)
    }

    /// Serves on a runtime of its own until the process is told to stop; what `main` returns.
    ///
    /// Flags and environment are read here. Every way to fail is explained on standard error and has its exit code
    /// (`--help` lists them). The `params` of a Function manifest become environment variables: where some are not set yet, the
    /// program starts anew with them, so let nothing come before that must not be done twice.
    ///
    /// # Panics
    /// Inside a tokio runtime, where [`serve`](Self::serve) is the one to await.
    pub fn run(self) -> ExitCode {
        let (settings, declaration) = match startup::read(&self.functions) {
            Ok(read) => read,
            Err(done) => return done,
        };
        if let Err(done) = startup::set_params(&self.functions, &declaration) {
            return done;
        }
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return Exit::failed(format!("cannot start the runtime: {error}")).report(),
        };
        let ended = runtime.block_on(self.start(settings, declaration));
        // A function that blocks a thread past the grace must not hold the process.
        runtime.shutdown_background();
        let code = ended.map_or_else(Exit::report, |()| ExitCode::SUCCESS);
        telemetry::flush();
        code
    }

    /// Serves on the runtime that is there already, until the process is told to stop.
    ///
    /// As [`run`](Self::run) it reads the command line: a program with flags of its own gives them another way. The `params` of
    /// a Function manifest cannot be set here any more; a warning names them.
    pub async fn serve(self) -> ExitCode {
        let (settings, mut declaration) = match startup::read(&self.functions) {
            Ok(read) => read,
            Err(done) => return done,
        };
        let unset = environment::names(&environment::missing(&declaration.params));
        if !unset.is_empty() {
            declaration.remarks.push(format!("params of the Function manifest are not set: {unset}; App::run sets them"));
        }
        let code = self.start(settings, declaration).await.map_or_else(Exit::report, |()| ExitCode::SUCCESS);
        telemetry::flush();
        code
    }

    /// Settings, functions, `init`, port; then requests; then the drain.
    async fn start(self, mut settings: Settings, mut declaration: Declaration) -> Result<(), Exit> {
        for change in self.overrides {
            change(&mut settings);
        }
        let service = startup::service(&self.functions, &settings, &declaration);
        let traces = startup::trace(&self.hooks, &declaration, &service)?;
        telemetry::install(&settings, &traces);
        startup::tell(&declaration);
        traces.tell();
        crash::install_hook();
        // From here on a signal is ours: one that comes during `init` must not be lost.
        let mut signals = Signals::listen().map_err(|error| Exit::failed(format!("cannot listen for signals: {error}")))?;

        // It answers from the first step of the start to the last of the drain.
        let metrics = Metrics::open(&settings, &service).await?;
        let functions = startup::choose(self.functions, settings.target.as_deref())?;
        declare(&mut declaration.manifest, functions.iter().map(Function::deliveries));
        let declared = Declared::of(&declaration.manifest);
        for check in self.checks {
            check(&declared).map_err(Exit::configuration)?;
        }
        let hooks = startup::hooks(self.hooks, &settings, &declaration)?;
        let built = async {
            let backend = startup::connect(&functions, &settings, &declaration).await?;
            let (manifest, traces) = (&declaration.manifest, traces.clone());
            let built = startup::build(functions, &settings, manifest, backend.as_deref(), self.layers, hooks, traces).await?;
            Ok::<_, Exit>((built, backend))
        };
        let ((server, endpoints), backend) = tokio::select! {
            built = built => built?,
            signal = signals.next() => {
                tracing::info!(signal, "stopped before the port was open");
                close(&traces, metrics.as_ref(), FLUSH).await;
                return Ok(());
            }
        };
        let port = settings.port.or(declaration.manifest.port).unwrap_or(8080);
        let listener = startup::bind(settings.host.as_deref(), port, "another port with --port or PORT").await?;
        startup::announce(&endpoints, &listener);
        if let Some(backend) = &backend {
            backend.opened();
        }

        let server = Arc::new(server);
        let signal = tokio::select! {
            never = server.accept(&listener) => match never {},
            signal = signals.next() => signal,
        };
        let signalled = Instant::now();
        let end = async {
            // Functions may send until the last of them is done.
            let drained = drain(&server, &endpoints, listener, signal, settings.shutdown_grace).await;
            if let Some(backend) = &backend {
                backend.stop().await;
            }
            drained
        };
        let unfinished = tokio::select! {
            drained = end => drained.err(),
            signal = signals.next() => Some(Unfinished::Again(signal)),
        };
        // What is left of the grace, of which a collector that does not answer gets no more than its share.
        let left = settings.shutdown_grace.saturating_sub(signalled.elapsed());
        close(&traces, metrics.as_ref(), left.clamp(FLUSH / 5, FLUSH)).await;
        if let Some(why) = unfinished {
            return Err(Exit::unfinished(format!("{why}; cut off: {}", running(&endpoints))));
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// How long the last spans and figures may take on their way.
const FLUSH: Duration = Duration::from_secs(5);

/// Sends what there is still to say of the process.
async fn close(traces: &Traces, metrics: Option<&Metrics>, within: Duration) {
    let metrics = async {
        if let Some(metrics) = metrics {
            metrics.close(within).await;
        }
    };
    tokio::join!(traces.close(within), metrics);
}

/// The invocations that are still going on, by function.
fn running(endpoints: &[Arc<Endpoint>]) -> String {
    let busy = endpoints.iter().filter(|endpoint| endpoint.running() > 0);
    let busy: Vec<_> = busy.map(|endpoint| format!("{} of `{}`", endpoint.running(), endpoint.name())).collect();
    if busy.is_empty() { "no invocation, only connections that would not close".to_owned() } else { busy.join(", ") }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("functions", &self.functions).finish_non_exhaustive()
    }
}
