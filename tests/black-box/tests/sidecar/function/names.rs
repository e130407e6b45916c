//! Names that are not those of a tutorial.

use black_box_tests::{AppProtocol, Sidecar, component};

use super::{Declared, over_both, received_at, serve};

over_both! { events_pass_topics_with_odd_names, components_and_inputs_have_odd_names }

const TOPICS: [&str; 6] = ["orders/eu/1", "all the orders", "ordres reçus/注文", "a%2Fb", "what?#", "dapr/subscribe"];

fn events_pass_topics_with_odd_names(protocol: AppProtocol) {
    for topic in TOPICS {
        let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events")).start();
        let back = format!("{topic} back");
        let declared =
            Declared::events().topic("in", "events", topic).topic("back", "events", &back).publishes("out", "events", &back);
        let program = serve(&sidecar, "relay", &declared);
        sidecar.publish("events", topic, "text/plain", topic);
        let got = &received_at(program.log(), "back", 1)[0];
        assert_eq!((got["payload"].as_str(), got["input"]["topic"].as_str()), (Some(topic), Some(&*back)));
    }
}

fn components_and_inputs_have_odd_names(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop-1").app(protocol).with(component::memory_topics("serving-x7k2p-pubsub.events-2"));
    let mut sidecar = sidecar.with(component::cron("serving-x7k2p-bindings.cron-1", "@every 1s")).start();
    let declared = Declared::events()
        .topic("in", "serving-x7k2p-pubsub.events-2", "orders")
        .topic("le retour/2 ?", "serving-x7k2p-pubsub.events-2", "bills")
        .binding("tick tock", "serving-x7k2p-bindings.cron-1")
        .publishes("out", "serving-x7k2p-pubsub.events-2", "bills");
    let program = serve(&sidecar, "relay", &declared);
    sidecar.wait_until_ready();
    sidecar.publish("serving-x7k2p-pubsub.events-2", "orders", "text/plain", "hello");
    assert_eq!(received_at(program.log(), "le retour/2 ?", 1)[0]["payload"], "hello");
    received_at(program.log(), "tick tock", 1);
}
