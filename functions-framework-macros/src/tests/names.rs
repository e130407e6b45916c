//! The expansion stands in the user's module, among the user's names.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{expand, tokens};

/// What a user may have shadowed.
const PRELUDE: [&str; 12] = ["Result", "Ok", "Err", "Option", "Some", "None", "Box", "Vec", "String", "Into", "Send", "From"];

/// All kinds of attributes and functions, none with a name of the prelude in it.
fn samples() -> impl Iterator<Item = (String, &'static str)> {
    let attrs =
        ["", "http", "cloud_event, main = false", "openfunction, init = connect", "path = \"/{id}\", methods(GET)", "unknown"];
    let items = [
        "async fn sut() {}",
        "fn sut() -> u8 { 1 }",
        "pub async fn sut(a: A, b: B, c: C) -> R {}",
        "async fn sut<T>(t: T) {}",
        "struct Sut;",
        "const fn sut(x: _) {}",
    ];
    attrs.into_iter().flat_map(move |attr| items.into_iter().map(move |item| (attr.to_owned(), item)))
}

/// The expansion without the user's function and the messages, which are text.
fn ours(attr: &str, item: &str) -> TokenStream {
    let count = tokens(item).into_iter().count();
    expand(attr, item).into_iter().skip(count).collect()
}

fn walk(tokens: TokenStream, visit: &mut impl FnMut(&str, bool)) {
    let mut after_path_separator = false;
    for token in tokens {
        match &token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => walk(group.stream(), visit),
            TokenTree::Group(group) => walk(group.stream(), visit),
            TokenTree::Ident(ident) => visit(&ident.to_string(), after_path_separator),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        after_path_separator = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
    }
}

#[test]
fn the_runtime_is_named_once_and_can_be_elsewhere() {
    for (attr, item) in samples() {
        let attr = format!("{attr}{}crate = company::prelude::ff", if attr.is_empty() { "" } else { ", " });
        walk(ours(&attr, item), &mut |ident, _| assert_ne!(ident, "functions_framework", "#[function({attr})] {item}"));
    }
}

#[test]
fn nothing_of_the_prelude_is_meant_without_its_path() {
    for (attr, item) in samples() {
        let check = &mut |ident: &str, qualified| {
            assert!(qualified || !PRELUDE.contains(&ident), "#[function({attr})] {item}: bare {ident}");
        };
        walk(ours(&attr, item), check);
    }
}

#[test]
fn the_function_is_passed_on_as_it_came() {
    let item = "#[doc = \" Says hello.\"] #[allow(unused)] #[tracing::instrument(skip(a))] \
                pub(crate) async fn sut(#[allow(unused)] mut a: A, Json(b): Json<B>) -> R { #![allow(dead_code)] a }";
    let count = tokens(item).into_iter().count();
    let passed: TokenStream = expand("", item).into_iter().take(count).collect();
    assert_eq!(passed.to_string(), tokens(item).to_string());
}
