//! The `#[function]` attribute of `functions-framework`.
//!
//! Use it through that crate, where it is documented with examples that run: what this macro writes calls the private half
//! of the runtime, and the two are released as one.
//!
//! The way of an expansion, a file each:
//!
//! 1. `attr` reads the words in `#[function(..)]`, `route` the path among them;
//! 2. `signature` reads the function up to its body. The body is passed on as it came, so one that is half typed still
//!    expands and the editor keeps working in it;
//! 3. both add what they find wrong to one list. With none, `expand` writes the glue; else `fallback` writes as much as
//!    keeps the rest of the program free of errors that are not its own.
//!
//! Nothing here decides what kind of function it is: no name is compared with `Event` or `Context`. The glue asks the
//! compiler, which knows the types behind aliases, re-exports and the user's own types of the same name.
//!
//! Set `FUNCTIONS_FRAMEWORK_DEBUG` while compiling to see each expansion on standard error.

mod attr;
mod deliveries;
mod expand;
mod fallback;
mod place;
mod route;
mod signature;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// Makes a function of the framework out of an ordinary one. Documented at `functions_framework::function`.
#[proc_macro_attribute]
pub fn function(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let expansion = fallback::guard(&item.into(), |item| function_impl(attr.into(), item));
    if std::env::var_os("FUNCTIONS_FRAMEWORK_DEBUG").is_some() {
        eprintln!("{expansion}\n");
    }
    expansion.into()
}

/// The whole expansion, apart from the compiler's own token type so that tests can call it.
fn function_impl(attr: TokenStream, item: &TokenStream) -> TokenStream {
    let mut problems = Vec::new();
    let attr = attr::parse(attr, &mut problems);
    match signature::parse(item.clone(), &attr, &mut problems) {
        Some(signature) if problems.is_empty() => expand::expand(&attr, &signature, item),
        _ => fallback::expand(&attr, item, problems),
    }
}
