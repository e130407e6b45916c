//! Writes what is left when something is wrong: the errors, and as much else as keeps the rest of the program, and the
//! editor, from finding more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::{Attribute, Error, Visibility, ext::IdentExt as _, parse::ParseStream, parse::Parser as _};

use crate::{attr::Attr, expand::Beside};

/// The function as it came, the errors, and an item in its name that does nothing: a list that names the function, and the
/// program that needs a `main`, are not at fault.
pub(crate) fn expand(attr: &Attr, item: &TokenStream, problems: Vec<Error>) -> TokenStream {
    let errors: TokenStream = problems.into_iter().map(Error::into_compile_error).collect();
    let beside = Head::of(item.clone()).map(|head| {
        let Head { cfgs, vis, ident } = &head;
        let beside = Beside { cfgs, vis, ident, krate: &attr.krate, main: attr.main };
        beside.write(&quote_spanned!(Span::mixed_site()=> ::core::unreachable!()))
    });
    quote!(#item #errors #beside)
}

/// Turns a panic of ours into an error that says whose it is. The function is kept.
pub(crate) fn guard(item: &TokenStream, expand: impl FnOnce(&TokenStream) -> TokenStream) -> TokenStream {
    catch_unwind(AssertUnwindSafe(|| expand(item))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = format!(
            "this is a bug in functions-framework, please report it with the function it stands at: {}",
            said.unwrap_or("#[function] panicked"),
        );
        let error = Error::new(Span::call_site(), message).into_compile_error();
        quote!(#item #error)
    })
}

/// What can be made out of the beginning of a function that may go on in any way.
struct Head {
    cfgs: Vec<Attribute>,
    vis: Visibility,
    ident: Ident,
}

impl Head {
    /// `None` where nothing can stand beside it: it is no function, or one of an `impl` or a trait.
    fn of(item: TokenStream) -> Option<Self> {
        let read = |input: ParseStream<'_>| {
            let mut cfgs = input.call(Attribute::parse_outer)?;
            cfgs.retain(|attribute| attribute.path().is_ident("cfg"));
            let vis = input.parse()?;
            while !input.peek(syn::Token![fn]) {
                input.step(|cursor| match cursor.token_tree() {
                    Some((TokenTree::Ident(_) | TokenTree::Literal(_), rest)) => Ok(((), rest)),
                    _ => Err(cursor.error("no function")),
                })?;
            }
            input.parse::<syn::Token![fn]>()?;
            let ident = input.call(Ident::parse_any)?;
            let rest: TokenStream = input.parse()?;
            Ok((Self { cfgs, vis, ident }, rest))
        };
        let (head, rest) = read.parse2(item).ok()?;
        (!is_method(rest)).then_some(head)
    }
}

/// Whether `self` or `Self` is among the parameters or in what is returned.
fn is_method(rest: TokenStream) -> bool {
    let body =
        |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace);
    mentions_self(rest.into_iter().take_while(|token| !body(token)).collect())
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions_self(group.stream()),
        TokenTree::Ident(ident) => ident == "self" || ident == "Self",
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
