//! Reads the keys that say which events a function is called with, and how: `input`, `topic`, `binding`, `concurrency` and
//! `order_by`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, LitInt, LitStr, Result, Token, parse::ParseStream, punctuated::Punctuated};

use crate::attr;

/// What the keys say; they fit an OpenFunction function only, which the compiler finds out at the first of them.
#[derive(Default)]
pub(crate) struct Deliveries {
    pub(crate) first: Option<Ident>,
    inputs: Vec<LitStr>,
    topics: Vec<LitStr>,
    bindings: Vec<LitStr>,
    concurrency: Option<usize>,
    order_by: Option<LitStr>,
}

pub(crate) const WORDS: [&str; 5] = ["input", "topic", "binding", "concurrency", "order_by"];

impl Deliveries {
    /// Reads the value of one of [`WORDS`].
    pub(crate) fn read(&mut self, input: ParseStream<'_>, key: &Ident) -> Result<()> {
        self.first.get_or_insert_with(|| key.clone());
        match key.to_string().as_str() {
            "input" => self.inputs = names(input, key, "input = \"orders\"", |_| None)?,
            "topic" => self.topics = names(input, key, "topic = \"component/topic\"", why_not_a_topic)?,
            "binding" => self.bindings = names(input, key, "binding = \"component\"", |_| None)?,
            "concurrency" => self.concurrency = Some(concurrency(input, key)?),
            _ => self.order_by = names(input, key, "order_by = \"subject\"", |_| None)?.pop(),
        }
        Ok(())
    }

    /// The line of the glue, at the first key, where an error about the kind belongs.
    pub(crate) fn glue(&self) -> Option<TokenStream> {
        let Self { inputs, topics, bindings, .. } = self;
        let at = crate::place::one(self.first.as_ref()?);
        let none = quote_spanned!(Span::mixed_site()=> ::core::option::Option::None);
        let some = |value: TokenStream| quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#value));
        let concurrency = self.concurrency.map_or_else(|| none.clone(), |most| some(quote!(#most)));
        let order_by = self.order_by.as_ref().map_or_else(|| none.clone(), |key| some(quote!(#key)));
        let keys = quote_spanned! {at=>
            __rt::Deliveries {
                inputs: &[#(#inputs),*],
                topics: &[#(#topics),*],
                bindings: &[#(#bindings),*],
                concurrency: #concurrency,
                order_by: #order_by,
            }
        };
        Some(quote_spanned!(at=> let __options = __kind.deliveries(__options, #keys);))
    }
}

/// Reads `= "a"` or, where a list makes sense, `("a", "b")`.
fn names(input: ParseStream<'_>, key: &Ident, example: &str, wrong: fn(&str) -> Option<String>) -> Result<Vec<LitStr>> {
    let names: Vec<LitStr> = if key != "order_by" && input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in input);
        let example = format!("`{key}(\"a\", \"b\")`");
        match Punctuated::<LitStr, Token![,]>::parse_terminated(&content) {
            Ok(names) if !names.is_empty() => names.into_iter().collect(),
            Ok(_) => return Err(Error::new(key.span(), format!("`{key}` needs at least one name: {example}"))),
            Err(error) => {
                // What is left unread would be an error of its own.
                content.parse::<TokenStream>()?;
                return Err(Error::new(error.span(), format!("`{key}` takes strings: {example}")));
            }
        }
    } else {
        vec![attr::value(input, key, example, "a string")?]
    };
    for (index, name) in names.iter().enumerate() {
        let text = name.value();
        if text.trim().is_empty() {
            return Err(Error::new(name.span(), format!("`{key}` cannot be empty: `{example}`")));
        }
        if let Some(why) = wrong(&text) {
            return Err(Error::new(name.span(), why));
        }
        if names[..index].iter().any(|before| before.value() == text) {
            return Err(Error::new(name.span(), format!("`{text}` is given twice")));
        }
    }
    Ok(names)
}

fn why_not_a_topic(text: &str) -> Option<String> {
    match text.split_once('/') {
        Some((component, topic)) if !component.is_empty() && !topic.is_empty() => None,
        _ => Some("a topic is named with the pub/sub component that carries it: `topic = \"component/topic\"`".to_owned()),
    }
}

fn concurrency(input: ParseStream<'_>, key: &Ident) -> Result<usize> {
    const EXAMPLE: &str = "concurrency = 8";
    let number: LitInt = attr::value(input, key, EXAMPLE, "a number")?;
    match number.base10_parse::<usize>() {
        Ok(most) if most > 0 => Ok(most),
        _ => Err(Error::new(number.span(), format!("`concurrency` takes a number from 1: `{EXAMPLE}`"))),
    }
}
