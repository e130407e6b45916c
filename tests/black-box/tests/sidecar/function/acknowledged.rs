//! What a component hears of each event, where the test is the component.

use black_box_tests::{AppProtocol, Message, Pluggable, Program, Sidecar, pluggable};
use serde_json::{Value, json};

use super::{Declared, over_both, received, received_at, serve};

over_both! {
    a_topic_hears_what_became_of_each_event,
    a_binding_gets_the_reply,
    the_metadata_of_a_broker_comes_with_the_event,
    an_event_in_binary_mode_has_its_attributes_from_the_metadata,
    a_broker_cannot_fake_the_token,
}

/// Serves `receive` with the topic `orders` of the component and with its binding.
#[track_caller]
fn receive(probe: &Pluggable, sidecar: Sidecar) -> (black_box_tests::Daprd, Program) {
    let sidecar = probe.of(sidecar).with(pluggable::topics("events")).with(pluggable::binding("queue")).start();
    let declared = Declared::events().topic("orders", "events", "orders").binding("jobs", "queue");
    let program = serve(&sidecar, "receive", &declared);
    (sidecar, program)
}

/// An event with this text as its data.
fn event(text: &str) -> Message {
    let event = json!({
        "specversion": "1.0", "id": text, "source": "s", "type": "t", "datacontenttype": "text/plain", "data": text,
    });
    Message::new(event.to_string()).content_type("application/cloudevents+json")
}

fn a_topic_hears_what_became_of_each_event(protocol: AppProtocol) {
    let probe = Pluggable::start();
    let (_sidecar, program) = receive(&probe, Sidecar::new("shop").app(protocol));
    for (text, succeeds) in
        [("ok", true), ("drop", true), ("give up", true), ("retry", false), ("fail", false), ("panic", false)]
    {
        let heard = probe.publish("orders", &event(text));
        assert_eq!(heard.is_ok(), succeeds, "{text}: {heard:?}");
    }
    assert_eq!(received_at(program.log(), "orders", 6).len(), 6);
}

fn a_binding_gets_the_reply(protocol: AppProtocol) {
    let probe = Pluggable::start();
    let (_sidecar, program) = receive(&probe, Sidecar::new("shop").app(protocol));
    assert_eq!(probe.read(&Message::new(b"\x00\xff reply")), Ok(b"\x00\xff reply".to_vec()));
    // It hears of what is given up as of what is done, without a reply.
    for text in ["", "drop", "give up"] {
        assert_eq!(probe.read(&Message::new(text)), Ok(Vec::new()), "{text}");
    }
    for text in ["retry", "fail", "panic"] {
        let failed = probe.read(&Message::new(text)).unwrap_err();
        assert!(!failed.contains("secret"), "{failed}");
    }
    assert_eq!(received_at(program.log(), "jobs", 7).len(), 7);
}

fn the_metadata_of_a_broker_comes_with_the_event(protocol: AppProtocol) {
    let probe = Pluggable::start();
    let (_sidecar, program) = receive(&probe, Sidecar::new("shop").app(protocol));
    probe.publish("orders", &event("hello").metadata("offset", "12").metadata("x-shelf", "a b")).unwrap();
    probe.read(&Message::new("hello").metadata("offset", "13")).unwrap();
    let got = received(program.log(), 2);
    let metadata = |got: &Value| got["input"]["metadata"].clone();
    assert_eq!((&metadata(&got[0])["offset"], &metadata(&got[0])["x-shelf"]), (&json!("12"), &json!("a b")));
    assert_eq!(metadata(&got[1])["offset"], "13");
}

/// Over gRPC the sidecar leaves the payload out, and all but id and type.
fn an_event_in_binary_mode_has_its_attributes_from_the_metadata(protocol: AppProtocol) {
    let probe = Pluggable::start();
    let (_sidecar, program) = receive(&probe, Sidecar::new("shop").app(protocol));
    let message = Message::new(b"\x00\xff").content_type("application/octet-stream");
    let attributes = [("ce_specversion", "1.0"), ("ce_id", "9"), ("ce_source", "/s"), ("ce_type", "placed"), ("ce_shelf", "3")];
    let message = attributes.iter().fold(message, |message, (name, value)| message.metadata(name, value));
    probe.publish("orders", &message).unwrap();
    let got = &received_at(program.log(), "orders", 1)[0];
    assert_eq!((&got["event"]["id"], &got["event"]["type"]), (&json!("9"), &json!("placed")), "{got}");
    assert_eq!(got["payload"], if protocol == AppProtocol::Grpc { json!("") } else { json!(b"\x00\xff") });
}

fn a_broker_cannot_fake_the_token(protocol: AppProtocol) {
    let probe = Pluggable::start();
    let (_sidecar, program) = receive(&probe, Sidecar::new("shop").app(protocol).app_token("s3cret"));
    let faked = [event("hello").metadata("dapr-api-token", "fake"), event("hello").metadata("Dapr-Api-Token", "fake")];
    for message in &faked {
        probe.publish("orders", message).unwrap();
    }
    let got = received_at(program.log(), "orders", 2);
    assert!(got.iter().all(|got| !got["input"].to_string().contains("fake")), "it is not for the function: {got:?}");
}
