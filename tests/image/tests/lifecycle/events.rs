//! The handlers of OpenFunction Events, as images.

use image_tests::end;

use crate::*;

/// One input, one subscriber: `{"inputs":[{"name":"A","eventSource":"es","event":"a"}],"subscribers":{"A":{"sinkOutputName":"sink"}}}`
const CONFIG: &str = "eyJpbnB1dHMiOlt7Im5hbWUiOiJBIiwiZXZlbnRTb3VyY2UiOiJlcyIsImV2ZW50IjoiYSJ9XSwic3Vic2NyaWJlcnMiOnsiQSI6eyJzaW5rT3V0cHV0TmFtZSI6InNpbmsifX19";

/// `{"sinkOutputName":"sink"}`
const CONFIG_OF_SOURCE: &str = "eyJzaW5rT3V0cHV0TmFtZSI6InNpbmsifQ==";

const CONTEXT: &str = r#"{
    "name": "t", "version": "v1", "runtime": "Async", "port": "8080",
    "inputs": { "ti": { "uri": "-es-a", "componentName": "bus", "componentType": "pubsub.redis" } },
    "outputs": { "sink": { "uri": "ts", "componentName": "ts", "componentType": "bindings.http", "operation": "post" } }
}"#;

#[test]
fn both_handlers_become_images_that_start_with_a_configuration_and_refuse_a_wrong_one() {
    let app = App::example(&WORKSHOP, "openfunction-events").unwrap().append("Cargo.toml", QUICKLY);
    let creation = Creation::of(&app).env("FUNC_BUILDABLE", "trigger-handler").env("FUNC_NAME", "trigger-handler");
    let done = built("events", &creation);
    let beside = [("DAPR_GRPC_PORT", "1"), ("FUNC_CONTEXT", CONTEXT)];
    end(&done.image, &WORKSHOP.passing(), &beside).unwrap().expect(78, &["CONFIG: is not set"]);
    let variables = [&beside[..], &[("CONFIG", CONFIG)]].concat();
    let started = Started::new(&done.image, &WORKSHOP.passing(), &variables).unwrap();
    let subscriptions = started.program().get("/dapr/subscribe").expect(200).json();
    assert_eq!(subscriptions[0]["topic"], "-es-a", "{subscriptions}");
    started.terminate().expect(0, &["stopped"]);

    let creation = Creation::of(&app).env("FUNC_BUILDABLE", "eventsource-handler").env("FUNC_NAME", "eventsource-handler");
    let done = again(done.environment, &creation);
    let wrong = [&beside[..], &[("CONFIG", "?")]].concat();
    end(&done.image, &WORKSHOP.passing(), &wrong).unwrap().expect(78, &["CONFIG"]);
    let variables = [&beside[..], &[("CONFIG", CONFIG_OF_SOURCE)]].concat();
    let started = Started::new(&done.image, &WORKSHOP.passing(), &variables).unwrap();
    let subscriptions = started.program().get("/dapr/subscribe").expect(200).json();
    assert_eq!(subscriptions[0]["topic"], "-es-a", "{subscriptions}");
    started.terminate().expect(0, &["stopped"]);
}
