//! Writes what makes a function one of the framework, where all is well.
//!
//! Each line of the glue belongs to one thing the user wrote and carries its place, so that an error in it is an error
//! there: the line of a parameter to its type, the line of the reply to the return type, the rest to the name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, Path, ReturnType, Type, Visibility};

use crate::{
    attr::{Attr, Methods},
    place,
    signature::Signature,
};

/// The function as it came, and beside it the item that stands for it.
pub(crate) fn expand(attr: &Attr, signature: &Signature, item: &TokenStream) -> TokenStream {
    let beside =
        Beside { cfgs: &signature.cfgs, vis: &signature.vis, ident: &signature.ident, krate: &attr.krate, main: attr.main };
    let beside = beside.write(&glue(attr, signature));
    quote!(#item #beside)
}

/// What is written beside a function, be it right or wrong.
pub(crate) struct Beside<'a> {
    pub(crate) cfgs: &'a [Attribute],
    pub(crate) vis: &'a Visibility,
    pub(crate) ident: &'a Ident,
    pub(crate) krate: &'a TokenStream,
    pub(crate) main: bool,
}

impl Beside<'_> {
    /// The registration item, called as the function is. A struct with braces has no constructor among the values, which
    /// is what lets it stand beside a function of its name.
    ///
    /// No lint is silenced, for where one is forbidden that is an error: the items carry places of ours, which lints pass
    /// over, and what might be thought unused is used.
    pub(crate) fn write(&self, glue: &TokenStream) -> TokenStream {
        let Self { cfgs, vis, krate, .. } = self;
        let ident = self.ident();
        let main = self.main.then(|| self.main());
        // With its `main` gone under test, a function no test calls is no mistake.
        let used = self.main.then(|| quote_spanned!(Span::mixed_site()=> let _ = #ident {};));
        quote_spanned! {Span::mixed_site()=>
            #(#cfgs)*
            #[doc(hidden)]
            #vis struct #ident {}

            #(#cfgs)*
            const _: () = {
                use #krate::__private as __rt;
                impl __rt::Registration for #ident {
                    fn function() -> __rt::Function {
                        #glue
                    }
                }
                #used
            };

            #main
        }
    }

    /// First the constant, for of two errors the first is read: a second `main` clashes in this name too, which says what to
    /// do.
    fn main(&self) -> TokenStream {
        let Self { cfgs, krate, .. } = self;
        let ident = self.ident();
        quote_spanned! {Span::mixed_site()=>
            #(#cfgs)*
            #[cfg(not(test))]
            const two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main: () = ();

            #(#cfgs)*
            #[cfg(not(test))]
            fn main() -> ::std::process::ExitCode {
                use #krate::__private as __rt;
                __rt::main(<#ident as __rt::Registration>::function())
            }

            // In a library or a module there is no use for it, which is no mistake either.
            #(#cfgs)*
            #[cfg(not(test))]
            const _: () = {
                let _ = main;
                two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main
            };
        }
    }

    fn ident(&self) -> Ident {
        let mut ident = self.ident.clone();
        ident.set_span(place::one(&ident));
        ident
    }
}

/// The body of `Registration::function`.
fn glue(attr: &Attr, signature: &Signature) -> TokenStream {
    let at = place::one(&signature.ident);
    let kind = kind(attr, signature.parameters.first());
    let options = options(attr, &signature.name);
    let init = init(attr.init.as_ref());
    let handler = handler(signature);
    let function = quote_spanned!(at=> __kind.function);
    let deprecated = signature.is_deprecated.then(|| quote!(#![allow(deprecated)]));
    quote_spanned! {Span::mixed_site()=>
        #deprecated
        #kind
        #options
        #function(__options, #init, #handler)
    }
}

/// `__kind`, of which the compiler knows the type when it looks up the methods of the lines below: the same text asks for
/// something else in each kind.
fn kind(attr: &Attr, first: Option<&Type>) -> TokenStream {
    if let Some((kind, word)) = &attr.kind {
        let kind = kind.ident(Span::mixed_site().located_at(word.span()));
        return quote_spanned!(Span::mixed_site()=> let __kind = __rt::#kind;);
    }
    let Some(ty) = first else {
        return quote_spanned!(Span::mixed_site()=> let __kind = __rt::HttpKind;);
    };
    quote_spanned! {place::of_type(ty)=>
        // Loses to the inherent methods of a probe, which only the types of the other two kinds have.
        use __rt::Otherwise as _;
        let __kind = __rt::Probe::<#ty>::NEW.function_kind();
    }
}

fn options(attr: &Attr, name: &str) -> TokenStream {
    let path = attr.path.as_ref().map(|path| quote_spanned!(Span::mixed_site()=> .path(#path)));
    let methods = attr.methods.as_ref().map(|Methods { key, names }| {
        let at = place::one(key);
        quote_spanned!(at=> let __options = __kind.methods(__options, &[#(#names),*]);)
    });
    let deliveries = attr.deliveries.glue();
    quote_spanned! {Span::mixed_site()=>
        let __options = __rt::Options::new(#name)#path;
        #methods
        #deliveries
    }
}

fn init(init: Option<&Path>) -> TokenStream {
    init.map_or_else(
        || quote_spanned!(Span::mixed_site()=> __rt::no_init()),
        |init| quote_spanned!(place::one(init)=> __rt::init(#init)),
    )
}

/// The closure that takes an invocation apart, calls the function and turns what it returns into a reply.
fn handler(signature: &Signature) -> TokenStream {
    let names = (0..signature.parameters.len()).map(|index| format!("__a{index}"));
    let arguments: Vec<Argument<'_>> = names.zip(&signature.parameters).map(|(name, ty)| Argument { name, ty }).collect();
    let inputs = match arguments.len() {
        0 => quote_spanned!(Span::mixed_site()=> move |_, _|),
        1 => quote_spanned!(Span::mixed_site()=> move |__state, __in|),
        _ => quote_spanned!(Span::mixed_site()=> move |__state, mut __in|),
    };
    let lets = arguments.iter().enumerate().map(|(index, argument)| argument.extract(Part::of(index, arguments.len())));
    let call = call(signature, &arguments);
    let reply = reply(signature);
    quote_spanned! {Span::mixed_site()=>
        #inputs async move {
            #(#lets)*
            let __out = #call;
            #reply
        }
    }
}

/// One parameter of the function, under the name of a variable of ours.
struct Argument<'a> {
    name: String,
    ty: &'a Type,
}

/// Which part of the request a parameter can have: only the last may read the body.
#[derive(Clone, Copy)]
enum Part {
    Only,
    Leading,
    Inner,
    Last,
}

impl Part {
    fn of(index: usize, count: usize) -> Self {
        match (index, count - index) {
            (0, 1) => Self::Only,
            (0, _) => Self::Leading,
            (_, 1) => Self::Last,
            _ => Self::Inner,
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Leading => "leading",
            Self::Inner => "inner",
            Self::Last => "last",
        }
    }
}

impl Argument<'_> {
    fn ident(&self, at: Span) -> Ident {
        Ident::new(&self.name, at)
    }

    fn extract(&self, part: Part) -> TokenStream {
        let (ty, at) = (self.ty, place::of_type(self.ty));
        let (variable, method) = (self.ident(at), Ident::new(part.method(), at));
        let input = match part {
            Part::Only | Part::Last => quote_spanned!(at=> __in),
            Part::Leading | Part::Inner => quote_spanned!(at=> &mut __in),
        };
        quote_spanned!(at=> let #variable: #ty = __kind.#method(#input, &*__state, __rt::PhantomData::<#ty>).await?;)
    }
}

/// The call itself, with the user's own token: the variables above cannot come between it and the function, whatever name
/// that has.
fn call(signature: &Signature, arguments: &[Argument<'_>]) -> TokenStream {
    let (function, at) = (&signature.ident, place::one(&signature.ident));
    let arguments = arguments.iter().map(|argument| argument.ident(at));
    let call = quote_spanned!(at=> #function(#(#arguments),*));
    if signature.is_async { quote_spanned!(at=> #call.await) } else { quote_spanned!(at=> __rt::blocking(move || #call).await) }
}

fn reply(signature: &Signature) -> TokenStream {
    let (first, last) = match &signature.output {
        ReturnType::Type(_, ty) => place::ends(ty),
        ReturnType::Default => place::ends(&signature.ident),
    };
    // What the compiler objects to is the argument, and it marks it from end to end: give it two.
    let returned = quote_spanned!(last=> (__out));
    quote_spanned!(first=> __kind.reply(::core::convert::identity #returned))
}
