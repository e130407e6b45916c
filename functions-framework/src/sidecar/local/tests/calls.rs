use super::*;
use crate::sidecar::{Change, Changes, ReadOptions, SidecarCode, Trace, local::Apps};

fn saves(changes: Vec<Change>, transaction: bool) -> Changes {
    Changes { changes, transaction, metadata: Metadata::new() }
}

fn change(key: &str, value: Option<&str>, etag: Option<&str>, first_write: bool) -> Change {
    Change {
        key: key.to_owned(),
        value: value.map(|value| Bytes::copy_from_slice(value.as_bytes())),
        etag: etag.map(str::to_owned),
        first_write,
        strong: false,
        metadata: Metadata::new(),
    }
}

async fn with_state(options: Options) -> Arc<Local> {
    let manifest = Manifest { states: vec![state("store"), state("other")], ..Manifest::default() };
    start(&manifest, &[], options, &Function::new(|_| success())).await
}

async fn read(local: &Local, store: &str, key: &str) -> (Option<String>, Option<String>) {
    let entry = local.state(store, key.to_owned(), ReadOptions::default(), Scope::default()).await.unwrap();
    (entry.value.map(|value| String::from_utf8(value.into()).unwrap()), entry.etag)
}

async fn write(local: &Local, changes: Changes) -> Result<(), SidecarError> {
    local.change_states("store", changes, Scope::default()).await
}

#[tokio::test]
async fn a_value_changes_only_for_who_knows_it() {
    let local = with_state(options()).await;
    assert_eq!(read(&local, "store", "a").await, (None, None));
    write(&local, saves(vec![change("a", Some("1"), None, true)], false)).await.unwrap();
    let (value, etag) = read(&local, "store", "a").await;
    assert_eq!((value.as_deref(), read(&local, "other", "a").await), (Some("1"), (None, None)));
    let etag = etag.unwrap();
    for wrong in
        [change("a", Some("2"), None, true), change("a", Some("2"), Some("999"), false), change("a", None, Some("999"), true)]
    {
        assert_eq!(write(&local, saves(vec![wrong], false)).await.unwrap_err().code(), SidecarCode::Aborted);
    }
    let missing = change("b", Some("2"), Some(&etag), false);
    assert_eq!(write(&local, saves(vec![missing], false)).await.unwrap_err().code(), SidecarCode::Aborted);
    let invalid = change("a", Some("2"), Some("no etag"), false);
    assert_eq!(write(&local, saves(vec![invalid], false)).await.unwrap_err().code(), SidecarCode::InvalidArgument);
    write(&local, saves(vec![change("a", Some("2"), Some(&etag), true)], false)).await.unwrap();
    let (value, next) = read(&local, "store", "a").await;
    assert!(value.as_deref() == Some("2") && next.as_deref() != Some(&etag));
    write(&local, saves(vec![change("a", None, next.as_deref(), false)], false)).await.unwrap();
    assert_eq!(read(&local, "store", "a").await, (None, None));
    write(&local, saves(vec![change("a", Some("3"), None, false)], false)).await.unwrap();
    assert_ne!(read(&local, "store", "a").await.1, next, "an etag never comes back");
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_other_changes_are_each_for_itself() {
    let local = with_state(options()).await;
    let mixed = || {
        vec![change("a", Some("1"), None, false), change("b", Some("2"), Some("7"), false), change("c", Some("3"), None, false)]
    };
    let refused = write(&local, saves(mixed(), true)).await.unwrap_err();
    assert_eq!((refused.code(), read(&local, "store", "a").await), (SidecarCode::Aborted, (None, None)));
    let partly = write(&local, saves(mixed(), false)).await.unwrap_err();
    assert!(partly.code() == SidecarCode::Aborted && partly.message().contains("1 of 3"), "{partly}");
    assert_eq!(read(&local, "store", "a").await.0.as_deref(), Some("1"));
    assert_eq!((read(&local, "store", "b").await.0, read(&local, "store", "c").await.0.as_deref()), (None, Some("3")));
    write(&local, saves(vec![change("a", None, None, false), change("d", Some("4"), None, false)], true)).await.unwrap();
    assert_eq!((read(&local, "store", "a").await.0, read(&local, "store", "d").await.0.as_deref()), (None, Some("4")));
}

#[tokio::test]
async fn a_value_with_an_end_ends() {
    let local = with_state(options()).await;
    let with_end = |seconds: &str| {
        let mut change = change("a", Some("1"), None, false);
        change.metadata.insert("ttlInSeconds".to_owned(), seconds.to_owned());
        change
    };
    for wrong in ["0", "-2", "soon"] {
        assert_eq!(write(&local, saves(vec![with_end(wrong)], false)).await.unwrap_err().code(), SidecarCode::InvalidArgument);
    }
    write(&local, saves(vec![with_end("600")], false)).await.unwrap();
    let entry = local.state("store", "a".to_owned(), ReadOptions::default(), Scope::default()).await.unwrap();
    assert!(entry.metadata.contains_key("ttlExpireTime"));
    write(&local, saves(vec![with_end("-1")], false)).await.unwrap();
    let entry = local.state("store", "a".to_owned(), ReadOptions::default(), Scope::default()).await.unwrap();
    assert!(entry.metadata.is_empty());
    write(&local, saves(vec![with_end("1")], false)).await.unwrap();
    eventually("the value has ended", || local.read_state("store", "a").unwrap().value.is_none()).await;
    local.states.purge();
    local.store.flush().await.unwrap();
    let left = local.store.read(|transaction| {
        let table = transaction.open_table(super::super::store::STATE)?;
        Ok(redb::ReadableTableMetadata::len(&table)?)
    });
    assert_eq!(left.unwrap(), 0, "nothing of it is left");
    write(&local, saves(vec![change("a", Some("2"), None, true)], false)).await.unwrap();
}

#[tokio::test]
async fn state_outlives_the_process_when_there_is_a_folder() {
    let folder = Folder::new();
    let local = with_state(durable(&folder)).await;
    write(&local, saves(vec![change("a", Some("1"), None, false)], false)).await.unwrap();
    let before = read(&local, "store", "a").await;
    assert!(local.stop(LONG).await);
    drop(local);
    let local = with_state(durable(&folder)).await;
    assert_eq!(read(&local, "store", "a").await, before);
}

#[tokio::test]
async fn keys_are_kept_apart_by_what_comes_before_them() {
    let manifest = Manifest { states: vec![state("store")], ..Manifest::default() };
    let function = Function::new(|_| success());
    for (prefix, stored) in
        [("", "shop||a"), ("name", "store||a"), ("none", "a"), ("mine", "mine||a"), ("namespace", "shop||a")]
    {
        let component = component("store", "state.redis", &[("keyPrefix", prefix)]);
        let local = start(&manifest, &[component], options(), &function).await;
        write(&local, saves(vec![change("a", Some("1"), None, false)], false)).await.unwrap();
        assert_eq!(
            local.states.all("store").unwrap().into_iter().map(|(key, _)| key).collect::<Vec<_>>(),
            [stored],
            "{prefix}"
        );
        assert_eq!(read(&local, "store", "a").await.0.as_deref(), Some("1"));
        let illegal = write(&local, saves(vec![change("a||b", Some("1"), None, false)], false)).await.unwrap_err();
        assert_eq!(illegal.code(), SidecarCode::InvalidArgument);
    }
    let wrong = component("store", "state.redis", &[("keyPrefix", "a||b")]);
    assert!(refused(&manifest, &[wrong], options()).await.to_string().contains("keyPrefix"));
}

#[tokio::test]
async fn what_is_not_declared_is_told_with_what_is() {
    let local = with_state(options()).await;
    let unknown = local.publish(message("bus", "t", "x", &[]), Scope::default()).await.unwrap_err();
    assert!(
        unknown.code() == SidecarCode::FailedPrecondition && unknown.message().contains("no pubsub is declared"),
        "{unknown}"
    );
    let unknown = local.state("stroe", "a".to_owned(), ReadOptions::default(), Scope::default()).await.unwrap_err();
    assert!(
        unknown.code() == SidecarCode::InvalidArgument && unknown.message().contains("declared: other, store"),
        "{unknown}"
    );
    for call in [
        local.invoke_binding(message("nothing", "create", "x", &[]), Scope::default()).await.map(drop),
        local.secret("vault", "a".to_owned(), Metadata::new(), Scope::default()).await.map(drop),
    ] {
        assert_eq!(call.unwrap_err().code(), SidecarCode::FailedPrecondition);
    }
    let late = Scope { deadline: Some(std::time::Instant::now()), ..Scope::default() };
    let late = local.state("store", "a".to_owned(), ReadOptions::default(), late).await.unwrap_err();
    assert_eq!(late.code(), SidecarCode::DeadlineExceeded);
}

#[tokio::test]
async fn secrets_are_read_where_they_are_needed() {
    let folder = Folder::new();
    let secrets = folder.path().join("secrets.json");
    std::fs::write(&secrets, r#"{"hook": {"url": "http://127.0.0.1:1/x"}, "token": "t"}"#).unwrap();
    let mut hook = component("hook", "bindings.http", &[]);
    hook.secret_store = Some("file".to_owned());
    hook.metadata.push(("url".to_owned(), MetadataValue::Secret { name: "hook:url".to_owned(), key: "hook:url".to_owned() }));
    let mut bus = component("bus", "pubsub.kafka", &[]);
    bus.metadata.push(("password".to_owned(), MetadataValue::Secret { name: "nowhere".to_owned(), key: "x".to_owned() }));
    let components = [hook, bus, component("file", "secretstores.local.file", &[("secretsFile", secrets.to_str().unwrap())])];
    let function = Function::new(|_| success());
    let local = start(&Manifest::default(), &components, options(), &function).await;
    let token = local.secret("file", "token".to_owned(), Metadata::new(), Scope::default()).await.unwrap();
    assert_eq!(token["token"], "t");
    let called = local.invoke_binding(message("hook", "get", "", &[]), Scope::default()).await.unwrap_err();
    assert!(called.code() == SidecarCode::Unavailable && called.message().contains("127.0.0.1:1/x"), "{called}");
    std::fs::write(&secrets, "{}").unwrap();
    let missing = refused(&Manifest::default(), &components, options()).await.to_string();
    assert!(missing.contains("component hook (bindings.http): url: secret hook:url not found"), "{missing}");
}

#[tokio::test]
async fn a_declaration_that_cannot_be_is_told() {
    let bus = || component("bus", "pubsub.kafka", &[]);
    let inputs = |input| Manifest { inputs: vec![input], ..Manifest::default() };
    for (manifest, components, expected) in [
        (Manifest::default(), vec![bus(), bus()], "component bus is declared twice"),
        (inputs(input("in", "bus", "pubsub.kafka", None, &[])), vec![], "input in: it says no topic of component bus"),
        (
            inputs(input("in", "hook", "bindings.http", None, &[])),
            vec![component("hook", "bindings.http", &[("url", "http://h")])],
            "component hook (bindings.http) brings no events",
        ),
        (Manifest::default(), vec![component("files", "bindings.localstorage", &[])], "rootPath"),
        (Manifest::default(), vec![component("s", "secretstores.local.file", &[])], "secretsFile is missing"),
        (
            inputs(input("in", "bus", "pubsub.kafka", Some("t"), &[])),
            vec![component("bus", "pubsub.kafka", &[("concurrency", "many")])],
            "concurrency \"many\"",
        ),
    ] {
        let StartError::Configuration(text) = refused(&manifest, &components, options()).await else {
            panic!("expected a mistake of the configuration: {expected}")
        };
        assert!(text.contains(expected), "{text}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = Some(taken.local_addr().unwrap().port());
    let error = refused(&Manifest::default(), &[], Options { port, ..options() }).await;
    assert!(matches!(&error, StartError::Configuration(text) if text.contains("--local-port")), "{error}");
}

#[tokio::test]
async fn the_functions_of_the_process_are_apps_and_nobody_else_is() {
    let local = start(&Manifest::default(), &[], options(), &Function::new(|_| success())).await;
    let call = async |app: &str, trace: &str| {
        let request = ::http::Request::builder().uri("/price?item=7").header("host", "shop").header("x-kept", "yes");
        let trace = Trace { traceparent: Some(trace.into()), ..Trace::default() };
        local.invoke(app, request.body(Bytes::from("tea")).unwrap(), Scope { trace, ..Scope::default() }).await
    };
    let error = call("prices", "").await.unwrap_err();
    assert_eq!((error.code(), error.can_retry()), (SidecarCode::Unavailable, false));

    local.serve_apps(|| Apps {
        functions: vec!["prices".to_owned()],
        serve: Arc::new(|request| {
            Box::pin(async move {
                assert_eq!((request.uri().to_string().as_str(), request.body().as_ref()), ("/price?item=7", &b"tea"[..]));
                assert!(!request.headers().contains_key("host") && request.headers()["x-kept"] == "yes");
                if request.headers()["traceparent"] == "broken" {
                    return Err("it stopped".into());
                }
                Ok(::http::Response::builder().status(409).body(Bytes::from("12"))?)
            })
        }),
    });
    for app in ["prices", options().app.as_str()] {
        let answer = call(app, "00-1-2-01").await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (409, &b"12"[..]), "an answer is no error");
    }
    let error = call("stock", "").await.unwrap_err();
    assert_eq!((error.code(), error.can_retry()), (SidecarCode::Unavailable, false));
    assert!(error.message().contains("\"stock\" is not there") && error.message().contains("prices"), "{error}");
    let error = call("prices", "broken").await.unwrap_err();
    assert!(error.can_retry() && error.message().contains("broke off"), "{error}");
}
