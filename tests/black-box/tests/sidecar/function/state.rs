//! What a function keeps in a store.

use black_box_tests::{AppProtocol, Program, Redis, Resource, Sidecar, component, eventually};

use super::{Declared, serve};

/// A function with a store.
#[track_caller]
fn with(store: Resource) -> (black_box_tests::Daprd, Program) {
    let sidecar = Sidecar::new("shop").app(AppProtocol::Http).with(store).start();
    let program = serve(&sidecar, "errand", &Declared::http().keeps("store", "kept"));
    (sidecar, program)
}

#[track_caller]
fn run(program: &Program, errand: &str) -> String {
    program.post("/", "text/plain", format!("state|{errand}")).expect(200).text().to_owned()
}

#[track_caller]
fn keeps(store: Resource) {
    let (sidecar, program) = with(store);
    let done = |errand: &str| assert_eq!(run(&program, errand), "", "{errand}");
    done("save|cart/7|a");
    done("save|é & ü|b");
    assert_eq!(run(&program, "get|é & ü|nothing|cart/7"), r#"é & ü=Some("b");nothing=None;cart/7=Some("a")"#);
    assert_eq!(sidecar.state("kept", "cart/7"), Some("a".into()));

    // Who has read an old value does not write over a new one.
    let old = run(&program, "etag|cart/7");
    done(&format!("save over|{old}|cart/7|b"));
    let late = run(&program, &format!("save over|{old}|cart/7|c"));
    assert!(late.starts_with("Aborted, try again: ") && late.contains("`cart/7`") && late.contains("state `store`"), "{late}");
    assert_eq!(run(&program, "get|cart/7"), r#"cart/7=Some("b")"#);

    done("transaction|new|n|cart/7");
    assert_eq!(run(&program, "get|new|cart/7"), r#"new=Some("n");cart/7=None"#);
    done("delete|new|é & ü|nothing");
    assert_eq!(run(&program, "get|new|é & ü"), "new=None;é & ü=None");

    done("save for a second|brief|b");
    eventually("its time is over", || (run(&program, "get|brief") == "brief=None").then_some(()));
}

#[test]
fn a_store_in_memory_keeps_what_a_function_saves() {
    keeps(component::memory_state("kept"));
}

#[test]
fn a_store_in_redis_keeps_what_a_function_saves() {
    keeps(component::redis_state("kept", &Redis::start()));
}
