use serde_json::json;

use super::{context, last, only, received, receiver};

#[test]
fn each_function_gets_the_inputs_it_names() {
    for (target, other) in [("orders", "ticks"), ("ticks", "orders")] {
        let said = format!("no function takes the input `{other}`, its events would be lost: name it at one of {target}");
        receiver(target).env("FUNC_CONTEXT", context()).end().expect(78, &[&said]);
    }
    let one = json!({ "uri": "orders", "componentName": "bus", "componentType": "pubsub.redis" });
    let context = json!({ "name": "r", "version": "", "runtime": "Async", "port": "8080", "inputs": { "orders": one } });
    let program = receiver("orders").env("FUNC_CONTEXT", context.to_string()).serve();
    let event = json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": 1 });
    program.post("/orders", "application/cloudevents+json", event.to_string()).expect(200);
    assert_eq!(last(program.log(), 1)["function"], "orders");
}

#[test]
fn an_input_that_is_not_declared_is_a_start_that_fails() {
    let context = only("other", "tick", "bindings.cron", "tick");
    receiver("orders")
        .env("FUNC_CONTEXT", context)
        .end()
        .expect(78, &["function `orders` wants the input `orders`", "declared: other"]);
    receiver("orders").end().expect(78, &["function `orders` wants the input `orders`", "topic = \"component/topic\""]);
}

#[test]
fn inputs_declared_in_code_need_no_function_context() {
    let program = receiver("in_code").serve();
    let subscriptions = program.get("/dapr/subscribe").expect(200).json();
    assert_eq!((&subscriptions[0]["pubsubname"], &subscriptions[0]["topic"]), (&json!("bus"), &json!("a/b")));
    for binding in ["queue", "tick"] {
        program.send(&black_box_tests::Request::new("OPTIONS", &format!("/{binding}"))).expect(200);
        program.post(&format!("/{binding}"), "application/json", "x").expect(200);
    }
    assert_eq!(received(program.log(), 2)[1]["input"]["name"], "tick");
    let event = json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": 1 });
    program.post("/a/b", "application/cloudevents+json", event.to_string()).expect(200);
    assert_eq!(last(program.log(), 3)["input"]["topic"], "a/b");
    // It is still called over HTTP, too.
    assert_eq!(program.post("/called", "text/plain", "hello").expect(200).text(), "hello");
    program.get("/other").expect(404);
}

#[test]
fn two_inputs_on_one_component_are_told_apart_by_topic_or_not_at_all() {
    let topic = |topic: &str| json!({ "uri": topic, "componentName": "bus", "componentType": "pubsub.redis" });
    let context = json!({ "name": "r", "version": "", "runtime": "Async", "port": "8080", "inputs": { "one": topic("a"), "two": topic("b") } });
    let program = receiver("receive").env("FUNC_CONTEXT", context.to_string()).serve();
    let event = json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": 1 });
    for (index, (path, name)) in [("/a", "one"), ("/b", "two")].into_iter().enumerate() {
        program.post(path, "application/cloudevents+json", event.to_string()).expect(200);
        assert_eq!(last(program.log(), index + 1)["input"]["name"], name);
    }

    // An event of a binding does not say for which of two names it is; it calls the function all the same, once.
    let cron = json!({ "uri": "tick", "componentName": "tick", "componentType": "bindings.cron" });
    let context =
        json!({ "name": "r", "version": "", "runtime": "Async", "port": "8080", "inputs": { "one": cron, "two": cron } });
    let program = receiver("receive").env("FUNC_CONTEXT", context.to_string()).serve();
    program.post("/tick", "application/json", "x").expect(200);
    assert_eq!(last(program.log(), 1)["input"]["component"], "tick");
}
