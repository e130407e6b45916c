//! Builds after the first.

use std::time::{Duration, SystemTime};

use crate::*;

#[test]
fn a_changed_line_compiles_the_changed_package_and_no_other() {
    let app = hello().file("src/main.rs", HELLO.replace("one {target}", "two {target}"));
    let done = built("changed", &of_hello(&app));
    assert_eq!(done.ended.compiled(), ["hello"], "{}", done.ended.log);
    assert!(answers(&done.image, "/").starts_with("two hello"));
    assert_ne!(done.image.digest(), first().image.digest());
}

#[test]
fn the_same_source_compiles_nothing_and_gives_the_same_image() {
    let done = built("same", &of_hello(&hello()));
    assert_eq!(done.ended.compiled(), [""; 0], "{}", done.ended.log);
    assert_eq!(done.image.digest(), first().image.digest());
}

/// As bundles have it: every file is from 1980, also one that has just been changed.
#[test]
fn a_source_of_old_files_is_never_taken_for_one_that_was_compiled() {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(315_532_801);
    let done = built("old", &of_hello(&hello().modified(long_ago)));
    assert_eq!(done.ended.compiled(), [""; 0], "{}", done.ended.log);
    assert!(answers(&done.image, "/").starts_with("one hello"));

    let app = hello().file("src/main.rs", HELLO.replace("one {target}", "two {target}")).modified(long_ago);
    let done = again(done.environment, &of_hello(&app));
    assert_eq!(done.ended.compiled(), ["hello"], "{}", done.ended.log);
    assert!(answers(&done.image, "/").starts_with("two hello"));
}
