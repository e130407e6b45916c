//! What only OpenFunction functions ask of a process: the way out to what they send to and keep.
//!
//! Their glue names [`platform`], and nothing else does: a program without such a function links none of what is behind it.

use std::sync::Arc;

use crate::{
    context::Outside,
    delivery::{Callbacks, Inputs, Mount, Rules},
    manifest::Manifest,
    server::routes::Routes,
    settings::Settings,
    startup::Exit,
};

/// The parts of a start that are theirs; `startup` finds it in the function.
#[derive(Debug)]
pub(crate) struct Platform {
    /// Finds the sidecar, and knows the declared outputs and states from then on.
    pub(crate) outside: fn(&Settings, &Manifest) -> Result<Outside, Exit>,
    /// Takes the calls of the sidecar.
    pub(crate) mount: fn(Arc<Inputs>, Rules, Arc<Routes>) -> Arc<dyn Mount>,
}

static PLATFORM: Platform =
    Platform { outside, mount: |inputs, rules, routes| Arc::new(Callbacks::new(inputs, rules, routes)) };

#[expect(clippy::unnecessary_wraps, reason = "without the server there is none")]
pub(crate) const fn platform() -> Option<&'static Platform> {
    Some(&PLATFORM)
}

#[cfg(feature = "dapr")]
fn outside(settings: &Settings, manifest: &Manifest) -> Result<Outside, Exit> {
    use crate::sidecar::dapr::Dapr;

    let dapr = Dapr::new(&settings.dapr, settings.max_body_size).map_err(Exit::configuration)?;
    Ok(Outside::new(manifest, std::sync::Arc::new(dapr)))
}

#[cfg(not(feature = "dapr"))]
fn outside(_: &Settings, _: &Manifest) -> Result<Outside, Exit> {
    Ok(Outside::default())
}
