//! The token by which a function knows its sidecar.

use black_box_tests::{AppCallback, AppProtocol, Request, Sidecar, component};
use dapr::dapr::proto::runtime::v1::TopicEventRequest;
use tonic::Code;

use super::{Declared, over_both, received, received_at, serve};

over_both! { only_the_sidecar_that_has_the_token_brings_events, a_function_shows_its_sidecar_the_token_of_its_api }

fn only_the_sidecar_that_has_the_token_brings_events(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events")).app_token("s3cret");
    let mut sidecar = sidecar.with(component::cron("tick", "@every 1s")).start();
    let declared = Declared::events().topic("orders", "events", "orders").binding("ticks", "tick");
    let program = serve(&sidecar, "receive", &declared);
    sidecar.wait_until_ready();
    let post = Request::post("/orders", "application/cloudevents+json", "{}");
    program.send(&post).expect(401);
    program.send(&post.header("dapr-api-token", "secret")).expect(401);
    let stranger = AppCallback::connect(program.address());
    let event = TopicEventRequest { topic: "orders".into(), pubsub_name: "events".into(), ..TopicEventRequest::default() };
    assert_eq!(stranger.topic(event).unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(stranger.binding("tick", "").unwrap_err().code(), Code::Unauthenticated);

    received_at(program.log(), "ticks", 1);
    sidecar.publish("events", "orders", "text/plain", "hello");
    assert_eq!(received_at(program.log(), "orders", 1)[0]["payload"], "hello");
    assert!(received(program.log(), 0).iter().all(|got| !got.to_string().contains("s3cret")), "it is not for the function");
}

fn a_function_shows_its_sidecar_the_token_of_its_api(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events")).api_token("s3cret").start();
    let declared =
        Declared::events().topic("in", "events", "orders").topic("back", "events", "bills").publishes("out", "events", "bills");
    let program = serve(&sidecar, "relay", &declared);
    sidecar.publish("events", "orders", "text/plain", "hello");
    received_at(program.log(), "back", 1);
    assert!(!program.log().text().contains("s3cret"));
}
