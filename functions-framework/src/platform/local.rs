//! At a desk: the embedded backend stands in for a sidecar.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::http::{Request as Call, StatusCode};
use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::Backend;
use crate::{
    context::Outside,
    delivery::{Callbacks, Deliver, Inputs, Mount, Rules, Taker, Terms},
    function::{
        BoxFuture,
        body::{Request, RequestBody},
    },
    manifest::{Manifest, source::Declaration},
    server::{endpoint::Endpoint, routes::Routes},
    settings::{Settings, Switch},
    sidecar::local::{Apps, Local, Options, StartError, is_chosen},
    startup::Exit,
    telemetry,
};

/// Whether it stands in, and may. Where nothing is declared there is nothing to stand in for, unless somebody asks for it. Who has
/// a Function manifest declares no calls of other apps, and may make some.
pub(super) fn is_needed(settings: &Settings, declaration: &Declaration) -> Result<bool, Exit> {
    let Declaration { manifest, resources, file, .. } = declaration;
    let declares_any = !(manifest.inputs.is_empty() && manifest.outputs.is_empty() && manifest.states.is_empty());
    let is_wanted = settings.local == Switch::On || declares_any || file.is_some() || !resources.components.is_empty();
    Ok(is_chosen(settings.local, std::env::vars_os()).map_err(Exit::configuration)? && is_wanted)
}

#[derive(Debug)]
pub(super) struct Embedded {
    local: Arc<Local>,
    outside: Arc<Outside>,
    /// What it brings its events to.
    inputs: OnceLock<Arc<Inputs>>,
    /// The names of the functions, under which they call each other.
    functions: OnceLock<Vec<String>>,
    max_body_size: usize,
    grace: Duration,
}

impl Embedded {
    pub(super) async fn start(settings: &Settings, declaration: &Declaration) -> Result<Self, Exit> {
        let manifest = &declaration.manifest;
        let name = if manifest.name.is_empty() { "function" } else { &manifest.name };
        let options = Options {
            data_dir: settings.data_dir.clone(),
            port: settings.local_port,
            faults: settings.faults.clone(),
            max_body_size: settings.max_body_size,
            ..Options::new(name)
        };
        let started = Local::start(manifest, &declaration.resources.components, options).await;
        let local = started.map_err(|error| match error {
            StartError::Configuration(why) => Exit::configuration(why),
            StartError::Failed(why) => Exit::failed(why),
        })?;
        let counted = telemetry::counted(Arc::clone(&local) as _, manifest);
        let outside = Arc::new(Outside::new(manifest, telemetry::traced(counted, manifest)));
        let (inputs, functions) = (OnceLock::new(), OnceLock::new());
        let (max_body_size, grace) = (settings.max_body_size, settings.shutdown_grace);
        Ok(Self { local, outside, inputs, functions, max_body_size, grace })
    }
}

impl Backend for Embedded {
    fn outside(&self) -> Arc<Outside> {
        Arc::clone(&self.outside)
    }

    fn assign(&self, manifest: &Manifest, endpoints: &[Arc<Endpoint>], terms: Terms) -> Result<Inputs, String> {
        self.functions.get_or_init(|| endpoints.iter().map(|endpoint| endpoint.name().to_owned()).collect());
        Inputs::assign(manifest, endpoints, terms)
    }

    fn mount(&self, inputs: Arc<Inputs>, rules: Rules, routes: Arc<Routes>) -> Arc<dyn Mount> {
        self.local.serve_apps(|| apps(self.functions.get().cloned().unwrap_or_default(), &routes, self.max_body_size));
        let inputs = Arc::clone(self.inputs.get_or_init(|| inputs));
        Arc::new(Inspected { callbacks: Callbacks::new(inputs, rules, routes), inspect: self.local.routes() })
    }

    fn opened(&self) {
        let Some(inputs) = self.inputs.get().map(Arc::clone) else { return };
        let deliver: Deliver = Arc::new(move |name, incoming| inputs.deliver(name, incoming));
        self.local.open(&deliver);
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // What was not done in time comes again, or is counted there.
            let _ = self.local.stop(self.grace).await;
        })
    }
}

/// The functions as apps that can be called.
fn apps(functions: Vec<String>, routes: &Arc<Routes>, max_body_size: usize) -> Apps {
    // The functions hold the backend: it does not hold them.
    let routes = Arc::downgrade(routes);
    let serve = move |call: Call<Bytes>| -> BoxFuture<'static, _> {
        let routes = routes.clone();
        Box::pin(async move {
            let routes = routes.upgrade().ok_or("the process is stopping")?;
            let request = Request::new(call, |body| RequestBody::new(Body::from(body), max_body_size));
            let Ok(response) = routes.call(request, false).await;
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(::http::Response::from_parts(head, body))
        })
    };
    Apps { functions, serve: Arc::new(serve) }
}

/// The sidecar's calls, and `/_local`, which shows and feeds the backend. It is for whoever sits at this machine.
#[derive(Debug)]
struct Inspected {
    callbacks: Callbacks,
    inspect: Router,
}

impl Mount for Inspected {
    fn take(&self, request: &Request) -> Option<Taker<'_>> {
        if !request.uri().path().starts_with("/_local/") {
            return self.callbacks.take(request);
        }
        Some(Box::new(|request| self.show(request)))
    }
}

impl Inspected {
    fn show(&self, request: Request) -> BoxFuture<'static, Response> {
        let is_near = request.peer().is_some_and(|peer: SocketAddr| peer.ip().to_canonical().is_loopback());
        let inspect = self.inspect.clone();
        Box::pin(async move {
            if !is_near {
                return (StatusCode::FORBIDDEN, "/_local answers this machine only\n").into_response();
            }
            match inspect.oneshot(request.into_axum()).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    }
}
