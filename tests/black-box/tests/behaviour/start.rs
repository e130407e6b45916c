//! The start of a process, where things are missing.

use std::fs;

use black_box_tests::{Folder, Start};

use crate::{fixture, serve};

#[test]
fn an_init_that_fails_is_70_with_its_cause() {
    let said = "`init` of function `init_fails` failed: no database: secret table: invalid digit found in string";
    let ended = fixture("init_fails").end().expect(70, &[said]);
    assert!(!ended.errors.contains("listening"), "the port was not opened: {}", ended.errors);
}

#[test]
fn an_init_that_panics_is_70_too() {
    let ended = fixture("init_panics").end().expect(70, &["`init` of function `init_panics` failed: panicked: no luck, at "]);
    assert!(!ended.errors.contains("listening"), "{}", ended.errors);
}

#[test]
fn the_port_is_closed_until_init_is_done() {
    let starting = fixture("init_waits").start();
    starting.log().wait_text("waiting");
    assert_eq!(black_box_tests::proc::listening_port(starting.id()), None);
}

#[test]
fn nothing_in_the_environment_is_needed() {
    // Not even PATH or HOME; the port is a flag so that tests do not meet on 8080.
    let program = Start::bare(env!("CARGO_BIN_EXE_fixture")).arg("--port=0").arg("--target=echo").directory("/").serve();
    program.get("/").expect(200);
    program.terminate().expect(0, &[]);
}

#[test]
fn the_current_directory_may_be_read_only_or_gone() {
    let folder = Folder::new("read-only");
    let mut permissions = fs::metadata(folder.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(folder.path(), permissions).unwrap();
    let program = fixture("echo").directory(folder.path()).serve();
    program.get("/").expect(200);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
    drop(folder);
    program.get("/").expect(200);
    program.terminate().expect(0, &[]);
}

#[test]
fn the_port_and_the_function_are_announced() {
    let program = serve("order");
    let line = program.log().wait_text("listening");
    assert_eq!((line.level(), line.field("function"), line.field("kind")), ("INFO", "order", "http"));
    assert!(line.field("route").contains("GET,PUT") && line.field("route").contains("/orders/{id}"), "{line:?}");
}
