//! What only OpenFunction functions ask of a process: a way out to what they send to and keep, and a way in for events.
//!
//! Their glue names [`platform`], and nothing else does in a release: a program without such a function links none of what is
//! behind it.

#[cfg(feature = "dapr")]
mod dapr;
#[cfg(feature = "local")]
mod local;

#[cfg(feature = "local")]
use std::{collections::BTreeMap, process::ExitCode};
use std::{fmt, sync::Arc};

use crate::{
    context::Outside,
    delivery::{Inputs, Mount, Rules, Terms},
    function::BoxFuture,
    manifest::{Manifest, source::Declaration},
    server::{endpoint::Endpoint, routes::Routes},
    settings::Settings,
    startup::Exit,
};
#[cfg(feature = "local")]
use crate::{manifest::source::Reader, settings::environment};

/// Connects a process to what is around it; `startup` finds it in the function.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) connect: for<'a> fn(&'a Settings, &'a Declaration) -> BoxFuture<'a, Connected>,
    #[cfg(feature = "local")]
    pub(crate) desk: Desk,
}

/// What a run at a desk needs besides.
#[cfg(feature = "local")]
#[derive(Debug)]
pub(crate) struct Desk {
    /// Reads the Function manifest and the resources.
    pub(crate) reader: Reader,
    /// Gives the process the `params` of the manifest.
    pub(crate) set_params: fn(&BTreeMap<String, String>) -> ParamsSet,
}

/// An error is the end of the process, or why it could not go on.
#[cfg(feature = "local")]
type ParamsSet = Result<(), Result<ExitCode, String>>;

pub(crate) type Connected = Result<Box<dyn Backend>, Exit>;

/// What carries what functions send, and brings the events that call them.
pub(crate) trait Backend: fmt::Debug + Send + Sync {
    /// The declared outputs and states, and the way to them.
    fn outside(&self) -> Arc<Outside>;

    /// Gives the inputs to the functions. It is here because a process without a backend has none.
    fn assign(&self, manifest: &Manifest, endpoints: &[Arc<Endpoint>], terms: Terms) -> Result<Inputs, String> {
        Inputs::assign(manifest, endpoints, terms)
    }

    /// Takes the calls of the sidecar at the function's port.
    fn mount(&self, inputs: Arc<Inputs>, rules: Rules, routes: Arc<Routes>) -> Arc<dyn Mount>;

    /// Hears that the port is open: events may come.
    fn opened(&self);

    /// Brings no more events, and waits for what it still has to do.
    fn stop(&self) -> BoxFuture<'_, ()>;
}

static PLATFORM: Platform = Platform {
    connect: |settings, declaration| Box::pin(connect(settings, declaration)),
    #[cfg(feature = "local")]
    desk: Desk { reader: Reader::YAML, set_params: environment::set },
};

#[expect(clippy::unnecessary_wraps, reason = "without the server there is none")]
pub(crate) const fn platform() -> Option<&'static Platform> {
    Some(&PLATFORM)
}

async fn connect(settings: &Settings, declaration: &Declaration) -> Connected {
    #[cfg(feature = "local")]
    if local::is_needed(settings, declaration)? {
        return Ok(Box::new(local::Embedded::start(settings, declaration).await?));
    }
    #[cfg(feature = "dapr")]
    return Ok(Box::new(dapr::Beside::new(settings, &declaration.manifest)?));
    #[cfg(not(feature = "dapr"))]
    return Ok(Box::new(Alone));
}

/// A program that was built for no sidecar.
#[cfg(not(feature = "dapr"))]
#[derive(Debug)]
struct Alone;

#[cfg(not(feature = "dapr"))]
impl Backend for Alone {
    fn outside(&self) -> Arc<Outside> {
        Arc::default()
    }

    fn mount(&self, inputs: Arc<Inputs>, rules: Rules, routes: Arc<Routes>) -> Arc<dyn Mount> {
        Arc::new(crate::delivery::Callbacks::new(inputs, rules, routes))
    }

    fn opened(&self) {}

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
