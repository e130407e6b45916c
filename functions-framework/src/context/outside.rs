//! What functions reach beyond themselves.

use std::{collections::BTreeMap, sync::Arc};

use super::Output;
use crate::{
    error::Error,
    manifest::{self, Manifest},
    sidecar::{Scope, Sidecar},
};

/// The declared outputs and states of a process, and the sidecar that leads there.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    outputs: BTreeMap<String, Arc<manifest::Output>>,
    states: BTreeMap<String, Arc<manifest::State>>,
    /// None in a program that was built without one.
    sidecar: Option<Arc<dyn Sidecar>>,
}

impl Outside {
    pub(crate) fn new(manifest: &Manifest, sidecar: Arc<dyn Sidecar>) -> Self {
        let outputs = manifest.outputs.iter().map(|output| (output.name.clone(), Arc::new(output.clone())));
        let states = manifest.states.iter().map(|state| (state.name.clone(), Arc::new(state.clone())));
        Self { outputs: outputs.collect(), states: states.collect(), sidecar: Some(sidecar) }
    }

    pub(super) fn output(&self, name: &str, scope: Scope) -> Result<Output, Error> {
        let Some(declared) = self.outputs.get(name) else {
            let names: Vec<_> = self.outputs.keys().cloned().collect();
            let known = if names.is_empty() { "none is".to_owned() } else { format!("declared: {}", names.join(", ")) };
            return Err(Error::new(format!("no output named `{name}` is declared ({known})")));
        };
        Ok(Output::new(Arc::clone(declared), self.sidecar()?, scope))
    }

    pub(super) fn sidecar(&self) -> Result<Arc<dyn Sidecar>, Error> {
        let sidecar = self.sidecar.as_ref().map(Arc::clone);
        sidecar.ok_or_else(|| Error::new("this program has no sidecar: it was built without the feature `dapr`"))
    }
}
