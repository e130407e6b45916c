//! A start with a configuration that is wrong.

use std::path::Path;

use black_box_tests::{Folder, Start};
use serde_json::json;

use crate::{BUILT, event_source, handler, part, trigger};

#[test]
fn every_mistake_of_a_configuration_is_told_and_the_process_ends_with_78() {
    let outputs = json!({ "so-t-my-1": part("ts-b", "bindings.http", None) });
    let config = json!({
        "inputs": [{ "name": "A", "namespace": "default", "eventSource": "my", "event": "sample" }, { "name": "B" }],
        "subscribers": { "A &&": { "sinkOutputName": "so-t-my-1" }, "A": { "sinkOutputName": "so-t-my-2" } },
    });
    let ended = handler("trigger-handler", &json!({}), &outputs, &json!({}), &config).end();
    ended.expect(
        78,
        &[
            "the configuration in CONFIG (base64 of JSON) has 5 mistakes:",
            "inputs[0]: no input of the function context subscribes to the topic `default-my-sample`",
            "inputs[1].eventSource: is missing, expected a text",
            "subscribers[\"A &&\"]: line 1, column",
            "subscribers[\"A\"].sinkOutputName: no output of the function context is named `so-t-my-2` (outputs: so-t-my-1)",
        ],
    );
    trigger().env("CONFIG", "").end().expect(78, &["CONFIG: is not set"]);
    event_source(&json!({})).env("CONFIG", "!").end().expect(78, &["CONFIG: is not base64"]);
}

#[test]
fn an_event_source_without_a_configuration_says_that_it_does_nothing() {
    let program = event_source(&json!({})).without("CONFIG").serve();
    program.log().wait_text("events are taken, and go nowhere");
}

#[test]
fn what_asks_a_handler_for_its_functions_needs_no_configuration() {
    for program in ["eventsource-handler", "trigger-handler"] {
        let start = handler(program, &json!({}), &json!({}), &json!({}), &json!({})).without("CONFIG");
        let listed = start.arg("--list-functions").end().expect(0, &[]);
        assert!(listed.output.contains(&format!("\"{program}\"")), "{}", listed.output);
    }
}

#[test]
fn the_manifest_of_each_handler_starts_it_at_a_desk() {
    let folder = Folder::new("events-desk");
    for (handler, input) in
        [("eventsource-handler", "esi-sample-one"), ("trigger-handler", "ti-default-my-eventsource-sample-one")]
    {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../events/manifests/{handler}.yaml"));
        let start = Start::new(BUILT.join(handler)).env("FUNCTION_MANIFEST", manifest).env("FUNCTION_LOCAL_PORT", "0");
        let program = start.directory(folder.path()).serve();
        assert_eq!(program.get("/_local/inputs").expect(200).json()["inputs"][0]["name"], input);
        program.terminate().expect(0, &[]);
    }
}
