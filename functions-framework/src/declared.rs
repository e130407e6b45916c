//! What was declared about a process, for a check of its own.

use crate::manifest::Manifest;

/// Tells what a function context, a Function manifest or the code declares; [`App::check`](crate::App::check) gives it.
///
/// ```
/// use functions_framework::Declared;
///
/// fn unknown<'a>(wanted: &[&'a str], declared: &Declared) -> Vec<&'a str> {
///     wanted.iter().copied().filter(|wanted| !declared.outputs().any(|name| name == *wanted)).collect()
/// }
/// ```
#[derive(Debug)]
pub struct Declared<'a>(&'a Manifest);

impl<'a> Declared<'a> {
    pub(crate) const fn of(manifest: &'a Manifest) -> Self {
        Self(manifest)
    }

    /// Returns the names of the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.outputs.iter().map(|output| output.name.as_str())
    }

    /// Returns the names of the states.
    pub fn states(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.states.iter().map(|state| state.name.as_str())
    }

    /// Returns the names of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.inputs.iter().map(|input| input.name.as_str())
    }

    /// Returns the topics that inputs subscribe to.
    pub fn topics(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.inputs.iter().filter_map(|input| input.topic.as_deref())
    }
}
