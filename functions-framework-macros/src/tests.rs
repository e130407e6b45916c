//! What the macro writes, as it is written; and what it never does. That this compiles and runs, and what the compiler says
//! where it does not, is for `tests/ui`.

mod half_typed;
mod names;
mod problems;
mod snapshots;

use proc_macro2::TokenStream;

/// The expansion of a function under `#[function(attr)]`.
fn expand(attr: &str, item: &str) -> TokenStream {
    crate::function_impl(tokens(attr), &tokens(item))
}

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("the text of a test is made of Rust tokens")
}

/// The messages of the `compile_error!`s in an expansion, in order.
fn errors(expansion: &TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(expansion.clone()).expect("an expansion consists of items");
    let errors = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => Some(item.mac.tokens),
        _ => None,
    });
    errors.map(|message| syn::parse2::<syn::LitStr>(message).expect("a message is a string").value()).collect()
}
