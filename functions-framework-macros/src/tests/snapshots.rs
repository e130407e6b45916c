//! The expansions themselves. `UPDATE_EXPECT=1 cargo test` writes them anew; read the difference before you keep it.

// As expect-test writes them.
#![allow(clippy::needless_raw_string_hashes)]

use expect_test::{Expect, expect};

use super::expand;

/// Prints the expansion without the function, which `names` checks, and without `main` unless it is asked for.
#[track_caller]
fn check(attr: &str, item: &str, expected: &Expect) {
    let file: syn::File = syn::parse2(expand(attr, item)).expect("an expansion consists of items");
    expected.assert_eq(&prettyplease::unparse(&syn::File { items: file.items.into_iter().skip(1).collect(), ..file }));
}

#[test]
fn the_smallest() {
    check(
        "",
        "async fn hello() -> &'static str { \"Hello\" }",
        &expect![[r##"
            #[doc(hidden)]
            struct hello {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for hello {
                    fn function() -> __rt::Function {
                        let __kind = __rt::HttpKind;
                        let __options = __rt::Options::new("hello");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |_, _| async move {
                                    let __out = hello().await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
                let _ = hello {};
            };
            #[cfg(not(test))]
            const two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main: () = ();
            #[cfg(not(test))]
            fn main() -> ::std::process::ExitCode {
                use ::functions_framework::__private as __rt;
                __rt::main(<hello as __rt::Registration>::function())
            }
            #[cfg(not(test))]
            const _: () = {
                let _ = main;
                two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main
            };
        "##]],
    );
}

#[test]
fn http() {
    check(
        "init = connect, path = \"/orders/{id}\", methods(GET, PUT), main = false",
        "/// Changes an order.
        pub async fn order(State(db): State<Db>, Path(id): Path<u64>, Json(patch): Json<Patch>) -> Result<Json<Order>, StatusCode> {}",
        &expect![[r##"
            #[doc(hidden)]
            pub struct order {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for order {
                    fn function() -> __rt::Function {
                        use __rt::Otherwise as _;
                        let __kind = __rt::Probe::<State<Db>>::NEW.function_kind();
                        let __options = __rt::Options::new("order").path("/orders/{id}");
                        let __options = __kind.methods(__options, &["GET", "PUT"]);
                        __kind
                            .function(
                                __options,
                                __rt::init(connect),
                                move |__state, mut __in| async move {
                                    let __a0: State<Db> = __kind
                                        .leading(
                                            &mut __in,
                                            &*__state,
                                            __rt::PhantomData::<State<Db>>,
                                        )
                                        .await?;
                                    let __a1: Path<u64> = __kind
                                        .inner(&mut __in, &*__state, __rt::PhantomData::<Path<u64>>)
                                        .await?;
                                    let __a2: Json<Patch> = __kind
                                        .last(__in, &*__state, __rt::PhantomData::<Json<Patch>>)
                                        .await?;
                                    let __out = order(__a0, __a1, __a2).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
}

#[test]
fn cloud_event() {
    check(
        "main = false",
        "async fn created(event: CloudEvent<OrderCreated>) -> Result<()> {}",
        &expect![[r##"
            #[doc(hidden)]
            struct created {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for created {
                    fn function() -> __rt::Function {
                        use __rt::Otherwise as _;
                        let __kind = __rt::Probe::<CloudEvent<OrderCreated>>::NEW.function_kind();
                        let __options = __rt::Options::new("created");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |__state, __in| async move {
                                    let __a0: CloudEvent<OrderCreated> = __kind
                                        .only(
                                            __in,
                                            &*__state,
                                            __rt::PhantomData::<CloudEvent<OrderCreated>>,
                                        )
                                        .await?;
                                    let __out = created(__a0).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
}

#[test]
fn open_function() {
    check(
        "main = false, name = \"relay-1\"",
        "async fn relay(ctx: Context, Json(mut order): Json<Order>) {}",
        &expect![[r##"
            #[doc(hidden)]
            struct relay {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for relay {
                    fn function() -> __rt::Function {
                        use __rt::Otherwise as _;
                        let __kind = __rt::Probe::<Context>::NEW.function_kind();
                        let __options = __rt::Options::new("relay-1");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |__state, mut __in| async move {
                                    let __a0: Context = __kind
                                        .leading(&mut __in, &*__state, __rt::PhantomData::<Context>)
                                        .await?;
                                    let __a1: Json<Order> = __kind
                                        .last(__in, &*__state, __rt::PhantomData::<Json<Order>>)
                                        .await?;
                                    let __out = relay(__a0, __a1).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
}

#[test]
fn overrides() {
    check(
        "http, main = false",
        "async fn f(event: Event) {}",
        &expect![[r##"
            #[doc(hidden)]
            struct f {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for f {
                    fn function() -> __rt::Function {
                        let __kind = __rt::HttpKind;
                        let __options = __rt::Options::new("f");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |__state, __in| async move {
                                    let __a0: Event = __kind
                                        .only(__in, &*__state, __rt::PhantomData::<Event>)
                                        .await?;
                                    let __out = f(__a0).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
    check(
        "cloud_event, main = false",
        "async fn f(event: Event) {}",
        &expect![[r##"
            #[doc(hidden)]
            struct f {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for f {
                    fn function() -> __rt::Function {
                        let __kind = __rt::EventKind;
                        let __options = __rt::Options::new("f");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |__state, __in| async move {
                                    let __a0: Event = __kind
                                        .only(__in, &*__state, __rt::PhantomData::<Event>)
                                        .await?;
                                    let __out = f(__a0).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
    check(
        "openfunction, main = false",
        "async fn f(event: Event) {}",
        &expect![[r##"
            #[doc(hidden)]
            struct f {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for f {
                    fn function() -> __rt::Function {
                        let __kind = __rt::ContextKind;
                        let __options = __rt::Options::new("f");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |__state, __in| async move {
                                    let __a0: Event = __kind
                                        .only(__in, &*__state, __rt::PhantomData::<Event>)
                                        .await?;
                                    let __out = f(__a0).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
}

#[test]
fn not_async() {
    check(
        "main = false",
        "fn r#type(event: Event, state: State<u8>) -> Event {}",
        &expect![[r##"
            #[doc(hidden)]
            struct r#type {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for r#type {
                    fn function() -> __rt::Function {
                        use __rt::Otherwise as _;
                        let __kind = __rt::Probe::<Event>::NEW.function_kind();
                        let __options = __rt::Options::new("type");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |__state, mut __in| async move {
                                    let __a0: Event = __kind
                                        .leading(&mut __in, &*__state, __rt::PhantomData::<Event>)
                                        .await?;
                                    let __a1: State<u8> = __kind
                                        .last(__in, &*__state, __rt::PhantomData::<State<u8>>)
                                        .await?;
                                    let __out = __rt::blocking(move || r#type(__a0, __a1)).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
    check(
        "main = false",
        "fn nothing() {}",
        &expect![[r##"
            #[doc(hidden)]
            struct nothing {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for nothing {
                    fn function() -> __rt::Function {
                        let __kind = __rt::HttpKind;
                        let __options = __rt::Options::new("nothing");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |_, _| async move {
                                    let __out = __rt::blocking(move || nothing()).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
}

#[test]
fn elsewhere() {
    check(
        "crate = company::ff",
        "#[cfg(unix)] #[inline] pub(crate) async fn f() {}",
        &expect![[r##"
            #[cfg(unix)]
            #[doc(hidden)]
            pub(crate) struct f {}
            #[cfg(unix)]
            const _: () = {
                use company::ff::__private as __rt;
                impl __rt::Registration for f {
                    fn function() -> __rt::Function {
                        let __kind = __rt::HttpKind;
                        let __options = __rt::Options::new("f");
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |_, _| async move {
                                    let __out = f().await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
                let _ = f {};
            };
            #[cfg(unix)]
            #[cfg(not(test))]
            const two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main: () = ();
            #[cfg(unix)]
            #[cfg(not(test))]
            fn main() -> ::std::process::ExitCode {
                use company::ff::__private as __rt;
                __rt::main(<f as __rt::Registration>::function())
            }
            #[cfg(unix)]
            #[cfg(not(test))]
            const _: () = {
                let _ = main;
                two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main
            };
        "##]],
    );
}

#[test]
fn wrong() {
    check(
        "nam = \"x\"",
        "#[cfg(unix)] pub async fn f(x: _) {}",
        &expect![[r#"
            ::core::compile_error! {
                "unknown key `nam`, did you mean `name`? the first word can be `http`, `cloud_event` or `openfunction`, the keys are `name = \"..\"`, `path = \"/..\"`, `methods(GET, ..)`, `init = path::to::fn`, `main = false`, `crate = some::path` and, for OpenFunction functions, `input = \"..\"`, `topic = \"component/topic\"`, `binding = \"..\"`, `concurrency = 8` and `order_by = \"..\"`"
            }
            #[cfg(unix)]
            #[doc(hidden)]
            pub struct f {}
            #[cfg(unix)]
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for f {
                    fn function() -> __rt::Function {
                        ::core::unreachable!()
                    }
                }
                let _ = f {};
            };
            #[cfg(unix)]
            #[cfg(not(test))]
            const two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main: () = ();
            #[cfg(unix)]
            #[cfg(not(test))]
            fn main() -> ::std::process::ExitCode {
                use ::functions_framework::__private as __rt;
                __rt::main(<f as __rt::Registration>::function())
            }
            #[cfg(unix)]
            #[cfg(not(test))]
            const _: () = {
                let _ = main;
                two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main
            };
        "#]],
    );
}

#[test]
fn deliveries() {
    check(
        "input(\"a\", \"b\"), topic = \"bus/orders\", concurrency = 8, order_by = \"subject\", main = false",
        "async fn relay(ctx: Context) {}",
        &expect![[r##"
            #[doc(hidden)]
            struct relay {}
            const _: () = {
                use ::functions_framework::__private as __rt;
                impl __rt::Registration for relay {
                    fn function() -> __rt::Function {
                        use __rt::Otherwise as _;
                        let __kind = __rt::Probe::<Context>::NEW.function_kind();
                        let __options = __rt::Options::new("relay");
                        let __options = __kind
                            .deliveries(
                                __options,
                                __rt::Deliveries {
                                    inputs: &["a", "b"],
                                    topics: &["bus/orders"],
                                    bindings: &[],
                                    concurrency: ::core::option::Option::Some(8usize),
                                    order_by: ::core::option::Option::Some("subject"),
                                },
                            );
                        __kind
                            .function(
                                __options,
                                __rt::no_init(),
                                move |__state, __in| async move {
                                    let __a0: Context = __kind
                                        .only(__in, &*__state, __rt::PhantomData::<Context>)
                                        .await?;
                                    let __out = relay(__a0).await;
                                    __kind.reply(::core::convert::identity(__out))
                                },
                            )
                    }
                }
            };
        "##]],
    );
}
