//! At a desk: the embedded backend stands in for a sidecar.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::http::StatusCode;
use axum::{
    Router,
    response::{IntoResponse as _, Response},
};
use tower::ServiceExt as _;

use super::Backend;
use crate::{
    context::Outside,
    delivery::{Callbacks, Deliver, Inputs, Mount, Rules, Taker},
    function::{BoxFuture, body::Request},
    manifest::source::Declaration,
    server::routes::Routes,
    settings::{Settings, Switch},
    sidecar::local::{Local, Options, StartError, is_chosen},
    startup::Exit,
    telemetry,
};

/// Whether it stands in, and may. Where nothing is declared there is nothing to stand in for, unless somebody asks for it.
pub(super) fn is_needed(settings: &Settings, declaration: &Declaration) -> Result<bool, Exit> {
    let Declaration { manifest, resources, .. } = declaration;
    let declares_any = !(manifest.inputs.is_empty() && manifest.outputs.is_empty() && manifest.states.is_empty());
    let is_wanted = settings.local == Switch::On || declares_any || !resources.components.is_empty();
    Ok(is_chosen(settings.local, std::env::vars_os()).map_err(Exit::configuration)? && is_wanted)
}

#[derive(Debug)]
pub(super) struct Embedded {
    local: Arc<Local>,
    outside: Arc<Outside>,
    /// What it brings its events to.
    inputs: OnceLock<Arc<Inputs>>,
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
        Ok(Self { local, outside, inputs: OnceLock::new(), grace: settings.shutdown_grace })
    }
}

impl Backend for Embedded {
    fn outside(&self) -> Arc<Outside> {
        Arc::clone(&self.outside)
    }

    fn mount(&self, inputs: Arc<Inputs>, rules: Rules, routes: Arc<Routes>) -> Arc<dyn Mount> {
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
