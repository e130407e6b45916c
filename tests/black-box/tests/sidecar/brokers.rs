//! The brokers themselves keep what they have.

use black_box_tests::{Mosquitto, Nats, Redis};

#[test]
fn redis_keeps_its_keys_over_a_stop_and_a_kill() {
    let mut redis = Redis::start();
    redis.command(&["SET", "key", "one"]);
    assert_eq!(redis.stop().code, Some(0));
    redis.start_again();
    assert_eq!(redis.command(&["GET", "key"]), "one");
    redis.command(&["SET", "key", "two"]);
    assert_eq!(redis.kill().code, None);
    redis.start_again();
    assert_eq!(redis.command(&["GET", "key"]), "two");
}

#[test]
fn jetstream_keeps_its_messages_over_a_stop_and_a_kill() {
    let mut nats = Nats::start();
    nats.create_stream("shop", &["orders", "bills.*"]);
    nats.client().publish("orders", "1");
    nats.stop();
    nats.start_again();
    assert_eq!(nats.client().publish("bills.june", "2"), 2);
    nats.kill();
    nats.start_again();
    assert_eq!(nats.stream("shop")["state"]["messages"], 2);
}

#[test]
fn mosquitto_passes_messages_on_and_starts_again() {
    let mut mosquitto = Mosquitto::start();
    let mut orders = mosquitto.subscribe("orders");
    let large = vec![b'x'; 100_000];
    mosquitto.publish("orders", &large);
    assert_eq!(orders.message(), large);
    mosquitto.stop();
    mosquitto.start_again();
    let mut orders = mosquitto.subscribe("orders");
    mosquitto.publish("orders", "again");
    assert_eq!(orders.message(), b"again");
}
