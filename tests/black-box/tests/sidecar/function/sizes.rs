//! Large messages, in either direction.

use std::fs;

use black_box_tests::{AppProtocol, Folder, Sidecar, component};
use serde_json::json;

use super::{Declared, function, over_both, received_at, serve};

over_both! {
    twenty_mebibytes_come_in_and_go_out_where_all_limits_are_raised,
    a_message_over_the_limit_of_the_function_names_its_setting,
    a_message_over_the_limit_of_the_sidecar_names_its_setting,
}

/// A text of so many MiB. It is no Base64, which the output to files would decode.
fn text(mebibytes: usize) -> Vec<u8> {
    let mut text = vec![b'x'; mebibytes << 20];
    text[0] = b'#';
    text
}

/// A sidecar that passes large messages from a topic to a file.
fn sidecar(protocol: AppProtocol, folder: &Folder) -> Sidecar {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events"));
    sidecar.with(component::file_output("files", folder.path()))
}

fn declared() -> Declared {
    Declared::events().topic("in", "events", "orders").invokes("out", "files", "create", &json!({ "fileName": "large.txt" }))
}

fn twenty_mebibytes_come_in_and_go_out_where_all_limits_are_raised(protocol: AppProtocol) {
    let folder = Folder::new(&format!("large-{protocol}"));
    let sidecar = sidecar(protocol, &folder).flag("--max-body-size 64Mi").start();
    let program = sidecar.start_function(function("carry", &declared()).env("FUNCTION_MAX_BODY_SIZE", "64MiB"));
    sidecar.wait_for_subscriptions(1);
    sidecar.publish("events", "orders", "text/plain", text(20));
    let got = &received_at(program.log(), "in", 1)[0];
    assert_eq!(got["payload"], format!("{} bytes, {} of them x", 20 << 20, (20 << 20) - 1));
    program.log().wait("that it is sent", |line| line.message() == "sent");
    assert!(fs::read(folder.path().join("large.txt")).unwrap() == text(20), "the file is what was published");
}

fn a_message_over_the_limit_of_the_function_names_its_setting(protocol: AppProtocol) {
    let folder = Folder::new(&format!("too-large-{protocol}"));
    let sidecar = sidecar(protocol, &folder).flag("--max-body-size 64Mi").start();
    let program = serve(&sidecar, "carry", &declared());
    sidecar.publish("events", "orders", "text/plain", text(20));
    let refused = program.log().wait("of the refusal", |line| line.message() == "delivery refused");
    assert!(refused.field("error").contains("FUNCTION_MAX_BODY_SIZE"), "{}", refused.text);
    // The next comes all the same.
    sidecar.publish("events", "orders", "text/plain", text(1));
    let got = &received_at(program.log(), "in", 1)[0];
    assert_eq!(got["payload"], format!("{} bytes, {} of them x", 1 << 20, (1 << 20) - 1));
}

fn a_message_over_the_limit_of_the_sidecar_names_its_setting(protocol: AppProtocol) {
    let folder = Folder::new(&format!("too-large-for-the-sidecar-{protocol}"));
    let sidecar = sidecar(protocol, &folder).start();
    let program = serve(&sidecar, "carry", &Declared::http().invokes("out", "files", "create", &json!({})));
    program.post("/", "text/plain", text(5)).expect(500);
    let failed = program.log().wait("of the failure", |line| !line.field("error").is_empty());
    assert!(failed.field("error").contains("--max-body-size"), "{}", failed.text);
    program.post("/", "text/plain", text(1)).expect(200);
}
