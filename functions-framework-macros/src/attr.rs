//! Reads the words in `#[function(..)]`.
//!
//! A wrong word does not hide the next: it is noted, skipped up to the comma, and reading goes on.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Error, LitBool, LitStr, Path, Result, Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use crate::{
    deliveries::{self, Deliveries},
    route,
};

/// What `#[function(..)]` says.
pub(crate) struct Attr {
    /// The first word, where the user decides the kind and not the type of the first parameter.
    pub(crate) kind: Option<(Kind, Ident)>,
    pub(crate) name: Option<LitStr>,
    pub(crate) path: Option<LitStr>,
    pub(crate) methods: Option<Methods>,
    pub(crate) init: Option<Path>,
    pub(crate) deliveries: Deliveries,
    /// Whether to write `fn main`.
    pub(crate) main: bool,
    /// Where the runtime is.
    pub(crate) krate: TokenStream,
}

/// The kinds a user can name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    CloudEvent,
    OpenFunction,
}

/// `methods(GET, PUT)`.
pub(crate) struct Methods {
    pub(crate) key: Ident,
    pub(crate) names: Vec<String>,
}

const VALID: &str = "the first word can be `http`, `cloud_event` or `openfunction`, the keys are `name = \"..\"`, `path = \"/..\"`, \
                     `methods(GET, ..)`, `init = path::to::fn`, `main = false`, `crate = some::path` and, for OpenFunction functions, \
                     `input = \"..\"`, `topic = \"component/topic\"`, `binding = \"..\"`, `concurrency = 8` and `order_by = \"..\"`";
const WORDS: [&str; 9] = ["http", "cloud_event", "openfunction", "name", "path", "methods", "init", "main", "crate"];
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];

/// Reads all it can and adds what is wrong to `problems`.
pub(crate) fn parse(tokens: TokenStream, problems: &mut Vec<Error>) -> Attr {
    let mut attr = Attr {
        kind: None,
        name: None,
        path: None,
        methods: None,
        init: None,
        deliveries: Deliveries::default(),
        main: true,
        krate: quote!(::functions_framework),
    };
    let read = |input: ParseStream<'_>| {
        let mut seen = Vec::new();
        while !input.is_empty() {
            let entry = attr.entry(input, &mut seen).and_then(|()| {
                if input.is_empty() || input.peek(Token![,]) {
                    return Ok(());
                }
                Err(Error::new_spanned(skip_to_comma(input), "expected a comma between two keys"))
            });
            problems.extend(entry.err());
            skip_to_comma(input);
            input.parse::<Option<Token![,]>>()?;
        }
        problems.extend(attr.methods_misfit());
        problems.extend(attr.deliveries_misfit());
        Ok(())
    };
    // Every branch above reads to the end, so this adds nothing but what syn itself may refuse.
    if let Err(error) = read.parse2(tokens) {
        problems.push(error);
    }
    attr
}

impl Attr {
    /// Reads one word or `key = value`.
    fn entry(&mut self, input: ParseStream<'_>, seen: &mut Vec<String>) -> Result<()> {
        if !input.peek(syn::Ident::peek_any) {
            return Err(Error::new_spanned(skip_to_comma(input), format!("expected a key: {VALID}")));
        }
        let key = input.call(Ident::parse_any)?;
        let word = key.unraw().to_string();
        let first = seen.is_empty();
        // Said before the value is looked at, which may be fine; `entry` still reads it.
        let repeated = seen.contains(&word).then(|| Error::new(key.span(), format!("`{word}` is given twice")));
        seen.push(word.clone());
        match word.as_str() {
            "http" => self.set_kind(Kind::Http, key, first)?,
            "cloud_event" => self.set_kind(Kind::CloudEvent, key, first)?,
            "openfunction" => self.set_kind(Kind::OpenFunction, key, first)?,
            "name" => self.name = Some(name(input, &key)?),
            "path" => self.path = Some(path(input, &key)?),
            "methods" => self.methods = Some(methods(input, key)?),
            "init" => self.init = Some(init(input, &key)?),
            "main" => {
                // Whoever writes the key at all has a `main` of another making.
                self.main = false;
                self.main = main(input, &key)?;
            }
            "crate" => self.krate = krate(input, &key)?.into_token_stream(),
            other if deliveries::WORDS.contains(&other) => self.deliveries.read(input, &key)?,
            _ => return Err(Error::new(key.span(), unknown(&word))),
        }
        repeated.map_or(Ok(()), Err)
    }

    fn set_kind(&mut self, kind: Kind, word: Ident, first: bool) -> Result<()> {
        match &self.kind {
            // Said by the caller, as of any word.
            Some((_, before)) if *before == word => Ok(()),
            Some((_, before)) => Err(Error::new(word.span(), format!("the kind is already given as `{before}`"))),
            None if first => {
                self.kind = Some((kind, word));
                Ok(())
            }
            None => Err(Error::new(word.span(), format!("write the kind first: `#[function({word}, ..)]`"))),
        }
    }

    /// An override says what the types would: a `CloudEvent` is always posted.
    fn methods_misfit(&self) -> Option<Error> {
        let methods = self.methods.as_ref().filter(|_| matches!(self.kind, Some((Kind::CloudEvent, _))))?;
        Some(Error::new(methods.key.span(), "a CloudEvent function is called with POST: leave `methods` out"))
    }

    /// Inputs are declared for those who take a `Context`.
    fn deliveries_misfit(&self) -> Option<Error> {
        let key = self.deliveries.first.as_ref()?;
        let (_, word) = self.kind.as_ref().filter(|(kind, _)| *kind != Kind::OpenFunction)?;
        let text = format!("`{key}` fits an OpenFunction function, whose first parameter is a `Context`; this one is `{word}`");
        Some(Error::new(key.span(), text))
    }
}

fn name(input: ParseStream<'_>, key: &Ident) -> Result<LitStr> {
    let name: LitStr = value(input, key, "name = \"..\"", "a string")?;
    match why_not_a_name(&name.value()) {
        Some(why) => Err(Error::new(name.span(), why)),
        None => Ok(name),
    }
}

/// A name is a path segment, a Kubernetes label and a word on a command line, hence so narrow.
pub(crate) fn why_not_a_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a function's name cannot be empty".to_owned());
    }
    let stranger = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_.".contains(*c))?;
    Some(format!(
        "a function's name is made of the letters a-z and A-Z, digits, `-`, `_` and `.`; `{}` is none of them",
        stranger.escape_debug()
    ))
}

fn path(input: ParseStream<'_>, key: &Ident) -> Result<LitStr> {
    let path: LitStr = value(input, key, "path = \"/..\"", "a string")?;
    route::check(&path.value()).map_err(|why| Error::new(path.span(), why))?;
    Ok(path)
}

fn main(input: ParseStream<'_>, key: &Ident) -> Result<bool> {
    let main: LitBool = value(input, key, "main = false", "`true` or `false`")?;
    Ok(main.value)
}

fn init(input: ParseStream<'_>, key: &Ident) -> Result<Path> {
    const EXAMPLE: &str = "init = path::to::fn";
    if input.peek(Token![=]) && input.peek2(LitStr) {
        return Err(unquoted(input, EXAMPLE));
    }
    let init: Path = value(input, key, EXAMPLE, "the path of a function")?;
    if input.peek(syn::token::Paren) {
        let call = skip_to_comma(input);
        return Err(Error::new_spanned(
            quote!(#init #call),
            format!("`init` takes the function itself, not what it returns: `init = {}`", spelled(&init)),
        ));
    }
    Ok(init)
}

fn krate(input: ParseStream<'_>, key: &Ident) -> Result<Path> {
    const EXAMPLE: &str = "crate = some::path";
    if input.peek(Token![=]) && input.peek2(LitStr) {
        return Err(unquoted(input, EXAMPLE));
    }
    equals(input, key, EXAMPLE)?;
    input.call(Path::parse_mod_style).map_err(|_| wrong(input, key, EXAMPLE, "a path"))
}

fn methods(input: ParseStream<'_>, key: Ident) -> Result<Methods> {
    const EXAMPLE: &str = "methods(GET, PUT)";
    if !input.peek(syn::token::Paren) {
        let value = skip_to_comma(input);
        let at = if value.is_empty() { key.to_token_stream() } else { quote!(#key #value) };
        return Err(Error::new_spanned(at, format!("`methods` takes a list in parentheses: `{EXAMPLE}`")));
    }
    let content;
    syn::parenthesized!(content in input);
    let mut names: Vec<String> = Vec::new();
    let mut problem: Option<Error> = None;
    let mut note = |error: Error| match &mut problem {
        Some(problem) => problem.combine(error),
        None => problem = Some(error),
    };
    if content.is_empty() {
        note(Error::new(key.span(), format!("`methods` needs at least one method, or leave it out to serve all: `{EXAMPLE}`")));
    }
    while !content.is_empty() {
        let entry = skip_to_comma(&content);
        content.parse::<Option<Token![,]>>()?;
        let spelled = entry.to_string();
        let upper = spelled.trim_matches('"').to_ascii_uppercase();
        match METHODS.iter().find(|method| **method == upper) {
            Some(method) if names.iter().any(|name| name == method) => {
                note(Error::new_spanned(entry, format!("`{method}` is given twice")));
            }
            Some(method) if *method == spelled => names.push(upper),
            Some(method) => note(Error::new_spanned(entry, format!("write the method as `{method}`"))),
            None => {
                let at = if entry.is_empty() { key.to_token_stream() } else { entry };
                note(Error::new_spanned(at, format!("expected an HTTP method, one of {}", METHODS.join(", "))));
            }
        }
    }
    problem.map_or(Ok(Methods { key, names }), Err)
}

/// Reads `= value`; `takes` says in words what the value has to be.
pub(crate) fn value<T: syn::parse::Parse>(input: ParseStream<'_>, key: &Ident, example: &str, takes: &str) -> Result<T> {
    equals(input, key, example)?;
    // On a fork, so that what was tried and failed is still there to be pointed at.
    match input.fork().parse::<T>() {
        Ok(_) => input.parse(),
        Err(_) => Err(wrong(input, key, example, takes)),
    }
}

fn equals(input: ParseStream<'_>, key: &Ident, example: &str) -> Result<()> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return Ok(());
    }
    let rest = skip_to_comma(input);
    Err(Error::new_spanned(quote!(#key #rest), format!("`{key}` needs a value: `{example}`")))
}

/// The error for a value of the wrong form, at the value.
fn wrong(input: ParseStream<'_>, key: &Ident, example: &str, takes: &str) -> Error {
    let value = skip_to_comma(input);
    if value.is_empty() {
        return Error::new(key.span(), format!("`{key}` needs a value: `{example}`"));
    }
    Error::new_spanned(value, format!("`{key}` takes {takes}: `{example}`"))
}

/// The error for `key = "path"`, for those used to attributes that want their paths in quotes.
fn unquoted(input: ParseStream<'_>, example: &str) -> Error {
    let value: TokenStream = skip_to_comma(input).into_iter().skip(1).collect();
    Error::new_spanned(value, format!("write the path without quotes: `{example}`"))
}

fn unknown(word: &str) -> String {
    let near = WORDS
        .iter()
        .chain(&deliveries::WORDS)
        .map(|known| (distance(word, known), known))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match near {
        Some((_, known)) => format!("unknown key `{word}`, did you mean `{known}`? {VALID}"),
        None => format!("unknown key `{word}`: {VALID}"),
    }
}

/// In how many letters two words differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let cost = (row[j] + 1).min(row[j + 1] + 1).min(diagonal + usize::from(from != *to));
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

/// The tokens up to the next comma, or to the end.
fn skip_to_comma(input: ParseStream<'_>) -> TokenStream {
    let mut skipped = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(token) => skipped.extend([token]),
            Err(_) => break,
        }
    }
    skipped
}

/// A path as it is written, where printing its tokens would put blanks around the `::`.
fn spelled(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}

impl Kind {
    /// What the runtime calls the kind.
    pub(crate) fn ident(self, span: Span) -> Ident {
        let name = match self {
            Self::Http => "HttpKind",
            Self::CloudEvent => "EventKind",
            Self::OpenFunction => "ContextKind",
        };
        Ident::new(name, span)
    }
}
