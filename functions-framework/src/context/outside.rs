//! What functions reach beyond themselves.

use std::{collections::BTreeMap, sync::Arc};

use super::{Output, Store};
use crate::{
    error::Error,
    manifest::{self, Manifest},
    sidecar::{Scope, Sidecar, SidecarCode, SidecarError},
    spelling::did_you_mean,
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
        let declared = self.outputs.get(name).ok_or_else(|| undeclared("output", name, self.outputs.keys()))?;
        Ok(Output::new(Arc::clone(declared), self.sidecar()?, scope))
    }

    pub(super) fn state(&self, name: &str, scope: Scope) -> Result<Store, Error> {
        let declared = self.states.get(name).ok_or_else(|| undeclared("state", name, self.states.keys()))?;
        Ok(Store::new(Arc::clone(declared), self.sidecar()?, scope))
    }

    pub(super) fn sidecar(&self) -> Result<Arc<dyn Sidecar>, Error> {
        self.sidecar.clone().ok_or_else(no_sidecar)
    }

    pub(super) fn any_sidecar(&self) -> Option<Arc<dyn Sidecar>> {
        self.sidecar.clone()
    }
}

pub(super) fn no_sidecar() -> Error {
    let text = "this program has no sidecar: it was built without the feature `dapr` of functions-framework";
    SidecarError::new(SidecarCode::FailedPrecondition, text).into()
}

/// Says what there is instead.
fn undeclared<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a String> + Clone) -> Error {
    let known = known.map(String::as_str);
    let hint = did_you_mean(name, known.clone());
    let known: Vec<_> = known.collect();
    let known = if known.is_empty() { "none is".to_owned() } else { format!("declared: {}", known.join(", ")) };
    Error::new(format!("no {kind} named `{name}` is declared ({known}){hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_declared_is_answered_by_what_is() {
        let text = |name, known: &[&str]| {
            let known: Vec<_> = known.iter().map(ToString::to_string).collect();
            undeclared("output", name, known.iter()).to_string()
        };
        assert_eq!(text("order", &[]), "no output named `order` is declared (none is)");
        assert_eq!(
            text("order", &["log", "orders"]),
            "no output named `order` is declared (declared: log, orders), did you mean `orders`?"
        );
        assert_eq!(text("mail", &["log", "orders"]), "no output named `mail` is declared (declared: log, orders)");
    }
}
