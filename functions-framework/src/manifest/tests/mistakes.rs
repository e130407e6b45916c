//! What a context that cannot be used is told: the variable, the field, what was found and what was expected.

use super::*;

#[track_caller]
fn refused(v1: &Value, v2: &Value, expected: &str) {
    assert_eq!(merged(v1, v2).expect_err("it is refused"), expected);
}

#[test]
fn a_variable_that_is_no_json_object() {
    let refused = |text: &str| Manifest::from_contexts(Some(text), None).expect_err("it is refused");
    assert_eq!(refused("{"), "FUNC_CONTEXT: no JSON: EOF while parsing an object at line 1 column 1");
    let within = refused(r#"{"outputs":{"mail":{"uri":}}}"#);
    assert_eq!(within, "FUNC_CONTEXT: outputs.mail.uri: no JSON: expected value at line 1 column 27");
    assert_eq!(refused("{} {}"), "FUNC_CONTEXT: no JSON: trailing characters at line 1 column 4");
    for text in ["3", "null", "[]", "\"{}\""] {
        assert_eq!(refused(text), "FUNC_CONTEXT: expected a JSON object");
    }
    let v2 = Manifest::from_contexts(Some("{}"), Some("x")).expect_err("it is refused");
    assert!(v2.starts_with("FUNC_CONTEXT_V1BETA2: no JSON: expected value"), "{v2}");
}

#[test]
fn a_port_that_is_none() {
    for (port, found) in [(json!("x"), "\"x\""), (json!(70000), "70000"), (json!("-1"), "\"-1\""), (json!([]), "a list")] {
        let expected = format!("{found}: expected a port from 1 to 65535");
        refused(&json!({ "port": port }), &Value::Null, &format!("FUNC_CONTEXT: port: {expected}"));
        let v2 = json!({"triggers": {"http": {"port": port}}});
        refused(&Value::Null, &v2, &format!("FUNC_CONTEXT_V1BETA2: triggers.http.port: {expected}"));
    }
}

#[test]
fn a_component_of_no_known_kind() {
    let link = |component_type: &str| json!({"x": {"uri": "t", "componentName": "c", "componentType": component_type}});
    for (field, variable) in [("inputs", "FUNC_CONTEXT"), ("outputs", "FUNC_CONTEXT"), ("outputs", "FUNC_CONTEXT_V1BETA2")] {
        for found in ["foo.bar", "state.redis", "binding.cron", ""] {
            let context = json!({ field: link(found) });
            let none = Value::Null;
            let (v1, v2) = if variable == "FUNC_CONTEXT" { (&context, &none) } else { (&none, &context) };
            refused(v1, v2, &format!("{variable}: {field}.x.componentType: {found:?}: expected bindings.* or pubsub.*"));
        }
    }
    let v2 = json!({"triggers": {"dapr": [{"name": "a", "type": "bindings.cron"}, {"name": "b", "type": "foo.bar"}]}});
    refused(&Value::Null, &v2, "FUNC_CONTEXT_V1BETA2: triggers.dapr[1].type: \"foo.bar\": expected bindings.* or pubsub.*");
    refused(
        &Value::Null,
        &json!({"triggers": {"dapr": [{"name": "a"}]}}),
        "FUNC_CONTEXT_V1BETA2: triggers.dapr[0].type: nothing tells what component it is: expected bindings.* or pubsub.*",
    );
}

#[test]
fn a_state_store_may_be_of_any_type() {
    let v1 = json!({"states": {"redis": {"componentName": "c", "componentType": "redis"}}});
    assert_eq!(merged(&v1, &Value::Null).expect("it is fine").states[0].component_type, "redis");
}

#[test]
fn a_component_without_a_name() {
    let expected = "expected the name of a component";
    for field in ["inputs", "outputs", "states"] {
        for nothing in [json!({"componentType": "bindings.cron"}), json!({}), Value::Null] {
            let v1 = json!({ field: {"x": nothing} });
            refused(&v1, &Value::Null, &format!("FUNC_CONTEXT: {field}.x.componentName: {expected}"));
        }
    }
    let v2 = json!({"triggers": {"dapr": [{"type": "bindings.cron"}]}});
    refused(&Value::Null, &v2, &format!("FUNC_CONTEXT_V1BETA2: triggers.dapr[0].name: {expected}"));
}

#[test]
fn a_subscription_without_a_topic() {
    let v1 = json!({"inputs": {"x": {"componentName": "c", "componentType": "pubsub.kafka"}}});
    refused(&v1, &Value::Null, "FUNC_CONTEXT: inputs.x.uri: expected the topic to subscribe to");
    let v2 = json!({"triggers": {"dapr": [{"name": "c", "type": "pubsub.kafka"}]}});
    refused(&Value::Null, &v2, "FUNC_CONTEXT_V1BETA2: triggers.dapr[0].topic: expected the topic to subscribe to");
}

#[test]
fn a_field_of_another_type() {
    refused(
        &json!({"outputs": {"mail": {"componentType": 3}}}),
        &Value::Null,
        "FUNC_CONTEXT: outputs.mail.componentType: 3: expected text",
    );
    refused(
        &Value::Null,
        &json!({"triggers": {"dapr": {"name": "x"}}}),
        "FUNC_CONTEXT_V1BETA2: triggers.dapr: an object: expected a list",
    );
    refused(
        &json!({"outputs": {"mail": {"metadata": {"key": ["a"]}}}}),
        &Value::Null,
        "FUNC_CONTEXT: outputs.mail.metadata.key: a list: expected text",
    );
}

#[test]
fn a_list_is_no_object() {
    let v1 = json!({"outputs": {"mail": ["smtp", "bindings.smtp"]}});
    refused(&v1, &Value::Null, "FUNC_CONTEXT: outputs.mail: a list: expected an object");
    let v2 = json!({"triggers": [{"type": "cron"}]});
    refused(&Value::Null, &v2, "FUNC_CONTEXT_V1BETA2: triggers: a list: expected an object");
}

#[test]
fn a_provider_that_is_enabled_and_not_known() {
    let expected = "expected skywalking or opentelemetry";
    for (provider, found) in [
        (Value::Null, "tracing is enabled without it"),
        (json!({}), "tracing is enabled without it"),
        (json!({"name": ""}), "tracing is enabled without it"),
        (json!({"name": "zipkin"}), "\"zipkin\""),
    ] {
        let tracing = json!({"enabled": true, "provider": provider});
        let text = format!("provider.name: {found}: {expected}");
        refused(&json!({"pluginsTracing": tracing}), &Value::Null, &format!("FUNC_CONTEXT: pluginsTracing.{text}"));
        refused(&Value::Null, &json!({"tracing": tracing}), &format!("FUNC_CONTEXT_V1BETA2: tracing.{text}"));
    }
}

#[test]
fn tracing_that_is_enabled_and_broken() {
    let v2 = |tracing: Value| json!({ "tracing": tracing });
    for (tracing, expected) in [
        (json!(true), "tracing: true: expected an object"),
        (json!({"enabled": "yes"}), "tracing.enabled: \"yes\": expected true or false"),
        (
            json!({"enabled": true, "provider": {"name": "skywalking", "oapServer": []}}),
            "tracing.provider.oapServer: a list: expected text",
        ),
        (
            json!({"enabled": true, "provider": {"name": "opentelemetry", "exporter": {"headers": {"a": "b"}}}}),
            "tracing.provider.exporter.headers: an object: expected text",
        ),
        (
            json!({"enabled": true, "provider": {"name": "skywalking"}, "tags": ["a"]}),
            "tracing.tags: a list: expected an object",
        ),
    ] {
        refused(&Value::Null, &v2(tracing), &format!("FUNC_CONTEXT_V1BETA2: {expected}"));
    }
}
