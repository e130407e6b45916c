//! Where in the user's text a line of the glue belongs.

use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use syn::{Type, spanned::Spanned};

/// Located at the user's text, resolved where the macro stands: what is written there is not taken for the user's own, by
/// the lints of their crate for one.
fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The one token that stands for the whole. The stable compiler joins no spans, and where an error can arise in several
/// places of a line it is said once only if they are all the same.
pub(crate) fn one(tokens: &impl Spanned) -> Span {
    at(tokens.span())
}

/// That of a type: its name, which need not come first.
pub(crate) fn of_type(ty: &Type) -> Span {
    match ty {
        Type::Path(ty) => ty.path.segments.last().map_or_else(|| one(ty), |segment| one(&segment.ident)),
        ty => one(ty),
    }
}

/// The first token and the last. An error at an expression reaches from the one to the other.
pub(crate) fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let first = tokens.span();
    let last = tokens.into_token_stream().into_iter().last().map_or(first, |token| match token {
        TokenTree::Group(group) => group.span_close(),
        token => token.span(),
    });
    (at(first), at(last))
}
