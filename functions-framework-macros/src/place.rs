//! Where in the user's text a line of the glue belongs.

use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned as _;

/// Where the first and the last token of something stand. The stable compiler joins no spans, but an error at an
/// expression reaches from its first token to its last.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

impl Place {
    /// Located at the tokens, resolved where the macro stands: what is written with it cannot be captured by the user's
    /// names, nor is it checked by the lints of their crate.
    pub(crate) fn of(tokens: impl ToTokens) -> Self {
        let at = |span| Span::mixed_site().located_at(span);
        let first = tokens.span();
        let last = tokens.into_token_stream().into_iter().last().map_or(first, |token| match token {
            TokenTree::Group(group) => group.span_close(),
            token => token.span(),
        });
        Self { first: at(first), last: at(last) }
    }
}
