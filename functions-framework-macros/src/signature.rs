//! Reads the function up to its body, and says what a function of the framework cannot be.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, FnArg, Generics, ReturnType, Safety, Type, TypeParamBound, Visibility,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use crate::attr::{self, Attr};

/// What the glue has to know of the function.
pub(crate) struct Signature {
    /// The `#[cfg(..)]` of the function, which hold for what is written beside it too.
    pub(crate) cfgs: Vec<Attribute>,
    /// Whether it warns its callers, of which the glue is one.
    pub(crate) is_deprecated: bool,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    /// What it is called in a URL, in a log and on the command line.
    pub(crate) name: String,
    pub(crate) is_async: bool,
    pub(crate) parameters: Vec<Type>,
    pub(crate) output: ReturnType,
}

/// Reads all it can and adds what is wrong to `problems`. `None` without a problem means: rustc has something to say about
/// this function that needs no words of ours.
pub(crate) fn parse(item: TokenStream, attr: &Attr, problems: &mut Vec<Error>) -> Option<Signature> {
    let read = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if let Some(problem) = not_a_function(&input.fork().parse::<TokenStream>()?) {
            return Err(problem);
        }
        let signature: syn::Signature = input.parse()?;
        let body = input.peek(syn::token::Brace);
        // The body, whatever it is: it has been typed by a human, perhaps only half.
        input.parse::<TokenStream>()?;
        Ok((attributes, vis, signature, body))
    };
    let (mut attributes, vis, signature, body) = match read.parse2(item) {
        Ok(read) => read,
        Err(error) => {
            problems.push(error);
            return None;
        }
    };

    let is_deprecated = attributes.iter().any(|attribute| attribute.path().is_ident("deprecated"));
    attributes.retain(|attribute| attribute.path().is_ident("cfg"));
    qualifiers(&signature, problems);
    generics(&signature.generics, problems);
    let parameters = signature.inputs.iter().filter_map(|argument| parameter(argument, problems)).collect::<Vec<_>>();
    output(&signature, problems);
    let name = match &attr.name {
        Some(name) => name.value(),
        None => signature.ident.unraw().to_string(),
    };
    if attr.name.is_none() {
        let why = attr::why_not_a_name(&name).map(|why| format!("{why}: give it another with `#[function(name = \"..\")]`"));
        problems.extend(why.map(|why| Error::new(signature.ident.span(), why)));
    }

    // rustc asks for the missing body and for the type behind `_` itself.
    let inferred = parameters.iter().any(|ty| mentions(ty.to_token_stream(), "_"));
    (body && !inferred).then_some(Signature {
        cfgs: attributes,
        is_deprecated,
        vis,
        ident: signature.ident,
        name,
        is_async: signature.asyncness.is_some(),
        parameters,
        output: signature.output,
    })
}

/// The error for an item that is no function, at the words that say so.
fn not_a_function(rest: &TokenStream) -> Option<Error> {
    const OTHERS: [&str; 12] =
        ["struct", "enum", "union", "trait", "impl", "mod", "type", "static", "use", "macro_rules", "macro", "const"];
    let words: Vec<String> = rest.clone().into_iter().map_while(|token| word(&token)).collect();
    // `const`, `unsafe` and `extern` begin functions and other items alike.
    if words.iter().any(|word| word == "fn") {
        return None;
    }
    let other = words.iter().find(|word| OTHERS.contains(&word.as_str()))?;
    let at: TokenStream = rest.clone().into_iter().take(2).collect();
    Some(Error::new_spanned(at, format!("`#[function]` stands before a function, not before `{other}`")))
}

/// The text of a token that can stand before the name of an item.
fn word(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(_) | TokenTree::Literal(_) => Some(token.to_string()),
        TokenTree::Group(_) | TokenTree::Punct(_) => None,
    }
}

fn qualifiers(signature: &syn::Signature, problems: &mut Vec<Error>) {
    if let Some(variadic) = &signature.variadic {
        // Such a one has to be `unsafe extern` as well, which is not worth two more errors.
        problems.push(Error::new_spanned(variadic, "a function takes a fixed number of parameters"));
        return;
    }
    if let Some(constness) = &signature.constness {
        problems.push(Error::new_spanned(constness, "a function cannot be `const`: it runs when it is called for"));
    }
    if let Safety::Unsafe(unsafety) = &signature.safety {
        let why = "a function cannot be `unsafe`: it is called with what comes from the network, and nobody vouches for that";
        problems.push(Error::new_spanned(unsafety, why));
    }
    if let Some(abi) = &signature.abi {
        problems.push(Error::new_spanned(abi, "a function is called from Rust: leave `extern` out"));
    }
}

fn generics(generics: &Generics, problems: &mut Vec<Error>) {
    if !generics.params.is_empty() {
        let why = "a function cannot be generic: nobody is there to choose the types, write them out";
        problems.push(Error::new_spanned(quote!(#generics), why));
    } else if let Some(clause) = &generics.where_clause {
        problems.push(Error::new_spanned(clause, "a function cannot have a `where` clause: all its types are known"));
    }
}

fn parameter(argument: &FnArg, problems: &mut Vec<Error>) -> Option<Type> {
    let argument = match argument {
        FnArg::Typed(argument) => argument,
        FnArg::Receiver(receiver) => {
            let why = "a function has no `self`: move it out of the `impl`, and give what it needs with `init` and `State<T>`";
            problems.push(Error::new_spanned(receiver, why));
            return None;
        }
    };
    for attribute in argument.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
        let why = "a parameter cannot come and go with `#[cfg]`: write the function twice, each with its `#[cfg]`";
        problems.push(Error::new_spanned(attribute, why));
    }
    if mentions(argument.ty.to_token_stream(), "impl") {
        let why = "a function cannot take `impl Trait`: nobody is there to choose the type, write it out";
        problems.push(Error::new_spanned(&argument.ty, why));
    }
    Some((*argument.ty).clone())
}

/// A function that returns a future without being `async` would be taken for one that blocks.
fn output(signature: &syn::Signature, problems: &mut Vec<Error>) {
    let ReturnType::Type(_, ty) = &signature.output else { return };
    let Type::ImplTrait(promise) = &**ty else { return };
    let is_future = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == "Future"),
        _ => false,
    };
    if signature.asyncness.is_none() && promise.bounds.iter().any(is_future) {
        let why = "this would be called as a function that blocks: write `async fn` and return what the future gives";
        problems.push(Error::new_spanned(ty, why));
    }
}

/// Whether a word occurs in the tokens, at any depth.
fn mentions(tokens: TokenStream, which: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(group.stream(), which),
        TokenTree::Ident(ident) => ident == which,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
