//! Where the two contexts differ, and which one is believed.

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "what a test merges is made for it")]
fn merge(v1: Value, v2: Value) -> Manifest {
    merged(&v1, &v2).expect("both are right")
}

#[test]
fn without_a_context_the_function_is_called_by_requests() {
    let manifest = merge(Value::Null, Value::Null);
    assert_eq!(manifest, Manifest::default());
    assert_eq!(
        printed(&manifest),
        json!({
            "name": "", "version": "", "mode": "sync", "port": null, "inputs": [], "outputs": [], "states": [],
            "hooks": {"pre": [], "post": []}, "tracing": null
        })
    );
}

#[test]
fn a_variable_without_text_is_not_set() {
    assert_eq!(Manifest::from_contexts(Some(""), Some(" \n")), Ok(Manifest::default()));
}

/// The third example of the contract: both of one name on one component, and the topic of the output is in one context only.
fn in_and_out() -> (Value, Value) {
    let component = "serving-dm82v-pubsub-mqtt-pubsub-x7k2p";
    let v1 = json!({
        "name": "f", "version": "v2.0.0", "runtime": "Async", "port": "8080",
        "inputs": {"mqtt": {"uri": "sub", "componentName": component, "componentType": "pubsub.mqtt"}},
        "outputs": {"mqtt": {"uri": "pub", "componentName": component, "componentType": "pubsub.mqtt"}},
        "states": {"redis": {"componentName": "serving-dm82v-state-redis-b5t8z", "componentType": "state.redis"}},
    });
    let v2 = json!({
        "name": "f", "version": "v2.0.0",
        "triggers": {"dapr": [{"name": component, "type": "pubsub.mqtt", "topic": "sub"}]},
        "outputs": {"mqtt": {"componentName": component, "componentType": "pubsub.mqtt"}},
        "states": {"redis": {"componentName": "serving-dm82v-state-redis-b5t8z", "componentType": "state.redis"}},
    });
    (v1, v2)
}

#[test]
fn both_together_say_what_neither_says_alone() {
    let (v1, v2) = in_and_out();
    let component = "serving-dm82v-pubsub-mqtt-pubsub-x7k2p";
    let both = json!({
        "name": "f", "version": "v2.0.0", "mode": "async", "port": 8080,
        "inputs": [{"name": "mqtt", "kind": "pubsub", "component": component, "type": "pubsub.mqtt", "topic": "sub"}],
        "outputs": [{
            "name": "mqtt", "kind": "pubsub", "component": component, "type": "pubsub.mqtt", "topic": "pub", "operation": null,
            "metadata": {}
        }],
        "states": [{"name": "redis", "component": "serving-dm82v-state-redis-b5t8z", "type": "state.redis"}],
        "hooks": {"pre": [], "post": []}, "tracing": null,
    });
    assert_eq!(printed(&merge(v1.clone(), v2.clone())), both);
    assert_eq!(printed(&merge(v1, Value::Null)), both, "version 1 alone");
    let mut only_v2 = both;
    only_v2["port"] = Value::Null;
    only_v2["outputs"][0]["topic"] = Value::Null;
    // The name is in what the platform made of it.
    only_v2["inputs"][0]["name"] = json!("mqtt-pubsub");
    assert_eq!(printed(&merge(Value::Null, v2)), only_v2, "version 2 alone");
}

#[test]
fn the_port_is_that_of_version_1_and_is_text_or_a_number_in_either() {
    let v2 = json!({"triggers": {"http": {"port": 9}}});
    assert_eq!(merge(json!({"port": "8081"}), v2.clone()).port, Some(8081));
    assert_eq!(merge(json!({"port": 8081}), Value::Null).port, Some(8081));
    assert_eq!(merge(Value::Null, json!({"triggers": {"http": {"port": "9"}}})).port, Some(9));
    for absent in [json!({}), json!({"port": null}), json!({"port": ""}), json!({"port": "0"})] {
        assert_eq!(merge(absent.clone(), v2.clone()).port, Some(9), "{absent}");
        assert_eq!(merge(absent, Value::Null).port, None);
    }
}

#[test]
fn the_runtime_says_the_mode_in_any_case_and_an_unknown_one_leaves_it_to_the_inputs() {
    let mode = |runtime: &str, v2: &Value| merge(json!({"runtime": runtime}), v2.clone()).mode;
    let trigger = json!({"triggers": {"dapr": [{"name": "c", "type": "bindings.cron"}]}});
    for runtime in ["Async", "async", "ASYNC"] {
        assert_eq!(mode(runtime, &Value::Null), Mode::Async);
    }
    for runtime in ["Knative", "knative"] {
        assert_eq!(mode(runtime, &trigger), Mode::Sync);
    }
    for runtime in ["", "OpenFuncAsync"] {
        assert_eq!(mode(runtime, &Value::Null), Mode::Sync);
        assert_eq!(mode(runtime, &trigger), Mode::Async);
    }
    let inputs = json!({"inputs": {"cron": {"uri": "cron", "componentName": "c", "componentType": "bindings.cron"}}});
    assert_eq!(merge(inputs, Value::Null).mode, Mode::Async);
}

#[test]
fn two_outputs_on_one_component_are_two() {
    let v1 = json!({"outputs": {
        "orders": {"uri": "orders", "componentName": "kafka", "componentType": "pubsub.kafka"},
        "audit": {"uri": "audit", "componentName": "kafka", "componentType": "pubsub.kafka", "metadata": {"rawPayload": true}},
    }});
    let v2 = json!({"outputs": {"kafka": {"componentName": "kafka", "componentType": "pubsub.kafka"}}});
    let manifest = merge(v1, v2);
    assert_eq!(names(&manifest, "outputs"), json!([["audit", "audit"], ["orders", "orders"]]));
    assert_eq!(manifest.outputs[0].metadata["rawPayload"], "true");
}

#[test]
fn an_output_that_only_version_2_knows_is_kept() {
    let v1 = json!({"outputs": {"mail": {"uri": "smtp", "componentName": "smtp", "componentType": "bindings.smtp"}}});
    let v2 = json!({"outputs": {
        "smtp": {"componentName": "smtp", "componentType": "bindings.smtp"},
        "kafka": {"componentName": "kafka", "componentType": "pubsub.kafka", "topic": "t"},
    }});
    assert_eq!(names(&merge(v1, v2), "outputs"), json!([["mail", null], ["kafka", "t"]]));
}

#[test]
fn two_triggers_on_one_component_are_two_inputs_though_version_1_has_one() {
    let v1 = json!({"inputs": {"kafka": {"uri": "b", "componentName": "serving-k", "componentType": "pubsub.kafka"}}});
    let v2 = json!({"triggers": {"dapr": [
        {"name": "serving-k", "topic": "a"},
        {"name": "serving-k", "topic": "b"},
        {"name": "serving-k", "topic": "b"},
        {"name": "serving-k", "topic": "c", "inputName": "third"},
    ]}});
    let manifest = merge(v1, v2);
    assert_eq!(names(&manifest, "inputs"), json!([["kafka", "a"], ["kafka/b", "b"], ["third", "c"]]));
    assert!(manifest.inputs.iter().all(|input| input.component_type == "pubsub.kafka"), "{manifest:?}");
}

#[test]
fn two_triggers_of_one_name_are_told_apart_by_their_components() {
    let v2 = json!({"triggers": {"dapr": [
        {"name": "cron-a", "type": "bindings.cron", "inputName": "tick"},
        {"name": "cron-b", "type": "bindings.cron", "inputName": "tick"},
    ]}});
    assert_eq!(names(&merge(Value::Null, v2), "inputs"), json!([["tick", null], ["tick/cron-b", null]]));
}

#[test]
fn three_triggers_of_one_name_are_three_inputs_and_one_that_is_repeated_is_one() {
    let trigger = |component: &str, topic: &str| json!({"name": component, "topic": topic, "inputName": "k"});
    let triggers = [trigger("a", "s"), trigger("b", "t"), trigger("c", "t"), trigger("c", "t"), trigger("a", "s")];
    let manifest = merge(Value::Null, json!({"triggers": {"dapr": triggers}}));
    assert_eq!(names(&manifest, "inputs"), json!([["k", "s"], ["k/t", "t"], ["k/t/c", "t"]]));
    // Names that somebody else has been given already.
    let mut triggers = ["k", "k/t", "k/t/c"].map(|name| json!({"name": "z", "topic": name, "inputName": name})).to_vec();
    triggers.push(trigger("c", "t"));
    let manifest = merge(Value::Null, json!({"triggers": {"dapr": triggers}}));
    assert_eq!(manifest.inputs[3].name, "k/t/c/2");
}

#[test]
fn a_trigger_without_a_name_has_the_one_of_its_component_and_topic_in_version_1() {
    let v1 = json!({"inputs": {
        "one": {"uri": "a", "componentName": "k", "componentType": "pubsub.kafka"},
        "two": {"uri": "b", "componentName": "k", "componentType": "pubsub.kafka", "metadata": {"rawPayload": "true"}},
        "named": {"uri": "c", "componentName": "k", "componentType": "pubsub.kafka"},
    }});
    let v2 = json!({"triggers": {"dapr": [
        {"name": "k", "topic": "b"}, {"name": "k", "topic": "a"}, {"name": "k", "topic": "c", "inputName": "named"}
    ]}});
    let manifest = merge(v1, v2);
    assert_eq!(names(&manifest, "inputs"), json!([["two", "b"], ["one", "a"], ["named", "c"]]));
    assert_eq!(manifest.inputs[0].metadata["rawPayload"], "true");
    assert!(manifest.inputs[1].metadata.is_empty());
}

#[test]
fn an_input_that_only_version_1_knows_is_kept() {
    let v1 = json!({"inputs": {"cron": {"uri": "cron", "componentName": "cron", "componentType": "bindings.cron"}}});
    let v2 = json!({"triggers": {"dapr": [{"name": "k", "type": "pubsub.kafka", "topic": "a"}]}});
    assert_eq!(names(&merge(v1, v2), "inputs"), json!([["k", "a"], ["cron", null]]));
}

#[test]
fn a_type_that_the_user_left_out_is_found_elsewhere() {
    let type_of = |v1: Value, v2: Value| merge(v1, v2).inputs[0].component_type.clone();
    let trigger = |name: &str, topic: &str| json!({"triggers": {"dapr": [{"name": name, "topic": topic}]}});
    let v1 = json!({"inputs": {"x": {"uri": "t", "componentName": "c", "componentType": "pubsub.kafka"}}});
    assert_eq!(type_of(v1, trigger("c", "t")), "pubsub.kafka");
    let mut v2 = trigger("c", "t");
    v2["outputs"] = json!({"c": {"componentName": "c", "componentType": "pubsub.redis"}});
    assert_eq!(type_of(Value::Null, v2), "pubsub.redis");
    assert_eq!(type_of(Value::Null, trigger("serving-abc12-bindings-my-cron-xy9z8", "")), "bindings");
    assert_eq!(type_of(Value::Null, trigger("c", "t")), "pubsub");
}

#[test]
fn components_that_enrich_a_request_deliver_nothing() {
    let v2 = json!({
        "triggers": {"http": {"port": 8080}, "inputs": [{"dapr": {"name": "kafka", "type": "pubsub.kafka", "topic": "t"}}]},
        "inputs": {"kafka": {"componentName": "serving-k", "componentType": "pubsub.kafka", "topic": "t"}},
    });
    let manifest = merge(json!({"runtime": "Knative"}), v2);
    assert!(manifest.inputs.is_empty(), "{manifest:?}");
}

#[test]
fn nulls_count_as_absent_and_unknown_fields_do_not_count() {
    let v1 = json!({
        "name": "f", "inputs": null, "outputs": null, "states": null, "prePlugins": null, "state": {"any": 1}, "httpPattern": "/",
        "requestID": 3, "pluginsTracing": {"enabled": false, "provider": null, "baggage": null},
    });
    let v2 = json!({"triggers": {"http": null, "dapr": null}, "tracing": null, "preHooks": null, "outputs": {}});
    assert_eq!(merge(v1, v2), Manifest { name: "f".to_owned(), ..Manifest::default() });
}

#[test]
fn escapes_are_text_like_any_other() {
    let v1 = r#"{"outputs":{"o":{"uri":"a\u003cb\u0026c","componentName":"k","componentType":"pubsub.kafka"}}}"#;
    assert_eq!(Manifest::from_contexts(Some(v1), None).unwrap().outputs[0].topic.as_deref(), Some("a<b&c"));
}

#[test]
fn hooks_are_those_of_version_2_or_else_of_version_1_and_never_both() {
    let hooks = |v1: &Value, v2: &Value| printed(&merge(v1.clone(), v2.clone()))["hooks"].clone();
    let v1 = json!({"prePlugins": ["a", "b"], "postPlugins": ["a", "b"]});
    let v2 = json!({"preHooks": ["a", "b"], "postHooks": ["b", "a"]});
    assert_eq!(hooks(&v1, &v2), json!({"pre": ["a", "b"], "post": ["b", "a"]}));
    assert_eq!(hooks(&v1, &json!({"postHooks": ["c"]})), json!({"pre": [], "post": ["c"]}));
    assert_eq!(hooks(&v1, &json!({})), json!({"pre": ["a", "b"], "post": ["a", "b"]}));
    assert_eq!(hooks(&v1, &Value::Null), json!({"pre": ["a", "b"], "post": ["a", "b"]}));
}

/// Tracing as the platform writes it: the fields of both providers are mixed.
fn tracing(enabled: bool, provider: &str) -> Value {
    json!({
        "enabled": enabled,
        "provider": {
            "name": provider, "oapServer": "localhost:xxx",
            "exporter": {"name": "otlp", "endpoint": "", "headers": "k=v", "timeout": "10s", "protocol": "grpc"},
        },
        "tags": {"layer": "faas", "number": 1}, "baggage": {"key": "baggage", "value": "a=b"},
    })
}

fn traced(v1: Value, v2: Value) -> Value {
    printed(&merge(v1, v2))["tracing"].clone()
}

#[test]
fn of_tracing_only_the_fields_of_its_provider_count() {
    let v2 = |provider| json!({ "tracing": tracing(true, provider) });
    let common = |provider: &str, oap_server: Value, exporter: Value| {
        json!({
            "provider": provider, "oapServer": oap_server, "exporter": exporter,
            "tags": {"layer": "faas", "number": "1"}, "baggage": {"key": "baggage", "value": "a=b"},
        })
    };
    let sky = common("skywalking", json!("localhost:xxx"), Value::Null);
    assert_eq!(traced(Value::Null, v2("skywalking")), sky);
    let exporter = json!({
        "name": "otlp", "endpoint": null, "headers": "k=v", "compression": null, "timeout": "10s", "protocol": "grpc"
    });
    assert_eq!(traced(Value::Null, v2("opentelemetry")), common("opentelemetry", Value::Null, exporter));
    let least = json!({"tracing": {"enabled": true, "provider": {"name": "opentelemetry"}}});
    assert_eq!(traced(Value::Null, least)["exporter"], Value::Null);
}

#[test]
fn tracing_is_that_of_version_2_when_it_is_on_there() {
    let v1 = json!({"pluginsTracing": tracing(true, "skywalking")});
    assert_eq!(traced(v1, json!({"tracing": tracing(true, "opentelemetry")}))["provider"], "opentelemetry");
}

#[test]
fn tracing_that_is_off_in_version_2_may_be_on_by_an_annotation() {
    let v1 = json!({"pluginsTracing": tracing(true, "skywalking")});
    assert_eq!(traced(v1.clone(), json!({"tracing": tracing(false, "opentelemetry")}))["provider"], "skywalking");
    assert_eq!(traced(v1, Value::Null)["provider"], "skywalking", "version 1 alone");
}

#[test]
fn tracing_that_is_missing_in_version_2_was_switched_off() {
    assert_eq!(traced(json!({"pluginsTracing": tracing(true, "skywalking")}), json!({})), Value::Null);
}

#[test]
fn tracing_that_is_off_may_be_anything() {
    for placeholder in [json!({"enabled": false, "provider": 3, "tags": "none"}), json!({"provider": null}), json!({})] {
        assert_eq!(traced(json!({"pluginsTracing": placeholder}), json!({"tracing": placeholder})), Value::Null);
    }
}

#[test]
fn a_provider_that_does_not_trace_is_no_hook() {
    let v1 = |enabled| {
        json!({
            "prePlugins": ["a", "skywalking"], "postPlugins": ["skywalking", "a"],
            "pluginsTracing": tracing(enabled, "skywalking"),
        })
    };
    let hooks = |v1: Value, v2: Value| printed(&merge(v1, v2))["hooks"].clone();
    let without = json!({"pre": ["a"], "post": ["a"]});
    assert_eq!(hooks(v1(true), json!({})), without, "it is off");
    assert_eq!(hooks(v1(false), json!({"tracing": tracing(false, "skywalking")})), without, "it is off");
    assert_eq!(hooks(v1(true), json!({"tracing": tracing(true, "opentelemetry")})), without, "another one traces");
    assert_eq!(hooks(v1(true), Value::Null), json!({"pre": ["a", "skywalking"], "post": ["skywalking", "a"]}));
}
