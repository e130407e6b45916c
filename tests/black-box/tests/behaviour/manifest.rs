//! What was declared about the function: where it is read from, what is printed of it, and what a mistake in it is told.

use std::{fs, net::TcpListener, path::Path};

use black_box_tests::{Folder, Start};
use serde_json::{Value, json};

use crate::fixture;

const V1: &str = r#"{
    "name": "orders", "version": "v1.0.0", "runtime": "Async", "port": "9001",
    "inputs": {"kafka": {"uri": "placed", "componentName": "serving-abc12-pubsub-kafka-de3f4", "componentType": "pubsub.kafka"}},
    "outputs": {
        "mail": {"uri": "smtp", "componentName": "serving-abc12-bindings-smtp-de3f4", "componentType": "bindings.smtp",
            "operation": "create", "metadata": {"emailFrom": "a@b.c"}},
        "done": {"uri": "shipped", "componentName": "serving-abc12-pubsub-kafka-de3f4", "componentType": "pubsub.kafka"}
    },
    "states": {"redis": {"componentName": "serving-abc12-state-redis-de3f4", "componentType": "state.redis"}},
    "prePlugins": ["audit", "skywalking"], "postPlugins": ["skywalking", "audit"],
    "pluginsTracing": {"enabled": true, "provider": {"name": "skywalking", "oapServer": "oap:11800"}, "tags": {"layer": "faas"}}
}"#;

const V2: &str = r#"{
    "name": "orders", "version": "v1.0.0",
    "triggers": {"dapr": [
        {"name": "serving-abc12-pubsub-kafka-de3f4", "topic": "placed"},
        {"name": "serving-abc12-pubsub-kafka-de3f4", "topic": "cancelled"}
    ]},
    "outputs": {"kafka": {"componentName": "serving-abc12-pubsub-kafka-de3f4", "componentType": "pubsub.kafka"}},
    "preHooks": ["audit"], "tracing": {"enabled": false, "provider": null}
}"#;

const FILE: &str = "\
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata:
  name: ticker
spec:
  version: v2.0.0
  serving:
    triggers:
      http: {port: 9002}
      dapr:
        - name: cron
          type: bindings.cron
          inputName: ticks
    bindings:
      cron: {type: bindings.cron, version: v1, metadata: [{name: schedule, value: '@every 2s'}]}
    params:
      GREETING: Hello
      RUST_LOG: debug
";

fn folder(name: &str, files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new(name);
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file can be written");
    }
    folder
}

/// Prints the model, of a function whose `init` would fail.
fn print(start: impl FnOnce(Start) -> Start) -> Value {
    let ended = start(fixture("init_fails").arg("--print-manifest")).end().expect(0, &[]);
    serde_json::from_str(&ended.output).unwrap_or_else(|error| panic!("{error}: {}", ended.output))
}

#[test]
fn the_two_contexts_are_printed_as_one_model() {
    let kafka = "serving-abc12-pubsub-kafka-de3f4";
    let input = |name: &str, topic: &str| json!({"name": name, "kind": "pubsub", "component": kafka, "type": "pubsub.kafka", "topic": topic});
    let skywalking = json!({
        "provider": "skywalking", "oapServer": "oap:11800", "exporter": null, "tags": {"layer": "faas"}, "baggage": {}
    });
    let both = print(|start| start.env("FUNC_CONTEXT", V1).env("FUNC_CONTEXT_V1BETA2", V2));
    assert_eq!(
        both,
        json!({
            "name": "orders", "version": "v1.0.0", "mode": "async", "port": 9001,
            "inputs": [input("kafka", "placed"), input("kafka/cancelled", "cancelled")],
            "outputs": [
                {"name": "done", "kind": "pubsub", "component": kafka, "type": "pubsub.kafka", "topic": "shipped",
                    "operation": null, "metadata": {}},
                {"name": "mail", "kind": "binding", "component": "serving-abc12-bindings-smtp-de3f4", "type": "bindings.smtp",
                    "topic": null, "operation": "create", "metadata": {"emailFrom": "a@b.c"}}
            ],
            "states": [{"name": "redis", "component": "serving-abc12-state-redis-de3f4", "type": "state.redis"}],
            "hooks": {"pre": ["audit"], "post": []},
            "tracing": skywalking,
        })
    );
    let v1 = print(|start| start.env("FUNC_CONTEXT", V1));
    assert_eq!((&v1["inputs"], &v1["hooks"]["pre"]), (&json!([input("kafka", "placed")]), &json!(["audit", "skywalking"])));
    let v2 = print(|start| start.env("FUNC_CONTEXT_V1BETA2", V2));
    assert_eq!((&v2["mode"], &v2["port"], &v2["tracing"]), (&json!("async"), &Value::Null, &Value::Null));
    let none = print(|start| start);
    assert_eq!((&none["name"], &none["mode"], &none["inputs"]), (&json!(""), &json!("sync"), &json!([])));
}

#[test]
fn a_function_manifest_is_printed_as_the_same_model() {
    let folder = folder("manifest", &[("Cargo.toml", ""), ("function.yaml", FILE)]);
    let file = folder.path().join("function.yaml");
    let expected = json!({
        "name": "ticker", "version": "v2.0.0", "mode": "async", "port": 9002,
        "inputs": [{"name": "ticks", "kind": "binding", "component": "cron", "type": "bindings.cron", "topic": null}],
        "outputs": [], "states": [], "hooks": {"pre": [], "post": []}, "tracing": null,
    });
    assert_eq!(print(|start| start.arg("--manifest").arg(&file)), expected);
    assert_eq!(print(|start| start.env("FUNCTION_MANIFEST", &file)), expected);
    assert_eq!(print(|start| start.env("CARGO_MANIFEST_DIR", folder.path())), expected, "as under cargo run");
    assert_eq!(print(|start| start.directory(folder.path())), expected, "as in a folder that is a package");
    assert_eq!(print(|start| start.arg("--manifest").arg(&file).env("FUNC_CONTEXT", V1)), expected, "a flag wins");

    let platform = print(|start| start.directory(folder.path()).env("FUNC_CONTEXT", V1));
    assert_eq!(platform["name"], "orders", "what is only found does not win over the platform");
    let cluster = print(|start| start.directory(folder.path()).env("KUBERNETES_SERVICE_HOST", "10.0.0.1"));
    assert_eq!(cluster["name"], "", "nothing is found in a cluster");
}

#[test]
fn a_subscription_of_the_resources_is_an_input() {
    let resources = "\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: broker}
spec: {type: pubsub.redis, version: v1}
---
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: {name: orders}
spec: {pubsubname: broker, topic: placed, routes: {default: /placed}}
";
    let folder = folder("resources", &[("all.yaml", resources), ("function.yaml", FILE)]);
    let expected =
        json!({"name": "orders", "kind": "pubsub", "component": "broker", "type": "pubsub.redis", "topic": "placed"});
    let inputs = |start: &dyn Fn(Start) -> Start| {
        print(|fixture| start(fixture).arg("--resources").arg(folder.path()))["inputs"].clone()
    };
    assert_eq!(inputs(&|start| start), json!([expected]));
    let file = folder.path().join("function.yaml");
    assert_eq!(inputs(&|start| start.env("FUNCTION_MANIFEST", &file)).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_mistake_ends_the_start_with_what_was_expected_and_where() {
    let refused = |start: Start, said: &[&str]| drop(start.end().expect(78, said));
    for (variable, context, said) in [
        ("FUNC_CONTEXT", "{", "FUNC_CONTEXT: no JSON: EOF while parsing an object at line 1 column 1"),
        ("FUNC_CONTEXT_V1BETA2", "[]", "FUNC_CONTEXT_V1BETA2: expected a JSON object"),
        (
            "FUNC_CONTEXT",
            r#"{"outputs": {"mail": {"componentName": "c", "componentType": "foo.bar"}}}"#,
            "FUNC_CONTEXT: outputs.mail.componentType: \"foo.bar\": expected bindings.* or pubsub.*",
        ),
        (
            "FUNC_CONTEXT_V1BETA2",
            r#"{"tracing": {"enabled": true, "provider": null}}"#,
            "FUNC_CONTEXT_V1BETA2: tracing.provider.name: tracing is enabled without it: expected skywalking or opentelemetry",
        ),
        ("FUNC_CONTEXT", r#"{"port": "http"}"#, "FUNC_CONTEXT: port: \"http\": expected a port from 1 to 65535"),
    ] {
        refused(fixture("echo").env(variable, context), &[said]);
        refused(fixture("echo").env(variable, context).arg("--print-manifest"), &[said]);
    }

    let wrong = FILE.replace("type: bindings.cron\n", "type: cron.bindings\n");
    let broken = FILE.replace("name: ticker", "name: \"ticker");
    let two = format!("{FILE}---\n{FILE}");
    let files = [("wrong.yaml", &*wrong), ("broken.yaml", &broken), ("two.yaml", &two), ("none.yaml", "kind: Service\n")];
    let folder = folder("mistakes", &files);
    for (file, said) in [
        (
            "wrong.yaml",
            "wrong.yaml:12:17: spec.serving.triggers.dapr[0].type: \"cron.bindings\": expected bindings.* or pubsub.*",
        ),
        ("broken.yaml", "broken.yaml:4:9: metadata.name: no YAML: unclosed quote"),
        ("two.yaml", "two.yaml: expected one document of `kind: Function`, found 2: ticker, ticker"),
        ("none.yaml", "none.yaml: expected one document of `kind: Function`; found kinds: Service"),
        ("missing.yaml", "missing.yaml: cannot read it: No such file"),
    ] {
        let path = folder.path().join(file);
        let said = format!("{}/{said}", folder.path().display());
        refused(fixture("echo").env("FUNCTION_MANIFEST", &path), &[&said]);
    }
    refused(
        fixture("echo").arg("--resources").arg(folder.path().join("nowhere")),
        &["nowhere: cannot read the folder of resources"],
    );
    refused(fixture("echo").arg("--resources").arg(folder.path()), &["broken.yaml:4:9: "]);
    fixture("echo").arg("--manifest=").end().expect(64, &["--manifest=: expected a path"]);
}

#[test]
fn the_port_of_a_manifest_comes_after_flags_and_variables() {
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free").port();
    let (flag, variable, declared) = (free(), free(), free());
    let folder = folder("port", &[("function.yaml", &FILE.replace("9002", &declared.to_string()))]);
    let start =
        || Start::bare(env!("CARGO_BIN_EXE_fixture")).target("echo").arg("--manifest").arg(folder.path().join("function.yaml"));
    let port = |start: Start| start.serve().address().port();
    assert_eq!(port(start()), declared);
    assert_eq!(port(start().env("PORT", variable.to_string())), variable);
    assert_eq!(port(start().env("PORT", variable.to_string()).arg(format!("--port={flag}"))), flag);
}

fn params(path: &Path) -> Start {
    Start::new(env!("CARGO_BIN_EXE_fixture-params")).env("FUNCTION_MANIFEST", path)
}

#[test]
fn params_become_the_environment_of_the_same_process() {
    let folder = folder("params", &[("function.yaml", FILE)]);
    let path = folder.path().join("function.yaml");
    let program = params(&path).arg("--timeout").arg("7s").serve();
    assert_eq!(program.get("/GREETING").text(), "Hello");
    assert_eq!(program.get("/id").text(), program.id().to_string(), "the process is the one that was started");
    let arguments = program.get("/arguments").text().to_owned();
    assert!(arguments.ends_with("fixture-params --timeout 7s"), "{arguments}");
    let read = program.log().wait_text("read the Function manifest");
    assert_eq!(read.field("file"), path.display().to_string());
    program.terminate().expect(0, &[]);
}

#[test]
fn the_real_environment_wins_over_params() {
    let folder = folder("environment", &[("function.yaml", FILE)]);
    let start = || params(&folder.path().join("function.yaml"));
    for greeting in ["Hi", ""] {
        assert_eq!(start().env("GREETING", greeting).serve().get("/GREETING").text(), greeting);
    }
    let complete = start().env("GREETING", "Hi").env("RUST_LOG", "info").serve();
    assert_eq!(complete.get("/FUNCTION_PARAMS_SET").text(), "environment variable not found", "nothing was missing");
}

#[test]
fn params_are_settings_too() {
    let text = FILE.replace("GREETING: Hello", "FUNCTION_TARGET: conflict");
    let folder = folder("settings", &[("function.yaml", &text)]);
    let start = Start::new(env!("CARGO_BIN_EXE_fixture")).arg("--manifest").arg(folder.path().join("function.yaml"));
    start.serve().get("/").expect(409);
}

#[test]
fn who_serves_on_a_runtime_of_his_own_is_warned_of_params() {
    let folder = folder("serve", &[("function.yaml", FILE)]);
    let program = params(&folder.path().join("function.yaml")).env("SERVE_ON", "mine").serve();
    let warning = program.log().wait_text("params of the Function manifest are not set");
    assert_eq!(
        (warning.level(), warning.message()),
        ("WARN", "params of the Function manifest are not set: GREETING, RUST_LOG; App::run sets them")
    );
    assert_eq!(program.get("/GREETING").text(), "environment variable not found");
}

#[test]
fn a_context_that_a_named_file_replaces_is_warned_of() {
    let folder = folder("replaced", &[("function.yaml", FILE)]);
    let start = fixture("echo").arg("--manifest").arg(folder.path().join("function.yaml"));
    let program = start.env("FUNC_CONTEXT", V1).serve();
    let warning = program.log().wait_text("FUNC_CONTEXT: not read");
    assert_eq!(warning.level(), "WARN");
}
